import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SHA256_STATE_SIZE } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

const oracle = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
const hex = (engine: Engine, at: number) => Buffer.from(engine.bytes().subarray(at, at + 32)).toString('hex')

// FIPS 180-2 appendix B, and the empty message
const vectors: [string, string][] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
]

function sha256(engine: Engine, data: Uint8Array): string {
  return engine.scope(() => {
    const src = engine.put(data)
    const out = engine.reserve(32)
    engine.core.sha256(src, data.length, out)
    return hex(engine, out)
  })
}

function streamed(engine: Engine, parts: Uint8Array[]): string {
  return engine.scope(() => {
    const { core } = engine
    const state = engine.reserve(SHA256_STATE_SIZE)
    core.sha256Init(state)
    for (const part of parts) engine.scope(() => core.sha256Update(state, engine.put(part), part.length))
    core.sha256Final(state, state)
    return hex(engine, state)
  })
}

describe.each(builds)('sha256 (%s)', (_, engine) => {
  it.each(vectors)('FIPS 180-2 appendix B: %.20s', (text, digest) => {
    expect(sha256(engine, Buffer.from(text))).toBe(digest)
  })

  it('every length from 0 to 300', () => {
    const data = Uint8Array.from({ length: 300 }, (_, i) => (i * 167) ^ (i >> 3))
    for (let length = 0; length <= 300; length++) expect(sha256(engine, data.subarray(0, length)), `${length} bytes`).toBe(oracle(data.subarray(0, length)))
  })

  it('streams any division of a message', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        expect(streamed(engine, parts)).toBe(oracle(Buffer.concat(parts)))
      }),
      { numRuns: 300 },
    )
  })

  it('counts past 2^32 bytes', () => {
    // A state whose count alone is preset: its last block, handed over as data of a fresh state, must
    // leave the same chain.
    engine.scope(() => {
      const { core } = engine
      const state = engine.reserve(SHA256_STATE_SIZE)
      for (const count of [2n ** 29n, 2n ** 32n, 2n ** 40n + 64n]) {
        core.sha256Init(state)
        new DataView(core.memory.buffer).setBigUint64(state + 32, count, true)
        core.sha256Final(state, state)
        const digest = hex(engine, state)
        const block = Buffer.alloc(64)
        block[0] = 0x80
        block.writeBigUInt64BE(count * 8n, 56)
        core.sha256Init(state)
        core.sha256Update(state, engine.put(block), 64)
        const chain = Buffer.from(engine.bytes().slice(state, state + 32)).swap32()
        expect(digest).toBe(chain.toString('hex'))
      }
    })
  })
})

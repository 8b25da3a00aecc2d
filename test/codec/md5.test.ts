import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

const oracle = (data: Uint8Array) => createHash('md5').update(data).digest('hex')
const hex = (engine: Engine, at: number) => Buffer.from(engine.bytes().subarray(at, at + 16)).toString('hex')

// RFC 1321, A.5
const vectors: [string, string][] = [
  ['', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['a', '0cc175b9c0f1b6a831c399e269772661'],
  ['abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
  ['12345678901234567890123456789012345678901234567890123456789012345678901234567890', '57edf4a22be3c955ac49da2e2107b67a'],
]

/** Bytes that differ from one another and from one length to the next. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let x = (length * 2654435761 + seed) >>> 0 || 1
  for (let i = 0; i < length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    bytes[i] = x
  }
  return bytes
}

function md5(engine: Engine, data: Uint8Array): string {
  return engine.scope(() => {
    const src = engine.put(data)
    const out = engine.reserve(16)
    engine.core.md5(src, data.length, out)
    return hex(engine, out)
  })
}

function md5Many(engine: Engine, messages: Uint8Array[], stride = 8): string[] {
  return engine.scope(() => {
    const heap = engine.put(Buffer.concat(messages))
    const table = engine.reserve(messages.length * stride)
    const out = engine.reserve(messages.length * 16)
    let at = 0
    messages.forEach((message, i) => {
      engine.words().set([at, message.length], (table + i * stride) >> 2)
      at += message.length
    })
    engine.core.md5Many(heap, table, stride, messages.length, out)
    return messages.map((_, i) => hex(engine, out + 16 * i))
  })
}

function streamed(engine: Engine, parts: Uint8Array[]): string {
  return engine.scope(() => {
    const { core } = engine
    const state = engine.reserve(88)
    core.md5Init(state)
    for (const part of parts) engine.scope(() => core.md5Update(state, engine.put(part), part.length))
    core.md5Final(state, state)
    return hex(engine, state)
  })
}

describe.each(builds)('md5 (%s)', (_, engine) => {
  it.each(vectors)('RFC 1321 A.5: %j', (text, digest) => {
    expect(md5(engine, Buffer.from(text))).toBe(digest)
    expect(md5Many(engine, [Buffer.from(text)])).toEqual([digest])
  })

  it('every length from 0 to 300', () => {
    for (let length = 0; length <= 300; length++) expect(md5(engine, noise(length)), `${length} bytes`).toBe(oracle(noise(length)))
  })

  it('streams any division of a message', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        expect(streamed(engine, parts)).toBe(oracle(Buffer.concat(parts)))
      }),
      { numRuns: 300 },
    )
  })

  it('is right past 2^32 bytes', () => {
    // After 2^32 bytes 'a': the chain that hashing them leaves (6 s, so not in this suite), and the count.
    // The digest of 2^32 + 2^26 bytes 'a' and then 'end' is node:crypto's (OpenSSL), in 64 MiB updates.
    engine.scope(() => {
      const { core } = engine
      const state = engine.reserve(88)
      core.md5Init(state)
      engine.bytes().set(Buffer.from('481b90bf63e41b70a6653b153eb804620000000001000000', 'hex'), state)
      const src = engine.put(Buffer.alloc(2 ** 20, 'a'))
      for (let i = 0; i < 64; i++) core.md5Update(state, src, 2 ** 20)
      core.md5Update(state, engine.put(Buffer.from('end')), 3)
      core.md5Final(state, state)
      expect(hex(engine, state)).toBe('bcf8d2fbe20622bc0c125bfb2f32d7e5')
    })
  })
})

describe.each(builds)('md5Many (%s)', (_, engine) => {
  it('counts 0 to 40, mixed lengths, empty ones among them', () => {
    for (let count = 0; count <= 40; count++) {
      const short = Array.from({ length: count }, (_, i) => noise((i * 7 + count) % 56, i))
      const long = Array.from({ length: count }, (_, i) => noise(i % 5 === 0 ? 0 : (i * 797 + count) % 900, i))
      expect(md5Many(engine, short), `${count} short`).toEqual(short.map(oracle))
      expect(md5Many(engine, long, 32), `${count} mixed`).toEqual(long.map(oracle))
    }
  })

  it('every length from 0 to 300 in one call', () => {
    const messages = Array.from({ length: 301 }, (_, length) => noise(length))
    expect(md5Many(engine, messages)).toEqual(messages.map(oracle))
  })

  it('any messages', () => {
    const message = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 50, maxLength: 140 }), fc.nat(5000).map(noise))
    fc.assert(
      fc.property(fc.array(message, { maxLength: 50 }), (messages) => {
        expect(md5Many(engine, messages)).toEqual(messages.map(oracle))
      }),
      { numRuns: 150 },
    )
  })

  it('one long message beside many short ones', () => {
    const messages = [noise(200_000), ...Array.from({ length: 30 }, (_, i) => noise(60 + i)), noise(3)]
    expect(md5Many(engine, messages)).toEqual(messages.map(oracle))
  })

  it('writes nothing but the digests', () => {
    engine.scope(() => {
      const heap = engine.put(noise(1000))
      const table = engine.put(new Uint8Array(new Uint32Array([0, 20, 20, 100, 120, 880]).buffer))
      const out = engine.reserve(64)
      engine.bytes().fill(0xee, out, out + 64)
      engine.core.md5Many(heap, table, 8, 3, out)
      expect(engine.bytes().subarray(out + 48, out + 64)).toEqual(new Uint8Array(16).fill(0xee))
      expect(engine.bytes().subarray(heap, heap + 1000)).toEqual(noise(1000))
    })
  })
})

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { crc32, crc32c, Hasher, md5, sha256 } from '../../src/engine/digest.js'
import { engine } from '../../src/engine/engine.js'

const data = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 167) ^ (i >> 7))
const sizes = [0, 1, 64, 262_144, 262_145, 700_001]

describe('digests', () => {
  it.each(sizes)('of %i bytes are those of node:crypto', (size) => {
    const part = data.subarray(0, size)
    expect(Buffer.from(md5(part))).toEqual(createHash('md5').update(part).digest())
    expect(Buffer.from(sha256(part))).toEqual(createHash('sha256').update(part).digest())
  })

  it('of two hashers in turn do not mix, and start anew', () => {
    const hashers = [new Hasher('md5'), new Hasher('sha256')]
    for (const round of [1, 2]) {
      for (let at = 0; at < 10_000; at += 777 * round) for (const hasher of hashers) hasher.update(data.subarray(at, at + 777 * round))
      const fed = data.subarray(0, Math.ceil(10_000 / (777 * round)) * 777 * round)
      expect(hashers.map((hasher) => Buffer.from(hasher.digest()))).toEqual(['md5', 'sha256'].map((name) => createHash(name).update(fed).digest()))
    }
  })

  it('do not make memory grow with the data', () => {
    const before = engine().bytes().length
    sha256(new Uint8Array(before * 2))
    crc32(new Uint8Array(before * 2))
    expect(engine().bytes().length).toBe(before)
  })
})

describe('checksums', () => {
  it('are unsigned, and go on from one piece to the next', () => {
    const text = new TextEncoder().encode('123456789')
    expect(crc32(text)).toBe(0xcbf43926)
    expect(crc32c(text)).toBe(0xe3069283)
    expect(crc32(data.subarray(300_000), crc32(data.subarray(0, 300_000)))).toBe(crc32(data))
    expect(crc32c(data.subarray(1), crc32c(data.subarray(0, 1)))).toBe(crc32c(data))
  })
})

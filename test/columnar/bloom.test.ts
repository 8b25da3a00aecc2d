import fc from 'fast-check'
import { sbbfContains, sbbfInsert } from 'hyparquet/src/bloom.js'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { describe, expect, it } from 'vitest'
import { BLOOM_BLOCK } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

const words = (bytes: Uint8Array) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
const hex = (i: number) => Buffer.from(i.toString(16).padStart(8, '0'))

/** Our filter of `size` bytes over values of `width` bytes or, where that is 0, byte arrays; folded to `rate`, if there is one. */
function filterOf(engine: Engine, size: number, values: readonly Uint8Array[], width: number, rate?: number): Uint8Array {
  const plain = Buffer.concat(values.flatMap((v) => (width ? [v] : [new Uint8Array(Uint32Array.of(v.length).buffer), v])))
  return engine.scope(() => {
    const at = engine.put(plain)
    const filter = engine.reserve(size)
    engine.bytes().fill(0, filter, filter + size)
    engine.core.bloomInsert(filter, size, at, values.length, width)
    const end = rate === undefined ? size : engine.core.bloomFold(filter, size, rate)
    return engine.bytes().slice(filter, filter + end)
  })
}

function oracle(size: number, values: readonly Uint8Array[]): Uint8Array {
  const blocks = new Uint32Array(size >> 2)
  for (const value of values) sbbfInsert(blocks, xxhash64(value))
  return new Uint8Array(blocks.buffer)
}

describe.each(builds)('bloom filter (%s)', (_, engine) => {
  it.each([32, 64, 1024, 1 << 20])('of %d bytes has the bits of an independent one', (size) => {
    const texts = Array.from({ length: 500 }, (_, i) => Buffer.from('mill'.repeat(i % 25) + i))
    expect(Buffer.compare(filterOf(engine, size, texts, 0), oracle(size, texts))).toBe(0)
    for (const width of [4, 8, 12, 16]) {
      const values = Array.from({ length: 300 }, (_, i) => new Uint8Array(width).map((_, j) => Math.imul(i + 1, j + 77) >> (j & 7)))
      expect(Buffer.compare(filterOf(engine, size, values, width), oracle(size, values))).toBe(0)
    }
  })

  it('any byte arrays', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 40 }), (values) => {
        expect(Buffer.compare(filterOf(engine, 256, values, 0), oracle(256, values))).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    [0, 32],
    [1, 32],
    [1000, 2048],
    [26_214, 65_536],
    [60_000, 131_072],
  ])('%d values fold to %d bytes at a rate of 0.01, as a filter of that size from the start', (count, size) => {
    const values = Array.from({ length: count }, (_, i) => hex(i))
    const folded = filterOf(engine, 1 << 20, values, 0, 0.01)
    expect(folded.length).toBe(size)
    expect(Buffer.compare(folded, filterOf(engine, size, values, 0))).toBe(0)
    let wrong = 0
    for (let i = 0; i < 5000; i++) {
      if (count > 0) expect(sbbfContains(words(folded), xxhash64(values[i % count]))).toBe(true)
      if (sbbfContains(words(folded), xxhash64(hex(0x7000_0000 + i)))) wrong++
    }
    expect(wrong / 5000).toBeLessThan(0.015)
  })

  it('a full filter is not folded', () => {
    const values = Array.from({ length: 5000 }, (_, i) => hex(i))
    expect(filterOf(engine, 1024, values, 0, 0.01).length).toBe(1024)
    expect(BLOOM_BLOCK).toBe(32)
  })
})

import fc from 'fast-check'
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js'
import { describe, expect, it } from 'vitest'
import { OUTPUT_FULL } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'

const reader = (bytes: Uint8Array) => ({ view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 })

/** What a kernel writes to a buffer of `cap` bytes, behind which nothing may change. */
function run(engine: Engine, plain: Uint8Array, cap: number, kernel: (src: number, dst: number) => number): Uint8Array {
  return engine.scope(() => {
    const src = engine.put(plain)
    const dst = engine.reserve(cap + 32)
    engine.bytes().fill(0xa5, dst + cap, dst + cap + 32)
    const size = kernel(src, dst)
    expect(size).toBeGreaterThan(0)
    expect(report(engine).produced).toBe(size)
    expect(engine.bytes().subarray(dst + cap, dst + cap + 32)).toEqual(new Uint8Array(32).fill(0xa5))
    return engine.bytes().slice(dst, dst + size)
  })
}

const bytesOf = (values: Int32Array | BigInt64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

function integers(engine: Engine, values: Int32Array | BigInt64Array): Uint8Array {
  const width = values.BYTES_PER_ELEMENT
  const cap = engine.core.deltaBound(values.length, width)
  return run(engine, bytesOf(values), cap, (src, dst) => {
    expect(engine.core.deltaIntegers(src, values.length, width, dst, cap - 1)).toBe(OUTPUT_FULL)
    return engine.core.deltaIntegers(src, values.length, width, dst, cap)
  })
}

/** The specification's decoder, word for word; fails for bytes too many and for widths above the type's. */
function decode(bytes: Uint8Array, bits: 32 | 64): bigint[] {
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const zigzag = () => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  expect(varint()).toBe(128n)
  expect(varint()).toBe(4n)
  const count = Number(varint())
  const values = [zigzag()]
  while (values.length < count) {
    const least = zigzag()
    const widths = bytes.subarray(at, at + 4)
    at += 4
    for (const width of widths) {
      if (values.length >= count) {
        expect(width).toBe(0)
        continue
      }
      expect(width).toBeLessThanOrEqual(bits)
      let packed = 0n
      for (let i = 0; i < width * 4; i++) packed |= BigInt(bytes[at + i]) << BigInt(8 * i)
      at += width * 4
      for (let i = 0; i < 32; i++) {
        const difference = (packed >> BigInt(i * width)) & ((1n << BigInt(width)) - 1n)
        if (values.length < count) values.push(BigInt.asIntN(bits, values[values.length - 1] + least + difference))
        else expect(difference).toBe(0n)
      }
    }
  }
  expect(at).toBe(bytes.length)
  return count === 0 ? [] : values
}

function checkIntegers(engine: Engine, values: Int32Array | BigInt64Array): void {
  const packed = integers(engine, values)
  const wide = values instanceof BigInt64Array
  const back = wide ? new BigInt64Array(values.length) : new Int32Array(values.length)
  deltaBinaryUnpack(reader(packed), values.length, back)
  expect(back).toEqual(values)
  expect(decode(packed, wide ? 64 : 32)).toEqual(Array.from(values as BigInt64Array, BigInt))
}

function plainOf(values: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(values.flatMap((v) => [new Uint8Array(Uint32Array.of(v.length).buffer), v]))
}

function checkStrings(engine: Engine, values: Uint8Array[], fixed = 0): void {
  const count = values.length
  const plain = fixed ? Buffer.concat(values) : plainOf(values)
  const scratch = (src: number, words: number) => [src, engine.reserve(count * 4 * words)] as const
  const cap = 2 * engine.core.deltaBound(count, 4) + plain.length
  const strings = run(engine, plain, cap, (src, dst) => {
    const [from, room] = scratch(src, 2)
    expect(engine.core.deltaStrings(from, count, fixed, room, dst, cap - 1)).toBe(OUTPUT_FULL)
    return engine.core.deltaStrings(from, count, fixed, room, dst, cap)
  })
  const back: Uint8Array[] = []
  deltaByteArray(reader(strings), count, back)
  expect(back.map((b) => Buffer.from(b))).toEqual(values.map((v) => Buffer.from(v)))
  if (fixed) return
  const less = engine.core.deltaBound(count, 4) + plain.length
  const lengths = run(engine, plain, less, (src, dst) => {
    const [from, room] = scratch(src, 1)
    expect(engine.core.deltaLengths(from, count, room, dst, less - 1)).toBe(OUTPUT_FULL)
    return engine.core.deltaLengths(from, count, room, dst, less)
  })
  const again: Uint8Array[] = []
  deltaLengthByteArray(reader(lengths), count, again)
  expect(again.map((b) => Buffer.from(b))).toEqual(values.map((v) => Buffer.from(v)))
}

const LONG = [-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 1n, 2n ** 62n, -(2n ** 62n) - 1n]
const SHORT = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1, 2 ** 30, -(2 ** 30) - 1]

describe.each(builds)('delta encodings (%s)', (_, engine) => {
  it.each([0, 1, 2, 31, 32, 33, 34, 127, 128, 129, 130, 257, 1000])('%d integers', (count) => {
    checkIntegers(
      engine,
      Int32Array.from({ length: count }, (_, i) => i * 3 + (i % 7)),
    )
    checkIntegers(
      engine,
      Int32Array.from({ length: count }, (_, i) => SHORT[(i * 5) % 7]),
    )
    checkIntegers(
      engine,
      BigInt64Array.from({ length: count }, (_, i) => 1_767_225_600_000n + BigInt(i * 40)),
    )
    checkIntegers(
      engine,
      BigInt64Array.from({ length: count }, (_, i) => LONG[(i * 3) % 7]),
    )
  })

  it('every width from 0 to 64', () => {
    for (let width = 0; width <= 64; width++) {
      const top = width === 0 ? 0n : 1n << BigInt(width - 1)
      let value = 0n
      const values = Array.from({ length: 70 }, (_, i) => (value = BigInt.asIntN(64, value + (i % 3 === 1 ? top : i % 3 === 2 ? BigInt(i) % (top + 1n) : 0n))))
      checkIntegers(engine, BigInt64Array.from(values))
      checkIntegers(
        engine,
        Int32Array.from(values, (v) => Number(BigInt.asIntN(32, v))),
      )
    }
  })

  it('any integers', () => {
    const long = fc.oneof(fc.constantFrom(...LONG), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -40n, max: 40n }))
    const short = fc.oneof(fc.constantFrom(...SHORT), fc.integer(), fc.integer({ min: -40, max: 40 }))
    fc.assert(
      fc.property(fc.array(long, { maxLength: 300 }), fc.array(short, { maxLength: 300 }), (a, b) => {
        checkIntegers(engine, BigInt64Array.from(a))
        checkIntegers(engine, Int32Array.from(b))
      }),
      { numRuns: 60 },
    )
  })

  it('is as small as the specification makes a clock', () => {
    // 24 bits of steps below 2^5: 5 bits a value and 5 + 4 bytes a block
    const clock = BigInt64Array.from({ length: 12_800 }, (_, i) => BigInt(i) * 40n + BigInt((i * 7) % 31))
    expect(integers(engine, clock).length).toBeLessThan(12_800 * 0.85)
    expect(integers(engine, new BigInt64Array(128_000)).length).toBeLessThan(1000 * 6)
  })

  it.each([0, 1, 127, 128, 129, 600])('%d strings', (count) => {
    checkStrings(
      engine,
      Array.from({ length: count }, (_, i) => Buffer.from(`https://example.org/${Math.floor(i / 9)}/${i % 5 ? '水車' : ''}${i}`)),
    )
    checkStrings(
      engine,
      Array.from({ length: count }, (_, i) => Buffer.from('same'.repeat(i % 3))),
    )
    for (const fixed of [1, 12, 16])
      checkStrings(
        engine,
        Array.from({ length: count }, (_, i) => new Uint8Array(fixed).fill(i >> 2, fixed >> 1)),
        fixed,
      )
  })

  it('long strings', () => {
    const long = Buffer.alloc(9000, 'mill ')
    checkStrings(engine, [long, long, Buffer.from(long.subarray(0, 5000)), Buffer.concat([long, Buffer.from('x')]), Buffer.alloc(0), long])
  })

  it('any strings', () => {
    const word = fc.array(fc.constantFrom('a', 'b', 'mill', 'race', 'é', ''), { maxLength: 12 }).map((w) => Buffer.from(w.join('')))
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.uint8Array({ maxLength: 80 })), { maxLength: 200 }), (values) => checkStrings(engine, values)),
      { numRuns: 60 },
    )
  })
})

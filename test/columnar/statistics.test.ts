import fc from 'fast-check'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import type { Leaf } from '../../src/types.js'
import { type Cell, type Column, encode, write } from './batches.js'

const statistics = (bytes: Uint8Array) => {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  return parquetMetadata(buffer, { parsers: { stringFromBytes: (b: Uint8Array) => Buffer.from(b).toString('hex') } as never }).row_groups[0].columns.map(
    (c) => c.meta_data!.statistics!,
  )
}
const raw = (value: unknown): Buffer => Buffer.from(String(value), 'hex')

// values that share prefixes of every length up to and past what the fast path compares
const prefixes = [
  '',
  'a',
  'user-',
  '/catalo',
  '/catalog',
  '/catalogue/',
  '0123456789abcde',
  '0123456789abcdef',
  '0123456789abcdefg',
  'x'.repeat(63),
  'x'.repeat(64),
  '\u{10ffff}'.repeat(16),
]
const strings = fc
  .tuple(fc.constantFrom(...prefixes), fc.array(fc.tuple(fc.boolean(), fc.string({ unit: 'grapheme', maxLength: 12 })), { minLength: 1, maxLength: 40 }))
  .map(([prefix, tails]) => tails.map(([with_, tail]) => (with_ ? prefix : prefix.slice(0, tail.length)) + tail))

describe.each(['simd', 'scalar'] as const)('statistics (%s)', (build) => {
  it('bound every string by bytes, exactly where they say so, always with valid UTF-8', async () => {
    await fc.assert(
      fc.asyncProperty(strings, fc.boolean(), fc.constantFrom(1, 3, 100), async (values, dictionary, batch) => {
        // a dictionary of 16 bytes is full at once: PLAIN
        const fields: Column[] = [
          { name: 's', leaf: { type: 'string' }, nullable: false, values: dictionary ? values.flatMap((v) => Array<Cell>(6).fill(v)) : values },
        ]
        const [s] = statistics(await write(build, fields, { codec: 'none', dictionaryBytes: dictionary ? 65536 : 16 }, batch))
        const sorted = values.map((v) => Buffer.from(v)).sort(Buffer.compare)
        const [low, high] = [sorted[0], sorted.at(-1)!]
        // no text is above all that begin so: then no bounds at all
        if (s.max_value === undefined) {
          expect(high.subarray(0, 64).toString().replaceAll('\u{10ffff}', '').replaceAll('\ufffd', '')).toBe('')
          expect(s.min_value).toBeUndefined()
          return
        }
        const min = raw(s.min_value)
        expect(Buffer.compare(min, low)).toBeLessThanOrEqual(0)
        expect(s.is_min_value_exact).toBe(low.length <= 64)
        if (low.length <= 64) expect(min).toEqual(low)
        expect(Buffer.from(min.toString()).equals(min)).toBe(true)
        const max = raw(s.max_value)
        expect(Buffer.compare(max, high)).toBeGreaterThanOrEqual(0)
        expect(s.is_max_value_exact).toBe(high.length <= 64)
        if (high.length <= 64) expect(max).toEqual(high)
        expect(Buffer.from(max.toString()).equals(max)).toBe(true)
        expect(max.length).toBeLessThanOrEqual(65)
      }),
      { numRuns: 250 },
    )
  })

  it('tell a text of 64 bytes from the longer ones that begin with it', async () => {
    const [short, long] = ['x'.repeat(64), 'x'.repeat(65)]
    for (const values of [
      [short, long],
      [long, short],
    ])
      for (const pageRows of [1, 10]) {
        const [s] = statistics(await write(build, [{ name: 's', leaf: { type: 'string' }, nullable: false, values }], { codec: 'none', pageRows }))
        expect([raw(s.min_value).toString(), raw(s.max_value).toString()]).toEqual([short, `${'x'.repeat(63)}y`])
        expect([s.is_min_value_exact, s.is_max_value_exact]).toEqual([true, false])
      }
  })

  it('round binary up by any byte, text by characters', async () => {
    // as the encoder has them: the metadata of a binary chunk has none (metadata.ts)
    const most = async (leaf: Leaf, value: Cell) => {
      const field = { name: 's', key: 's', nullable: false, leaf }
      const { chunks } = await encode(build, [field], [{ defs: [0], reps: [0], values: [value ?? undefined] }], { codec: 'none' })
      return chunks[0].bounds && Buffer.from(chunks[0].bounds.max)
    }
    const ff = (n: number) => new Uint8Array(n).fill(255)
    expect(await most({ type: 'binary' }, Buffer.concat([Buffer.from([1, 2]), ff(80)]))).toEqual(Buffer.from([1, 3]))
    expect(await most({ type: 'string' }, `${'é'.repeat(31)}a${'é'.repeat(9)}`)).toEqual(Buffer.from(`${'é'.repeat(31)}b`))
    expect(await most({ type: 'binary' }, ff(80))).toBeUndefined()
  })

  it('are none where there is NaN, know both infinities and both zeros, count nulls', async () => {
    const doubles = async (values: Cell[]) =>
      statistics(await write(build, [{ name: 'd', leaf: { type: 'double' }, nullable: true, values }], { codec: 'none' }))[0]
    for (const values of [
      [Number.NaN, 2, null, 1],
      [2, null, 1, Number.NaN],
      [null, 1, Number.NaN, 5, -5],
    ]) {
      expect(await doubles(values)).toMatchObject({ null_count: 1n, min_value: undefined, max_value: undefined })
    }
    expect(await doubles([Number.NaN, null, null])).not.toHaveProperty('min_value', expect.anything())
    expect(await doubles([Number.POSITIVE_INFINITY])).toMatchObject({ min_value: Number.POSITIVE_INFINITY, max_value: Number.POSITIVE_INFINITY })
    expect(await doubles([Number.NEGATIVE_INFINITY, 5])).toMatchObject({ min_value: Number.NEGATIVE_INFINITY, max_value: 5 })
    for (const zero of [0, -0]) {
      const { min_value, max_value } = await doubles([zero])
      expect([Object.is(min_value, -0), Object.is(max_value, 0)]).toEqual([true, true])
    }
    expect(await doubles([null, null])).toMatchObject({ null_count: 2n })
  })

  it('order integers and booleans as signed', async () => {
    const fields: Column[] = [
      { name: 'i', leaf: { type: 'int32' }, nullable: false, values: [5, -7, 3] },
      { name: 'l', leaf: { type: 'int64' }, nullable: false, values: [-(2n ** 63n), 0n, 2n ** 63n - 1n] },
      { name: 'b', leaf: { type: 'boolean' }, nullable: false, values: [true, false, true] },
      { name: 't', leaf: { type: 'boolean' }, nullable: true, values: [true, null, true] },
    ]
    expect(statistics(await write(build, fields, { codec: 'none' }))).toMatchObject([
      { min_value: -7, max_value: 5 },
      { min_value: -(2n ** 63n), max_value: 2n ** 63n - 1n },
      { min_value: false, max_value: true },
      { min_value: true, max_value: true, null_count: 1n },
    ])
  })
})

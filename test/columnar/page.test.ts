// Pages of random schemas and rows, taken apart by the format's text alone.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leavesOf, PHYSICAL } from '../../src/engine/leaves.js'
import type { Encoding } from '../../src/engine/pages.js'
import type { Leaf } from '../../src/types.js'
import { type Cell, encode, type Field, packed, type Row, type Shreds, shred, type Value } from './batches.js'
import { decodePage } from './decode.js'
import { checkBounds } from './order.js'

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
/** Every physical type, width and order. */
const CELLS: [Leaf, fc.Arbitrary<Cell>][] = [
  [{ type: 'boolean' }, fc.boolean()],
  [{ type: 'int32' }, fc.integer()],
  [{ type: 'uint32' }, fc.integer()],
  [{ type: 'int64' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ type: 'uint64' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ type: 'float' }, fc.float()],
  [{ type: 'double' }, fc.double()],
  [{ type: 'string' }, fc.string({ unit: 'grapheme', maxLength: 90 })],
  [{ type: 'binary' }, fc.uint8Array({ maxLength: 90 })],
  [{ type: 'uuid' }, bytes(16)],
  [{ type: 'decimal', precision: 38, scale: 2 }, bytes(16)],
  [{ type: 'timestamp', int96: true }, bytes(12)],
]

interface Case {
  field: Field
  value: fc.Arbitrary<Value>
}

/** A field of any shape, and values for it; `few` different leaves make dictionaries pay. */
const shape = (name: string, depth: number): fc.Arbitrary<Case> => {
  const nullable = (made: Omit<Case['field'], 'nullable' | 'name' | 'key'>, value: fc.Arbitrary<Value>) =>
    fc.boolean().map((may): Case => ({ field: { name, key: name, nullable: may, ...made }, value: may ? fc.option(value, { freq: 4 }) : value }))
  const leaf = fc
    .tuple(fc.constantFrom(...CELLS), fc.boolean())
    .chain(([[type, cell], few]) =>
      few ? fc.array(cell, { minLength: 1, maxLength: 5 }).chain((some) => nullable({ leaf: type }, fc.constantFrom(...some))) : nullable({ leaf: type }, cell),
    )
  if (depth === 0) return leaf
  const member = (n: string) => shape(n, depth - 1)
  return fc.oneof(
    { weight: 2, arbitrary: leaf },
    { weight: 1, arbitrary: member('element').chain((e) => nullable({ list: e.field }, fc.array(e.value, { maxLength: 6 }))) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(member('a'), member('b'))
        .chain(([a, b]) => nullable({ struct: [a.field, b.field] }, fc.record({ a: a.value, b: b.value }) as fc.Arbitrary<Value>)),
    },
    {
      weight: 1,
      arbitrary: member('value').chain((v) =>
        nullable(
          { map: { key: { name: 'key', key: 'key', nullable: false, leaf: { type: 'int32' } }, value: v.field } },
          fc.array(fc.tuple(fc.integer(), v.value), { maxLength: 5 }).map((pairs): Value => new Map(pairs)),
        ),
      ),
    },
  )
}

interface Options {
  version: 1 | 2
  codec: 'none' | 'snappy'
  pageIndex: boolean
  pageRows: number
  pageBytes: number
  dictionaryBytes: number
  batchRows: number
  encoding: Encoding
}
const options: fc.Arbitrary<Options> = fc.record({
  version: fc.constantFrom(1, 2),
  codec: fc.constantFrom('none', 'snappy'),
  pageIndex: fc.boolean(),
  pageRows: fc.constantFrom(1, 3, 8, 50, 4096),
  pageBytes: fc.constantFrom(16, 200, 5000, 1 << 20),
  dictionaryBytes: fc.constantFrom(1, 64, 1000, 1 << 20),
  batchRows: fc.constantFrom(1, 7, 1000),
  encoding: fc.constantFrom('auto', 'plain', 'dictionary'),
})

/** What was put in comes out of the pages, cut at rows, with counts and bounds that are true. */
async function roundTrip(build: 'simd' | 'scalar', fields: Field[], shreds: Shreds[], { batchRows, encoding, ...rest }: Options) {
  const encodings = leavesOf(fields).map(({ physical }): Encoding => (physical === PHYSICAL.boolean ? 'auto' : encoding))
  const { leaves, pages, chunks } = await encode(build, fields, shreds, { ...rest, encodings }, batchRows)
  leaves.forEach((leaf, i) => {
    const { defs, reps, values } = shreds[i]
    const present = values.flatMap((v) => (v === undefined ? [] : [packed(leaf, v).toString('hex')]))
    const own = pages.filter(({ column }) => column === i)
    const dictionaries = own.filter(({ dictionary }) => dictionary)
    expect(dictionaries.length).toBeLessThan(2)
    let entries: Uint8Array[] = []
    for (const page of dictionaries) {
      const [unpacked] = [decodePage({ ...page, encoding: 0 }, { ...leaf, maxDef: 0, maxRep: 0 }, 1, rest.codec)]
      entries = unpacked.values
      expect(entries.length).toBe(page.values)
      expect(new Set(entries.map((e) => Buffer.from(e).toString('hex'))).size).toBe(entries.length)
    }
    const out = { defs: [] as number[], reps: [] as number[], values: [] as string[] }
    for (const page of own.filter(({ dictionary }) => !dictionary)) {
      const decoded = decodePage(page, leaf, rest.version, rest.codec, entries)
      const hex = decoded.values.map((v) => Buffer.from(v).toString('hex'))
      expect(decoded.reps[0]).toBe(0)
      expect(page.rows).toBe(decoded.reps.filter((r) => r === 0).length)
      expect(page.nulls).toBe(page.values - hex.length)
      if (page.rows > 1) expect(page.values).toBeLessThanOrEqual(rest.pageRows)
      if (page.rows > 1 && page.encoding === 0 && leaf.physical !== PHYSICAL.boolean) {
        const size = decoded.values.reduce((sum, v) => sum + v.length + (leaf.physical === PHYSICAL.byteArray ? 4 : 0), 0)
        expect(size).toBeLessThanOrEqual(rest.pageBytes)
      }
      if (rest.pageIndex) checkBounds(leaf, decoded.values, page.bounds)
      else expect(page.bounds).toBeUndefined()
      out.defs.push(...decoded.defs)
      out.reps.push(...decoded.reps)
      out.values.push(...hex)
    }
    // toEqual takes seconds for long arrays
    expect(out.defs.join()).toBe((leaf.maxDef > 0 ? defs : defs.map(() => 0)).join())
    expect(out.reps.join()).toBe(reps.join())
    expect(out.values.join()).toBe(present.join())
    const raw = present.map((hex) => Buffer.from(hex, 'hex'))
    const { plainBytes, distinct, bounds, ...counts } = chunks[i]
    expect(counts).toEqual({ values: defs.length, nulls: defs.length - present.length })
    expect(plainBytes).toBe(raw.reduce((sum, v) => sum + v.length + (leaf.physical === PHYSICAL.byteArray ? 4 : 0), 0))
    if (distinct !== undefined) expect(distinct).toBe(new Set(present).size)
    checkBounds(leaf, raw, bounds)
  })
}

describe.each(['simd', 'scalar'] as const)('pages (%s)', (build) => {
  it('give back random nested rows', async () => {
    const cases = fc
      .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 })
      .chain((depths) => fc.tuple(...depths.map((depth, i) => shape(`f${i}`, depth))))
      .chain((shapes) => {
        const row = fc.record(Object.fromEntries(shapes.map(({ field, value }) => [field.key, value]))) as unknown as fc.Arbitrary<Row>
        return fc.tuple(fc.constant(shapes.map(({ field }) => field)), fc.array(row, { minLength: 1, maxLength: 40 }))
      })
    await fc.assert(
      fc.asyncProperty(cases, options, async ([fields, rows], o) => roundTrip(build, fields, shred(fields, rows), o)),
      { numRuns: build === 'simd' ? 250 : 120 },
    )
  })

  const list = (leaf: Leaf): Field => ({ name: 'l', key: 'l', nullable: true, list: { name: 'element', key: 'element', nullable: true, leaf } })
  const usual: Options = {
    ...{ version: 1, codec: 'snappy', pageIndex: true, pageRows: 32768, pageBytes: 1 << 20, dictionaryBytes: 1 << 20 },
    ...{ batchRows: 100, encoding: 'auto' },
  }

  it.each([1, 2] as const)('a row of 40,000 entries among short ones, version %d', async (version) => {
    for (const value of [(i: number) => `tag ${i % 9}`, (i: number) => `${i} never twice`]) {
      const long = Array.from({ length: 40_000 }, (_, i) => (i % 10 === 3 ? null : value(i)))
      const rows: Row[] = [{ l: ['a'] }, { l: [] }, { l: null }, { l: long }, { l: ['z', null] }]
      const field = list({ type: 'string' })
      await roundTrip(build, [field], shred([field], rows), { ...usual, version, pageRows: 1024 })
    }
  })

  it('levels of all widths up to eight bits', async () => {
    for (const depth of [1, 2, 3, 4, 7, 8, 15, 16, 40, 100]) {
      let field: Field = { name: 'v', key: 'v', nullable: true, leaf: { type: 'int32' } }
      for (let i = 0; i < depth; i++) field = { name: 'l', key: 'l', nullable: true, list: field }
      const [leaf] = leavesOf([field])
      // any levels will do: each entry's own choice, the first of a row 0
      const defs = Array.from({ length: 700 }, (_, i) => (i % 50 < 25 ? (i * 7919) % (leaf.maxDef + 1) : leaf.maxDef))
      const reps = defs.map((_, i) => (i % 9 === 0 ? 0 : i % 60 < 30 ? 1 : (i * 31) % (leaf.maxRep + 1)))
      const values = defs.map((def, i) => (def === leaf.maxDef ? i : undefined))
      await roundTrip(build, [field], [{ defs, reps, values }], { ...usual, version: depth % 2 === 0 ? 1 : 2, pageRows: 100 })
    }
  })

  it('a dictionary given up after pages of it, in the middle of a row', async () => {
    const field = list({ type: 'int64' })
    const rows: Row[] = Array.from({ length: 3000 }, (_, r) => ({ l: Array.from({ length: r % 7 }, (_, i) => BigInt(r < 2000 ? i : r * 8 + i)) }))
    for (const batchRows of [64, 3000]) await roundTrip(build, [field], shred([field], rows), { ...usual, dictionaryBytes: 4096, pageRows: 512, batchRows })
  })
})

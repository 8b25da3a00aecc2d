import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetMetadata, parquetMetadataAsync, parquetReadObjects, readColumnIndex, readOffsetIndex } from 'hyparquet'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ORDER_BYTES, ORDER_DECIMAL, ORDER_FLOATING, ORDER_SIGNED, ORDER_UNSIGNED } from '../../src/engine/core.js'
import { createEngine } from '../../src/engine/engine.js'
import { leavesOf } from '../../src/engine/leaves.js'
import { createParquetFile } from '../../src/parquet/file/file.js'
import { checkFileOptions } from '../../src/parquet/file/options.js'
import { boundaryOrder, compareValues } from '../../src/parquet/file/pageindex.js'
import { createRowGroupBuilder, type FinishedRowGroup } from '../../src/parquet/file/rowgroup.js'
import type { Field } from '../../src/types.js'
import { type Row, shred, writeShreds } from '../columnar/batches.js'
import { type Duck, openDuck } from '../duck.js'
import { arrayBuffer, file, float64, group, int64, leaf, page, text, type Value } from './pages.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const less64 = (a: Uint8Array, b: Uint8Array) => compareValues(a, b, ORDER_SIGNED) < 0
const lessText = (a: Uint8Array, b: Uint8Array) => compareValues(a, b, ORDER_BYTES) < 0

/** A reader of `bytes` from `at` on. */
const reader = (bytes: Uint8Array, at: number | bigint) => ({ view: new DataView(bytes.buffer, bytes.byteOffset + Number(at)), offset: 0 })

/** Every page header of the file, found by the sizes that it says, with its place and body. */
function pagesOf(bytes: Uint8Array) {
  const pages: { at: number; size: number; header: ReturnType<typeof deserializeTCompactProtocol>; body: Uint8Array }[] = []
  for (const { columns } of parquetMetadata(arrayBuffer(bytes)).row_groups) {
    for (const { meta_data } of columns) {
      let at = Number(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset)
      const end = at + Number(meta_data!.total_compressed_size)
      while (at < end) {
        const from = reader(bytes, at)
        const header = deserializeTCompactProtocol(from)
        const size = from.offset + header.field_3
        pages.push({ at, size, header, body: bytes.subarray(at + from.offset, at + size) })
        at += size
      }
      expect(at).toBe(end)
    }
  }
  return pages
}

describe('the page index', () => {
  const fields = [leaf('up', { type: 'int64' }), leaf('s', { type: 'string' }), leaf('d', { type: 'double' }), leaf('t', { type: 'timestamp', int96: true })]
  const n = 500
  const columns: Value[][] = [
    Array.from({ length: n }, (_, i) => (i >= 100 && i < 200 ? null : int64(BigInt(i) - 50n))),
    Array.from({ length: n }, (_, i) => text(`${(i * 7919) % n}`)),
    Array.from({ length: n }, (_, i) => float64(i < 100 ? Number.NaN : i)),
    Array.from({ length: n }, () => new Uint8Array(12)),
  ]

  it.each(['none', 'gzip'] as const)('says of each page where it lies and what is in it (%s)', async (compression) => {
    const lessDouble = () => false
    const bytes = await file(fields, [columns, columns], { compression }, { less: [less64, lessText, lessDouble] })
    const { row_groups, schema } = parquetMetadata(arrayBuffer(bytes))
    const pages = pagesOf(bytes)
    let next = 0
    for (const { columns: chunks } of row_groups) {
      for (const [i, chunk] of chunks.entries()) {
        const { page_locations } = readOffsetIndex(reader(bytes, chunk.offset_index_offset!))
        expect(page_locations.map((p) => [Number(p.offset), p.compressed_page_size, Number(p.first_row_index)])).toEqual(
          page_locations.map((_, k) => [pages[next + k].at, pages[next + k].size, k * 100]),
        )
        next += page_locations.length
        if (i > 2) {
          expect(chunk.column_index_offset).toBeUndefined()
          continue
        }
        const index = readColumnIndex(reader(bytes, chunk.column_index_offset!), schema[i + 1])
        if (i === 0)
          expect(index).toMatchObject({
            null_pages: [false, true, false, false, false],
            boundary_order: 'ASCENDING',
            null_counts: [0n, 100n, 0n, 0n, 0n],
          })
        if (i === 0) expect([index.min_values[2], index.max_values[2]]).toEqual([150n, 249n])
        if (i === 1) expect(index.boundary_order).toBe('UNORDERED')
      }
    }
    expect(next).toBe(pages.length)
    // nothing but the two indexes lies between the last page and the footer
    const places = row_groups.flatMap((g) =>
      g.columns.flatMap((c) => [
        [Number(c.offset_index_offset), c.offset_index_length!],
        ...(c.column_index_offset ? [[Number(c.column_index_offset), c.column_index_length!]] : []),
      ]),
    )
    places.sort((a, b) => a[0] - b[0])
    let at = pages[pages.length - 1].at + pages[pages.length - 1].size
    for (const [start, size] of places) {
      expect(start).toBe(at)
      at += size
    }
    expect(at + new DataView(bytes.buffer).getUint32(bytes.length - 8, true)).toBe(bytes.length - 8)
  })

  it('has no bounds where a page of values has none, as one of NaN', async () => {
    const bytes = await file([fields[2]], [[columns[2]]], {}, { pageRows: 50 })
    const [chunk] = parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns
    expect(chunk.column_index_offset).toBeUndefined()
    expect(chunk.offset_index_offset).toBeDefined()
  })

  it('is left out where it is not wanted', async () => {
    const bytes = await file(fields, [columns], { pageIndex: false }, { less: [less64, lessText] })
    const { columns: chunks } = parquetMetadata(arrayBuffer(bytes)).row_groups[0]
    expect(chunks.some((c) => c.offset_index_offset !== undefined || c.column_index_offset !== undefined)).toBe(false)
    expect(chunks[0].meta_data!.statistics).toMatchObject({ min_value: -50n, max_value: 449n })
  })

  it('lets DuckDB find exactly the right rows', async () => {
    const bytes = await file(fields.slice(0, 2), [columns.slice(0, 2), columns.slice(0, 2)], {}, { less: [less64, lessText] })
    const path = duck.file('filtered.parquet', bytes)
    const count = async (where: string) => Number((await duck.rows(`select count(*) n from '${path}' where ${where}`))[0].n)
    expect(await count('up = 150')).toBe(2)
    expect(await count('up < -40')).toBe(20)
    expect(await count('up is null')).toBe(200)
    expect(await count('up between 100 and 151')).toBe(4)
    expect(await count("s = '499'")).toBe(2)
    expect(await count("s > '99'")).toBe(0)
    expect(await count('up > 449')).toBe(0)
  })
})

describe('the page index of what the encoder makes', () => {
  const nested: Field[] = [
    leaf('id', { type: 'int64' }, false),
    leaf('load', { type: 'double' }),
    { name: 'tags', key: 'tags', nullable: true, list: leaf('element', { type: 'string' }) },
    { name: 's', key: 's', nullable: true, struct: [leaf('n', { type: 'int32' })] },
  ]
  const rows = Array.from({ length: 3000 }, (_, i): Row => {
    const tags = i % 9 === 0 ? null : Array.from({ length: i % 6 }, (_, k) => (k === 3 ? null : `${(i * 31) % 977}-${k}`.repeat(1 + (i % 20))))
    return {
      id: BigInt(i * 2),
      load: i % 4 ? Math.sin(i) * 100 : null,
      tags: i > 1500 && i < 2100 ? null : tags,
      s: i % 5 ? { n: i < 700 ? null : i - 1500 } : null,
    }
  })
  const plain = [
    (value: unknown) => int64(value as bigint),
    (value: unknown) => float64(value as number),
    (value: unknown) => text(value as string),
    (value: unknown) => new Uint8Array(Int32Array.of(value as number).buffer),
  ]

  it.each([1, 2] as const)('bounds every page, from its first row on (version %d)', async (version) => {
    const shreds = shred(nested, rows)
    const bytes = await writeShreds('simd', nested, shreds, { codec: 'snappy', version, pageRows: 200 }, 500, 1500)
    const leaves = leavesOf(nested)
    const { row_groups } = parquetMetadata(arrayBuffer(bytes))
    let from = 0
    for (const group of row_groups) {
      const to = from + Number(group.num_rows)
      for (const [i, chunk] of group.columns.entries()) {
        const { defs, reps, values } = shreds[i]
        // entry at which each row begins
        const starts = reps.flatMap((rep, entry) => (rep === 0 ? [entry] : []))
        const places = readOffsetIndex(reader(bytes, chunk.offset_index_offset!)).page_locations
        const index = deserializeTCompactProtocol(reader(bytes, chunk.column_index_offset!))
        expect(places.length).toBeGreaterThan(3)
        const firsts = places.map((place) => from + Number(place.first_row_index))
        for (const [k, first] of firsts.entries()) {
          const last = firsts[k + 1] ?? to
          const entries = values.slice(starts[first], starts[last] ?? defs.length)
          const there = entries.filter((value) => value !== undefined).map(plain[i])
          expect(Number(index.field_5[k])).toBe(entries.length - there.length)
          expect(index.field_1[k]).toBe(there.length === 0)
          const header = deserializeTCompactProtocol(reader(bytes, places[k].offset))
          expect((version === 1 ? header.field_5 : header.field_8).field_1).toBe(entries.length)
          for (const value of there) {
            expect(compareValues(index.field_2[k], value, leaves[i].order)).toBeLessThanOrEqual(0)
            expect(compareValues(index.field_3[k], value, leaves[i].order)).toBeGreaterThanOrEqual(0)
          }
        }
        if (i === 0) expect(index.field_4).toBe(1)
      }
      from = to
    }
    expect(from).toBe(3000)
  })

  it('comes out the same where the row group went to another thread and back', async () => {
    const settings = checkFileOptions({ compression: 'gzip', pageChecksums: true, bloomFilters: ['up'] }, leavesOf([leaf('up', { type: 'int64' })]))
    const fields = [leaf('up', { type: 'int64' })]
    const files = await Promise.all(
      [(done: FinishedRowGroup) => done, structuredClone<FinishedRowGroup>].map(async (pass) => {
        const parts: Uint8Array[] = []
        const out = createParquetFile({ write: (bytes) => void parts.push(bytes) }, fields, settings)
        const done = await group(fields, [Array.from({ length: 900 }, (_, i) => (i % 3 ? int64(BigInt(i)) : null))], settings, 100, [less64])
        await out.rowGroup(pass(done))
        await out.close()
        return Buffer.concat(parts)
      }),
    )
    expect(files[0].equals(files[1])).toBe(true)
  })
})

describe('the order of bounds', () => {
  const orders: [string, number, (v: number) => Uint8Array, (v: number) => number | string][] = [
    ['signed 32', ORDER_SIGNED, (v: number) => new Uint8Array(Int32Array.of(v).buffer), (v: number) => v | 0],
    ['unsigned 32', ORDER_UNSIGNED, (v: number) => new Uint8Array(Uint32Array.of(v).buffer), (v: number) => v >>> 0],
    ['floating', ORDER_FLOATING, (v: number) => new Uint8Array(Float64Array.of(v / 8).buffer), (v: number) => v],
    ['decimal', ORDER_DECIMAL, (v: number) => new Uint8Array(BigInt64Array.of(BigInt(v)).buffer).reverse(), (v: number) => v],
    ['bytes', ORDER_BYTES, (v: number) => text(String(v)), (v: number) => String(v)],
  ]

  it.each(orders)('is the column’s (%s)', (_, order, plain, key) => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        const [x, y] = [key(a), key(b)]
        expect(Math.sign(compareValues(plain(a), plain(b), order))).toBe(x < y ? -1 : x > y ? 1 : 0)
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.option(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }))), { maxLength: 4 }), (pairs) => {
        const some = pairs.flatMap((pair) => (pair ? [pair.map(key)] : []))
        const holds = (test: (a: number | string, b: number | string) => boolean) =>
          some.every((pair, i) => i === 0 || pair.every((v, k) => test(some[i - 1][k], v)))
        const pages = pairs.map((pair) => {
          const one = { bytes: 1, rows: 1, values: 1, nulls: pair ? 0 : 1 }
          return pair ? { ...one, bounds: { min: plain(pair[0]), max: plain(pair[1]), minExact: true, maxExact: true } } : one
        })
        expect(boundaryOrder(pages, order)).toBe(holds((a, b) => a <= b) ? 1 : holds((a, b) => a >= b) ? 2 : 0)
      }),
    )
  })
})

describe('page headers', () => {
  const fields = [leaf('n', { type: 'int64' }), leaf('s', { type: 'string' }, false)]
  const columns: Value[][] = [
    Array.from({ length: 300 }, (_, i) => (i % 3 ? int64(5n) : null)),
    Array.from({ length: 300 }, (_, i) => text(`${i % 7}`.repeat(9))),
  ]

  it.each([1, 2] as const)('of version %d tell sizes, nulls and the CRC-32 of what is in the file', async (pageVersion) => {
    const bytes = await file(fields, [columns], { compression: 'gzip', pageVersion, pageChecksums: true })
    const pages = pagesOf(bytes)
    expect(pages.length).toBe(6)
    for (const { header, body } of pages) {
      expect(header.field_4 >>> 0).toBe(crc32(body))
      expect(header.field_1).toBe(pageVersion === 1 ? 0 : 3)
    }
    const detail = pages[0].header[pageVersion === 1 ? 'field_5' : 'field_8']
    // values, nulls, rows, PLAIN, definition levels, repetition levels
    if (pageVersion === 2) expect(Object.values(detail)).toEqual([100, 34, 100, 0, 200, 0])
    else expect(Object.values(detail)).toEqual([100, 0, 3, 3])
    const [total] = parquetMetadata(arrayBuffer(bytes)).row_groups
    const uncompressed = pages.reduce((sum, { size, header }) => sum + size - header.field_3 + header.field_2, 0)
    expect(Number(total.total_byte_size)).toBe(uncompressed)
  })

  it('have no CRC unless it is wanted', async () => {
    for (const { header } of pagesOf(await file(fields, [columns]))) expect(header.field_4).toBeUndefined()
  })
})

describe('bloom filters', () => {
  it('lie behind their row group, where DuckDB finds them', async () => {
    const engine = createEngine()
    const fields = [leaf('s', { type: 'string' }, false), leaf('n', { type: 'int64' }, false)]
    const settings = checkFileOptions({ compression: 'none' }, leavesOf(fields))
    const parts: Uint8Array[] = []
    const out = createParquetFile({ write: (bytes) => void parts.push(bytes) }, fields, settings)
    for (const first of [0, 1000]) {
      const names = Array.from({ length: 500 }, (_, i) => text(`id-${(first + i) * 2}`))
      const numbers = names.map((_, i) => int64(BigInt(first + i) * 2n))
      const done = await group(fields, [names, numbers], settings, 100, [lessText, less64])
      const plain = [Buffer.concat(names.flatMap((v) => [Uint8Array.of(v.length, 0, 0, 0), v])), Buffer.concat(numbers)]
      for (const [i, values] of plain.entries()) {
        done.chunks[i].chunk.bloom = engine.scope(() => {
          const filter = engine.put(new Uint8Array(1024))
          engine.core.bloomInsert(filter, 1024, engine.put(values), 500, i === 0 ? 0 : 8)
          return engine.bytes().slice(filter, filter + 1024)
        })
      }
      await out.rowGroup(done)
    }
    await out.close()
    const bytes = new Uint8Array(Buffer.concat(parts))
    const path = duck.file('bloom.parquet', bytes)
    const excluded = async (column: string, value: string) =>
      (await duck.rows(`select bloom_filter_excludes x from parquet_bloom_probe('${path}', '${column}', ${value}) order by row_group_id`)).map(({ x }) => x)
    expect(await excluded('s', "'id-500'")).toEqual([false, true])
    expect(await excluded('s', "'id-2000'")).toEqual([true, false])
    expect(await excluded('n', '2998')).toEqual([true, false])
    const misses = await Promise.all(Array.from({ length: 50 }, (_, i) => excluded('n', `${i * 2 + 1}`)))
    expect(misses.flat().filter((x) => x).length).toBeGreaterThan(90)
    expect((await duck.rows(`select count(*) n from '${path}' where s = 'id-500'`))[0].n).toBe(1n)
    expect((await duck.rows(`select count(*) n from '${path}' where n = 501`))[0].n).toBe(0n)
    const groups = parquetMetadata(arrayBuffer(bytes)).row_groups
    expect(groups[1].file_offset).toBe(groups[0].columns[1].meta_data!.bloom_filter_offset! + BigInt(groups[0].columns[1].meta_data!.bloom_filter_length!))
  })
})

describe('a file past 4 GiB', () => {
  it('has offsets that DuckDB and hyparquet follow', async () => {
    // Row groups of 8 Mi zeros, sparse on disk, between two of other numbers.
    const fields = [leaf('n', { type: 'int64' }, false), leaf('s', { type: 'string' }, false)]
    const [n, s] = leavesOf(fields)
    const settings = checkFileOptions({ compression: 'none' }, [n, s])
    const many = 8 * 1024 * 1024
    const zeros = new Uint8Array(many * 8)
    const empty = new Uint8Array(many * 4)
    const path = join(duck.directory, 'large.parquet')
    const fd = openSync(path, 'w')
    let at = 0
    const sink = {
      write(bytes: Uint8Array) {
        if (bytes.buffer !== zeros.buffer && bytes.buffer !== empty.buffer) writeSync(fd, bytes, 0, bytes.length, at)
        at += bytes.length
      },
    }
    const out = createParquetFile(sink, fields, settings)
    const small = async (from: bigint) =>
      group(
        fields,
        [Array.from({ length: 1000 }, (_, i) => int64(from + BigInt(i))), Array.from({ length: 1000 }, (_, i) => text(`${from}-${i}`))],
        settings,
        300,
        [less64, lessText],
      )
    const large = () => {
      const builder = createRowGroupBuilder(2, settings)
      const bounds = { min: int64(0n), max: int64(0n), minExact: true, maxExact: true }
      const none = { min: text(''), max: text(''), minExact: true, maxExact: true }
      const like = { ...page(0, n, [int64(0n)], 1), values: many, rows: many }
      builder.add([
        { ...like, body: zeros, size: zeros.length, bounds },
        { ...like, column: 1, body: empty, size: empty.length, bounds: none },
      ])
      return builder.finish(many, [
        { values: many, nulls: 0, plainBytes: zeros.length, bounds },
        { values: many, nulls: 0, plainBytes: empty.length, bounds: none },
      ])
    }
    await out.rowGroup(await small(1n))
    for (let i = 0; i < 46; i++) await out.rowGroup(await large())
    await out.rowGroup(await small(5000n))
    await out.close()
    ftruncateSync(fd, at)
    closeSync(fd)
    expect(out.bytes).toBe(at)
    expect(at).toBeGreaterThan(2 ** 32 + 2 ** 28)

    const last = await duck.rows(`select n, s from '${path}' where n >= 5990 order by n`)
    expect(last).toEqual(Array.from({ length: 10 }, (_, i) => ({ n: BigInt(5990 + i), s: `5000-${990 + i}` })))
    expect((await duck.rows(`select count(*) c from '${path}' where n >= 5000 and s between '5000-1' and '5000-2'`))[0].c).toBe(112n)
    expect((await duck.rows(`select count(*) c from '${path}'`))[0].c).toBe(BigInt(46 * many + 2000))
    const offsets = await duck.rows(`select min(data_page_offset) a, max(data_page_offset) z, max(file_offset) f from parquet_metadata('${path}')`)
    expect(Number(offsets[0].z)).toBeGreaterThan(2 ** 32)

    const buffer = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(buffer)
    expect(Number(metadata.num_rows)).toBe(46 * many + 2000)
    const rowStart = Number(metadata.num_rows) - 3
    const rows = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd: rowStart + 3 })
    expect(rows).toEqual([997, 998, 999].map((i) => ({ n: BigInt(5000 + i), s: `5000-${i}` })))
    const chunk = metadata.row_groups[47].columns[0]
    const index = new Uint8Array(await buffer.slice(Number(chunk.offset_index_offset), Number(chunk.offset_index_offset) + chunk.offset_index_length!))
    const [first] = readOffsetIndex(reader(index, 0)).page_locations
    expect(first.offset).toBe(chunk.meta_data!.data_page_offset)
  })
})

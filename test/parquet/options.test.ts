import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import zstdPackage from 'zstd-codec'
import { leavesOf } from '../../src/engine/leaves.js'
import { checkFileOptions } from '../../src/parquet/file/options.js'
import { type Compression, createParquetWriter, type ParquetFileOptions, type Schema, zstdCodec } from '../../src/parquet/index.js'
import type { Leaf } from '../../src/types.js'
import { type Cell, write as writeColumns } from '../columnar/batches.js'
import { type Duck, openDuck } from '../duck.js'
import { arrayBuffer, leaf } from './pages.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const schema: Schema = {
  columns: [
    { name: 'id', type: 'int64', nullable: false },
    { name: 'host', type: 'string' },
    { name: 'path', type: 'string' },
    { name: 'n', type: 'int32' },
    { name: 'load', type: 'double' },
    { name: 'up', type: 'boolean' },
  ],
}
const N = 6000
const ROWS = Array.from({ length: N }, (_, i) => ({
  id: 10 ** 12 + i * 3,
  host: i % 11 === 0 ? null : `host-${i % 70}`,
  path: `/var/log/${String(i).padStart(9, '0')}/${(Math.imul(i, 0x9e3779b1) >>> 0).toString(36)}`,
  n: i >= 1000 && i < 3000 ? null : Math.imul(i, 0x85ebca6b) >> 8,
  load: i % 5 === 0 ? null : Math.sqrt(i),
  up: i % 3 === 0,
}))
const TEXT = Buffer.from(ROWS.map((row) => `${JSON.stringify(row)}\n`).join(''))

async function write(options: ParquetFileOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  const writer = createParquetWriter({ schema, sink: { write: (bytes) => void parts.push(bytes) }, rowGroupRows: 4096, pageRows: 1000, ...options })
  await writer.writeJson(TEXT)
  await writer.close()
  return new Uint8Array(Buffer.concat(parts))
}

/** Every cell, by two readers. */
async function check(bytes: Uint8Array): Promise<void> {
  const path = duck.file('options.parquet', bytes)
  const rows = await duck.rows(`select * from read_parquet('${path}', file_row_number = true) order by file_row_number`)
  expect(rows.map(({ id, host, path, n, load, up }) => ({ id: Number(id), host, path, n, load, up }))).toEqual(ROWS)
  const objects = await parquetReadObjects({ file: arrayBuffer(bytes), compressors })
  expect(objects.map(({ id, host, path, n, load, up }) => ({ id: Number(id), host: host ?? null, path, n: n ?? null, load: load ?? null, up }))).toEqual(ROWS)
}

describe.each([1, 2] as const)('files with pages of version %d', (pageVersion) => {
  it.each<Compression>(['none', 'snappy', 'gzip', 'lz4_raw', zstdCodec(zstdPackage)])('%s', async (compression) => {
    await check(await write({ compression, pageVersion, pageChecksums: true }))
  })

  it.each([
    ['delta', 'delta_length', 'delta_byte_array', 'delta', 'byte_stream_split'],
    ['plain', 'delta_byte_array', 'delta_length', 'dictionary', 'dictionary'],
    ['dictionary', 'dictionary', 'plain', 'plain', 'plain'],
  ] as const)('in encodings %s, %s, %s, %s, %s', async (id, host, path, n, load) => {
    const bytes = await write({ encodings: { id, host, path, n, load, up: 'plain' }, pageVersion })
    await check(bytes)
    const used = parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns.map(({ meta_data }) =>
      meta_data!.encodings.find((e) => e !== 'RLE' && e !== 'PLAIN'),
    )
    expect(used.slice(0, 5)).toEqual([id, host, path, n, load].map((e) => NAMES[e]))
  })
})

const NAMES = {
  ...{ delta: 'DELTA_BINARY_PACKED', delta_length: 'DELTA_LENGTH_BYTE_ARRAY', delta_byte_array: 'DELTA_BYTE_ARRAY' },
  ...{ byte_stream_split: 'BYTE_STREAM_SPLIT', dictionary: 'RLE_DICTIONARY', plain: undefined },
}

describe('filters pushed down', () => {
  it('give exactly the right rows', async () => {
    const path = duck.file('pushed.parquet', await write({ bloomFilters: ['host', 'path', 'id'], sortingColumns: [{ column: 'id' }] }))
    const tests: [string, (row: (typeof ROWS)[number]) => boolean][] = [
      ['id = 1000000000300', (row) => row.id === 1000000000300],
      ['id between 1000000000299 and 1000000012301', (row) => row.id >= 1000000000299 && row.id <= 1000000012301],
      ["host = 'host-69'", (row) => row.host === 'host-69'],
      ["host > 'host-8' and id > 1000000015000", (row) => (row.host ?? '') > 'host-8' && row.id > 1000000015000],
      [`path = '${ROWS[4321].path}'`, (row) => row.path === ROWS[4321].path],
      ['n is null', (row) => row.n === null],
      ['n < -8000000', (row) => row.n !== null && row.n < -8000000],
      ['load >= 77.4', (row) => row.load !== null && row.load >= 77.4],
      ['load > 1e9', () => false],
      ['up', (row) => row.up],
    ]
    for (const [where, keep] of tests) {
      const rows = await duck.rows(`select id from '${path}' where ${where} order by id`)
      expect(rows.map((row) => Number(row.id))).toEqual(ROWS.filter(keep).map((row) => row.id))
    }
  })
})

/** 600 values of each type, among them the ends of its range, in an order that leaves row groups with ranges of their own. */
const LEAVES: [Leaf, (i: number) => Cell][] = [
  [{ type: 'boolean' }, (i) => i > 400],
  [{ type: 'int8' }, (i) => (i % 256) - 128],
  [{ type: 'int16' }, (i) => (i === 9 ? -32768 : i === 10 ? 32767 : i * 7 - 2000)],
  [{ type: 'int32' }, (i) => (i === 9 ? -(2 ** 31) : i === 10 ? 2 ** 31 - 1 : i * 1001 - 300000)],
  [{ type: 'int64' }, (i) => (i === 9 ? -(2n ** 63n) : i === 10 ? 2n ** 63n - 1n : BigInt(i - 300) * 10n ** 15n)],
  [{ type: 'uint8' }, (i) => i % 256],
  [{ type: 'uint16' }, (i) => i * 109],
  [{ type: 'uint32' }, (i) => (i * 7158278) >>> 0],
  [{ type: 'uint64' }, (i) => (i === 10 ? 2n ** 64n - 1n : BigInt(i) * 2n ** 54n)],
  [{ type: 'float' }, (i) => (i % 50 === 7 ? Number.NaN : i === 10 ? -0 : (i - 300) / 8)],
  [{ type: 'double' }, (i) => (i % 50 === 7 ? Number.NaN : i === 10 ? Number.NEGATIVE_INFINITY : i === 300 ? 0 : (i - 300) / 7)],
  [{ type: 'decimal', precision: 9, scale: 2 }, (i) => i * 1000 - 300000],
  [{ type: 'decimal', precision: 18, scale: 6 }, (i) => BigInt(i - 300) * 10n ** 14n],
  [{ type: 'decimal', precision: 38, scale: 3 }, (i) => bigEndian(BigInt(i - 300) * 10n ** 34n)],
  [{ type: 'string' }, (i) => ['é', '水', '😀', '\uffff', 'x'.repeat(90)][i % 5] + String(i).padStart(3, '0')],
  [{ type: 'uuid' }, (i) => bigEndian(BigInt(i) * 2n ** 118n)],
  [{ type: 'date' }, (i) => i * 40 - 9000],
  [{ type: 'time', unit: 'ms' }, (i) => i * 144000],
  [{ type: 'time', unit: 'us' }, (i) => BigInt(i) * 144000000n],
  [{ type: 'timestamp', unit: 'ms' }, (i) => BigInt(i - 300) * 86_400_000n],
  [{ type: 'timestamp', unit: 'us', utc: false }, (i) => BigInt(i - 300) * 86_400_000_001n],
  [{ type: 'timestamp', unit: 'ns', utc: false }, (i) => BigInt(i - 300) * 86_400_000_000_001n],
]

function bigEndian(value: bigint): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16))
  bytes.setBigInt64(0, BigInt.asIntN(64, value >> 64n))
  bytes.setBigInt64(8, BigInt.asIntN(64, value))
  return new Uint8Array(bytes.buffer)
}

describe('statistics and bloom filters', () => {
  it('lose no row of any type to a filter', async () => {
    const columns = LEAVES.map(([type, value], c) => ({
      ...{ name: `c${c}`, leaf: type, nullable: c % 2 === 0 },
      values: Array.from({ length: 600 }, (_, i) => (c % 2 === 0 && i % 9 === 4 ? null : value(i))),
    }))
    const bloom = LEAVES.map(([{ type }]) => (type === 'boolean' ? undefined : { fpp: 0.01 }))
    const bytes = await writeColumns('simd', columns, { pageRows: 40, bloom }, 50, 150)
    const file = `'${duck.file('types.parquet', bytes)}'`
    await duck.rows(`create table types as select row_number() over () id, * from ${file}`)
    for (const { name } of columns) {
      // values from all over the file, and what a full scan of the table finds for them
      const some = await duck.rows(`select ${name}::varchar v, typeof(${name}) t from types where ${name} is not null and id % 149 = 10`)
      expect(some.length).toBeGreaterThan(2)
      const wheres = some.flatMap(({ v, t }) => ['=', '<', '>=', '<>'].map((op) => `${name} ${op} '${v}'::${t}`))
      const counts = (from: string) =>
        duck.rows([`${name} is null`, ...wheres].map((where, i) => `select ${i} i, count(*) n from ${from} where ${where}`).join(' union all '))
      const byI = (rows: Record<string, unknown>[]) => rows.map(({ i, n }) => [Number(i), Number(n)]).sort((a, b) => a[0] - b[0])
      expect([name, byI(await counts(file))]).toEqual([name, byI(await counts('types'))])
    }
    const unbounded = parquetMetadata(arrayBuffer(bytes)).row_groups.flatMap((g) => g.columns.filter((c) => c.meta_data!.statistics!.min_value === undefined))
    // chunks that have NaN
    expect(unbounded.map((c) => c.meta_data!.type)).toEqual(['FLOAT', 'DOUBLE', 'FLOAT', 'DOUBLE', 'FLOAT', 'DOUBLE', 'FLOAT', 'DOUBLE'])
  })
})

describe('options', () => {
  const leaves = leavesOf([
    leaf('s', { type: 'string' }),
    leaf('b', { type: 'boolean' }),
    { name: 'tags', key: 'tags', nullable: true, list: leaf('element', { type: 'double' }) },
  ])
  const check = (options: object) => () => checkFileOptions(options, leaves)

  it('are by column, lists by what lies in them', () => {
    const settings = checkFileOptions(
      { bloomFilters: ['s'], encodings: { 'tags.list.element': 'byte_stream_split', s: 'delta_length' }, sortingColumns: [{ column: 's' }] },
      leaves,
    )
    expect(settings).toMatchObject({
      version: 1,
      pageIndex: true,
      checksums: false,
      statistics: true,
      encodings: ['delta_length', 'auto', 'byte_stream_split'],
    })
    expect(settings.bloom).toEqual([{ fpp: 0.01, ndv: undefined }, undefined, undefined])
    expect(checkFileOptions({ bloomFilters: { s: { fpp: 0.1, ndv: 10 } } }, leaves).bloom[0]).toEqual({ fpp: 0.1, ndv: 10 })
  })

  it.each([
    [{ pageVersion: 3 }, '"options.pageVersion" expected 1 or 2, got 3'],
    [{ pageIndex: 1 }, '"options.pageIndex" expected a boolean, got 1'],
    [{ pageBytes: 0 }, '"options.pageBytes" expected a whole number from 1024 to 67108864, got 0'],
    [{ bloomFilters: ['x'] }, '"options.bloomFilters" expected a column that has values (s, b, tags.list.element), got "x"'],
    [{ bloomFilters: ['b'] }, '"options.bloomFilters" expected a column that is not boolean, got "b"'],
    [{ bloomFilters: { s: { fpp: 1 } } }, '"options.bloomFilters.s.fpp" expected a chance from 0.0001 to 0.5, got 1'],
    [{ bloomFilters: { s: { bits: 1 } } }, '"options.bloomFilters.s" expected one of fpp, ndv, got "bits"'],
    [{ encodings: 'delta' }, '"options.encodings" expected auto, smallest or an object, got "delta"'],
    [
      { encodings: { s: 'delta' } },
      '"options.encodings.s" expected an encoding that string has (auto, smallest, plain, dictionary, delta_length, delta_byte_array), got "delta"',
    ],
    [{ encodings: { s: 'toString' } }, /"options.encodings.s" expected one of auto, smallest, plain, .*, got "toString"/],
    [{ sortingColumns: [{ column: 'tags.list.element' }] }, '"options.sortingColumns[0].column" expected a column of one value a row, got "tags.list.element"'],
    [{ sortingColumns: [{ column: 's', desc: true }] }, '"options.sortingColumns[0]" expected one of column, descending, nullsFirst, got "desc"'],
    [{ sortingColumns: 's' }, '"options.sortingColumns" expected an array of {column}, got "s"'],
    [{ keyValueMetadata: { a: 1 } }, '"options.keyValueMetadata.a" expected a string, got 1'],
  ])('%j are told', (options, message) => {
    expect(check(options)).toThrow(message)
  })
})

import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import zstdPackage from 'zstd-codec'
import { leavesOf } from '../../src/engine/leaves.js'
import { type Compression, createParquetWriter, type ParquetFileOptions, type Schema, zstdCodec } from '../../src/parquet/index.js'
import { checkFileOptions } from '../../src/parquet/options.js'
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
    [{ encodings: { s: 'delta' } }, '"options.encodings.s" expected an encoding that string has, got "delta"'],
    [{ encodings: { s: 'toString' } }, /"options.encodings.s" expected one of auto, smallest, plain, .*, got "toString"/],
    [{ sortingColumns: [{ column: 'tags.list.element' }] }, '"options.sortingColumns[0].column" expected a column of one value a row, got "tags.list.element"'],
    [{ sortingColumns: [{ column: 's', desc: true }] }, '"options.sortingColumns[0]" expected one of column, descending, nullsFirst, got "desc"'],
    [{ sortingColumns: 's' }, '"options.sortingColumns" expected an array of {column}, got "s"'],
    [{ keyValueMetadata: { a: 1 } }, '"options.keyValueMetadata.a" expected a string, got 1'],
  ])('%j are told', (options, message) => {
    expect(check(options)).toThrow(message)
  })
})

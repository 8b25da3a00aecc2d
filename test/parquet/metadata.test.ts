import { parquetMetadata } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REVISION, VERSION } from '../../src/engine/core.js'
import type { Field, Leaf, LeafType } from '../../src/types.js'
import { type Duck, openDuck } from '../duck.js'
import { arrayBuffer, file, float32, float64, int32, int64, leaf, text, type Value } from './pages.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const bytes16 = Uint8Array.from({ length: 16 }, (_, i) => i)

/** Every leaf type: one value of it, what DuckDB takes the column for, and converted and logical type in the file. */
const TYPES: [Leaf, Uint8Array, string, string | undefined, object | undefined][] = [
  [{ type: 'boolean' }, Uint8Array.of(1), 'BOOLEAN', undefined, undefined],
  [{ type: 'int8' }, int32(-7), 'TINYINT', 'INT_8', { type: 'INTEGER', bitWidth: 8, isSigned: true }],
  [{ type: 'int16' }, int32(-7), 'SMALLINT', 'INT_16', { type: 'INTEGER', bitWidth: 16, isSigned: true }],
  [{ type: 'int32' }, int32(-7), 'INTEGER', undefined, undefined],
  [{ type: 'int64' }, int64(-7n), 'BIGINT', undefined, undefined],
  [{ type: 'uint8' }, int32(200), 'UTINYINT', 'UINT_8', { type: 'INTEGER', bitWidth: 8, isSigned: false }],
  [{ type: 'uint16' }, int32(60000), 'USMALLINT', 'UINT_16', { type: 'INTEGER', bitWidth: 16, isSigned: false }],
  [{ type: 'uint32' }, int32(-1), 'UINTEGER', 'UINT_32', { type: 'INTEGER', bitWidth: 32, isSigned: false }],
  [{ type: 'uint64' }, int64(-1n), 'UBIGINT', 'UINT_64', { type: 'INTEGER', bitWidth: 64, isSigned: false }],
  [{ type: 'float' }, float32(0.5), 'FLOAT', undefined, undefined],
  [{ type: 'double' }, float64(0.1), 'DOUBLE', undefined, undefined],
  [{ type: 'decimal', precision: 9, scale: 2 }, int32(-12345), 'DECIMAL(9,2)', 'DECIMAL', { type: 'DECIMAL', precision: 9, scale: 2 }],
  [{ type: 'decimal', precision: 18, scale: 0 }, int64(5n), 'DECIMAL(18,0)', 'DECIMAL', { type: 'DECIMAL', precision: 18, scale: 0 }],
  [{ type: 'decimal', precision: 38, scale: 10 }, bytes16, 'DECIMAL(38,10)', 'DECIMAL', { type: 'DECIMAL', precision: 38, scale: 10 }],
  [{ type: 'string' }, text('é水😀'), 'VARCHAR', 'UTF8', { type: 'STRING' }],
  [{ type: 'json' }, text('{"a":1}'), 'JSON', 'JSON', { type: 'JSON' }],
  [{ type: 'binary' }, Uint8Array.of(0xff, 0), 'BLOB', undefined, undefined],
  [{ type: 'uuid' }, bytes16, 'UUID', undefined, { type: 'UUID' }],
  [{ type: 'date' }, int32(19782), 'DATE', 'DATE', { type: 'DATE' }],
  [{ type: 'time', unit: 'ms' }, int32(1000), 'TIME', 'TIME_MILLIS', { type: 'TIME', isAdjustedToUTC: false, unit: 'MILLIS' }],
  [{ type: 'time', unit: 'us' }, int64(1000n), 'TIME', 'TIME_MICROS', { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' }],
  [{ type: 'time', unit: 'ns' }, int64(1000n), 'TIME_NS', undefined, { type: 'TIME', isAdjustedToUTC: false, unit: 'NANOS' }],
  [{ type: 'timestamp' }, int64(0n), 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_MILLIS', { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' }],
  [{ type: 'timestamp', unit: 'us' }, int64(0n), 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_MICROS', { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' }],
  [{ type: 'timestamp', unit: 'ns' }, int64(0n), 'TIMESTAMP WITH TIME ZONE', undefined, { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' }],
  [{ type: 'timestamp', utc: false }, int64(0n), 'TIMESTAMP', 'TIMESTAMP_MILLIS', { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MILLIS' }],
  [{ type: 'timestamp', unit: 'us', utc: false }, int64(0n), 'TIMESTAMP', 'TIMESTAMP_MICROS', { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' }],
  [{ type: 'timestamp', unit: 'ns', utc: false }, int64(0n), 'TIMESTAMP_NS', undefined, { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' }],
  [{ type: 'timestamp', int96: true }, new Uint8Array(12), 'TIMESTAMP', undefined, undefined],
]

describe('the schema', () => {
  it('says what every leaf type means, in both ways', async () => {
    const seen = new Set<LeafType>(TYPES.map(([{ type }]) => type))
    expect(seen.size).toBe(19)
    const fields = TYPES.map(([type], i) => leaf(`c${i}`, type, i % 2 === 0))
    const bytes = await file(fields, [TYPES.map(([, value]) => [value])])
    const path = duck.file('types.parquet', bytes)
    const rows = await duck.rows(`select column_type from (describe select * from '${path}')`)
    // DuckDB up to 1.5.5 takes TIME of nanoseconds for one of microseconds
    expect(rows.map((row, i) => (TYPES[i][2] === 'TIME_NS' && row.column_type === 'TIME' ? 'TIME_NS' : row.column_type))).toEqual(
      TYPES.map(([, , type]) => type),
    )
    const elements = parquetMetadata(arrayBuffer(bytes)).schema.slice(1)
    expect(elements.map((e) => e.converted_type)).toEqual(TYPES.map(([, , , converted]) => converted))
    expect(elements.map((e) => e.logical_type)).toEqual(TYPES.map(([, , , , logical]) => logical))
    expect(elements.map((e) => e.repetition_type)).toEqual(TYPES.map((_, i) => (i % 2 === 0 ? 'OPTIONAL' : 'REQUIRED')))
    expect(elements.filter((e) => e.type === 'FIXED_LEN_BYTE_ARRAY').map((e) => e.type_length)).toEqual([16, 16])
  })

  it('has lists, maps and structs in the three levels that readers know', async () => {
    const element = leaf('element', { type: 'string' })
    const fields: Field[] = [
      { name: 'tags', key: 'tags', nullable: true, list: element },
      {
        name: 'm',
        key: 'm',
        nullable: false,
        map: { key: leaf('key', { type: 'string' }, false), value: { name: 'value', key: 'value', nullable: true, list: element } },
      },
      {
        name: 's',
        key: 's',
        nullable: true,
        struct: [leaf('a', { type: 'int32' }), { name: 'b', key: 'b', nullable: false, struct: [leaf('c', { type: 'date' }, false)] }],
      },
    ]
    const bytes = await file(fields, [])
    const schema = parquetMetadata(arrayBuffer(bytes)).schema.map((e) => [e.name, e.repetition_type, e.num_children, e.converted_type, e.logical_type?.type])
    expect(schema).toEqual([
      ['schema', undefined, 3, undefined, undefined],
      ['tags', 'OPTIONAL', 1, 'LIST', 'LIST'],
      ['list', 'REPEATED', 1, undefined, undefined],
      ['element', 'OPTIONAL', undefined, 'UTF8', 'STRING'],
      ['m', 'REQUIRED', 1, 'MAP', 'MAP'],
      ['key_value', 'REPEATED', 2, undefined, undefined],
      ['key', 'REQUIRED', undefined, 'UTF8', 'STRING'],
      ['value', 'OPTIONAL', 1, 'LIST', 'LIST'],
      ['list', 'REPEATED', 1, undefined, undefined],
      ['element', 'OPTIONAL', undefined, 'UTF8', 'STRING'],
      ['s', 'OPTIONAL', 2, undefined, undefined],
      ['a', 'OPTIONAL', undefined, undefined, undefined],
      ['b', 'REQUIRED', 1, undefined, undefined],
      ['c', 'REQUIRED', undefined, 'DATE', 'DATE'],
    ])
    const columns = await duck.rows(`select column_type from (describe select * from '${duck.file('nested.parquet', bytes)}')`)
    expect(columns.map((row) => row.column_type)).toEqual(['VARCHAR[]', 'MAP(VARCHAR, VARCHAR[])', 'STRUCT(a INTEGER, b STRUCT(c DATE))'])
  })
})

const signed = (a: Uint8Array, b: Uint8Array) => new DataView(a.buffer).getInt32(0, true) < new DataView(b.buffer).getInt32(0, true)

describe('the footer', () => {
  const fields = [leaf('n', { type: 'int32' }), leaf('u', { type: 'uint32' }, false)]
  const columns = [[int32(3), null, int32(-4)] as Value[], [int32(7), int32(8), int32(9)]]

  it('has statistics, sizes and places that are right', async () => {
    const bytes = await file(fields, [columns, columns], {}, { less: [signed, signed] })
    const { row_groups, created_by, column_orders, num_rows } = parquetMetadata(arrayBuffer(bytes)) as ReturnType<typeof parquetMetadata> & {
      column_orders?: unknown[]
    }
    expect(created_by).toBe(`millrace version ${VERSION} (build ${REVISION})`)
    expect(created_by).toMatch(/^.+ version \d+\.\d+\.\d+ \(build [0-9a-f]+\)$/)
    expect(num_rows).toBe(6n)
    if (column_orders) expect(column_orders.length).toBe(2)
    expect(row_groups.length).toBe(2)
    let at = 4n
    for (const [ordinal, group] of row_groups.entries()) {
      expect(group).toMatchObject({ num_rows: 3n, file_offset: at, ordinal })
      const start = at
      for (const { meta_data, file_offset } of group.columns) {
        expect(file_offset).toBe(0n)
        expect(meta_data).toMatchObject({ data_page_offset: at, num_values: 3n, codec: 'UNCOMPRESSED' })
        expect(meta_data!.dictionary_page_offset).toBeUndefined()
        expect(meta_data!.total_uncompressed_size).toBe(meta_data!.total_compressed_size)
        at += meta_data!.total_compressed_size
      }
      expect(group.total_compressed_size).toBe(at - start)
      expect(group.total_byte_size).toBe(at - start)
    }
    const [n, u] = row_groups[0].columns.map(({ meta_data }) => meta_data!)
    expect(n.encodings).toEqual(['PLAIN', 'RLE'])
    expect(u.encodings).toEqual(['PLAIN'])
    expect(n.encoding_stats).toEqual([{ page_type: 'DATA_PAGE', encoding: 'PLAIN', count: 1 }])
    // the deprecated pair is for signed order alone
    expect(n.statistics).toEqual({ min: -4, max: 3, null_count: 1n, min_value: -4, max_value: 3, is_min_value_exact: true, is_max_value_exact: true })
    expect(u.statistics).toMatchObject({ null_count: 0n, min_value: 7, max_value: 9 })
    expect(u.statistics).not.toHaveProperty('min', 7)
  })

  it('keeps key-value metadata and sorting columns', async () => {
    const keyValueMetadata = { 'ARROW:schema': 'x', é: '', __proto__x: '水' }
    const sortingColumns = [{ column: 'n', descending: true, nullsFirst: true }, { column: 'u' }]
    const bytes = await file(fields, [columns], { keyValueMetadata, sortingColumns })
    const metadata = parquetMetadata(arrayBuffer(bytes))
    expect(Object.fromEntries(metadata.key_value_metadata!.map(({ key, value }) => [key, value]))).toEqual(keyValueMetadata)
    expect(metadata.row_groups[0].sorting_columns).toEqual([
      { column_idx: 0, descending: true, nulls_first: true },
      { column_idx: 1, descending: false, nulls_first: false },
    ])
    const pairs = await duck.rows(`select decode(key) k, decode(value) v from parquet_kv_metadata('${duck.file('kv.parquet', bytes)}')`)
    expect(Object.fromEntries(pairs.map(({ k, v }) => [k, v]))).toEqual(keyValueMetadata)
  })

  it('leaves bounds out where statistics are not wanted', async () => {
    const bytes = await file(fields, [columns], { statistics: false }, { less: [signed, signed] })
    const [group] = parquetMetadata(arrayBuffer(bytes)).row_groups
    expect(group.columns[0].meta_data!.statistics).toEqual({ null_count: 1n })
    expect(group.columns[0].column_index_offset).toBeUndefined()
    expect(group.columns[0].offset_index_offset).toBeDefined()
  })

  it('is that of a valid file where there are no rows', async () => {
    const bytes = await file(fields, [[[], []]])
    expect(parquetMetadata(arrayBuffer(bytes)).row_groups).toEqual([])
    expect(await duck.rows(`select * from '${duck.file('empty.parquet', bytes)}'`)).toEqual([])
  })
})

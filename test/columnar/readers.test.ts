// Files of every page version, codec and encoding, as DuckDB and hyparquet read them.
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leavesOf } from '../../src/engine/leaves.js'
import type { Encoding } from '../../src/engine/pages.js'
import type { Leaf } from '../../src/types.js'
import { type Duck, openDuck } from '../duck.js'
import { type Field, type Row, shred, type WriteOptions, writeShreds } from './batches.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const leaf = (name: string, type: Leaf['type'], nullable = true): Field => ({ name, key: name, nullable, leaf: { type } })
const FIELDS: Field[] = [
  leaf('id', 'int64', false),
  leaf('flag', 'boolean'),
  leaf('word', 'string'),
  leaf('none', 'double'),
  { name: 'tags', key: 'tags', nullable: true, list: leaf('element', 'string') },
  { name: 'grid', key: 'grid', nullable: false, list: { name: 'element', key: 'element', nullable: true, list: leaf('element', 'int32', false) } },
  {
    name: 'who',
    key: 'who',
    nullable: true,
    struct: [leaf('name', 'string'), { name: 'at', key: 'at', nullable: true, struct: [leaf('x', 'double'), leaf('y', 'float', false)] }],
  },
]

const rows = Array.from({ length: 2500 }, (_, r): Row => {
  const few = (n: number) => (r * 7919) % n
  return {
    id: BigInt(r) * 3n - 1000n,
    flag: few(7) === 0 ? null : few(3) === 0,
    word: few(5) === 0 ? null : few(2) === 0 ? `word ${few(30)}` : `${'long '.repeat(few(20))}${r}`,
    none: null,
    tags: few(11) === 0 ? null : Array.from({ length: few(4) }, (_, i) => (few(13) === i ? null : `tag ${(r + i) % 17}`)),
    grid: Array.from({ length: few(3) }, (_, i) => (few(19) === i ? null : Array.from({ length: (r + i) % 5 }, (_, j) => r * i + j))),
    who:
      few(6) === 0 ? null : { name: few(4) === 0 ? null : `n${few(100)}`, at: few(9) === 0 ? null : { x: few(8) === 0 ? null : r / 7, y: Math.fround(r / 3) } },
  }
})

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : (v ?? null))))
const WANT = plain(rows)
let files = 0

const asked = (encoding: Partial<Record<Leaf['type'], Encoding>>): Encoding[] => leavesOf(FIELDS).map(({ leaf }) => encoding[leaf.type] ?? 'auto')
const CASES: [string, WriteOptions][] = [
  ['V1, snappy', {}],
  ['V1, none', { codec: 'none' }],
  ['V1, LZ4_RAW', { codec: 'lz4_raw' }],
  ['V2, snappy', { version: 2 }],
  ['V2, none', { codec: 'none', version: 2 }],
  ['V2, LZ4_RAW', { codec: 'lz4_raw', version: 2 }],
  ['delta', { encodings: asked({ int64: 'delta', int32: 'delta', string: 'delta_byte_array' }) }],
  ['V2, delta', { version: 2, encodings: asked({ int64: 'delta', int32: 'delta', string: 'delta_length' }) }],
  ['byte stream split', { encodings: asked({ double: 'byte_stream_split', float: 'byte_stream_split' }) }],
  ['PLAIN', { encodings: asked({ int64: 'plain', int32: 'plain', string: 'plain' }), pageIndex: false }],
]

describe.each(['simd', 'scalar'] as const)('readers (%s)', (build) => {
  it.each(CASES)('%s', async (_, options) => {
    for (const pageRows of build === 'simd' ? [32768, 100] : [100]) {
      const bytes = await writeShreds(build, FIELDS, shred(FIELDS, rows), { ...options, pageRows }, 333, 2000)
      const file = bytes.buffer as ArrayBuffer
      expect(plain(await parquetReadObjects({ file, compressors }))).toEqual(WANT)
      const path = duck.file(`${files++}.parquet`, bytes)
      const [{ json }] = await duck.rows(`select to_json(list(t))::varchar as json from (select * from '${path}') t`)
      const numbers = (row: Record<string, unknown>) => ({ ...row, id: String(row.id) })
      expect((JSON.parse(json as string) as Record<string, unknown>[]).map(numbers)).toEqual(WANT)
      // pushed down: row groups and pages that cannot have it are skipped
      expect(await duck.rows(`select count(*) n from '${path}' where id between 500 and 701`)).toEqual([{ n: 68n }])
      expect(Number(parquetMetadata(file).num_rows)).toBe(rows.length)
    }
  })
})

import { parquetMetadata, parquetQuery, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leavesOf } from '../../src/engine/leaves.js'
import { checkFileOptions, type Encoding } from '../../src/parquet/file/options.js'
import { bytesSink, createParquetWriter } from '../../src/parquet/index.js'
import type { Leaf } from '../../src/types.js'
import { type Cell, type Column, write } from '../columnar/batches.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const arrayBuffer = (bytes: Uint8Array) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
const range = <T>(count: number, f: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => f(i))
const bytesOf = (i: number, size: number) => new Uint8Array(size).map((_, j) => Math.imul(i + 1, j + 77) >> (j & 7))
const r = random(9)

/** Leaf types by name, and what their columns hold in row i. */
const KINDS: Record<string, [Leaf, (i: number) => Cell]> = {
  int32: [{ type: 'int32' }, (i) => (i % 211 === 7 ? 2 ** 31 - 1 : i % 211 === 8 ? -(2 ** 31) : i * 3)],
  uint32: [{ type: 'uint32' }, (i) => (i % 100 === 3 ? 2 ** 32 - 1 : i)],
  int64: [{ type: 'int64' }, (i) => (i % 211 === 7 ? 2n ** 63n - 1n : i % 211 === 8 ? -(2n ** 63n) : BigInt(i) * 1_000_003n)],
  date: [{ type: 'date' }, (i) => 20_000 + (i >> 3)],
  timestamp: [{ type: 'timestamp', unit: 'us' }, (i) => 1_767_225_600_000_000n + BigInt(i * 1009)],
  time: [{ type: 'time', unit: 'us' }, (i) => BigInt((i * 7_000_003) % 86_400_000_000)],
  cents: [{ type: 'decimal', precision: 9, scale: 2 }, (i) => i * 101],
  long: [{ type: 'decimal', precision: 18, scale: 4 }, (i) => BigInt(i) * 10_000_019n],
  wide: [{ type: 'decimal', precision: 38, scale: 4 }, (i) => bytesOf(i >> 2, 16)],
  float: [{ type: 'float' }, () => Math.fround(r() * 100)],
  double: [{ type: 'double' }, (i) => (i % 97 === 5 ? -0 : Math.floor(r() * 1e6) / 100)],
  string: [{ type: 'string' }, (i) => (i % 50 === 9 ? '' : `https://example.org/${i >> 4}/水車/${i}`)],
  binary: [{ type: 'binary' }, (i) => bytesOf(i >> 1, i % 23)],
  uuid: [{ type: 'uuid' }, (i) => bytesOf(i >> 1, 16)],
}
const FITTING: [Encoding, number, string[]][] = [
  ['delta', 5, ['int32', 'uint32', 'int64', 'date', 'timestamp', 'time', 'cents', 'long']],
  ['delta_length', 6, ['string', 'binary']],
  ['delta_byte_array', 7, ['string', 'binary', 'uuid', 'wide']],
  ['byte_stream_split', 9, ['int32', 'uint32', 'int64', 'timestamp', 'float', 'double', 'uuid', 'wide']],
]
const NAMES = ['PLAIN', 'GROUP_VAR_INT', 'PLAIN_DICTIONARY', 'RLE', 'BIT_PACKED', 'DELTA_BINARY_PACKED', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY']
const nameOf = (code: number) => (code === 9 ? 'BYTE_STREAM_SPLIT' : NAMES[code])

let files = 0
/** That the columns `e_...` read as their PLAIN twins `p_...` by both readers, and all the rows are there. */
async function twins(bytes: Uint8Array, kinds: readonly string[], count: number, unread: readonly string[]): Promise<void> {
  const path = duck.file(`${files++}.parquet`, bytes)
  const read = kinds.filter((kind) => !unread.includes(kind))
  const differ = read.map((kind) => `count(*) filter (where e_${kind} is distinct from p_${kind}) as ${kind}`)
  const [row] = await duck.rows(`select count(*) as all_rows, ${differ.join(', ')} from '${path}'`)
  expect(row).toEqual({ all_rows: BigInt(count), ...Object.fromEntries(read.map((kind) => [kind, 0n])) })
  const objects = await parquetReadObjects({ file: arrayBuffer(bytes), compressors })
  expect(objects.length).toBe(count)
  for (const object of objects) for (const kind of kinds) expect(object[`e_${kind}`]).toEqual(object[`p_${kind}`])
}

function columnsOf(kinds: readonly string[], count: number): Column[] {
  return kinds.flatMap((kind, k): Column[] => {
    const [leaf, value] = KINDS[kind]
    const values = range(count, (i) => ((i + k) % 5 === 0 && k % 2 === 0 ? null : value(i)))
    return ['e', 'p'].map((twin) => ({ name: `${twin}_${kind}`, leaf, nullable: k % 2 === 0, values }))
  })
}

describe.each(FITTING)('%s', (encoding, code, kinds) => {
  it.each([
    ['simd', 'snappy', 1],
    ['simd', 'none', 2],
    ['simd', 'lz4_raw', 2],
    ['scalar', 'lz4_raw', 1],
    ['scalar', 'none', 1],
  ] as const)('reads as PLAIN does (%s, %s, V%d)', async (build, codec, version) => {
    for (const count of [1, 128, 129, 1000]) {
      const columns = columnsOf(kinds, count)
      const encodings = columns.map(({ name }): Encoding => (name.startsWith('e') ? encoding : 'plain'))
      const bytes = await write(build, columns, { codec, version, encodings, pageRows: 400 }, 300)
      // DuckDB reads it of floats and doubles alone
      await twins(bytes, kinds, count, encoding === 'byte_stream_split' ? kinds.filter((kind) => kind !== 'float' && kind !== 'double') : [])
      for (const [i, { meta_data }] of parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns.entries()) {
        const used = i % 2 === 0 && columns[i].values.some((value) => value !== null)
        expect(meta_data!.encodings.includes(nameOf(code) as never)).toBe(used)
      }
    }
  })
})

describe.each(['simd', 'scalar'] as const)('smallest (%s)', (build) => {
  it.each(['snappy', 'none'] as const)('takes what the data is smallest in, or PLAIN (%s)', async (codec) => {
    const columns: [Column, string][] = [
      // no dictionary pays for any of these
      [
        {
          name: 'clock',
          leaf: { type: 'timestamp' },
          nullable: true,
          values: range(18_000, (i) => (i % 9 ? 1_767_225_600_000n + BigInt(i * 40 + (i % 7)) : null)),
        },
        'DELTA_BINARY_PACKED',
      ],
      [{ name: 'noise', leaf: { type: 'int64' }, nullable: false, values: range(18_000, () => BigInt(Math.floor(r() * 2 ** 32)) * 0x1_0000_0001n) }, 'PLAIN'],
      [
        { name: 'sorted', leaf: { type: 'string' }, nullable: true, values: range(18_000, (i) => `https://example.org/${String(i).padStart(9, '0')}`) },
        'DELTA_BYTE_ARRAY',
      ],
      [
        { name: 'measured', leaf: { type: 'double' }, nullable: false, values: range(18_000, (i) => 20 + i / 1000 + r() / 1000) },
        codec === 'none' ? 'PLAIN' : 'BYTE_STREAM_SPLIT',
      ],
      [{ name: 'few', leaf: { type: 'int32' }, nullable: false, values: range(18_000, (i) => i % 3) }, 'RLE_DICTIONARY'],
      [{ name: 'flag', leaf: { type: 'boolean' }, nullable: false, values: range(18_000, (i) => i % 3 === 0) }, 'PLAIN'],
      [{ name: 'none', leaf: { type: 'int64' }, nullable: true, values: range(18_000, () => null) }, 'PLAIN'],
    ]
    const all = columns.map(([column]) => column)
    const small = await write(build, all, { codec, encodings: all.map(() => 'smallest'), pageRows: 6000 }, 1000, 9000)
    const usual = await write(build, all, { codec, pageRows: 6000 }, 1000, 9000)
    expect(small.length).toBeLessThan(usual.length * 0.75)
    for (const group of parquetMetadata(arrayBuffer(small)).row_groups)
      for (const [i, { meta_data }] of group.columns.entries()) expect([columns[i][0].name, ...meta_data!.encodings]).toContain(columns[i][1])
    const [a, b] = [small, usual].map((bytes) => duck.file(`${files++}.parquet`, bytes))
    const rows = await duck.rows(`(from '${a}' except all from '${b}') union all (from '${b}' except all from '${a}')`)
    expect(rows).toEqual([])
    expect(await parquetReadObjects({ file: arrayBuffer(small) })).toEqual(await parquetReadObjects({ file: arrayBuffer(usual) }))
  })
})

describe('encodings and bloom filters as options', () => {
  const fields = Object.entries(KINDS).map(([name, [leaf]]) => ({ name, key: name, nullable: true, leaf }))
  const leaves = leavesOf(fields)

  it('are checked against the column', () => {
    expect(checkFileOptions({ encodings: 'smallest' }, leaves).encodings).toEqual(leaves.map(() => 'smallest'))
    for (const [encoding, , kinds] of FITTING) {
      for (const kind of kinds) expect(checkFileOptions({ encodings: { [kind]: encoding } }, leaves).encodings).toContain(encoding)
    }
    for (const [column, encoding] of [
      ['string', 'delta'],
      ['int32', 'delta_length'],
      ['double', 'delta_byte_array'],
      ['string', 'byte_stream_split'],
    ] as const)
      expect(() => checkFileOptions({ encodings: { [column]: encoding } }, leaves)).toThrow(RangeError)
    expect(() => checkFileOptions({ encodings: 'tiny' as never }, leaves)).toThrow('"options.encodings" expected auto, smallest or an object, got "tiny"')
  })
})

describe.each(['simd', 'scalar'] as const)('bloom filters (%s)', (build) => {
  const count = 20_000
  const columns: Column[] = [
    { name: 'unique', leaf: { type: 'string' }, nullable: true, values: range(count, (i) => (i % 3 ? `mill-${i * 2}` : null)) },
    { name: 'few', leaf: { type: 'string' }, nullable: false, values: range(count, (i) => `race-${(i % 40) * 2}`) },
    { name: 'id', leaf: { type: 'int64' }, nullable: false, values: range(count, (i) => BigInt(i) * 2n) },
    // first through the dictionary, then without
    { name: 'mixed', leaf: { type: 'int32' }, nullable: false, values: range(count, (i) => (i < 9000 ? (i % 8) * 2 : i * 2)) },
    { name: 'uuid', leaf: { type: 'uuid' }, nullable: false, values: range(count, (i) => bytesOf(i, 16)) },
    { name: 'plain', leaf: { type: 'int64' }, nullable: false, values: range(count, (i) => BigInt(i)) },
  ]
  const bloom = columns.map(({ name }) => (name === 'plain' ? undefined : { fpp: 0.01 }))

  it('have the size that their values need, let every value through and few others', async () => {
    const bytes = await write(build, columns, { codec: 'snappy', bloom, pageRows: 3000, dictionaryBytes: 4096, statistics: false }, 1000)
    const metadata = parquetMetadata(arrayBuffer(bytes))
    const sizes = metadata.row_groups[0].columns.map(({ meta_data }) => meta_data!.bloom_filter_length)
    // 13,333, 40, 20,000, 11,008 and 20,000 values at 10.5 bits and a header
    expect(sizes.map((size) => size && 2 ** Math.floor(Math.log2(size)))).toEqual([32_768, 64, 32_768, 16_384, 32_768, undefined])

    const path = duck.file(`${files++}.parquet`, bytes)
    const excluded = async (column: string, literal: string) => {
      const [row] = await duck.rows(`select * from parquet_bloom_probe('${path}', '${column}', ${literal})`)
      return row.bloom_filter_excludes as boolean
    }
    let through = 0
    for (let i = 0; i < 60; i++) {
      const at = Math.floor(r() * count)
      for (const [column, there, missing] of [
        ['unique', `'mill-${(at - (at % 3) + 1) * 2}'`, `'mill-${at * 2 + 1}'`],
        ['few', `'race-${(at % 40) * 2}'`, `'race-${at * 2 + 1}'`],
        ['id', `${at * 2}::bigint`, `${at * 2 + 1}::bigint`],
        ['mixed', `${at < 9000 ? (at % 8) * 2 : at * 2}::integer`, `${at * 2 + 1}::integer`],
      ]) {
        expect([column, there, await excluded(column, there)]).toEqual([column, there, false])
        if (!(await excluded(column, missing))) through++
      }
    }
    expect(through).toBeLessThan(12)
    const file = arrayBuffer(bytes)
    const find = (filter: object) => parquetQuery({ file, filter: filter as never, useBloomFilters: true } as never)
    expect((await find({ id: { $eq: 30_002n } })).length).toBe(1)
    expect((await find({ unique: { $eq: 'mill-20000' } })).length).toBe(1)
    expect((await find({ id: { $eq: 30_003n } })).length).toBe(0)
  })

  it('begin anew with each row group', async () => {
    const bytes = await write(build, columns.slice(0, 3), { codec: 'none', bloom }, 1000, 5000)
    const path = duck.file(`${files++}.parquet`, bytes)
    for (let group = 0; group < 4; group++) {
      const rows = await duck.rows(`select * from parquet_bloom_probe('${path}', 'id', ${(group * 5000 + 77) * 2}::bigint) order by row_group_id`)
      expect(rows.map((row) => row.bloom_filter_excludes).indexOf(false)).toBe(group)
    }
  })

  it('grow no larger than asked for', async () => {
    const bytes = await write(build, [columns[2]], { codec: 'none', bloom: [{ fpp: 0.01, ndv: 1000 }] }, 1000)
    const { meta_data } = parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns[0]
    expect(meta_data!.bloom_filter_length).toBeGreaterThanOrEqual(2048)
    expect(meta_data!.bloom_filter_length).toBeLessThan(2048 + 64)
  })
})

describe('booleans', () => {
  it.each([
    [1, 'auto', 'PLAIN'],
    [1, 'plain', 'PLAIN'],
    [2, 'auto', 'RLE'],
    [2, 'plain', 'PLAIN'],
  ] as const)('of pages of version %i are, as %s, %s', async (pageVersion, encoding, shown) => {
    const sink = bytesSink()
    const writer = createParquetWriter({
      schema: { columns: [{ name: 'b', type: 'boolean', nullable: false }] },
      sink,
      pageVersion,
      encodings: { b: encoding },
    })
    await writer.writeJson(Buffer.from('{"b":true}{"b":false}{"b":true}'))
    await writer.close()
    const file = arrayBuffer(sink.bytes())
    expect(parquetMetadata(file).row_groups[0].columns[0].meta_data?.encodings).toEqual([shown])
    expect(await parquetReadObjects({ file })).toEqual([{ b: true }, { b: false }, { b: true }])
  })
})

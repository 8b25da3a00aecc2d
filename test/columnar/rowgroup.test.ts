import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Duck, openDuck } from '../duck.js'
import { type Cell, type Column, write } from './batches.js'

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

let files = 0
/** Every cell as DuckDB and hyparquet read it back. */
async function check(bytes: Uint8Array, fields: Column[]): Promise<void> {
  const path = duck.file(`${files++}.parquet`, bytes)
  const rows = await duck.rows(`select * from read_parquet('${path}', file_row_number = true) order by file_row_number`)
  const objects = await parquetReadObjects({ file: arrayBuffer(bytes) })
  const count = fields[0].values.length
  expect(rows.length).toBe(count)
  expect(objects.length).toBe(count)
  for (const field of fields) {
    for (let i = 0; i < count; i++) {
      const want = field.values[i]
      const a = plain(rows[i][field.name])
      const b = plain(objects[i][field.name])
      if (!Object.is(a, want) && !(typeof want === 'bigint' && a === want)) throw new Error(`DuckDB: ${field.name}[${i}] is ${String(a)}, not ${String(want)}`)
      if (!Object.is(b, want)) throw new Error(`hyparquet: ${field.name}[${i}] is ${String(b)}, not ${String(want)}`)
    }
  }
}

const plain = (value: unknown): Cell => (value === undefined ? null : (value as Cell))

const sprinkle = (values: Cell[], every: number): Cell[] => values.map((v, i) => (i % every === 0 ? null : v))
const range = <T>(count: number, f: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => f(i))

function everyKind(count: number, seed = 1): Column[] {
  const r = random(seed)
  const word = () => range(1 + Math.floor(r() * 12), () => String.fromCodePoint(97 + Math.floor(r() * 26))).join('')
  const wide = ['', 'é', '水車', '😀', '\uffff', 'a\u0000b', 'x'.repeat(17), 'y'.repeat(65)]
  return [
    { name: 'flag', leaf: { type: 'boolean' }, nullable: false, values: range(count, () => r() < 0.5) },
    {
      name: 'maybe',
      leaf: { type: 'boolean' },
      nullable: true,
      values: sprinkle(
        range(count, () => r() < 0.1),
        3,
      ),
    },
    { name: 'small', leaf: { type: 'int32' }, nullable: false, values: range(count, () => Math.floor(r() * 50) - 25) },
    {
      name: 'any32',
      leaf: { type: 'int32' },
      nullable: true,
      values: sprinkle(
        range(count, (i) => (i === 1 ? -(2 ** 31) : i === 2 ? 2 ** 31 - 1 : Math.floor((r() - 0.5) * 2 ** 32))),
        7,
      ),
    },
    {
      name: 'id',
      leaf: { type: 'int64' },
      nullable: false,
      values: range(count, (i) => (i === 0 ? -(2n ** 63n) : i === 1 ? 2n ** 63n - 1n : 2n ** 53n + BigInt(i))),
    },
    {
      name: 'few64',
      leaf: { type: 'int64' },
      nullable: true,
      values: sprinkle(
        range(count, () => BigInt(Math.floor(r() * 5)) * 2n ** 60n),
        2,
      ),
    },
    {
      name: 'real',
      leaf: { type: 'double' },
      nullable: false,
      values: range(count, (i) => (i === 0 ? -0 : i === 1 ? 5e-324 : i === 2 ? 1.7976931348623157e308 : r() * 1e6)),
    },
    {
      name: 'cents',
      leaf: { type: 'double' },
      nullable: true,
      values: sprinkle(
        range(count, () => Math.floor(r() * 300) / 100),
        5,
      ),
    },
    { name: 'word', leaf: { type: 'string' }, nullable: false, values: range(count, word) },
    {
      name: 'wide',
      leaf: { type: 'string' },
      nullable: true,
      values: sprinkle(
        range(count, () => wide[Math.floor(r() * wide.length)]),
        4,
      ),
    },
    { name: 'constant', leaf: { type: 'string' }, nullable: false, values: range(count, () => 'always the same') },
    { name: 'void', leaf: { type: 'string' }, nullable: true, values: range(count, () => null) },
    { name: 'rare', leaf: { type: 'int32' }, nullable: true, values: range(count, (i) => (i % 977 === 5 ? i : null)) },
  ]
}

describe.each(['simd', 'scalar'] as const)('row groups (%s)', (build) => {
  it.each([1, 2, 7, 8, 9, 63, 64, 65, 1000])('%d rows, every type, nulls or none', async (count) => {
    for (const codec of ['snappy', 'none'] as const) {
      const fields = everyKind(count, count)
      await check(await write(build, fields, { codec }, 100), fields)
    }
  })

  it('several row groups and pages, pages cut in the middle of batches', async () => {
    const fields = everyKind(9000, 3)
    const bytes = await write(build, fields, { codec: 'snappy', pageRows: 1024, pageBytes: 8192 }, 700, 4000)
    await check(bytes, fields)
    const metadata = parquetMetadata(arrayBuffer(bytes))
    expect(metadata.row_groups.map((g) => Number(g.num_rows))).toEqual([4200, 4200, 600])
    expect(metadata.row_groups[0].columns[0].meta_data!.encoding_stats!.length).toBeGreaterThan(0)
  })

  it('falls back to PLAIN when the dictionary is full, with the pages before it still dictionary-coded', async () => {
    const r = random(5)
    const fields: Column[] = [
      // pays at first (few values), then overflows
      {
        name: 's',
        leaf: { type: 'string' },
        nullable: true,
        values: sprinkle(
          range(8000, (i) => (i < 4000 ? `few ${i % 5}` : `many ${i} ${'z'.repeat(30)}`)),
          11,
        ),
      },
      { name: 'd', leaf: { type: 'double' }, nullable: false, values: range(8000, (i) => (i < 4000 ? i % 3 : r())) },
      {
        name: 'n',
        leaf: { type: 'int32' },
        nullable: true,
        values: sprinkle(
          range(8000, (i) => (i < 4000 ? i % 3 : i)),
          9,
        ),
      },
      // never pays
      {
        name: 'u',
        leaf: { type: 'string' },
        nullable: true,
        values: sprinkle(
          range(8000, (i) => `unique ${i}`),
          3,
        ),
      },
    ]
    const bytes = await write(build, fields, { codec: 'snappy', pageRows: 1024, dictionaryBytes: 4096 }, 500)
    await check(bytes, fields)
    const [s, d, n, u] = parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns.map((c) => c.meta_data!)
    for (const mixed of [s, n]) expect(mixed.encodings).toEqual(['PLAIN', 'RLE', 'RLE_DICTIONARY'])
    expect(d.encodings).toEqual(['PLAIN', 'RLE_DICTIONARY'])
    expect(u.encodings).toEqual(['PLAIN', 'RLE'])
    expect(u.dictionary_page_offset).toBeUndefined()
    expect(s.data_page_offset).toBeGreaterThan(s.dictionary_page_offset!)
  })

  it('a dictionary of 65536 entries and one more', async () => {
    for (const distinct of [65535, 65536, 65537]) {
      const fields: Column[] = [{ name: 'n', leaf: { type: 'int32' }, nullable: false, values: range(140_000, (i) => (i < 70_000 ? i % 7 : i % distinct)) }]
      const bytes = await write(build, fields, { codec: 'none' }, 20_000)
      const path = duck.file(`${files++}.parquet`, bytes)
      const [{ sum, n }] = await duck.rows(`select sum(n)::bigint as sum, count(distinct n)::bigint as n from '${path}'`)
      expect([sum, n]).toEqual([BigInt(fields[0].values.reduce<number>((a, v) => a + Number(v), 0)), BigInt(new Set(fields[0].values).size)])
    }
  })

  it('values chosen to collide cost no more than PLAIN', async () => {
    // hash64 of assembly/columnar/dictionary.ts: all in two slots of the first table of 1024
    const hash = (value: bigint) => {
      const h = BigInt.asUintN(64, value * 0x9e3779b97f4a7c15n)
      return Number(BigInt.asUintN(64, (h ^ (h >> 29n)) * 0xd6e8feb86659fd93n) >> 32n) & 1023
    }
    const values: bigint[] = []
    for (let v = 1n; values.length < 400; v++) if (hash(v) < 2) values.push(v)
    const fields: Column[] = [{ name: 'n', leaf: { type: 'int64' }, nullable: false, values: range(4000, (i) => values[i % 400]) }]
    await check(await write(build, fields, { codec: 'none' }), fields)
  })

  it('pages of nothing but nulls, before values and alone, without a dictionary of no entries', async () => {
    const values = range(20_000, (i) => (i < 9000 ? null : `v${i % 5}`))
    const fields: Column[] = [
      { name: 'late', leaf: { type: 'string' }, nullable: true, values },
      { name: 'never', leaf: { type: 'string' }, nullable: true, values: values.map(() => null) },
      { name: 'number', leaf: { type: 'int64' }, nullable: true, values: values.map(() => null) },
    ]
    const bytes = await write(build, fields, { codec: 'snappy', pageRows: 4096 })
    await check(bytes, fields)
    const [late, never, number] = parquetMetadata(arrayBuffer(bytes)).row_groups[0].columns.map((c) => c.meta_data)
    expect(late?.dictionary_page_offset).toBeDefined()
    for (const column of [never, number]) {
      expect(column?.dictionary_page_offset).toBeUndefined()
      expect(column?.encodings).not.toContain('RLE_DICTIONARY')
      expect(column?.statistics?.null_count).toBe(20_000n)
    }
  })

  it('values longer than a page, among nulls and short ones', async () => {
    const values = range(300, (i) => (i % 5 === 0 ? null : i % 17 === 0 ? `${i}`.repeat(3000) : `v${i}`))
    const fields: Column[] = [
      { name: 's', leaf: { type: 'string' }, nullable: true, values },
      { name: 't', leaf: { type: 'string' }, nullable: false, values: values.map((v) => v ?? '') },
    ]
    await check(await write(build, fields, { codec: 'snappy', pageBytes: 4096, dictionaryBytes: 8192, pageRows: 64 }, 50), fields)
  })

  it('the same whatever batches its rows came in, and whatever row group came before', async () => {
    const once = everyKind(18_000)
    const twice = once.map((column) => ({ ...column, values: [...column.values, ...column.values] }))
    const [a, b, c] = await Promise.all([8, 1000, 18_000].map((batchRows) => write(build, twice, { codec: 'snappy', pageRows: 1000 }, batchRows, 18_000)))
    expect(Buffer.compare(a, b)).toBe(0)
    expect(Buffer.compare(a, c)).toBe(0)
    const [first, second] = parquetMetadata(arrayBuffer(a)).row_groups
    const size = Number(first.total_compressed_size)
    expect(Number(second.total_compressed_size)).toBe(size)
    const start = Number(second.file_offset)
    expect(Buffer.compare(a.subarray(4, 4 + size), a.subarray(start, start + size))).toBe(0)
  })

  it('an empty file has no row groups', async () => {
    const fields = everyKind(0)
    const bytes = await write(build, fields, { codec: 'snappy' })
    await check(bytes, fields)
    expect(parquetMetadata(arrayBuffer(bytes)).row_groups).toEqual([])
  })

  it('timestamps carry their unit and UTC, both ways', async () => {
    const at = 1_700_000_000_123n
    const fields: Column[] = [
      { name: 'ms', leaf: { type: 'timestamp', unit: 'ms' }, nullable: false, values: [at] },
      { name: 'us', leaf: { type: 'timestamp', unit: 'us' }, nullable: true, values: [at * 1000n + 456n] },
      { name: 'ns', leaf: { type: 'timestamp', unit: 'ns' }, nullable: false, values: [at * 1_000_000n + 456_789n] },
    ]
    const bytes = await write(build, fields, { codec: 'none' })
    const path = duck.file(`${files++}.parquet`, bytes)
    expect(await duck.rows(`select typeof(ms) a, typeof(us) b, epoch_us(us) c, epoch_ms(ms) d from '${path}'`)).toEqual([
      { a: 'TIMESTAMP WITH TIME ZONE', b: 'TIMESTAMP WITH TIME ZONE', c: at * 1000n + 456n, d: at },
    ])
    const schema = parquetMetadata(arrayBuffer(bytes)).schema
    expect(schema.map((s) => [s.name, s.converted_type, s.logical_type])).toEqual([
      ['schema', undefined, undefined],
      ['ms', 'TIMESTAMP_MILLIS', { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' }],
      ['us', 'TIMESTAMP_MICROS', { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' }],
      ['ns', undefined, { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' }],
    ])
  })

  it('a thousand columns', async () => {
    const fields = range(1000, (c): Column => {
      const type = (['string', 'int32', 'double'] as const)[c % 3]
      return { name: `c${c}`, leaf: { type }, nullable: c % 2 === 0, values: range(50, (i) => (type === 'string' ? `${c}:${i}` : c + i)) }
    })
    const bytes = await write(build, fields, { codec: 'snappy' }, 25)
    const [row] = await duck.rows(`select count(*) n, sum(c1) a, max(c999) b, count(distinct c0) d from '${duck.file(`${files++}.parquet`, bytes)}'`)
    expect(row).toMatchObject({ n: 50n, b: '999:9', d: 50n })
  })

  it('sizes and offsets in the metadata are those of the pages', async () => {
    const bytes = await write(build, everyKind(3000), { codec: 'snappy', pageRows: 512, pageIndex: false }, 300, 1500)
    const metadata = parquetMetadata(arrayBuffer(bytes))
    let at = 4n
    for (const group of metadata.row_groups) {
      expect(group.file_offset).toBe(at)
      let total = 0n
      for (const { meta_data: m } of group.columns) {
        expect(m!.dictionary_page_offset ?? m!.data_page_offset).toBe(at)
        at += m!.total_compressed_size
        total += m!.total_uncompressed_size
      }
      expect(group.total_byte_size).toBe(total)
    }
    expect(metadata.created_by).toMatch(/^millrace version \S+ \(build \S+\)$/)
    expect(Number(at)).toBe(bytes.length - 8 - metadata.metadata_length)
  })
})

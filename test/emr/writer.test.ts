import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHiveWriter, type HiveWriterOptions, partitionName } from '../../src/emr/index.js'
import type { BadRecord, Schema } from '../../src/parquet/index.js'
import { nodePorts } from '../../src/ports/node.js'
import type { Storage } from '../../src/ports/ports.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
let directories = 0
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const SCHEMA: Schema = {
  columns: [
    { name: 'n', type: 'int32', nullable: false },
    { name: 'p', type: 'string' },
    { name: 's', type: 'string' },
    { name: 'q', type: 'int64' },
    { name: 'd', type: 'double' },
    { name: 'b', type: 'boolean' },
    { name: 't', type: 'timestamp', unit: 'us' },
  ],
}

async function write(lines: string[], options: Partial<HiveWriterOptions> = {}) {
  const directory = join(duck.directory, `hive-${directories++}`)
  const writer = createHiveWriter({ schema: SCHEMA, directory, partitionBy: ['p'], ports: nodePorts, ...options })
  const text = Buffer.from(lines.join('\n'))
  for (let at = 0; at < text.length; at += 300_000) await writer.writeJson(text.subarray(at, at + 300_000))
  return { directory, summary: await writer.close() }
}

const files = (directory: string) => readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((f) => !f.includes('=') || /\.(parquet|tmp)$/.test(f))
const all = (directory: string, types = '') => `read_parquet('${directory}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false${types})`

const HOSTILE = [
  '../../etc/passwd',
  '..',
  '.',
  'a/b',
  'a\\b',
  '100%',
  '%2F',
  'k=v',
  '水車 é😀',
  "it's",
  'new\nline',
  'x y',
  '?#*:',
  'nul\u0000',
  'long'.repeat(60),
]

describe('createHiveWriter', () => {
  it('takes the options of a file, and a codec that makes promises', async () => {
    const later = { name: 'gzip', compress: async (bytes: Uint8Array) => gzipSync(bytes) } as const
    const options = { compression: later, pageVersion: 2, pageRows: 500, pageChecksums: true, bloomFilters: ['s'], encodings: { n: 'delta' } } as const
    const lines = Array.from({ length: 9000 }, (_, i) => JSON.stringify({ n: i, p: `p${i % 3}`, s: `s${i % 1000}` }))
    const { directory } = await write(lines, { ...options, rowGroupRows: 2000 })
    const back = await duck.rows(`select n, p, s from ${all(directory)} order by n`)
    expect(back).toEqual(Array.from({ length: 9000 }, (_, i) => ({ n: i, p: `p${i % 3}`, s: `s${i % 1000}` })))
    // in each partition's file the rows come in order
    const [{ ups }] = await duck.rows(`select count(*) ups from (select n > lag(n) over (partition by filename order by file_row_number) up
      from read_parquet('${directory}/**/*.parquet', filename = true, file_row_number = true)) where not up`)
    expect(ups).toBe(0n)
    const chunks = await duck.rows(
      `select distinct compression, bloom_filter_length > 0 bloom from parquet_metadata('${directory}/**/*.parquet') where path_in_schema = 's'`,
    )
    expect(chunks).toEqual([{ compression: 'GZIP', bloom: true }])
    await expect(write([], { encodings: { p: 'plain' } })).rejects.toThrow('"options.encodings" expected a column that has values (n, s, q, d, b, t), got "p"')
  })

  it('puts each row into its partition, whatever the value, and DuckDB reads all of it back', async () => {
    const values: (string | null)[] = [...HOSTILE, null, 'plain']
    const rows = Array.from({ length: 5000 }, (_, i) => ({
      n: i,
      p: values[(i * 7) % values.length],
      s: i % 3 ? `s${i % 50}` : null,
      q: i % 2 ? i * 2 ** 33 : null,
      d: i / 3,
      b: i % 5 === 0,
      t: 1_700_000_000_000_000 + i,
    }))
    const { directory, summary } = await write(rows.map((r) => JSON.stringify(r)))
    expect(summary).toMatchObject({ rows: 5000, badRecords: 0, partitions: values.length, files: values.length, rowGroups: values.length })
    expect(readdirSync(directory).sort()).toEqual(values.map((v) => partitionName('p', v)).sort())
    const back = await duck.rows(`select n, p, s, q, d, b, epoch_us(t) t from ${all(directory)} order by n`)
    for (const [i, row] of rows.entries()) {
      expect(back[i]).toEqual({ ...row, q: row.q === null ? null : BigInt(row.q), t: BigInt(row.t) })
    }
    const [{ fields }] = await duck.rows(
      `select list(name) as fields from (select distinct name from parquet_schema('${directory}/p=plain/part-00000.parquet') where name <> 'schema')`,
    )
    expect((fields as { items: string[] }).items.sort()).toEqual(['b', 'd', 'n', 'q', 's', 't'])
  })

  it('by several columns, integers and booleans too', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => ({ n: i, q: i % 3 ? BigInt(i % 3) - 2n : null, b: i % 2 === 0, p: `${i % 5}` }))
    const { directory, summary } = await write(
      rows.map((r) => JSON.stringify({ ...r, q: r.q === null ? null : Number(r.q) })),
      { partitionBy: ['b', 'q'] },
    )
    expect(summary).toMatchObject({ rows: 600, partitions: 6 })
    expect(readdirSync(join(directory, 'b=true')).sort()).toEqual(['q=-1', 'q=0', 'q=__HIVE_DEFAULT_PARTITION__'])
    const back = await duck.rows(`select n, q, b, p from ${all(directory, ', hive_types = {q: BIGINT, b: BOOLEAN}')} order by n`)
    expect(back).toEqual(rows)
  })

  it('keeps within its memory, with few files open, and loses nothing', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ n: i, p: `p${(i * 7919) % 150}`, s: `${i}`.repeat(12), d: i }))
    const { directory, summary } = await write(
      rows.map((r) => JSON.stringify(r)),
      { maxBufferedBytes: 1024 * 1024 },
    )
    expect(summary.rows).toBe(20_000)
    expect(summary.partitions).toBe(150)
    expect(summary.rowGroups).toBeGreaterThan(150)
    expect(files(directory).filter((f) => f.endsWith('.tmp'))).toEqual([])
    const [got] = await duck.rows(
      `select count(*) c, sum(n)::bigint n, count(distinct s) s, count(*) filter (p = 'p' || ((n::bigint * 7919) % 150)) p from ${all(directory)}`,
    )
    expect(got).toEqual({ c: 20_000n, n: (20_000n * 19_999n) / 2n, s: 20_000n, p: 20_000n })
  })

  it('ends row groups by rows, in one file', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ n: i, p: i % 10 ? 'x' : 'y' }))
    const { directory, summary } = await write(rows, { rowGroupRows: 5000 })
    expect(files(directory).sort()).toEqual(['p=x/part-00000.parquet', 'p=y/part-00000.parquet'])
    expect(summary.rowGroups).toBeGreaterThanOrEqual(4)
    expect((await duck.rows(`select count(*) c from ${all(directory)}`))[0].c).toBe(20_000n)
  })

  it('takes rows longer than what is unpacked at a time', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ n: i, p: `${i % 2}`, s: i % 4 ? 'short' : `${i % 10}`.repeat(700_000) }))
    const { directory } = await write(rows.map((r) => JSON.stringify(r)))
    const back = await duck.rows(`select n, p, s from ${all(directory)} order by n`)
    expect(back.every((row, i) => row.n === i && row.p === rows[i].p && row.s === rows[i].s)).toBe(true)
    expect(back.length).toBe(40)
  })

  it('null and the empty string share a partition, as Hive has it', async () => {
    const { directory, summary } = await write(['{"n":1,"p":null}', '{"n":2,"p":""}', '{"n":3}'])
    expect(summary).toMatchObject({ partitions: 1, files: 1 })
    expect(readdirSync(directory)).toEqual(['p=__HIVE_DEFAULT_PARTITION__'])
    expect(await duck.rows(`select n, p from ${all(directory)} order by n`)).toEqual([1, 2, 3].map((n) => ({ n, p: null })))
  })

  it('nothing in, an empty directory', async () => {
    const { directory, summary } = await write([])
    expect(summary).toEqual({ rows: 0, bytes: 0, rowGroups: 0, badRecords: 0, badByReason: {}, columns: expect.any(Array), files: 0, partitions: 0 })
    expect(readdirSync(directory)).toEqual([])
  })

  it('a value too long for a directory makes a bad record, with all that it said', async () => {
    const lines = ['{"n":0,"p":"a"}', '[]', JSON.stringify({ n: 1, p: 'é'.repeat(127), s: 'so', d: -0.5, q: 5, b: true }), '{"n":2,"p":"a"}']
    const bad: BadRecord[] = []
    const { directory, summary } = await write(lines, { onBadRecord: (b) => void bad.push(b) })
    expect(summary).toMatchObject({ rows: 2, badRecords: 2 })
    expect(bad.map((b) => [b.record, b.message])).toEqual([
      [1, 'expected a JSON object, got an array'],
      [2, 'column "p" expected a value whose directory name is at most 255 bytes, got a longer one'],
    ])
    expect(JSON.parse(Buffer.from(bad[1].text).toString())).toEqual({ n: 1, p: 'é'.repeat(127), s: 'so', d: -0.5, q: 5, b: true })
    expect(readdirSync(directory)).toEqual(['p=a'])
    await expect(write(lines.slice(2))).rejects.toMatchObject({ code: 'BAD_INPUT', position: { record: 0 } })
  })

  it('leaves nothing behind when it fails', async () => {
    for (const what of ['write', 'sync', 'rename'] as const) {
      let left = what === 'rename' ? 2 : 20
      const spent = () => {
        if (left-- <= 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      }
      const real = nodePorts.storage
      const storage: Storage = {
        ...real,
        async create(path, options) {
          const file = await real.create(path, options)
          return {
            async write(data) {
              if (what === 'write') spent()
              await file.write(data)
            },
            async sync() {
              if (what === 'sync') spent()
              await file.sync()
            },
            close: () => file.close(),
          }
        },
        async rename(from, to) {
          if (what === 'rename') spent()
          await real.rename(from, to)
        },
      }
      const directory = join(duck.directory, `full-${what}`)
      const lines = Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ n: i, p: `p${i % 100}`, s: 'x'.repeat(i % 100) }))
      await expect(write(lines, { directory, ports: { ...nodePorts, storage }, maxBufferedBytes: 1024 * 1024 })).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(readdirSync(directory, { recursive: true })).toEqual([])
    }
  })

  it('refuses partitions that the file system takes for one: the second part would replace the first', async () => {
    const directory = join(duck.directory, 'folded')
    const fold = (path: string) => directory + path.slice(directory.length).toLowerCase()
    const real = nodePorts.storage
    const storage: Storage = {
      ...real,
      create: (path, options) => real.create(fold(path), options),
      makeDirectory: (path) => real.makeDirectory(fold(path)),
      rename: (from, to) => real.rename(fold(from), fold(to)),
      remove: (path) => real.remove(fold(path)),
      stat: (path) => real.stat(fold(path)),
    }
    const write2 = (keys: string[], b: boolean) =>
      write(
        keys.map((p, n) => JSON.stringify({ n, p, b })),
        { directory, ports: { ...nodePorts, storage }, partitionBy: b ? ['p', 'b'] : ['p'] },
      )
    await expect(write2(['AMS', 'ams'], false)).rejects.toThrow('the file system takes "p=ams" for another partition\'s directory')
    await expect(write2(['AMS', 'ams'], true)).rejects.toThrow('the file system takes "p=ams" for')
    expect(readdirSync(directory, { recursive: true })).toEqual([])
    expect((await write2(['AMS', 'SFO', 'AMS'], true)).summary).toMatchObject({ rows: 3, files: 2 })
  })

  it('of two writers of one directory one is refused', async () => {
    const directory = join(duck.directory, 'both')
    const ends = await Promise.allSettled([write(['{"n":1,"p":"a"}'], { directory }), write(['{"n":2,"p":"a"}'], { directory })])
    const failed = ends.filter((end) => end.status === 'rejected')
    expect(failed.map(({ reason }) => reason.message)).toEqual([expect.stringContaining('both: expected an empty directory or none, ')])
    expect(readdirSync(directory, { recursive: true }).sort()).toEqual(['p=a', 'p=a/part-00000.parquet'])
  })

  it('refuses a directory that has something in it', async () => {
    const directory = join(duck.directory, 'taken')
    mkdirSync(directory)
    writeFileSync(join(directory, 'old.parquet'), '')
    await expect(write(['{"n":1}'], { directory })).rejects.toThrow('expected an empty directory or none, found "old.parquet" in it')
    expect(existsSync(join(directory, 'old.parquet'))).toBe(true)
  })

  it.each([
    [{ partitionBy: 'p' }, '"options.partitionBy" expected an array of column names, got "p"'],
    [{ partitionBy: ['x'] }, '"options.partitionBy[0]" expected a column of the schema (n, p, s, q, d, b, t), got "x"'],
    [{ partitionBy: ['d'] }, '"options.partitionBy[0]" expected a column of strings, integers, booleans, dates or decimals, got "d (double)"'],
    [{ partitionBy: ['p', 'p'] }, '"options.partitionBy" expected each column once, got "p, p"'],
    [{ schema: { columns: [{ name: 'p', type: 'string' }] } }, '"options.partitionBy" expected not all columns of the schema'],
    [{ ports: undefined }, '"options.ports" expected ports with a storage and random, got undefined'],
    [{ directory: 5 }, '"options.directory" expected a path, got 5'],
    [{ sink: {} }, '"options" expected one of schema, directory'],
  ])('%#: refuses %j', (options, message) => {
    const given = { schema: SCHEMA, directory: 'x', partitionBy: ['p'], ports: nodePorts, ...options }
    expect(() => createHiveWriter(given as never)).toThrow(message)
  })
})

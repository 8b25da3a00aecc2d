// The bench's own arithmetic and its list of rows; no rival is needed to run these.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

// plain JavaScript without declarations: loaded by address
const load = (file: string) => import(new URL(`../bench/${file}`, import.meta.url).href)
const frame = await load('frame.mjs')
const { loadRows } = await load('rows.mjs')
const { readmeTable, writeReadme } = await load('readme.mjs')
const shard = await load('baseline-shard.mjs')
const kpl = await load('baseline-kpl.mjs')
const data = await load('data.mjs')

const PACE = { slice: 1, rounds: 3, warmup: 0, patience: 1000 }
const side = (name: string, work: number, run: () => unknown = () => {}) => ({ name, work, run })

describe('frame', () => {
  it('takes the median of the ratios of each round, not the ratio of medians', () => {
    // the clock doubles in the last round, for both
    expect(frame.ratioOf([10, 10, 40], [5, 5, 20])).toBe(2)
    expect(frame.ratioOf([1, 8, 9], [1, 2, 9])).toBe(1)
    expect(frame.ratioOf([2, 2, 2], [5, 5, 5], false)).toBe(2.5)
  })

  it('compares outputs before it samples', async () => {
    let ran = 0
    const row = {
      row: 'r',
      unit: 'u/s',
      rivals: ['a'],
      prepare: () => ({ ours: side('', 1, () => ran++), rivals: [side('a', 1)], check: () => frame.same('r', new Uint8Array([1]), new Uint8Array([2])) }),
    }
    await expect(frame.runRow(row, { pace: PACE })).rejects.toThrow('r: outputs differ: 1 bytes 01 | 1 bytes 02')
    expect(ran).toBe(0)
  })

  it('gives one result a rival, with its target', async () => {
    const row = {
      row: 'r',
      unit: 'KB',
      rate: false,
      rivals: ['a', 'b'],
      targets: { b: 3 },
      ceiling: 5,
      prepare: () => ({ samples: [[4], [8], [10]], rivals: [{ name: 'a' }, { name: 'b' }] }),
    }
    const results = await frame.runRow(row, { pace: PACE })
    expect(results).toEqual([
      { row: 'r', ours: 4, unit: 'KB', rival: 'a', theirs: 8, ratio: 2, ceiling: 5, met: true },
      { row: 'r', ours: 4, unit: 'KB', rival: 'b', theirs: 10, ratio: 2.5, target: 3, met: false },
    ])
    expect(frame.losses(results)).toEqual(['- r: x 2.50 of b, target 3x'])
  })

  it('samples every side in every round, asynchronous ones too', async () => {
    const rates = await frame.sample([side('a', 1), { ...side('b', 2, async () => {}), async: true }], PACE)
    expect(rates.map((r: number[]) => r.length)).toEqual([3, 3])
    expect(rates.flat().every((r: number) => r > 0)).toBe(true)
  })

  it('writes one JSON line a row', () => {
    const line = frame.jsonLine({ row: 'r', ours: 2, unit: 'u/s', rival: 'a', theirs: 1, ratio: 2 })
    expect(line).toBe('{"row":"r","ours":2,"unit":"u/s","rival":"a","theirs":1,"ratio":2}')
  })

  it('tells which ratios fell by more than 15 % since an earlier run', () => {
    const row = (rival: string, ratio: number) => ({ row: 'r', rival, ratio })
    const earlier = frame.parseResults(`${[row('a', 2), row('b', 2)].map((r) => JSON.stringify(r)).join('\n')}\n`)
    expect(frame.fallen([row('a', 1.71), row('b', 1.69), row('c', 0.1)], earlier)).toEqual(['- r / b: x 1.69, was x 2.00'])
  })

  it("renders the README's table, a line a row, the nearest rival first", () => {
    const common = { row: 'r', ours: 2, unit: 'u/s', on: 'Node' }
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
    try {
      const file = join(folder, 'README.md')
      writeFileSync(file, 'a\n<!-- bench -->\nold\n<!-- /bench -->\nz\n')
      writeReadme(
        file,
        readmeTable([
          { ...common, rival: 'far', theirs: 0.5, ratio: 4, note: 'why' },
          { ...common, rival: 'near', theirs: 4, ratio: 0.5 },
        ]),
      )
      const text = readFileSync(file, 'utf8')
      expect(text).toContain('a\n<!-- bench -->\n\n| | millrace |')
      expect(text).toContain('| r | 2.00 u/s | near **x 0.50** (4.00), far **x 4.00** (0.50) |\n\nNode. x: ')
      expect(text).toMatch(/far: why\.\n\n<!-- \/bench -->\nz\n$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('rows', () => {
  const SNOWBALL = ['GNU tar (hashes nothing)', 'Python tarfile + hashlib', 'tar-stream + node:crypto']

  it('has every row that was promised, with its rivals and targets', async () => {
    const rows: { row: string; rivals: string[]; targets?: Record<string, number>; ceiling?: number }[] = await loadRows()
    const find = (part: string) => rows.filter((r) => r.row.startsWith(part))
    for (const [part, count, rivals, targets] of [
      ['key -> shard, string[] in', 1, ['node createHash', 'node crypto.hash', 'hash-wasm', 'js-md5', 'spark-md5', 'plain JS baseline'], { '*': 5 }],
      ['key -> shard, packed bytes in', 1, ['node createHash', 'node crypto.hash', 'hash-wasm', 'js-md5', 'spark-md5', 'plain JS baseline'], { '*': 10 }],
      ['base64 decode, bytes', 3, ['Buffer.from(latin1Slice)'], { '*': 0.5 }],
      ['base64 encode, bytes -> bytes', 3, ['Buffer.from(base64Slice)'], { '*': 0.5 }],
      ['base64 decode, JS string', 3, ['Buffer.from(text)', 'atob (a binary string)'], undefined],
      ['base64 encode, bytes -> JS string', 3, ['Buffer.toString', 'btoa(latin1Slice)'], undefined],
      ['aggregate, packed bytes in, 100 B', 2, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 8 }],
      ['aggregate, packed bytes in, 1 KB', 1, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 5 }],
      ['aggregate, objects in', 3, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 2.5 }],
      ['de-aggregate, to columns, 100 B', 2, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 6 }],
      ['de-aggregate, to columns, 1 KB', 1, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 4 }],
      ['de-aggregate without MD5, to columns', 3, ['aws-kinesis-agg'], { 'aws-kinesis-agg': 15 }],
      ['de-aggregate, to objects', 3, ['aws-kinesis-agg', 'plain JS baseline'], { 'aws-kinesis-agg': 2.5 }],
      ['Lambda event', 2, ['Powertools batch + aws-kinesis-agg'], { 'Powertools batch + aws-kinesis-agg': 3 }],
      ['NDJSON -> Parquet, flat, Snappy', 2, ['duckdb (native)', 'polars (native)'], undefined],
      ['NDJSON -> Parquet, nested, Snappy', 2, ['duckdb (native)', 'polars (native)'], undefined],
      ['NDJSON -> Parquet, telemetry, Snappy', 2, ['duckdb (native)', 'polars (native)'], undefined],
      ['NDJSON -> Parquet, flat, uncompressed', 1, ['duckdb (native)', 'polars (native)'], { 'duckdb (native)': 3, 'polars (native)': 3 }],
      ['NDJSON -> Parquet, nested, uncompressed', 1, ['duckdb (native)', 'polars (native)'], { 'duckdb (native)': 2.5 }],
      ['NDJSON -> Parquet, flat, shuffled keys', 1, ['duckdb (native)'], { 'duckdb (native)': 1.5 }],
      ['NDJSON -> Parquet, nested, shuffled keys', 1, ['duckdb (native)'], { 'duckdb (native)': 1.5 }],
      ['size: Parquet', 3, ['duckdb (native)'], { 'duckdb (native)': 0.97 }],
      ['Firehose event of 3 MB, Apache lines to JSON', 1, ['Node by hand'], { 'Node by hand': 4 }],
      ['Firehose event of 3 MB, as it is', 1, ['Node by hand'], { 'Node by hand': 1 }],
      ['snowball pack, ', 2, SNOWBALL, { 'GNU tar (hashes nothing)': 1, 'Python tarfile + hashlib': 3, 'tar-stream + node:crypto': 2 }],
      ['snowball pack unsynced, ', 2, SNOWBALL, { 'GNU tar (hashes nothing)': 1, 'Python tarfile + hashlib': 3, 'tar-stream + node:crypto': 2 }],
      ['snowball pack memory, ', 2, SNOWBALL, undefined],
      ['snowball plan, ', 2, ['find + sort'], undefined],
      ['snappy compress', 2, ['snappyjs', 'snappy (native addon)'], undefined],
      ['snappy decompress', 2, ['snappyjs', 'snappy (native addon)'], undefined],
      ['boundary', 1, ['@assemblyscript/loader'], undefined],
    ] as const) {
      const found = find(part)
      expect(found.length, part).toBe(count)
      for (const row of found) {
        expect(row.rivals, row.row).toEqual(expect.arrayContaining([...rivals]))
        if (!part.endsWith('Snappy')) expect(row.targets, row.row).toEqual(targets)
      }
    }
    for (const [shape, duck] of [
      ['flat', 3],
      ['nested', 2.5],
      ['telemetry', 3],
    ] as const) {
      const [one, two] = find(`NDJSON -> Parquet, ${shape}, Snappy`)
      const others = shape === 'nested' ? {} : { 'parquetjs-lite': 60, 'apache-arrow + parquet-wasm': 8 }
      expect(one.targets).toMatchObject({ 'duckdb (native)': duck, 'hyparquet-writer': 15, ...others })
      expect(one.rivals).toEqual(expect.arrayContaining(['hyparquet-writer']))
      expect(two.row).toBe(`NDJSON -> Parquet, ${shape}, Snappy, 2 threads`)
      expect(two.targets).toEqual({ 'duckdb (native)': 2.5 })
    }
    expect(find('cold: instantiate')[0].ceiling).toBe(5)
    expect(find('size: core')[0].ceiling).toBe(100)
    expect(find('size: library entry')[0].ceiling).toBe(60)
    expect(new Set(rows.map((r) => r.row)).size).toBe(rows.length)
  })
})

describe('the plain JavaScript baseline', () => {
  it('finds the shard that BigInt arithmetic finds', async () => {
    const { createHash } = await import('node:crypto')
    const keys = [...data.uuids(200), '', 'é', 'x'.repeat(55), 'x'.repeat(56), 'x'.repeat(200)]
    for (const count of [1, 3, 1000]) {
      const step = (1n << 128n) / BigInt(count)
      const wanted = keys.map((key) => {
        const shard = BigInt(`0x${createHash('md5').update(key).digest('hex')}`) / step
        return Math.min(Number(shard), count - 1)
      })
      const find = shard.shardFinder(shard.evenStarts(count))
      expect(Array.from(shard.shardsOfStrings(keys, find, new Uint32Array(keys.length)))).toEqual(wanted)
      const { heap, ends } = data.packKeys(keys)
      expect(Array.from(shard.shardsOfPacked(heap, ends, find, new Uint32Array(keys.length)))).toEqual(wanted)
    }
  })

  it('writes the bytes of aws-kinesis-agg and reads them back', async () => {
    const records = data.userRecords(300, 100, 40)
    const aggregates: Buffer[] = kpl.aggregate(records, 12_000)
    expect(kpl.aggregatePacked(data.pack(records), 12_000)).toEqual(aggregates)
    expect(Math.max(...aggregates.map((a) => a.length))).toBeLessThanOrEqual(12_000)
    const back = kpl.deaggregate(aggregates)
    expect(back.map((r: { partitionKey: string; data: Buffer }) => [r.partitionKey, r.data.toString()])).toEqual(
      records.map((r: { partitionKey: string; data: Buffer }) => [r.partitionKey, r.data.toString()]),
    )
    const { default: agg } = (await import('aws-kinesis-agg' as string)) as {
      default: { RecordAggregator: new () => { addUserRecord(r: unknown): void; build(): { data: Buffer } } }
    }
    const peer = new agg.RecordAggregator()
    const first = kpl.deaggregate([aggregates[0]]).length
    for (const record of records.slice(0, first)) peer.addUserRecord(record)
    expect(peer.build().data.equals(aggregates[0])).toBe(true)
    const heap = Buffer.concat(aggregates)
    const table = new Uint32Array(records.length * 8)
    expect(
      kpl.deaggregatePacked(
        heap,
        aggregates.map((a) => a.length),
        table,
      ),
    ).toBe(records.length)
    expect(heap.toString('utf8', table[8], table[8] + table[9])).toBe(records[1].partitionKey)
  })
})

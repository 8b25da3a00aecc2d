import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetMetadata } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands.js'
import { run } from '../../src/cli/run.js'
import { nodePorts } from '../../src/ports/node.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

/** The command line as main.ts runs it, but with an error given back instead of told. */
async function millrace(args: string[], stdin: (string | Uint8Array)[] = [], terminal: Partial<Pick<Io, 'columns' | 'color' | 'terminal'>> = {}) {
  const out: Uint8Array[] = []
  const err: string[] = []
  const io: Io = {
    async *stdin() {
      for (const chunk of stdin) yield Buffer.from(chunk as string)
    },
    async write(chunk) {
      out.push(Buffer.from(chunk as string))
    },
    log: (line) => void err.push(line),
    progress() {},
    columns: 0,
    color: false,
    terminal: undefined,
    ...terminal,
    ports: nodePorts,
    driven() {},
    signal: new AbortController().signal,
  }
  const code = await run(args, commands, '0', io).catch((error: Error) => {
    err.push(error.message)
    return 1
  })
  return { code, out: Buffer.concat(out), err: err.join('\n') }
}

const path = (name: string) => join(duck.directory, name)
const file = (name: string, content: string | Uint8Array) => duck.file(name, Buffer.from(content as string))
const lines = Array.from({ length: 4000 }, (_, i) =>
  JSON.stringify({ id: i, origin: ['AMS', 'SFO', 'é/ü'][i % 3], delay: i % 7 ? i - 2000 : null, at: new Date(1.7e12 + i).toISOString() }),
)
const text = lines.join('\n')

describe('millrace parquet', () => {
  it('infers, reads several inputs, gzip and standard input, and writes one file', async () => {
    const a = file('a.ndjson', lines.slice(0, 1000).join('\n')) // no final line feed
    const b = file('b.ndjson.gz', gzipSync(`\ufeff${lines.slice(1000, 3000).join('\r\n')}\r\n`))
    const out = path('out.parquet')
    const { code, err } = await millrace(['parquet', a, b, '-', '-o', out], [text.slice(text.indexOf('{"id":3000'), -20), text.slice(-20)])
    expect(err).toMatch(/^.*out\.parquet: 4,000 rows in 1 row group, \d+\.\d KB from \d+\.\d KB in \d\.\d s, \d+ MB\/s\n\ncolumn {2}type /)
    expect(code).toBe(0)
    const [row] = await duck.rows(
      `select count(*) n, sum(id)::bigint ids, sum(delay)::bigint delays, count(delay) d, min(typeof("at")) t, list(distinct origin order by origin) o from '${out}'`,
    )
    const delays = lines.map((l) => JSON.parse(l).delay).filter((d) => d !== null)
    expect(row).toMatchObject({
      n: 4000n,
      ids: 7_998_000n,
      delays: BigInt(delays.reduce((x, y) => x + y, 0)),
      d: BigInt(delays.length),
      t: 'TIMESTAMP WITH TIME ZONE',
    })
    expect((row.o as { items: string[] }).items).toEqual(['AMS', 'SFO', 'é/ü'])
    expect(readdirSync(duck.directory).filter((f) => f.endsWith('.tmp'))).toEqual([])
  })

  it('writes to standard output', async () => {
    const { code, out } = await millrace(['parquet', '-', '-o', '-', '--compression', 'none'], [text])
    expect(code).toBe(0)
    expect((await duck.rows(`select count(*) n from '${file('stdout.parquet', out)}'`))[0].n).toBe(4000n)
  })

  it('writes no Parquet to a terminal', async () => {
    const { code, out, err } = await millrace(['parquet', '-', '-o', '-'], [text], { terminal: { columns: 80, color: false } })
    expect([code, out.length, err]).toEqual([2, 0, expect.stringContaining('-o - expected standard output to be a file or a pipe, got a terminal')])
    expect((await millrace(['parquet', '-', '-o', path('tty.parquet')], [text], { terminal: { columns: 80, color: false } })).code).toBe(0)
  })

  it('partitions into a directory, summary as JSON', async () => {
    const out = path('parts')
    const { code, out: json } = await millrace(['parquet', '-', '-o', out, '--partition-by', 'origin', '--json'], [text])
    expect(code).toBe(0)
    expect(JSON.parse(json.toString())).toMatchObject({ rows: 4000, files: 3, partitions: 3, badRecords: 0, bytesRead: Buffer.byteLength(text) })
    expect(readdirSync(out).sort()).toEqual(['origin=AMS', 'origin=SFO', 'origin=é%2Fü'])
    expect((await duck.rows(`select count(*) n from read_parquet('${out}/*/*.parquet', hive_partitioning = true) where origin = 'é/ü'`))[0].n).toBe(1333n)
    const again = await millrace(['parquet', '-', '-o', out, '--partition-by', 'origin'], [text])
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('expected an empty directory or none') })
  })

  it('nothing in: an empty file with --schema, an error without', async () => {
    const schema = file('schema.json', '{"columns":[{"name":"id","type":"int64"}]}')
    const out = path('empty.parquet')
    expect(await millrace(['parquet', '-', '-o', out, '--schema', schema])).toMatchObject({ code: 0, err: expect.stringContaining('0 rows in 0 row groups') })
    expect(await duck.rows(`select * from '${out}'`)).toEqual([])
    expect(await millrace(['parquet', '-', '-o', path('none.parquet')])).toMatchObject({ code: 1, err: expect.stringContaining('give one with --schema') })
    expect(existsSync(path('none.parquet'))).toBe(false)
  })

  it('fails on a bad record, naming file, record, byte, column and what was expected; no file', async () => {
    const schema = file('schema.json', '{"columns":[{"name":"id","type":"int64"}]}')
    const bad = file('bad.ndjson', '{"id":1}\n{"id":true}\n{"id":3}\n')
    const out = path('bad.parquet')
    expect(await millrace(['parquet', bad, '-o', out, '--schema', schema])).toMatchObject({
      code: 1,
      err: `${bad}, line 2, byte 15: column "id" expected int64, got a boolean`,
    })
    expect(existsSync(out)).toBe(false)
    expect(readdirSync(duck.directory).filter((f) => f.endsWith('.tmp'))).toEqual([])
    const skipped = await millrace(['parquet', bad, '-o', out, '--schema', schema, '--bad-records', 'skip'])
    expect(skipped.code).toBe(0)
    expect(skipped.err).toContain('line 2, byte 15: column "id" expected int64, got a boolean; left out')
    expect(skipped.err).toContain('2 rows')
    expect(skipped.err).toContain('1 bad record skipped')
    const kept = path('kept.ndjson')
    expect((await millrace(['parquet', bad, '-o', out, '--schema', schema, '--bad-records', kept])).err).toContain(`1 bad record in ${kept}`)
    const message = 'column "id" expected int64, got a boolean'
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual({
      source: bad,
      record: 1,
      line: 2,
      offset: 9,
      position: 15,
      column: 'id',
      reason: 'type',
      message,
      raw: '{"id":true}\n',
    })
    const latin = file('latin.ndjson', Buffer.from('{"id":1}\n{"id":2,"x":"é"}\n', 'latin1'))
    expect((await millrace(['parquet', latin, '-o', out, '--schema', schema, '--bad-records', kept])).code).toBe(0)
    const { reason, rawBase64 } = JSON.parse(readFileSync(kept, 'utf8'))
    expect([reason, Buffer.from(rawBase64, 'base64').toString('latin1')]).toEqual(['utf8', '{"id":2,"x":"é"}\n'])
  })

  it('says how bad records are had back, of which one is not UTF-8', async () => {
    const { out: help } = await millrace(['parquet', '--help'])
    const command = /^ *(jq .* FILE .*)$/m.exec(help.toString())?.[1] ?? ''
    expect(command).not.toBe('')
    const bad = Buffer.concat([Buffer.from('{"id":"x"}\n'), Buffer.from('{"id":2,"x":"é"}\n', 'latin1'), Buffer.from('é\n[1]')])
    const kept = path('back.ndjson')
    const args = ['parquet', '-', '-o', path('back.parquet'), '--schema', file('back.ddl', 'id bigint'), '--format', 'lines', '--bad-records', kept]
    expect((await millrace(args, ['{"id":1}\n', bad])).code).toBe(0)
    // jq and GNU base64 are not everywhere
    if (spawnSync('jq', ['--version']).status !== 0 || !/GNU/.test(String(spawnSync('base64', ['--version']).stdout))) return
    expect(spawnSync('sh', ['-c', command.replace('FILE', kept)]).stdout).toEqual(bad)
  })

  it('says each default once', async () => {
    const { out } = await millrace(['parquet', '--help'])
    expect(out.toString()).not.toMatch(/\((\d+); with\s+\S+ \1\)/)
    expect(
      Math.max(
        ...out
          .toString()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100)
  })

  it('infers a schema around lines that are no JSON where those may be left out', async () => {
    const good = file('good.ndjson', '{"id":1}\n')
    const bad = file('torn.ndjson', '\ufeff{"id":2}\n{"id":\n7\n{"id":3}\n')
    const out = path('torn.parquet')
    expect(await millrace(['parquet', good, bad, '-o', out])).toMatchObject({
      code: 1,
      err: `${bad}, line 2, byte 18: expected the record to end on its line, got the end of the line`,
    })
    expect(await millrace(['schema', good, bad])).toMatchObject({ code: 1, err: expect.stringContaining(`${bad}, line 2, byte 18: `) })
    const skipped = await millrace(['parquet', good, bad, '-o', out, '--bad-records', 'skip'])
    expect(skipped).toMatchObject({ code: 0, err: expect.stringContaining('3 rows') })
    expect(skipped.err).toContain('2 bad records skipped')
    expect(skipped.err).toContain(`${bad}, line 2, byte `)
  })

  it('says so where the input is gzip under another name', async () => {
    const { code, err } = await millrace(['parquet', '-', '-o', path('packed.parquet')], [gzipSync(text)])
    expect([code, err]).toEqual([1, expect.stringContaining('standard input: expected JSON, got gzip')])
  })

  it('names inputs that it cannot read', async () => {
    const out = path('x.parquet')
    expect(await millrace(['parquet', path('missing'), '-o', out])).toMatchObject({ code: 1, err: expect.stringContaining('missing') })
    expect(await millrace(['parquet', duck.directory, '-o', out])).toMatchObject({ code: 1, err: expect.stringContaining(duck.directory) })
    const broken = file('broken.ndjson.gz', gzipSync(text).subarray(0, 2000))
    expect(await millrace(['parquet', broken, '-o', out])).toMatchObject({ code: 1, err: expect.stringContaining('broken.ndjson.gz') })
    writeFileSync(path('wrong.json'), '{"columns":[{"name":"id","type":"whole"}]}')
    const wrong = await millrace(['parquet', '-', '-o', out, '--schema', path('wrong.json')], [text])
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringContaining('wrong.json: "schema.columns[0].type at 0" expected boolean, int8 to int64'),
    })
    expect(existsSync(out)).toBe(false)
  })

  it.each([
    [['parquet', '-o', 'x'], 'expected at least one input'],
    [['parquet', 'x'], 'expected -o OUT'],
    [['parquet', '-', '-', '-o', 'x'], 'can be read only once'],
    [['parquet', '-', '-o', 'x', '--compression', 'lz4'], '--compression expected one of snappy, none, gzip, zstd, lz4_raw, got "lz4"'],
    [['parquet', '-', '-o', 'x', '--partition-by', 'a,,b'], '--partition-by expected column names'],
    [['parquet', '-', '-o', '-', '--partition-by', 'a'], '-o - expected a directory'],
    [['parquet', '-', '-o', '-', '--json'], '--json expected a file'],
    [['parquet', '-', '-o', 'x', '--bad-records', 'x'], '--bad-records expected another file than --output'],
    [['parquet', '-', '-o', 'x', '--row-group-rows', '1.5'], '--row-group-rows expected a whole number'],
    [['schema'], 'expected at least one input'],
    [['parquet', '-', '-o', 'x', '--compression-level', '3'], '--compression-level expected nothing, for snappy has no levels'],
    [['parquet', '-', '-o', 'x', '--compression', 'gzip', '--compression-level', '10'], '--compression-level expected a whole number from 1 to 9'],
    [['parquet', '-', '-o', 'x', '--threads', '300'], '--threads expected a whole number from 0 to 256'],
    [['parquet', '-', '-o', 'x', '--threads', '2', '--partition-by', 'a'], '--threads expected 1'],
    [['parquet', '-', '-o', 'x', '--threads', '2', '--max-file-rows', '9'], '--threads expected 1'],
    [['parquet', '-', '-o', 'x', '--max-file-bytes', '9', '--partition-by', 'a'], '--partition-by expected no --max-file-rows'],
    [['parquet', '-', '-o', '-', '--max-file-rows', '9'], '-o - expected the name of files'],
    [['parquet', '-', '-o', 'x', '--case-insensitive', '--case-sensitive'], '--case-insensitive expected no --case-sensitive'],
    [['parquet', '-', '-o', 'x', '--dialect', 'dynamodb'], '--dialect dynamodb expected --schema'],
    [['parquet', '-', '-o', 'x', '--schema', 'y', '--sample-bytes', 'all'], '--sample-bytes expected no --schema'],
    [['parquet', '-', '-o', 'x', '--schema', 'y', '--uuid'], '--uuid expected no --schema'],
    [['parquet', '-', '-o', 'x', '--format', 'csv'], '--format expected one of auto, lines, documents'],
    [['parquet', '-', '-o', 'x', '--coercion', 'lax'], '--coercion expected one of strict, hive, openx'],
    [['parquet', '-', '-o', 'x', '--page-version', '3'], '--page-version expected one of 1, 2'],
    [['parquet', '-', '-o', 'x', '--page-bytes', '9'], '--page-bytes expected a whole number from 1024'],
    [['parquet', '-', '-o', 'x', '--encodings', 'a'], '--encodings expected smallest, auto or COLUMN=ENCODING'],
    [['parquet', '-', '-o', 'x', '--encodings', 'a=byte_stream_split,b=plain'], '--encodings expected a column that has values (a), got "b"'],
    [['parquet', '-', '-o', 'x', '--encodings', 'a=delta_length'], '--encodings a expected an encoding that int64 has'],
    [['parquet', '-', '-o', 'x', '--bloom', 'b'], '--bloom expected a column that has values (a), got "b"'],
    [['parquet', '-', '-o', 'x', '--sorted-by', 'a:desc,b'], '--sorted-by expected a column that has values (a), got "b"'],
    [['parquet', '-', '-o', 'x', '--key-value', '=b'], '--key-value expected KEY=VALUE'],
    [['parquet', '-', '-o', 'x', '--unknown', 'a'], '--unknown expected the name of a json column'],
    [['parquet', '-', '-o', tmpdir()], '--output expected a file, got a directory'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await millrace(args, ['{"a":1}'])
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it.each(['--bad-records', '--output'])('%s never is what is read', async (option) => {
    const input = file('kept.ndjson', '{"a":1}\n{"a":"x"}\n')
    const again = join(duck.directory, '.', 'kept.ndjson')
    const { code, err } = await millrace(['parquet', input, '-o', path('kept.parquet'), '--schema', file('kept.json', '{"columns":[]}'), option, again])
    expect([code, err]).toEqual([2, expect.stringContaining(`${option} expected a file that is not read`)])
    expect(readFileSync(input, 'utf8')).toBe('{"a":1}\n{"a":"x"}\n')
  })

  it('says of the file what it is told to', async () => {
    const out = path('said.parquet')
    const flags =
      '--compression gzip --compression-level 1 --page-version 2 --page-rows 1000 --row-group-rows 2000 --bloom origin --sorted-by id,delay:desc:nulls-first'
    const more = ['--encodings', 'id=delta,delay=plain', '--key-value', 'a=b=c', '--key-value', 'd=', '--page-checksums', '--threads', '2']
    expect((await millrace(['parquet', '-', '-o', out, ...flags.split(' '), ...more], [text])).code).toBe(0)
    const bytes = readFileSync(out)
    const { row_groups, key_value_metadata } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer)
    expect(key_value_metadata).toEqual([
      { key: 'a', value: 'b=c' },
      { key: 'd', value: '' },
    ])
    const [id, origin, delay] = row_groups[0].columns.map(({ meta_data }) => meta_data)
    expect([row_groups.length, id?.codec, id?.encodings, delay?.encodings]).toEqual([2, 'GZIP', ['RLE', 'DELTA_BINARY_PACKED'], ['PLAIN', 'RLE']])
    expect([origin?.bloom_filter_offset !== undefined, id?.bloom_filter_offset]).toEqual([true, undefined])
    expect(row_groups[0].sorting_columns).toEqual([
      { column_idx: 0, descending: false, nulls_first: false },
      { column_idx: 2, descending: true, nulls_first: true },
    ])
  })

  it('zstd by the package where Node has none', async () => {
    const out = path('zstd.parquet')
    expect((await millrace(['parquet', '-', '-o', out, '--compression', 'zstd', '--compression-level', '5'], [text])).code).toBe(0)
    expect(await duck.rows(`select distinct compression c from parquet_metadata('${out}')`)).toEqual([{ c: 'ZSTD' }])
    expect((await duck.rows(`select count(*) n from '${out}'`))[0].n).toBe(4000n)
  })

  it('takes from a Glue table its columns, keys, case, coercion and partitions', async () => {
    const table = {
      Table: {
        StorageDescriptor: {
          Columns: [
            { Name: 'id', Type: 'int' },
            { Name: 'the_name', Type: 'string' },
          ],
          SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe', Parameters: { 'dots.in.keys': 'true' } },
        },
        PartitionKeys: [{ Name: 'day', Type: 'date' }],
      },
    }
    const schema = file('glue.json', JSON.stringify(table))
    const rows = ['{"ID":"7","the.name":"x","Day":"2024-02-29"}\n{"id":8,"the_name":5,"day":null}\n']
    const out = path('glue')
    expect(await millrace(['parquet', '-', '-o', out, '--schema', schema], rows)).toMatchObject({ code: 0 })
    expect(readdirSync(out).sort()).toEqual(['day=2024-02-29', 'day=__HIVE_DEFAULT_PARTITION__'])
    expect(await duck.rows(`select id, the_name from '${out}/*/*.parquet' order by id`)).toEqual([
      { id: 7, the_name: 'x' },
      { id: 8, the_name: '5' },
    ])
    expect(await millrace(['parquet', '-', '-o', '-', '--schema', schema], rows)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--partition-by (day)'),
    })
    const one = path('glue.parquet')
    expect((await millrace(['parquet', '-', '-o', one, '--schema', schema, '--partition-by', '', '--case-sensitive'], rows)).code).toBe(0)
    expect(await duck.rows(`select id, day::varchar d from '${one}' order by id`)).toEqual([
      { id: 8, d: null },
      { id: null, d: null },
    ])
    const strict = await millrace(['parquet', '-', '-o', one, '--schema', schema, '--partition-by', '', '--coercion', 'strict'], rows)
    expect(strict).toMatchObject({ code: 1, err: expect.stringContaining('column "id" expected int32, got a string') })
  })

  it("takes DynamoDB's items", async () => {
    const out = path('dynamodb.parquet')
    const schema = file('dynamodb.ddl', 'id bigint, tags array<string>')
    const rows = ['{"Item":{"id":{"N":"5"},"tags":{"SS":["a","b"]}}}\n']
    expect((await millrace(['parquet', '-', '-o', out, '--schema', schema, '--dialect', 'dynamodb'], rows)).code).toBe(0)
    expect(await duck.rows(`select id, array_to_string(tags, '') t from '${out}'`)).toEqual([{ id: 5n, t: 'ab' }])
  })

  it('keeps what comes behind the sample in a column of its own, refuses it, or looks at all of it first', async () => {
    const late = file('late.ndjson', `${'{"id":1}\n'.repeat(3000)}{"id":2,"more":true}\n`)
    const out = path('late.parquet')
    const sample = ['--sample-bytes', '100']
    expect((await millrace(['parquet', late, '-o', out, ...sample, '--unknown', 'rest'])).code).toBe(0)
    expect(await duck.rows(`select id, rest from '${out}' where rest is not null`)).toEqual([{ id: 2n, rest: '{"more":true}' }])
    expect(await millrace(['parquet', late, '-o', out, ...sample, '--unknown', 'error'])).toMatchObject({ code: 1, err: expect.stringContaining('"more"') })
    expect((await millrace(['parquet', late, '-o', out, '--sample-bytes', 'all'])).code).toBe(0)
    expect(await duck.rows(`select more from '${out}' where more`)).toEqual([{ more: true }])
    const wide = file('wide.ndjson', '{"id":1}\n{"id":"x","n":null}\n')
    const { code, err } = await millrace(['parquet', wide, '-o', out, '--sample-bytes', '9'])
    expect([code, err.split('\n')]).toEqual([
      1,
      [expect.stringContaining('inferred from the beginning'), expect.stringContaining('column "id" expected int64')],
    ])
    expect((await millrace(['parquet', wide, '-o', out])).err).toContain('millrace parquet: n: nothing but null: string')
  })

  it('infers from all of two inputs, read twice, and leaves bad records out once', async () => {
    const a = file('twice.ndjson', `${text}\nbad\n`)
    const b = file('twice.ndjson.gz', gzipSync('{"id":9000,"extra":1}\n'))
    const { code, out } = await millrace(['parquet', a, b, '-o', path('twice.parquet'), '--sample-bytes', 'all', '--bad-records', 'skip', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(String(out))).toMatchObject({ rows: 4001, badRecords: 1, badByReason: { 'not-object': 1 }, bytesRead: Buffer.byteLength(text) + 27 })
  })

  it('writes numbered files, never beside old ones', async () => {
    const out = path('numbered.parquet')
    const rows = file('numbered.ndjson', Array.from({ length: 9000 }, (_, i) => `{"id":${i}}\n`).join(''))
    const { code, out: json } = await millrace(['parquet', rows, '-o', out, '--max-file-rows', '4000', '--json'])
    const done = JSON.parse(String(json))
    expect([code, done.rows, done.files, done.parts.map((part: { rows: number }) => part.rows)]).toEqual([0, 9000, 3, [4000, 4000, 1000]])
    expect(done.parts.map((part: { path: string }) => part.path)).toEqual([0, 1, 2].map((i) => path(`numbered-0000${i}.parquet`)))
    expect(done.columns).toMatchObject([{ column: 'id', type: 'int64', values: 9000, nulls: 0 }])
    expect((await duck.rows(`select count(distinct id) n from '${path('numbered-*.parquet')}'`))[0].n).toBe(9000n)
    const again = await millrace(['parquet', rows, '-o', path('numbered'), '--max-file-bytes', '100'])
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('numbered-00000.parquet is there already') })
    const broken = file('broken.ndjson', `${readFileSync(rows, 'utf8')}x\n`)
    const failed = await millrace(['parquet', broken, '-o', path('failed'), '--max-file-rows', '4000', '--schema', file('n.ddl', 'id bigint')])
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringMatching(/whole and left where they are: .*failed-00000\.parquet to .*failed-0000\d\.parquet\n/),
    ])
    const left = readdirSync(duck.directory).filter((name) => name.startsWith('failed') || name.endsWith('.tmp'))
    expect((await duck.rows(`select count(*) n from '${path('failed-*.parquet')}'`))[0].n).toBeGreaterThanOrEqual(4000n)
    expect(left.every((name) => /^failed-0000\d\.parquet$/.test(name))).toBe(true)
  })

  it('wrong usage does not empty the file of bad records', async () => {
    const kept = file('old-bad.ndjson', 'old\n')
    expect((await millrace(['parquet', '-', '-o', path('x.parquet'), '--bad-records', kept, '--bloom', 'nope'], [text])).code).toBe(2)
    expect(readFileSync(kept, 'utf8')).toBe('old\n')
  })

  it('ends with the largest columns, within the terminal', async () => {
    const wide = [`${JSON.stringify(Object.fromEntries(Array.from({ length: 35 }, (_, i) => [`a_column_of_a_long_name_${i}`, 'x'.repeat(i)])))}\n`]
    const { err } = await millrace(['parquet', '-', '-o', path('wide.parquet'), '--compression', 'none'], wide, { columns: 50, color: true })
    const [, empty, head, first, ...rest] = err.split('\n')
    expect([empty, head.slice(0, 10), head.slice(-10)]).toEqual(['', '\x1b[1mcolumn', 'share\x1b[22m'])
    expect(first).toMatch(/^a_col.*…_*name_34 .* B +\d+\.\d %$/)
    expect(rest.length).toBe(20)
    expect(rest[19]).toMatch(/^and 15 more, \d.* B, \d+\.\d %$/)
    expect([first, ...rest].every((line) => line.length <= 50)).toBe(true)
  })

  it('counts bad records by reason, the most frequent first', async () => {
    const schema = file('reasons.ddl', 'id bigint, on boolean')
    const rows = [`${'{"id":"x"}\n'.repeat(12)}{"on":1}\n[\n{"id":1}\n`]
    const { err } = await millrace(['parquet', '-', '-o', path('reasons.parquet'), '--schema', schema, '--bad-records', 'skip', '--format', 'lines'], rows)
    expect(err).toContain('further bad records are only counted')
    expect(err).toMatch(/14 bad records skipped\n {2}12 {2}type: id\n {3}1 {2}type: on\n {3}1 {2}[a-z-]+\n\ncolumn/)
  })

  it('a partition column that is not there is wrong usage', async () => {
    const { code, err } = await millrace(['parquet', '-', '-o', path('nope'), '--partition-by', 'nope'], [text])
    expect([code, err]).toEqual([2, expect.stringContaining('expected a column of the schema (id, origin, delay, at), got "nope"')])
  })
})

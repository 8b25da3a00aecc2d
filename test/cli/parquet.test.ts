import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
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
async function millrace(args: string[], stdin: (string | Uint8Array)[] = []) {
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
    ports: nodePorts,
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
    expect(err).toMatch(/^.*out\.parquet: 4,000 rows in 1 row group, \d+\.\d KB from \d+\.\d KB in \d\.\d s, \d+ MB\/s$/)
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
    [['parquet', '-', '-o', 'x', '--compression', 'lz4'], '--compression expected snappy or none, got lz4'],
    [['parquet', '-', '-o', 'x', '--partition-by', 'a,,b'], '--partition-by expected column names'],
    [['parquet', '-', '-o', '-', '--partition-by', 'a'], '-o - expected a directory'],
    [['parquet', '-', '-o', '-', '--json'], '--json expected a file'],
    [['parquet', '-', '-o', 'x', '--bad-records', 'x'], '--bad-records expected another file than --output'],
    [['parquet', '-', '-o', 'x', '--row-group-rows', '1.5'], '--row-group-rows expected a whole number'],
    [['schema'], 'expected at least one input'],
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

  it('a partition column that is not there is wrong usage', async () => {
    const { code, err } = await millrace(['parquet', '-', '-o', path('nope'), '--partition-by', 'nope'], [text])
    expect([code, err]).toEqual([2, expect.stringContaining('expected a column of the schema (id, origin, delay, at), got "nope"')])
  })
})

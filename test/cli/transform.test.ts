import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../../src/cli/transform.js'
import { runCommand } from './io.js'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-cli-transform-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const base64 = (text: string) => Buffer.from(text).toString('base64')
const event = JSON.stringify({
  records: ['hello', 'bad', 'drop'].map((text, i) => ({ recordId: `r${i}`, approximateArrivalTimestamp: 1, data: base64(text) })),
})
const program = (text: string) => {
  const file = join(dir, `m-${Math.abs([...text].reduce((a, c) => (a * 31 + c.charCodeAt(0)) | 0, 0))}.mjs`)
  writeFileSync(file, text)
  return file
}

it('answers an event from stdin or a file by a blueprint', async () => {
  const expected = { records: ['hello', 'bad', 'drop'].map((text, i) => ({ recordId: `r${i}`, result: 'Ok', data: base64(text) })) }
  for (const text of [event, `\ufeff${event}\r\n`]) {
    const { code, out, err } = await runCommand(command, { blueprint: 'process-record' }, [text])
    expect({ code, err, response: JSON.parse(out) }).toEqual({ code: 0, err: [], response: expected })
  }
  const { out } = await runCommand(command, { blueprint: 'kpl' }, [], { 'event.json': event }, ['event.json'])
  expect(JSON.parse(out).records[0]).toEqual({ recordId: 'r0', result: 'Ok', data: base64('hello\n') })
})

it("answers it as AWS's blueprint does", async () => {
  const line = 'Jan 12 06:30:00 1.2.3.4 apache_server: a, b'
  const text = JSON.stringify({ records: [{ recordId: 'r', data: base64(line) }] })
  const outputs = [true, false].map(async (compat) => {
    const { out } = await runCommand(command, { blueprint: 'syslog-to-csv', compat }, [text])
    return Buffer.from(JSON.parse(out).records[0].data, 'base64').toString()
  })
  expect(await Promise.all(outputs)).toEqual([
    'Jan 12 06:30:00,1.2.3.4,apache_server,undefined,a, b,undefined\n',
    'Jan 12 06:30:00,1.2.3.4,apache_server,,"a, b",,,,\n',
  ])
})

it('answers it by a module, and says why a record failed', async () => {
  const module = program(`export default (record) => {
    if (record.text() === 'bad') throw new Error('no good')
    return record.text() === 'drop' ? null : [{ upper: record.text().toUpperCase() }, 'and more']
  }`)
  const { code, out, err } = await runCommand(command, { module }, [event])
  expect(code).toBe(0)
  expect(JSON.parse(out).records).toEqual([
    { recordId: 'r0', result: 'Ok', data: base64('{"upper":"HELLO"}\nand more\n') },
    { recordId: 'r1', result: 'ProcessingFailed', data: base64('bad') },
    { recordId: 'r2', result: 'Dropped' },
  ])
  expect(err).toEqual(['record 1 (r1): transform: no good'])
  const checked = await runCommand(command, { module, check: true }, [event])
  expect(checked.code).toBe(1)
  expect(checked.out).toBe(
    [
      'recordId  result            outcome    code                           ',
      'r0        Ok                delivered  -                              27 bytes',
      'r1        ProcessingFailed  failed     Lambda.ProcessingFailedStatus  ProcessingFailed status set for record',
      'r2        Dropped           dropped    -                              no output and no error',
      '',
      `1 delivered, 1 dropped, 1 failed; the response has ${Buffer.byteLength(out.trim())} of 6291456 bytes`,
      '',
    ]
      .map((line) => line.trimEnd())
      .join('\n'),
  )
  const json = await runCommand(command, { blueprint: 'kpl', check: true, json: true }, [event])
  expect(json.code).toBe(0)
  expect(JSON.parse(json.out).outcomes).toHaveLength(3)
})

it('no id of an event does anything to the terminal', async () => {
  const { out } = await runCommand(command, { blueprint: 'kpl', check: true }, [JSON.stringify({ records: [{ recordId: '\u001b[2J\u009b', data: '' }] })])
  expect(out).toContain('\\u001b[2J\\u009b')
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

it('takes options of a transformer as a module', async () => {
  const module = program("export default { transform: ({ data }) => data, delimiter: ';' }")
  expect(JSON.parse((await runCommand(command, { module }, [event])).out).records[0].data).toBe(base64('hello;'))
})

it('answers it by a mapping', async () => {
  const records = [{ level: 'info', user: { email: 'a@b' }, n: 1.0 }, { level: 'debug' }, 'text'].map((value, i) => ({
    recordId: `r${i}`,
    data: base64(JSON.stringify(value)),
  }))
  const map = { where: { field: 'level', op: '!=', value: 'debug' }, redact: ['/user/email'], partitionKeys: { level: 'level' } }
  const { code, out, err } = await runCommand(command, { map: 'map.json' }, [JSON.stringify({ records })], { 'map.json': JSON.stringify(map) })
  expect(code).toBe(0)
  expect(JSON.parse(out).records).toEqual([
    { recordId: 'r0', result: 'Ok', data: base64('{"level":"info","user":{"email":null},"n":1}\n'), metadata: { partitionKeys: { level: 'info' } } },
    { recordId: 'r1', result: 'Dropped' },
    { recordId: 'r2', result: 'ProcessingFailed', data: base64('"text"') },
  ])
  expect(err).toEqual(['record 2 (r2): transform: byte 0: expected a JSON object, or the end of the record, got something else'])
})

describe("a Lambda's own function", () => {
  const upper = '({ records }) => ({ records: records.map(({ recordId, data }) => ({ recordId, result: "Ok", data })).slice(1) })'
  it.each([
    ['the export handler', `export const handler = async ${upper}`],
    ['the default export', `export default ${upper}`],
    [
      'one with a callback, and what a context has',
      `export const handler = (event, context, callback) => callback(context.getRemainingTimeInMillis() > 0 ? null : 'no', (${upper})(event))`,
    ],
  ])('is %s', async (_, text) => {
    const handler = program(text)
    const { code, out } = await runCommand(command, { handler }, [event])
    expect([code, JSON.parse(out).records]).toEqual([0, ['r1', 'r2'].map((recordId, i) => ({ recordId, result: 'Ok', data: base64(['bad', 'drop'][i]) }))])
    const checked = await runCommand(command, { handler, check: true }, [event])
    expect(checked.code).toBe(1)
    expect(checked.out).toMatch(/^r0 +- +failed +Lambda\.MissingRecordId /m)
  })

  it('that throws is told with its module', async () => {
    const handler = program('export const handler = () => { throw new TypeError("no such field") }')
    await expect(runCommand(command, { handler, check: true }, [event])).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${handler}: the function failed, and Firehose would try the batch again: no such field`,
    })
  })
})

describe('wrong', () => {
  it.each([
    ['{"where":{"field":"a","op":"="}}', 'map.json: "mapping.where.op" expected one of == != '],
    ['{"cast":{"/a":"float"}}', 'map.json: "mapping.cast./a" expected one of string, number, '],
    ['{"a":', 'map.json: expected a mapping as JSON: '],
    ['[]', 'map.json: "mapping" expected a mapping, got an array'],
  ])('mapping %j is bad input of its file', async (text, message) => {
    const run = runCommand(command, { map: 'map.json' }, [event], { 'map.json': text })
    await expect(run).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(message) })
  })

  it.each([
    ['', 'standard input: expected a Firehose event as JSON, got nothing'],
    ['{"records":[', 'standard input: expected a Firehose event as JSON: '],
    ['null', 'standard input: "event" expected a Firehose transformation event, got null'],
    ['{"Records":[]}', 'standard input: "event.records" expected an array, got undefined'],
    ['{"records":[{"data":""}]}', 'standard input: "event.records[0].recordId" expected a string, got undefined'],
  ])('event %j is bad input', async (text, message) => {
    await expect(runCommand(command, { blueprint: 'kpl' }, [text])).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(message) })
  })

  it('bytes are bad input, a file that is not there an error', async () => {
    await expect(runCommand(command, { blueprint: 'kpl' }, [new Uint8Array([0xff, 0xfe])])).rejects.toThrow('got bytes that are no UTF-8')
    await expect(runCommand(command, { blueprint: 'kpl' }, [], {}, ['none.json'])).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('none.json: ENOENT'),
    })
  })

  it.each([
    [{}, 'expected one of --blueprint NAME, --map FILE, --module FILE and --handler FILE'],
    [{ blueprint: 'kpl', module: 'x' }, 'expected one of --blueprint NAME, --map FILE, --module FILE and --handler FILE'],
    [{ module: 'x', handler: 'x' }, 'expected one of --blueprint NAME, --map FILE, --module FILE and --handler FILE'],
    [{ blueprint: 'apache' }, expect.stringMatching(/^--blueprint expected one of process-record, apachelog-to-json, .*, kpl, got "apache"$/)],
    [{ blueprint: 'constructor' }, expect.stringMatching(/got "constructor"$/)],
    [{ blueprint: 'kpl', compat: true }, '"compat" expected false, as AWS has no blueprint kpl for Firehose, got true'],
    [{ module: 'x', compat: true }, 'expected --blueprint NAME beside --compat'],
  ])('options %j are wrong usage', async (values, message) => {
    await expect(runCommand(command, values, [event])).rejects.toMatchObject({ name: 'UsageError', message })
  })

  it('modules are named', async () => {
    await expect(runCommand(command, { module: join(dir, 'none.mjs') }, [event])).rejects.toThrow(/none\.mjs: cannot be loaded/)
    await expect(runCommand(command, { module: program('export default 5') }, [event])).rejects.toThrow(/expected a function as default export, got 5/)
    await expect(runCommand(command, { module: program('export const a = 5') }, [event])).rejects.toThrow(
      /expected a function as default export, got undefined/,
    )
  })
})

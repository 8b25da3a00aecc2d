import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { Values } from '../../src/cli/command.js'
import { command } from '../../src/cli/deliver.js'
import { runCommand } from './io.js'

const conversion = {
  SchemaConfiguration: { DatabaseName: 'db', TableName: 't' },
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
}
const extended = { BucketARN: 'arn:aws:s3:::bucket', RoleARN: 'arn:aws:iam::123456789012:role/r', DataFormatConversionConfiguration: conversion }
const stream = (over: object = {}) => ({ DeliveryStreamName: 's', ExtendedS3DestinationConfiguration: { ...extended, ...over } })
const glue = { Table: { Name: 't', StorageDescriptor: { Columns: [{ Name: 'a', Type: 'int' }] } } }
const files = {
  'stream.json': JSON.stringify(stream()),
  'table.json': JSON.stringify(glue),
  'table.sql': 'create external table t (a int)',
}
const run = (values: Values, input: (string | Uint8Array)[], more: Record<string, string> = {}, positionals: string[] = []) =>
  runCommand(command, { check: true, config: 'stream.json', schema: 'table.json', ...values }, input, { ...files, ...more }, positionals)

const INPUT = '{"a":1,"b":"x"}\n\n{"a":"oops"}\r\n{"a":2,"b":"y"}\nno json\u001b\n{"a":3}'

it('tells what would be rejected and what lost, a record a line', async () => {
  for (const values of [{}, { config: ['stream.json'] }, { schema: 'table.sql' }]) {
    const { code, out, err } = await run(values, [INPUT])
    expect({ code, err }).toEqual({ code: 1, err: [] })
    expect(out).toBe(
      `${[
        '5 records: 3 would be converted, 2 rejected',
        '',
        'rejected',
        'records  first  what    column  example',
        '      1      1  number  a       For input string: "oops"',
        '      1      3  syntax  -       expected a JSON object, got text that is no JSON, from "n" on',
        '',
        'lost or changed in records that would be converted',
        'records  first  what           column  example',
        '      2      0  unknown-field  b       "x"',
      ].join('\n')}\n`,
    )
  }
})

it('exits with 0 where no record would be rejected', async () => {
  expect(await run({}, ['{"a":1}\n{"a":2}\n'])).toEqual({ code: 0, out: '2 records: 2 would be converted, 0 rejected\n', err: [] })
  expect((await run({}, [])).out).toBe('0 records: 0 would be converted, 0 rejected\n')
})

it('reads files, one after the other, and gives every rejected record and the report as JSON', async () => {
  const { code, out } = await run({ json: true }, ['{"a":"z"}'], { 'one.ndjson': '{"a":1}\n{"a":"x"}', 'two.ndjson': '{"a":[1]}\n' }, [
    'one.ndjson',
    '-',
    'two.ndjson',
  ])
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(code).toBe(1)
  expect(lines.slice(0, -1)).toMatchObject([
    { record: 1, code: 'DataFormatConversion.MalformedData', message: 'Data does not match the schema. For input string: "x"', reason: 'number', column: 'a' },
    { record: 2, column: 'a' },
    { record: 3, reason: 'type' },
  ])
  expect(lines.at(-1)).toMatchObject({
    records: 4,
    converted: 1,
    rejected: 3,
    rejections: [
      { kind: 'number', records: 2 },
      { kind: 'type', records: 1 },
    ],
    losses: [],
  })
})

it('takes records as the command does: base64 with --records, lines that are none told of', async () => {
  const line = (text: string) => `${JSON.stringify({ data: Buffer.from(text).toString('base64') })}\n`
  const { code, out, err } = await run({ records: true }, [line('{"a":1}'), line('{"a":2}\n{"a":3}'), line(''), 'none\n'])
  expect(code).toBe(1)
  expect(out).toContain('3 records: 2 would be converted, 1 rejected')
  expect(err[0]).toMatch(/line 4, byte \d+: expected/)
})

it('says which file is wrong, and how', async () => {
  const message = async (values: Values, more: Record<string, string> = {}, input: (string | Uint8Array)[] = ['{}']) =>
    run(values, input, more).then(
      () => 'done',
      (error: Error) => error.message,
    )
  expect(await message({ out: 'lake' })).toBe('--check expected no --out: nothing is delivered')
  expect(await message({ config: undefined })).toBe('expected --config FILE once, got it 0 times')
  expect(await message({ config: ['a', 'b'] })).toBe('expected --config FILE once, got it 2 times')
  expect(await message({ schema: undefined })).toBe('--check expected --schema FILE, the table that records are converted by')
  expect(await message({ timestamps: 'x' })).toBe('--timestamps expected one of int96, int64, got "x"')
  expect(await message({}, { 'stream.json': '{' })).toMatch(/^stream\.json: expected JSON/)
  expect(await message({}, { 'stream.json': JSON.stringify(stream({ DataFormatConversionConfiguration: undefined })) })).toBe(
    'stream.json: expected DataFormatConversionConfiguration, got a stream without',
  )
  const orc = { ...conversion, OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } } }
  expect(await message({}, { 'stream.json': JSON.stringify(stream({ DataFormatConversionConfiguration: orc })) })).toContain(
    'OrcSerDe" expected ParquetSerDe in its place: ORC is not supported',
  )
  expect(await message({}, { 'table.json': 'a set<int>' })).toContain('"options.table at 2" expected boolean')
  expect(await message({}, {}, [gzipSync('{}')])).toMatch(/expected JSON, got gzip/)
  expect(await message({ schema: 'none.sql' })).toMatch(/ENOENT/)
})

// The dry run: it rejects what the conversion rejects, and tells what is lost of the rest.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CheckOptions, checkConversion } from '../../../src/firehose/conversion/check.js'
import type { DataFormatConversionConfiguration } from '../../../src/firehose/conversion/config.js'
import { documentsOf, Members, NumberText, type Tree } from '../../../src/firehose/conversion/documents.js'
import type { Rejected } from '../../../src/firehose/conversion/rejection.js'
import { createConversion } from '../../../src/firehose/delivery/conversion.js'

const openx = (OpenXJsonSerDe: object = {}): DataFormatConversionConfiguration => ({
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
})
const hive: DataFormatConversionConfiguration = {
  InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: { TimestampFormats: ['millis'] } } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
}
const encoder = new TextEncoder()
const bytes = (texts: readonly string[]) => texts.map((text) => encoder.encode(text))
const check = (texts: readonly string[], table: string, config = openx(), options: CheckOptions = {}) => checkConversion(bytes(texts), config, table, options)

it('counts records, tells each rejected one, and gathers reasons with the first record of each', async () => {
  const texts = ['{"a":1}', '', '{"a":"x"}', '{"a":"y","t":"2024-01-01T00:00:00+01:00"}', '{"t":"2024-01-01T00:00:00+01:00"}', '{', '{"a":1}{"a":"z"}']
  const told: Rejected[] = []
  const report = await check(texts, 'a int, t timestamp', openx(), {
    onRejected(one) {
      told.push(one)
    },
  })
  expect(report).toEqual({
    records: 7,
    converted: 1,
    rejected: 6,
    rejections: [
      { kind: 'number', column: 'a', records: 3, first: 2, example: 'Data does not match the schema. For input string: "x"' },
      { kind: 'empty', column: undefined, records: 1, first: 1, example: 'The record was empty or contained only whitespace.' },
      {
        kind: 'time',
        column: 't',
        records: 1,
        first: 4,
        example: 'Data does not match the schema. column "t" expected timestamp, got text in a form that openx does not read',
      },
      {
        kind: 'truncated',
        column: undefined,
        records: 1,
        first: 5,
        example: 'Encountered malformed JSON. At byte 1: expected the document to end, got the end of the record',
      },
    ],
    losses: [],
    more: false,
  })
  expect(told.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6])
})

it('rejects the same records, in the same words, as the conversion', async () => {
  const texts = Array.from({ length: 5000 }, (_, i) => ['{"a":1}', '{"a":"x"}', '', `{"a":${i}}`, '{"a":1}{"a":[]}', '[1]'][(i * 7) % 6])
  const object = createConversion(openx(), { table: 'a int' }).begin()
  const told: Rejected[] = []
  const report = await check(texts, 'a int', openx(), { onRejected: async (one) => void told.push(one) })
  expect(told).toEqual(await object.write(bytes(texts).map((data) => ({ data }))))
  expect(report.rejected).toBe(told.length)
})

describe('what is lost', () => {
  // [columns, value of `v`, kind, column, example]
  it.each<[string, string, string, string, string]>([
    ['w int', '1', 'unknown-field', 'v', '1'],
    ['v struct<a:int>', '{"a":1,"B":{"c":[1,2]}}', 'unknown-field', 'v.B', '{"c":[1,2]}'],
    ['v array<struct<a:int>>', '[{"a":1},{"b":"x"}]', 'unknown-field', 'v.list.element.b', '"x"'],
    ['v map<string,struct<a:int>>', '{"k":{"b":null}}', 'unknown-field', 'v.key_value.value.b', 'null'],
    ['v decimal(10,2)', '12.345', 'rounded', 'v', '12.345'],
    ['v decimal(10,2)', '"12.345"', 'rounded', 'v', '"12.345"'],
    ['v decimal(10,0)', '5e-1', 'rounded', 'v', '5e-1'],
    ['v double', '9007199254740993', 'inexact', 'v', '9007199254740993'],
    ['v float', '16777217', 'inexact', 'v', '16777217'],
    ['v double', '1e400', 'infinite', 'v', '1e400'],
    ['v float', '"1e39"', 'infinite', 'v', '"1e39"'],
    ['v timestamp', '99999999999', 'timestamp-wraps', 'v', '99999999999'],
    ['v timestamp', '"2300-01-01 00:00:00"', 'timestamp-wraps', 'v', '"2300-01-01 00:00:00"'],
    ['v timestamp', '1518033528.1234567891', 'fraction-cut', 'v', '1518033528.1234567891'],
    ['v string', '{"a":1}', 'as-text', 'v', '{"a":1}'],
    ['v array<string>', '7', 'wrapped', 'v', '7'],
    ['v struct<a:int,b:int>', '[1,2,3]', 'by-position', 'v', '[1,2,3]'],
    ['v map<string,int>', '{"Ab":1}', 'lower-case', 'v', '"Ab"'],
  ])('%s, %s: %s', async (table, value, kind, column, example) => {
    const report = await check(['{}', `{"v":${value}}`, '{}', `{"v":${value}}`], table)
    expect(report).toMatchObject({ converted: 4, losses: [{ kind, column, records: 2, first: 1, example }] })
  })

  it.each<[string, string]>([
    ['v decimal(10,2)', '12.340000'],
    ['v decimal(10,2)', '1234500e-4'],
    ['v decimal(10,0)', '12e3'],
    ['v decimal(10,0)', '0.000'],
    ['v double', '9007199254740992'],
    ['v double', '0.1'],
    ['v float', '"16777216"'],
    ['v timestamp', '"2024-02-29T01:02:03.123456789Z"'],
    ['v timestamp', '1518033528123'],
    ['v timestamp', '1518033528'],
    ['v string', '1.50'],
    ['v map<string,int>', '{"ab":1}'],
    ['v struct<a:int>', '{"A":null}'],
    ['v array<int>', 'null'],
  ])('nothing of %s, %s', async (table, value) => {
    expect(await check([`{"V":${value}}`], table)).toMatchObject({ converted: 1, losses: [] })
  })

  it('tells a member that comes again, by the names that the deserializer knows', async () => {
    const kinds = async (text: string, table: string, config = openx()) => (await check([text], table, config)).losses.map(({ kind, column }) => [kind, column])
    expect(await kinds('{"a":1,"A":2}', 'a int')).toEqual([['duplicate-key', 'a']])
    expect(await kinds('{"a":1,"A":2}', 'a int', openx({ CaseInsensitive: false }))).toEqual([['unknown-field', 'A']])
    expect(await kinds('{"a.b":1,"a_b":2}', 'a_b int', openx({ ConvertDotsInJsonKeysToUnderscores: true }))).toEqual([['duplicate-key', 'a_b']])
    expect(await kinds('{"m":{"K":1,"k":2}}', 'm map<string,int>')).toEqual([
      ['lower-case', 'm'],
      ['duplicate-key', 'm'],
    ])
    expect(await kinds('{"m":{"K":1}}', 'm map<string,int>', hive)).toEqual([])
    expect(await kinds('{"v":{"K":1}}', 'v string', openx({ CaseInsensitive: false }))).toEqual([['as-text', 'v']])
    expect(await kinds('{"when":"2024-02-29 01:02:03.1234567","ts":1}', 'ts timestamp', openx({ ColumnToJsonKeyMappings: { ts: 'when' } }))).toEqual([
      ['unknown-field', 'ts'],
    ])
  })

  it('goes by the type that timestamps have, and counts a record once', async () => {
    const text = '{"t":"2024-02-29 01:02:03.1234567"}{"t":"2024-02-29 01:02:03.7654321"}'
    expect((await check([text], 't timestamp')).losses).toEqual([])
    const [loss] = (await check([text, text], 't timestamp', openx(), { timestamps: 'int64' })).losses
    expect(loss).toEqual({ kind: 'fraction-cut', column: 't', records: 2, first: 0, example: '"2024-02-29 01:02:03.1234567"' })
    expect((await check(['{"t":1518033528123.5}'], 't timestamp', hive)).losses).toEqual([])
    expect((await check(['{"t":99999999999999}'], 't timestamp', hive)).losses).toMatchObject([{ kind: 'timestamp-wraps' }])
  })

  it('has a bound for columns that are told apart, and for what it shows of a value', async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => `{"k${i}":1}`)
    const report = await check(texts, 'a int')
    expect(report.losses).toHaveLength(1001)
    expect(report.more).toBe(true)
    expect(report.losses[0]).toMatchObject({ kind: 'unknown-field', column: undefined, records: 2000, first: 1000 })
    const long = await check([`{"x":"${'y'.repeat(100_000)}","z":[${'1,'.repeat(10_000)}1],"q":${'[{"a":'.repeat(40)}1${'}]'.repeat(40)}}`], 'a int')
    for (const { example } of long.losses) expect(example.length).toBeLessThanOrEqual(60)
  })
})

it('takes records as they come, and arguments that are none not at all', async () => {
  async function* source() {
    for (let i = 0; i < 2500; i++) yield encoder.encode(`{"a":${i}}`)
  }
  expect(await checkConversion(source(), openx(), 'a int')).toMatchObject({ records: 2500, converted: 2500 })
  await expect(checkConversion(['x'] as never, openx(), 'a int')).rejects.toThrow(new TypeError('"records[0]" expected a Uint8Array, got "x"'))
  await expect(checkConversion([], openx(), 'a int', { onRejected: 7 as never })).rejects.toThrow('"options.onRejected" expected a function, got 7')
  await expect(checkConversion([], openx(), 'a int', { table: 'b int' } as never)).rejects.toThrow('"options" expected one of')
  const failing = checkConversion(bytes(['']), openx(), 'a int', {
    onRejected() {
      throw new Error('full')
    },
  })
  await expect(failing).rejects.toThrow('full')
})

describe('documents', () => {
  const plain = (tree: Tree): unknown => {
    if (tree instanceof NumberText) return Number(tree.text)
    if (tree instanceof Members) return Object.fromEntries(tree.entries.map(([key, value]) => [key, plain(value)]))
    return Array.isArray(tree) ? tree.map(plain) : tree
  }

  it('are those of JSON.parse', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 5 }), fc.constantFrom(' ', '\n', '\r\n\t '), (texts, between) => {
        const objects = texts.map((text) => `{"v":${text}}`)
        expect(JSON.stringify(documentsOf(objects.join(between)).map(plain))).toBe(JSON.stringify(objects.map((text) => JSON.parse(text))))
      }),
      { numRuns: 300 },
    )
  })

  it('keep digits, and members that come again', () => {
    expect(documentsOf('{"a":1.50,"a":-0e+1}{}')).toEqual([
      new Members([
        ['a', new NumberText('1.50')],
        ['a', new NumberText('-0e+1')],
      ]),
      new Members([]),
    ])
    const text = `{"a":"${'\\\\'.repeat(50_000)}\\"${'x'.repeat(100_000)}"}`
    expect(plain(documentsOf(text)[0])).toEqual(JSON.parse(text))
  })
})

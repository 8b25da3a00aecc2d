// Record format conversion: DuckDB reads what comes out, a slow second implementation says what it should be.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DataFormatConversionConfiguration, ParquetSerDe } from '../../../src/firehose/conversion/config.js'
import type { ConversionOptions } from '../../../src/firehose/conversion/open.js'
import { createConversion } from '../../../src/firehose/delivery/conversion.js'
import { type Duck, openDuck } from '../../duck.js'
import { convert, HIVE, OPENX, type Serde, type Type } from '../conversion/reference.js'
import { HIVE_CASES, HIVE_REFUSALS, OPENX_CASES, OPENX_REFUSALS, RECORDS } from '../conversion/rules.js'

type Deserializer = NonNullable<NonNullable<DataFormatConversionConfiguration['InputFormatConfiguration']>['Deserializer']>

const configOf = (Deserializer: Deserializer = { OpenXJsonSerDe: {} }, ParquetSerDe: ParquetSerDe = {}): DataFormatConversionConfiguration => ({
  SchemaConfiguration: { RoleARN: 'arn:aws:iam::123456789012:role/r', DatabaseName: 'db', TableName: 't', Region: 'eu-west-1', VersionId: 'LATEST' },
  InputFormatConfiguration: { Deserializer },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe } },
})

const encoder = new TextEncoder()
const recordsOf = (texts: readonly string[]) => texts.map((text) => ({ data: encoder.encode(text) }))

let duck: Duck
let files = 0
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

/** The rows of an object as DuckDB reads them. */
const rowsOf = (body: Uint8Array | undefined, select = '*') =>
  body === undefined ? Promise.resolve([]) : duck.rows(`select ${select} from read_parquet('${duck.file(`${files++}.parquet`, body)}')`)

async function converted(config: DataFormatConversionConfiguration, options: ConversionOptions, texts: readonly string[], calls = [texts.length]) {
  const object = createConversion(config, options).begin()
  const rejected = []
  let at = 0
  for (const size of calls) {
    const from = at
    rejected.push(...(await object.write(recordsOf(texts.slice(at, at + size)))).map((one) => ({ ...one, index: from + one.index })))
    at += size
  }
  return { rejected, body: await object.finish() }
}

describe.each([
  ['openx', { OpenXJsonSerDe: {} }, OPENX_CASES, OPENX_REFUSALS],
  ['hive', { HiveJsonSerDe: {} }, HIVE_CASES, HIVE_REFUSALS],
] as const)('%s', (_, deserializer, cases, refusals) => {
  it.each(cases)('%s takes %s as %s (%s)', async (type, json, cell) => {
    for (const timestamps of ['int96', 'int64'] as const) {
      const { rejected, body } = await converted(configOf(deserializer), { table: `v ${type}`, timestamps }, [`{"V":${json}}`])
      expect(rejected).toEqual([])
      const v = type === 'timestamp' ? "v at time zone 'UTC'" : 'v'
      expect(await rowsOf(body, `cast(${timestamps === 'int64' ? v : 'v'} as varchar) as v`)).toEqual([{ v: cell }])
    }
  })

  it.each(refusals)('%s refuses %s: %s (%s)', async (type, json, message) => {
    const { rejected, body } = await converted(configOf(deserializer), { table: `v ${type}, w int` }, ['{"w":1}', `{"v":${json},"w":2}`, '{"w":3}'])
    expect(rejected).toMatchObject([{ index: 1, code: 'DataFormatConversion.MalformedData', message }])
    expect(await rowsOf(body, 'w')).toEqual([{ w: 1 }, { w: 3 }])
  })

  it.each(RECORDS)('a record %j is %s: %s (%s)', async (record, code, message) => {
    const { rejected, body } = await converted(configOf(deserializer), { table: 'v string' }, ['{"v":"a"}', record, '{"v":"b"}\n'])
    expect(rejected).toMatchObject([{ index: 1, code: `DataFormatConversion.${code}`, message }])
    expect(await rowsOf(body)).toEqual([{ v: 'a' }, { v: 'b' }])
  })
})

describe('records and documents', () => {
  const schema = 'a int, b string'
  const rows = async (texts: string[], calls?: number[]) => {
    const { rejected, body } = await converted(configOf(), { table: schema }, texts, calls)
    return { rejected: rejected.map(({ index }) => index), a: (await rowsOf(body, 'a')).map(({ a }) => a) }
  }

  it('holds several documents in a record, however they follow each other', async () => {
    expect(await rows(['{"a":1}{"a":2}', '{"a":3}\n{"a":4}\r\n', ' {"a":5} \t {"a":6} ', '{\n"a"\n:\n7\n}', '\ufeff{"a":8}'])).toEqual({
      rejected: [],
      a: [1, 2, 3, 4, 5, 6, 7, 8],
    })
  })

  it('takes a record as a whole or not at all', async () => {
    const bad = ['{"a":1}{"a":"x"}', '{"a":"x"}{"a":2}', '{"a":3}{"a":"x"}{"a":4}', '{"a":5}\n{"a":', '{"a":6}[]', '{"a":7}8', '{"a":9}}']
    for (const one of bad) expect(await rows(['{"a":100}', one, '{"a":101}{"a":102}', one])).toEqual({ rejected: [1, 3], a: [100, 101, 102] })
  })

  it('does so where a record fills batches, or several end within it', async () => {
    const long = (count: number, last: string) => '{"a":1}'.repeat(count) + last
    for (const count of [255, 256, 2047, 2048, 2049, 10_000, 90_000]) {
      const { rejected, a } = await rows(['{"a":0}', long(count, ''), '{"a":2}', long(count, '{"a":"x"}'), '{"a":3}', `{"a":"x"}${long(count, '')}`, '{"a":4}'])
      expect(rejected).toEqual([3, 5])
      expect(a.length).toBe(count + 4)
      expect(a.filter((x) => x !== 1)).toEqual([0, 2, 3, 4])
    }
  })

  it('counts records of each call from 0, and rejects in their order', async () => {
    const texts = Array.from({ length: 30_000 }, (_, i) => (i % 7 === 3 ? '' : i % 11 === 5 ? '{"a":1.5}' : `{"a":${i}}`))
    const expected = texts.flatMap((_, i) => (i % 7 === 3 || i % 11 === 5 ? [i] : []))
    const once = await rows(texts)
    expect(once.rejected).toEqual(expected)
    expect(once.a).toEqual(texts.flatMap((_, i) => (expected.includes(i) ? [] : [i])))
    expect(await rows(texts, [1, 2, 3, 4000, 25_994])).toEqual(once)
  })

  it('takes a record of 16 MiB and refuses a longer one', async () => {
    const filled = (bytes: number) => `{"a":1,"b":"${'x'.repeat(bytes - 14)}"}`
    const { rejected, a } = await rows([filled(16 << 20), filled((16 << 20) + 1), '{"a":2}'])
    expect({ rejected, a }).toEqual({ rejected: [1], a: [1, 2] })
  })

  it('gives no object without a row, and any number of objects one after or beside another', async () => {
    const conversion = createConversion(configOf(), { table: schema })
    expect(await conversion.begin().finish()).toBe(undefined)
    const [one, two] = [conversion.begin(), conversion.begin()]
    expect(await one.write(recordsOf(['']))).toHaveLength(1)
    await Promise.all([one.write(recordsOf(['{"a":1}'])), two.write(recordsOf(['{"a":2}'])), one.write(recordsOf(['{"a":3}']))])
    const bodies = [await one.finish(), await two.finish()]
    const three = conversion.begin()
    await three.write(recordsOf(['{"a":4}']))
    bodies.push(await three.finish())
    expect(await Promise.all(bodies.map((body) => rowsOf(body, 'a')))).toEqual([[{ a: 1 }, { a: 3 }], [{ a: 2 }], [{ a: 4 }]])
    await expect(one.write([])).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(conversion.begin().write([{ data: 'x' }] as never)).rejects.toThrow(new TypeError('"records[0].data" expected a Uint8Array, got "x"'))
  })

  it('treats __proto__ and the like as any key', async () => {
    const table = '`__proto__` string, constructor string'
    const { body, rejected } = await converted(configOf(), { table }, ['{"__proto__":"p","constructor":"c","toString":1}', '{"__proto__":{"x":1}}'])
    expect(rejected).toEqual([])
    expect(await rowsOf(body, '"__proto__" as p, constructor as c')).toEqual([
      { p: 'p', c: 'c' },
      { p: '{"x":1}', c: null },
    ])
  })
})

describe('against the second implementation', () => {
  const columns: Record<string, Type> = {
    i: 'int',
    n: 'bigint',
    y: 'tinyint',
    d: 'double',
    z: { decimal: [6, 2] },
    s: 'string',
    b: 'boolean',
    t: 'timestamp',
    g: 'date',
    l: { array: 'int' },
    o: { struct: { p: 'int', 'q.r': 'string' } },
    m: { map: 'string' },
  }
  const ddl = (type: Type): string =>
    typeof type === 'string'
      ? type
      : 'decimal' in type
        ? `decimal(${type.decimal.join(',')})`
        : 'array' in type
          ? `array<${ddl(type.array)}>`
          : 'map' in type
            ? `map<string,${ddl(type.map)}>`
            : `struct<${Object.entries(type.struct).map(([name, member]) => `\`${name}\`:${ddl(member)}`)}>`
  const values = [
    ...['null', '1', '-1', '127', '128', '2147483648', '100', '1.5', '12.345', '-0.005', '99999.999', '1e+300', 'true', 'false'],
    ...['"1"', '"1.5"', '"x"', '""', '"TRUE"', '"2024-02-29"', '"2023-2-29"', '"2024-2-9 4:5:6.75"', '"2024-02-09T04:05:06Z"', '"2024-02-09T04:05:06+01:00"'],
    ...[
      '1518033528',
      '1518033528123',
      '1518033528.5',
      '"1518033528.25"',
      '[]',
      '[1]',
      '[1,null,"2"]',
      '["x"]',
      '[[1]]',
      '{}',
      '{"p":1,"Q.r":"A"}',
      '{"q_r":2}',
    ],
    ...['{"P":"1","x":[{"Y":1}]}', '{"Ab":"C","ab":"d"}', '"a\\nb\\u00e9\\ud83d\\ude00"', '"ä\u{1f600}"', '{ "a" : [ 1 , { "B" : null } ] }'],
  ]
  const keys = ['i', 'n', 'y', 'd', 'z', 's', 'b', 't', 'g', 'l', 'o', 'm', 'T', 'other', 'when', 'WHEN', 'a.b', '__proto__']
  const member = fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map(([key, value]) => `${JSON.stringify(key)}:${value}`)
  const blank = fc.constantFrom('', '', '', ' ', '\n', '\r\n')
  const good = fc.uniqueArray(member, { maxLength: 6, selector: (text) => text.split(':')[0].toLowerCase() })
  const document = fc.oneof(
    { weight: 12, arbitrary: fc.tuple(good, blank).map(([members, space]) => `{${members.join(`,${space}`)}${space}}`) },
    { weight: 1, arbitrary: fc.constantFrom('[]', '1', '{', '}', '{"i":1,}', 'x', '{"s":"a\tb"}', '"s"', '{"i":01}', '\0', '{"i":1}x') },
  )
  const record = fc.tuple(fc.array(fc.tuple(document, blank), { maxLength: 4 }), blank).map(([documents, first]) => first + documents.flat().join(''))

  const SERDES: [string, Deserializer, Serde][] = [
    ['openx', { OpenXJsonSerDe: {} }, OPENX],
    ['openx, case and dots', { OpenXJsonSerDe: { CaseInsensitive: false } }, { ...OPENX, caseInsensitive: false }],
    [
      'openx, keys and dots',
      { OpenXJsonSerDe: { ColumnToJsonKeyMappings: { t: 'when', n: 'a_b' }, ConvertDotsInJsonKeysToUnderscores: true } },
      { ...OPENX, dots: true, keys: { t: 'when', n: 'a_b' } },
    ],
    ['hive', { HiveJsonSerDe: {} }, HIVE],
  ]

  it.each(SERDES)('%s', async (_, deserializer, serde) => {
    const named: Record<string, Type> = serde.name === 'hive' || serde.dots ? { ...columns, o: { struct: { p: 'int', q_r: 'string' } } } : columns
    const table = Object.entries(named)
      .map(([name, type]) => `${name} ${ddl(type)}`)
      .join(', ')
    const conversion = createConversion(configOf(deserializer), { table, timestamps: 'int64' })
    const select = `i, cast(n as varchar) n, cast(y as varchar) y, d, cast(z as varchar) z, s, b, epoch_us(t) t, cast(g as varchar) g, l, o, m`
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 60 }), async (texts) => {
        const expected = texts.map((text) => convert(text, named, serde))
        const object = conversion.begin()
        const rejected = await object.write(recordsOf(texts))
        expect(rejected.map(({ index, code }) => [index, code])).toEqual(expected.flatMap((one, i) => (typeof one === 'string' ? [[i, one]] : [])))
        const rows = (await rowsOf(await object.finish(), select)).map((row) => JSON.stringify(row, plain))
        const wanted = expected.flatMap((one) => (typeof one === 'string' ? [] : one)).map((row) => JSON.stringify(asRead(row)))
        expect(rows).toEqual(wanted)
      }),
      { numRuns: 120 },
    )
  })

  /** DuckDB's values as JSON: lists and structs {items}, {entries}, maps [{key, value}]. */
  function plain(_: string, value: unknown): unknown {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    const { items, entries } = value as { items?: unknown[]; entries?: unknown }
    if (items) return items
    if (Array.isArray(entries)) return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
    return entries ?? value
  }

  function asRead({ i, n, y, d, z, s, b, t, g, l, o, m }: Record<string, unknown>): unknown {
    const number = (text: unknown) => (text === null ? null : Number(text))
    const struct = o === null ? null : Object.fromEntries(Object.entries(o as object).map(([name, member]) => [name, name === 'p' ? number(member) : member]))
    const micros = t === null ? null : String(floor(BigInt(t as string), 1000n))
    return { i: number(i), n, y, d, z, s, b, t: micros, g, l: l === null ? null : (l as unknown[]).map(number), o: struct, m }
  }

  const floor = (a: bigint, b: bigint) => (a >= 0n ? a / b : -((-a + b - 1n) / b))
})

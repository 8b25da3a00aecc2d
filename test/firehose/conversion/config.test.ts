// What a conversion's configuration and table may be, and what the file is then like.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ParquetSerDe } from '../../../src/firehose/conversion/config.js'
import { createConversion } from '../../../src/firehose/delivery/conversion.js'
import { type Duck, openDuck } from '../../duck.js'

const MIB = 1024 * 1024
const openx = { Deserializer: { OpenXJsonSerDe: {} } }
const output = (ParquetSerDe: object = {}) => ({ Serializer: { ParquetSerDe } })
const config = (over: object = {}) => ({ InputFormatConfiguration: openx, OutputFormatConfiguration: output(), ...over })
const encoder = new TextEncoder()

function messageOf(config: unknown, options: unknown = { table: 'a int' }): string {
  try {
    createConversion(config as never, options as never)
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
  return 'taken'
}

describe('what is refused, with its path', () => {
  const hive = (TimestampFormats: unknown) => config({ InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: { TimestampFormats } } } })
  const mapped = (ColumnToJsonKeyMappings: unknown) => config({ InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: { ColumnToJsonKeyMappings } } } })
  const parquet = (serde: object) => config({ OutputFormatConfiguration: output(serde) })
  const at = 'config.OutputFormatConfiguration.Serializer.ParquetSerDe'
  const whole = `a whole number from ${64 * MIB} to 2147483647`

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'TypeError: "config" expected an object, got undefined'],
    ['an unknown member', config({ Enable: true }), 'TypeError: "config" expected one of Enabled, SchemaConfiguration,'],
    ['one that is off', config({ Enabled: false }), 'RangeError: "config.Enabled" expected true, or nothing, got false'],
    ['no deserializer', config({ InputFormatConfiguration: {} }), 'expected either OpenXJsonSerDe or HiveJsonSerDe'],
    [
      'two deserializers',
      config({ InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {}, HiveJsonSerDe: {} } } }),
      'MillraceError: "config.InputFormatConfiguration.Deserializer" expected either',
    ],
    ['no serializer', config({ OutputFormatConfiguration: {} }), '"config.OutputFormatConfiguration.Serializer" expected ParquetSerDe'],
    [
      'ORC',
      config({ OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } } }),
      'MillraceError: "config.OutputFormatConfiguration.Serializer.OrcSerDe" expected ParquetSerDe in its place: ORC is not supported',
    ],
    ['a small block', parquet({ BlockSizeBytes: 64 * MIB - 1 }), `RangeError: "${at}.BlockSizeBytes" expected ${whole}, got 67108863`],
    ['a small page', parquet({ PageSizeBytes: 65535 }), `"${at}.PageSizeBytes" expected a whole number from 65536`],
    ['a codec of ORC', parquet({ Compression: 'ZLIB' }), `"${at}.Compression" expected one of SNAPPY, GZIP, UNCOMPRESSED, got "ZLIB"`],
    ['zstd', parquet({ Compression: 'ZSTD' }), `"${at}.Compression" expected one of`],
    ['a version', parquet({ WriterVersion: 'V3' }), `"${at}.WriterVersion" expected one of V1, V2, got "V3"`],
    ['padding below 0', parquet({ MaxPaddingBytes: -1 }), `"${at}.MaxPaddingBytes" expected`],
    ['a flag that is text', parquet({ EnableDictionaryCompression: 'true' }), `"${at}.EnableDictionaryCompression" expected true or false, got "true"`],
    ['a pattern', hive(['yyyy', 'Q']), 'HiveJsonSerDe.TimestampFormats[1] at 0" expected one of the letters G Y y M d'],
    ['a blank pattern', hive([' ']), 'HiveJsonSerDe.TimestampFormats[0]" expected text of 1 to 1024 characters that are not all blank, got " "'],
    ['a pattern that is none', hive([7]), 'HiveJsonSerDe.TimestampFormats[0]" expected text'],
    ['formats that are no list', hive('yyyy'), 'HiveJsonSerDe.TimestampFormats" expected an array, got "yyyy"'],
    ['a key that is none', mapped({ a: 7 }), 'OpenXJsonSerDe.ColumnToJsonKeyMappings.a" expected text of 1 to 1024'],
    [
      'two columns of one key',
      mapped({ a: 'x', b: 'X' }),
      '"options.table" expected keys that differ by more than case and dots, of which "x" is one, got "X"',
    ],
    ['a table name that is none', config({ SchemaConfiguration: { TableName: '' } }), '"config.SchemaConfiguration.TableName" expected text'],
  ])('%s', (_, config, message) => {
    expect(messageOf(config, { table: 'a int, b int' })).toContain(message)
  })

  it.each<[string, unknown, unknown, string]>([
    ['no table', config(), {}, 'TypeError: "options.table" expected an object {columns}, DDL text or a GetTable response, got undefined'],
    ['a type of no Hive', config(), { table: 'a set<string>' }, '"options.table at 2" expected boolean'],
    ['a union', config(), { table: 'a uniontype<int,string>' }, '"options.table at 2" expected boolean'],
    ['an option', config(), { table: 'a int', tables: 1 }, '"options" expected one of table, timestamps, ports, got "tables"'],
    ['a timestamp type', config(), { table: 'a int', timestamps: 'int32' }, '"options.timestamps" expected int96 or int64, got "int32"'],
    [
      'partition keys alone',
      config(),
      { table: 'create table t (a int) partitioned by (a)' },
      'RangeError: "options.table.columns" expected at least one column that is no partition key',
    ],
    [
      'binary for Hive',
      hive(['millis']),
      { table: 'a int, b struct<c:array<binary>>' },
      'RangeError: "options.table column "b"" expected another type than binary, which HiveJsonSerDe does not read, got "binary"',
    ],
    ['a point in a name for Hive', hive([]), { table: '`a.b` int' }, 'expected a name without a point, which HiveJsonSerDe does not take, got "a.b"'],
  ])('%s', (_, config, options, message) => {
    expect(messageOf(config, options)).toContain(message)
  })

  it('and what is taken', () => {
    expect(messageOf(config({ Enabled: true, SchemaConfiguration: { RoleARN: 'x', CatalogId: '123456789012' } }))).toBe('taken')
    expect(messageOf(hive([]))).toBe('taken')
    expect(messageOf(config(), { table: '`a.b` binary' })).toBe('taken')
    expect(messageOf(parquet({ BlockSizeBytes: 64 * MIB, PageSizeBytes: 100 * MIB, MaxPaddingBytes: 8 * MIB }))).toBe('taken')
  })
})

describe('the file', () => {
  let duck: Duck
  beforeAll(async () => {
    duck = await openDuck()
  })
  afterAll(() => duck.close())
  let files = 0

  const write = async (table: string | object, serde: ParquetSerDe, texts: string[], options: object = {}) => {
    const conversion = createConversion(config({ OutputFormatConfiguration: output(serde) }), { table, ...options })
    const object = conversion.begin()
    expect(await object.write(texts.map((text) => ({ data: encoder.encode(text) })))).toEqual([])
    const path = duck.file(`f${files++}.parquet`, (await object.finish()) as Uint8Array)
    return {
      conversion,
      path,
      meta: await duck.rows(`select * from parquet_metadata('${path}')`),
      rows: (sql: string) => duck.rows(sql.replace('FILE', `'${path}'`)),
    }
  }
  const texts = Array.from({ length: 5000 }, (_, i) => `{"a":${i % 10},"b":"${i % 7} of seven"}`)

  it.each([
    ['SNAPPY', 'SNAPPY', 'hadoop-snappy'],
    ['GZIP', 'GZIP', undefined],
    ['UNCOMPRESSED', 'UNCOMPRESSED', undefined],
    [undefined, 'SNAPPY', 'hadoop-snappy'],
  ] as const)('is compressed by %s', async (Compression, codec, contentEncoding) => {
    const { conversion, meta } = await write('a int, b string', { Compression }, texts)
    expect(meta.map(({ compression }) => compression)).toEqual([codec, codec])
    expect(conversion).toMatchObject({ extension: '.parquet', contentEncoding })
  })

  it('has dictionaries where they are asked for', async () => {
    const encodings = async (serde: ParquetSerDe) => (await write('a int, b string', serde, texts)).meta.map(({ encodings }) => String(encodings))
    expect(await encodings({})).toEqual(['PLAIN, RLE', 'PLAIN, RLE'])
    for (const encoding of await encodings({ EnableDictionaryCompression: true })) expect(encoding).toContain('DICTIONARY')
  })

  it('has pages of either version', async () => {
    for (const WriterVersion of ['V1', 'V2'] as const) {
      const { rows } = await write('a int, b string', { WriterVersion }, texts)
      expect(await rows('select count(*) n, sum(a)::int s from FILE')).toEqual([{ n: 5000n, s: 22500 }])
    }
  })

  it('ends row groups by bytes alone', async () => {
    const wide = Array.from({ length: 1400 }, (_, i) => `{"a":${i},"b":"${String(i).padStart(100_000, '.')}"}`)
    const { meta, rows } = await write('a int, b string', { BlockSizeBytes: 64 * MIB, Compression: 'SNAPPY' }, wide)
    const groups = new Map(meta.map(({ row_group_id, row_group_num_rows }) => [row_group_id, Number(row_group_num_rows)]))
    expect(groups.size).toBe(3)
    expect([...groups.values()].reduce((a, b) => a + b)).toBe(1400)
    expect(Math.max(...groups.values()) * 100_000).toBeLessThan(66 * MIB)
    expect(await rows('select count(distinct a) n from FILE')).toEqual([{ n: 1400n }])
    const one = await write(
      'a int',
      {},
      Array.from({ length: 200_000 }, (_, i) => `{"a":${i}}`),
    )
    expect(one.meta.map(({ row_group_num_rows }) => row_group_num_rows)).toEqual([200_000n])
  }, 30_000)

  it('keeps timestamps as INT96 or as microseconds, at any depth; those of an own schema as it says', async () => {
    const types = async (table: string | object, options: object = {}) =>
      (await write(table, {}, ['{"t":"2024-02-29 01:02:03.5","s":{"t":[1709168523.5]}}'], options)).meta.map(({ type }) => type)
    const ddl = 't timestamp, s struct<t:array<timestamp>>'
    expect(await types(ddl)).toEqual(['INT96', 'INT96'])
    expect(await types(ddl, { timestamps: 'int64' })).toEqual(['INT64', 'INT64'])
    expect(await types({ columns: [{ name: 't', type: 'timestamp', unit: 'ns' }] })).toEqual(['INT64'])
    const { rows } = await write(ddl, {}, ['{"t":"2024-02-29 01:02:03.123456","s":{"t":[1709168523.5,"1709168523123"]}}'])
    expect(await rows('select t::varchar t, s.t::varchar l from FILE')).toEqual([
      { t: '2024-02-29 01:02:03.123456', l: "['2024-02-29 01:02:03.5', '2024-02-29 01:02:03.123']" },
    ])
  })

  it('has the columns of a Glue table, its partition keys left out, whatever their case in the JSON', async () => {
    const table = {
      Table: {
        Name: 't',
        StorageDescriptor: {
          Columns: [
            { Name: 'id', Type: 'bigint' },
            { Name: 'user_name', Type: 'string' },
          ],
          SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
        PartitionKeys: [{ Name: 'day', Type: 'string' }],
      },
    }
    const keys = { ColumnToJsonKeyMappings: { id: 'Event-ID' }, ConvertDotsInJsonKeysToUnderscores: true }
    const conversion = createConversion(config({ InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: keys } } }), { table })
    const object = conversion.begin()
    await object.write([{ data: encoder.encode('{"EVENT-id":7,"User.Name":"x","day":"d","id":8}') }])
    const path = duck.file('glue.parquet', (await object.finish()) as Uint8Array)
    expect(await duck.rows(`select * from '${path}'`)).toEqual([{ id: 7n, user_name: 'x' }])
  })

  it('reads years of two digits by the clock that it is given', async () => {
    const formats = { InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: { TimestampFormats: ['dd/MM/yy'] } } } }
    const year = async (now: number) => {
      const conversion = createConversion(config(formats), {
        table: 't timestamp',
        ports: { clock: { now: () => now, monotonic: () => 0, sleep: async () => {} } },
      })
      const object = conversion.begin()
      await object.write([{ data: encoder.encode('{"t":"01/01/40"}') }])
      const path = duck.file(`year${files++}.parquet`, (await object.finish()) as Uint8Array)
      return (await duck.rows(`select year(t)::int y from '${path}'`))[0].y
    }
    expect(await year(Date.UTC(2026, 0, 1))).toBe(2040)
    expect(await year(Date.UTC(2019, 0, 1))).toBe(1940)
  })
})

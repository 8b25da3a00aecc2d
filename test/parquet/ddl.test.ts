import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDdl, parseSchema, parseTable } from '../../src/parquet/index.js'
import { fieldsOf } from '../../src/parquet/internal.js'
import { ddlOf, schemaOf } from '../../src/parquet/schema/format.js'
import type { Field, Leaf } from '../../src/types.js'
import { cpuTime } from '../cpu.js'
import { fieldsOfDepth } from './schemas.js'

const types = (text: string) => Object.fromEntries(parseSchema(text).columns.map(({ name, type }) => [name, type]))

describe('a column list', () => {
  it('has all of Hive', () => {
    expect(
      types(`a boolean, b tinyint, c smallint, d int, e INTEGER, f bigint, g float, h double, i double precision, j decimal(12,3),
        k decimal, l string, m char(3), n varchar(65535), o binary, p date, q array<array<int>>, r map<bigint,string>, s struct<x:int,y:array<struct<z:date>>>`),
    ).toEqual({
      a: 'boolean',
      b: 'int8',
      c: 'int16',
      d: 'int32',
      e: 'int32',
      f: 'int64',
      g: 'float',
      h: 'double',
      i: 'double',
      j: 'decimal(12,3)',
      k: 'decimal(10,0)',
      l: 'string',
      m: 'string',
      n: 'string',
      o: 'binary',
      p: 'date',
      q: 'list<list<int32>>',
      r: 'map<int64, string>',
      s: 'struct<x: int32, y: list<struct<z: date>>>',
    })
  })

  it('reads a timestamp as microseconds, numbers by magnitude', () => {
    expect(parseSchema('t timestamp').columns).toEqual([{ name: 't', type: 'timestamp', unit: 'us', epoch: 'auto', nullable: true }])
  })

  it('reads names, comments and NOT NULL', () => {
    const text = '`a b` int COMMENT \'it\'\'s, (a)\', "c""d" string not null comment "x\\"y", e-f.g$ : date -- the end\n, `h``i` int /* , no int */ NULL'
    expect(parseSchema(text).columns).toEqual([
      { name: 'a b', type: 'int32', nullable: true },
      { name: 'c"d', type: 'string', nullable: false },
      { name: 'e-f.g$', type: 'date', nullable: true },
      { name: 'h`i', type: 'int32', nullable: true },
    ])
  })

  it('may be a struct', () => {
    expect(types(' STRUCT < a : int, b : array<string> > ;')).toEqual({ a: 'int32', b: 'list<string>' })
    expect(types('struct int, map string, array date')).toEqual({ struct: 'int32', map: 'string', array: 'date' })
  })

  it.each([
    ['', 'at 0" expected a name, got the end of the text'],
    ['a', 'at 1" expected a type, got the end of the text'],
    ['a int,', 'at 6" expected a name, got the end of the text'],
    ['a int b int', 'at 6" expected "," or the end of the text, got "b"'],
    ['a int, A string', 'at 7" expected a name that no other member has, got "A"'],
    ['a struct<x:int,X:int>', 'at 15" expected a name that no other member has, got "X"'],
    ['a uniontype<int,string>', 'at 2" expected boolean, int8 to int64'],
    ['a set<string>', 'at 2" expected boolean, int8 to int64'],
    ['a interval', 'at 2" expected boolean, int8 to int64'],
    ['a array<int', 'at 11" expected ">", got the end of the text'],
    ['a array<int>>', 'at 12" expected "," or the end of the text, got ">"'],
    ['`a int', 'at 6" expected "`" for the one at 0, got the end of the text'],
    ['`` int', 'at 0" expected a name that has characters'],
    ['a int comment', 'at 13" expected a comment in quotes, got the end of the text'],
    ['a int /* b', undefined],
    ['struct<a:int> b', 'at 14" expected the end of the text, got "b"'],
    ['a int; b int', 'at 7" expected "," or the end of the text, got "b"'],
    ['\ud800 int', 'at 0" expected a name that is valid Unicode'],
    ['a 🙂', 'at 2" expected a type, got "🙂"'],
  ])('%j: %s', (text, message) => {
    if (message === undefined) expect(types(text)).toEqual({ a: 'int32' })
    else expect(() => parseSchema(text)).toThrow(`"schema ${message}`)
  })
})

describe('CREATE TABLE', () => {
  it('says columns, partitions and what the serde makes of keys', () => {
    expect(
      parseTable(`-- clicks
CREATE EXTERNAL TABLE IF NOT EXISTS \`db\`.\`clicks\` (
  \`ts\` timestamp COMMENT 'when; (UTC)',
  user_agent string,
  tags array<struct<ts:string>>)
COMMENT 'a ) b'
PARTITIONED BY (\`day\` string COMMENT 'x', hour int)
CLUSTERED BY (ts) INTO 4 BUCKETS
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('mapping.ts'='timestamp', 'case.insensitive' = 'FALSE', 'dots.in.keys'='true')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
LOCATION 's3://bucket/a;b/'
TBLPROPERTIES ('classification'='json');
`),
    ).toEqual({
      schema: {
        columns: [
          { name: 'ts', key: 'timestamp', type: 'timestamp', unit: 'us', epoch: 'auto', nullable: true },
          { name: 'user_agent', type: 'string', nullable: true },
          {
            name: 'tags',
            // the serde renames at every depth
            type: { type: 'list', element: { type: 'struct', fields: [{ name: 'ts', key: 'timestamp', type: 'string', nullable: true }] } },
            nullable: true,
          },
          { name: 'day', type: 'string', nullable: true },
          { name: 'hour', type: 'int32', nullable: true },
        ],
      },
      partitionBy: ['day', 'hour'],
      coercion: 'openx',
      caseInsensitive: false,
      dotsToUnderscores: true,
    })
  })

  it('takes partitions by name, as Spark has them', () => {
    const { schema, ...rest } = parseTable('create or replace table t (a int, Day date) using parquet partitioned by (day)')
    expect(schema.columns.map(({ name }) => name)).toEqual(['a', 'Day'])
    expect(rest).toEqual({ partitionBy: ['Day'], caseInsensitive: true })
  })

  it.each([
    ['create view v (a int)', 'at 7" expected TABLE, got "view"'],
    ['create table (a int)', 'at 13" expected a table name, got "("'],
    ['create table t', 'at 14" expected "(", got the end of the text'],
    ['create table t (a int', 'at 21" expected ")", got the end of the text'],
    ['create table t (a int) partitioned by (b)', 'at 39" expected a column of the table or a type behind the name, got "b"'],
    ['create table t (a int) partitioned by (A string)', 'expected no column of the table among the partitions: A is one'],
    ['create table t (a int) tblproperties ((', 'at 39" expected ")", got the end of the text'],
    ["create table t (a int) location 'x", 'for the one at 32, got the end of the text'],
    ["create table t (a int) with serdeproperties ('a' 'b')", 'at 49" expected "=", got "\'"'],
    ['create table t (a int); drop table t', 'at 24" expected "," or the end of the text, got "drop"'],
  ])('%j: %s', (text, message) => {
    expect(() => parseSchema(text)).toThrow(message)
  })
})

describe('a GetTable response', () => {
  const table = (over: object = {}, storage: object = {}) => ({
    Table: {
      Name: 'clicks',
      StorageDescriptor: {
        Columns: [
          { Name: 'userid', Type: 'bigint', Comment: '' },
          { Name: 'geo', Type: 'struct<lat:double,lon:double>' },
        ],
        SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe', Parameters: { 'mapping.userid': 'user.id', paths: 'geo,userid' } },
        ...storage,
      },
      PartitionKeys: [{ Name: 'day', Type: 'string' }],
      ...over,
    },
  })

  it('says all that CREATE TABLE says', () => {
    const expected = {
      schema: {
        columns: [
          { name: 'userid', key: 'user.id', type: 'int64', nullable: true },
          { name: 'geo', type: 'struct<lat: double, lon: double>', nullable: true },
          { name: 'day', type: 'string', nullable: true },
        ],
      },
      partitionBy: ['day'],
      coercion: 'openx',
      caseInsensitive: true,
      dotsToUnderscores: false,
    }
    expect(parseTable(table())).toEqual(expected)
    expect(parseTable(table().Table)).toEqual(expected)
    expect(parseTable(JSON.stringify(table()))).toEqual(expected)
    expect(parseSchema(table())).toEqual(expected.schema)
    expect(parseTable(table({}, { SerdeInfo: { SerializationLibrary: 'org.apache.hive.hcatalog.data.JsonSerDe' } }))).toMatchObject({ coercion: 'hive' })
    const plain = parseTable(table({ PartitionKeys: undefined }, { SerdeInfo: undefined }))
    expect(plain).toMatchObject({ partitionBy: [], caseInsensitive: true })
    expect('coercion' in plain).toBe(false)
  })

  it.each([
    [{ Table: 1 }, '"table.Table" expected an object, got 1'],
    [{ Table: {} }, '"table.Table.StorageDescriptor" expected an object, got undefined'],
    [table({}, { Columns: {} }), '"table.Table.StorageDescriptor.Columns" expected an array, got an object'],
    [table({}, { Columns: [{ Name: 'a' }] }), '"table.Table.StorageDescriptor.Columns[0].Type" expected a string, got undefined'],
    [table({}, { Columns: [{ Name: 'a', Type: 'set<string>' }] }), '"table.Table.StorageDescriptor.Columns[0].Type at 0" expected boolean'],
    [table({}, { Columns: [{ Name: 'a', Type: 'int)' }] }), '"table.Table.StorageDescriptor.Columns[0].Type at 3" expected the end of the text, got ")"'],
    [table({ PartitionKeys: [{ Name: 'USERID', Type: 'int' }] }), '"table.Table.PartitionKeys[0].Name" expected a name that no other column has, got "USERID"'],
    [table({}, { SerdeInfo: { Parameters: { a: 1 } } }), '"table.Table.StorageDescriptor.SerdeInfo.Parameters["a"]" expected a string, got 1'],
  ])('%#: %s', (value, message) => {
    expect(() => parseTable(value)).toThrow(message)
  })
})

describe('formatDdl', () => {
  it('holds what Hive lacks in what holds it', () => {
    expect(
      formatDdl(
        parseSchema({
          columns: [
            { name: 'a`b', type: 'uint64' },
            { name: 'c', type: 'list<struct<`x y`: uuid, z: time>>' },
          ],
        }),
      ),
    ).toBe('`a``b` decimal(20,0),\n`c` array<struct<`x y`:binary,z:int>>')
  })

  // What DDL says: Hive's own types, no keys, all nullable.
  const hive = fc.constantFrom<Leaf>(
    ...(['boolean', 'int8', 'int16', 'int32', 'int64', 'float', 'double', 'string', 'binary', 'date'] as const).map((type) => ({ type })),
    { type: 'decimal', precision: 38, scale: 38 },
    { type: 'timestamp', unit: 'us', epoch: 'auto' },
  )
  const plain = (field: Field): Field => ({
    ...field,
    key: field.name,
    nullable: true,
    ...(field.struct ? { struct: field.struct.map(plain) } : {}),
    ...(field.list ? { list: plain(field.list) } : {}),
    ...(field.map ? { map: { key: field.map.key, value: plain(field.map.value) } } : {}),
  })

  it('is what parseSchema reads', () => {
    fc.assert(
      fc.property(fieldsOfDepth(3, hive), (generated) => {
        const fields = generated.map(plain)
        const text = ddlOf(fields)
        expect(fieldsOf(text)).toEqual(fields)
        expect(fieldsOf(`create table t (${text}) stored as parquet`)).toEqual(fields)
        expect(formatDdl(schemaOf(fields))).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

describe('hostile text', () => {
  const pieces = fc.constantFrom(
    'a',
    ' ',
    'int',
    'struct<',
    'array<',
    'map<',
    '>',
    ',',
    ':',
    '(',
    ')',
    '`',
    '"',
    "'",
    '\\',
    '--',
    '/*',
    '*/',
    '\n',
    ';',
    '=',
    '1',
    'create ',
    'table ',
    'partitioned by ',
    'with serdeproperties ',
    '{',
    '🙂',
    '\ud800',
    '\0',
  )

  it('is refused with its place or taken, never anything else', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        try {
          parseSchema(parts.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          expect((error as Error).message).toMatch(/^"schema( at \d+)?" expected /)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['nesting', 'a array<'.padEnd(2e6, 'array<')],
    ['blanks', `a${' '.repeat(2e6)}int`],
    ['comments', `a int ${'/**/'.repeat(5e5)}`],
    ['an open comment', `a int /*${'*'.repeat(2e6)}`],
    ['quotes', `\`${'``'.repeat(1e6)}`],
    ['a long name', `${'a'.repeat(2e6)} int`],
    ['columns', Array.from({ length: 1e5 }, (_, i) => `c${i} int`).join()],
    ['parentheses', `create table t (a int) x ${'('.repeat(1e6)}`],
    ['digits', `a decimal(${'9'.repeat(2e6)})`],
  ])('of %s takes linear time', (_, text) => {
    const start = cpuTime()
    try {
      parseSchema(text)
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(300)
    }
    expect(cpuTime() - start).toBeLessThan(3000)
  })
})

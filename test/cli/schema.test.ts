import { describe, expect, it } from 'vitest'
import type { Values } from '../../src/cli/command.js'
import { command } from '../../src/cli/schema.js'
import { runCommand } from './io.js'

const text = '{"id":1,"origin":"AMS","geo":{"lat":52.3},"at":"2024-02-29T12:00:00Z"}\n{"id":2,"tags":["x"],"note":null}\n'
const schema = (values: Values, files: Record<string, string> = {}, input: string[] = [text], positionals = ['-']) =>
  runCommand(command, values, input, files, positionals)
const columns = (out: string) => JSON.parse(out).columns as { name: string; key?: string; type: unknown }[]

describe('millrace schema', () => {
  it('prints what parquet takes, a column a line, and what is unsure', async () => {
    const { code, out, err } = await schema({})
    expect(code).toBe(0)
    expect(out).toBe(`{
  "columns": [
    {"name":"id","type":"int64","nullable":true},
    {"name":"origin","type":"string","nullable":true},
    {"name":"geo","type":"struct<lat: double>","nullable":true},
    {"name":"at","type":"timestamp","unit":"us","nullable":true},
    {"name":"tags","type":"list<string>","nullable":true},
    {"name":"note","type":"string","nullable":true}
  ]
}
`)
    expect(err).toEqual(['millrace schema: note: nothing but null: string'])
  })

  it('names of members do not reach the terminal as they are', async () => {
    expect((await schema({}, {}, ['{"a\\nb\\u001b[31m":null}'])).err).toEqual(['millrace schema: a\\nb\\u001b[31m: nothing but null: string'])
  })

  it('as DDL', async () => {
    expect((await schema({ ddl: true })).out).toBe(
      '`id` bigint,\n`origin` string,\n`geo` struct<lat:double>,\n`at` timestamp,\n`tags` array<string>,\n`note` string\n',
    )
  })

  it('from a sample or all', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => `{"id":${i}}\n`).join('')
    const files = { 'a.ndjson': many, 'b.ndjson': '{"id":"x"}' }
    expect(columns((await schema({}, files, [], ['a.ndjson', 'b.ndjson'])).out)[0].type).toBe('json')
    expect(columns((await schema({ 'sample-bytes': '10000' }, files, [], ['a.ndjson', 'b.ndjson'])).out)[0].type).toBe('int64')
    expect(columns((await schema({ 'sample-bytes': 'all', coercion: 'openx' }, files, [], ['a.ndjson', 'b.ndjson'])).out)[0].type).toBe('string')
    await expect(schema({ 'sample-bytes': '5' }, files, [], ['a.ndjson'])).rejects.toThrow('there is no record to infer a schema from')
  })

  it('leaves bad records out where told to', async () => {
    const bad = ['{"a":1}\nx\n{"a":2}']
    await expect(schema({}, {}, bad)).rejects.toThrow('standard input, line 2, byte 8: expected a JSON object')
    expect(await schema({ 'bad-records': 'skip' }, {}, bad)).toMatchObject({ code: 0, err: ['millrace schema: 1 bad record skipped'] })
  })

  it('UUIDs where told to', async () => {
    const uuid = ['{"a":"7ed4bffc-f189-40b0-9090-c58e1cba14b8"}']
    expect(columns((await schema({ uuid: true }, {}, uuid)).out)[0].type).toBe('uuid')
    expect(columns((await schema({}, {}, uuid)).out)[0].type).toBe('string')
  })
})

describe('millrace schema --against', () => {
  it('prints the schema of both', async () => {
    const { code, out, err } = await schema({ against: 'old' }, { old: 'id int, `when` date, geo struct<lat:float>' })
    expect(code).toBe(0)
    expect(columns(out).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id int64',
      'when date',
      'geo struct<lat: double>',
      'origin string',
      'at timestamp',
      'tags list<string>',
      'note string',
    ])
    expect(err.slice(1)).toEqual([
      'millrace schema: id: wider: int32 -> int64',
      'millrace schema: when: removed: date',
      'millrace schema: geo.lat: wider: float -> double',
      'millrace schema: origin: added: string',
      'millrace schema: at: added: timestamp(us)',
      'millrace schema: tags: added: list<string>',
      'millrace schema: note: added: string',
    ])
  })

  it('fails where they do not fit', async () => {
    const { code, err } = await schema({ against: 'old' }, { old: 'id string' })
    expect(code).toBe(1)
    expect(err).toContain('millrace schema: id: type: string -> int64, which does not fit')
  })

  it('finds columns by their keys, of a catalogue without regard to case', async () => {
    const table = {
      Table: {
        StorageDescriptor: {
          Columns: [{ Name: 'flight', Type: 'bigint' }],
          SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe', Parameters: { 'mapping.flight': 'ID' } },
        },
      },
    }
    const { code, out } = await schema({ against: 'glue.json' }, { 'glue.json': JSON.stringify(table) }, ['{"id":1}'])
    expect(code).toBe(0)
    expect(columns(out)).toEqual([{ name: 'flight', key: 'ID', type: 'int64', nullable: true }])
  })
})

describe('millrace schema --convert', () => {
  it('reads any form', async () => {
    const files = { a: '{"columns":[{"name":"id","type":"uint8"}]}', b: 'create table t (id array<timestamp>)' }
    expect((await schema({ convert: 'a', ddl: true }, files, [], [])).out).toBe('`id` smallint\n')
    expect(columns((await schema({ convert: 'b' }, files, [], [])).out)).toEqual([
      { name: 'id', type: { type: 'list', element: { type: 'timestamp', unit: 'us', epoch: 'auto' } }, nullable: true },
    ])
  })

  it('names the file that is no schema', async () => {
    await expect(schema({ convert: 'a' }, { a: '{"columns":' }, [], [])).rejects.toThrow('a: "schema" expected JSON or DDL: Unexpected end of JSON input')
    await expect(schema({ convert: 'a' }, { a: 'id itn' }, [], [])).rejects.toThrow('a: "schema at 3" expected boolean')
  })
})

describe('usage', () => {
  it.each([
    [{}, [], 'expected at least one input'],
    [{ 'sample-bytes': '0' }, ['-'], '--sample-bytes expected a whole number from 1 or all, got "0"'],
    [{ coercion: 'lax' }, ['-'], '--coercion expected one of strict, hive, openx, got "lax"'],
    [{ 'bad-records': 'file' }, ['-'], '--bad-records expected one of fail, skip, got "file"'],
    [{ 'max-record-bytes': '0' }, ['-'], '--max-record-bytes expected a whole number from 1'],
    [{ convert: 'a' }, ['-'], '--convert expected no inputs, got "-"'],
    [{ convert: 'a', against: 'b' }, [], '--convert expected no --against'],
    [{ convert: 'a', uuid: true }, [], '--convert expected no --uuid'],
  ] as [Values, string[], string][])('%j %j: %s', async (values, positionals, message) => {
    await expect(schema(values, {}, [], positionals)).rejects.toThrow(message)
  })
})

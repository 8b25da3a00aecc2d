import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Column, parseSchema, type Schema } from '../../src/parquet/index.js'
import { schemaOf } from '../../src/parquet/schema/format.js'
import { checkLookup } from '../../src/parquet/schema/mapping.js'
import { fieldsOf } from '../../src/parquet/schema/schema.js'
import { fieldsOfDepth } from './schemas.js'

const one = (column: object) => parseSchema({ columns: [{ name: 'a', ...column }] }).columns[0]

describe('parseSchema', () => {
  it('fills in defaults', () => {
    expect(parseSchema({ columns: [{ name: 'a', type: 'int32' }] })).toEqual({ columns: [{ name: 'a', type: 'int32', nullable: true }] })
    expect(one({ type: 'timestamp', nullable: false })).toEqual({ name: 'a', type: 'timestamp', unit: 'ms', nullable: false })
    expect(one({ type: 'time' })).toEqual({ name: 'a', type: 'time', unit: 'ms', nullable: true })
    expect(one({ type: 'timestamp', int96: true, epoch: 'auto' })).toEqual({ name: 'a', type: 'timestamp', int96: true, epoch: 'auto', nullable: true })
    expect(one({ type: 'decimal' })).toEqual({ name: 'a', type: 'decimal(10,0)', nullable: true })
    expect(one({ type: 'binary', encoding: 'base64', key: 'a' })).toEqual({ name: 'a', type: 'binary', nullable: true })
  })

  it('takes types as text, and gives them so where text says all', () => {
    expect(one({ type: 'LIST< struct<a :int, `b c` string NOT NULL> >' }).type).toEqual({
      type: 'list',
      element: {
        type: 'struct',
        fields: [
          { name: 'a', type: 'int32', nullable: true },
          { name: 'b c', type: 'string', nullable: false },
        ],
      },
    })
    expect(one({ type: 'map<int,array<decimal(12)>>' }).type).toBe('map<int32, list<decimal(12,0)>>')
    expect(one({ type: 'list<timestamp>' }).type).toBe('list<timestamp>')
    expect(one({ type: { type: 'map', value: 'json' } }).type).toBe('map<string, json>')
    expect(one({ type: { type: 'struct', fields: [{ name: 'x', type: 'varchar(3)' }] } }).type).toBe('struct<x: string>')
  })

  it('takes options at any depth', () => {
    const type = { type: 'list', element: { type: 'map', value: { type: 'timestamp', unit: 'us', nullable: false } }, nullable: false } as const
    const column: Column = { name: 'a', type: { type: 'list', element: type } }
    expect(parseSchema({ columns: [column] }).columns[0].type).toEqual({
      type: 'list',
      element: { type: 'list', element: { type: 'map', key: 'string', value: { type: 'timestamp', unit: 'us', nullable: false } }, nullable: false },
    })
    expect(one({ type: { type: 'timestamp', unit: 'ns' } })).toEqual({ name: 'a', type: 'timestamp', unit: 'ns', nullable: true })
    expect(one({ type: { type: 'struct', fields: [{ name: 'b', key: 'B', type: 'int8' }] } }).type).toEqual({
      type: 'struct',
      fields: [{ name: 'b', key: 'B', type: 'int8', nullable: true }],
    })
  })

  it('reads JSON as text', () => {
    expect(parseSchema(' {"columns":[{"name":"a","type":"int8"}]}')).toEqual({ columns: [{ name: 'a', type: 'int8', nullable: true }] })
    expect(() => parseSchema('{"columns":')).toThrow('"schema" expected JSON or DDL: Unexpected end of JSON input')
  })

  it.each([
    [null, '"schema" expected an object {columns}, DDL text or a GetTable response, got null'],
    [{ column: [] }, '"schema" expected one of columns, got "column"'],
    [{ columns: {} }, '"schema.columns" expected an array, got an object'],
    [{ columns: ['a'] }, '"schema.columns[0]" expected an object {name, type}, got "a"'],
    [{ columns: [{ type: 'int32' }] }, '"schema.columns[0].name" expected a string, got undefined'],
    [{ columns: [{ name: '', type: 'int32' }] }, '"schema.columns[0].name" expected a name that has characters'],
    [{ columns: [{ name: '\ud800', type: 'int32' }] }, '"schema.columns[0].name" expected a name that has characters'],
    [{ columns: [{ name: 'a', key: '', type: 'int32' }] }, '"schema.columns[0].key" expected a name that has characters'],
    [
      {
        columns: [
          { name: 'a', type: 'int32' },
          { name: 'a', type: 'string' },
        ],
      },
      '"schema.columns[1].name" expected a name that no other column has, got "a"',
    ],
    [
      {
        columns: [
          { name: 'a', type: 'int32' },
          { name: 'b', key: 'a', type: 'string' },
        ],
      },
      '"schema.columns[1].key" expected a key that no other column has, got "a"',
    ],
  ])('%j: %s', (value, message) => {
    expect(() => parseSchema(value)).toThrow(message)
  })

  it.each([
    [{}, '"schema.columns[0].type" expected boolean, int8 to int64'],
    [{ type: 1 }, '"schema.columns[0].type" expected boolean, int8 to int64'],
    [{ type: 'bool' }, '"schema.columns[0].type at 0" expected boolean, int8 to int64'],
    [{ type: '' }, '"schema.columns[0].type at 0" expected a type, got the end of the text'],
    [{ type: 'list' }, '"schema.columns[0].type at 4" expected "<", got the end of the text'],
    [{ type: 'list<int32' }, '"schema.columns[0].type at 10" expected ">", got the end of the text'],
    [{ type: 'list<int32, int32>' }, '"schema.columns[0].type at 10" expected ">", got ","'],
    [{ type: 'map<int32>' }, '"schema.columns[0].type at 9" expected ",", got ">"'],
    [{ type: 'map<json, int32>' }, '"schema.columns[0].type at 4" expected a type that a JSON key can say, got "json"'],
    [{ type: 'map<list<int32>, int32>' }, '"schema.columns[0].type at 4" expected a type that a JSON key can say, got "list"'],
    [{ type: 'struct<>' }, '"schema.columns[0].type at 7" expected a name, got ">"'],
    [{ type: 'struct<a: int32, a: string>' }, '"schema.columns[0].type at 17" expected a name that no other member has, got "a"'],
    [{ type: 'int32 x' }, '"schema.columns[0].type at 6" expected the end of the text, got "x"'],
    [{ type: 'decimal(39,2)' }, '"schema.columns[0].type at 8" expected a precision from 1 to 38, got "39"'],
    [{ type: 'decimal(0)' }, '"schema.columns[0].type at 8" expected a precision from 1 to 38, got "0"'],
    [{ type: 'decimal(4,5)' }, '"schema.columns[0].type at 10" expected a scale from 0 to 4, got "5"'],
    [{ type: 'decimal(4,-1)' }, '"schema.columns[0].type at 10" expected a scale from 0 to 4, got "-1"'],
    [{ type: 'decimal(4 2)' }, '"schema.columns[0].type at 10" expected ")", got "2"'],
    [{ type: 'varchar' }, '"schema.columns[0].type at 7" expected "(", got the end of the text'],
    [{ type: 'char(256)' }, '"schema.columns[0].type at 5" expected a length from 1 to 255'],
    [{ type: 'uniontype<int,string>' }, '"schema.columns[0].type at 0" expected boolean, int8 to int64'],
    [{ type: 'int32', unit: 'ms' }, '"schema.columns[0].unit" expected nothing, for only a timestamp or time has one, got "ms"'],
    [{ type: 'list<timestamp>', unit: 'ms' }, '"schema.columns[0].unit" expected nothing'],
    [{ type: { type: 'timestamp' }, unit: 'ms' }, '"schema.columns[0].unit" expected nothing'],
    [{ type: 'timestamp', unit: 's' }, '"schema.columns[0].unit" expected one of ms, us, ns, got "s"'],
    [{ type: 'timestamp', epoch: 'd' }, '"schema.columns[0].epoch" expected one of s, ms, us, ns, auto, got "d"'],
    [{ type: 'timestamp', int96: true, unit: 'ns' }, '"schema.columns[0].unit" expected nothing, for INT96 counts nanoseconds, got "ns"'],
    [{ type: 'timestamp', utc: 1 }, '"schema.columns[0].utc" expected true or false, got 1'],
    [{ type: 'time', epoch: 's' }, '"schema.columns[0].epoch" expected nothing, for only a timestamp has one'],
    [{ type: 'binary', encoding: 'hax' }, '"schema.columns[0].encoding" expected base64 or hex, got "hax"'],
    [{ type: 'int32', nullable: 1 }, '"schema.columns[0].nullable" expected a boolean, got 1'],
    [{ type: 'int32', comment: '' }, '"schema.columns[0]" expected one of name, type, key, nullable, unit'],
    [{ type: { type: 'int32', nullable: false } }, '"schema.columns[0].type.nullable" expected nothing, for the column says it, got false'],
    [{ type: { type: { type: 'int32' } } }, '"schema.columns[0].type.type" expected text, got an object'],
    [{ type: { type: 'list' } }, '"schema.columns[0].type.element" expected boolean, int8 to int64'],
    [{ type: { type: 'list', element: 'int32', fields: [] } }, '"schema.columns[0].type" expected one of type, nullable, element, got "fields"'],
    [{ type: { type: 'struct', fields: [] } }, '"schema.columns[0].type.fields" expected at least one field, got an array'],
    [{ type: { type: 'struct', fields: [{ name: 'x' }] } }, '"schema.columns[0].type.fields[0].type" expected boolean'],
    [{ type: { type: 'map', key: 'list<int32>', value: 'int32' } }, '"schema.columns[0].type.key" expected a type that a JSON key can say'],
    [{ type: { type: 'map', key: { type: 'int32', nullable: true }, value: 'int32' } }, '"schema.columns[0].type.key.nullable" expected false'],
    [{ type: { type: 'map', value: 'lost' } }, '"schema.columns[0].type.value at 0" expected boolean'],
  ])('%j: %s', (column, message) => {
    expect(() => one(column)).toThrow(message)
  })

  it('keeps names that objects have as data', () => {
    const schema = parseSchema(JSON.parse('{"columns":[{"name":"__proto__","type":"struct<__proto__:int,constructor:int>"}]}'))
    expect(fieldsOf(schema)[0].struct?.map(({ name }) => name)).toEqual(['__proto__', 'constructor'])
  })

  it('ends at 100 levels, in text, in objects and in both', () => {
    const text = (depth: number) => `${'list<'.repeat(depth)}int32${'>'.repeat(depth)}`
    const object = (depth: number, inner: unknown): unknown => (depth === 0 ? inner : { type: 'list', element: object(depth - 1, inner) })
    for (const type of [text(100), object(100, 'int32'), object(60, text(40))]) expect(() => one({ type })).not.toThrow()
    for (const type of [text(101), object(101, 'int32'), object(60, text(41)), text(1e6)]) expect(() => one({ type })).toThrow('at most 100 levels of nesting')
  })

  it('gives every tree of fields back', () => {
    fc.assert(
      fc.property(fieldsOfDepth(3), (fields) => {
        const schema = schemaOf(fields)
        expect(fieldsOf(schema)).toEqual(fields)
        expect(fieldsOf(JSON.parse(JSON.stringify(schema)))).toEqual(fields)
        expect(parseSchema(schema)).toEqual(schema)
      }),
      { numRuns: 300 },
    )
  })

  it('has one form for each', () => {
    const schema: Schema = { columns: [{ name: 'a', type: { type: 'list', element: { type: 'int', nullable: true } } }] }
    expect(parseSchema(schema)).toEqual({ columns: [{ name: 'a', type: 'list<int32>', nullable: true }] })
  })
})

describe('checkLookup', () => {
  const check = (type: string, options: object) => () => checkLookup(fieldsOf(`x array<map<string,struct<${type}>>>`), options, 'options.schema')
  it('refuses two members under one key', () => {
    const mixed = {
      columns: [
        { name: 'id', type: 'int32' },
        { name: 'ID', type: 'int32' },
      ],
    }
    expect(() => checkLookup(fieldsOf(mixed), {}, 'options.schema')).not.toThrow()
    expect(() => checkLookup(fieldsOf(mixed), { caseInsensitive: true }, 'options.schema')).toThrow(
      '"options.schema" expected keys that differ by more than case and dots, of which "id" is one, got "ID"',
    )
    expect(check('`a.b`:int,a_b:int', { caseInsensitive: true })).not.toThrow()
    expect(check('`a.b`:int,a_b:int', { dotsToUnderscores: true })).toThrow('"options.schema.x" expected keys that differ')
  })
})

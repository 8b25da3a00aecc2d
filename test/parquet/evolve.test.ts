import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evolveSchema, parseSchema, type Schema } from '../../src/parquet/index.js'
import { fieldsOf, renamed } from '../../src/parquet/internal.js'
import { schemaOf } from '../../src/parquet/schema/format.js'
import { fieldsOfDepth } from './schemas.js'

const column = (type: unknown, options: object = {}) => parseSchema({ columns: [{ name: 'a', type, ...options }] })
const changes = (old: unknown, next: unknown) =>
  evolveSchema(column(old), column(next)).changes.map(({ path, kind, compatible }) => `${path.join('.')} ${kind}${compatible ? '' : '!'}`)
const merged = (old: unknown, next: unknown) => evolveSchema(column(old), column(next)).schema.columns[0].type

describe('evolveSchema', () => {
  it.each([
    ['int8', 'int16', 'wider'],
    ['int32', 'int64', 'wider'],
    ['int64', 'int8', 'narrower'],
    ['uint8', 'uint64', 'wider'],
    ['uint32', 'int64', 'type!'],
    ['int32', 'double', 'type!'],
    ['float', 'double', 'wider'],
    ['double', 'float', 'narrower'],
    ['decimal(10,2)', 'decimal(12,2)', 'wider'],
    ['decimal(12,2)', 'decimal(10,2)', 'narrower'],
    ['decimal(10,2)', 'decimal(12,3)', 'type!'],
    ['json', 'string', 'wider'],
    ['string', 'int64', 'type!'],
    ['date', 'timestamp', 'type!'],
    ['string', 'list<string>', 'type!'],
    ['struct<b: int32>', 'map<string, int32>', 'type!'],
  ])('%s, then %s: %s', (old, next, kind) => {
    expect(changes(old, next)).toEqual([`a ${kind}`])
    expect(merged(old, next)).toBe(kind === 'wider' ? next : old)
    expect(changes(old, old)).toEqual([])
  })

  it('goes into lists, maps and structs', () => {
    expect(changes('list<map<int32, struct<b: int32, c: string>>>', 'list<map<int32, struct<c: int32, b: int64, d: date>>>')).toEqual([
      'a.element.value.b wider',
      'a.element.value.c type!',
      'a.element.value.d added',
    ])
    expect(merged('list<struct<b: int32>>', 'list<struct<c: int8, b: int64>>')).toBe('list<struct<b: int64, c: int8>>')
    expect(changes('map<int32, string>', 'map<int64, string>')).toEqual(['a.key type!'])
  })

  it('says which columns come and go', () => {
    const old = parseSchema({
      columns: [
        { name: 'a', type: 'int32' },
        { name: 'b', type: 'string', nullable: false },
      ],
    })
    const next = parseSchema({
      columns: [
        { name: 'c', type: 'date' },
        { name: 'd', type: 'date', nullable: false },
      ],
    })
    expect(evolveSchema(old, next)).toEqual({
      schema: { columns: [...old.columns, ...next.columns] },
      compatible: false,
      changes: [
        { path: ['a'], kind: 'removed', compatible: true, old: 'int32', new: '' },
        { path: ['b'], kind: 'removed', compatible: false, old: 'string', new: '' },
        { path: ['c'], kind: 'added', compatible: true, old: '', new: 'date' },
        { path: ['d'], kind: 'added', compatible: false, old: '', new: 'date' },
      ],
    })
  })

  it('takes null where none was, and units that readers tell apart', () => {
    const timestamp = (unit: string, more: object = {}) => column('timestamp', { unit, ...more })
    expect(evolveSchema(column('date', { nullable: false }), column('date'))).toMatchObject({ compatible: true, changes: [{ kind: 'nullable' }] })
    expect(evolveSchema(column('date'), column('date', { nullable: false })).schema).toEqual(column('date'))
    expect(evolveSchema(timestamp('ms'), timestamp('us'))).toEqual({
      schema: timestamp('us'),
      compatible: true,
      changes: [{ path: ['a'], kind: 'unit', compatible: true, old: 'timestamp(ms)', new: 'timestamp(us)' }],
    })
    expect(evolveSchema(timestamp('us'), timestamp('ms')).schema).toEqual(timestamp('us'))
    expect(evolveSchema(timestamp('us'), timestamp('ns')).changes).toMatchObject([{ kind: 'type', new: 'timestamp(ns)' }])
    expect(evolveSchema(timestamp('us'), timestamp('us', { utc: false })).changes).toMatchObject([{ kind: 'type', new: 'timestamp(us) of no zone' }])
    expect(evolveSchema(timestamp('us'), column('timestamp', { int96: true })).changes).toMatchObject([{ kind: 'type', new: 'timestamp(int96)' }])
    expect(evolveSchema(column('time'), column('time', { unit: 'us' })).compatible).toBe(false)
  })

  it('refuses names that differ in case only', () => {
    const two = evolveSchema(parseSchema('userId int'), parseSchema({ columns: [{ name: 'userid', type: 'int32' }] }))
    expect(two.changes.map(({ path, kind, compatible }) => [path[0], kind, compatible])).toEqual([
      ['userId', 'removed', true],
      ['userid', 'case', false],
    ])
    expect(two.schema.columns.map(({ name }) => name)).toEqual(['userId'])
  })

  it('takes keys of the new schema, which files do not have', () => {
    const old = parseSchema({
      columns: [
        { name: 'a', key: 'x', type: 'int32' },
        { name: 'b', key: 'y', type: 'int32' },
      ],
    })
    const next = parseSchema({ columns: [{ name: 'a', key: 'y', type: 'int32' }] })
    expect(evolveSchema(old, next).schema.columns).toEqual([
      { name: 'a', key: 'y', type: 'int32', nullable: true },
      { name: 'b', type: 'int32', nullable: true },
    ])
  })

  it('throws for what is no schema', () => {
    expect(() => evolveSchema({ columns: 1 } as never, parseSchema('a int'))).toThrow('"old.columns" expected an array')
    expect(() => evolveSchema(parseSchema('a int'), null as never)).toThrow('"next" expected')
  })

  it('gives one that is at rest: what was taken in changes nothing more', () => {
    fc.assert(
      fc.property(fieldsOfDepth(2), fieldsOfDepth(2), (a, b) => {
        const [old, next] = [schemaOf(a), schemaOf(b)]
        const { schema, changes, compatible } = evolveSchema(old, next)
        expect(parseSchema(schema)).toEqual(schema)
        expect(compatible).toBe(changes.every((change) => change.compatible))
        expect(evolveSchema(old, old)).toEqual({ schema: old, changes: [], compatible: true })
        if (!compatible) return
        for (const part of [old, next]) {
          const again = evolveSchema(schema, part)
          expect(again.changes.filter(({ kind }) => !['removed', 'narrower', 'required', 'unit'].includes(kind))).toEqual([])
          expect(fileOf(again.schema)).toEqual(fileOf(schema))
        }
      }),
      { numRuns: 300 },
    )
  })

  /** Without keys. */
  const fileOf = (schema: Schema) =>
    JSON.parse(JSON.stringify(schema, (name, value) => (name === 'key' && typeof value === 'string' && value.endsWith('-key') ? undefined : value)))
})

describe('renamed', () => {
  it('gives inferred members the names of their columns, at any depth', () => {
    const inferred = fieldsOf({
      columns: [
        { name: 'timestamp', type: 'string' },
        { name: 'Geo', type: 'list<struct<Lat: double, x: int8>>' },
        { name: 'z', type: 'date' },
      ],
    })
    const like = fieldsOf({
      columns: [
        { name: 'ts', key: 'timestamp', type: 'timestamp' },
        { name: 'geo', type: { type: 'list', element: { type: 'struct', fields: [{ name: 'latitude', key: 'lat', type: 'double' }] } } },
      ],
    })
    expect(schemaOf(renamed(inferred, like, true)).columns).toEqual([
      { name: 'ts', key: 'timestamp', type: 'string', nullable: true },
      {
        name: 'geo',
        type: {
          type: 'list',
          element: {
            type: 'struct',
            fields: [
              { name: 'latitude', key: 'lat', type: 'double', nullable: true },
              { name: 'x', type: 'int8', nullable: true },
            ],
          },
        },
        nullable: true,
      },
      { name: 'z', type: 'date', nullable: true },
    ])
    expect(renamed(inferred, like, false).map(({ name }) => name)).toEqual(['ts', 'Geo', 'z'])
  })
})

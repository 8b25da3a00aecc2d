import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScan } from '../../src/engine/columns.js'
import { createEngine } from '../../src/engine/engine.js'
import { createInference, type InferenceOptions, inferSchema } from '../../src/parquet/index.js'
import { fieldsOf } from '../../src/parquet/internal.js'
import type { Field } from '../../src/types.js'
import { cpuTime } from '../cpu.js'

/** With little memory set aside: each inference has an engine of its own. */
const infer = (text: string | Buffer, options?: InferenceOptions & { complete?: boolean }) =>
  inferSchema(Buffer.from(text), { maxRecordBytes: 2 ** 14, ...options })
const typed = async (text: string, options?: InferenceOptions & { complete?: boolean }) =>
  Object.fromEntries((await infer(text, options)).schema.columns.map(({ name, type }) => [name, type]))
/** Of one column `a` with these values, in records of their own. */
const of = async (values: unknown[], options?: InferenceOptions) => (await typed(values.map((a) => JSON.stringify({ a })).join('\n'), options)).a
const noted = async (text: string, options?: InferenceOptions) =>
  (await infer(text, options)).notes.map(({ path, kind, type, message }) => `${path.join('.')}: ${kind}: ${type}: ${message}`)

describe('scalars', () => {
  it('are read as text', async () => {
    expect(await typed('{"a":1,"b":1.0,"c":1e3,"d":9223372036854775807,"e":9223372036854775808,"f":-0,"g":true,"h":null,"i":"x"}')).toEqual({
      a: 'int64',
      b: 'double',
      c: 'double',
      d: 'int64',
      e: 'decimal(38,0)',
      f: 'double',
      g: 'boolean',
      h: 'string',
      i: 'string',
    })
  })

  it.each([
    ['-9223372036854775808', 'int64'],
    ['-9223372036854775809', 'decimal(38,0)'],
    ['18446744073709551615', 'decimal(38,0)'],
    ['9'.repeat(38), 'decimal(38,0)'],
    ['9'.repeat(39), 'double'],
    ['-0', 'double'],
    ['0', 'int64'],
    ['-1', 'int64'],
    ['1E5', 'double'],
    ['-1.5e-300', 'double'],
  ])('%s is %s', async (number, type) => {
    expect(await typed(`{"a":${number}}`)).toEqual({ a: type })
    expect(await typed(`{"a":[ ${number} ]}`)).toEqual({ a: `list<${type}>` })
  })

  it('widen over records, keep the order of first appearance', async () => {
    expect(await typed('{"a":1,"b":null}\n\n{"b":2,"c":"2024-02-29T12:00:00Z"}\r\n{"a":1.5,"c":"later"}\n')).toEqual({ a: 'double', b: 'int64', c: 'string' })
    expect(Object.keys(await typed('{"z":1,"a":1}\n{"b":1,"z":1}'))).toEqual(['z', 'a', 'b'])
  })

  it.each([
    ['2024-02-29T12:00:00Z', 'timestamp'],
    ['2024-02-29T12:00:00.123456+02:00', 'timestamp'],
    ['2024-02-29T12:00:00.1234567Z', 'string'],
    ['2024-02-29T12:00:00.Z', 'string'],
    ['2024-02-29T12:00:00', 'string'],
    ['2024-02-29T24:00:00Z', 'string'],
    ['2024-02-29T12:60:00Z', 'string'],
    ['2024-02-29T12:00:00+0200', 'string'],
    ['2024-02-29T12:00:00+24:00', 'string'],
    ['2024-02-29T12:00:00Z ', 'string'],
    ['2023-02-29T12:00:00Z', 'string'],
    ['2024-02-29 12:00:00Z', 'string'],
    ['2024-02-29', 'date'],
    ['0000-12-31', 'date'],
    ['2023-02-29', 'string'],
    ['1900-02-29', 'string'],
    ['2024-04-31', 'string'],
    ['2024-13-01', 'string'],
    ['2024-2-29x', 'string'],
    ['2024-02-2٣', 'string'],
    ['7ed4bffc-f189-40b0-9090-c58e1cba14b8', 'string'],
    ['', 'string'],
  ])('%j is %s', async (value, type) => {
    expect(await of([value])).toBe(type)
    expect(await of([value, null])).toBe(type)
    expect(await of([value, 'x'])).toBe('string')
  })

  it('UUIDs where asked for, if they are the text that such a column gives back', async () => {
    const uuid = '7ed4bffc-f189-40b0-9090-c58e1cba14b8'
    expect(await of([uuid, uuid], { uuid: true })).toBe('uuid')
    expect(await of([uuid, uuid.toUpperCase()], { uuid: true })).toBe('string')
    expect(await of([uuid.replace('-', '0')], { uuid: true })).toBe('string')
  })

  it('times with an offset are none under openx', async () => {
    const [utc, offset] = ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00-08:00']
    expect(await of([utc], { coercion: 'openx' })).toBe('timestamp')
    expect(await of([utc, offset], { coercion: 'openx' })).toBe('string')
    expect(await of([utc, offset], { coercion: 'hive' })).toBe('timestamp')
  })

  it('dates and times are no one type', async () => {
    expect(await of(['2024-02-29', '2024-02-29T12:00:00Z'])).toBe('string')
  })

  it('numbers that a double does not keep are told', async () => {
    expect(await noted('{"a":9007199254740993,"b":0.1}\n{"a":0.5,"b":1.2345678901234567890}')).toEqual([
      'a: inexact: double: 1 numbers with more digits than a double keeps',
      'b: inexact: double: 1 numbers with more digits than a double keeps',
    ])
    expect(await noted('{"a":9007199254740992,"b":0.00012345678901234567,"c":1.0000000000000000000}\n{"a":0.5}')).toEqual([])
    expect(await noted('{"a":18446744073709551615}')).toEqual(['a: large: decimal(38,0): whole numbers beyond 64 bits'])
  })
})

describe('several kinds', () => {
  it.each([
    [[1, 'x'], 'json', 'string', '1 number, 1 string'],
    [[true, 1, 1.5], 'json', 'string', '1 boolean, 2 numbers'],
    [[[1], 'x'], 'json', 'json', '1 string, 1 list'],
    [[{ b: 1 }, { b: 2 }, []], 'json', 'json', '1 list, 2 objects'],
  ])('%j', async (values, strict, openx, message) => {
    expect(await of(values)).toBe(strict)
    for (const coercion of ['hive', 'openx'] as const) expect(await of(values, { coercion })).toBe(openx)
    expect(await noted(values.map((a) => JSON.stringify({ a })).join('\n'))).toEqual([`a: mixed: ${strict}: ${message}`])
  })

  it('null takes no part', async () => {
    expect(await of([null, 1, null])).toBe('int64')
    expect(await noted('{"a":null}')).toEqual(['a: null: string: nothing but null'])
  })
})

describe('lists and objects', () => {
  it('nest', async () => {
    expect(await of([[{ b: [1, 2.5] }, { c: { d: 'x' } }], [], null])).toBe('list<struct<b: list<double>, c: struct<d: string>>>')
    expect(await of([{ b: { c: 1 } }, { b: { e: [true] }, f: null }])).toBe('struct<b: struct<c: int64, e: list<boolean>>, f: string>')
  })

  it('without content are told', async () => {
    const text = '{"a":[],"b":{},"c":[[],null],"d":[{}]}'
    expect(await typed(text)).toEqual({ a: 'list<string>', b: 'json', c: 'list<list<string>>', d: 'list<json>' })
    expect((await infer(text)).notes.map(({ path, kind }) => [path.join('.'), kind])).toEqual([
      ['a', 'empty list'],
      ['b', 'empty object'],
      ['c.element', 'empty list'],
      ['d.element', 'empty object'],
    ])
  })

  it('timestamps in them have their unit', async () => {
    expect(await of([['2024-02-29T12:00:00Z']])).toEqual({ type: 'list', element: { type: 'timestamp', unit: 'us' } })
  })

  it('beyond 100 levels are json', async () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`
    expect((await typed(nested(100))).a).toBe(`${'list<'.repeat(100)}int64${'>'.repeat(100)}`)
    expect((await typed(nested(101))).a).toBe(`${'list<'.repeat(100)}json${'>'.repeat(100)}`)
    expect((await infer(`{"a":${'{"a":['.repeat(60)}"]}"${']}'.repeat(60)}}`)).notes).toMatchObject([{ kind: 'deep' }])
  })
})

describe('maps', () => {
  const records = (count: number, members: (i: number) => object) => Array.from({ length: count }, (_, i) => JSON.stringify({ a: members(i) })).join('\n')

  it('are objects whose keys are data', async () => {
    expect(await of([{ 1: 'x', 2: 'y' }, { 3: null }])).toBe('map<string, string>')
    expect(await of([{ '2024-01-01': 1, '2024-01-02': 1.5, '2024-01-03': 2 }])).toBe('map<string, double>')
    expect(await of([{ 1: 'x', 2: 'y' }])).toBe('struct<`1`: string, `2`: string>')
    expect(await of([{ 1: 'x', 2: 'y', 3: 3 }])).toBe('struct<`1`: string, `2`: string, `3`: int64>')
    expect(await noted('{"a":{"1":{"b":1},"2":{"c":[]},"3":{}}}')).toEqual([
      'a.value.c: empty list: list<string>: nothing but empty lists',
      'a: map: map<string, struct<b: int64, c: list<string>>>: 3 keys in 1 objects',
    ])
  })

  it('or many of which an object has few', async () => {
    expect(await typed(records(51, (i) => ({ [`user ${i}`]: i })))).toEqual({ a: 'map<string, int64>' })
    const members = (n: number) => Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`m${(k + n) % 60}`, k]).slice(0, 7))
    expect((await typed(records(60, members))).a).toMatch(/^struct</)
    expect((await typed(records(50, (i) => ({ [`user ${i}`]: i })))).a).toMatch(/^struct</)
    expect((await typed(records(51, (i) => ({ [`user ${i}`]: i || 'x' })))).a).toMatch(/^struct</)
  })

  it('or too many', async () => {
    const vast = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i === 0 ? 'x' : i]))
    expect(await typed(JSON.stringify({ a: vast, b: 1 }))).toEqual({ a: 'map<string, json>', b: 'int64' })
    expect((await typed(JSON.stringify(vast))).k0).toBe('string')
  })

  it('memory ends with the room for names', async () => {
    const text = Array.from({ length: 400 }, (_, i) => `{"${i}${'x'.repeat(1e5)}":1}`).join('\n')
    await expect(inferSchema(Buffer.from(text))).rejects.toThrow('the records have more different members than a schema can be inferred from')
  })
})

describe('names', () => {
  it('are data', async () => {
    expect(await typed('{"a\\"b":"{\\"x\\":[1,2]}","c , d":" : ","e":"\\\\"}')).toEqual({ 'a"b': 'string', 'c , d': 'string', e: 'string' })
    const { schema } = await infer('{"__proto__":1,"constructor":{"__proto__":"x"}}\n{"\\u005f_proto__":2,"\\\\":1,"x\\\\":1}\n{"x\\\\":1,"x\\"y":2}')
    expect(schema.columns.map(({ name, type }) => [name, type])).toEqual([
      ['__proto__', 'int64'],
      ['constructor', 'struct<__proto__: string>'],
      ['\\', 'int64'],
      ['x\\', 'int64'],
      ['x"y', 'int64'],
    ])
  })

  it('that no column can have are left out', async () => {
    expect(await typed('{"":1,"\\ud800":{"a":1},"b":{"":1}}')).toEqual({ b: 'json' })
    expect(await noted('{"":1,"\\ud800":2}')).toEqual([': name: : a name without characters', '\ud800: name: : a name that is no valid Unicode'])
    expect(await typed('{"\\ud800":1,"\ufffd":2}')).toEqual({ '\ufffd': 'int64' })
  })

  it('that differ in case only are told', async () => {
    expect(await noted('{"id":1,"a":{"ID":1},"ID":"x"}')).toEqual(['ID: case: string: "id" differs in case only; Athena, Glue and Spark take both for one'])
  })
})

describe('duplicates', () => {
  it.each([
    ['{"a":"x","a":1}', { a: 'int64' }],
    ['{"a":{"b":1,"c":[1,"x"]},"b":1,"a":{"b":"x"}}', { a: 'struct<b: string>', b: 'int64' }],
    ['{"a":{"b":1,"b":"x"},"a":{"b":2,"b":2.5}}', { a: 'struct<b: double>' }],
    ['{"a":[1,{"x":1}],"\\u0061":null}', { a: 'string' }],
    ['{"a":1,"a":"x","a":true}', { a: 'boolean' }],
  ])('%s: the last one counts', async (text, expected) => {
    expect(await typed(text)).toEqual(expected)
    expect(await typed(`${text}\n${text}`)).toEqual(expected)
  })
})

describe('hostile records', () => {
  it.each([
    ['duplicates in duplicates', `${'{"a":'.repeat(99)}1${',"a":0}'.repeat(99)}`],
    ['duplicates in duplicates, deep', `${'{"a":'.repeat(250)}1${',"a":0}'.repeat(250)}`],
    ['many duplicates', `{${'"a":[1,2,3],'.repeat(1e5)}"a":1}`],
    ['many keys', `{"a":{${Array.from({ length: 1e5 }, (_, i) => `"${i}":{"b":${i}}`)}}}`],
    ['many elements', `{"a":[${'{"b":[]},'.repeat(1e5)}null]}`],
    ['a large number', `{"a":${'9'.repeat(1e6)}}`],
    ['a long fraction', `{"a":0.1${'0'.repeat(1e6)}1}`],
  ])('of %s take linear time', async (_, text) => {
    const start = cpuTime()
    expect((await inferSchema(Buffer.from(text))).records).toBe(1)
    expect(cpuTime() - start).toBeLessThan(3000)
  })
})

describe('records', () => {
  it.each([
    ['[1]', 'line 1, byte 1: expected a JSON object, got a number'],
    ['{}\n"secret"', 'line 2, byte 3: expected a JSON object, got a string'],
    ['secret', 'line 1, byte 0: expected a JSON object, got text that is no JSON, from "s" on'],
    ['{"é":1}\n{"a":', 'line 2, byte 14: expected the record to end on its line'],
    ['{"a":1}\n\n  {"a":}', 'line 3, byte 16: expected JSON, got "}"'],
  ])('%j: %s', async (text, message) => {
    await expect(infer(text)).rejects.toThrow(message)
    expect(await infer(text, { onBadRecord: 'skip' })).toMatchObject({ badRecords: 1 })
  })

  it('that are no UTF-8', async () => {
    await expect(inferSchema(Buffer.from('{"a":"\xff"}', 'latin1'))).rejects.toThrow('line 1, byte 6: expected UTF-8, got byte 0xff')
  })

  it('name their source', async () => {
    const inference = createInference()
    await inference.startSource('a')
    await inference.write(Buffer.from('{"a":1}'))
    await inference.startSource('b')
    await inference.write(Buffer.from('{"a":1}\nx\n'))
    await expect(inference.end()).rejects.toThrow('b, line 2, byte 8: expected a JSON object')
  })

  it('follow each other as in a writer', async () => {
    expect(await infer('{"a":1}{"a":2.5} {"b":1}')).toMatchObject({ records: 3 })
    expect(await infer('[\n{"a":1},\n{"a":{\n"b":null}}]')).toMatchObject({ records: 2 })
    expect(await infer('{\n"a":1}\n{\n"a"', { complete: false })).toMatchObject({ records: 1 })
    await expect(infer('[{"a":1}]', { format: 'lines' })).rejects.toThrow('expected a JSON object, got an array')
  })

  it('may be told one by one', async () => {
    const bad: unknown[] = []
    await infer('{"a":1}\nx\n{"a":2}', { onBadRecord: ({ line, reason }) => void bad.push([line, reason]) })
    expect(bad).toEqual([[2, 'not-object']])
  })

  it('the one that the sample cuts is left out', async () => {
    expect(await typed('{"a":1}\n{"a":"b', { complete: false })).toEqual({ a: 'int64' })
    expect(await typed('{"a":1', { complete: false })).toEqual({})
    expect(await infer('')).toEqual({ schema: { columns: [] }, notes: [], records: 0, badRecords: 0 })
  })

  it('come in pieces cut anywhere, from several sources', async () => {
    const text = Buffer.from('\ufeff{"a":1,"é":"x"}\r\n\n  {"a":[{"b":"\\u00e9"}]}  \n{"c":null}')
    const whole = await infer(text)
    expect(whole).toMatchObject({ records: 3, badRecords: 0 })
    for (let cut = 0; cut <= text.length; cut++) expect(await inferSchema([text.subarray(0, cut), text.subarray(cut)], { maxRecordBytes: 1 })).toEqual(whole)
    const inference = createInference()
    for (const name of ['a', 'b']) {
      await inference.startSource(name)
      await inference.write(text)
    }
    expect(await inference.end()).toMatchObject({ schema: whole.schema, records: 6 })
  })
})

describe('arguments', () => {
  it.each([
    [() => inferSchema('{}' as never), '"input" expected a Uint8Array or an iterable of such, got "{}"'],
    [() => inferSchema(['{}'] as never), '"bytes" expected a Uint8Array, got "{}"'],
    [() => inferSchema(new Uint8Array(0), 1 as never), '"options" expected an object, got 1'],
    [() => inferSchema(new Uint8Array(0), { complete: 1 as never }), '"options.complete" expected true or false, got 1'],
    [
      () => inferSchema(new Uint8Array(0), { sample: 1 } as never),
      '"options" expected one of coercion, uuid, onBadRecord, format, maxRecordBytes, got "sample"',
    ],
    [() => inferSchema(new Uint8Array(0), { coercion: 'lax' as never }), '"options.coercion" expected strict, hive or openx, got "lax"'],
    [() => inferSchema(new Uint8Array(0), { uuid: 1 as never }), '"options.uuid" expected true or false, got 1'],
    [() => inferSchema(new Uint8Array(0), { onBadRecord: 'no' as never }), `"options.onBadRecord" expected 'fail', 'skip' or a function, got "no"`],
    [() => createInference().startSource(1 as never), '"name" expected a string, got 1'],
  ])('%#: %s', async (call, message) => {
    await expect(call()).rejects.toThrow(message)
  })
})

describe('any records', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'A', '1', '2', '3', '__proto__', 'x\\', 'é', '')
  const scalar = fc.constantFrom(
    'null',
    'true',
    '1',
    '-7',
    '1.5',
    '1e2',
    '9007199254740993',
    '99999999999999999999',
    '"x"',
    '"a\\"}]"',
    '"2024-02-29"',
    '"2024-02-29T12:00:00Z"',
    '"2024-02-29T12:00:00.5+02:00"',
    '"7ed4bffc-f189-40b0-9090-c58e1cba14b8"',
  )
  const blank = fc.constantFrom('', ' ', '\t ')
  /** JSON text with blanks and duplicate members. */
  const { object } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie('object'), tie('list')),
    object: fc
      .tuple(blank, fc.array(fc.tuple(name, blank, tie('value')), { maxLength: 4 }))
      .map(
        ([blank, members]) =>
          `{${blank}${members.map(([name, blank, value]) => `${JSON.stringify(name)}${blank}:${blank}${value}${blank}`).join(`,${blank}`)}}`,
      ),
    list: fc.tuple(blank, fc.array(tie('value'), { maxLength: 3 })).map(([blank, values]) => `[${blank}${values.join(`${blank},`)}${blank}]`),
  }))
  const records = fc.array(object, { maxLength: 6 })

  /** Whether a column of `field` takes the value that JSON.parse gives. */
  const fits = (field: Field, value: unknown): boolean => {
    if (value === null || value === undefined) return true
    const { leaf, struct, list, map } = field
    const members = () => Object.entries(value as object)
    if (list) return Array.isArray(value) && value.every((element) => fits(list, element))
    if (map) return typeof value === 'object' && members().every(([, member]) => fits(map.value, member))
    if (struct)
      return (
        typeof value === 'object' &&
        !Array.isArray(value) &&
        members().every(([name, member]) => name === '' || fits(struct.find((m) => m.name === name) as Field, member))
      )
    const kinds: Record<string, (value: unknown) => boolean> = {
      json: () => true,
      boolean: (v) => typeof v === 'boolean',
      int64: (v) => Number.isInteger(v),
      decimal: (v) => Number.isInteger(v),
      double: (v) => typeof v === 'number',
      string: (v) => typeof v === 'string',
      date: (v) => typeof v === 'string' && v.length === 10,
      timestamp: (v) => typeof v === 'string' && !Number.isNaN(Date.parse(v)),
    }
    return kinds[leaf?.type ?? ''](value)
  }

  it('fit the schema that they give, which does not depend on duplicates, blanks, cuts or order', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.nat(), async (texts, seed) => {
        const text = texts.join('\n')
        const whole = await infer(text)
        const root: Field = { name: '', key: '', nullable: false, struct: fieldsOf(whole.schema) }
        for (const record of texts) expect(fits(root, JSON.parse(record))).toBe(true)

        const bytes = Buffer.from(text)
        const cut = bytes.length === 0 ? 0 : seed % bytes.length
        expect(await inferSchema([bytes.subarray(0, cut), bytes.subarray(cut)], { maxRecordBytes: 2 ** 14 })).toEqual(whole)

        const sorted = ({ schema }: typeof whole) => JSON.stringify(schema).split('').sort().join('')
        expect(sorted(await infer(texts.reverse().join('\n')))).toBe(sorted(whole))
      }),
      { numRuns: 150 },
    )
  })

  it.each(['strict', 'hive', 'openx'] as const)('are rows of that schema under the coercion %s', async (coercion) => {
    const engine = createEngine()
    await fc.assert(
      fc.asyncProperty(records, async (texts) => {
        const text = Buffer.from(texts.join('\n'))
        const fields = fieldsOf((await infer(text, { coercion, uuid: true })).schema)
        if (fields.length === 0) return
        engine.scope(() => {
          const scan = createScan(engine, fields, { capacity: 64, textBytes: text.length, coercion })
          const { rows, bad, consumed } = scan.next(engine.put(text), text.length, true)
          expect({ rows, bad, consumed }).toEqual({ rows: texts.length, bad: [], consumed: text.length })
        })
      }),
      { numRuns: 100 },
    )
  })

  it('give what they give without their duplicates', async () => {
    // Numbers of which JSON.stringify makes the same text.
    const exact = records.map((texts) =>
      texts.map((text) => text.replaceAll('1e2', '1.25').replaceAll('9007199254740993', '5').replaceAll('99999999999999999999', '6')),
    )
    await fc.assert(
      fc.asyncProperty(exact, async (texts) => {
        const clean = texts.map((text) => JSON.stringify(JSON.parse(text)))
        const sorted = async (texts: string[]) => {
          const { schema, notes } = await infer(texts.join('\n'))
          return [JSON.stringify(schema).split('').sort().join(''), notes.length]
        }
        expect(await sorted(texts)).toEqual(await sorted(clean))
      }),
      { numRuns: 150 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowLines } from '../../src/parquet/intake/rows.js'
import type { Field, Leaf } from '../../src/types.js'

const leaf = (name: string, type: Leaf['type'], more: Partial<Leaf> = {}): Field => ({ name, key: name, nullable: true, leaf: { type, ...more } })
const list = (name: string, of: Field): Field => ({ name, key: name, nullable: true, list: of })
const map = (name: string, key: Field, value: Field): Field => ({ name, key: name, nullable: true, map: { key: { ...key, nullable: false }, value } })
const struct = (name: string, ...fields: Field[]): Field => ({ name, key: name, nullable: true, struct: fields })
const text = (fields: Field[], rows: Iterable<unknown>, options = {}) => [...rowLines(fields, options)(rows)].join('')
const one = (field: Field, value: unknown) => text([field], [{ [field.name]: value }]).slice(0, -1)

describe('rowLines', () => {
  it.each<[string, Field, unknown, string]>([
    ['BigInt exactly', leaf('a', 'int64'), 9007199254740993n, '{"a":9007199254740993}'],
    ['uint64', leaf('a', 'uint64'), 2n ** 64n - 1n, '{"a":18446744073709551615}'],
    ['a decimal', leaf('a', 'decimal', { precision: 38 }), 10n ** 37n, `{"a":1${'0'.repeat(37)}}`],
    ['negative zero as a double', leaf('a', 'double'), -0, '{"a":-0.0}'],
    ['negative zero as an integer', leaf('a', 'int32'), -0, '{"a":0}'],
    ['NaN as no null', leaf('a', 'double'), Number.NaN, '{"a":"NaN"}'],
    ['an infinity', leaf('a', 'int32'), Number.NEGATIVE_INFINITY, '{"a":-1e999}'],
    ['a Date as a timestamp', leaf('a', 'timestamp'), new Date(0), '{"a":"1970-01-01T00:00:00.000Z"}'],
    ['a Date as a date', leaf('a', 'date'), new Date(-1), '{"a":"1969-12-31"}'],
    ['a far Date by its number', leaf('a', 'timestamp', { unit: 'us' }), new Date(8.64e15), '{"a":8640000000000000000}'],
    ['a far Date of an unsaid number', leaf('a', 'timestamp', { epoch: 'auto' }), new Date(8.64e15), '{"a":"+275760-09-13T00:00:00.000Z"}'],
    ['a Date that is none', leaf('a', 'timestamp'), new Date(Number.NaN), '{"a":"Invalid Date"}'],
    ['bytes', leaf('a', 'binary'), new Uint8Array([251, 255, 0]), '{"a":"+/8A"}'],
    ['bytes in hex', leaf('a', 'binary', { encoding: 'hex' }), Buffer.from([251, 255, 0]), '{"a":"fbff00"}'],
    ['a UUID of bytes', leaf('a', 'uuid'), Uint8Array.from({ length: 16 }, (_, i) => i), '{"a":"00010203-0405-0607-0809-0a0b0c0d0e0f"}'],
    ['undefined as absent', leaf('a', 'string'), undefined, '{}'],
    ['null', leaf('a', 'string'), null, '{"a":null}'],
    ['a function as absent', leaf('a', 'string'), () => 1, '{}'],
    ['what toJSON gives', leaf('a', 'string'), { toJSON: () => 'me' }, '{"a":"me"}'],
    ['a lone surrogate as its escape', leaf('a', 'string'), '\ud800', '{"a":"\\ud800"}'],
    ['an array', list('a', leaf('element', 'int64')), [1, undefined, 2n, null], '{"a":[1,null,2,null]}'],
    ['a typed array', list('a', leaf('element', 'double')), new Float64Array([1.5, -0]), '{"a":[1.5,-0.0]}'],
    ['bytes as a list', list('a', leaf('element', 'int32')), new Uint8Array([1, 2]), '{"a":[1,2]}'],
    ['a Set', list('a', leaf('element', 'string')), new Set(['x']), '{"a":["x"]}'],
    ['a scalar for a list', list('a', leaf('element', 'string')), 'x', '{"a":"x"}'],
    ['a Map', map('a', leaf('key', 'string'), leaf('value', 'date')), new Map([['x"', new Date(0)]]), '{"a":{"x\\"":"1970-01-01"}}'],
    ['a Map of numbers', map('a', leaf('key', 'int64'), leaf('value', 'binary')), new Map([[5n, new Uint8Array(3)]]), '{"a":{"5":"AAAA"}}'],
    ['an object as a map', map('a', leaf('key', 'string'), leaf('value', 'int64')), { x: 1n, y: undefined }, '{"a":{"x":1}}'],
    ['a struct', struct('a', leaf('b', 'date'), leaf('c', 'int32')), { c: 1, b: new Date(0), d: 2 }, '{"a":{"b":"1970-01-01","c":1}}'],
    ['json', leaf('a', 'json'), { x: [1n, new Map([['k', 'v']]), undefined], y: undefined }, '{"a":{"x":[1,{"k":"v"},null]}}'],
    ['a string column that gets an object', leaf('a', 'string'), { x: 1 }, '{"a":{"x":1}}'],
  ])('writes %s', (_, field, value, expected) => {
    expect(one(field, value)).toBe(expected)
  })

  it('agrees with JSON.stringify on what JSON has', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(one(leaf('a', 'json'), value))).toEqual({ a: value })
      }),
      { numRuns: 300 },
    )
    const fields = [leaf('a', 'string'), leaf('b', 'double'), list('c', leaf('element', 'string')), struct('d', leaf('e', 'boolean'))]
    const rows = fc.array(
      fc.record({
        a: fc.string({ unit: 'binary' }),
        b: fc.double({ noNaN: true, noDefaultInfinity: true }),
        c: fc.array(fc.string()),
        d: fc.record({ e: fc.boolean() }),
      }),
    )
    fc.assert(
      fc.property(rows, (rows) => {
        const lines = text(fields, rows).split('\n').slice(0, -1)
        expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
      }),
      { numRuns: 200 },
    )
  })

  it('takes no member from a prototype that every object has, and those of a class', () => {
    class Row {
      get a() {
        return 5
      }
    }
    const fields = [leaf('a', 'int32'), leaf('__proto__', 'json'), leaf('constructor', 'json'), leaf('toString', 'json')]
    expect(text(fields, [new Row(), {}, JSON.parse('{"__proto__":1,"constructor":2}')])).toBe('{"a":5}\n{}\n{"__proto__":1,"constructor":2}\n')
  })

  it('leaves out what no column wants, unless it is asked for', () => {
    const fields = [leaf('a_b', 'binary', { encoding: 'hex' })]
    const rows = [{ 'A.b': new Uint8Array([1]), c: new Uint8Array([1]), d: undefined }]
    expect(text(fields, rows)).toBe('{}\n')
    expect(text(fields, rows, { unknown: true })).toBe('{"A.b":"AQ==","c":"AQ=="}\n')
    expect(text(fields, rows, { fold: (key: string) => key.toLowerCase().replaceAll('.', '_') })).toBe('{"A.b":"01","c":"AQ=="}\n')
  })

  it('hands on rows that are none, and what is too deep or holds itself, for the scan to refuse', () => {
    const self: Record<string, unknown> = {}
    self.a = self
    self.b = [self, self]
    const fields = [leaf('a', 'json')]
    const lines = text(fields, [null, 5, undefined, [1], new Date(0), self, { a: 1 }]).split('\n')
    expect(lines.slice(0, 5)).toEqual(['null', '5', 'null', '[1]', '"1970-01-01T00:00:00.000Z"'])
    expect(lines[5]).toMatch(/^(\{"":){257}0\}{257}$/)
    expect(lines[6]).toBe('{"a":1}')
  })

  it('names the row whose getter throws', () => {
    const rows = [
      { a: 1 },
      {
        get a() {
          throw new Error('detached')
        },
      },
    ]
    expect(() => text([leaf('a', 'int32')], rows)).toThrow('record 1: rows[1]: detached')
  })

  it('cuts the text into pieces of some 64 K characters', () => {
    const rows = Array.from({ length: 1000 }, () => ({ a: 'x'.repeat(1000) }))
    const pieces = [...rowLines([leaf('a', 'string')])(rows)]
    expect(pieces.length).toBe(16)
    expect(pieces.every((piece) => piece.endsWith('}\n'))).toBe(true)
  })
})

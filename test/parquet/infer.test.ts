import { describe, expect, it } from 'vitest'
import { inferSchema } from '../../src/parquet/index.js'

const types = (text: string, complete?: boolean) => Object.fromEntries(inferSchema(Buffer.from(text), complete).columns.map((c) => [c.name, c.type]))

describe('inferSchema', () => {
  it('reads the text of values', () => {
    expect(types('{"a":1,"b":1.0,"c":1e3,"d":9223372036854775807,"e":9223372036854775808,"f":-0,"g":true,"h":null,"i":"x"}')).toEqual({
      a: 'int64',
      b: 'double',
      c: 'double',
      d: 'int64',
      e: 'double',
      f: 'double',
      g: 'boolean',
      h: 'string',
      i: 'string',
    })
  })

  it('widens over records, keeps the order of first appearance', () => {
    expect(types('{"a":1,"b":null}\n\n{"b":2,"c":"2024-02-29T12:00:00Z"}\r\n{"a":1.5,"c":"later"}\n')).toEqual({ a: 'double', b: 'int64', c: 'string' })
    expect(inferSchema(Buffer.from('{"z":1,"a":1,"__proto__":1}')).columns.map((c) => c.name)).toEqual(['z', 'a', '__proto__'])
  })

  it.each([
    ['2024-02-29T12:00:00Z', 'timestamp'],
    ['2024-02-29T12:00:00.123456+02:00', 'timestamp'],
    ['2024-02-29T12:00:00.1234567Z', 'string'],
    ['2024-02-29T12:00:00', 'string'],
    ['2024-02-29 12:00:00Z', 'string'],
    ['2024-02-29', 'string'],
  ])('%s is a %s', (value, type) => {
    expect(types(JSON.stringify({ a: value }))).toEqual({ a: type })
  })

  it('refuses wrong arguments', () => {
    expect(() => inferSchema('{}' as never)).toThrow('"sample" expected a Uint8Array, got "{}"')
    expect(() => inferSchema(new Uint8Array(0), 1 as never)).toThrow('"complete" expected true or false, got 1')
  })

  it('refuses a sample that no string can hold', () => {
    const vast = new Uint8Array(0)
    Object.defineProperty(vast, 'length', { value: 2 ** 31 })
    expect(() => inferSchema(vast)).toThrow('"sample.length" expected at most 536870888, got 2147483648')
  })

  it('leaves the line that the sample cuts out', () => {
    expect(types('{"a":1}\n{"a":"b', false)).toEqual({ a: 'int64' })
    expect(types('{"a":1', false)).toEqual({})
    expect(types('')).toEqual({})
  })

  it.each([
    ['{"a":1}\n{"a":{"b":1}}', 'record 1: column "a" holds an object; a flat schema has no type for it'],
    ['{"a":[]}', 'record 0: column "a" holds an array'],
    ['{"a":1}\n{"a":"x"}', 'record 1: column "a" expected int64 as in the records before, got string'],
    ['{"a":true}\n{"a":1}', 'record 1: column "a" expected boolean'],
    ['[1]', 'record 0, byte 0: expected a JSON object, got an array'],
    ['{}\n"secret"', 'record 1, byte 3: expected a JSON object, got a string'],
    ['secret', "record 0, byte 0: expected a JSON object: Unexpected token 's'"],
    ['{"é":1}\n{"a":', 'record 1, byte 9: expected a JSON object'],
  ])('%j: %s', (text, message) => {
    expect(() => types(text)).toThrow(message)
  })

  it('is not misled by what strings hold', () => {
    expect(types('{"a\\"b":"{\\"x\\":[1,2]}","c , d":" : ","e":"\\\\"}')).toEqual({ 'a"b': 'string', 'c , d': 'string', e: 'string' })
  })
})

// The levels of coercion, type by type, as Firehose's two SerDes have them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Coercion } from '../../src/engine/columns.js'
import type { Field, Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { type Cell, type ScanField, scanTree, scanValues } from '../columns.js'

const NUMERIC: Leaf['type'][] = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double']

/** JSON without white space, names in lower case, by JSON.parse; strings keep their spelling where JSON.stringify has the same. */
function compact(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([k, v]) => `${JSON.stringify(k.replace(/[A-Z]/g, (c) => c.toLowerCase()))}:${compact(v)}`)
      .join(',')}}`
  return JSON.stringify(value)
}

describe.each(builds)('%s', (_, engine) => {
  const scan = (leaf: Omit<ScanField, 'name'>, level: Coercion, texts: string[]) => scanValues(engine, leaf, texts, level)
  const refused = (cells: (Cell | { message: string })[]) => cells.map((cell) => typeof cell === 'object' && cell !== null)

  it('parses text into numbers in openx alone', () => {
    for (const type of NUMERIC) {
      expect(
        scan({ type }, 'openx', ['"7"', '"1e2"', '"+7"', '"007"', '"7.0"', '" 7"', '"7 "', '""', '"x"', '"0x7"', '"NaN"']).map((x) =>
          typeof x === 'object' ? x : Number(x),
        ),
      ).toEqual([...[7, 100, 7, 7, 7], ...Array(6).fill({ message: `${type}, got a string that is no number` })])
      for (const level of ['strict', 'hive'] as const) expect(scan({ type }, level, ['"7"', '""'])).toEqual(Array(2).fill({ message: `${type}, got a string` }))
    }
    expect(scan({ type: 'int8' }, 'openx', ['"128"', '"-128"', '128', '"1.5"', '1.5'])).toEqual([
      { message: 'int8, got a number out of its range' },
      -128,
      { message: 'int8, got a number out of its range' },
      { message: 'int8, got a number that is not whole' },
      { message: 'int8, got a number that is not whole' },
    ])
    expect(scan({ type: 'uint64' }, 'openx', ['"18446744073709551615"', '"-1"', '"-0"'])).toEqual([
      (1n << 64n) - 1n,
      { message: 'uint64, got a number out of its range' },
      0n,
    ])
    expect(scan({ type: 'double' }, 'openx', ['"-0"', '"1e400"', '"\\u0031.5"', '"9007199254740993.0000000000000000000001"'])).toEqual([
      -0,
      Infinity,
      1.5,
      9007199254740994,
    ])
  })

  it('parses text into booleans in openx alone', () => {
    expect(scan({ type: 'boolean' }, 'openx', ['"true"', '"FALSE"', '"True"', 'true', '"tru"', '"truee"', '"yes"', '"1"', '1', '""'])).toEqual([
      ...[true, false, true, true],
      ...Array(4).fill({ message: 'boolean, got a string' }),
      { message: 'boolean, got a number' },
      { message: 'boolean, got a string' },
    ])
    for (const level of ['strict', 'hive'] as const)
      expect(scan({ type: 'boolean' }, level, ['"true"', '1'])).toEqual([{ message: 'boolean, got a string' }, { message: 'boolean, got a number' }])
  })

  it('takes scalars for text in hive, objects and arrays too in openx', () => {
    const texts = ['1', '-1.50e+2', 'true', 'false', '{"A":1}', '[1, 2]', 'null', '"x"']
    const kinds = ['a number', 'a number', 'a boolean', 'a boolean', 'an object', 'an array'].map((kind) => ({ message: `string, got ${kind}` }))
    expect(scan({ type: 'string' }, 'strict', texts)).toEqual([...kinds, null, 'x'])
    expect(scan({ type: 'string' }, 'hive', texts)).toEqual(['1', '-1.50e+2', 'true', 'false', ...kinds.slice(4), null, 'x'])
    expect(scan({ type: 'string' }, 'openx', texts)).toEqual(['1', '-1.50e+2', 'true', 'false', '{"a":1}', '[1,2]', null, 'x'])
  })

  it('makes nested values compact in openx, names in lower case, all else as it stands', () => {
    const cases: [string, string][] = [
      [
        '{ "A B" : [ 1 , "C D" , { "É\\n\\u0041\\u004f\\u005a\\u005b\\u0040É" : "\\u0041 \\" : \\\\" } ] }',
        '{"a b":[1,"C D",{"É\\n\\u0061\\u006f\\u007a\\u005b\\u0040É":"\\u0041 \\" : \\\\"}]}',
      ],
      ['[]', '[]'],
      ['{ }', '{}'],
      ['{"A\\\\":"B","\\"C\\"":["D"]}', '{"a\\\\":"B","\\"c\\"":["D"]}'],
      ['{"\\u00411":1,"\\u004A":2,"\\u004a":3,"\\u0141":4,"\\\\u0041":5}', '{"\\u00611":1,"\\u006A":2,"\\u006a":3,"\\u0141":4,"\\\\u0041":5}'],
    ]
    expect(
      scan(
        { type: 'string' },
        'openx',
        cases.map(([text]) => text),
      ),
    ).toEqual(cases.map(([, made]) => made))
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: fc.constantFrom('a', 'B', 'é', '"', '\\', '\n', 'Z', '5', ' ') }), tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(fc.array(fc.array(value, { maxLength: 4 }), { maxLength: 20 }), fc.constantFrom(0, 1, 3), (values, indent) => {
        const made = scan(
          { type: 'string' },
          'openx',
          values.map((v) => JSON.stringify(v, null, indent).replaceAll('\n', '\r\t')),
        )
        expect(made).toEqual(values.map(compact))
      }),
      { numRuns: 150 },
    )
  })

  it('reads the forms of timestamps that each level has', () => {
    const at = BigInt(Date.UTC(2024, 1, 9, 4, 5, 6))
    const forms: [string, Coercion[], bigint][] = [
      ['2024-02-09 04:05:06', ['strict', 'hive', 'openx'], at],
      ['2024-02-09 04:05:06.123456789', ['strict', 'hive', 'openx'], at + 123n],
      ['2024-2-9 4:5:6', ['hive', 'openx'], at],
      ['2024-02-9 4:05:6.5', ['hive', 'openx'], at + 500n],
      ['2024-02-09T04:05:06Z', ['strict', 'hive', 'openx'], at],
      ['2024-02-09T04:05:06.25Z', ['strict', 'hive', 'openx'], at + 250n],
      ['2024-02-09T04:05:06', ['strict', 'hive'], at],
      ['2024-02-09T04:05:06+00:00', ['strict', 'hive'], at],
      ['2024-02-09T05:05:06+0100', ['strict', 'hive'], at],
      ['2024-02-09 04:05:06Z', ['strict', 'hive'], at],
      ['2024-02-09', ['strict', 'hive'], BigInt(Date.UTC(2024, 1, 9))],
      ['2024-2-9', [], 0n],
      ['2024-2-9 4:5', [], 0n],
      ['2024-2-9 4:5:6.', [], 0n],
      ['2024-2-9 4:5:6.1234567890', [], 0n],
      ['2024-2-9 4:5:6Z', [], 0n],
      ['2024-2-9T4:5:6Z', [], 0n],
      ['2024-2-30 4:5:6', [], 0n],
      ['2024-2-9 24:0:0', [], 0n],
      ['2024-2-9 4:60:6', [], 0n],
      ['2024-2-9 4:5:60', [], 0n],
      ['2024-2-9  4:5:6', [], 0n],
      ['2024-2-9 4:5:6 ', [], 0n],
      ['2024-002-9 4:5:6', [], 0n],
      ['2024-2-009 4:5:6', [], 0n],
      ['2024-2-9 004:5:6', [], 0n],
      ['2024-2-9 :5:6', [], 0n],
      ['2024-2', [], 0n],
    ]
    for (const level of ['strict', 'hive', 'openx'] as const) {
      // Escaped, the text goes the long way round.
      for (const spell of [(t: string) => `"${t}"`, (t: string) => `"\\u0032${t.slice(1)}"`]) {
        const cells = scan(
          { type: 'timestamp' },
          level,
          forms.map(([text]) => spell(text)),
        )
        expect(cells.map((cell, i) => [forms[i][0], typeof cell === 'bigint' ? cell : 'refused'])).toEqual(
          forms.map(([text, levels, time]) => [text, levels.includes(level) ? time : 'refused']),
        )
        const int96 = scan(
          { type: 'timestamp', int96: true },
          level,
          forms.map(([text]) => spell(text)),
        )
        expect(refused(int96)).toEqual(refused(cells))
      }
    }
  })

  it('takes, exact, what Firehose takes and no more', () => {
    const taken = (leaf: Omit<ScanField, 'name'>, level: Coercion, texts: string[]) => {
      const cells = scanValues(engine, leaf, texts, level, { exact: {} })
      return texts.filter((_, i) => !refused(cells)[i])
    }
    const times = [
      '"2024-02-09T04:05:06Z"',
      '"2024-02-09T04:05:06.1Z"',
      '"2024-02-09T04:05:06.123456789Z"',
      '"2024-2-9 4:5:6.5"',
      '1518033528',
      '"1518033528.5"',
      '"2024-02-09T04:05:06.1234567891Z"',
      '"2024-02-09T04:05Z"',
      '"2024-02-09T04:05:06,5Z"',
      '"2024-02-09T04:05:06.Z"',
      '"2024-02-09T24:00:00Z"',
      '"2024-02-09T04:05:06"',
      '"2024-02-09T04:05:06+00:00"',
      '"2024-02-09 04:05:06Z"',
      '"2024-02-09"',
    ]
    for (const int96 of [false, true]) expect(taken({ type: 'timestamp', int96 }, 'openx', times)).toEqual(times.slice(0, 6))
    const dates = ['"2024-02-09"', '"2024-2-9"', '"2024-02-09T04:05:06Z"', '"2024-02-09 04:05:06"', '19000', '"19000"']
    const numbers = ['1.5', '"1.5"', '"+1"', '" 1"', 'true']
    const booleans = ['true', '"TRUE"', '"False"', '"yes"', '1']
    for (const level of ['hive', 'openx'] as const) {
      expect(taken({ type: 'date' }, level, dates)).toEqual(dates.slice(0, 2))
      expect(taken({ type: 'decimal', precision: 5, scale: 2 }, level, numbers)).toEqual(numbers.slice(0, level === 'hive' ? 1 : 3))
      expect(taken({ type: 'decimal', precision: 38, scale: 2 }, level, numbers)).toEqual(numbers.slice(0, level === 'hive' ? 1 : 3))
      expect(taken({ type: 'boolean' }, level, booleans)).toEqual(booleans.slice(0, 3))
    }
  })

  it('leaves keys their case in exact openx where case matters', () => {
    const text = '{"Outer":{"Inner":1}}'
    const made = (caseInsensitive: boolean) => scanValues(engine, { type: 'string' }, [text], 'openx', { exact: {}, caseInsensitive })
    expect(made(true)).toEqual([text.toLowerCase()])
    expect(made(false)).toEqual([text])
    const map: Field[] = [
      {
        name: 'm',
        key: 'm',
        nullable: true,
        map: {
          key: { name: 'key', key: 'key', nullable: false, leaf: { type: 'string' } },
          value: { name: 'value', key: 'value', nullable: true, leaf: { type: 'int32' } },
        },
      },
    ]
    const keys = (caseInsensitive: boolean) =>
      scanTree(engine, map, '{"m":{"Ab":1,"C":2}}\n{"m":{"D":1,"d":2}}', { coercion: 'openx', exact: {}, caseInsensitive }).leaves[0].map(([, , key]) => key)
    expect(keys(true)).toEqual(['ab', 'c', 'd'])
    expect(keys(false)).toEqual(['Ab', 'C', 'D', 'd'])
  })

  it('holds a level for one scan and no longer', () => {
    expect(scan({ type: 'string' }, 'openx', ['1'])).toEqual(['1'])
    expect(scan({ type: 'string' }, 'strict', ['1'])).toEqual([{ message: 'string, got a number' }])
  })
})

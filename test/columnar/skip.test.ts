// Every way to be JSON and to fail to be, one by one: JSON.parse is the judge, and where it and the
// scan may differ it is said so here.
import { describe, expect, it } from 'vitest'
import { builds } from '../builds.js'
import { type ScanField, scanAll } from '../columns.js'

const VALUES = [
  // y: structures
  '[]',
  '{}',
  '[[]]',
  '[{}]',
  '{"a":[]}',
  '[null, 1, "1", {}]',
  '[1,null,null,null,2]',
  '{"a":1,"a":2}',
  '{"a":"b","c":"d"}',
  '{"":0}',
  '{"a\\u0000b":1}',
  '[ ]',
  '{ }',
  '[1\t,\r2 ]',
  '[true,false]',
  '{"min":-1.0e+28,"max":1.0e+28}',
  '{"\\u0061":1,"a":2}',
  '{"__proto__":{"x":1},"constructor":[]}',
  '[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]',
  '{"x":[{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}',
  // y: numbers
  '0',
  '-0',
  '0e1',
  '0E+1',
  '1E22',
  '1E-2',
  '1E+2',
  '123e45',
  '123.456e78',
  '-1',
  '-0.1',
  '1.000000000000000000000000000000000000000000000000000000000001',
  '123123123123123123123123123123',
  '0.4e00669999999999999999999999999999999999999999999999999999999999',
  '1e-99999',
  '-1e400',
  // y: strings
  '""',
  '" "',
  '"\\u0060\\u012a\\u12AB"',
  '"\\uD801\\udc37"',
  '"\\ud83d\\ude39\\ud83d\\udc8d"',
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"\\\\u0000"',
  '"\\\\n"',
  '"\\u0012"',
  '"asd "',
  '"\u007f"',
  '"\u2028\u2029"',
  '"\u00a0\ufeff"',
  '"\uffff\ufdd0"',
  '"new\\u000Aline"',
  '"\\u0000"',
  '"\\uFFFF"',
  '"/"',
  '"a/*b*/c"',
  '"\'"',
  '"\u{10ffff}"',
  '"€𝄞"',
  '"]}:,"',
  // i in JSONTestSuite's words: accepted by JSON.parse, and here wherever no string column wants them
  '"\\ud800"',
  '"\\udc00"',
  '"\\ud800\\ud800"',
  '"\\ud800abc"',
  '"\\uD888\\u1234"',
  '"\\ud800\\n"',
  '"\\udd1e\\ud834"',
  // n: structures
  '',
  '[',
  ']',
  '{',
  '}',
  '[,]',
  '[1,]',
  '[,1]',
  '[1,,2]',
  '[1 2]',
  '[1:2]',
  '["a",',
  '["a"',
  '["a"]]',
  '[}',
  '{]',
  '{"a":1]',
  '[1}',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{,"a":1}',
  '{"a":1,,"b":2}',
  '{"a" "b"}',
  '{"a"::1}',
  '{"a":1 "b":2}',
  '{a:1}',
  "{'a':1}",
  '{1:1}',
  '{null:1}',
  '{"a":"b"}#',
  '{"a":"a" 123}',
  '[*]',
  '[ fals',
  '[nul',
  '[tru',
  '<null>',
  '[a',
  '[<null>]',
  '[\u00a0]',
  '[\ufeff]',
  '[\u000b1]',
  '[1\u000c]',
  '\u2060',
  '*',
  'x',
  '"',
  '[""],',
  '{"a":/**/1}',
  '// x',
  '[1]x',
  '1]',
  '{"a":true},"x"',
  '[\\n]',
  '[\\u000A""]',
  // n: words
  'True',
  'TRUE',
  'nul',
  'nulll',
  'tru',
  'truee',
  'falsee',
  'fals',
  'NaN',
  'Infinity',
  '-Infinity',
  'undefined',
  'true1',
  'nulltrue',
  'null\u0000',
  't\u0000ue',
  'truf',
  'falsx',
  // n: numbers
  '-',
  '+1',
  '++1',
  '-+1',
  '--1',
  '01',
  '-01',
  '00',
  '-00',
  '012',
  '0x1',
  '0x42',
  '1.',
  '-1.',
  '.1',
  '-.1',
  '1.e1',
  '.e1',
  '1e',
  '1E',
  '1e+',
  '1e-',
  '1eE2',
  '1e1.5',
  '1.2.3',
  '1,2',
  '1 000.0',
  '1_000',
  '1a',
  '- 1',
  '-foo',
  '-1x',
  '2.e3',
  '2.e+3',
  '2.e-3',
  '9.e+',
  '0e',
  '0e+',
  '0.e1',
  '0.3e',
  '0.3e+',
  '1.0e',
  '1.0e-',
  '0.1.2',
  '1e1e1',
  '1ea',
  '1.a',
  '１',
  '-Inf',
  '1-1',
  '1\u0000',
  '12345678901234567890.',
  '123456789012345678.e5',
  '0123456789012345678',
  '12345678x',
  '1234567890123456x',
  '12345678.12345678x',
  '12345678.',
  '1.12345678e',
  '1234567812345678.8e',
  // n: strings
  '"\\x00"',
  '"\\u"',
  '"\\u1"',
  '"\\u12"',
  '"\\u123"',
  '"\\u00G0"',
  '"\\u 123"',
  '"\\uD800\\u"',
  '"\\uD800\\u1"',
  '"\\uD800\\u1x"',
  '"\\uD800\\',
  '"\\',
  '"\\a"',
  '"\\\u{1f300}"',
  '"\\U0041"',
  '"\\0"',
  '"\\\'"',
  '"\\\u0000"',
  '"\\\t"',
  '"\t"',
  '"\u0000"',
  '"\u001f"',
  '"a',
  '"a\\"',
  "'a'",
  'a"',
  '"a"b',
  '"\\\\\\"',
  '"0123456789abcde\u0001"',
  '"0123456789abcdef\u0001"',
  '"0123456789abcdef0123456789abcde\\q"',
]

const COLUMNS: ScanField[] = [
  { name: 'b', type: 'boolean' },
  { name: 'i', type: 'int32' },
  { name: 'l', type: 'int64' },
  { name: 'd', type: 'double' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp' },
]
const MISFIT = /^column "\w" expected /

function parses(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

describe.each(builds)('%s', (_, engine) => {
  it.each(['other', 'b', 'i', 'l', 'd', 's', 't'])('judges values as JSON.parse does in member %s', (name) => {
    for (const value of VALUES) {
      for (const line of [`{"${name}":${value}}`, `{ "${name}" : ${value} , "z":0}`, `{"${name}":${value}`]) {
        if (/\}\s*\{/.test(line)) continue
        const { rows, bad } = scanAll(engine, COLUMNS, `${line}\n{"i":7}`)
        const label = `${JSON.stringify(line)}: ${bad[0]?.message}`
        const misfit = bad.length > 0 && MISFIT.test(bad[0].message)
        expect(bad.length === 0 || misfit, label).toBe(parses(line))
        if (name === 'other') expect(misfit, label).toBe(false)
        // Whatever became of it, the next line is whole.
        expect(rows.at(-1), label).toEqual([null, 7, null, null, null, null])
        expect(rows.length + bad.length, label).toBe(2)
        if (bad.length > 0) expect([bad[0].offset, bad[0].text], label).toEqual([0, `${line}\n`])
      }
    }
  })

  it('says what it expected, and where', () => {
    const message = (line: string, fields = COLUMNS) => {
      const { bad } = scanAll(engine, fields, line)
      return bad.map((b) => `${b.position}: ${b.message}`).join()
    }
    expect(message('{"i":"7"}')).toBe('5: column "i" expected int32, got a string')
    expect(message('{"i":{}}')).toBe('5: column "i" expected int32, got an object')
    expect(message('{"i":[1]}')).toBe('5: column "i" expected int32, got an array')
    expect(message('{"i":true}')).toBe('5: column "i" expected int32, got a boolean')
    expect(message('{"s": 7}')).toBe('6: column "s" expected string, got a number')
    expect(message('{"i":3000000000}')).toBe('5: column "i" expected int32, got a number out of its range')
    expect(message('{"l":1.5}')).toBe('5: column "l" expected int64, got a number that is not whole')
    expect(message('{"t":"today"}')).toBe('5: column "t" expected timestamp, got a string that is no ISO 8601 time or out of range of ms')
    expect(message('{"s":"\\ud800"}')).toBe('5: column "s" expected string, got a lone surrogate, which has no UTF-8')
    expect(message('{"s":1,"i":"x"}')).toBe('5: column "s" expected string, got a number')
    expect(message('{"s":1,"s":"x"}')).toBe('')
    expect(message('{"s":1,"i":"x","s":"x"}')).toBe('11: column "i" expected int32, got a string')
    expect(message('{"s":1,"x":tru}')).toBe('14: expected JSON, got "}"')
    expect(message('{"x":1')).toBe('6: expected the record to end on its line, got the end of the line')
    expect(message('{"x":\n1}')).toBe(
      '5: expected the record to end on its line, got the end of the line,6: expected a JSON object, got text that is no JSON, from "1" on',
    )
    expect(message('{"x":"\u0001"}')).toBe('6: expected an escape, got control character 0x01 in a string')
    expect(message('{"x":"\\q"}')).toBe('7: expected an escape of JSON (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX), got "q"')
    expect(message('{"x":1}}')).toBe('7: expected the end of the line or a further object behind the record, got "}"')
    expect(message('[{"x":1}]')).toBe('0: expected a JSON object, got an array')
    expect(message('null')).toBe('0: expected a JSON object, got null')
    for (const [text, what] of [
      ['true ', 'a boolean'],
      ['-1.5e3', 'a number'],
      ['"x"\r', 'a string'],
      ['[]\r\n', 'an array'],
    ])
      expect(message(text)).toBe(`0: expected a JSON object, got ${what}`)
    for (const text of ['not json', 'name,age', 'true story', '-x', '1,2', '"a" b', '[ERROR] it failed', 'falsey', '2024-01-02', 'x'])
      expect(message(`${text}\nnull`)).toBe(
        `0: expected a JSON object, got text that is no JSON, from "${text[0]}" on,${text.length + 1}: expected a JSON object, got null`,
      )
    expect(message(`"${'x'.repeat(1e5)}`)).toBe('0: expected a JSON object, got text that is no JSON, from """ on')
    for (const text of ['{"i":nope}', '{"i":-x}', '{"i":true story}']) expect(message(text)).toMatch(/^\d+: expected JSON, got "."$/)
    expect(message('{}', [{ name: 'i', type: 'int32', nullable: false }])).toBe('1: column "i" expected int32, got no such member')
    expect(message('{"i":null}', [{ name: 'i', type: 'int32', nullable: false }])).toBe('5: column "i" expected int32, got null')
  })

  it('allows 256 levels, the record being the first', () => {
    const nest = (levels: number) => `{"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect(scanAll(engine, COLUMNS, nest(256)).bad).toEqual([])
    expect(scanAll(engine, COLUMNS, `${nest(257)}\n{}`)).toMatchObject({
      rows: [[null, null, null, null, null, null]],
      bad: [{ message: 'expected at most 256 levels of nesting, got more' }],
    })
    expect(scanAll(engine, COLUMNS, '['.repeat(100000)).bad).toHaveLength(1)
    expect(scanAll(engine, COLUMNS, `{"x":${'{"a":'.repeat(100000)}`).bad).toHaveLength(1)
  })

  it('reads several records a line, blank lines, CRLF and a byte order mark', () => {
    const numbers = (text: string | Uint8Array) => {
      const { rows, bad } = scanAll(engine, [{ name: 'i', type: 'int32' }], text)
      return [rows.map(([i]) => i), bad.map((b) => b.text)]
    }
    expect(numbers('')).toEqual([[], []])
    expect(numbers('\n\n \t\r\n')).toEqual([[], []])
    expect(numbers('{"i":1}{"i":2} {"i":3}\r\n\r\n  {"i":4}  \n\n{}')).toEqual([[1, 2, 3, 4, null], []])
    expect(numbers('\ufeff{"i":1}\n{"i":2}')).toEqual([[1, 2], []])
    expect(numbers('\ufeff')).toEqual([[], []])
    expect(numbers('{"i":1}\n\ufeff{"i":2}\n{"i":3}')).toEqual([[1, 3], ['\ufeff{"i":2}\n'.slice(1)]])
    expect(numbers('{"i":1}{"i":2}{"i":x}{"i":4}\n{"i":5}')).toEqual([[1, 2, 5], ['{"i":x}{"i":4}\n']])
    expect(numbers('{"i":1},\n{"i":2},\n')).toEqual([[], ['{"i":1},\n', '{"i":2},\n']])
    expect(numbers('{"i":1}{"i":"x"}{"i":3}')).toEqual([[1, 3], ['{"i":"x"}']])
  })

  it('knows keys by their meaning, and the last of duplicates', () => {
    const fields: ScanField[] = [
      { name: 'é', type: 'int32' },
      { name: '', type: 'int32' },
      { name: '__proto__', type: 'int32' },
      { name: '\ufffd', type: 'int32' },
      { name: 'a"b\\c', type: 'int32' },
    ]
    const rows = (text: string) => scanAll(engine, fields, text).rows
    expect(rows('{"é":1,"":2,"__proto__":3,"\ufffd":4,"a\\"b\\\\c":5}')).toEqual([[1, 2, 3, 4, 5]])
    expect(rows('{"\\u00e9":1,"\\u005f_proto__":3,"\\ufffd":4,"\\u0061\\u0022b\\u005Cc":5}')).toEqual([[1, null, 3, 4, 5]])
    // A lone surrogate is no U+FFFD.
    expect(rows('{"\\ud800":4}')).toEqual([[null, null, null, null, null]])
    expect(rows('{"":1,"":null}\n{"":null,"":2}\n{"":1,"":2,"":3}')).toEqual(
      [
        [null, null],
        [null, 2],
        [null, 3],
      ].map(([a, b]) => [a, b, null, null, null]),
    )
  })
})

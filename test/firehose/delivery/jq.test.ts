// Held against jq 1.6 itself where it is installed (it is the version that Firehose names), and against what it gave
// where it is not.
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../../src/firehose/delivery/jq/parse.js'
import { EMPTY, JqError, type Json, jsonText } from '../../../src/firehose/delivery/jq/values.js'

/** One value as JSON, `error`, or `` for none. */
function ours(query: string, input: unknown): string {
  try {
    const value = parseQuery(query, 'query').run(input as Json)
    return value === EMPTY ? '' : jsonText(value)
  } catch (error) {
    if (error instanceof JqError) return 'error'
    throw error
  }
}

const hasJq = (() => {
  try {
    return execFileSync('jq', ['--version'], { encoding: 'utf8' }).startsWith('jq-1.6')
  } catch {
    return false
  }
})()

function theirs(query: string, inputs: readonly unknown[]): string[] {
  // Each input in a try of its own, so that one error does not end the run.
  const text = execFileSync('jq', ['-c', `[ (try [(${query})] catch "error") ]`], {
    input: inputs.map((input) => JSON.stringify(input)).join('\n'),
    encoding: 'utf8',
  })
  return text
    .trim()
    .split('\n')
    .map((line) => line.slice(1, -1))
    .map((one) => (one === '"error"' ? 'error' : one === '[]' ? '' : one.slice(1, -1)))
}

const record = {
  customer_id: '1234567890',
  type: { device: 'mobile', event: 'user_clicked_submit_button' },
  event_timestamp: 1565382027,
  region: 'sample_region',
}

describe('the developer guide’s examples', () => {
  it.each([
    ['{customer_id:.customer_id, device:.type.device}', '{"customer_id":"1234567890","device":"mobile"}'],
    ['{year:.event_timestamp| strftime("%Y"),month:.event_timestamp|strftime("%m")}', '{"year":"2019","month":"08"}'],
    ['{day:.event_timestamp|strftime("%d"), hour:.event_timestamp|strftime("%H")}', '{"day":"09","hour":"20"}'],
  ])('%s', (query, expected) => expect(ours(query, record)).toBe(expected))
})

const INPUTS = [
  record,
  { a: 'x', b: [1, 'two', null, { c: 3 }], t: 1565382027.75, n: 1e17, s: '2015-03-05T23:51:47Z', e: 'É😀z', o: { 'k y': false }, z: 0.00001 },
  { a: null, b: 'text', t: '2015', n: -7.5, s: 'nonsense', e: '', o: [], z: 123456789012345680 },
  { a: true, b: {}, t: [2024, 1, 29, 12, 30, 15, 4, 59], n: 3, s: '2024-02-29T00:00:00Z', e: 'a-b-c', o: null, z: -0.5 },
  [1, 2],
  'text',
  null,
  5,
]
const QUERIES = [
  ...['.', '.a', '."a"', '.["a"]', '.b[0]', '.b[-1]', '.b[9]', '.b[1:]', '.b[:2]', '.b[1:-1]', '.e[1:2]', '.o["k y"]', '.b[3].c', '.a?', '.a.b.c', '.a[0]?'],
  ...['.a // "none"', '.b.c // .a // 5', '(.a|.b)? // "x"', '.a + "y"', '.n + 1', '.n - 1 * 2', '.n / 2', '.n % 2', '.e / "-"', '.b - [1]', '. + .', '-.n'],
  ...['.n == 3', '.n < 4 and .a', '.a or .b', '.a < .b', '.b <= .o', '.a != null', '(.a|not)', '.n > 1 | not'],
  ...[
    '{a}',
    '{"a"}',
    '{"x y":.a}',
    '{a:.b?}',
    '{(.a|tostring):1}',
    '{a:.a|tostring|length}',
    '{a:("x"+"y")}',
    '{"k\\(1+1)":.a}',
    '{a:[.n,.z]}',
    '{a:-1}',
    '{if:1}',
  ],
  ...['"v=\\(.n)/\\(.a)"', '"\\u00e9\\n"', '[.a,.b]', '[]', '[.a?]', 'if .a then "yes" else "no" end', 'if .n > 5 then 1 elif .n then 2 else 3 end'],
  ...[
    '.e|length',
    '.b|length',
    '.n|length',
    '.a|length',
    '.|type',
    '.n|tostring',
    '.z|tostring',
    '.b|tojson',
    '.e|ascii_upcase',
    '.e|ascii_downcase',
    '.n|floor',
  ],
  ...[
    '.n|ceil',
    '.n|round',
    '"12"|tonumber',
    '.t|tonumber',
    '.e|tonumber',
    '" 1 "|tonumber',
    '.e|split("-")',
    '.e|split("")',
    '.e|split("-")|join("/")',
    '.b|join(",")',
  ],
  ...['.e|startswith("a")', '.e|endswith("c")', '.e|ltrimstr("a-")', '.e|rtrimstr("-c")', 'has("a")', '.o|has("k y")', 'has(0)', '.e|split("-")[0]'],
  ...[
    '.t|gmtime',
    '.t|strftime("%Y-%m-%dT%H:%M:%SZ")',
    '.t|todate',
    '.s|fromdate',
    '.s|fromdateiso8601|todate',
    '.t|mktime',
    '.s|strptime("%Y-%m-%dT%H:%M:%SZ")',
  ],
  ...[
    '.s|strptime("%Y-%m-%dT%H:%M:%SZ")|mktime|strftime("%Y/%j")',
    '.s[:10]|strptime("%Y-%m-%d")|strftime("%A %a %B %b %j %p %I %e %u %w %V %G %U %W %y %C %D %T %F %R %%")',
  ],
]

describe.skipIf(!hasJq)('jq 1.6 gives the same', () => {
  it.each(QUERIES)('%s', (query) => {
    expect(INPUTS.map((input) => ours(query, input))).toEqual(theirs(query, INPUTS))
  })

  it('of dates', () => {
    const seconds = fc.sample(fc.integer({ min: -5_000_000_000, max: 20_000_000_000 }), { numRuns: 300, seed: 1 })
    const query = 'strftime("%Y-%m-%d %H:%M:%S %j %U %W %V %G %g %u %w %a %b %e %k %l %I %p %y %s")'
    expect(seconds.map((second) => ours(query, second))).toEqual(theirs(query, seconds))
  })

  it('of numbers', () => {
    const numbers = fc.sample(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger()), { numRuns: 500, seed: 2 })
    const whole = numbers.map((number) => number + 0)
    expect(whole.map((number) => ours('tostring', number))).toEqual(theirs('tostring', whole))
  })

  it('of what is read as a date', () => {
    const texts = ['2015-03-05 10:20', ' 2015-3-5 1:2', '2015-13-05 10:20', '15-03-05 10:20', '2015-03-05', '2015-03-05 10:20 ', '']
    const query = 'strptime("%Y-%m-%d %H:%M")|mktime'
    expect(texts.map((text) => ours(query, text))).toEqual(theirs(query, texts))
    for (const [format, text] of [
      ['%d/%b/%Y:%H:%M:%S %z', '07/Mar/2004:16:10:02 -0800'],
      ['%j %Y', '060 2024'],
      ['%I:%M %p %d %B %Y', '12:05 AM 1 February 2024'],
      ['%D %T', '02/29/24 23:59:59'],
      ['%y', '68'],
    ]) {
      const query = `strptime(${JSON.stringify(format)})|mktime`
      expect([format, ours(query, text)]).toEqual([format, ...theirs(query, [text])])
    }
  })
})

describe('a query that is none, or not of this part of jq, is an error with its place', () => {
  it.each([
    ['', 0, 'a path such as .a'],
    ['{a:.b // "x"}', 6, ', or } (within { } an operator wants parentheses around it)'],
    ['{a:.b', 5, ', or }'],
    ['{a:.b}}', 6, 'the end of the query'],
    ['{a:.b[]}', 7, 'an index: .[] gives many values'],
    ['.a | test("x")', 5, 'one of length/0'],
    ['.a | strftime', 5, 'one of length/0'],
    ['.a, .b', 2, 'the end of the query'],
    ['"abc', 0, 'a " at the end of the text'],
    ['"a\\x"', 2, 'an escape of JSON'],
    ['{1:.a}', 1, 'a key'],
    ['..', 0, 'a path such as .a'],
    ['.a == .b == .c', 9, 'one comparison'],
    ['$x', 0, 'a path such as .a'],
    ['if .a then .b end', 14, 'else'],
    [`${'('.repeat(200)}.a`, 101, 'at most 100 levels'],
    ['reduce .a as $x (0; 1)', 0, 'one of length/0'],
  ])('%s', (query, offset, expected) => {
    const parse = () => parseQuery(query, 'MetadataExtractionQuery')
    expect(parse).toThrow(`MetadataExtractionQuery, byte ${offset}: expected ${expected}`)
  })

  it('whatever the text is, it is a query or an error with a place', () => {
    const pieces = fc.constantFrom(...'.|(){}[]"\\:,;?+-*/%<>=!#$@ \n', 'a', 'if', 'then', 'else', 'end', '//', '..', '\\(', '1', 'strftime', 'null')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        try {
          parseQuery(parts.join(''), 'q')
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG', position: { source: 'q', offset: expect.any(Number) } })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

it('names the keys of its object', () => {
  expect(parseQuery('{a:.x|tostring, "b c":.y, d}', 'q').keys).toEqual(['a', 'b c', 'd'])
  expect(parseQuery('.x|{a:1}', 'q').keys).toEqual(['a'])
  expect(parseQuery('{"a\tb\nc": 1, "d\\\\(": 2}', 'q').keys).toEqual(['a\tb\nc', 'd\\('])
  expect(parseQuery('{(.x):1}', 'q').keys).toBeUndefined()
  expect(parseQuery('{a:1}+{b:2}', 'q').keys).toBeUndefined()
  expect(parseQuery('{a:1}|.a', 'q').keys).toBeUndefined()
})

it('keys like those of Object.prototype are keys', () => {
  const input = JSON.parse('{"__proto__":"p","constructor":"c"}')
  expect(ours('{__proto__:.__proto__, constructor:.constructor, t:.toString}', input)).toBe('{"__proto__":"p","constructor":"c","t":null}')
  expect(ours('{__proto__:1}+{a:2}', null)).toBe('{"__proto__":1,"a":2}')
})

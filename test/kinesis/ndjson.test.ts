// NDJSON lines by the core against JSON.parse, on both builds: the same records, keys and hash keys, or the line handed to the host.
import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/engine.js'
import { readLine, tokensOf } from '../../src/kinesis/producer/ndjson.js'
import { createLineReader, stretch } from '../../src/kinesis/producer/ndjson-rows.js'
import { parseHashKey } from '../../src/kinesis/shards/hash-key.js'
import { seededRandom } from '../../src/ports/simulated.js'

const engines = { simd: createEngine('simd'), scalar: createEngine('scalar') }
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

interface Row {
  line: number
  data: string
  key?: string
  hash?: string | undefined
}

function rowsOf(
  build: 'simd' | 'scalar',
  text: Uint8Array,
  fields: { partitionKey: string; explicitHashKey?: string },
  most = 1_048_576,
): { rows: Row[]; asked: number } {
  const read = createLineReader(fields, most, engines[build])
  const { count, table, side, consumed } = read(text, 100_000)
  expect(consumed).toBe(text.length)
  const all = new Uint8Array(text.length + side.length)
  all.set(text)
  all.set(side, text.length)
  const part = (at: number) => decoder.decode(all.subarray(table[at], table[at] + table[at + 1]))
  let asked = 0
  const rows = Array.from({ length: count }, (_, i): Row => {
    const at = 8 * i
    const line = { line: table[at + 6], data: part(at + 4) }
    if (table[at + 7] === 1) {
      asked++
      return line
    }
    return { ...line, key: part(at), hash: table[at + 3] === 0xffffffff ? undefined : part(at + 2) }
  })
  return { rows, asked }
}

/** What must come of it: every line that is not blank (RFC 8259: space, tab, CR), in order. */
function expected(text: Uint8Array): { line: number; data: Uint8Array }[] {
  const lines: { line: number; data: Uint8Array }[] = []
  let at = 0
  for (let line = 0; at < text.length; line++) {
    const lf = text.indexOf(10, at)
    const next = lf < 0 ? text.length : lf + 1
    let end = lf < 0 ? text.length : lf
    if (end > at && text[end - 1] === 13) end--
    const data = text.subarray(at, end)
    if (!data.every((c) => c === 32 || c === 9 || c === 13)) lines.push({ line, data })
    at = next
  }
  return lines
}

describe.each(['simd', 'scalar'] as const)('%s', (build) => {
  test.each([
    ['id', '{"id":"AMS"}', 'AMS'],
    ['id', '{"a":{"id":1},"id":"x","z":[1,{"id":2}]}', 'x'],
    ['id', '{"id":"first","id":"last"}', 'last'],
    ['id', '{"id":12}', '12'],
    ['id', '{"id":-5}', '-5'],
    ['id', '{"id":0}', '0'],
    ['id', '{"id":true}', 'true'],
    ['id', '{"id":false}', 'false'],
    ['id', '  { "id" : "sp" }  ', 'sp'],
    ['id', '{"\\u0069d":"escaped name"}', 'escaped name'],
    ['id', '{"id":"a\\n\\u00e9\\ud83d\\ude00\\\\"}', 'a\né😀\\'],
    ['__proto__', '{"__proto__":"own"}', 'own'],
    ['é', '{"é":"umlaut"}', 'umlaut'],
    ['/user/id', '{"user":{"id":"u1"},"id":"x"}', 'u1'],
    ['/list/1/id', '{"list":[0,{"id":"second"}]}', 'second'],
    ['/a~1b/~0c', '{"a/b":{"~c":"escaped"}}', 'escaped'],
    ['/', '{"":"empty name"}', 'empty name'],
    ['/user/id', '{"user":{"id":"a"},"user":{"x":1}}', undefined],
    ['/user/id', '{"user":[{"id":"a"}]}', undefined],
    ['/list/01', '{"list":["a","b"]}', undefined],
    ['/list/length', '{"list":["a","b"]}', undefined],
    ['id', '{"id":1.5}', undefined],
    ['id', '{"id":-0}', undefined],
    ['id', '{"id":1e3}', undefined],
    ['id', '{"id":1234567890123456}', undefined],
    ['id', '{"id":null}', undefined],
    ['id', '{"id":""}', undefined],
    ['id', '{"id":{}}', undefined],
    ['id', '{"other":1}', undefined],
    ['id', '{}', undefined],
    ['id', '[{"id":1}]', undefined],
    ['id', '{"id":"a"}{"id":"b"}', undefined],
    ['id', '{"id":"a",}', undefined],
    ['id', '{"id":"a"', undefined],
    ['id', '{"id":"a\tb"}', undefined],
    ['id', '{"id":"a","n":01}', undefined],
    ['id', `{"id":"${'k'.repeat(256)}"}`, 'k'.repeat(256)],
    ['id', `{"id":"${'k'.repeat(257)}"}`, undefined],
  ])('key %s of %s', (partitionKey, line, key) => {
    const { rows } = rowsOf(build, encoder.encode(line), { partitionKey })
    expect(rows).toEqual([{ line: 0, data: line, ...(key === undefined ? {} : { key, hash: undefined }) }])
    const host = readLine(encoder.encode(line), 0, 0, { partitionKey })
    if (key !== undefined) expect(host).toMatchObject({ key, fault: undefined })
  })

  test.each([
    ['"7"', '7'],
    ['"340282366920938463463374607431768211455"', '340282366920938463463374607431768211455'],
    ['"0"', '0'],
    ['null', undefined],
    ['"340282366920938463463374607431768211456"', 'ask'],
    ['"07"', 'ask'],
    ['"+7"', 'ask'],
    ['""', 'ask'],
    ['7', 'ask'],
    ['"\\u0037"', 'ask'],
  ])('explicit hash key %s', (text, hash) => {
    const line = `{"h":${text},"k":"a"}`
    const { rows, asked } = rowsOf(build, encoder.encode(line), { partitionKey: 'k', explicitHashKey: 'h' })
    expect(asked).toBe(hash === 'ask' ? 1 : 0)
    if (hash !== 'ask') expect(rows[0].hash).toBe(hash)
  })

  test('lines, ends of lines, blank lines, a record over the limit, invalid UTF-8', () => {
    const text = encoder.encode('\n{"k":"a"}\r\n \t\n\r\n{"k":"b"}\n{"k":"ccccc"}\nx\n{"k":"\xff"}\n{"k":"d"}')
    const bytes = Uint8Array.from(text)
    const at = text.lastIndexOf(0xc3)
    bytes.set([0xff, 0x41], at)
    const { rows } = rowsOf(build, bytes, { partitionKey: 'k' }, 12)
    expect(rows.map(({ line, key }) => [line, key])).toEqual([
      [1, 'a'],
      [4, 'b'],
      [5, undefined],
      [6, undefined],
      [7, undefined],
      [8, 'd'],
    ])
  })

  test.each(['\r', '\r\r', ' \r\t\r ', '\t', ' '])('a line of only %j is none, with any end of line, also as the last one', (blank) => {
    const text = `${blank}\n{"k":"a"}\n${blank}\r\n\r{"k":"b"}\r\n${blank}`
    const { rows, asked } = rowsOf(build, encoder.encode(text), { partitionKey: 'k' })
    expect(rows.map(({ line, key, data }) => [line, key, data])).toEqual([
      [1, 'a', '{"k":"a"}'],
      [3, 'b', '\r{"k":"b"}'],
    ])
    expect(asked).toBe(0)
  })

  test('random lines, damaged or not', () => {
    const random = seededRandom(build === 'simd' ? 1 : 2)
    const roll = (n: number) => Math.floor(random.next() * n)
    const pick = <T>(...of: T[]): T => of[roll(of.length)]
    const names = ['k', 'k', 'h', 'a', 'kk', '\\u006b', 'é', '']
    const value = (depth: number): string => {
      const kind = roll(depth > 3 ? 6 : 9)
      if (kind === 0) return String(pick(0, 7, -3, 1.5, 1e21, 2 ** 64))
      if (kind === 1) return pick('true', 'false', 'null')
      if (kind < 6) return `"${pick('', 'x', 'é', '😀', '\\n', '\\ud800', '\\ud83d\\ude00', 'long text '.repeat(roll(4)), '7', '007')}"`
      if (kind === 6) return `[${Array.from({ length: roll(4) }, () => value(depth + 1)).join(pick(',', ' , '))}]`
      return object(depth + 1)
    }
    const object = (depth: number): string =>
      `{${Array.from({ length: roll(6) }, () => `${pick('', ' ')}"${pick(...names)}"${pick(':', ' : ')}${value(depth)}`).join(',')}}`
    let plain = 0
    for (let round = 0; round < 1200; round++) {
      const lines = Array.from({ length: 1 + roll(20) }, () => (roll(12) === 0 ? pick('', ' ', '\r', '\r\r \t', 'x', '[]') : object(0)))
      const text = encoder.encode(lines.join(pick('\n', '\r\n')) + pick('', '\n'))
      for (let n = pick(0, 0, 1, 3); n > 0; n--)
        if (text.length > 0) text[roll(text.length)] = pick(0x22, 0x5c, 0x0a, 0x7b, 0x7d, 0x2c, 0xff, 0x00, 0xc3, roll(256))
      const fields = { partitionKey: pick('k', '/a/k', '/k/0', 'é'), ...(roll(2) ? { explicitHashKey: 'h' } : {}) }
      const { rows } = rowsOf(build, text, fields)
      const wanted = expected(text)
      expect(rows.map(({ line, data }) => [line, data])).toEqual(wanted.map(({ line, data }) => [line, decoder.decode(data)]))
      for (const [i, { key, hash }] of rows.entries()) {
        if (key === undefined) continue
        plain++
        const host = readLine(wanted[i].data, 0, 0, fields)
        expect(host.fault).toBeUndefined()
        expect(decoder.decode(encoder.encode(host.key))).toBe(key)
        expect(host.hash === undefined ? undefined : String(parseHashKey(host.hash))).toBe(hash)
      }
    }
    expect(plain).toBeGreaterThan(500)
  })

  test('some lines at a time', () => {
    const text = encoder.encode(Array.from({ length: 100 }, (_, i) => `{"k":"${i}\\t"}\n`).join(''))
    const read = createLineReader({ partitionKey: 'k' }, 1000, engines[build])
    let at = 0
    let count = 0
    while (at < text.length) {
      const rows = read(text.subarray(at), 7)
      at += rows.consumed
      count += rows.count
      expect(rows.lines).toBe(rows.count)
    }
    expect(count).toBe(100)
  })
})

test('a stretch is whole lines, or one that is longer', () => {
  const line = encoder.encode(`${'x'.repeat(99_999)}\n`)
  const text = new Uint8Array(5 * line.length)
  for (let i = 0; i < 5; i++) text.set(line, i * line.length)
  expect(stretch(text, 0).length).toBe(200_000)
  expect(stretch(text, 400_000).length).toBe(100_000)
  const long = encoder.encode(`${'x'.repeat(700_000)}\n{}\n`)
  expect(stretch(long, 0).length).toBe(700_001)
  expect(stretch(long.subarray(0, 600_000), 0).length).toBe(600_000)
})

test('JSON Pointer tokens', () => {
  expect(tokensOf('id')).toEqual(['id'])
  expect(tokensOf('')).toEqual([''])
  expect(tokensOf('/')).toEqual([''])
  expect(tokensOf('/a~01/b~1c//0')).toEqual(['a~1', 'b/c', '', '0'])
})

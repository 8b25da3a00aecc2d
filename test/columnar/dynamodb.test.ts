// DynamoDB-typed JSON against the same records in plain JSON.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScan, type Format } from '../../src/engine/columns.js'
import type { Field } from '../../src/types.js'
import { builds } from '../builds.js'
import { scanTree } from '../columns.js'

const leaf = (name: string, type: 'string' | 'double' | 'boolean' | 'int64' | 'decimal' | 'json'): Field => ({
  name,
  key: name,
  nullable: true,
  leaf: { type },
})
const FIELDS: Field[] = [
  leaf('s', 'string'),
  leaf('n', 'double'),
  leaf('b', 'boolean'),
  {
    name: 'm',
    key: 'm',
    nullable: true,
    struct: [leaf('s', 'string'), leaf('n', 'double'), { name: 'l', key: 'l', nullable: true, list: leaf('element', 'double') }],
  },
  { name: 'l', key: 'l', nullable: true, list: leaf('element', 'string') },
  { name: 'k', key: 'k', nullable: true, map: { key: { ...leaf('key', 'string'), nullable: false }, value: leaf('value', 'double') } },
]

type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }

/** JSON text of a value as DynamoDB types it, white space by `blank`; lists of one kind may be sets. */
function typed(value: Plain, blank: () => string): string {
  const one = (type: string, text: string) => `{${blank()}"${type}"${blank()}:${blank()}${text}${blank()}}`
  const list = (items: string[]) => `[${blank()}${items.map((item) => item + blank()).join(`,${blank()}`)}]`
  if (value === null) return one('NULL', 'true')
  if (typeof value === 'boolean') return one('BOOL', String(value))
  if (typeof value === 'number') return one('N', `"${JSON.stringify(value)}"`)
  if (typeof value === 'string') return one(value.length % 5 === 4 ? 'B' : 'S', JSON.stringify(value))
  if (!Array.isArray(value)) return one('M', item(value, blank))
  const set = value.length % 2 === 1 && new Set(value.map((v) => typeof v)).size === 1
  if (set && typeof value[0] === 'number') return one('NS', list(value.map((v) => `"${JSON.stringify(v)}"`)))
  if (set && typeof value[0] === 'string') return one(value.length % 3 === 0 ? 'BS' : 'SS', list(value.map((v) => JSON.stringify(v))))
  return one('L', list(value.map((v) => typed(v, blank))))
}

const item = (value: { [key: string]: Plain }, blank: () => string) =>
  `{${blank()}${Object.entries(value)
    .map(([k, v]) => `${JSON.stringify(k)}${blank()}:${blank()}${typed(v, blank)}${blank()}`)
    .join(`,${blank()}`)}}`

const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('{"S":"x"}', '"}', 'N', 'é😀', '\n'))
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
const record = fc.record(
  {
    s: fc.option(text),
    n: fc.option(number),
    b: fc.option(fc.boolean()),
    m: fc.option(fc.record({ s: text, n: number, l: fc.array(number, { maxLength: 4 }) }, { requiredKeys: [] })),
    l: fc.option(fc.array(text, { maxLength: 4 })),
    k: fc.option(fc.dictionary(fc.constantFrom('a', 'S', 'N', 'M', 'é', 'a longer key than the literals hold'), number, { noNullPrototype: true })),
    other: fc.jsonValue({ maxDepth: 3 }),
    Item: text,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<{ [key: string]: Plain }>

const WRAPS = [
  (text: string) => text,
  (text: string) => `{"Item":${text}}`,
  (text: string) => `{ "Item" : ${text} }`,
  (text: string) => `{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"s":{"S":"x"}},"OldImage":{"s":{"S":"old"}},"NewImage":${text}}`,
  (text: string) => `{"eventID":"1","dynamodb":{"Keys":{"s":{"S":"x"}},"NewImage":${text},"SizeBytes":3},"eventSource":"aws:dynamodb"}`,
]

describe.each(builds)('%s', (_, engine) => {
  const scan = (input: string, how = {}) => scanTree(engine, FIELDS, input, { dialect: 'dynamodb', ...how })

  it('finds in typed records what plain ones hold, however they are wrapped, spaced and cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(record, fc.constantFrom(...WRAPS)), { maxLength: 5 }),
        fc.constantFrom<Format>('lines', 'documents'),
        fc.array(fc.constantFrom('', '', ' ', '\n', '\t'), { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 1, max: 60 }),
        (records, format, blanks, chunk) => {
          let n = 0
          const blank = () => blanks[n++ % blanks.length].replace('\n', format === 'lines' ? ' ' : '\n')
          const input = records.map(([value, wrap]) => wrap(item(value, blank))).join(format === 'lines' ? '\n' : '')
          const plain = scanTree(engine, FIELDS, records.map(([value]) => JSON.stringify(value)).join('\n'))
          const got = scan(input, { format })
          expect([got.leaves, got.bad.length]).toEqual([plain.leaves, plain.bad.length])
          // the text may be cut anywhere; what was made plain stays with it
          const cut = scanKept(input, chunk, format)
          expect(cut).toEqual([plain.rows, plain.bad.map((b) => b.record)])
        },
      ),
      { numRuns: 600 },
    )
  })

  /** As the intake gives it: the text stays where it is, more comes behind it. */
  function scanKept(input: string, chunk: number, format: Format) {
    const bytes = Buffer.from(input)
    return engine.scope(() => {
      const { scan, at } = openScan(bytes.length, format)
      let rows = 0
      const bad: number[] = []
      for (let done = 0, given = 0; ; ) {
        const next = scan.next(at + done, given - done, given === bytes.length)
        rows += next.rows
        bad.push(...next.bad.map((b) => b.record))
        done += next.consumed
        if (next.rows > 0 || next.bad.length > 0) continue
        if (given === bytes.length) return [rows, bad]
        engine.bytes().set(bytes.subarray(given, given + chunk), at + given)
        given = Math.min(bytes.length, given + chunk)
      }
    })
  }

  function openScan(size: number, format: Format) {
    const scan = createScan(engine, FIELDS, { capacity: 3, textBytes: size, dialect: 'dynamodb' })
    scan.startSource(format)
    return { scan, at: engine.reserve(size) }
  }

  it.each([
    ['{"s":"x"}', 'no-item', 5],
    ['{"n":{"N":"5"},"s":"x"}', 'typed', 19],
    ['{"s":{"S":5}}', 'no-item', 5],
    ['{"b":{"BOOL":true},"s":{"S":5}}', 'typed', 23],
    ['{"b":{"BOOL":true},"n":{"N":5}}', 'typed', 23],
    ['{"n":{"N":"x"}}', 'typed', 10],
    ['{"n":{"N":"01"}}', 'typed', 10],
    ['{"n":{"N":""}}', 'typed', 10],
    ['{"n":{"N":"1 "}}', 'typed', 10],
    ['{"b":{"NULL":true,"S":"x"}}', 'typed', 17],
    ['{"b":{"BOOL":true},"n":{"NULL":false}}', 'typed', 23],
    ['{"b":{"BOOL":true},"n":{"X":"1"}}', 'typed', 23],
    ['{"b":{"BOOL":true},"n":{}}', 'typed', 23],
    ['{"l":{"L":["x"]}}', 'typed', 11],
    ['{"l":{"SS":[{"S":"x"}]}}', 'typed', 12],
    ['{"l":{"NS":[1]}}', 'typed', 12],
    ['{"m":{"M":{"s":"x"}}}', 'typed', 15],
    ['{"Item":[]}', 'no-item', 8],
    ['{"eventName":"REMOVE","dynamodb":{"Keys":{"s":{"S":"x"}}}}', 'no-item', 13],
    ['{"s":{"S":"x"}', 'truncated', 14],
    ['{"s":{"S":"x",}}', 'syntax', 14],
    ['{"s":{"S":"x"}} y', 'trailing', 16],
    ['{"s":{"N":"5"}}', 'type', 11],
    ['{"n":{"S":"5"}}', 'type', 10],
    ['[{"s":{"S":"x"}}]', 'not-object', 0],
  ])('refuses %s: %s at %d', (input, reason, position) => {
    const whole = scan(`{"s":{"S":"a"}}\n${input}\n{"s":{"S":"b"}}\n`)
    expect(whole.bad.map((b) => [b.record, b.reason, b.position - 16, b.text])).toEqual([[1, reason, position, `${input}\n`]])
    expect(whole.leaves[0].map(([, , s]) => s)).toEqual(['a', 'b'])
    // also where a wait for more text comes between the fault and its report
    const bytes = Buffer.from(`${input}\n`)
    engine.scope(() => {
      const { scan, at } = openScan(bytes.length, 'lines')
      engine.bytes().set(bytes, at)
      for (let given = 0; given < bytes.length; given++) expect(scan.next(at, given, false)).toEqual({ rows: 0, consumed: 0, bad: [] })
      expect(scan.next(at, bytes.length, false).bad.map((b) => [b.reason, b.offset, b.position])).toEqual([[reason, 0, position]])
    })
  })

  it('tells an item from what holds one', () => {
    const values = (input: string) => scan(input).leaves[0].map(([, , s]) => s)
    expect(values('{"Item":{"S":"x"},"s":{"S":"plain"}}')).toEqual(['plain'])
    expect(values('{"Item":{"M":{"s":{"S":"x"}}},"s":{"S":"plain"}}')).toEqual(['plain'])
    expect(values('{"Item":{"M":{"S":"x"},"s":{"S":"held"}}}')).toEqual(['held'])
    expect(values('{"Item":{"S":{"S":"x"},"s":{"S":"held"}}}')).toEqual(['held'])
    expect(values('{"Item":{}}{}')).toEqual([undefined, undefined])
  })

  it('keeps numbers of 38 digits and sub-objects exact', () => {
    const fields: Field[] = [
      { name: 'd', key: 'd', nullable: true, leaf: { type: 'decimal', precision: 38, scale: 2 } },
      { name: 'i', key: 'i', nullable: true, leaf: { type: 'int64' } },
      { name: 'j', key: 'j', nullable: true, leaf: { type: 'json' } },
    ]
    const input = '{"d":{"N":"123456789012345678901234567890123456.78"},"i":{"N":"9223372036854775807"},"j":{"M":{"a":{"NS":["1","2.50"]},"b":{"B":"aGk="}}}}'
    const { leaves, bad } = scanTree(engine, fields, input, { dialect: 'dynamodb' })
    expect(bad).toEqual([])
    expect(leaves.map(([[, , value]]) => (typeof value === 'string' ? JSON.parse(value) : value))).toEqual([
      12345678901234567890123456789012345678n,
      9223372036854775807n,
      { a: [1, 2.5], b: 'aGk=' },
    ])
  })
})

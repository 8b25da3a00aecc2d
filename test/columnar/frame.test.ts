// Documents with and without line feeds, arrays, and what is left of malformed ones, against JSON.parse.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScan } from '../../src/engine/columns.js'
import { builds } from '../builds.js'
import { flat, type ScanField, scanAll } from '../columns.js'
import { cpuTime } from '../cpu.js'

const FIELDS: ScanField[] = [
  { name: 'a', type: 'double' },
  { name: 'bb', type: 'string' },
]

type Value = Record<string, unknown>
const cells = (value: Value) => FIELDS.map(({ name }) => (Object.hasOwn(value, name) ? value[name] : null))

const blank = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r', '  ', '\r\n'), maxLength: 3 })
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: fc.constantFrom('"', '\\', '\n', '{', '}', '[', ']', ',', 'é'), maxLength: 20 }))
/** JSON.stringify with white space wherever RFC 8259 allows it. */
function spelt(value: unknown): fc.Arbitrary<string> {
  if (typeof value !== 'object' || value === null) return fc.constant(JSON.stringify(value))
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const parts = Array.isArray(value)
    ? value.map((item) => spelt(item))
    : Object.entries(value).map(([k, v]) => fc.tuple(blank, blank, spelt(v)).map(([x, y, s]) => `${JSON.stringify(k)}${x}:${y}${s}`))
  return fc
    .tuple(blank, ...parts.map((part) => fc.tuple(blank, part, blank).map((p) => p.join(''))))
    .map(([b, ...p]) => open + (p.length ? p.join(',') : b) + close)
}
const record = fc.record(
  {
    a: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constant(null)),
    bb: fc.oneof(text, fc.constant(null)),
    c: fc.jsonValue({ maxDepth: 3 }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Value>
/** One text, the records in it, and how it is written: an object, or an array of objects. */
const document = fc.oneof(
  { weight: 3, arbitrary: record.chain((r) => spelt(r).map((s) => ({ s, records: [r] }))) },
  { weight: 1, arbitrary: fc.array(record, { maxLength: 4 }).chain((records) => spelt(records).map((s) => ({ s, records }))) },
)

/** The rows of a text of documents and what is wrong with it, by JSON.parse of every prefix. */
function oracle(bytes: Uint8Array): { rows: unknown[][]; whole: boolean } {
  const rows: unknown[][] = []
  let rest: string
  try {
    rest = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { rows, whole: false }
  }
  for (;;) {
    rest = rest.replace(/^[ \t\r\n]+/, '')
    if (rest === '') return { rows, whole: true }
    let value: unknown
    let end = 0
    while (value === undefined && end < rest.length) {
      const next = /[}\]]/.exec(rest.slice(end))
      if (!next) return { rows, whole: false }
      end += next.index + 1
      try {
        value = JSON.parse(rest.slice(0, end))
      } catch {}
    }
    const all = Array.isArray(value) ? value : [value]
    if (value === undefined || all.some((v) => typeof v !== 'object' || v === null || Array.isArray(v))) return { rows, whole: false }
    rows.push(...all.map(cells))
    rest = rest.slice(end)
  }
}

const bytes = (s: string) => new TextEncoder().encode(s)
const plain = (rows: unknown[][]) => rows.map((row) => row.map((cell) => (Object.is(cell, -0) ? 0 : cell)))

describe.each(builds)('%s', (_, engine) => {
  const scan = (input: string | Uint8Array, options = {}) => scanAll(engine, FIELDS, input, { format: 'documents', ...options })
  const found = (input: string, options = {}) => {
    const { rows, bad } = scan(input, options)
    return [rows.map((row) => row[0]), bad.map((b) => [b.text, b.position, b.reason])]
  }

  it('finds every record of documents in any spelling, cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(document, blank), { maxLength: 5 }),
        blank,
        fc.boolean(),
        fc.nat(30),
        fc.integer({ min: 1, max: 4 }),
        (docs, first, bom, chunk, capacity) => {
          const input = (bom ? '\ufeff' : '') + first + docs.map(([d, b]) => d.s + b).join('')
          const { rows, bad, consumed } = scan(input, chunk === 0 ? { capacity } : { chunk, capacity })
          expect(bad).toEqual([])
          expect(plain(rows)).toEqual(plain(docs.flatMap(([d]) => d.records.map(cells))))
          expect(consumed).toBe(bytes(input).length)
        },
      ),
      { numRuns: 800 },
    )
  })

  it('has the verdict of JSON.parse on damaged texts, and the same result however they are cut', () => {
    const damage = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...bytes('"\\{}[],:0\n \n{}'))), fc.nat(2))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(document, blank), { minLength: 1, maxLength: 3 }),
        fc.array(damage, { maxLength: 2 }),
        fc.integer({ min: 1, max: 30 }),
        (docs, damages, chunk) => {
          let input = [...bytes(docs.map(([d, b]) => d.s + b).join(''))]
          for (const [where, byte, how] of damages) {
            const at = where % Math.max(1, input.length)
            input = [...input.slice(0, at), ...(how === 1 ? [] : [byte]), ...input.slice(how === 2 ? at : at + 1)]
          }
          const given = Uint8Array.from(input)
          const want = oracle(given)
          const got = scan(given)
          // a value that is no number is a fault of its column, and not of its text
          const malformed = got.bad.filter((b) => b.column === undefined)
          const typed = want.rows.some(
            ([a, b]) => (a !== null && typeof a !== 'number') || (b !== null && typeof b !== 'string') || /\p{Surrogate}/u.test(String(b)),
          )
          expect(malformed.length === 0).toBe(want.whole)
          if (want.whole && !typed) expect(plain(got.rows)).toEqual(plain(want.rows))
          expect(got.consumed).toBe(given.length)
          const cut = scan(given, { chunk, capacity: 2 })
          expect(cut).toEqual(got)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['[{"a":1},{"a":2}]', [1, 2], []],
    [' [ ] {"a":1}\n[{"a":2}\n,\n{"a":3} ]{"a":4}', [1, 2, 3, 4], []],
    [
      '[1,{"a":1},"x",[{"a":2}],null,{"a":3}]',
      [1, 3],
      [
        ['1', 1, 'not-object'],
        ['"x"', 11, 'not-object'],
        ['[{"a":2}]', 15, 'not-object'],
        ['null', 25, 'not-object'],
      ],
    ],
    ['[{"a":1},]{"a":2}', [1, 2], [[']', 9, 'not-object']]],
    ['[,{"a":1}]{"a":2}', [1, 2], [[',', 1, 'not-object']]],
    ['[{"a":1},,{"a":2}]', [1, 2], [[',', 9, 'not-object']]],
    ['[{"a":1}{"a":2},{"a":3}]', [1, 3], [['{"a":2}', 8, 'separator']]],
    ['[{"a":1} x, {"a":2}]', [1, 2], [['x', 9, 'separator']]],
    ['[{"a":1}', [1], [['', 8, 'truncated']]],
    ['[{"a":1},\n', [1], [['', 10, 'truncated']]],
    ['[{"a":1},{"a"', [1], [['{"a"', 13, 'truncated']]],
    ['[{"a":1}]]{"a":2}', [1, 2], [[']', 9, 'not-object']]],
    ['{"a":1},{"a":2}', [1, 2], [[',', 7, 'not-object']]],
    ['{"a":1}}{"a":2}', [1, 2], [['}', 7, 'not-object']]],
    ['{"a":1} x {"a":2}', [1, 2], [['x ', 8, 'not-object']]],
    [
      '{"a":1}\n12\n"{"\n{"a":2}',
      [1, 2],
      [
        ['12\n', 8, 'not-object'],
        ['"{"\n', 11, 'not-object'],
      ],
    ],
    // the brackets of a malformed document still say where it ends
    [
      '{"a":tru}{"a":1}[{"a":nul},{"a":2}]',
      [1, 2],
      [
        ['{"a":tru}', 8, 'syntax'],
        ['{"a":nul}', 25, 'syntax'],
      ],
    ],
    ['{"a":{"a":1}{"a":2}', [2], [['{"a":{"a":1}', 12, 'syntax']]],
    ['{"bb":"x}{"a":2}', [2], [['{"bb":"x}', 11, 'syntax']]],
    // so does a line that opens with a brace
    ['{\n "a":1\n{\n "a":2\n}', [2], [['{\n "a":1\n', 9, 'syntax']]],
    ['{"a":[\n {"a":1},\n{"a":2}\n{"a":3}', [3], [['{"a":[\n {"a":1},\n{"a":2}\n', 25, 'syntax']]],
    ['[\n  {\n    "a": "x\n  },\n  {\n    "a": 2\n  }\n]', [2], [['{\n    "a": "x\n  }', 17, 'control']]],
    ['[\n  {\n    "a": {\n  },\n  {\n    "a": 2\n  }\n]', [2], [['{\n    "a": {\n  },\n  ', 24, 'syntax']]],
    ['{\n "c": {\n {"a": 1}\n }, x\n}\n{"a":2}', [2], [['{\n "c": {\n {"a": 1}\n }, x\n}', 11, 'syntax']]],
  ] as [string, number[], unknown[]][])('%#: %s', (input, rows, bad) => {
    expect(found(input)).toEqual([rows, bad])
  })

  it('settles the format by the first line of each source', () => {
    const rows = (input: string) => {
      const whole = scan(input, { format: 'auto' })
      expect(scan(input, { format: 'auto', chunk: 1 })).toEqual(whole)
      return [whole.rows.length, whole.bad.map((b) => b.text)]
    }
    expect(rows('')).toEqual([0, []])
    expect(rows(' \n\ufeff')).toEqual([0, ['']])
    expect(rows('\ufeff \n [{"a":1}\n]')).toEqual([1, []])
    expect(rows('{"a":1}{"a":2}')).toEqual([2, []])
    expect(rows('{\n"a":1}\n{"a":2}')).toEqual([2, []])
    expect(rows('{"a":{"b":[\n]}}{"a":2}')).toEqual([1, ['{"a":{"b":[\n]}}']])
    // lines: each ends its record
    expect(rows('{"a":1}\n{"a":\n2}\n[{"a":3}]\n{"a":4}')).toEqual([2, ['{"a":\n', '2}\n', '[{"a":3}]\n']])
    expect(rows('{"bb":"\n"}\n{"a":4}')).toEqual([1, ['{"bb":"\n', '"}\n']])
    expect(rows('x\n{"a":\n4}')).toEqual([0, ['x\n', '{"a":\n', '4}']])
  })

  it('takes what it learnt of one source to the next, but no line feed', () => {
    engine.scope(() => {
      const inputs = ['{"a":1,\n"bb":"x"}', '{"a":1,\n"bb":"x"}', '{"a":1,"bb":"x"}'].map(bytes)
      const scan = createScan(engine, flat(FIELDS), { capacity: 10, textBytes: 100 })
      const at = engine.reserve(100)
      const results = inputs.map((input, i) => {
        scan.startSource(i === 0 ? 'documents' : 'lines')
        engine.bytes().set(input, at)
        const { rows, bad } = scan.next(at, input.length, true)
        return [rows, bad.map((b) => b.record)]
      })
      expect(results).toEqual([
        [1, []],
        [0, [1, 2]],
        [1, []],
      ])
    })
  })

  it('passes over a document that is too long to be held, piece by piece', () => {
    const long = `{"c":"}\\"${'{x'.repeat(300)}",\n"d":[${'{"e":1},'.repeat(50)}{}]}`
    for (const [before, behind] of [
      ['', '{"a":2}'],
      ['[', ',{"a":2}]'],
    ])
      for (let size = 1; size < 1300; size += size < 20 ? 1 : 97)
        engine.scope(() => {
          const input = bytes(before + long + behind)
          const scan = createScan(engine, flat(FIELDS), { capacity: 10, textBytes: input.length })
          const at = engine.reserve(input.length)
          scan.startSource('documents')
          engine.bytes().set(input, at)
          const { consumed } = scan.next(at, before.length + 9, false)
          expect(consumed).toBe(before.length)
          let from = consumed
          for (let first = true; ; first = false) {
            const { taken, ended } = scan.pass(at + from, Math.min(size, input.length - from), first)
            from += taken
            if (ended) break
          }
          expect(from).toBe(before.length + long.length)
          expect(scan.next(at + from, input.length - from, true)).toEqual({ rows: 1, consumed: behind.length, bad: [] })
        })
  })

  it('takes time in proportion to hostile text', () => {
    for (const unit of ['{"a":tru}', '{', '[', '"', '{"a":"\n', '}', ' ', '[]', ',', '{"a":[', '\n{"a":'])
      for (const open of ['', '[']) {
        const input = bytes(open + unit.repeat(Math.ceil(20_000 / unit.length)))
        engine.scope(() => {
          const scan = createScan(engine, flat(FIELDS), { capacity: 1000, textBytes: input.length })
          const at = engine.put(input)
          scan.startSource('documents')
          const start = cpuTime()
          let taken = 0
          for (let more = true; more; ) {
            const { consumed, bad } = scan.next(at + taken, input.length - taken, true)
            taken += consumed
            more = consumed > 0 || bad.length > 0
          }
          expect(taken).toBe(input.length)
          // 20 ms for 20,000 bad records; quadratic would be 10 s and more
          expect(cpuTime() - start).toBeLessThan(2000)
        })
      }
  })
})

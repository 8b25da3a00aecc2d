// The scan against JSON.parse: same verdict on every line, same cells.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createScan } from '../../src/engine/columns.js'
import { builds } from '../builds.js'
import { type Cell, flat, type ScanField, scanAll } from '../columns.js'
import { cpuTime } from '../cpu.js'

const FIELDS: ScanField[] = [
  { name: 'b', type: 'boolean' },
  { name: 'i', type: 'int32' },
  { name: 'l', type: 'int64' },
  { name: 'd', type: 'double' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp', unit: 'ms' },
  { name: 'name of more than thirty-two bytes, \u00fc', type: 'string' },
]

/** ISO 8601 without an offset, as Date reads it, which reads much more; time.test.ts has the other forms. */
function instant(text: string): bigint | undefined {
  const iso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?Z?)?$/.test(text.toUpperCase())
  // Date takes February 30 for March 1
  const day = text.slice(0, 10)
  if (iso && new Date(day).toJSON()?.slice(0, 10) !== day) return undefined
  const time = Date.parse(`${text.toUpperCase().replace(' ', 'T').replace(',', '.').replace('Z', '')}${text.length > 10 ? 'Z' : ''}`)
  return iso && !Number.isNaN(time) ? BigInt(time) : undefined
}

const wellFormed = (text: string) => !/\p{Surrogate}/u.test(text)

/** The number's text as an exact integer, or undefined. */
function whole(text: string): bigint | undefined {
  const [, sign, int, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  let digits = (int + fraction).replace(/^0+/, '')
  if (digits === '') return 0n
  let scale = Number(power) - fraction.length
  for (; digits.endsWith('0'); scale++) digits = digits.slice(0, -1)
  if (scale < 0 || digits.length + scale > 19) return undefined
  return BigInt(`${sign}${digits}${'0'.repeat(scale)}`)
}

/** What JSON.parse makes of the line, as cells; undefined where the record is bad. */
function oracle(line: Uint8Array, fields = FIELDS): Cell[] | undefined {
  let value: Record<string, unknown>
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)
    JSON.parse(text)
    // Numbers as strings, so that their digits survive: s in front of every string, n of every number.
    const marked = JSON.parse(text.replace(/"((?:[^"\\]|\\.)*)"|-?[0-9][0-9.eE+-]*/g, (m) => (m[0] === '"' ? `"s${m.slice(1)}` : `"n${m}"`)))
    // Node 24's JSON.parse now and then (1 in 10^4 here) gives an escaped key that prints right and is not found.
    value = JSON.parse(JSON.stringify(marked))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const row: Cell[] = []
  for (const { name, type, nullable } of fields) {
    const cell = Object.hasOwn(value, `s${name}`) ? value[`s${name}`] : null
    const text = typeof cell === 'string' && cell[0] === 's' ? cell.slice(1) : undefined
    const number = typeof cell === 'string' && cell[0] === 'n' ? cell.slice(1) : undefined
    const integer = number === undefined ? undefined : whole(number)
    if (cell === null) {
      if (nullable === false) return undefined
      row.push(null)
    } else if (type === 'boolean' && typeof cell === 'boolean') row.push(cell)
    else if (type === 'string' && text !== undefined && wellFormed(text)) row.push(text)
    else if (type === 'double' && number !== undefined) row.push(JSON.parse(number))
    else if (type === 'int32' && integer !== undefined && integer === BigInt.asIntN(32, integer)) row.push(Number(integer))
    else if ((type === 'int64' || type === 'timestamp') && integer !== undefined && integer === BigInt.asIntN(64, integer)) row.push(integer)
    else if (type === 'timestamp' && text !== undefined && instant(text) !== undefined) row.push(instant(text) as bigint)
    else return undefined
  }
  return row
}

const bytes = (text: string) => new TextEncoder().encode(text)

function check(engine: (typeof builds)[0][1], lines: Uint8Array[], options = {}, fields = FIELDS) {
  const text = new Uint8Array(lines.reduce((n, line) => n + line.length + 1, 0))
  let at = 0
  const good: Cell[][] = []
  const bad: [number, number][] = []
  for (const line of lines) {
    text.set(line, at)
    const row = oracle(line, fields)
    const end = at + line.length + 1
    text[end - 1] = 10
    if (row) good.push(row)
    else if (!/^[ \t\r]*$/.test(String.fromCharCode(...line))) bad.push([at, end])
    at = end
  }
  const result = scanAll(engine, fields, text, options)
  expect(result.rows).toEqual(good)
  expect(result.bad.map((b) => b.end)).toEqual(bad.map(([, end]) => end))
  expect(result.consumed).toBe(text.length)
  return result
}

// Objects spelt in every way that RFC 8259 allows.
const blank = fc.string({ unit: fc.constantFrom(' ', '\t', '\r', ' '), maxLength: 3 })
const rarely = <T>(common: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) => fc.oneof({ weight: 5, arbitrary: common }, { weight: 1, arbitrary: rare })
const spelt = (s: string): fc.Arbitrary<string> =>
  fc.array(fc.nat(3), { minLength: s.length, maxLength: s.length }).map((how) => {
    let out = '"'
    for (let i = 0; i < s.length; i++) {
      const plain = JSON.stringify(s[i]).slice(1, -1)
      const unit = s.charCodeAt(i)
      const pair = unit >= 0xd800 && unit < 0xe000
      if (pair && how[i] > 1 && i + 1 < s.length && s.codePointAt(i)! > 0xffff) out += s[i] + s[++i]
      else if (how[i] === 0 || pair) out += `\\u${unit.toString(16).padStart(4, '0')}`
      else out += s[i] === '/' && how[i] === 1 ? '\\/' : plain
    }
    return `${out}"`
  })
const anyString = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '/', '\n', 'é', '😀', 'a'), maxLength: 40 }),
)
const anyNumber = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  fc.maxSafeInteger().map(String),
  fc.tuple(fc.integer(), fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(30)).map((a) => a.join('')),
  fc.constantFrom('-0', '0', '0.0', '-0.0', '0e1', '1.0', '2147483647', '2147483648', '-2147483648', '-2147483649', '1e400', '-1e400', '1e-400'),
)
const anyTime = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((d) => JSON.stringify(d.toISOString()))
const leaf: fc.Arbitrary<string> = fc.oneof(anyString.chain(spelt), anyNumber, anyTime, fc.constantFrom('true', 'false', 'null'))
const nested = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .array(
        fc.tuple(blank, tie('value'), blank).map((x) => x.join('')),
        { maxLength: 3 },
      )
      .map((x) => `[${x.join(',')}]`),
    fc
      .array(
        fc.tuple(anyString.chain(spelt), blank, tie('value'), blank).map(([k, a, v, b]) => `${k}${a}:${a}${v}${b}`),
        { maxLength: 3 },
      )
      .map((x) => `{${x.join(',')}}`),
  ),
})).value
const fitting: Record<string, fc.Arbitrary<string>> = {
  boolean: fc.constantFrom('true', 'false'),
  int32: fc.oneof(fc.integer().map(String), fc.constantFrom('1.0', '1e3', '-0', '1000e-3')),
  int64: fc.maxSafeInteger().map(String),
  double: anyNumber,
  string: anyString.filter(wellFormed).chain(spelt),
  timestamp: fc.oneof(anyTime, fc.maxSafeInteger().map(String)),
}
const member = fc
  .oneof(
    ...FIELDS.map((f) =>
      fc.tuple(
        rarely(fc.constant(JSON.stringify(f.name)), spelt(f.name)),
        blank,
        blank,
        rarely(rarely(fitting[f.type], fc.constant('null')), rarely(leaf, nested)),
        blank,
      ),
    ),
    fc.tuple(rarely(fc.constantFrom('"x"', '"yy"', '"x z"'), anyString.chain(spelt)), blank, blank, nested, blank),
  )
  .map(([key, a, b, value, c]) => `${a}${key}${b}:${c}${value}${b}`)
const record = fc
  .tuple(blank, fc.array(member, { maxLength: 9 }), blank, blank)
  .map(([a, members, b, c]) => `${a}{${members.length ? members.join(`,${b}`) : b}}${c}`)

describe.each(builds)('%s', (_, engine) => {
  it('agrees with JSON.parse on objects spelt in every way', () => {
    fc.assert(
      fc.property(fc.array(rarely(record, blank), { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (lines, capacity) => {
        check(engine, lines.map(bytes), { capacity })
      }),
      { numRuns: 1500 },
    )
  })

  it('agrees with JSON.parse on damaged objects', () => {
    const damage = fc.tuple(record.map(bytes), fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...bytes('"\\{}[],:0123456789-+.eEtfn \u0001'))), fc.nat(2))
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 6 }), (records) => {
        const lines = records.map(([line, where, byte, how]) => {
          if (line.length === 0 || byte === 10) return line
          const at = where % line.length
          return Uint8Array.from(
            how === 0
              ? [...line.subarray(0, at), byte, ...line.subarray(at + 1)]
              : how === 1
                ? [...line.subarray(0, at), ...line.subarray(at + 1)]
                : [...line.subarray(0, at), byte, ...line.subarray(at)],
          )
        })
        // A line of several records is legal here and not to JSON.parse.
        fc.pre(!lines.some((line) => /\}[ \t\r]*\{/.test(Buffer.from(line).toString('latin1'))))
        check(engine, lines)
      }),
      { numRuns: 2500 },
    )
  })

  it('tells apart names that differ only in the middle, in time that does not grow with their number', () => {
    const fields = (name: (n: string) => string): ScanField[] =>
      Array.from({ length: 1000 }, (_, i) => ({ name: name(String(i).padStart(5, '0')), type: 'int32' }))
    const best = (name: (n: string) => string) => {
      const columns = fields(name)
      const text = Buffer.from(`{${columns.map((f, i) => `"${f.name}":${i}`).join(',')}}\n`.repeat(20))
      const line = text.subarray(0, text.length / 20).toString()
      expect(scanAll(engine, columns, line).rows).toEqual([columns.map((_, i) => i)])
      return engine.scope(() => {
        const scan = createScan(engine, flat(columns), { capacity: 20, textBytes: text.length })
        const at = engine.put(text)
        const times = Array.from({ length: 5 }, () => {
          const start = cpuTime()
          expect(scan.next(at, text.length, true).rows).toBe(20)
          return cpuTime() - start
        })
        return Math.min(...times)
      })
    }
    const apart = best((n) => `${n}_metrics_of_a_long_name_mean`)
    // measured 1 time; 40 times where the hash saw only the ends
    expect(best((n) => `metrics_${n}_of_a_long_name_mean`)).toBeLessThan(8 * apart + 2)
  })

  it('gives the same rows however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }), (lines, chunk, capacity) => {
        const text = lines.join('\n')
        const whole = scanAll(engine, FIELDS, text)
        const cut = scanAll(engine, FIELDS, text, { chunk, capacity })
        expect(cut.rows).toEqual(whole.rows)
        expect(cut.bad).toEqual(whole.bad)
        expect(cut.consumed).toBe(Buffer.byteLength(text))
      }),
      { numRuns: 500 },
    )
  })

  it('refuses a document cut short at every byte, or waits for the rest', () => {
    const text = '{"b":true,"i":-12,"l":9007199254740993,"d":1.5e-3,"s":"a\\u00e9\\n😀","t":"2024-02-29T12:34:56.789Z","x":[{"k":null},"\\ud83d\\ude00",0.1]}'
    const whole = bytes(text)
    for (let n = 0; n < whole.length; n++) {
      const cut = scanAll(engine, FIELDS, whole.subarray(0, n), { final: false })
      expect([cut.rows.length, cut.bad.length, cut.consumed]).toEqual([0, 0, 0])
      const refused = scanAll(engine, FIELDS, whole.subarray(0, n))
      expect([refused.rows.length, refused.bad.length, refused.consumed]).toEqual([0, n > 0 ? 1 : 0, n])
      // Nothing behind the text has a say.
      for (const slack of bytes('0e."\\ ,:]}tu')) expect(scanAll(engine, FIELDS, whole.subarray(0, n), { slack })).toEqual(refused)
      if (n > 0) expect(refused.bad[0].message).toMatch(/^expected (the record to end on its line|UTF-8|an escape)/)
    }
    expect(scanAll(engine, FIELDS, whole).rows).toEqual([[true, -12, 9007199254740993n, 0.0015, 'aé\n😀', 1709210096789n, null]])
  })

  it('touches nothing outside the text', () => {
    const text = bytes('{"s":"abc"}')
    engine.scope(() => {
      const at = engine.reserve(200)
      engine.bytes().fill(0xee, at, at + 200)
      engine.bytes().set(text, at + 50)
      const before = engine.bytes().slice(at, at + 200)
      scanAll(engine, FIELDS, text)
      expect(engine.bytes().slice(at, at + 200)).toEqual(before)
    })
  })
})

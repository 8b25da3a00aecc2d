// Moments as numbers in every unit, and their columns: ms, us, ns, INT96, against BigInt.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EpochUnit, TimeUnit } from '../../src/types.js'
import { builds } from '../builds.js'
import { scanValues } from '../columns.js'

const DIGITS: Record<EpochUnit, number> = { s: 0, ms: 3, us: 6, ns: 9, auto: 0 }
const FRACTION = { message: 'timestamp, got a number that is not whole' }
const RANGE = { message: 'timestamp, got a number out of its range' }

/** The decimal in `text` x 10^places, rounded down. */
function floor(text: string, places: number): bigint {
  const [, sign, int, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!
  const digits = BigInt(`${sign}${int}${fraction}`)
  const up = places - fraction.length
  if (up >= 0) return digits * 10n ** BigInt(up)
  const unit = 10n ** BigInt(-up)
  return digits / unit - (digits % unit < 0n ? 1n : 0n)
}

function expected(text: string, unit: TimeUnit, epoch: EpochUnit, strict: boolean, int96 = false) {
  const counts = epoch !== 'auto' ? epoch : text.replace(/^-|\..*$/g, '').length > 12 ? 'ms' : 's'
  const whole = !/\.\d*[1-9]/.test(text)
  if (strict && !whole && counts !== 's' && DIGITS[counts] >= (int96 ? 9 : DIGITS[unit])) return FRACTION
  const value = floor(text, (int96 ? 9 : DIGITS[unit]) - DIGITS[counts])
  if (int96) {
    const day = value / 86400_000_000_000n - (value % 86400_000_000_000n < 0n ? 1n : 0n)
    return day < -2440588n || day > (1n << 31n) - 1n - 2440588n ? RANGE : value
  }
  return value === BigInt.asIntN(64, value) ? value : RANGE
}

const integer = fc.oneof(
  fc.bigInt({ min: -(1n << 64n), max: 1n << 64n }),
  fc.bigInt({ min: 1_000_000_000_000n - 3n, max: 1_000_000_000_000n + 3n }),
  fc.bigInt({ min: 0n, max: 2_000_000_000n }),
  fc.integer({ min: -100, max: 100 }).map(BigInt),
  fc
    .tuple(fc.constantFrom(3, 6, 9), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
    .map(([n, d, minus]) => ((1n << 63n) / 10n ** BigInt(n) + d) * (minus ? -1n : 1n)),
)
const anyNumber = fc
  .tuple(integer, fc.option(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 22 }), { freq: 3 }))
  .map(([n, f]) => (f === null ? `${n}` : `${n}.${f}`))
const units = fc.constantFrom<TimeUnit>('ms', 'us', 'ns')
const epochs = fc.constantFrom<EpochUnit>('s', 'ms', 'us', 'ns', 'auto')

describe.each(builds)('%s', (_, engine) => {
  it.each(['strict', 'hive', 'openx'] as const)('reads numbers of every unit into every unit in %s', (level) => {
    fc.assert(
      fc.property(units, epochs, fc.array(anyNumber, { maxLength: 50 }), (unit, epoch, texts) => {
        expect(scanValues(engine, { type: 'timestamp', unit, epoch }, texts, level)).toEqual(texts.map((t) => expected(t, unit, epoch, level === 'strict')))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps INT96 to the nanosecond', () => {
    fc.assert(
      fc.property(epochs, fc.array(anyNumber, { maxLength: 50 }), (epoch, texts) => {
        expect(scanValues(engine, { type: 'timestamp', int96: true, epoch }, texts)).toEqual(texts.map((t) => expected(t, 'ms', epoch, true, true)))
      }),
      { numRuns: 300 },
    )
    const texts = [
      '1970-01-01',
      '1969-12-31T23:59:59.999999999Z',
      '2024-02-29 12:34:56.123456',
      '0001-01-01T00:00:00.5',
      '9999-12-31T23:59:59.999999999+00:00',
      '1969-12-31T00:00:00.000001Z',
    ]
    const nanos = texts.map((text) => {
      const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?(?:Z|\+00:00)?$/.exec(text)!
      return BigInt(Date.parse(`${seconds.replace(' ', 'T')}${seconds.length > 10 ? 'Z' : ''}`)) * 1000000n + BigInt(fraction.padEnd(9, '0'))
    })
    expect(
      scanValues(
        engine,
        { type: 'timestamp', int96: true },
        texts.map((t) => `"${t}"`),
      ),
    ).toEqual(nanos)
  })

  it('goes by magnitude in openx where no epoch is declared, in numbers and in text', () => {
    const texts = [
      '1700000000',
      '1700000000123',
      '999999999999',
      '1000000000000',
      '-1',
      '1700000000.9876',
      '"1700000000"',
      '"1700000000.5"',
      '"-1700000000123"',
    ]
    const ms = [1700000000000n, 1700000000123n, 999999999999000n, 1000000000000n, -1000n, 1700000000987n, 1700000000000n, 1700000000500n, -1700000000123n]
    expect(scanValues(engine, { type: 'timestamp' }, texts, 'openx')).toEqual(ms)
    const refused = { message: 'timestamp, got a string that is no ISO 8601 time or out of range of ms' }
    expect(scanValues(engine, { type: 'timestamp' }, ['1700000000', '"1700000000"'])).toEqual([1700000000n, refused])
    expect(scanValues(engine, { type: 'timestamp' }, ['1700000000', '"1700000000"'], 'hive')).toEqual([1700000000n, refused])
  })

  it('reads dates of all years as days, and days as dates', () => {
    const day = fc.integer({ min: -719528, max: 2932896 })
    fc.assert(
      fc.property(fc.array(day, { maxLength: 100 }), (days) => {
        const texts = days.map((d) => new Date(d * 86400000).toISOString().slice(0, 10))
        expect(
          scanValues(
            engine,
            { type: 'date' },
            texts.map((t) => `"${t}"`),
          ),
        ).toEqual(days)
        expect(scanValues(engine, { type: 'date' }, days.map(String))).toEqual(days)
      }),
      { numRuns: 100 },
    )
    const date = (texts: string[], level: 'strict' | 'hive' | 'openx' = 'strict') => scanValues(engine, { type: 'date' }, texts, level)
    expect(date(['20240131', '-719529', '2932897', '1.5', '1e19', 'true', '[]'])).toEqual(
      [
        'a number out of its range',
        'a number out of its range',
        'a number out of its range',
        'a number that is not whole',
        'a number out of its range',
        'a boolean',
        'an array',
      ].map((what) => ({ message: `date, got ${what}` })),
    )
    const none = { message: 'date, got a string that is no yyyy-MM-dd' }
    const wrong = [
      '',
      '2024',
      '2024-1-31',
      '2024-01-31T00:00:00Z',
      '2024-01-31 ',
      ' 2024-01-31',
      '2024-02-30',
      '20240131',
      '2024/01/31',
      '12024-01-31',
      '0000-00-00',
    ]
    expect(date(wrong.map((t) => `"${t}"`))).toEqual(wrong.map(() => none))
    expect(date(['"2024\\u002d01-31"'])).toEqual([19753])
    for (const level of ['hive', 'openx'] as const) {
      const lenient = ['2024-01-31', '2024-1-31', '2024-01-31T23:59:59Z', '2024-01-31 1:2:3', '2024-01-31T23:59:59.5', '1969-12-31T23:59:59', '2024-1-1']
      expect(
        date(
          lenient.map((t) => `"${t}"`),
          level,
        ),
      ).toEqual([19753, 19753, 19753, 19753, 19753, -1, 19723])
      const still = [
        '',
        '2024',
        '2024-02-30',
        '2024-13-1',
        '2024-1-32',
        '2024-0-1',
        '2024-1-0',
        '24-1-1',
        '2024-1-',
        '2024--1',
        '2024-001-1',
        '2024-1-1 ',
        '2024-1-1x',
      ]
      expect(
        date(
          still.map((t) => `"${t}"`),
          level,
        ),
      ).toEqual(still.map(() => none))
    }
  })

  it('reads times of day in every unit', () => {
    const clock = fc.tuple(
      fc.nat(23),
      fc.nat(59),
      fc.option(fc.nat(59)),
      fc.option(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 12 })),
    )
    fc.assert(
      fc.property(units, fc.array(clock, { maxLength: 50 }), (unit, list) => {
        const two = (n: number) => String(n).padStart(2, '0')
        const texts = list.map(([h, m, s, f]) => `"${two(h)}:${two(m)}${s === null ? '' : `:${two(s)}${f === null ? '' : `.${f}`}`}"`)
        const values = list.map(
          ([h, m, s, f]) => BigInt(h * 3600 + m * 60 + (s ?? 0)) * 10n ** BigInt(DIGITS[unit]) + (s === null ? 0n : floor(`0.${f ?? 0}`, DIGITS[unit])),
        )
        const read = scanValues(engine, { type: 'time', unit }, texts)
        expect(read.map((x) => (typeof x === 'number' ? BigInt(x) : x))).toEqual(values)
        expect(scanValues(engine, { type: 'time', unit }, values.map(String))).toEqual(read)
      }),
      { numRuns: 100 },
    )
    const wrong = [
      '',
      '1',
      '12',
      '12:',
      '12:3',
      '12:60',
      '24:00',
      '24:00:00',
      '25:00',
      '12:34:60',
      '12:34:',
      '12:34:5',
      '12:34:56.',
      '12:34Z',
      '12:34+01:00',
      ' 12:34',
      '12:34 ',
      '-1:00',
      '1:02',
      '12-34',
    ]
    expect(
      scanValues(
        engine,
        { type: 'time' },
        wrong.map((t) => `"${t}"`),
      ),
    ).toEqual(wrong.map(() => ({ message: 'time, got a string that is no HH:mm[:ss[.f]]' })))
    expect(scanValues(engine, { type: 'time' }, ['86399999', '86400000', '-1', '1.5', 'false'])).toEqual([
      86399999,
      { message: 'time, got a number out of its range' },
      { message: 'time, got a number out of its range' },
      { message: 'time, got a number that is not whole' },
      { message: 'time, got a boolean' },
    ])
  })
})

// Timestamps against Date, and the forms that Date does not read.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/engine/engine.js'
import type { TimeUnit } from '../../src/types.js'
import { builds } from '../builds.js'
import { scanAll } from '../columns.js'

const PER_MS: Record<TimeUnit, bigint> = { ms: 1n, us: 1000n, ns: 1000000n }
const REFUSED = 'refused'

describe.each(builds)('%s', (_, engine) => {
  const times = (unit: TimeUnit, values: string[]) => {
    const { rows, bad } = scanAll(engine, [{ name: 't', type: 'timestamp', unit }], values.map((value) => `{"t":${value}}`).join('\n'))
    const refused = new Set(bad.map((b) => b.record))
    for (const b of bad) expect(b.message).toMatch(/^column "t" expected timestamp, got /)
    let row = 0
    return values.map((_, i) => (refused.has(i) ? REFUSED : rows[row++][0]))
  }
  const texts = (unit: TimeUnit, values: string[]) =>
    times(
      unit,
      values.map((value) => JSON.stringify(value)),
    )

  it('takes no NUL bytes for the date last seen before there was one', () => {
    // an engine that has read no time yet
    const fresh = createEngine(engine.build)
    const nul = '\\u0000'.repeat(10)
    const { bad } = scanAll(
      fresh,
      [{ name: 't', type: 'timestamp' }],
      [`"${nul}"`, `"${nul}T01:00"`, `"${'\0'.repeat(10)}T00:00:01Z"`].map((t) => `{"t":${t}}`).join('\n'),
    )
    expect(bad.map((b) => b.record)).toEqual([0, 1, 2])
    const { rows } = scanAll(createEngine(engine.build), [{ name: 't', type: 'timestamp' }], '{"t":"1970-01-01T00:00:01Z"}')
    expect(rows).toEqual([[1000n]])
  })

  it('reads what toISOString writes, from year 0 to 9999', () => {
    const date = fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    fc.assert(
      fc.property(fc.array(date, { maxLength: 100 }), (dates) => {
        expect(
          texts(
            'ms',
            dates.map((d) => d.toISOString()),
          ),
        ).toEqual(dates.map((d) => BigInt(d.getTime())))
        expect(
          texts(
            'us',
            dates.map((d) => d.toISOString().replace('Z', '7')),
          ),
        ).toEqual(dates.map((d) => BigInt(d.getTime()) * 1000n + 700n))
      }),
      { numRuns: 100 },
    )
  })

  it('agrees with Date on every day of 400 years and on the days that are none', () => {
    const days: string[] = []
    for (let month = 0; month <= 13; month++)
      for (let day = 0; day <= 32; day++)
        for (const year of [1600, 1900, 1999, 2000, 2023, 2024, 2100]) days.push(`${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`)
    for (let t = Date.UTC(1850, 0, 1); t < Date.UTC(2250, 0, 1); t += 86400000 * 7) days.push(new Date(t).toISOString().slice(0, 10))
    // Date turns 30 February into 1 March.
    const expected = days.map((day) => {
      const time = new Date(`${day}T00:00:00Z`)
      return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day) ? BigInt(time.getTime()) : REFUSED
    })
    expect(texts('ms', days)).toEqual(expected)
  })

  it('applies offsets and cuts fractions towards the past', () => {
    const offset = fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59), fc.constantFrom(':', '', 'hour'))
    const time = fc.tuple(
      fc.integer({ min: -5e9, max: 5e9 }),
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 12 }),
      fc.option(offset),
      fc.constantFrom('T', 't', ' '),
      fc.constantFrom('.', ','),
    )
    fc.assert(
      fc.property(fc.array(time, { maxLength: 50 }), fc.constantFrom<TimeUnit>('ms', 'us', 'ns'), (list, unit) => {
        const digits = { ms: 3, us: 6, ns: 9 }[unit]
        const expected: bigint[] = []
        const written = list.map(([seconds, fraction, zone, t, point]) => {
          const minutes = zone === null ? 0 : (zone[0] === '+' ? 1 : -1) * (zone[1] * 60 + (zone[3] === 'hour' ? 0 : zone[2]))
          const two = (n: number) => String(n).padStart(2, '0')
          const suffix = zone === null ? '' : `${zone[0]}${two(zone[1])}${zone[3] === 'hour' ? '' : zone[3] + two(zone[2])}`
          expected.push(BigInt(seconds - minutes * 60) * PER_MS[unit] * 1000n + BigInt(fraction.padEnd(digits, '0').slice(0, digits)))
          return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', t) + point + fraction + suffix
        })
        expect(texts(unit, written)).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  it('reads the short forms and refuses the wrong ones', () => {
    const good: [string, number][] = [
      ['2024-02-29', Date.UTC(2024, 1, 29)],
      ['2024-02-29T12:34', Date.UTC(2024, 1, 29, 12, 34)],
      ['2024-02-29 12:34Z', Date.UTC(2024, 1, 29, 12, 34)],
      ['2024-02-29T12:34:56z', Date.UTC(2024, 1, 29, 12, 34, 56)],
      ['2024-02-29T24:00:00', Date.UTC(2024, 2, 1)],
      ['2024-02-29T12:34+01:00', Date.UTC(2024, 1, 29, 11, 34)],
      ['0000-01-01', -62167219200000],
    ]
    expect(
      texts(
        'ms',
        good.map(([text]) => text),
      ),
    ).toEqual(good.map(([, time]) => BigInt(time)))
    const wrong = [
      '',
      ' ',
      '2024',
      '2024-02',
      '2024-2-29',
      '20240229',
      '2024-02-30',
      '2024/02/29',
      '2024-02-29T',
      '2024-02-29T1',
      '2024-02-29T12',
      '2024-02-29T12:',
      '2024-02-29T12:3',
      '2024-02-29T12:60',
      '2024-02-29T25:00',
      '2024-02-29T24:00:01',
      '2024-02-29T24:00:00.1',
      '2024-02-29T12:34:',
      '2024-02-29T12:34:5',
      '2024-02-29T12:34:60',
      '2024-02-29T12:34:56.',
      '2024-02-29T12:34:56.Z',
      '2024-02-29T12:34:56ZZ',
      '2024-02-29T12:34:56 Z',
      '2024-02-29T12:34:56+',
      '2024-02-29T12:34:56+1',
      '2024-02-29T12:34:56+24:00',
      '2024-02-29T12:34:56+01:60',
      '2024-02-29T12:34:56+01-00',
      '2024-02-29T12:34:56+01:0',
      '2024-02-29_12:34:56',
      ' 2024-02-29',
      '2024-02-29 ',
      '+002024-02-29',
      '-2024-02-29',
      '2024-02-29T12:34:56.x',
      '2024-02-29T-1:34:56',
      '1709210096789',
      'é024-02-29',
    ]
    expect(texts('ms', wrong)).toEqual(wrong.map(() => REFUSED))
    expect(times('ms', ['"2024-02-29T12\\u003a34:56"', '"2024\\/02-29"', 'true', '[]', '{}', '1.5', '1e400', 'null'])).toEqual([
      1709210096000n,
      REFUSED,
      REFUSED,
      REFUSED,
      REFUSED,
      REFUSED,
      REFUSED,
      null,
    ])
  })

  it('takes epoch numbers in the unit of the column, and ns to the edges of int64', () => {
    expect(times('us', ['1709210096789', '-1', '1e3', '9223372036854775807'])).toEqual([1709210096789n, -1n, 1000n, 9223372036854775807n])
    const edges = [
      '1677-09-21T00:12:43.145224192',
      '2262-04-11T23:47:16.854775807',
      '1677-09-21T00:12:43.145224191',
      '2262-04-11T23:47:16.854775808',
      '0000-01-01',
      '9999-12-31',
      '1969-12-31T23:59:59.999999999',
    ]
    expect(texts('ns', edges)).toEqual([-(1n << 63n), (1n << 63n) - 1n, REFUSED, REFUSED, REFUSED, REFUSED, -1n])
  })
})

// Times by Joda's patterns: against java.time's writer (date-pattern.ts), which has most of Joda's letters,
// and, where the two differ, against what Joda's DateTimeFormat says in its class comment and source.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePatterns } from '../../src/firehose/conversion/patterns.js'
import { datePattern } from '../../src/firehose/delivery/date-pattern.js'
import { momentOf, zoneOf } from '../../src/firehose/delivery/zone.js'
import { builds } from '../builds.js'
import { scanValues } from '../columns.js'

const NONE = 'none'
const compiled = (formats: string[]) => compilePatterns(formats, 'TimestampFormats', 2026)

describe.each(builds)('%s', (_, engine) => {
  const millis = (formats: string[], texts: string[]) =>
    scanValues(engine, { type: 'timestamp' }, texts, 'hive', { exact: { patterns: compiled(formats) } }).map((cell) =>
      typeof cell === 'bigint' ? Number(cell) : cell === null ? null : NONE,
    )
  const read = (format: string, ...texts: string[]) =>
    millis(
      [format],
      texts.map((text) => JSON.stringify(text)),
    )

  it('reads what java.time writes', () => {
    const date = ['yyyy-MM-dd', 'dd/MMM/yyyy', 'MMMM d, yyyy', 'yyyyMMdd', 'y.M.d', 'yyyy-DDD', 'EEE, d MMM yyyy', 'EEEE dd-MM-yyyy', 'dd MM yyyy G']
    const time = ['HH:mm:ss.SSS', 'HHmmssSSS', 'h:m:s.SSS a', "hh 'o''clock' a, mm:ss.SSS", 'k:mm:ss.SSS', 'K:mm:ss.SSS a']
    const utc = zoneOf('UTC', 'zone')
    const moment = fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) })
    fc.assert(
      fc.property(
        fc.constantFrom(...date),
        fc.constantFrom(...time),
        fc.constantFrom(' ', "'T'", '|'),
        fc.array(moment, { maxLength: 30 }),
        (d, t, between, times) => {
          const pattern = d + between + t
          const write = datePattern(pattern)
          expect(read(pattern, ...times.map((at) => write(momentOf(at, utc)))), pattern).toEqual(times)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reads offsets as Joda does, whatever the count of Z', () => {
    const at = Date.UTC(2024, 1, 9, 4, 5, 6)
    const zones: [string, number | string][] = [
      ['Z', 0],
      ['z', 0],
      ['+01', 3600],
      ['-0830', -30600],
      ['+05:45', 20700],
      ['+01:02:03', 3723],
      ['+010203', 3723],
      ['+24', NONE],
      ['+0160', NONE],
      ['+1', NONE],
      ['', NONE],
      ['+01-00', NONE],
      ['UTC', NONE],
    ]
    for (const pattern of ["yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ssZZ"]) {
      expect(read(pattern, ...zones.map(([zone]) => `2024-02-09T04:05:06${zone}`))).toEqual(
        zones.map(([, seconds]) => (typeof seconds === 'number' ? at - seconds * 1000 : NONE)),
      )
    }
    expect(read('EEE MMM dd HH:mm:ss z yyyy', 'Fri Feb 09 04:05:06 UTC 2024', 'fri feb 09 04:05:06 gmt 2024', 'Fri Feb 09 04:05:06 CET 2024')).toEqual([
      at,
      at,
      NONE,
    ])
  })

  // DateTimeFormatterBuilder: padding is no matter when parsing, text in any case, what is not named is that of the start
  it.each<[string, string, number | string]>([
    ['yyyy/MM/dd HH:mm:ss', '2024/2/9 4:5:6', Date.UTC(2024, 1, 9, 4, 5, 6)],
    ['yyyy/MM/dd', '2024/02/09', Date.UTC(2024, 1, 9)],
    ['HH:mm', '04:05', Date.UTC(1970, 0, 1, 4, 5)],
    ['yyyy', '2024', Date.UTC(2024, 0, 1)],
    ['yyyy-DDD', '2024-366', Date.UTC(2024, 11, 31)],
    ['yyyy-DDD', '2023-366', NONE],
    ['dd MMM yyyy', '09 FEBRUARY 2024', Date.UTC(2024, 1, 9)],
    ['dd MMMM yyyy', '09 feb 2024', Date.UTC(2024, 1, 9)],
    ["yyyy'Q'MM", '2024q02', Date.UTC(2024, 1, 1)],
    // fractions: so many digits at most, milliseconds kept
    ['ss.SSSSSSSSS', '06.123456789', 6123],
    ['ss.SSS', '06.1', 6100],
    ['ss.SSS', '06.1234', NONE],
    // a year takes what digits there are, unless a number follows
    ['yyyy-MM', '12024-02', Date.UTC(12024, 1, 1)],
    ['yyyyMMdd', '20240209', Date.UTC(2024, 1, 9)],
    ['yyyyMMdd', '120240209', NONE],
    // two digits: from 80 years back to 19 ahead; others are a year of their own where no number follows
    ['yy-MM-dd', '46-01-01', Date.UTC(1946, 0, 1)],
    ['yy-MM-dd', '45-01-01', Date.UTC(2045, 0, 1)],
    ['yy-MM-dd', '99-01-01', Date.UTC(1999, 0, 1)],
    ['yy-MM-dd', '2024-01-01', Date.UTC(2024, 0, 1)],
    ['yyMMdd', '240209', Date.UTC(2024, 1, 9)],
    ['hh:mm a', '12:30 am', Date.UTC(1970, 0, 1, 0, 30)],
    ['hh:mm a', '12:30 PM', Date.UTC(1970, 0, 1, 12, 30)],
    ['hh:mm a', '13:30 PM', NONE],
    ['kk', '24', 0],
    // the week begins on Monday: a day name that does not agree moves the day within its week
    ['EEE dd MMM yyyy', 'Mon 09 Feb 2024', Date.UTC(2024, 1, 5)],
    ['e yyyy-MM-dd', '7 2024-02-09', Date.UTC(2024, 1, 11)],
    ['d'.repeat(12), '000000000009', Date.UTC(1970, 0, 9)],
    ['d'.repeat(12), '004294967305', NONE],
    ['yyyy-MM-dd', '2024-02-30', NONE],
    ['yyyy-MM-dd', '2024-00-30', NONE],
    ['yyyy-MM-dd', '2024-02-09x', NONE],
    ['yyyy-MM-dd', 'x2024-02-09', NONE],
    ['yyyy-MM-dd', '', NONE],
    ['yyyy-MM-dd HH', '2024-02-09 24', NONE],
    ["''yyyy''", "'2024'", Date.UTC(2024, 0, 1)],
    ['yyyy年MM月', '2024年02月', Date.UTC(2024, 1, 1)],
    ['yyyy G', '0044 BC', Date.parse('-000043-01-01T00:00:00Z')],
  ])('%s reads %s', (pattern, text, time) => {
    expect(read(pattern, text)).toEqual([time])
  })

  it('tries patterns in their order, and java.sql.Timestamp.valueOf after all', () => {
    const formats = ['yyyy-dd-MM HH:mm:ss', 'yyyy/MM/dd']
    const texts = ['2024-02-09 04:05:06', '2024/02/09', '2024-02-19 04:05:06', '2024-2-19 4:5:6.25', '2024-02-09T04:05:06Z', '2024-02-09']
    expect(
      millis(
        formats,
        texts.map((text) => JSON.stringify(text)),
      ),
    ).toEqual([Date.UTC(2024, 8, 2, 4, 5, 6), Date.UTC(2024, 1, 9), Date.UTC(2024, 1, 19, 4, 5, 6), Date.UTC(2024, 1, 19, 4, 5, 6, 250), NONE, NONE])
  })

  it('reads milliseconds, numbers or text, their fraction cut off', () => {
    const texts = [
      '1518033528123',
      '"1518033528123"',
      '1518033528123.99',
      '-1',
      '-1.5',
      '0',
      '1e3',
      '"1."',
      '".5"',
      '"x"',
      '""',
      'true',
      '99999999999999999999',
      'null',
    ]
    expect(millis(['millis'], texts)).toEqual([1518033528123, 1518033528123, 1518033528123, -1, -1, 0, NONE, NONE, NONE, NONE, NONE, NONE, NONE, null])
    expect(millis(['yyyy'], ['2024', '1518033528123'])).toEqual([Date.UTC(2024, 0, 1), NONE])
  })

  it('without patterns takes valueOf alone, no number', () => {
    const exact = { exact: {} }
    const texts = [
      '"2024-02-09 04:05:06"',
      '"2024-2-9 4:5:6.5"',
      '"2024-02-09T04:05:06"',
      '"2024-02-09 04:05:06Z"',
      '"2024-02-09"',
      '1518033528',
      '1518033528.5',
    ]
    const at = BigInt(Date.UTC(2024, 1, 9, 4, 5, 6))
    for (const int96 of [false, true]) {
      const scale = int96 ? 1_000_000n : 1n
      const cells = scanValues(engine, { type: 'timestamp', int96, epoch: 'auto' }, texts, 'hive', exact)
      expect(cells.map((cell) => (typeof cell === 'bigint' ? cell : NONE))).toEqual([at * scale, (at + 500n) * scale, NONE, NONE, NONE, NONE, NONE])
    }
  })

  it('reads nothing behind the text, whatever stands there', () => {
    fc.assert(
      fc.property(
        // names of zones, which ZZZ and zzzz are, are refused
        fc
          .array(fc.constantFrom('yyyy', 'yy', 'MM', 'MMM', 'd', 'D', 'HH', 'h', 'a', 'SSS', 'Z', 'z', 'E', 'G', '-', "'T'", 'e', 'k'), {
            minLength: 1,
            maxLength: 6,
          })
          .filter((pieces) => !/ZZZ|zzzz/.test(pieces.join(''))),
        fc.string({ unit: fc.constantFrom(...'0123456789-:+TZjanfeb ') }),
        fc.string({ unit: fc.constantFrom(...'0123456789-:+TZjanfeb ') }),
        (pattern, text, more) => {
          const pieces = pattern.join('')
          const [alone] = read(pieces, text)
          // as a key of the next record the same bytes stand behind it
          const [before] = millis([pieces], [`${JSON.stringify(text)},"${more}":1`])
          expect(before).toEqual(alone)
        },
      ),
      { numRuns: 300 },
    )
  })
})

it('refuses what is no pattern, with its place', () => {
  const message = (formats: string[]) => {
    try {
      compiled(formats)
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(message(['yyyy', 'HH:mm Q'])).toBe(
    '"TimestampFormats[1] at 6" expected one of the letters G Y y M d D E e a H h K k m s S z Z, or text in quotes, got "Q"',
  )
  for (const pattern of ['xxxx', 'ww', 'CC', 'ZZZ', 'zzzz', 'yyyy-MM-ddTHH'])
    expect(message([pattern])).toMatch(/^"TimestampFormats\[0\] at \d+" expected one of/)
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { datePattern, PatternFault } from '../../../src/firehose/delivery/date-pattern.js'
import { readPrefix } from '../../../src/firehose/delivery/prefix.js'
import { momentOf, zoneOf } from '../../../src/firehose/delivery/zone.js'

const utc = zoneOf('UTC', 'zone')
/** 10:30 on 27 August 2018, the time of the guide's examples. */
const time = Date.UTC(2018, 7, 27, 10, 30)
const values = { time, zone: utc, randomString: () => '046b6c7f-0b', errorType: 'processing-failed' }

describe('a date pattern', () => {
  // Answers of java.time (JDK 17, Locale.US); null where it throws.
  const cases: { time: number; zone: string; pattern: string; text: string | null }[] = readFileSync(new URL('java-dates.ndjson', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

  it(`is what java.time makes of it, in ${cases.length} cases`, () => {
    const wrong = cases.filter(({ time, zone, pattern, text }) => {
      let ours: string | null
      try {
        ours = datePattern(pattern)(momentOf(time, zoneOf(zone, 'zone')))
      } catch (error) {
        if (!(error instanceof PatternFault)) throw error
        ours = null
      }
      return ours !== text
    })
    expect(wrong).toEqual([])
  })

  it('has the offsets of both sides of a clock change', () => {
    const at = (zone: string, ...day: [number, number, number, number, number]) =>
      datePattern("HH:mm 'is' XXX")(momentOf(Date.UTC(...day), zoneOf(zone, 'zone')))
    expect(at('Europe/Berlin', 2026, 2, 29, 0, 59)).toBe('01:59 is +01:00')
    expect(at('Europe/Berlin', 2026, 2, 29, 1, 0)).toBe('03:00 is +02:00')
    expect(at('Australia/Lord_Howe', 2026, 9, 3, 15, 29)).toBe('01:59 is +10:30')
    expect(at('Australia/Lord_Howe', 2026, 9, 3, 15, 30)).toBe('02:30 is +11:00')
  })
})

describe('a prefix', () => {
  it.each([
    ['', '2018/08/27/10/'],
    ['myFirehosePrefix', 'myFirehosePrefix2018/08/27/10/'],
    ['legacy/', 'legacy/2018/08/27/10/'],
    ['!{timestamp:yyyy/MM/dd}', '2018/08/27'],
    ['a/DeliveredYear=!{timestamp:yyyy}/rand=!{firehose:random-string}', 'a/DeliveredYear=2018/rand=046b6c7f-0b'],
    ["!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/", 'year=2018/month=08/day=27/hour=10/'],
    ['!{firehose:random-string}/', '046b6c7f-0b/'],
    ['c=!{partitionKeyFromQuery:c}/d=!{partitionKeyFromLambda:d}/', 'c=7/d=x y/2018/08/27/10/'],
  ])('%j becomes %j', (text, made) => {
    expect(readPrefix(text, 'prefix', 'Prefix').evaluate({ ...values, query: { c: '7' }, lambda: { d: 'x y' } })).toBe(made)
  })

  it.each([
    ['', 'processing-failed/2018/08/27/10/'],
    ['failures/', 'failures/processing-failed/2018/08/27/10/'],
    ['failures/!{firehose:error-output-type}/', 'failures/processing-failed/'],
    ['!{firehose:error-output-type}/!{timestamp:yyyy}/any', 'processing-failed/2018/any'],
  ])('for errors %j becomes %j', (text, made) => {
    expect(readPrefix(text, 'error', 'ErrorOutputPrefix').evaluate(values)).toBe(made)
  })

  it('gives a new random string each time, and the hour behind it where it is asked to', () => {
    let n = 0
    const given = { ...values, randomString: () => `random-${n++}` }
    expect(readPrefix('!{firehose:random-string}-!{firehose:random-string}/', 'prefix', 'Prefix', { afterRandom: true }).evaluate(given)).toBe(
      'random-0-random-1/2018/08/27/10/',
    )
  })

  it('takes its time from the zone', () => {
    expect(readPrefix('', 'prefix', 'Prefix').evaluate({ ...values, zone: zoneOf('Asia/Tokyo', 'CustomTimeZone') })).toBe('2018/08/27/19/')
    expect(() => zoneOf('Mars/Olympus', 'CustomTimeZone')).toThrow('"CustomTimeZone" expected an IANA time zone, got "Mars/Olympus"')
  })

  it('names the partition keys that it asks for', () => {
    const { queryKeys, lambdaKeys } = readPrefix('!{partitionKeyFromQuery:a}!{partitionKeyFromLambda:b}!{partitionKeyFromQuery:c}', 'prefix', 'Prefix')
    expect({ queryKeys, lambdaKeys }).toEqual({ queryKeys: ['a', 'c'], lambdaKeys: ['b'] })
  })

  it.each([
    ['prefix', 'a/!{timestamp:yyyy', 2, 'expected a } that ends the expression'],
    ['prefix', 'a/!{timestamp}/', 2, 'expected !{namespace:value}'],
    ['prefix', 'a/!{}/b:c', 2, 'expected !{namespace:value}'],
    ['prefix', 'a/!{timestamp:}/', 14, 'expected a value behind timestamp:'],
    ['prefix', 'a/!{time:yyyy}/', 4, 'expected one of timestamp, firehose, partitionKeyFromQuery, partitionKeyFromLambda, got "time"'],
    ['prefix', 'a/!{timestamp:yyyy/MM/ddd}/', 22, 'expected fewer or more letters d, got "ddd"'],
    ['prefix', "a/!{timestamp:'year=yyyy}/", 14, "expected a ' at the end of the quoted text"],
    ['prefix', 'a/!{timestamp:yyyy#}/', 18, 'expected the reserved character # in single quotes'],
    ['prefix', 'a/!{timestamp:year=yyyy}/', 17, 'expected one of the pattern letters'],
    ['prefix', 'a/!{firehose:uuid}/', 13, 'expected random-string, got "uuid"'],
    ['prefix', 'a/!{firehose:error-output-type}/', 13, 'expected error-output-type in ErrorOutputPrefix only'],
    ['error', 'a/!{firehose:error-output-type}!{partitionKeyFromLambda:b}', 31, 'expected no partitionKeyFromLambda in ErrorOutputPrefix'],
  ] as const)('%s %j is refused at %i', (kind, text, offset, message) => {
    let caught: unknown
    try {
      readPrefix(text, kind, 'P')
    } catch (error) {
      caught = error
    }
    expect(caught).toMatchObject({ code: 'CONFIG', position: { source: 'P', offset } })
    expect((caught as Error).message).toContain(message)
  })

  it('for errors has the error type where it has any expression', () => {
    expect(() => readPrefix('a/!{timestamp:yyyy}/', 'error', 'ErrorOutputPrefix')).toThrow('"ErrorOutputPrefix" expected !{firehose:error-output-type}')
  })

  it('has 512 characters at most once evaluated', () => {
    const prefix = readPrefix(`${'a'.repeat(500)}!{timestamp:yyyyMMddHHmmss}`, 'prefix', 'Prefix')
    expect(() => prefix.evaluate(values)).toThrow('"Prefix" expected at most 512 characters once evaluated, got 514')
  })
})

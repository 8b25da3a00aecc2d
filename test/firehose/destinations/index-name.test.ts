import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexName, ROTATION_PERIODS } from '../../../src/firehose/destinations/index-name.js'

const DAY = 86_400_000
const at = (iso: string) => Date.parse(iso)

describe('an index name', () => {
  it("is rotated as the guide's table has it", () => {
    const time = at('2016-02-25T13:00:00Z')
    expect(ROTATION_PERIODS.map((period) => indexName('myindex', period, time))).toEqual([
      'myindex',
      'myindex-2016-02-25-13',
      'myindex-2016-02-25',
      // The table says w08, which the guide's rule does not give.
      'myindex-2016-w09',
      'myindex-2016-02',
    ])
  })

  it.each([
    ['2015-12-26T23:59:59.999Z', '-2015-w52'],
    ['2015-12-27T00:00:00Z', '-2016-w01'],
    ['2016-01-02T23:59:59.999Z', '-2016-w01'],
    ['2016-01-03T00:00:00Z', '-2016-w02'],
    ['2016-12-31T12:00:00Z', '-2016-w53'],
    ['2017-01-01T00:00:00Z', '-2017-w01'],
    ['2020-08-13T00:00:00Z', '-2020-w33'],
    ['2028-12-30T00:00:00Z', '-2028-w53'],
    ['2028-12-31T00:00:00Z', '-2029-w01'],
  ])('of the week of %s is %s', (iso, suffix) => {
    expect(indexName('', 'OneWeek', at(iso))).toBe(suffix)
  })

  it('has the week that its Saturdays count', () => {
    fc.assert(
      fc.property(fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') }), (time) => {
        const saturday = new Date(time + (6 - new Date(time).getUTCDay()) * DAY)
        const year = saturday.getUTCFullYear()
        let week = 0
        for (let day = Date.UTC(year, 0, 1); day <= saturday.getTime(); day += DAY) if (new Date(day).getUTCDay() === 6) week++
        expect(indexName('i', 'OneWeek', time)).toBe(`i-${year}-w${String(week).padStart(2, '0')}`)
      }),
    )
  })

  it('is of UTC, whatever the hour', () => {
    expect(indexName('i', 'OneHour', at('2024-02-29T23:59:59.999Z'))).toBe('i-2024-02-29-23')
    expect(indexName('i', 'OneHour', at('2024-03-01T00:00:00Z'))).toBe('i-2024-03-01-00')
  })
})

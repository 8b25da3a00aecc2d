// An instant in a time zone, as the fields that a date pattern asks for. The zones' rules are those of
// the runtime (Intl, IANA).
import { outOfRange } from '../../errors.js'

/** Of a proleptic Gregorian calendar with a year 0, as java.time's. */
export interface Moment {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  /** 1 to 366. */
  dayOfYear: number
  /** 1 Monday to 7 Sunday. */
  weekday: number
  hour: number
  minute: number
  second: number
  millisecond: number
  /** Seconds east of UTC. */
  offset: number
  zone: string
}

/** Its offsets are right from 1583 on: before, Intl counts in the Julian calendar. */
export interface Zone {
  readonly id: string
  /** Seconds east of UTC at this instant. */
  offsetAt(time: number): number
}

const DAY = 86_400_000

/** A zone by its IANA name. Throws RangeError naming `label` for one that the runtime does not know. */
export function zoneOf(id: string, label: string): Zone {
  if (id === 'UTC' || id === 'GMT' || id === 'Z') return { id, offsetAt: () => 0 }
  let format: Intl.DateTimeFormat
  try {
    const digits = '2-digit'
    format = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
      timeZone: id,
      hourCycle: 'h23',
      month: digits,
      day: digits,
      hour: digits,
      minute: digits,
      second: digits,
    })
  } catch {
    throw outOfRange(label, 'an IANA time zone', id)
  }
  // Rules change on whole quarters of an hour at most: one reading serves all instants of such a quarter.
  let quarter = Number.NaN
  let offset = 0
  return {
    id,
    offsetAt(time) {
      const at = Math.floor(time / 900_000)
      if (at === quarter) return offset
      const second = Math.floor(time / 1000) * 1000
      const part = Object.fromEntries(format.formatToParts(second).map(({ type, value }) => [type, Number(value)]))
      // The year is not asked for: before year 1 it comes without its sign.
      const year = new Date(second).getUTCFullYear()
      const local = [year - 1, year, year + 1]
        .map((near) => utc(near, part.month, part.day) + 3_600_000 * part.hour + 60_000 * part.minute + 1000 * part.second)
        .sort((a, b) => Math.abs(a - second) - Math.abs(b - second))[0]
      quarter = at
      offset = (local - second) / 1000
      return offset
    },
  }
}

/** Date.UTC takes years below 100 for those of the twentieth century. */
function utc(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime()
}

/** `time`: milliseconds since the epoch. */
export function momentOf(time: number, zone: Zone): Moment {
  const offset = zone.offsetAt(time)
  const local = Math.floor(time) + 1000 * offset
  const date = new Date(local)
  const days = Math.floor(local / DAY)
  const year = date.getUTCFullYear()
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    dayOfYear: days - utc(year, 1, 1) / DAY + 1,
    weekday: ((((days + 3) % 7) + 7) % 7) + 1,
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    offset,
    zone: zone.id,
  }
}

/** Week of a US calendar: weeks begin on Sunday, and the first one of a year has its first day. */
export function weekOf({ year, dayOfYear, weekday }: Pick<Moment, 'year' | 'dayOfYear' | 'weekday'>): { year: number; week: number } {
  // Days since the Sunday that this week began with.
  const since = weekday % 7
  const length = leap(year) ? 366 : 365
  // The week that holds the next January 1 is that year's first.
  if (dayOfYear - since + 6 > length) return { year: year + 1, week: 1 }
  // Sunday on or before January 1 begins week 1.
  const first = (((weekday - dayOfYear + 1) % 7) + 7) % 7
  return { year, week: Math.floor((dayOfYear - 1 + first) / 7) + 1 }
}

const leap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

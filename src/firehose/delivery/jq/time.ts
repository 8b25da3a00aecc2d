// strftime, strptime, gmtime and mktime of jq 1.6: those of the C library in the locale C, in UTC.
import { DAYS as ISO_DAYS, MONTHS } from '../../calendar-names.js'
import { JqError, type Json } from './values.js'

/** From Sunday, as struct tm counts them. */
const DAYS = [...ISO_DAYS.slice(6), ...ISO_DAYS.slice(0, 6)]

/** [year, month from 0, day, hour, minute, second, weekday from Sunday, day of the year from 0]. */
type Broken = [number, number, number, number, number, number, number, number]

/** Broken down time of seconds since the epoch; the second keeps its fraction. */
export function gmtime(seconds: Json): Broken {
  if (typeof seconds !== 'number') throw new JqError('gmtime() requires a number')
  const date = new Date(Math.floor(seconds) * 1000)
  if (Number.isNaN(date.getTime())) throw new JqError('error converting number of seconds since epoch to datetime')
  const year = date.getUTCFullYear()
  const day = Math.floor((date.getTime() - dayNumber(year, 0, 1) * 86_400_000) / 86_400_000)
  const second = date.getUTCSeconds() + (seconds - Math.floor(seconds))
  return [year, date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), second, date.getUTCDay(), day]
}

/** Days since the epoch; the month may be any number. */
function dayNumber(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  return date.getTime() / 86_400_000
}

export function mktime(value: Json): number {
  const [year, month, day, hour, minute, second] = broken(value, 'mktime')
  const at = dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + Math.floor(second)
  if (!Number.isFinite(at)) throw new JqError('invalid gmtime representation')
  return at
}

/** Numbers are seconds since the epoch to strftime, as gmtime has them. */
function broken(value: Json, name: string): Broken {
  if (!Array.isArray(value) || value.length < 6) throw new JqError(`${name} requires array of 6 numbers`)
  const parts = value.slice(0, 8)
  if (!parts.every((part) => typeof part === 'number')) throw new JqError(`${name} requires parsed datetime inputs`)
  return [...parts, ...[0, 0].slice(parts.length - 6)] as Broken
}

const two = (value: number, fill = '0') => String(Math.floor(value)).padStart(2, fill)

/** Week of the year that begins on `first` (0 Sunday, 1 Monday); days before the first one are in week 0. */
const week = (weekday: number, yearDay: number, first: number) => Math.floor((yearDay + 7 - ((weekday - first + 7) % 7)) / 7)

/** ISO 8601's week and its year. */
function isoWeek(year: number, weekday: number, yearDay: number): [number, number] {
  const thursday = yearDay - ((weekday + 6) % 7) + 3
  if (thursday < 0) return [year - 1, Math.floor((thursday + yearLength(year - 1)) / 7) + 1]
  if (thursday >= yearLength(year)) return [year + 1, 1]
  return [year, Math.floor(thursday / 7) + 1]
}

const yearLength = (year: number) => dayNumber(year + 1, 0, 1) - dayNumber(year, 0, 1)

export function strftime(value: Json, format: Json): string {
  if (typeof format !== 'string') throw new JqError('strftime/1 requires a string format')
  const time = typeof value === 'number' ? gmtime(value) : value
  if (!Array.isArray(time)) throw new JqError('strftime/1 requires parsed datetime inputs')
  const [year, month, day, hour, minute, second, weekday, yearDay] = broken(time, 'strftime/1')
  const twelve = hour % 12 || 12
  const pieces: Record<string, () => string> = {
    Y: () => String(year),
    C: () => two(year / 100),
    y: () => two(((year % 100) + 100) % 100),
    m: () => two(month + 1),
    d: () => two(day),
    e: () => two(day, ' '),
    H: () => two(hour),
    k: () => two(hour, ' '),
    I: () => two(twelve),
    l: () => two(twelve, ' '),
    M: () => two(minute),
    S: () => two(second),
    j: () => String(yearDay + 1).padStart(3, '0'),
    p: () => (hour < 12 ? 'AM' : 'PM'),
    P: () => (hour < 12 ? 'am' : 'pm'),
    A: () => DAYS[weekday] ?? '?',
    a: () => DAYS[weekday]?.slice(0, 3) ?? '?',
    B: () => MONTHS[month] ?? '?',
    b: () => MONTHS[month]?.slice(0, 3) ?? '?',
    h: () => MONTHS[month]?.slice(0, 3) ?? '?',
    u: () => String(weekday || 7),
    w: () => String(weekday),
    U: () => two(week(weekday, yearDay, 0)),
    W: () => two(week(weekday, yearDay, 1)),
    V: () => two(isoWeek(year, weekday, yearDay)[1]),
    G: () => String(isoWeek(year, weekday, yearDay)[0]),
    g: () => two(isoWeek(year, weekday, yearDay)[0] % 100),
    s: () => String(mktime(time)),
    Z: () => 'UTC',
    z: () => '+0000',
    F: () => strftime(time, '%Y-%m-%d'),
    T: () => strftime(time, '%H:%M:%S'),
    R: () => strftime(time, '%H:%M'),
    D: () => strftime(time, '%m/%d/%y'),
    x: () => strftime(time, '%m/%d/%y'),
    X: () => strftime(time, '%H:%M:%S'),
    r: () => strftime(time, '%I:%M:%S %p'),
    c: () => strftime(time, '%a %b %e %H:%M:%S %Y'),
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
  }
  return format.replace(/%(.)/gsu, (whole, letter: string) => (Object.hasOwn(pieces, letter) ? pieces[letter]() : whole))
}

/** Broken down time of text in a format. Knows %Y %m %d %H %M %S %y %j %e %b %B %h %a %A %p %I %T %F %R %D %z %Z %n %t %%. */
export function strptime(value: Json, format: Json): Json[] {
  if (typeof value !== 'string') throw new JqError('strptime/1 requires string inputs and arguments')
  if (typeof format !== 'string') throw new JqError('strptime/1 requires string inputs and arguments')
  const mismatch = () => new JqError(`date does not match format ${JSON.stringify(format)}`)
  const found: Record<string, number> = {}
  let at = 0
  const spaces = () => {
    while (/\s/.test(value[at] ?? '')) at++
  }
  const number = (digits: number, least: number, most: number): number => {
    spaces()
    const [text] = /^\d+/.exec(value.slice(at, at + digits)) ?? ['']
    const read = Number(text)
    if (text === '' || read < least || read > most) throw mismatch()
    at += text.length
    return read
  }
  const word = (names: readonly string[]): number => {
    const rest = value.slice(at).toLowerCase()
    const index = names.findIndex((name) => rest.startsWith(name.slice(0, 3).toLowerCase()))
    if (index < 0) throw mismatch()
    at += rest.startsWith(names[index].toLowerCase()) ? names[index].length : 3
    return index
  }
  const expanded = format.replaceAll('%T', '%H:%M:%S').replaceAll('%R', '%H:%M').replaceAll('%F', '%Y-%m-%d').replaceAll('%D', '%m/%d/%y')
  for (let i = 0; i < expanded.length; i++) {
    const c = expanded[i]
    if (/\s/.test(c)) {
      spaces()
      continue
    }
    if (c !== '%') {
      if (value[at++] !== c) throw mismatch()
      continue
    }
    const letter = expanded[++i]
    if (letter === 'Y') found.year = number(4, 0, 9999)
    else if (letter === 'm') found.month = number(2, 1, 12) - 1
    else if (letter === 'd' || letter === 'e') found.day = number(2, 1, 31)
    else if (letter === 'H') found.hour = number(2, 0, 23)
    else if (letter === 'I') found.twelve = number(2, 1, 12)
    else if (letter === 'M') found.minute = number(2, 0, 59)
    else if (letter === 'S') found.second = number(2, 0, 61)
    else if (letter === 'j') found.yearDay = number(3, 1, 366) - 1
    else if (letter === 'y') {
      const short = number(2, 0, 99)
      found.year = short + (short < 69 ? 2000 : 1900)
    } else if (letter === 'b' || letter === 'B' || letter === 'h') found.month = word(MONTHS)
    else if (letter === 'a' || letter === 'A') found.weekday = word(DAYS)
    else if (letter === 'p') {
      const half = value.slice(at, at + 2).toUpperCase()
      if (half !== 'AM' && half !== 'PM') throw mismatch()
      found.afternoon = half === 'PM' ? 12 : 0
      at += 2
    } else if (letter === 'z') {
      // Read and not used, as jq 1.6 does on Linux.
      const [zone] = /^(?:Z|[+-]\d\d(?::?\d\d)?)/.exec(value.slice(at)) ?? []
      if (zone === undefined) throw mismatch()
      at += zone.length
    } else if (letter === 'Z') at += /^[A-Za-z]*/.exec(value.slice(at))?.[0].length ?? 0
    else if (letter === 'n' || letter === 't') spaces()
    else if (letter === '%') {
      if (value[at++] !== '%') throw mismatch()
    } else throw new JqError(`strptime/1 does not know %${letter ?? ''}`)
  }
  // What is behind white space is given as it is.
  if (at < value.length && !/\s/.test(value[at])) throw mismatch()
  return at < value.length ? [...completed(found), value.slice(at)] : completed(found)
}

/** Month and day of the day of the year or the other way round, and the weekday. */
function completed(found: Record<string, number>): Broken {
  const { year = 1900, hour, twelve, afternoon = 0, minute = 0, second = 0 } = found
  const byYearDay = found.yearDay !== undefined && found.month === undefined && found.day === undefined
  const number = byYearDay ? dayNumber(year, 0, 1 + found.yearDay) : dayNumber(year, found.month ?? 0, found.day ?? (found.month === undefined ? 0 : 1))
  const date = new Date(number * 86_400_000)
  const [month, day] = byYearDay ? [date.getUTCMonth(), date.getUTCDate()] : [found.month ?? 0, found.day ?? 0]
  const yearDay = found.yearDay ?? number - dayNumber(year, 0, 1)
  const hours = twelve === undefined ? (hour ?? 0) : (twelve % 12) + afternoon
  return [year, month, day, hours, minute, second, ((date.getUTCDay() % 7) + 7) % 7, yearDay]
}

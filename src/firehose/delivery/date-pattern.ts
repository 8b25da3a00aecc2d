// Patterns of java.time.format.DateTimeFormatter (DateTimeFormatterBuilder.appendPattern, JDK 8 to 17), in
// which Firehose writes the timestamps of its prefixes; formatting only, in the locale en-US.
import { DAYS, MONTHS } from '../calendar-names.js'
import { type Moment, weekOf } from './zone.js'

/** A date pattern that is not one. `at`: index of the character in the pattern. */
export class PatternFault extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

type Piece = (moment: Moment) => string

const NTH = ['1st', '2nd', '3rd', '4th']

const pad = (value: number, width: number) => (value < 0 ? `-${String(-value).padStart(width, '0')}` : String(value).padStart(width, '0'))
const quarter = ({ month }: Moment) => Math.ceil(month / 3)
const milliOfDay = ({ hour, minute, second, millisecond }: Moment) => ((hour * 60 + minute) * 60 + second) * 1000 + millisecond
/** 1 Sunday to 7 Saturday. */
const usWeekday = ({ weekday }: Moment) => (weekday % 7) + 1
/** Of the month, in a US calendar: the week of its first day is the first one. */
const weekOfMonth = ({ day, weekday }: Moment) => {
  const first = (((weekday - day + 1) % 7) + 7) % 7
  return Math.floor((day - 1 + first) / 7) + 1
}

/** Numbers of one or two digits, a letter for each. */
const NUMBERS: Record<string, (moment: Moment) => number> = {
  d: ({ day }) => day,
  h: ({ hour }) => ((hour + 11) % 12) + 1,
  H: ({ hour }) => hour,
  k: ({ hour }) => ((hour + 23) % 24) + 1,
  K: ({ hour }) => hour % 12,
  m: ({ minute }) => minute,
  s: ({ second }) => second,
  w: (moment) => weekOf(moment).week,
}

/** Numbers of as many digits as there are letters. */
const WIDE: Record<string, (moment: Moment) => number> = {
  A: milliOfDay,
  n: ({ millisecond }) => millisecond * 1_000_000,
  N: (moment) => milliOfDay(moment) * 1_000_000,
}

function year(count: number, of: (moment: Moment) => number): Piece {
  if (count === 2) return (moment) => pad(Math.abs(of(moment)) % 100, 2)
  if (count < 4) return (moment) => pad(of(moment), count)
  return (moment) => {
    const value = of(moment)
    return `${value >= 10 ** count ? '+' : ''}${pad(value, count)}`
  }
}

/** Seconds east of UTC as X, x and Z write them. `zero`: what stands for none; `least`: hours alone where the minutes are none. */
function offset(
  seconds: number,
  { colon, minutes, withSeconds, zero }: { colon: boolean; minutes: 'always' | 'needed'; withSeconds: boolean; zero: string },
): string {
  if (seconds === 0) return zero
  const total = Math.abs(seconds)
  const parts = [Math.floor(total / 3600)]
  const minute = Math.floor(total / 60) % 60
  if (minutes === 'always' || minute > 0) parts.push(minute)
  if (withSeconds && total % 60 > 0) parts.push(total % 60)
  return (seconds < 0 ? '-' : '+') + parts.map((part) => pad(part, 2)).join(colon ? ':' : '')
}

/** GMT, GMT+8 or GMT+08:00. */
function gmt(seconds: number, full: boolean): string {
  if (seconds === 0) return 'GMT'
  const total = Math.abs(seconds)
  const rest = [Math.floor(total / 60) % 60, total % 60]
  const hour = String(Math.floor(total / 3600)).padStart(full ? 2 : 1, '0')
  const minutes = full || rest[0] > 0 || rest[1] > 0 ? `:${pad(rest[0], 2)}` : ''
  return `GMT${seconds < 0 ? '-' : '+'}${hour}${minutes}${rest[1] > 0 ? `:${pad(rest[1], 2)}` : ''}`
}

const OFFSETS = [
  { colon: false, minutes: 'needed', withSeconds: false },
  { colon: false, minutes: 'always', withSeconds: false },
  { colon: true, minutes: 'always', withSeconds: false },
  { colon: false, minutes: 'always', withSeconds: true },
  { colon: true, minutes: 'always', withSeconds: true },
] as const

function text(names: readonly string[], count: number, of: (moment: Moment) => number): Piece {
  if (count === 5) return (moment) => names[of(moment) - 1].slice(0, 1)
  return (moment) => (count === 4 ? names[of(moment) - 1] : names[of(moment) - 1].slice(0, 3))
}

/** What so many of a letter stand for; undefined where that is nothing. */
function pieceOf(letter: string, count: number): Piece | undefined {
  if (letter in NUMBERS) return count <= 2 ? (moment) => pad(NUMBERS[letter](moment), count) : undefined
  if (letter in WIDE) return count <= 19 ? (moment) => pad(WIDE[letter](moment), count) : undefined
  switch (letter) {
    case 'G':
      if (count > 5) return undefined
      return ({ year }) => (count === 4 ? ['Before Christ', 'Anno Domini'] : count === 5 ? ['B', 'A'] : ['BC', 'AD'])[year > 0 ? 1 : 0]
    case 'u':
      return count <= 10 ? year(count, (moment) => moment.year) : undefined
    case 'y':
      return count <= 10 ? year(count, (moment) => (moment.year > 0 ? moment.year : 1 - moment.year)) : undefined
    case 'Y':
      return count <= 10 ? year(count, (moment) => weekOf(moment).year) : undefined
    case 'Q':
    case 'q':
      if (count > 5) return undefined
      return (moment) => (count === 3 ? `Q${quarter(moment)}` : count === 4 ? `${NTH[quarter(moment) - 1]} quarter` : pad(quarter(moment), count === 2 ? 2 : 1))
    case 'M':
    case 'L':
      if (count > 5) return undefined
      return count <= 2 ? ({ month }) => pad(month, count) : text(MONTHS, count, ({ month }) => month)
    case 'D':
      return count <= 3 ? ({ dayOfYear }) => pad(dayOfYear, count) : undefined
    case 'E':
      return count <= 5 ? text(DAYS, count, ({ weekday }) => weekday) : undefined
    case 'e':
    case 'c':
      if (count > 5 || (letter === 'c' && count === 2)) return undefined
      return count <= 2 ? (moment) => pad(usWeekday(moment), count) : text(DAYS, count, ({ weekday }) => weekday)
    case 'F':
      return count === 1 ? ({ day }) => String(((day - 1) % 7) + 1) : undefined
    case 'W':
      return count === 1 ? (moment) => String(weekOfMonth(moment)) : undefined
    case 'a':
      return count === 1 ? ({ hour }) => (hour < 12 ? 'AM' : 'PM') : undefined
    case 'S':
      return count <= 9 ? ({ millisecond }) => `${pad(millisecond, 3)}000000`.slice(0, count) : undefined
    case 'V':
      return count === 2 ? ({ zone }) => zone : undefined
    case 'O':
      return count === 1 || count === 4 ? (moment) => gmt(moment.offset, count === 4) : undefined
    case 'X':
    case 'x': {
      if (count > 5) return undefined
      const style = OFFSETS[count - 1]
      const zero = letter === 'X' ? 'Z' : count === 1 ? '+00' : style.colon ? '+00:00' : '+0000'
      return (moment) => offset(moment.offset, { ...style, zero })
    }
    case 'Z':
      if (count === 4) return (moment) => gmt(moment.offset, true)
      if (count > 5) return undefined
      return (moment) => offset(moment.offset, count === 5 ? { ...OFFSETS[4], zero: 'Z' } : { ...OFFSETS[1], zero: '+0000' })
    default:
      return undefined
  }
}

const LETTERS = 'GuyYQqMLDdEecFWawhHkKmsASnNVOXxZ'

/** A pattern as a function of the moment. Throws PatternFault. */
export function datePattern(pattern: string): Piece {
  const pieces: Piece[] = []
  /** Places of the open [. */
  const open: number[] = []
  let literal = ''
  let padTo = 0
  const add = (piece: Piece) => {
    if (literal !== '') {
      const own = literal
      pieces.push(() => own)
      literal = ''
    }
    const width = padTo
    pieces.push(width > 0 ? (moment) => padded(piece(moment), width, pattern) : piece)
    padTo = 0
  }
  for (let at = 0; at < pattern.length; ) {
    const c = pattern[at]
    if (/[A-Za-z]/.test(c)) {
      let end = at
      while (pattern[end] === c) end++
      if (c === 'p') {
        if (!/[A-Za-z]/.test(pattern[end] ?? '')) throw new PatternFault(`expected a letter behind the padding ${JSON.stringify(pattern.slice(at, end))}`, at)
        padTo = end - at
      } else {
        const piece = pieceOf(c, end - at)
        if (!piece) {
          const expected = LETTERS.includes(c) ? `fewer or more letters ${c}` : `one of the pattern letters ${LETTERS}, or text in single quotes`
          throw new PatternFault(`expected ${expected}, got ${JSON.stringify(pattern.slice(at, end))}`, at)
        }
        add(piece)
      }
      at = end
    } else if (c === "'") {
      let end = at + 1
      let text = ''
      for (; pattern[end] !== "'" || pattern[end + 1] === "'"; end++) {
        if (end >= pattern.length) throw new PatternFault("expected a ' at the end of the quoted text", at)
        text += pattern[end]
        if (pattern[end] === "'") end++
      }
      literal += text === '' ? "'" : text
      at = end + 1
    } else if (c === '[' || c === ']') {
      // Optional sections: all there is of a moment can be written.
      if (c === ']' && open.pop() === undefined) throw new PatternFault('expected a [ before the ]', at)
      if (c === '[') open.push(at)
      at++
    } else if (c === '{' || c === '}' || c === '#') {
      throw new PatternFault(`expected the reserved character ${c} in single quotes`, at)
    } else {
      literal += c
      at++
    }
  }
  if (literal !== '') add(() => '')
  return (moment) => {
    let out = ''
    for (const piece of pieces) out += piece(moment)
    return out
  }
}

function padded(text: string, width: number, pattern: string): string {
  if (text.length > width) throw new PatternFault(`expected at most ${width} characters to pad, got ${text.length}`, pattern.indexOf('p'))
  return text.padStart(width)
}

// Patterns of Joda-Time's DateTimeFormat (its class comment; DateTimeFormat.parsePatternTo), compiled into the
// steps that the core reads text by (assembly/columnar/patterns.ts), where what they mean is written down.
import { outOfRange } from '../../errors.js'
import { DAYS, MONTHS } from '../calendar-names.js'

const NUMBER = 1
const PIVOT = 2
const FRACTION = 3
const TEXT = 4
const OFFSET = 5
const MILLIS = 6
const FIELD = { none: 0, year: 1, month: 2, day: 3, dayOfYear: 4, weekday: 5, era: 6, hour: 7, halfHour: 8, half: 9, minute: 10, second: 11 } as const

/** Of one zone, however written; other names take a time zone database. */
const UTC = ['UTC', 'GMT', 'UT']

/** Most digits, field, least, most, modulus. Each takes at least as many digits as it has letters. */
const NUMBERS: Record<string, [number, number, number, number, number]> = {
  M: [2, FIELD.month, 1, 12, 0],
  d: [2, FIELD.day, 1, 31, 0],
  D: [3, FIELD.dayOfYear, 1, 366, 0],
  e: [1, FIELD.weekday, 1, 7, 0],
  H: [2, FIELD.hour, 0, 23, 0],
  k: [2, FIELD.hour, 1, 24, 24],
  K: [2, FIELD.halfHour, 0, 11, 0],
  h: [2, FIELD.halfHour, 1, 12, 12],
  m: [2, FIELD.minute, 0, 59, 0],
  s: [2, FIELD.second, 0, 59, 0],
}
/** What may follow a year directly, which then takes no further digit. */
const NUMERIC = /^(?:[cCxyYdhHmsSeDFwWkK]|M{1,2}(?!M))/
const KNOWN = 'one of the letters G Y y M d D E e a H h K k m s S z Z, or text in quotes'

/**
 * `formats` in their order: patterns, or the word `millis`. Two digits of a year are of the hundred years
 * that begin 80 before `year`. Week years (x, w), centuries (C), and names of zones but for UTC, GMT and
 * UT (ZZZ, zzzz) are refused. Throws TypeError or RangeError with the place in the pattern.
 */
export function compilePatterns(formats: readonly string[], label: string, year: number): Uint8Array {
  const steps = formats.flatMap((format, i) => {
    const at = `${label}[${i}]`
    return format === 'millis' ? [MILLIS, 0] : [...compile(format, at, year), 0]
  })
  return Uint8Array.from([...steps, 0])
}

function compile(pattern: string, label: string, year: number): number[] {
  const steps: number[] = []
  for (let at = 0; at < pattern.length; ) {
    const token = tokenAt(pattern, at)
    steps.push(...(token.letter ? stepOf(token.letter, token.end - at, pattern.slice(token.end), `${label} at ${at}`, year) : literal(token.text)))
    at = token.end
  }
  return steps
}

/** A run of one letter, or text up to the next letter that stands outside of quotes; two quotes are one that is text. */
function tokenAt(pattern: string, start: number): { letter?: string; text: string; end: number } {
  const run = /^([A-Za-z])\1*/.exec(pattern.slice(start))
  if (run) return { letter: run[1], text: '', end: start + run[0].length }
  let text = ''
  let quoted = false
  let end = start
  for (; end < pattern.length; end++) {
    const c = pattern[end]
    if (c !== "'") {
      if (!quoted && /[A-Za-z]/.test(c)) break
      text += c
    } else if (pattern[end + 1] === "'") {
      text += c
      end++
    } else quoted = !quoted
  }
  return { text, end }
}

function stepOf(letter: string, count: number, rest: string, label: string, year: number): number[] {
  switch (letter) {
    case 'y':
    case 'Y': {
      const packed = NUMERIC.test(rest)
      if (count === 2) return [PIVOT, packed ? 2 : 9, ...bytesOf(year - 80, 4)]
      return numberStep([packed ? count : 9, FIELD.year, 0, 0, 0])
    }
    case 'M':
      if (count > 2) return textStep(FIELD.month, 1, 12, withShort(MONTHS))
      break
    case 'E':
      return textStep(FIELD.weekday, 1, 7, withShort(DAYS))
    case 'a':
      return textStep(FIELD.half, 0, 2, ['AM', 'PM'])
    case 'G':
      return textStep(FIELD.era, 0, 2, ['BCE', 'CE', 'BC', 'AD'])
    case 'S':
      return [FRACTION, Math.min(count, 255)]
    case 'Z':
      if (count < 3) return [OFFSET]
      break
    case 'z':
      if (count < 4) return textStep(FIELD.none, 0, 1, UTC)
  }
  const known = Object.hasOwn(NUMBERS, letter) ? NUMBERS[letter] : undefined
  if (!known) throw outOfRange(label, KNOWN, letter.repeat(count))
  return numberStep([Math.max(known[0], Math.min(count, 255)), ...known.slice(1)])
}

function numberStep([digits, field, least, most, modulus]: number[]): number[] {
  return [NUMBER, digits, field, ...bytesOf(least, 2), ...bytesOf(most, 2), modulus]
}

/** Little-endian. */
function bytesOf(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => (value >> (8 * i)) & 0xff)
}

/** The whole names first, for the short ones begin them. */
const withShort = (names: readonly string[]) => [...names, ...names.map((name) => name.slice(0, 3))]

function textStep(field: number, base: number, period: number, names: readonly string[]): number[] {
  return [TEXT, field, base, period, names.length, ...names.flatMap((name) => [name.length, ...encoder.encode(name.toLowerCase())])]
}

const encoder = new TextEncoder()

/** Letters in literal text fit whatever their case, those of ASCII here. */
function literal(text: string): number[] {
  const bytes = encoder.encode(text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()))
  const steps: number[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255)
    steps.push(TEXT, FIELD.none, 0, 1, 1, piece.length, ...piece)
  }
  return steps
}

// Files of NDJSON that stages write and read back: lines with their places, fields with what they must be.
import { kindOf, MillraceError, type Position } from '../errors.js'
import type { FileReader } from '../ports/ports.js'

/** What a field must be, in words and as a test. */
export type Test = [expected: string, holds: (value: unknown) => boolean]
export const TEXT: Test = ['a string', (value) => typeof value === 'string']
export const COUNT: Test = ['a whole number', (value) => Number.isSafeInteger(value) && (value as number) >= 0]
export const matching = (expected: string, pattern: RegExp): Test => [expected, (value) => typeof value === 'string' && pattern.test(value)]

type Fields = Record<string, Test>

/**
 * The object of a line, or what is wrong with it. `fields`: by its member `type`, what must be there;
 * `optional`: what else must be right where it is there. Others are let through, as later versions may have them.
 */
export function parseLine<T extends { type: string }>(text: string, fields: Record<T['type'], Fields>, optional: Fields): T | string {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text)
  } catch {
    return 'expected a JSON object'
  }
  if (typeof value !== 'object' || value === null) return `expected a JSON object, got ${kindOf(value)}`
  const type = value.type
  if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return `"type" expected one of ${Object.keys(fields).join(', ')}, got ${kindOf(type)}`
  for (const [field, [expected, holds]] of Object.entries(fields[type as T['type']])) {
    if (!Object.hasOwn(value, field) || !holds(value[field])) return `"${field}" expected ${expected}, got ${kindOf(value[field])}`
  }
  for (const [field, [expected, holds]] of Object.entries(optional)) {
    if (Object.hasOwn(value, field) && !holds(value[field])) return `"${field}" expected ${expected}, got ${kindOf(value[field])}`
  }
  return value as unknown as T
}

/** A line without its newline, and the bytes it takes in the file with it. */
export interface Line {
  bytes: Uint8Array
  start: number
  end: number
  /** Whether a newline ends it. */
  ended: boolean
}

// A path has at most a few KB; what goes on beyond this is no line of ours.
const LONGEST = 1 << 20

const PIECE = 1 << 16

/**
 * The lines of a file in order, the bytes of each valid until the next is asked for; ends with a line that is longer than 1 MiB, which
 * is then not `ended`.
 */
export async function* splitLines(file: FileReader): AsyncGenerator<Line> {
  // one buffer for all: a new one for each piece is garbage as large as the file, and more than is collected in time
  let buffer = new Uint8Array(2 * PIECE)
  let filled = 0
  /** Where the buffer begins in the file. */
  let base = 0
  for (;;) {
    if (filled > buffer.length - PIECE) {
      const larger = new Uint8Array(2 * buffer.length)
      larger.set(buffer)
      buffer = larger
    }
    const got = await file.read(buffer.subarray(filled, filled + PIECE), base + filled)
    const text = buffer.subarray(0, filled + got)
    let from = 0
    for (let next = text.indexOf(10, filled); next >= 0; next = text.indexOf(10, from)) {
      yield { bytes: text.subarray(from, next), start: base + from, end: base + next + 1, ended: true }
      from = next + 1
    }
    buffer.copyWithin(0, from, text.length)
    filled = text.length - from
    base += from
    if (got === 0 || filled > LONGEST) break
  }
  if (filled > 0) yield { bytes: buffer.subarray(0, filled), start: base, end: base + filled, ended: false }
}

// a name may begin with what is a byte order mark at the head of the file
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a line. Throws CORRUPT with its place where it is no UTF-8 or has over 1 MiB. */
export function textOf({ bytes, start, ended }: Line, position: Position): string {
  if (!ended && bytes.length > LONGEST) throw new MillraceError('CORRUPT', 'expected a line of at most 1 MiB', { position })
  try {
    const text = decoder.decode(bytes)
    return start === 0 && text.startsWith('\uFEFF') ? text.slice(1) : text
  } catch {
    throw new MillraceError('CORRUPT', 'expected UTF-8', { position })
  }
}

const encoder = new TextEncoder()

/** Lines as they stand in the file. */
export function formatLines(lines: readonly object[]): Uint8Array {
  return encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

// Rows as parquetjs-lite takes them (lib/shred.js, lib/types.js) -> lines of JSON. Its leniency is kept:
// numbers may be text, a single value may stand in an array. What it writes wrongly is not: integers keep
// every bit, and what it cuts to a number that nobody wrote (parseInt of a date's text is its year) is refused.
import { toBase64 } from '../engine/base64.js'
import { MillraceError } from '../errors.js'
import type { ParquetJsType, SchemaDefinition } from './parquetjs-schema.js'

const DAY = 86_400_000

/** Gives the line of a row; throws BAD_INPUT, in the words that parquetjs throws. */
export function rowText(schema: SchemaDefinition): (row: unknown) => string {
  return (row) => {
    if (typeof row !== 'object' || row === null) throw refused(`expected a row, got ${row}`)
    return groupText(schema, row as Record<string, unknown>)
  }
}

function refused(message: string): MillraceError {
  return new MillraceError('BAD_INPUT', message)
}

function groupText(schema: SchemaDefinition, record: Record<string, unknown>): string {
  let text = ''
  for (const name of Object.keys(schema)) {
    const { optional, repeated } = schema[name]
    const value = name in Object.prototype && !Object.hasOwn(record, name) ? undefined : record[name]
    const values = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
    if (values.length === 0 && !optional && !repeated) throw refused(`missing required field: ${name}`)
    if (values.length > 1 && !repeated) throw refused(`too many values for field: ${name}`)
    const cell = repeated
      ? `[${values.map((one) => valueText(schema, name, one)).join(',')}]`
      : values.length === 0
        ? 'null'
        : valueText(schema, name, values[0])
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${cell}`
  }
  return `{${text}}`
}

function valueText(schema: SchemaDefinition, name: string, value: unknown): string {
  const { fields, type } = schema[name]
  if (!fields) return leafText(name, type as ParquetJsType, value)
  if (typeof value !== 'object' || value === null) throw refused(`invalid value for field ${name}: expected an object`)
  return groupText(fields, value as Record<string, unknown>)
}

/** Of the years 0 to 9999, which the engine's dates are of. */
const FIRST_DAY = -719528n
const LAST_DAY = 2932896n

/** Least and greatest value of each type of whole numbers. */
const RANGE: Partial<Record<ParquetJsType, [bigint, bigint]>> = {
  INT32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  INT_8: [-128n, 127n],
  INT_16: [-32768n, 32767n],
  INT_32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT_64: [-(2n ** 63n), 2n ** 63n - 1n],
  UINT_8: [0n, 255n],
  UINT_16: [0n, 65535n],
  UINT_32: [0n, 2n ** 32n - 1n],
  UINT_64: [0n, 2n ** 64n - 1n],
  DATE: [0n, LAST_DAY],
  // of a day, as the format has it
  TIME_MILLIS: [0n, BigInt(DAY) - 1n],
  TIME_MICROS: [0n, BigInt(DAY) * 1000n - 1n],
  TIMESTAMP_MILLIS: [0n, 2n ** 63n - 1n],
  TIMESTAMP_MICROS: [0n, 2n ** 63n - 1n],
}

/** What a Date is in each type that takes one: whole days, or the unit. */
const OF_DATE: Partial<Record<ParquetJsType, (time: number) => bigint>> = {
  DATE: (time) => BigInt(Math.floor(time / DAY)),
  TIMESTAMP_MILLIS: (time) => BigInt(time),
  TIMESTAMP_MICROS: (time) => BigInt(time) * 1000n,
}

function leafText(name: string, type: ParquetJsType, value: unknown): string {
  const invalid = (expected: string) =>
    refused(`invalid value for ${type.replace(/^(U?INT)_/, '$1')}: ${shown(value)}; field ${JSON.stringify(name)} expected ${expected}`)
  switch (type) {
    case 'BOOLEAN':
      if (value === null || value === undefined) throw invalid('any value but none')
      return value ? 'true' : 'false'
    case 'FLOAT':
    case 'DOUBLE': {
      const number = numberOf(value)
      if (number === undefined) throw invalid('a number')
      const kept = type === 'FLOAT' ? Math.fround(number) : number
      // no double reaches 1e999
      return Object.is(kept, -0) ? '-0.0' : Number.isFinite(kept) ? `${kept}` : `${kept < 0 ? '-' : ''}1e999`
    }
    case 'UTF8':
    case 'ENUM': {
      const text = stringOf(value instanceof Date || value instanceof String ? String(value) : bytesOf(value))
      if (text === undefined) throw invalid('a string, a Date or UTF-8 bytes')
      return JSON.stringify(text)
    }
    case 'JSON': {
      const text = jsonOf(value)
      // null is no value of a json column: of a required one it would end the file
      if (text === undefined || text === 'null') throw invalid('a value that JSON.stringify() has text for other than null')
      if (deeper(text, JSON_LEVELS)) throw invalid(`at most ${JSON_LEVELS} levels of nesting`)
      return text
    }
    case 'BYTE_ARRAY': {
      const bytes = bytesOf(value)
      if (bytes === undefined) throw invalid('bytes or a string')
      return `"${toBase64(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)}"`
    }
  }
  const ofDate = OF_DATE[type]
  if (ofDate && value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalid('a valid Date')
    const count = ofDate(value.getTime())
    if (type === 'DATE' && (count < FIRST_DAY || count > LAST_DAY)) throw invalid('a Date of the years 0 to 9999')
    return `${count}`
  }
  const [least, most] = RANGE[type] as [bigint, bigint]
  const whole = wholeOf(value, !BIGINT.includes(type))
  if (whole === undefined || whole < least || whole > most) throw invalid(`${ofDate ? 'a Date or ' : ''}a whole number from ${least} to ${most}`)
  return `${whole}`
}

const WHOLE = /^\s*([+-]?)(\d{1,40})(\.0*)?\s*$/
const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+|Infinity)(?:[eE][+-]?\d+)?\s*$/

/** Types that parquetjs reads by BigInt(). */
const BIGINT: readonly ParquetJsType[] = ['INT64', 'TIME_MICROS', 'TIMESTAMP_MICROS']

/** A whole number, or what is one as text; `pointed`: 1.0 is. */
function wholeOf(value: unknown, pointed: boolean): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  const digits = WHOLE.exec(textOf(value) ?? '')
  return digits && (pointed || digits[3] === undefined) ? BigInt(digits[2]) * (digits[1] === '-' ? -1n : 1n) : undefined
}

/** A number that is one, or its text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value
  const text = textOf(value) ?? ''
  return DECIMAL.test(text) ? Number.parseFloat(text) : undefined
}

/** As Buffer.from() takes it, where that keeps all of it. */
function bytesOf(value: unknown): string | Uint8Array | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = value as Uint8Array
    return BYTES_PER_ELEMENT === 1 ? new Uint8Array(buffer, byteOffset, byteLength) : undefined
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  // a Buffer that was JSON in between
  const { type, data } = value as { type?: unknown; data?: unknown }
  if (type !== 'Buffer' || !Array.isArray(data)) return undefined
  return data.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255) ? Uint8Array.from(data) : undefined
}

/** Well-formed Unicode: what stands for a lone surrogate is Buffer's choice too. */
function stringOf(value: string | Uint8Array | undefined): string | undefined {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value) ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value
  if (value === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    return undefined
  }
}

/** Undefined also for what JSON.stringify() throws at: a bigint, what holds itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined
  } catch {
    return undefined
  }
}

/** The engine takes 256, of which those of the fields around the value are some. */
const JSON_LEVELS = 200

/** Whether JSON text is nested deeper than so. */
function deeper(text: string, levels: number): boolean {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length && text.length > 2 * levels; at++) {
    const c = text.charCodeAt(at)
    if (quoted && c === 0x5c) at++
    else if (c === 0x22) quoted = !quoted
    else if (!quoted && (c === 0x7b || c === 0x5b) && ++depth > levels) return true
    else if (!quoted && (c === 0x7d || c === 0x5d)) depth--
  }
  return false
}

/** Undefined for what has no text, such as an object without a prototype. */
function textOf(value: unknown): string | undefined {
  try {
    return String(value)
  } catch {
    return undefined
  }
}

/** As parquetjs shows it, but no more than the beginning. */
function shown(value: unknown): string {
  const text = textOf(value) ?? 'an object'
  return text.length > 40 ? `${text.slice(0, 40)}...` : text
}

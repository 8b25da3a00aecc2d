// Why the scan refused a record, in words.
import * as core from './core.js'
import type { Subject } from './groups.js'

/** Why a record is bad. */
export interface Reason {
  /** What was expected, what was found; without the position. */
  message: string
  /** The same in one word, to be counted by. */
  reason: string
  /** Of a value that does not fit: whose, as a path. */
  column?: string
}

const OF_TEXT: Record<number, string> = {
  [core.JSON_SYNTAX]: 'syntax',
  [core.JSON_LINE_ENDS]: 'truncated',
  [core.JSON_TEXT_ENDS]: 'truncated',
  [core.JSON_ARRAY_ENDS]: 'truncated',
  [core.JSON_CONTROL]: 'control',
  [core.JSON_ESCAPE]: 'escape',
  [core.JSON_DEPTH]: 'depth',
  [core.JSON_UTF8]: 'utf8',
  [core.JSON_NOT_OBJECT]: 'not-object',
  [core.JSON_TRAILING]: 'trailing',
  [core.JSON_SEPARATOR]: 'separator',
  [core.JSON_TYPED]: 'typed',
  [core.JSON_NO_ITEM]: 'no-item',
}
const OF_COLUMN: Record<number, string> = {
  [core.JSON_MISSING]: 'missing',
  [core.JSON_NULL]: 'null',
  [core.JSON_TYPE]: 'type',
  [core.JSON_FRACTION]: 'fraction',
  [core.JSON_RANGE]: 'range',
  [core.JSON_TIME]: 'time',
  [core.JSON_NUMBER]: 'number',
  [core.JSON_SCALE]: 'scale',
  [core.JSON_PRECISION]: 'precision',
  [core.JSON_DATE]: 'date',
  [core.JSON_CLOCK]: 'time',
  [core.JSON_UUID]: 'uuid',
  [core.JSON_BASE64]: 'base64',
  [core.JSON_HEX]: 'hex',
  [core.JSON_SURROGATE]: 'surrogate',
  [core.JSON_UNKNOWN]: 'unknown',
}

/** The reason for `detail` as scanRows() reports it, `at` the address of the byte that it points at, `end` of that behind the record. */
export function reasonOf(detail: number, bytes: Uint8Array, at: number, end: number, subjects: readonly Subject[]): Reason {
  const message = words(detail, bytes, at, end, subjects)
  const ofText = OF_TEXT[detail & 0xff]
  return ofText ? { message, reason: ofText } : { message, reason: OF_COLUMN[detail & 0xff], column: subjects[detail >>> 8].path }
}

/** What a column of the type takes, where its name alone does not say so. */
const EXPECTED: Record<string, string> = { struct: 'an object', list: 'an array', map: 'an object' }

function words(detail: number, bytes: Uint8Array, at: number, end: number, subjects: readonly Subject[]): string {
  const byte = bytes[at]
  const { path, type, leaf } = subjects[detail >>> 8]
  const column = `column ${JSON.stringify(path)}`
  const expected = EXPECTED[type] ?? type
  switch (detail & 0xff) {
    case core.JSON_LINE_ENDS:
      return 'expected the record to end on its line, got the end of the line'
    case core.JSON_TEXT_ENDS:
      return 'expected the document to end, got the end of the input'
    case core.JSON_ARRAY_ENDS:
      return 'expected "]" behind the objects, got the end of the input'
    case core.JSON_SEPARATOR:
      return `expected "," or "]" behind an object of the array, got ${shown(byte)}`
    case core.JSON_TYPED:
      return `expected a value as DynamoDB types it, such as {"S":"x"} or {"N":"5"}, got ${kind(byte)}`
    case core.JSON_NO_ITEM:
      return `expected an item as DynamoDB types it, "Item" or "NewImage", got ${kind(byte)}`
    case core.JSON_CONTROL:
      return `expected an escape, got control character ${hex(byte)} in a string`
    case core.JSON_ESCAPE:
      return `expected an escape of JSON (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX), got ${shown(byte)}`
    case core.JSON_DEPTH:
      return `expected at most ${core.MAX_DEPTH} levels of nesting, got more`
    case core.JSON_UTF8:
      return `expected UTF-8, got byte ${hex(byte)}`
    case core.JSON_NOT_OBJECT:
      return `expected a JSON object, got ${other(bytes, at, end)}`
    case core.JSON_TRAILING:
      return `expected the end of the line or a further object behind the record, got ${shown(byte)}`
    case core.JSON_MISSING:
      return `${column} expected ${expected}, got no such member`
    case core.JSON_NULL:
      return `${column} expected ${expected}, got null`
    case core.JSON_TYPE:
      return `${column} expected ${expected}, got ${isNaNText(bytes, at) ? 'NaN' : kind(byte)}`
    case core.JSON_FRACTION:
      return `${column} expected ${expected}, got a number that is not whole`
    case core.JSON_RANGE:
      return `${column} expected ${expected}, got a number out of its range`
    case core.JSON_TIME:
      return `${column} expected ${expected}, got a string that is no ISO 8601 time or out of range of ${leaf?.unit ?? 'ms'}`
    case core.JSON_NUMBER:
      return `${column} expected ${expected}, got a string that is no number`
    case core.JSON_SCALE:
      return `${column} expected ${expected}, got more than ${leaf?.scale ?? 0} digits behind the point`
    case core.JSON_PRECISION:
      return `${column} expected ${expected}, got more digits than it has`
    case core.JSON_DATE:
      return `${column} expected date, got a string that is no yyyy-MM-dd`
    case core.JSON_CLOCK:
      return `${column} expected time, got a string that is no HH:mm[:ss[.f]]`
    case core.JSON_UUID:
      return `${column} expected uuid, got a string that is none`
    case core.JSON_BASE64:
      return `${column} expected binary, got a string that is not base64`
    case core.JSON_HEX:
      return `${column} expected binary, got a string that is not hex`
    case core.JSON_SURROGATE:
      return `${column} expected ${expected}, got a lone surrogate, which has no UTF-8`
    case core.JSON_UNKNOWN:
      return `${path === '' ? 'the record' : column} expected only members that are columns, got ${keyText(bytes, at)}`
    default:
      return `expected JSON, got ${shown(byte)}`
  }
}

/** What stands at `at` in place of an object, up to the record's end: another value of JSON, or no JSON at all. */
function other(bytes: Uint8Array, at: number, end: number): string {
  if (isGzip(bytes, at)) return 'gzip, which gunzip() unpacks'
  try {
    JSON.parse(new TextDecoder().decode(bytes.subarray(at, end)))
    return kind(bytes[at])
  } catch {
    return `text that is no JSON, from ${shown(bytes[at])} on`
  }
}

/** The key at the quote, as it stands in the text. */
function keyText(bytes: Uint8Array, at: number): string {
  const most = bytes.subarray(at, at + 100)
  let end = 1
  while (end < most.length && most[end] !== 0x22) end += most[end] === 0x5c ? 2 : 1
  const text = new TextDecoder().decode(most.subarray(0, end + 1))
  return end < most.length ? text : `${text}...`
}

/** As rows of objects come, which have NaN where JSON has none. */
function isNaNText(bytes: Uint8Array, at: number): boolean {
  return [0x22, 0x4e, 0x61, 0x4e, 0x22].every((byte, i) => bytes[at + i] === byte)
}

function isGzip(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function shown(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : hex(byte)
}

function kind(byte: number): string {
  if (byte === 0x22) return 'a string'
  if (byte === 0x7b) return 'an object'
  if (byte === 0x5b) return 'an array'
  if (byte === 0x74 || byte === 0x66) return 'a boolean'
  if (byte === 0x6e) return 'null'
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return 'a number'
  return shown(byte)
}

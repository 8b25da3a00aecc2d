// NDJSON to records: a line is a record, one of its fields the partition key.
import { jsonFault, kindOf } from '../errors.js'
import type { RecordFault } from './record.js'

export interface NdjsonOptions {
  /**
   * Field whose value (text, number or boolean) is the partition key; a number as JavaScript writes it,
   * so that whole numbers beyond 2^53 are rounded: give those as text.
   */
  partitionKey: string
  /** Field with the explicit hash key; null or absent means none. */
  explicitHashKey?: string
}

export interface NdjsonLine {
  /** Zero-based, empty lines counted. */
  line: number
  /** Of its first byte. */
  offset: number
  /** Without its end (LF or CRLF). */
  data: Uint8Array
  key: string
  hash: string | undefined
  fault: RecordFault | undefined
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The lines of `bytes` that are not empty. A byte order mark before the first is dropped. */
export function* readNdjson(bytes: Uint8Array, fields: NdjsonOptions): Generator<NdjsonLine> {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  for (let line = 0; at < bytes.length; line++) {
    const lf = bytes.indexOf(10, at)
    const next = lf < 0 ? bytes.length : lf + 1
    let end = lf < 0 ? bytes.length : lf
    if (bytes[end - 1] === 13 && end > at) end--
    if (!isBlank(bytes, at, end)) yield parse(bytes.subarray(at, end), line, at, fields)
    at = next
  }
}

function isBlank(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++
  return at === end
}

function parse(data: Uint8Array, line: number, offset: number, fields: NdjsonOptions): NdjsonLine {
  const bad = (code: RecordFault['code'], message: string): NdjsonLine => ({ line, offset, data, key: '', hash: undefined, fault: { code, message } })
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(data))
  } catch (error) {
    return bad('BAD_JSON', `expected a JSON object: ${error instanceof SyntaxError ? jsonFault(error) : 'not UTF-8'}`)
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return bad('BAD_JSON', `expected a JSON object, got ${kindOf(value)}`)
  const key = textOf(value, fields.partitionKey)
  if (key === undefined)
    return bad(
      'BAD_PARTITION_KEY',
      `field ${kindOf(fields.partitionKey)}: expected a string, a number or a boolean, got ${kindOf(own(value, fields.partitionKey))}`,
    )
  let hash: string | undefined
  if (fields.explicitHashKey !== undefined) {
    const given = own(value, fields.explicitHashKey)
    if (given !== undefined && given !== null) {
      if (typeof given !== 'string')
        return bad('BAD_HASH_KEY', `field ${kindOf(fields.explicitHashKey)}: expected a decimal number as a string, got ${kindOf(given)}`)
      hash = given
    }
  }
  return { line, offset, data, key, hash, fault: undefined }
}

const own = (value: object, field: string): unknown => (Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined)

function textOf(value: object, field: string): string | undefined {
  const found = own(value, field)
  return typeof found === 'string' ? found : typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
}

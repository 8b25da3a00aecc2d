// NDJSON to records: a line is a record, one of its fields the partition key.
import { jsonFault, kindOf } from '../../errors.js'
import type { RecordFault } from './record.js'

export interface NdjsonOptions {
  /**
   * Name of the field whose value (text, number or boolean) is the partition key, or a JSON Pointer
   * (RFC 6901, `/user/id`) to it; a number as JavaScript writes it, so that whole numbers beyond 2^53 are
   * rounded: give those as text.
   */
  partitionKey: string
  /** The same for the explicit hash key, decimal text; null or absent means none. */
  explicitHashKey?: string | undefined
}

export interface NdjsonLine {
  /** Zero-based, blank lines counted. */
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

/** A line, without its end, as a record. */
export function readLine(data: Uint8Array, line: number, offset: number, fields: NdjsonOptions): NdjsonLine {
  const bad = (code: RecordFault['code'], message: string): NdjsonLine => ({ line, offset, data, key: '', hash: undefined, fault: { code, message } })
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(data))
  } catch (error) {
    return bad('BAD_JSON', `expected a JSON object: ${error instanceof SyntaxError ? jsonFault(error) : 'not UTF-8'}`)
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return bad('BAD_JSON', `expected a JSON object, got ${kindOf(value)}`)
  const found = at(value, fields.partitionKey)
  const key = typeof found === 'string' ? found : typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
  if (key === undefined) return bad('BAD_PARTITION_KEY', `field ${kindOf(fields.partitionKey)}: expected a string, a number or a boolean, got ${kindOf(found)}`)
  let hash: string | undefined
  if (fields.explicitHashKey !== undefined) {
    const given = at(value, fields.explicitHashKey)
    if (given !== undefined && given !== null) {
      if (typeof given !== 'string')
        return bad('BAD_HASH_KEY', `field ${kindOf(fields.explicitHashKey)}: expected a decimal number as a string, got ${kindOf(given)}`)
      hash = given
    }
  }
  return { line, offset, data, key, hash, fault: undefined }
}

/** The names that lead to a field: one, or those of a JSON Pointer. */
export function tokensOf(field: string): string[] {
  if (!field.startsWith('/')) return [field]
  const tokens = field.slice(1).split('/')
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function at(value: unknown, field: string): unknown {
  let found = value
  for (const token of tokensOf(field)) {
    if (found === null || typeof found !== 'object') return undefined
    // `length` and the like are no members of an array.
    if (Array.isArray(found) ? !/^(0|[1-9][0-9]*)$/.test(token) || !(Number(token) < found.length) : !Object.hasOwn(found, token)) return undefined
    found = (found as Record<string, unknown>)[token]
  }
  return found
}

// Why a record was not converted, by the codes and texts that Firehose writes into its error objects.
//
// Seen in error objects of real streams in 2026: an empty record, text in a numeric column, and what Hive's and OpenX's
// deserializers say of values of another shape. Where no text of Firehose's is known, what stands behind "Data does not
// match the schema." says which column wanted what; behind "Encountered malformed JSON." Firehose has a message of
// Jackson's, here it is the scan's.
import type { BadRecord } from '../../engine/columns.js'
import type { Field } from '../../types.js'
import { endOfValue } from '../json-values.js'

/** A record that was not converted. */
export interface Rejected {
  /** Among the records of the call. */
  index: number
  /** DataFormatConversion.ParseError, .MalformedData */
  code: string
  /** As Firehose puts it, where that is known. */
  message: string
  /** The same in one word: syntax, type, range, time, empty and the like. */
  reason: string
  /** Whose value does not fit, as a path. */
  column?: string | undefined
}

export type Rejection = Omit<Rejected, 'index'>

const MALFORMED = 'DataFormatConversion.MalformedData'
const PARSE = 'DataFormatConversion.ParseError'
const MISMATCH = 'Data does not match the schema.'

export const EMPTY: Rejection = { code: MALFORMED, message: 'The record was empty or contained only whitespace.', reason: 'empty' }

export const tooLong = (most: number): Rejection => ({ code: MALFORMED, message: `${MISMATCH} A record has at most ${most} bytes here.`, reason: 'too-long' })

/** Longest piece of a record that a message quotes, in bytes. */
const QUOTED = 1024

/** What each column, struct, list and map is, by the path that the scan names it by. */
export function kindsOf(fields: readonly Field[]): Map<string, string> {
  const kinds = new Map<string, string>()
  const walk = (field: Field, above: readonly string[]) => {
    const { leaf, struct, list, map } = field
    const path = [...above, field.name]
    kinds.set(path.join('.'), leaf?.type ?? (struct ? 'struct' : list ? 'list' : 'map'))
    if (struct) for (const member of struct) walk(member, path)
    else if (list) walk(list, [...path, 'list'])
    else if (map) for (const part of [map.key, map.value]) walk(part, [...path, 'key_value'])
  }
  for (const field of fields) walk(field, [])
  return kinds
}

export interface Refusal {
  bad: BadRecord
  /** The record. */
  record: Uint8Array
  /** Where in it the fault was seen. */
  position: number
  serde: 'hive' | 'openx'
  kinds: ReadonlyMap<string, string>
}

export function rejectionOf({ bad, record, position, serde, kinds }: Refusal): Rejection {
  const { reason, column, message } = bad
  if (reason === 'not-object') return notObject(record, message)
  if (column === undefined) return { code: PARSE, message: `Encountered malformed JSON. At byte ${position}: ${OF_RECORD[reason] ?? message}`, reason }
  const kind = kinds.get(column) ?? ''
  const known = (serde === 'hive' ? hiveText : openxText)(kind, reason, valueAt(record, position))
  const own = reason === 'time' ? `column ${JSON.stringify(column)} expected ${kind}, got text in a form that ${serde} does not read` : message
  return { code: MALFORMED, message: known ?? `${MISMATCH} ${own}`, reason, column }
}

/** What the scan says of lines, of records. */
const OF_RECORD: Record<string, string> = {
  truncated: 'expected the document to end, got the end of the record',
  trailing: 'expected the end of the record or a further object',
  control: 'expected an escape, got a control character in a string',
}

/** A record that does not begin with an object. */
function notObject(record: Uint8Array, message: string): Rejection {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(record))
  } catch {
    return { code: PARSE, message: `Encountered malformed JSON. ${message}`, reason: 'syntax' }
  }
  if (Array.isArray(value)) return { code: MALFORMED, message: `${MISMATCH} An array of JSON documents is not a valid input.`, reason: 'not-object' }
  return {
    code: MALFORMED,
    message: 'The input JSON contained a primitive at the top level. The top level must be an object or array.',
    reason: 'not-object',
  }
}

/** The value at `position` as it stands in the record, cut where it is long. */
function valueAt(record: Uint8Array, position: number): string {
  const whole = record[position] === 0x22 || record[position] === 0x7b || record[position] === 0x5b
  const end = whole ? endOfValue(record, position) : -1
  const last = Math.min(end < 0 ? record.length : end, position + QUOTED)
  const text = new TextDecoder().decode(record.subarray(position, last))
  return whole ? text : (/^[^\s,}\]]*/.exec(text)?.[0] ?? '')
}

const NUMERIC = new Set(['int8', 'int16', 'int32', 'int64', 'float', 'double', 'decimal'])

/** org.apache.hive.hcatalog.data.JsonSerDe on Jackson. */
function hiveText(kind: string, reason: string, value: string): string | undefined {
  if (reason !== 'type') return undefined
  if (kind === 'list') return `${MISMATCH} java.io.IOException: Start of Array expected`
  if (kind === 'struct' || kind === 'map') return `${MISMATCH} java.io.IOException: Start of Object expected`
  if (NUMERIC.has(kind)) return `${MISMATCH} Current token (${tokenOf(value)}) not numeric, can not use numeric value accessors`
  if (kind === 'string') return 'One or more fields have incorrect format. Exception when validating field (root)'
  return undefined
}

/** Jackson's name of the token that `value` begins with. */
function tokenOf(value: string): string {
  if (value.startsWith('"')) return 'VALUE_STRING'
  if (value.startsWith('{')) return 'START_OBJECT'
  if (value.startsWith('[')) return 'START_ARRAY'
  return value.startsWith('t') ? 'VALUE_TRUE' : 'VALUE_FALSE'
}

/** org.openx.data.jsonserde.JsonSerDe. */
function openxText(kind: string, reason: string, value: string): string | undefined {
  if (reason === 'type' && kind === 'struct') return `${MISMATCH} Data is not JSONObject  but ${javaType(value)} with value ${plain(value)}`
  if (NUMERIC.has(kind) && value.startsWith('"') && (reason === 'number' || reason === 'fraction')) return `${MISMATCH} For input string: ${value}`
  return undefined
}

function javaType(value: string): string {
  if (value.startsWith('"')) return 'java.lang.String'
  if (value.startsWith('t') || value.startsWith('f')) return 'java.lang.Boolean'
  return /[.eE]/.test(value) ? 'java.lang.Double' : 'java.lang.Long'
}

/** The text in a JSON string; anything else as it stands. */
function plain(value: string): string {
  try {
    const read: unknown = JSON.parse(value)
    return typeof read === 'string' ? read : value
  } catch {
    return value
  }
}

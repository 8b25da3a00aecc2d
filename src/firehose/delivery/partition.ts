// Dynamic partitioning: the partition that a record belongs to, by the query over its JSON and by what the Lambda gave.
import { jsonOf } from '../../kinesis/payload.js'
import type { Failure } from './failure.js'
import type { Query } from './jq/parse.js'
import { EMPTY, JqError, type Json, textOf, typeOf } from './jq/values.js'
import type { Prefix } from './prefix.js'
import type { Taken } from './taken.js'

export interface Partition {
  /** The same of all records of one partition, different of others. */
  id: string
  query: Readonly<Record<string, string>>
  lambda: Readonly<Record<string, string>>
}

/** Of a stream without partitions. */
export const WHOLE: Partition = { id: '', query: {}, lambda: {} }

/** The one code that is known of real streams; they say no more than that in public. */
export const EXTRACTION_FAILED = 'DynamicPartitioning.MetadataExtractionFailed'
const failure = (message: string): Failure => ({ type: 'processing-failed', code: EXTRACTION_FAILED, message })

/**
 * The partition by the keys that `prefix` asks for. Text, numbers and booleans are keys; null, an empty text, arrays and
 * objects, a record that is no JSON and a query that gives an error or no object are failures.
 */
export function partitionOf(record: Taken, query: Query | undefined, prefix: Prefix): Partition | { failure: Failure } {
  const found = query ? extracted(record, query) : NONE
  if (typeof found === 'string') return { failure: failure(found) }
  const given = typeof record.lambdaKeys === 'object' && record.lambdaKeys !== null ? (record.lambdaKeys as Record<string, Json>) : NONE
  const picked: Record<string, string>[] = []
  for (const [from, keys, where] of [
    [found, prefix.queryKeys, 'the query'],
    [given, prefix.lambdaKeys, 'the Lambda function'],
  ] as const) {
    const values: Record<string, string> = Object.create(null)
    for (const key of keys) {
      const value = keyOf(Object.hasOwn(from, key) ? from[key] : null)
      if (value === undefined) return { failure: failure(`partitionKeys values must not be null or empty: ${where} gives none for ${JSON.stringify(key)}`) }
      values[key] = value
    }
    picked.push(values)
  }
  const [byQuery, byLambda] = picked
  return { id: JSON.stringify([Object.values(byQuery), Object.values(byLambda)]), query: byQuery, lambda: byLambda }
}

const NONE: Record<string, Json> = {}

function keyOf(value: Json): string | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return textOf(value) || undefined
  return undefined
}

/** The query's object, or what is wrong. */
function extracted(record: Taken, query: Query): Record<string, Json> | string {
  let value: Json | typeof EMPTY
  try {
    value = query.run(jsonOf(record.data) as Json)
  } catch (error) {
    if (error instanceof JqError) return `The query could not be evaluated: ${error.message}`
    // Nested deeper than a call can be.
    if (error instanceof RangeError) return 'The query could not be evaluated: the record is nested too deeply'
    if (error instanceof SyntaxError) return `The record could not be parsed: ${error.message}`
    throw error
  }
  if (value === EMPTY) return 'The query gives no value'
  if (typeOf(value) !== 'object') return `The query gives no object but ${typeOf(value)}`
  return value as Record<string, Json>
}

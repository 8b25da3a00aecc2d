// The user's function over what is in the records of an event, and what came of each record.
import { isThenable, messageOf } from '../errors.js'
import type { Deadline } from '../kinesis/lambda/deadline.js'
import { withoutMark } from './again.js'
import type { Body } from './body.js'
import { type Arrived, decoded } from './event.js'
import type { FirehoseInput } from './input.js'
import { countInputs, type Opened, type OpenOptions, openRecords } from './open.js'
import { type Delimiter, readResult, type TransformResult } from './output.js'

export interface TransformContext {
  /** Aborted when the invocation is about to end: what has not settled by then is answered ProcessingFailed. */
  signal: AbortSignal
}

/** Maps one user record to its outputs, sync or async. */
export type Transform = (record: FirehoseInput, context: TransformContext) => TransformResult | Promise<TransformResult>

/** Outputs of one record of the event, as base64 where a kernel made them, or why there are none. */
export type Result = string | { body: Body; metadata: string | undefined } | { reason: 'data' | 'transform' | 'timeout'; message: string; cause: unknown }

/** What came of an event's records. */
export interface Worked {
  /** Without the marks of those that were put again. */
  arrived: Arrived[]
  /** One for each. */
  results: Result[]
  /** Of all those in them that were transformed. */
  userRecords: number
}

/** What works on records in place of a function. A class apart from those that do, so that who has a function carries none of them. */
export abstract class RecordWorker {
  abstract run(given: readonly Arrived[], delimiter: Delimiter, options: OpenOptions): Promise<Worked>
}

export interface RunOptions {
  delimiter: Delimiter
  /** Calls of the function under way at once. */
  concurrency: number
  deadline: Deadline
}

/** The function over all that is in the event's records. */
export async function runFunction(given: readonly Arrived[], transform: Transform, open: OpenOptions, run: RunOptions): Promise<Worked> {
  const arrived = given.map(decoded).map(withoutMark)
  const opened = await openRecords(arrived, open)
  const results = await runAll(opened, transform, run)
  return { arrived, results, userRecords: countInputs(opened) }
}

const LATE: Result = { reason: 'timeout', message: 'expected an output before the invocation ends, got none', cause: undefined }

/** What the function has not settled at the deadline has failed; what it gives later counts for nothing. */
async function runAll(records: readonly Opened[], transform: Transform, { delimiter, concurrency, deadline }: RunOptions): Promise<Result[]> {
  const results: (Result | undefined)[] = new Array(records.length).fill(undefined)
  const context = { signal: deadline.signal }
  const call = (record: FirehoseInput) => transform(record, context)
  let next = 0
  async function work() {
    while (next < records.length && !deadline.passed()) {
      const i = next++
      const inputs = records[i]
      const result: Result | Promise<Result> = Array.isArray(inputs) ? runOne(inputs, call, delimiter, deadline) : { reason: 'data', ...inputs }
      results[i] = result instanceof Promise ? await result : result
    }
  }
  await Promise.race([Promise.all(Array.from({ length: Math.min(concurrency, records.length) }, work)), deadline.reached])
  deadline.end()
  return results.map((result) => result ?? LATE)
}

/**
 * The user records of one record, in order. Nothing is awaited for a function that is not async: its
 * output is read before the next call, so it may use a buffer again.
 */
function runOne(
  records: readonly FirehoseInput[],
  call: (record: FirehoseInput) => unknown,
  delimiter: Delimiter,
  deadline: Deadline,
): Result | Promise<Result> {
  const all: { body: Uint8Array[]; metadata: string | undefined } = { body: [], metadata: undefined }
  const take = (value: unknown) => {
    const { parts, metadata } = readResult(value, delimiter)
    if (parts.length === 0) return
    if (all.body.length > 0 && metadata !== all.metadata) throw new TypeError('expected the same metadata for all records in one, got different ones')
    all.metadata = metadata
    for (const part of parts) all.body.push(part)
  }
  const failure = (k: number, cause: unknown): Result => ({ reason: 'transform', message: placeOf(records, k) + messageOf(cause), cause })
  const rest = async (first: unknown, from: number): Promise<Result> => {
    for (let k = from; k < records.length; k++) {
      if (k > from && deadline.passed()) return LATE
      try {
        take(await (k === from ? first : call(records[k])))
      } catch (cause) {
        return failure(k, cause)
      }
    }
    return all
  }
  for (let k = 0; k < records.length; k++) {
    if (k > 0 && deadline.passed()) return LATE
    try {
      const value = call(records[k])
      if (isThenable(value)) return rest(value, k)
      take(value)
    } catch (cause) {
      return failure(k, cause)
    }
  }
  return all
}

/** Where in a record of the event its k-th user record is, for the beginning of a message. */
export function placeOf(records: readonly FirehoseInput[], k: number): string {
  const { subSequenceNumber, log } = records[k]
  const place = subSequenceNumber === undefined ? [] : [`user record ${subSequenceNumber}`]
  if (log) place.push(`log event ${log.id}`)
  if (place.length === 0 && records.length > 1) place.push(`value ${k}`)
  return place.length > 0 ? `${place.join(', ')}: ` : ''
}

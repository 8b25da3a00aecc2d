// The transformation handler of a Firehose stream: whatever the user's function does, the response is
// legal, within its limit, and answers every record once.

import { concat } from '../bytes.js'
import { fromBase64 } from '../engine/base64.js'
import { checkKeys, checkWhole, inform, isThenable, messageOf, wrongType } from '../errors.js'
import { withoutMark } from './again.js'
import { type FirehoseOverflow, type OverflowRecord, settleElsewhere } from './elsewhere.js'
import { type Arrived, type FirehoseEvent, type FirehoseResponse, readEvent } from './event.js'
import type { FirehoseInput } from './input.js'
import { type Opened, openRecords } from './open.js'
import { type Delimiter, delimiterOf, readResult, type TransformResult } from './output.js'
import { type Answer, buildResponse, planResponse, RESPONSE_BYTES, type ResponsePlan, sizeAlone } from './response.js'

export interface FirehoseTransformerOptions {
  /** Maps one user record to its outputs, sync or async. See TransformResult. */
  transform: (record: FirehoseInput) => TransformResult | Promise<TransformResult>
  /**
   * Put behind every output that does not end with it already; default a newline, as what reads the
   * objects wants lines. Empty: bytes go out as they are, one behind the other.
   */
  delimiter?: string | Uint8Array
  /** Whether KPL aggregates are opened, so that `transform` sees user records; default true. Nothing is changed for other records. */
  deaggregate?: boolean
  /** Whether gzip is unpacked before `transform` sees it; default true. What only begins like gzip and is none fails. */
  gunzip?: boolean
  /** Whether `transform` sees the log events of CloudWatch Logs envelopes, each with `log`; default true. A control message is dropped. */
  logs?: boolean
  /** Whether each of several JSON values in one record ({..}{..} or lines) is a record for `transform`; default false. */
  splitJson?: boolean
  /** Bytes that the gzip of one record may be unpacked to, 1 to 268,435,456; default 67,108,864. More fails the record. */
  maxUnpacked?: number
  /** Calls of `transform` under way at once, where it is async; default 16. */
  concurrency?: number
  /** Bytes of the response at most: up to 6,291,456 (default), what Lambda allows. */
  responseLimit?: number
  /**
   * What becomes of records for which the response has no room: `reingest()`, `spill()` or a function of yours. Those that it settles are
   * answered Dropped, the others ProcessingFailed, as all are without it.
   */
  overflow?: FirehoseOverflow
  /** Told of every record that is answered ProcessingFailed. What it throws is ignored. */
  onFailure?: (failure: TransformFailure) => void
}

export interface TransformFailure {
  recordId: string
  /** Index in the event. */
  record: number
  /**
   * `data`: it was no base64, or what was in it cannot be opened. `transform`: the function threw, rejected or gave something else than
   * outputs. `overflow`: the response had no room for it, and nothing else took it.
   */
  reason: 'data' | 'transform' | 'overflow'
  /** For people; has the message of what the function threw, and nothing of the payload but what that has. */
  message: string
  /** What the function threw. */
  cause?: unknown
}

/** Assignable to FirehoseTransformationHandler of @types/aws-lambda. */
export type FirehoseTransformer = (event: FirehoseEvent, context?: { getRemainingTimeInMillis?: (() => number) | undefined }) => Promise<FirehoseResponse>

const OPTIONS = [
  'transform',
  'delimiter',
  'deaggregate',
  'gunzip',
  'logs',
  'splitJson',
  'maxUnpacked',
  'concurrency',
  'responseLimit',
  'overflow',
  'onFailure',
] satisfies (keyof FirehoseTransformerOptions)[]

const MIB = 1024 * 1024

/**
 * A handler for a Firehose transformation Lambda.
 *
 * Each recordId of the event is answered exactly once: Ok with all outputs of its user records, Dropped
 * where there are none, ProcessingFailed with the original data where any of them failed; then Firehose
 * puts the original into its error output. A recordId that comes twice is answered with both. The
 * response never is over `responseLimit`: records that do not fit are answered ProcessingFailed.
 * Base64 is read leniently, `kafkaRecordValue` as `data`.
 *
 * The handler rejects, which makes Firehose try the batch again, only for an event that cannot be
 * answered: no `records`, a record without recordId, more records than the limit has room for.
 *
 * @example
 * export const handler = createFirehoseTransformer({
 *   transform: (record) => {
 *     const event = record.json() as { level: string }
 *     return event.level === 'debug' ? null : event // null drops the record
 *   },
 * })
 */
export function createFirehoseTransformer(options: FirehoseTransformerOptions): FirehoseTransformer {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { transform, delimiter = '\n', concurrency = 16, responseLimit = RESPONSE_BYTES, overflow, onFailure } = options
  const { deaggregate = true, gunzip = true, logs = true, splitJson = false, maxUnpacked = 64 * MIB } = options
  if (typeof transform !== 'function') throw wrongType('transform', 'a function', transform)
  if (typeof delimiter !== 'string' && !(delimiter instanceof Uint8Array)) throw wrongType('delimiter', 'text or bytes', delimiter)
  for (const [name, value] of Object.entries({ deaggregate, gunzip, logs, splitJson })) {
    if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value)
  }
  checkWhole('maxUnpacked', maxUnpacked, 1, 256 * MIB)
  checkWhole('concurrency', concurrency, 1, Number.POSITIVE_INFINITY)
  checkWhole('responseLimit', responseLimit, 1, RESPONSE_BYTES)
  if (overflow !== undefined && typeof overflow !== 'function') throw wrongType('overflow', 'reingest(), spill() or a function', overflow)
  if (onFailure !== undefined && typeof onFailure !== 'function') throw wrongType('onFailure', 'a function', onFailure)
  const end = delimiterOf(delimiter)

  return async (event, context) => {
    const arrived = readEvent(event).map(withoutMark)
    const opened = await openRecords(arrived, { deaggregate, gunzip, logs, splitJson, maxUnpacked })
    const results = await runAll(opened, transform, end, concurrency)
    const failures: TransformFailure[] = []
    const answers = settle(arrived, results, failures)
    const plan = planResponse(answers, responseLimit)
    const first = new Map<string, number>()
    arrived.forEach(({ recordId }, i) => {
      if (!first.has(recordId)) first.set(recordId, i)
    })
    const settled =
      overflow && plan.overflow.length > 0
        ? await settleElsewhere(overflow, overflowOf(plan, answers, arrived, first, responseLimit), event, context?.getRemainingTimeInMillis?.())
        : []
    plan.overflow.forEach((i, k) => {
      if (settled.length > 0 && settled[k] === undefined) {
        plan.dropped.push(i)
        return
      }
      const { recordId } = answers[i]
      const why = settled[k] === undefined ? '' : `; ${settled[k]}`
      const message = `expected a response of at most ${responseLimit} bytes, got a batch that would need more${why}`
      failures.push({ recordId, record: first.get(recordId)!, reason: 'overflow', message })
    })
    if (onFailure) for (const failure of failures) inform(() => onFailure(failure))
    return buildResponse(answers, plan)
  }
}

function overflowOf(
  plan: ResponsePlan,
  answers: readonly Answer[],
  arrived: readonly Arrived[],
  first: ReadonlyMap<string, number>,
  limit: number,
): OverflowRecord[] {
  return plan.overflow.map((i) => {
    const { recordId, parts } = answers[i]
    const { record: source, data, rounds, partitionKey } = arrived[first.get(recordId)!]
    return { recordId, original: data!, rounds, partitionKey, output: concat(parts ?? []), source, fitsAlone: sizeAlone(answers[i]) <= limit }
  })
}

/** Outputs of one record of the event, or why there are none. */
type Result = { parts: Uint8Array[]; metadata: string | undefined } | { reason: 'data' | 'transform'; message: string; cause: unknown }

async function runAll(
  records: readonly Opened[],
  transform: FirehoseTransformerOptions['transform'],
  delimiter: Delimiter,
  concurrency: number,
): Promise<Result[]> {
  const results: Result[] = new Array(records.length)
  let next = 0
  async function work() {
    while (next < records.length) {
      const i = next++
      const inputs = records[i]
      const result: Result | Promise<Result> = Array.isArray(inputs) ? runOne(inputs, transform, delimiter) : { reason: 'data', ...inputs }
      results[i] = result instanceof Promise ? await result : result
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, records.length) }, work))
  return results
}

/**
 * The user records of one record, in order. Nothing is awaited for a function that is not async: its
 * output is read before the next call, so it may use a buffer again.
 */
function runOne(records: readonly FirehoseInput[], transform: FirehoseTransformerOptions['transform'], delimiter: Delimiter): Result | Promise<Result> {
  const all: { parts: Uint8Array[]; metadata: string | undefined } = { parts: [], metadata: undefined }
  const take = (value: unknown) => {
    const { parts, metadata } = readResult(value, delimiter)
    if (parts.length === 0) return
    if (all.parts.length > 0 && metadata !== all.metadata) throw new TypeError('expected the same metadata for all records in one, got different ones')
    all.metadata = metadata
    for (const part of parts) all.parts.push(part)
  }
  const failure = (k: number, cause: unknown): Result => {
    const { subSequenceNumber, log } = records[k]
    const place = subSequenceNumber === undefined ? [] : [`user record ${subSequenceNumber}`]
    if (log) place.push(`log event ${log.id}`)
    if (place.length === 0 && records.length > 1) place.push(`value ${k}`)
    const where = place.length > 0 ? `${place.join(', ')}: ` : ''
    return { reason: 'transform', message: where + messageOf(cause), cause }
  }
  const rest = async (first: unknown, from: number): Promise<Result> => {
    for (let k = from; k < records.length; k++) {
      try {
        take(await (k === from ? first : transform(records[k])))
      } catch (cause) {
        return failure(k, cause)
      }
    }
    return all
  }
  for (let k = 0; k < records.length; k++) {
    try {
      const value = transform(records[k])
      if (isThenable(value)) return rest(value, k)
      take(value)
    } catch (cause) {
      return failure(k, cause)
    }
  }
  return all
}

/** One answer for each recordId, in the order in which they first come. */
function settle(arrived: readonly Arrived[], results: readonly Result[], failures: TransformFailure[]): Answer[] {
  const answers = new Map<string, Answer>()
  arrived.forEach((one, record) => {
    const { recordId } = one
    const result = results[record]
    const fail = (reason: TransformFailure['reason'], message: string, cause?: unknown): Answer => {
      failures.push({ recordId, record, reason, message, ...(cause === undefined ? {} : { cause }) })
      return failed(one)
    }
    const answer =
      one.fault !== undefined ? fail('data', one.fault) : 'message' in result ? fail(result.reason, result.message, result.cause) : succeeded(recordId, result)
    const before = answers.get(recordId)
    const merged = before ? merge(before, answer) : answer
    answers.set(recordId, merged ?? fail('transform', 'expected the same metadata for records with one recordId, got different ones'))
  })
  return [...answers.values()]
}

function succeeded(recordId: string, { parts, metadata }: { parts: Uint8Array[]; metadata: string | undefined }): Answer {
  // Ok without bytes would be an invalid answer, and Dropped delivers the same nothing.
  if (parts.every((part) => part.length === 0)) return { recordId, result: 'Dropped', parts: undefined, metadata: undefined }
  return { recordId, result: 'Ok', parts, metadata }
}

/** The original, decoded anew: the user's function had its hands on the other copy. */
function failed({ recordId, text, fault }: Arrived): Answer {
  const parts = text === undefined || fault !== undefined ? undefined : [fromBase64(text, 'lenient')]
  return { recordId, result: 'ProcessingFailed', parts, metadata: undefined }
}

/** Two records with one id can have one answer only: both outputs, or the failure; undefined where they contradict. */
function merge(a: Answer, b: Answer): Answer | undefined {
  if (a.result === 'ProcessingFailed' || b.result === 'Dropped') return a
  if (b.result === 'ProcessingFailed' || a.result === 'Dropped') return b
  return a.metadata === b.metadata ? { ...a, parts: [...(a.parts ?? []), ...(b.parts ?? [])] } : undefined
}

// The transformation handler of a Firehose stream: whatever the user's function does, the response is
// legal, within its limit, and answers every record once.

import { fromBase64 } from '../engine/base64.js'
import { checkWhole, inform, wrongType } from '../errors.js'
import { createDeadline } from '../kinesis/lambda/deadline.js'
import type { LambdaContext } from '../kinesis/lambda/event.js'
import { checkOptions } from '../kinesis/service/service.js'
import { checkSink, type MetricsSink } from '../kinesis/telemetry.js'
import type { Clock } from '../ports/ports.js'
import { systemClock } from '../ports/system.js'
import { type Body, bodyBytes, bodyParts } from './body.js'
import { type Arrived, type FirehoseEvent, type FirehoseResponse, placesOf, readEvent } from './event.js'
import { delimiterOf } from './output.js'
import { type FirehoseOverflow, MARGIN, settleOverflow } from './overflow.js'
import { describePlan, type FirehosePlan } from './plan.js'
import { type Answer, buildResponse, planResponse, RESPONSE_BYTES } from './response.js'
import { RecordWorker, type Result, runFunction, type Transform } from './run.js'
import { createTelemetry } from './telemetry.js'
import type { TransformFailure } from './transform-failure.js'

export interface FirehoseTransformerOptions {
  /** Maps one user record to its outputs, sync or async. See TransformResult. One that never answers costs its record, not the batch; one that never returns costs both. Or what a blueprint has in its place, or firehoseMapping(). */
  transform: Transform | RecordWorker
  /**
   * Put behind every output that does not end with it already; default a newline, as what reads the
   * objects wants lines. Empty: bytes go out as they are, one behind the other.
   */
  delimiter?: string | Uint8Array | undefined
  /** Whether KPL aggregates are opened, so that `transform` sees user records; default true. Nothing is changed for other records. */
  deaggregate?: boolean | undefined
  /** Whether gzip is unpacked before `transform` sees it; default true. What only begins like gzip and is none fails. */
  gunzip?: boolean | undefined
  /** Whether `transform` sees the log events of CloudWatch Logs envelopes, each with `log`; default true. A control message is dropped. */
  logs?: boolean | undefined
  /** Whether each of several JSON values in one record ({..}{..} or lines) is a record for `transform`; default false. */
  splitJson?: boolean | undefined
  /** Bytes that the gzip of one record may be unpacked to, 1 to 268,435,456; default 67,108,864. More fails the record, and so does what all of an event come to over 268,435,456. */
  maxUnpacked?: number | undefined
  /** Calls of `transform` under way at once, where it is async; default 16. */
  concurrency?: number | undefined
  /** Bytes of the response at most: up to 6,291,456 (default), what Lambda allows. */
  responseLimit?: number | undefined
  /**
   * What becomes of records for which the response has no room: `reingest()`, `spill()` or a function of yours. Those that it settles are
   * answered Dropped, the others ProcessingFailed, as all are without it.
   */
  overflow?: FirehoseOverflow | undefined
  /** Told of every record that is answered ProcessingFailed. What it throws is ignored. */
  onFailure?: ((failure: TransformFailure) => void) | undefined
  /** Told of each invocation: an OpenTelemetry Meter, or `emfSink({ write: console.log })`, whose lines are written at its end. */
  metrics?: MetricsSink | undefined
  /** The clock, by which `transform` and `overflow` are told that the invocation ends; default: the system's. */
  ports?: { clock: Clock } | undefined
}

/** Assignable to FirehoseTransformationHandler of @types/aws-lambda. */
export interface FirehoseTransformer {
  (event: FirehoseEvent, context?: LambdaContext): Promise<FirehoseResponse>
  /**
   * How the event would be answered, with the exact size of the response, before it is built: `transform` runs, `overflow`, `onFailure` and
   * `metrics` do not. For tests, and for choosing a buffer hint. Rejects as the handler does.
   */
  plan(event: FirehoseEvent, context?: LambdaContext): Promise<FirehosePlan>
}

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
  'metrics',
  'ports',
] satisfies (keyof FirehoseTransformerOptions)[]

const MIB = 1024 * 1024
/** Bytes that the gzip of one record, and that of all of an event, may be unpacked to at most: they lie in memory at once. */
const UNPACKED = 256 * MIB

/**
 * A handler for a Firehose transformation Lambda.
 *
 * Each recordId of the event is answered exactly once: Ok with all outputs of its user records, Dropped
 * where there are none, ProcessingFailed with the original data where any of them failed; then Firehose
 * puts the original into its error output. A recordId that comes twice is answered with both. The
 * response never is over `responseLimit`: records that do not fit go to `overflow`, or are
 * answered ProcessingFailed. Base64 is read leniently, `kafkaRecordValue` as `data`.
 *
 * The handler rejects, which makes Firehose try the batch again, only for an event that cannot be
 * answered: no `records`, a record without recordId, more records than the limit has room for.
 *
 * @example
 * export const handler = createFirehoseTransformer({
 *   transform: firehoseMapping({ where: { field: 'level', op: '!=', value: 'debug' }, partitionKeys: { customer: 'customer_id' } }),
 * })
 * @example
 * export const handler = createFirehoseTransformer({
 *   transform: (record) => {
 *     const event = record.json() as { level: string }
 *     return event.level === 'debug' ? null : event // null drops the record
 *   },
 * })
 */
export function createFirehoseTransformer(options: FirehoseTransformerOptions): FirehoseTransformer {
  checkOptions(options, OPTIONS)
  const {
    transform,
    delimiter = '\n',
    concurrency = 16,
    responseLimit = RESPONSE_BYTES,
    overflow,
    onFailure,
    metrics,
    ports = { clock: systemClock },
  } = options
  const { deaggregate = true, gunzip = true, logs = true, splitJson = false, maxUnpacked = 64 * MIB } = options
  if (typeof transform !== 'function' && !(transform instanceof RecordWorker)) throw wrongType('transform', 'a function', transform)
  if (typeof delimiter !== 'string' && !(delimiter instanceof Uint8Array)) throw wrongType('delimiter', 'text or bytes', delimiter)
  for (const [name, value] of Object.entries({ deaggregate, gunzip, logs, splitJson })) {
    if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value)
  }
  checkWhole('maxUnpacked', maxUnpacked, 1, UNPACKED)
  checkWhole('concurrency', concurrency, 1, Number.POSITIVE_INFINITY)
  checkWhole('responseLimit', responseLimit, 1, RESPONSE_BYTES)
  if (overflow !== undefined && typeof overflow !== 'function') throw wrongType('overflow', 'reingest(), spill() or a function', overflow)
  if (onFailure !== undefined && typeof onFailure !== 'function') throw wrongType('onFailure', 'a function', onFailure)
  if (typeof ports?.clock?.sleep !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  checkSink(metrics)
  const end = delimiterOf(delimiter)
  const { clock } = ports
  const tell = createTelemetry(metrics)

  const planned = async (event: FirehoseEvent, context: LambdaContext | undefined) => {
    const read = readEvent(event)
    const open = { deaggregate, gunzip, logs, splitJson, maxUnpacked, maxUnpackedOfAll: UNPACKED }
    const work = () => {
      if (transform instanceof RecordWorker) return transform.run(read, end, open)
      // What has no room in the response needs time too.
      const deadline = createDeadline(clock, context, overflow ? 2 * MARGIN : MARGIN)
      return runFunction(read, transform, open, { delimiter: end, concurrency, deadline })
    }
    const { arrived, results, userRecords } = await work()
    const failures: TransformFailure[] = []
    const answers = settle(arrived, results, failures)
    return { arrived, answers, failures, userRecords, plan: planResponse(answers, responseLimit) }
  }
  const handler = async (event: FirehoseEvent, context?: LambdaContext) => {
    const began = clock.monotonic()
    const { arrived, answers, failures, userRecords, plan } = await planned(event, context)
    const { settled, left } = await settleOverflow(overflow, plan, { answers, arrived, limit: responseLimit, event, context, clock })
    for (const { recordId, record, reason } of left) {
      const message = `expected a response of at most ${responseLimit} bytes, got a batch that would need more${reason}`
      failures.push({ recordId, record, reason: 'overflow', message })
    }
    if (onFailure) for (const failure of failures) inform(() => onFailure(failure))
    tell({ event, plan, answers, settled, failures, userRecords, milliseconds: clock.monotonic() - began })
    return buildResponse(answers, plan, settled)
  }
  const plan = async (event: FirehoseEvent, context?: LambdaContext) => {
    const { arrived, answers, failures, plan } = await planned(event, context)
    return describePlan(arrived, answers, failures, plan, responseLimit)
  }
  return Object.assign(handler, { plan })
}

/** One answer for each recordId, in the order in which they first come. */
function settle(arrived: readonly Arrived[], results: readonly Result[], failures: TransformFailure[]): Answer[] {
  const fail = (record: number, reason: TransformFailure['reason'], message: string, cause?: unknown): Answer => {
    const one = arrived[record]
    failures.push({ recordId: one.recordId, record, reason, message, ...(cause === undefined ? {} : { cause }) })
    return failed(one)
  }
  const all = arrived.map(({ recordId, fault }, record): Answer => {
    const result = results[record]
    if (fault !== undefined) return fail(record, 'data', fault)
    if (typeof result === 'string') return succeeded(recordId, result, undefined)
    return 'message' in result ? fail(record, result.reason, result.message, result.cause) : succeeded(recordId, result.body, result.metadata)
  })
  // Ids that ascend, as those of Firehose do, come once each: that spares a table of them.
  if (all.every(({ recordId }, i) => i === 0 || all[i - 1].recordId < recordId)) return all
  const places = placesOf(all)
  return [...places.values()].map((own) => {
    if (own.length === 1) return all[own[0]]
    const answers = own.map((i) => all[i])
    const odd = differing(answers)
    return odd < 0 ? merge(answers) : fail(own[odd], 'transform', 'expected the same metadata for records with one recordId, got different ones')
  })
}

function succeeded(recordId: string, body: Body, metadata: string | undefined): Answer {
  // Ok without bytes would be an invalid answer, and Dropped delivers the same nothing.
  if (body === '' || (typeof body !== 'string' && bodyBytes(body) === 0)) return { recordId, result: 'Dropped', body: undefined, metadata: undefined }
  return { recordId, result: 'Ok', body, metadata }
}

/** The original, decoded anew: the user's function had its hands on the other copy. */
function failed({ recordId, text, fault }: Arrived): Answer {
  const body = text === undefined || fault !== undefined ? undefined : [fromBase64(text, 'lenient')]
  return { recordId, result: 'ProcessingFailed', body, metadata: undefined }
}

/** Which one of them has other metadata than the first that is Ok; -1 where none has, or one of them has failed. */
function differing(answers: readonly Answer[]): number {
  if (answers.some(({ result }) => result === 'ProcessingFailed')) return -1
  const first = answers.find(({ result }) => result === 'Ok')
  return answers.findIndex(({ result, metadata }) => result === 'Ok' && metadata !== first?.metadata)
}

/** Records with one id can have one answer only: the failure of one of them, or all outputs. */
function merge(answers: readonly Answer[]): Answer {
  const failure = answers.find(({ result }) => result === 'ProcessingFailed')
  if (failure) return failure
  const [first = answers[0], ...others] = answers.filter(({ result }) => result === 'Ok')
  return others.length === 0 ? first : { ...first, body: [first, ...others].flatMap(({ body = [] }) => bodyParts(body)) }
}

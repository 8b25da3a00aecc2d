// The Lambda processor: batches by its buffering hints and within Lambda's limits, invocations with retries, and what
// comes of each record by the one table of outcomes.
import { toBase64 } from '../../engine/base64.js'
import { inform, isThenable, messageOf } from '../../errors.js'
import type { LambdaContext } from '../../kinesis/lambda/event.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import { backoff } from '../../ports/backoff.js'
import type { Clock, Random } from '../../ports/ports.js'
import { createSlots } from '../../ports/slots.js'
import { withTimeout } from '../../ports/timeout.js'
import type { FirehoseEvent, FirehoseEventRecord } from '../event.js'
import { FUNCTION_ERROR, judgeResponse, type Verdict } from '../explain.js'
import { type Batch, gather } from './batch.js'
import type { Budget } from './budget.js'
import type { LambdaPlan } from './config/processors.js'
import type { Failed } from './failure.js'
import { uuid } from './names.js'
import { heldBytes, type Taken } from './taken.js'

/** A FirehoseTransformationHandler of @types/aws-lambda, or any function like one. */
export type DeliveryHandler = (...args: never[]) => unknown
type Handler = (event: FirehoseEvent, context: LambdaContext, callback: (error: unknown, response?: unknown) => void) => unknown

/** An invocation that gave no response, or one that Firehose refuses as a whole. */
export interface HandlerFailure {
  /** Of the batch. */
  records: number
  /** From 1. */
  attempt: number
  /** Attempts that follow a first one: NumberOfRetries. */
  retries: number
  /** For people: what the function threw, that it did not answer in time, or what is wrong with its response. */
  message: string
  /** What the function threw. */
  cause?: unknown
}

export interface LambdaOptions {
  plan: LambdaPlan
  handler: DeliveryHandler
  /** Milliseconds of an invocation. */
  timeout: number
  streamArn: string
  sourceArn: string | undefined
  region: string
  clock: Clock
  random: Random
  budget: Budget
  /** Aborted to give up at once what is invoked. */
  signal: AbortSignal
  onHandlerFailure: ((failure: HandlerFailure) => void) | undefined
  /** What comes of a batch, in its order; batches come in theirs. */
  done(result: LambdaResult): void
}

export interface LambdaResult {
  /** With the data, and the partition keys, that the function gave. */
  delivered: Taken[]
  failed: Failed[]
  dropped: number
}

export interface LambdaProcessor {
  add(record: Taken): void
  end(): void
  readonly held: number
  /** Batches whose outcome is not known yet. */
  readonly active: number
  readonly invocations: number
  settled(): Promise<void>
}

/** Invocations at once, as Firehose has them for each shard. */
const AT_ONCE = 5
const REQUEST_BYTES = FIREHOSE_LIMITS.transformBytes.value

export function createLambdaProcessor(options: LambdaOptions): LambdaProcessor {
  const { plan, clock, budget, done } = options
  const frame = JSON.stringify({ ...eventOf(options, uuid(options.random)), records: [] }).length
  const running = new Set<Promise<void>>()
  const slots = createSlots(AT_ONCE)
  let active = 0
  let invocations = 0
  let requestBytes = frame
  let last = Promise.resolve()

  async function work(batch: Batch<Taken>, before: Promise<void>): Promise<void> {
    await slots.take()
    const result = await transform(batch.items, options, () => invocations++)
    slots.give()
    await before
    done(result)
    // Who is woken by it looks at what goes on.
    active--
    budget.give(batch.held)
  }

  const batches = gather<Taken>(clock, plan, budget, (batch) => {
    requestBytes = frame
    active++
    const own = work(batch, last).finally(() => running.delete(own))
    last = own
    running.add(own)
  })

  return {
    add(record) {
      const bytes = 1 + sizeOf(record)
      if (batches.open && requestBytes + bytes > REQUEST_BYTES) batches.end()
      requestBytes += bytes
      batches.add(record, record.data.length, heldBytes(record), record.arrival)
    },
    end: batches.end,
    get held() {
      return batches.open?.held ?? 0
    },
    get active() {
      return active
    },
    get invocations() {
      return invocations
    },
    async settled() {
      await Promise.all(running)
    },
  }
}

/** Opaque to functions, of the length that real ones have: what it adds to a response counts for Lambda's limit. */
const recordIds = (random: Random, count: number): string[] => {
  const batch = `49${Array.from({ length: 46 }, () => Math.floor(10 * random.next())).join('')}`
  return Array.from({ length: count }, (_, i) => batch + String(i).padStart(8, '0'))
}

function eventRecord(record: Taken, recordId: string, data: string): FirehoseEventRecord {
  const { arrival, sequenceNumber, subSequenceNumber, shardId, partitionKey } = record
  if (sequenceNumber === undefined) return { recordId, approximateArrivalTimestamp: arrival, data }
  return {
    recordId,
    approximateArrivalTimestamp: arrival,
    data,
    kinesisRecordMetadata: {
      sequenceNumber,
      subsequenceNumber: subSequenceNumber ?? 0,
      partitionKey,
      shardId,
      approximateArrivalTimestamp: arrival,
    },
  }
}

const encoder = new TextEncoder()
const ID = '0'.repeat(56)
/** Of a record that has nothing but its arrival and its data, these left out. */
const BARE = JSON.stringify(eventRecord({ data: new Uint8Array(0), original: new Uint8Array(0), arrival: 0 }, ID, '')).length - 1

/** Bytes of a record in the event's JSON. */
function sizeOf(record: Taken): number {
  const base64 = 4 * Math.ceil(record.data.length / 3)
  if (record.sequenceNumber === undefined) return BARE + String(record.arrival).length + base64
  return encoder.encode(JSON.stringify(eventRecord(record, ID, ''))).length + base64
}

function eventOf({ streamArn, sourceArn, region }: LambdaOptions, invocationId: string): FirehoseEvent {
  return { invocationId, deliveryStreamArn: streamArn, ...(sourceArn === undefined ? {} : { sourceKinesisStreamArn: sourceArn }), region, records: [] }
}

/** All attempts at one batch. */
async function transform(records: readonly Taken[], options: LambdaOptions, count: () => void): Promise<LambdaResult> {
  const { plan, clock, random, signal } = options
  const [first] = records
  const size = records.length > 1 ? 0 : JSON.stringify(eventOf(options, uuid(random))).length + sizeOf(first)
  // A batch has room for what is in it, but for a single record that was unpacked. Lambda refuses the call, and would the next
  // time; the code is made of its error's name, as Firehose's codes of other errors are.
  if (size > REQUEST_BYTES) {
    const message = `The request has ${size} bytes, Lambda allows ${REQUEST_BYTES}.`
    return failAll(records, { code: 'Lambda.RequestTooLargeException', message }, 1, clock.now())
  }
  const ids = recordIds(random, records.length)
  for (let attempt = 1; ; attempt++) {
    count()
    const verdicts = await invoke(records, ids, attempt, options)
    if (verdicts) return settle(records, verdicts, attempt, clock.now())
    if (attempt > plan.retries || signal.aborted) return failAll(records, FUNCTION_ERROR, attempt, clock.now())
    await clock.sleep(backoff(attempt, random), signal).catch(() => {})
  }
}

/** Undefined where the function failed, or answered what Firehose refuses as a whole. */
async function invoke(records: readonly Taken[], ids: readonly string[], attempt: number, options: LambdaOptions): Promise<Verdict[] | undefined> {
  const { plan, clock, random, timeout, signal, onHandlerFailure } = options
  const invocationId = uuid(random)
  // Made anew for each attempt: the function may have changed what it was given.
  const event = { ...eventOf(options, invocationId), records: records.map((record, i) => eventRecord(record, ids[i], toBase64(record.data))) }
  const end = clock.monotonic() + timeout
  const context = {
    awsRequestId: invocationId,
    functionName: plan.arn.split(':')[6] ?? plan.arn,
    invokedFunctionArn: plan.arn,
    getRemainingTimeInMillis: () => Math.max(0, end - clock.monotonic()),
  }
  let why: Pick<HandlerFailure, 'message' | 'cause'>
  try {
    const response = await withTimeout(clock, timeout, signal, () => callHandler(options.handler, event, context))
    const { verdicts, batchFault } = judgeResponse(ids, response)
    if (batchFault === undefined) return verdicts
    why = { message: batchFault }
  } catch (cause) {
    why = { message: messageOf(cause), cause }
  }
  if (onHandlerFailure) inform(() => onHandlerFailure({ records: records.length, attempt, retries: plan.retries, ...why }))
  return undefined
}

/** What the function answers, with a promise, a value or a callback. */
export function callHandler(handler: DeliveryHandler, event: FirehoseEvent, context: LambdaContext): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const answer = (handler as Handler)(event, context, (error, response) => (error === undefined || error === null ? resolve(response) : reject(error)))
    if (isThenable(answer)) answer.then(resolve, reject)
    // One that takes the callback has not answered yet.
    else if (answer !== undefined || handler.length < 3) resolve(answer)
  })
}

function settle(records: readonly Taken[], verdicts: readonly Verdict[], attempts: number, attemptEnd: number): LambdaResult {
  const result: LambdaResult = { delivered: [], failed: [], dropped: 0 }
  for (const [i, record] of records.entries()) {
    const { outcome, data, partitionKeys, code, errorMessage } = verdicts[i]
    if (outcome === 'dropped') result.dropped++
    else if (data) result.delivered.push({ ...record, data, lambdaKeys: partitionKeys })
    else result.failed.push({ record, type: 'processing-failed', code: String(code), message: String(errorMessage), attempts, attemptEnd })
  }
  return result
}

function failAll(records: readonly Taken[], { code, message }: { code: string; message: string }, attempts: number, attemptEnd: number): LambdaResult {
  return {
    delivered: [],
    failed: records.map((record) => ({ record, type: 'processing-failed', code, message, attempts, attemptEnd })),
    dropped: 0,
  }
}

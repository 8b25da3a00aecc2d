// Records into a delivery stream: PutRecordBatch within its limits, each record settled on its own, what
// was refused tried again alone.
import { checkWhole, outOfRange, wrongType } from '../errors.js'
import { backoff } from '../kinesis/service/backoff.js'
import { type Calls, checkClientOptions, createCalls } from '../kinesis/service/calls.js'
import { type Fault, faultOf, recordFault } from '../kinesis/service/faults.js'
import { checkOptions, checkPorts } from '../kinesis/service/service.js'
import { FIREHOSE_LIMITS } from '../limits.js'
import { type AwsClient, type AwsClientConfig, createFirehoseClient, loadFirehosePeer } from '../ports/aws.js'
import type { Clock, Random } from '../ports/ports.js'

export interface FirehosePutOptions {
  deliveryStreamName: string
  /** Anything with `send(command)`: a FirehoseClient, with `maxAttempts: 1`, as failures are retried here. */
  client?: AwsClient
  /** Or what to make a FirehoseClient from: region, endpoint, credentials ... */
  clientConfig?: AwsClientConfig
  /** What holds PutRecordBatchCommand, for fakes; default: the module `@aws-sdk/client-firehose`. */
  commands?: object
  /** Times that a record is sent at most: default 20, with 50 ms to 5 s between them. */
  maxAttempts?: number
  /** Milliseconds that one request may take; default 30,000. */
  requestTimeout?: number
  /** Requests under way at once; default 4. Records keep no order. */
  concurrency?: number
  ports?: { clock: Clock; random: Random }
}

/** What became of a record that was put. `uncertain`: it may be in the stream all the same, or twice. */
export type FirehosePutOutcome =
  | { status: 'delivered'; recordId: string; attempts: number; uncertain: boolean }
  | { status: 'failed'; code: string; message: string; attempts: number; uncertain: boolean }

export interface FirehosePut {
  /**
   * Puts all records, and gives what became of each, in their order; never rejects for what the service answers. When
   * the signal is aborted, what is not delivered by then has failed as ABORTED.
   */
  put(records: readonly Uint8Array[], options?: { signal?: AbortSignal }): Promise<FirehosePutOutcome[]>
  /** Closes a client that was made here. */
  close(): void
}

const OPTIONS = [
  'deliveryStreamName',
  'client',
  'clientConfig',
  'commands',
  'maxAttempts',
  'requestTimeout',
  'concurrency',
  'ports',
] satisfies (keyof FirehosePutOptions)[]

const COUNT = FIREHOSE_LIMITS.putRecordBatchCount.value
const BYTES = FIREHOSE_LIMITS.putRecordBatchBytes.value
const LARGEST = FIREHOSE_LIMITS.recordBytes.value

/** A record on its way. */
interface Going {
  index: number
  data: Uint8Array
  attempts: number
  uncertain: boolean
}

interface PutRecordBatchResult {
  RequestResponses?: { RecordId?: string; ErrorCode?: string; ErrorMessage?: string }[]
}

/**
 * Puts records into a delivery stream. Throws TypeError or RangeError for wrong options.
 *
 * @example
 * const outcomes = await createFirehosePut({ deliveryStreamName: 'clicks' }).put(records)
 * const lost = outcomes.filter(({ status }) => status === 'failed')
 */
export function createFirehosePut(options: FirehosePutOptions): FirehosePut {
  checkOptions(options, OPTIONS)
  const { deliveryStreamName, maxAttempts = 20, requestTimeout = 30_000, concurrency = 4 } = options
  if (typeof deliveryStreamName !== 'string' || deliveryStreamName === '')
    throw wrongType('deliveryStreamName', 'the name of a delivery stream', deliveryStreamName)
  checkClientOptions(options, '@aws-sdk/client-firehose')
  checkWhole('maxAttempts', maxAttempts, 1, Number.POSITIVE_INFINITY)
  checkWhole('concurrency', concurrency, 1, Number.POSITIVE_INFINITY)
  if (typeof requestTimeout !== 'number') throw wrongType('requestTimeout', 'a number of milliseconds', requestTimeout)
  if (!(requestTimeout > 0)) throw outOfRange('requestTimeout', 'a number of milliseconds above 0', requestTimeout)
  const { clock, random } = checkPorts(options.ports)
  const calls: Calls = createCalls(options, { load: loadFirehosePeer, create: createFirehoseClient }, clock, requestTimeout)

  /** What each record of one request came to: its id, or the fault. */
  const send = async (batch: readonly Going[], signal: AbortSignal | undefined): Promise<(string | Fault)[]> => {
    try {
      const Records = batch.map(({ data }) => ({ Data: data }))
      const { RequestResponses } = await calls.call<PutRecordBatchResult>('PutRecordBatch', { DeliveryStreamName: deliveryStreamName, Records }, signal)
      if (!Array.isArray(RequestResponses) || RequestResponses.length !== batch.length) return batch.map(() => odd(RequestResponses))
      return RequestResponses.map((answer) => {
        if (typeof answer?.ErrorCode === 'string' && answer.ErrorCode !== '') return faultOfAnswer(answer.ErrorCode, answer.ErrorMessage ?? '')
        return typeof answer?.RecordId === 'string' ? answer.RecordId : odd(answer)
      })
    } catch (error) {
      const fault = faultOf(error)
      return batch.map(() => fault)
    }
  }

  const put = async (records: readonly Uint8Array[], { signal }: { signal?: AbortSignal } = {}): Promise<FirehosePutOutcome[]> => {
    if (!Array.isArray(records)) throw wrongType('records', 'an array of Uint8Array', records)
    const outcomes: FirehosePutOutcome[] = new Array(records.length)
    let waiting: Going[] = []
    records.forEach((data, index) => {
      if (!(data instanceof Uint8Array)) throw wrongType(`records[${index}]`, 'a Uint8Array', data)
      if (data.length <= LARGEST) waiting.push({ index, data, attempts: 0, uncertain: false })
      else
        outcomes[index] = {
          status: 'failed',
          code: 'RECORD_TOO_LARGE',
          message: `expected ${LARGEST} bytes at most, got ${data.length}`,
          attempts: 0,
          uncertain: false,
        }
    })
    const fail = (going: Going, code: string, message: string) => {
      outcomes[going.index] = { status: 'failed', code, message, attempts: going.attempts, uncertain: going.uncertain }
    }
    /** Rounds in a row in which nothing was delivered. */
    let idle = 0
    while (waiting.length > 0 && !signal?.aborted) {
      const again: Going[] = []
      const batches = pack(waiting)
      let delivered = false
      const work = async () => {
        for (let batch = batches.shift(); batch; batch = batches.shift()) {
          const results = signal?.aborted ? batch.map((): undefined => undefined) : await send(batch, signal)
          for (const [i, going] of batch.entries()) {
            const result = results[i]
            if (result === undefined) {
              again.push(going)
              continue
            }
            going.attempts++
            if (typeof result === 'string') {
              delivered = true
              outcomes[going.index] = { status: 'delivered', recordId: result, attempts: going.attempts, uncertain: going.uncertain }
              continue
            }
            going.uncertain ||= result.uncertain
            if (signal?.aborted || (result.kind !== 'permanent' && going.attempts < maxAttempts)) again.push(going)
            else fail(going, result.code, result.message)
          }
        }
      }
      await Promise.all(Array.from({ length: Math.min(concurrency, batches.length) }, work))
      waiting = again.sort((a, b) => a.index - b.index)
      idle = delivered ? 1 : idle + 1
      if (waiting.length > 0) await clock.sleep(backoff(idle, random), signal).catch(() => {})
    }
    for (const going of waiting) fail(going, 'ABORTED', 'given up: the signal was aborted')
    return outcomes
  }
  return { put, close: calls.destroy }
}

const odd = (answer: unknown): Fault => ({
  kind: 'transient',
  code: 'InvalidResponse',
  message: `expected an answer for each record, got ${Array.isArray(answer) ? `${answer.length}` : typeof answer}`,
  uncertain: true,
  divisible: false,
})

/** Firehose's own word for a stream over its rate is ServiceUnavailableException. */
function faultOfAnswer(code: string, message: string): Fault {
  if (code === 'ServiceUnavailableException') return { kind: 'throttle', code, message, uncertain: false, divisible: false }
  return recordFault(code, message)
}

/** Records in their order, as few requests as take them. */
function pack(waiting: readonly Going[]): Going[][] {
  const batches: Going[][] = []
  let bytes = 0
  for (const going of waiting) {
    const batch = batches.at(-1)
    if (batch && batch.length < COUNT && bytes + going.data.length <= BYTES) {
      batch.push(going)
      bytes += going.data.length
    } else {
      batches.push([going])
      bytes = going.data.length
    }
  }
  return batches
}

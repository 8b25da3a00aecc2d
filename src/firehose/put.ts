// Records into a delivery stream: PutRecordBatch within its limits, each record settled on its own, what
// was refused tried again alone.
import { checkWhole, outOfRange, wrongType } from '../errors.js'
import { checkOptions, checkPorts } from '../kinesis/service/service.js'
import { FIREHOSE_LIMITS } from '../limits.js'
import { type AwsClient, type AwsClientConfig, createFirehoseClient, loadFirehosePeer } from '../ports/aws.js'
import { type Calls, checkClientOptions, createCalls } from '../ports/calls.js'
import type { Clock, Random } from '../ports/ports.js'
import { answersOf, type FirehosePutOutcome, type PutAllOptions, putAll } from './put-all.js'

export interface FirehosePutOptions {
  deliveryStreamName: string
  /** Anything with `send(command)`: a FirehoseClient, with `maxAttempts: 1`, as failures are retried here. */
  client?: AwsClient | undefined
  /** Or what to make a FirehoseClient from: region, endpoint, credentials ... */
  clientConfig?: AwsClientConfig | undefined
  /** What holds PutRecordBatchCommand, for fakes; default: the module `@aws-sdk/client-firehose`. */
  commands?: object | undefined
  /** Times that a record is sent at most: default 20, with 50 ms to 5 s between them. */
  maxAttempts?: number | undefined
  /** Milliseconds that one request may take; default 30,000. */
  requestTimeout?: number | undefined
  /** Requests under way at once; default 4. Records keep no order. */
  concurrency?: number | undefined
  ports?: { clock: Clock; random: Random } | undefined
}

export interface FirehosePut {
  /**
   * Puts all records, and gives what became of each, in their order; never rejects for what the service answers. When
   * the signal is aborted, what is not delivered by then has failed as ABORTED.
   */
  put(records: readonly Uint8Array[], options?: { signal?: AbortSignal | undefined }): Promise<FirehosePutOutcome[]>
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

const LIMITS = {
  record: FIREHOSE_LIMITS.recordBytes.value,
  count: FIREHOSE_LIMITS.putRecordBatchCount.value,
  bytes: FIREHOSE_LIMITS.putRecordBatchBytes.value,
}

/** By PutRecordBatch: how createFirehosePut and reingest() do it. */
export function putRecordBatch(
  calls: Calls,
  DeliveryStreamName: string,
  records: readonly Uint8Array[],
  how: Pick<PutAllOptions<Uint8Array>, 'maxAttempts' | 'concurrency' | 'clock' | 'random' | 'signal'>,
): Promise<FirehosePutOutcome[]> {
  return putAll(records, {
    ...how,
    size: (data) => data.length,
    limits: LIMITS,
    send: (batch, signal) =>
      answersOf(calls.call('PutRecordBatch', { DeliveryStreamName, Records: batch.map((Data) => ({ Data })) }, signal), 'RequestResponses', 'RecordId'),
  })
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

  return {
    async put(records, { signal } = {}) {
      if (!Array.isArray(records)) throw wrongType('records', 'an array of Uint8Array', records)
      records.forEach((record, i) => {
        if (!(record instanceof Uint8Array)) throw wrongType(`records[${i}]`, 'a Uint8Array', record)
      })
      return putRecordBatch(calls, deliveryStreamName, records, { maxAttempts, concurrency, clock, random, signal })
    },
    close: calls.destroy,
  }
}

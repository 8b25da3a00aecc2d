// What becomes of records that have no room in the response: put into the stream again, where they come back in
// another batch, which is mostly smaller; or written to S3.
import { concat } from '../bytes.js'
import { checkWhole, MillraceError, wrongType } from '../errors.js'
import { checkClientOptions, createCalls } from '../kinesis/service/calls.js'
import { checkOptions, checkPorts } from '../kinesis/service/service.js'
import { FIREHOSE_LIMITS, KINESIS } from '../limits.js'
import {
  type AwsClient,
  type AwsClientConfig,
  createFirehoseClient,
  createKinesisClient,
  createS3Client,
  loadFirehosePeer,
  loadKinesisPeer,
  loadS3Peer,
} from '../ports/aws.js'
import type { Clock, Random } from '../ports/ports.js'
import { type MarkedEntry, markedData, markedEntry } from './again.js'
import { readPrefix } from './delivery/prefix.js'
import { zoneOf } from './delivery/zone.js'
import type { FirehoseOverflow } from './elsewhere.js'
import { arrivalTime } from './event.js'
import { type PutAnswer, putAll } from './put-all.js'

export interface ReingestOptions {
  /** Of Firehose, or of Kinesis where the source is a Kinesis stream: anything with `send(command)`, with `maxAttempts: 1`. */
  client?: AwsClient
  /** Or what to make it from. */
  clientConfig?: AwsClientConfig
  /** What holds its commands, for fakes. */
  commands?: object
  /** Times that a record is put again at most; default 3. */
  maxRounds?: number
  /** Times that one put is sent at most; default 20. */
  maxAttempts?: number
  ports?: { clock: Clock; random: Random }
}

const encoder = new TextEncoder()

/**
 * Puts the originals into the stream again, where they come from: the Kinesis stream of the event, or its delivery
 * stream. A record that would have no room alone, or has been put again `maxRounds` times, fails. Should the invocation
 * fail after that, Firehose repeats it, and the records are in the stream twice. Throws TypeError or RangeError for
 * wrong options; needs `@aws-sdk/client-firehose` or `@aws-sdk/client-kinesis`, and their permissions.
 *
 * @example
 * export const handler = createFirehoseTransformer({ transform, overflow: reingest() })
 */
export function reingest(options: ReingestOptions = {}): FirehoseOverflow {
  checkOptions(options, ['client', 'clientConfig', 'commands', 'maxRounds', 'maxAttempts', 'ports'] satisfies (keyof ReingestOptions)[])
  const { maxRounds = 3, maxAttempts = 20 } = options
  checkClientOptions(options, '@aws-sdk/client-firehose or @aws-sdk/client-kinesis')
  checkWhole('maxRounds', maxRounds, 1, 1_000_000_000)
  checkWhole('maxAttempts', maxAttempts, 1, Number.POSITIVE_INFINITY)
  const { clock, random } = checkPorts(options.ports)
  const firehose = createCalls(options, { load: loadFirehosePeer, create: createFirehoseClient }, clock, 30_000)
  const kinesis = createCalls(options, { load: loadKinesisPeer, create: createKinesisClient }, clock, 30_000)

  const toFirehose = (DeliveryStreamName: string, records: readonly Uint8Array[], signal: AbortSignal) =>
    putAll(records, {
      size: (data) => data.length,
      limits: {
        record: FIREHOSE_LIMITS.recordBytes.value,
        count: FIREHOSE_LIMITS.putRecordBatchCount.value,
        bytes: FIREHOSE_LIMITS.putRecordBatchBytes.value,
      },
      send: (batch, signal) =>
        answersOf(firehose.call('PutRecordBatch', { DeliveryStreamName, Records: batch.map((Data) => ({ Data })) }, signal), 'RequestResponses', 'RecordId'),
      ...{ maxAttempts, concurrency: 4, clock, random, signal },
    })
  const toKinesis = (StreamARN: string, records: readonly MarkedEntry[], signal: AbortSignal) =>
    putAll(records, {
      size: ({ Data, PartitionKey }) => Data.length + encoder.encode(PartitionKey).length,
      limits: { record: KINESIS.largeRecordBytes.value, count: KINESIS.putRecordsCount.value, bytes: KINESIS.putRecordsBytes.value },
      send: (Records, signal) => answersOf(kinesis.call('PutRecords', { StreamARN, Records }, signal), 'Records', 'SequenceNumber'),
      ...{ maxAttempts, concurrency: 4, clock, random, signal },
    })

  return async (records, { event, signal }) => {
    const reasons = records.map(({ fitsAlone, rounds }): string | undefined => {
      if (!fitsAlone) return 'its answer alone is larger than a response may be'
      return rounds < maxRounds ? undefined : `put again ${rounds} times already`
    })
    const chosen = [...records.keys()].filter((i) => reasons[i] === undefined)
    const { sourceKinesisStreamArn, deliveryStreamArn } = event
    let outcomes: Awaited<ReturnType<typeof toFirehose>>
    if (sourceKinesisStreamArn)
      outcomes = await toKinesis(
        sourceKinesisStreamArn,
        chosen.map((i) => markedEntry(records[i].original, records[i].partitionKey ?? '', records[i].rounds + 1)),
        signal,
      )
    else {
      const name = /:deliverystream\/(.+)$/.exec(deliveryStreamArn ?? '')?.[1]
      if (name === undefined) return records.map(() => 'the event has no deliveryStreamArn, so where it came from is not known')
      outcomes = await toFirehose(
        name,
        chosen.map((i) => markedData(records[i].original, records[i].rounds + 1)),
        signal,
      )
    }
    for (const [k, i] of chosen.entries()) {
      const outcome = outcomes[k]
      if (outcome.status === 'failed') reasons[i] = `not put again: ${outcome.code}: ${outcome.message}`
    }
    return reasons
  }
}

async function answersOf(call: Promise<unknown>, list: string, id: string): Promise<PutAnswer[] | undefined> {
  const answers = ((await call) as Record<string, unknown> | undefined)?.[list]
  return Array.isArray(answers) ? answers.map((answer) => ({ ...answer, id: answer?.[id] })) : undefined
}

export interface SpillOptions {
  bucket: string
  /** As a Firehose prefix, with its expressions, and error-output-type where it is one; default `overflow/!{timestamp:yyyy/MM/dd/HH}/`. */
  prefix?: string
  /** An S3Client; or what to make one from; what holds PutObjectCommand, for fakes. */
  client?: AwsClient
  clientConfig?: AwsClientConfig
  commands?: object
  ports?: { clock: Clock; random: Random }
}

/**
 * Writes what `transform` made of the records into one S3 object an invocation: what Firehose would have written, in a place
 * of its own. Throws TypeError, or CONFIG for a prefix that is none; needs `@aws-sdk/client-s3`.
 *
 * @example
 * export const handler = createFirehoseTransformer({ transform, overflow: spill({ bucket: 'clicks' }) })
 */
export function spill(options: SpillOptions): FirehoseOverflow {
  checkOptions(options, ['bucket', 'prefix', 'client', 'clientConfig', 'commands', 'ports'] satisfies (keyof SpillOptions)[])
  const { bucket, prefix = 'overflow/!{timestamp:yyyy/MM/dd/HH}/' } = options
  if (typeof bucket !== 'string' || bucket === '') throw wrongType('bucket', 'the name of a bucket', bucket)
  if (typeof prefix !== 'string') throw wrongType('prefix', 'text', prefix)
  checkClientOptions(options, '@aws-sdk/client-s3')
  const { clock, random } = checkPorts(options.ports)
  const place = readPrefix(prefix, 'prefix', 'prefix')
  if (place.queryKeys.length + place.lambdaKeys.length > 0)
    throw new MillraceError('CONFIG', '"prefix" expected no partition keys: an object has records of many')
  const calls = createCalls(options, { load: loadS3Peer, create: createS3Client }, clock, 60_000)
  const randomString = () => Array.from({ length: 11 }, () => Math.floor(random.next() * 36).toString(36)).join('')
  return async (records, { event, signal }) => {
    const times = records.map(({ source }) => arrivalTime(source.approximateArrivalTimestamp)).filter((time): time is number => time !== undefined)
    const time = times.length > 0 ? times.reduce((oldest, one) => Math.min(oldest, one)) : clock.now()
    const Key = `${place.evaluate({ time, zone: zoneOf('UTC', 'zone'), randomString })}${event.invocationId ?? randomString()}-${randomString()}`
    try {
      await calls.call('PutObject', { Bucket: bucket, Key, Body: concat(records.map(({ output }) => output)) }, signal)
      return records.map(() => undefined)
    } catch (error) {
      return records.map(() => `not written to S3: ${(error as Error).name}: ${(error as Error).message}`)
    }
  }
}

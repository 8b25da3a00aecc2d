// Records that have no room in the response, put into their stream again: there they come back in another batch, which is
// mostly smaller.
import { checkWhole } from '../errors.js'
import { checkOptions, checkPorts } from '../kinesis/service/service.js'
import { KINESIS } from '../limits.js'
import { type AwsClient, type AwsClientConfig, createFirehoseClient, createKinesisClient, loadFirehosePeer, loadKinesisPeer } from '../ports/aws.js'
import { checkClientOptions, createCalls } from '../ports/calls.js'
import type { Clock, Random } from '../ports/ports.js'
import { type MarkedEntry, markedData, markedEntry } from './again.js'
import type { FirehoseOverflow } from './overflow.js'
import { putRecordBatch } from './put.js'
import { answersOf, type FirehosePutOutcome, putAll } from './put-all.js'

export interface ReingestOptions {
  /** Of Firehose, or of Kinesis where the source is a Kinesis stream: anything with `send(command)`, with `maxAttempts: 1`. */
  client?: AwsClient | undefined
  /** Or what to make it from. */
  clientConfig?: AwsClientConfig | undefined
  /** What holds its commands, for fakes. */
  commands?: object | undefined
  /** Times that a record is put again at most; default 3. */
  maxRounds?: number | undefined
  /** Times that one put is sent at most; default 20. */
  maxAttempts?: number | undefined
  ports?: { clock: Clock; random: Random } | undefined
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
  checkWhole('maxRounds', maxRounds, 1, 1_000_000)
  checkWhole('maxAttempts', maxAttempts, 1, Number.POSITIVE_INFINITY)
  const { clock, random } = checkPorts(options.ports)
  const firehose = createCalls(options, { load: loadFirehosePeer, create: createFirehoseClient }, clock, 30_000)
  const kinesis = createCalls(options, { load: loadKinesisPeer, create: createKinesisClient }, clock, 30_000)

  const how = { maxAttempts, concurrency: 4, clock, random }

  const toKinesis = (StreamARN: string, records: readonly MarkedEntry[], signal: AbortSignal) =>
    putAll(records, {
      size: ({ Data, PartitionKey }) => Data.length + encoder.encode(PartitionKey).length,
      limits: { record: KINESIS.largeRecordBytes.value, count: KINESIS.putRecordsCount.value, bytes: KINESIS.putRecordsBytes.value },
      send: (Records, signal) => answersOf(kinesis.call('PutRecords', { StreamARN, Records }, signal), 'Records', 'SequenceNumber'),
      ...how,
      signal,
    })

  return async (records, { event, signal }) => {
    const reasons = records.map(({ fitsAlone, rounds }): string | undefined => {
      if (!fitsAlone) return 'its answer alone is larger than a response may be'
      return rounds < maxRounds ? undefined : `put again ${rounds} times already`
    })
    const chosen = [...records.keys()].filter((i) => reasons[i] === undefined)
    const { sourceKinesisStreamArn, deliveryStreamArn } = event
    let outcomes: FirehosePutOutcome[]
    if (sourceKinesisStreamArn) {
      const marked = chosen.map((i) => markedEntry(records[i].original, records[i].partitionKey ?? '', records[i].rounds + 1))
      outcomes = await toKinesis(sourceKinesisStreamArn, marked, signal)
    } else {
      const name = /:deliverystream\/(.+)$/.exec(deliveryStreamArn ?? '')?.[1]
      if (name === undefined) return records.map(() => 'the event has no deliveryStreamArn, so where it came from is not known')
      const marked = chosen.map((i) => markedData(records[i].original, records[i].rounds + 1))
      outcomes = await putRecordBatch(firehose, name, marked, { ...how, signal })
    }
    for (const [k, i] of chosen.entries()) {
      const outcome = outcomes[k]
      if (outcome.status === 'failed') reasons[i] = `not put again: ${outcome.code}: ${outcome.message}`
    }
    return reasons
  }
}

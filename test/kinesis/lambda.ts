// Lambda events of Kinesis for the tests, as the service makes them.
import { aggregate, type KinesisEvent, type KinesisSourceRecord, ShardMap } from '../../src/kinesis/index.js'
import type { createSimulation } from '../../src/ports/simulated.js'

export const ARN = 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights'
export const SHARD = 'shardId-000000000006'

/** 56 digits, as the service's are; ascending in `n`. */
export const sequence = (n: number) => `4954${String(n).padStart(52, '0')}`

/** `key:text`. */
export type Line = string

const bytes = (text: string) => new TextEncoder().encode(text)
const split = (line: Line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]

/** A Kinesis record: of one line as it is, of several a KPL aggregate. */
export function sourceOf(n: number, lines: readonly Line[], shard = SHARD): KinesisSourceRecord {
  const records = lines.map((line) => ({ partitionKey: split(line)[0], data: bytes(split(line)[1]) }))
  const [{ PartitionKey, Data }] = aggregate(records, { shards: ShardMap.even(1) }).records
  return sourceOfBytes(n, Data, PartitionKey, shard)
}

export function sourceOfBytes(n: number, data: Uint8Array, partitionKey: string | undefined = 'a', shard = SHARD): KinesisSourceRecord {
  return {
    kinesis: {
      partitionKey,
      data: Buffer.from(data).toString('base64'),
      sequenceNumber: sequence(n),
      approximateArrivalTimestamp: 1545084650.987,
    },
    eventSource: 'aws:kinesis',
    eventID: `${shard}:${sequence(n)}`,
    eventSourceARN: ARN,
  }
}

/** Kinesis records with the sequence numbers 1, 2, ... */
export const eventOf = (...outers: Line[][]): KinesisEvent => ({ Records: outers.map((lines, i) => sourceOf(i + 1, lines)) })

/** What an answer names, as the numbers of eventOf. */
export const failuresOf = ({ batchItemFailures }: { batchItemFailures: { itemIdentifier: string }[] }) =>
  batchItemFailures.map(({ itemIdentifier }) => Number(itemIdentifier.slice(4)))

/** A context with so many milliseconds by the simulation's clock. */
export function contextOf({ clock }: ReturnType<typeof createSimulation>, milliseconds: number) {
  const end = clock.monotonic() + milliseconds
  return { getRemainingTimeInMillis: () => end - clock.monotonic() }
}

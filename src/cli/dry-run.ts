// millrace produce --dry-run: the producer itself over a stream that stores nothing, and what it would have cost.
import type { ProducerMetrics } from '../kinesis/producer/pipeline-face.js'
import type { BatchOutcomes } from '../kinesis/producer/receipt.js'
import { ShardMap } from '../kinesis/shards/shard-map.js'
import type { AwsClient } from '../ports/aws.js'
import { count, size } from './figures.js'

/** What on-demand streams are billed by: each record rounded up to it. */
const KIB = 1024
/** US dollars for a million PUT payload units, us-east-1, aws.amazon.com/kinesis/data-streams/pricing; other regions differ. */
const UNITS_PRICE = 0.014

export interface DryRun {
  readonly client: AwsClient
  readonly commands: object
  /** Bytes of each record that was read, for the comparison; those that failed are in neither. */
  note(sizes: readonly number[], outcomes: BatchOutcomes): void
  plan(metrics: ProducerMetrics): Plan
}

export interface Plan {
  shards: number
  records: number
  kinesisRecords: number
  requests: number
  payloadUnits: number
  /** One record for each put. */
  payloadUnitsAlone: number
  onDemandBytes: number
  onDemandBytesAlone: number
  /** Kinesis records and bytes of the shard that gets the most. */
  hottestShardRecords: number
  hottestShardBytes: number
}

const billed = (bytes: number) => KIB * Math.max(1, Math.ceil(bytes / KIB))

/** Over an even split of so many shards. */
export function createDryRun(shards: number): DryRun {
  const map = ShardMap.even(shards)
  const records = new Uint32Array(shards)
  const bytes = new Float64Array(shards)
  let sequence = 0
  let onDemandBytes = 0
  let onDemandBytesAlone = 0
  const put = ({ Data, PartitionKey, ExplicitHashKey }: { Data: Uint8Array; PartitionKey: string; ExplicitHashKey?: string }) => {
    const shard = map.shardOf(PartitionKey, ExplicitHashKey)
    records[shard]++
    bytes[shard] += Data.length + PartitionKey.length
    onDemandBytes += billed(Data.length)
    return { ShardId: map.shards[shard].ShardId, SequenceNumber: String(++sequence) }
  }
  const answers: Record<string, (input: { Records: Parameters<typeof put>[0][] }) => object> = {
    PutRecords: ({ Records }) => ({ Records: Records.map(put) }),
    ListShards: () => ({
      Shards: map.shards.map(({ ShardId, ...HashKeyRange }) => ({ ShardId, HashKeyRange, SequenceNumberRange: { StartingSequenceNumber: '1' } })),
    }),
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: {} }),
  }
  const commands = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      `${name}Command`,
      class {
        readonly input: never
        readonly answer = answer
        constructor(input: never) {
          this.input = input
        }
      },
    ]),
  )
  return {
    commands,
    client: { send: async (command) => (command as { answer: (input: never) => object; input: never }).answer((command as { input: never }).input) },
    note(sizes, outcomes) {
      const failed = new Set(Array.from(outcomes.failures(), ({ record }) => record))
      for (const [record, size] of sizes.entries()) if (!failed.has(record)) onDemandBytesAlone += billed(size)
    },
    plan: (metrics) => ({
      shards,
      records: metrics.delivered,
      kinesisRecords: metrics.kinesisRecords,
      requests: metrics.requests,
      payloadUnits: metrics.payloadUnits,
      payloadUnitsAlone: metrics.userPayloadUnits,
      onDemandBytes,
      onDemandBytesAlone,
      hottestShardRecords: Math.max(...records),
      hottestShardBytes: Math.max(...bytes),
    }),
  }
}

/** Bytes of each record in lines of NDJSON, as putNdjson counts them: blank lines are none, line ends are in none. */
export function lineSizes(text: Uint8Array): number[] {
  const sizes: number[] = []
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf(10, at)
    const end = feed < 0 ? text.length : feed
    const line = text.subarray(at, text[end - 1] === 13 ? end - 1 : end)
    if (line.some((byte) => byte !== 32 && byte !== 9 && byte !== 13)) sizes.push(line.length)
    at = end + 1
  }
  return sizes
}

/** The plan in words. */
export function describePlan(plan: Plan): string[] {
  // Cut, not rounded: 99.98 % less is not all of it.
  const saved = (now: number, alone: number) => (alone > 0 ? `, ${Math.floor(1000 - (1000 * now) / alone) / 10} % less` : '')
  // Of a sample too: two digits of however small a sum.
  const dollars = (units: number) => `$${((units / 1e6) * UNITS_PRICE).toLocaleString('en-US', { maximumSignificantDigits: 2 })}`
  const share = plan.kinesisRecords > 0 ? plan.records / plan.kinesisRecords : 0
  const seconds = Math.max(plan.hottestShardRecords / 1000, plan.hottestShardBytes / 1_048_576)
  return [
    `dry run, nothing was sent: ${count(plan.records, 'record')} in ${count(plan.kinesisRecords, 'Kinesis record')} (${share.toFixed(1)} each), ${count(plan.requests, 'PutRecords request')}, over ${count(plan.shards, 'shard')} of one size`,
    `provisioned: ${count(plan.payloadUnits, 'PUT payload unit')} (${dollars(plan.payloadUnits)} at $${UNITS_PRICE} a million) in place of ${plan.payloadUnitsAlone.toLocaleString('en-US')} (${dollars(plan.payloadUnitsAlone)}) with one record for each put${saved(plan.payloadUnits, plan.payloadUnitsAlone)}`,
    `on demand: ${size(plan.onDemandBytes)} billed in place of ${size(plan.onDemandBytesAlone)}${saved(plan.onDemandBytes, plan.onDemandBytesAlone)}`,
    `at the limits of a shard it takes ${seconds.toFixed(1)} s; the fullest one gets ${count(plan.hottestShardRecords, 'Kinesis record')}, ${size(plan.hottestShardBytes)}`,
  ]
}

// What the consumer tells who asks: numbers by metrics(), and a sink under OpenTelemetry's names where they have one.
import type { MetricsSink } from '../telemetry.js'
import type { Checkpoint } from './checkpoint-store.js'
import type { Fetched } from './reader.js'

export interface ConsumerMetrics {
  /** Kinesis records, and bytes of their data. */
  kinesisRecords: number
  bytes: number
  /** Answers, those without records included. */
  calls: number
  /** Calls that failed, and those of them that were throttled. */
  failures: number
  throttled: number
  /** Shards that were taken, and that others have taken or that were not renewed in time. */
  leasesTaken: number
  leasesLost: number
  /** Of each shard that it reads or has read. */
  shards: Readonly<Record<string, ShardMetrics>>
}

export interface ShardMetrics {
  /** How far the shard's newest record is ahead, as the service said last; 0 once a closed shard is read to its end. */
  millisBehindLatest: number | undefined
  /** What was stored last. */
  checkpoint: Checkpoint | undefined
}

export interface ConsumerTelemetry {
  fetched(shardId: string, fetched: Fetched): void
  missed(shardId: string, code: string, throttled: boolean): void
  lease(shardId: string, what: 'taken' | 'lost'): void
  stored(shardId: string, checkpoint: Checkpoint): void
  metrics(): ConsumerMetrics
}

/** `stream`: name or ARN. A sink that throws is not asked again. */
export function createConsumerTelemetry(sink: MetricsSink | undefined, stream: string): ConsumerTelemetry {
  const counts = { kinesisRecords: 0, bytes: 0, calls: 0, failures: 0, throttled: 0, leasesTaken: 0, leasesLost: 0 }
  const shards = new Map<string, ShardMetrics>()
  const common = { 'messaging.system': 'aws_kinesis', 'messaging.destination.name': stream }
  const at = (shardId: string) => ({ ...common, 'messaging.destination.partition.id': shardId })
  const consumed = sink?.createCounter('messaging.client.consumed.messages', { unit: '{message}', description: 'Kinesis records read' })
  const read = sink?.createCounter('millrace.consumer.bytes', { unit: 'By', description: 'Bytes of data read' })
  const failed = sink?.createCounter('millrace.consumer.failures', { unit: '{call}', description: 'Calls that failed' })
  const leases = sink?.createCounter('millrace.consumer.leases', { unit: '{lease}', description: 'Shards taken and lost' })
  const lag = sink?.createHistogram('millrace.consumer.lag', { unit: 's', description: 'How far the newest record of a shard is ahead' })
  let broken = false
  const tell = (work: () => void) => {
    if (broken || !sink) return
    try {
      work()
    } catch {
      broken = true
    }
  }
  const shard = (id: string): ShardMetrics => {
    const found = shards.get(id) ?? { millisBehindLatest: undefined, checkpoint: undefined }
    shards.set(id, found)
    return found
  }
  return {
    fetched(shardId, { records, bytes, millisBehindLatest, ended }) {
      counts.calls++
      counts.kinesisRecords += records.length
      counts.bytes += bytes
      shard(shardId).millisBehindLatest = ended ? 0 : millisBehindLatest
      tell(() => {
        consumed?.add(records.length, at(shardId))
        read?.add(bytes, at(shardId))
        if (millisBehindLatest !== undefined) lag?.record(millisBehindLatest / 1000, at(shardId))
      })
    },
    missed(shardId, code, throttled) {
      counts.failures++
      if (throttled) counts.throttled++
      tell(() => failed?.add(1, { ...at(shardId), 'error.type': code }))
    },
    lease(shardId, what) {
      if (what === 'taken') counts.leasesTaken++
      else counts.leasesLost++
      tell(() => leases?.add(1, { ...at(shardId), 'millrace.lease.change': what }))
    },
    stored(shardId, checkpoint) {
      shard(shardId).checkpoint = checkpoint
    },
    metrics: () => ({ ...counts, shards: Object.fromEntries([...shards].map(([id, metrics]) => [id, { ...metrics }])) }),
  }
}

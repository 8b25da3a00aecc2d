// What a consumer yields: the Kinesis records of one answer, opened as far as the reader asks.
import type { RecordBatch } from '../types.js'
import { type DeaggregateReason, deaggregatePacked, deaggregateReason, FROM_AGGREGATE, type PackedUserRecords } from './deaggregate.js'
import type { ShardDescription, StreamRecord } from './service.js'
import { type DeaggregatedRecord, deaggregate } from './user-records.js'

export interface ConsumedRecord extends DeaggregatedRecord {
  sequenceNumber: string
}

/** An aggregate of which the KCL delivers nothing, or not all. */
export interface DroppedAggregate {
  sequenceNumber: string
  reason: DeaggregateReason
}

/** Records of one shard in order, at least one Kinesis record. */
export interface ConsumerBatch {
  readonly shardId: string
  /** User records as objects; made at first use. */
  readonly records: readonly ConsumedRecord[]
  /** User records as rows over one heap, without objects; made at first use. `source` is an index of `sequenceNumbers`. */
  readonly packed: PackedUserRecords
  /** Of the Kinesis records. */
  readonly sequenceNumbers: readonly string[]
  /** When the last of them arrived, where the service says so. */
  readonly arrived: Date | undefined
  /** How far the shard's newest record is ahead, as the service says. */
  readonly millisBehindLatest: number | undefined
  /** Mode 'kcl': what was dropped, and why. */
  readonly dropped: readonly DroppedAggregate[]
}

export function openBatch(
  shard: ShardDescription,
  records: readonly StreamRecord[],
  millisBehindLatest: number | undefined,
  mode: 'kcl' | 'keep',
): ConsumerBatch {
  const options = { mode, range: shard.HashKeyRange }
  const sequenceNumbers = records.map((record) => record.SequenceNumber)
  let objects: ConsumedRecord[] | undefined
  let rows: PackedUserRecords | undefined
  const packed = () => {
    rows ??= deaggregatePacked(pack(records), options)
    return rows
  }
  return {
    shardId: shard.ShardId,
    sequenceNumbers,
    arrived: records.at(-1)?.ApproximateArrivalTimestamp,
    millisBehindLatest,
    get records() {
      objects ??= deaggregate(records, options) as ConsumedRecord[]
      return objects
    },
    get packed() {
      return packed()
    },
    get dropped() {
      if (mode === 'keep') return []
      return [...packed().outcomes].flatMap((outcome, i) => {
        const reason = outcome & FROM_AGGREGATE ? deaggregateReason(outcome) : undefined
        return reason ? [{ sequenceNumber: sequenceNumbers[i], reason }] : []
      })
    },
  }
}

const encoder = new TextEncoder()
const ROW = 8

function pack(records: readonly StreamRecord[]): RecordBatch {
  const keys = records.map((record) => encoder.encode(record.PartitionKey ?? ''))
  const heap = new Uint8Array(records.reduce((sum, record, i) => sum + record.Data.length + keys[i].length, 0))
  const table = new Uint32Array(ROW * records.length)
  let top = 0
  const put = (bytes: Uint8Array) => {
    heap.set(bytes, top)
    top += bytes.length
    return top - bytes.length
  }
  for (let i = 0; i < records.length; i++) {
    const { Data } = records[i]
    table.set([put(keys[i]), keys[i].length, 0, 0xffffffff, put(Data), Data.length, i, 0], ROW * i)
  }
  return { count: records.length, table, heap }
}

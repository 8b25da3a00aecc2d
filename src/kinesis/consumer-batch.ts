// What a consumer yields: the Kinesis records of one answer, opened as far as the reader asks.
import type { RecordBatch } from '../types.js'
import { type DeaggregateMode, type DroppedAggregate, FROM_AGGREGATE, openPacked, type PackedUserRecords } from './deaggregate.js'
import { type RecordIds, recordIdsOf } from './record-ids.js'
import type { Deduplicator } from './seen.js'
import type { ShardDescription, StreamRecord } from './service.js'
import { type DeaggregatedRecord, deaggregate } from './user-records.js'

export interface ConsumedRecord extends DeaggregatedRecord {
  sequenceNumber: string
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
  readonly dropped: readonly (DroppedAggregate & { sequenceNumber: string })[]
  /** With `deduplicate`: records left out because they had come before. */
  readonly repeated: number
}

export function openBatch(
  shard: ShardDescription,
  records: readonly StreamRecord[],
  millisBehindLatest: number | undefined,
  mode: DeaggregateMode,
  known?: Deduplicator,
): ConsumerBatch {
  const options = { mode, range: shard.HashKeyRange }
  const sequenceNumbers = records.map((record) => record.SequenceNumber)
  let objects: ConsumedRecord[] | undefined
  let rows: PackedUserRecords | undefined
  let fresh: Uint32Array | undefined
  let repeated = 0
  const dropped: DroppedAggregate[] = []
  const packed = () => {
    if (rows) return rows
    rows = openPacked(pack(records), { ...options, onDropped: (aggregate) => dropped.push(aggregate) }, sequenceNumbers)
    if (known) {
      fresh = freshRows(rows, records, known)
      repeated = rows.count - fresh.length
      if (repeated > 0) rows = pick(rows, fresh)
    }
    return rows
  }
  // What has come is known from here on, whether anybody looks at this batch or not; and a fault in strict mode is the iteration's.
  if (known || mode === 'strict') packed()
  return {
    shardId: shard.ShardId,
    sequenceNumbers,
    arrived: records.at(-1)?.ApproximateArrivalTimestamp,
    millisBehindLatest,
    get records() {
      if (!objects) {
        const all = deaggregate(records, options) as ConsumedRecord[]
        objects = fresh && repeated > 0 ? Array.from(fresh, (row) => all[row]) : all
      }
      return objects
    },
    get packed() {
      return packed()
    },
    repeated,
    get dropped() {
      packed()
      return dropped as (DroppedAggregate & { sequenceNumber: string })[]
    },
  }
}

/** The rows whose records are new, or have no ids. */
function freshRows({ count, table, status }: PackedUserRecords, records: readonly StreamRecord[], known: Deduplicator): Uint32Array {
  const fresh = new Uint32Array(count)
  let kept = 0
  let source = -1
  let ids: RecordIds | undefined
  for (let row = 0; row < count; row++) {
    if (table[ROW * row + 6] !== source) {
      source = table[ROW * row + 6]
      ids = status[row] & FROM_AGGREGATE ? recordIdsOf(records[source].Data) : undefined
    }
    const number = ids?.numbers[table[ROW * row + 7]]
    if (!ids || number === undefined || !known.seen(ids.producer, number)) fresh[kept++] = row
  }
  return fresh.slice(0, kept)
}

function pick(from: PackedUserRecords, rows: Uint32Array): PackedUserRecords {
  const table = new Uint32Array(ROW * rows.length)
  for (let i = 0; i < rows.length; i++) table.set(from.table.subarray(ROW * rows[i], ROW * rows[i] + ROW), ROW * i)
  return { ...from, count: rows.length, table, status: Uint8Array.from(rows, (row) => from.status[row]) }
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

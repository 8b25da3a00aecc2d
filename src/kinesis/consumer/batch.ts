// What a consumer yields: the Kinesis records of one answer, opened as far as the reader asks.
import { NO_HASH, ROW_WORDS } from '../../engine/batch.js'
import { wrongType } from '../../errors.js'
import type { RecordBatch } from '../../types.js'
import {
  type DeaggregateMode,
  type DeaggregateOptions,
  type DroppedAggregate,
  deaggregatePacked,
  FROM_AGGREGATE,
  openPacked,
  type PackedUserRecords,
} from '../aggregates/deaggregate.js'
import { type RecordIds, recordIdsOf } from '../aggregates/record-ids.js'
import { type DeaggregatedRecord, deaggregate } from '../aggregates/user-records.js'
import type { ShardDescription } from '../service/listing.js'
import type { StreamRecord } from '../service/service.js'
import { compareSequence } from '../service/shards.js'
import { type Checkpoint, type CheckpointStore, compareCheckpoints, isNumber } from './checkpoint-store.js'
import type { Deduplicator } from './seen.js'

export interface ConsumedRecord extends DeaggregatedRecord {
  shardId: string
  sequenceNumber: string
  /** When Kinesis took it, in milliseconds since the epoch, where the service says so; user records of one aggregate share it. */
  arrival: number | undefined
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
  /** Aborted when the shard is another consumer's, which reads on from the last checkpoint. */
  readonly signal: AbortSignal
  /**
   * Stores that all records of the shard up to and with this one are done with; default: up to the end of the
   * batch. Without a subSequenceNumber, as the KCL has it: of the aggregate only the first. Rejects with RangeError for
   * a place before the last checkpoint or behind the batch, with TypeError for what is none, with LEASE_LOST where the shard
   * is another's by now, with CLOSED once the iteration has ended, and with the store's error.
   *
   * `write`: writes the lease in place of the store's own function of that name, under the same condition and together with
   * what came of the records, in one transaction. With it, and `checkpointInterval: Infinity`, each record's effect is there
   * once: what was not committed comes again, what was does not. Where it gives false it must have written neither.
   * Its lease is to be what the store reads.
   */
  checkpoint(record?: Place, write?: CheckpointStore['write']): Promise<void>
}

/** Behind one place, up to another one. */
export interface Again {
  after: Checkpoint
  upTo: Checkpoint
}

/** A user record's place in its shard. */
export interface Place {
  sequenceNumber: string
  subSequenceNumber?: number | undefined
}

export interface OpenBatch {
  shard: ShardDescription
  records: readonly StreamRecord[]
  millisBehindLatest: number | undefined
  mode: DeaggregateMode
  known: Deduplicator | undefined
  /** Records up to this one were done with before. */
  after: Checkpoint
  /** Records that nobody is done with although `known` has had them. */
  again: Again | undefined
  signal: AbortSignal
  checkpoint: ConsumerBatch['checkpoint']
}

/** `empty`: there is nothing in it that was not done with before. */
export function openBatch({ shard, records, millisBehindLatest, mode, known, after, again, signal, checkpoint }: OpenBatch): {
  batch: ConsumerBatch
  empty: boolean
} {
  const options = { mode, range: shard.HashKeyRange }
  const sequenceNumbers = records.map((record) => record.SequenceNumber)
  const resumed = isNumber(after.sequenceNumber) && compareSequence(sequenceNumbers[0], after.sequenceNumber) <= 0
  let objects: ConsumedRecord[] | undefined
  let rows: PackedUserRecords | undefined
  /** Rows that are handed out, where that is not all of them. */
  let chosen: Uint32Array | undefined
  let repeated = 0
  let dropped: DroppedAggregate[] | undefined
  /** The options of whichever opens the records first: it tells what is dropped. */
  const opening = (): DeaggregateOptions => {
    if (dropped) return options
    const list: DroppedAggregate[] = []
    dropped = list
    return { ...options, onDropped: (aggregate) => list.push(aggregate) }
  }
  const packed = () => {
    if (rows) return rows
    rows = openPacked(pack(records), opening(), sequenceNumbers)
    let left: Uint32Array = resumed ? laterRows(rows, sequenceNumbers, after) : Uint32Array.from({ length: known ? rows.count : 0 }, (_, row) => row)
    if (known) {
      const fresh = freshRows(rows, left, records, known, again)
      repeated = left.length - fresh.length
      left = fresh
    }
    if ((known || resumed) && left.length < rows.count) {
      chosen = left
      rows = pick(rows, left)
    }
    return rows
  }
  // What has come is known from here on, whether anybody looks at this batch or not; and a fault in strict mode is the iteration's.
  if (known || resumed || mode === 'strict') packed()
  const batch: ConsumerBatch = {
    shardId: shard.ShardId,
    sequenceNumbers,
    arrived: records.at(-1)?.ApproximateArrivalTimestamp,
    millisBehindLatest,
    get records() {
      if (!objects) {
        const all = deaggregate(records, opening()) as ConsumedRecord[]
        const arrivals = new Map(records.map((record) => [record.SequenceNumber, record.ApproximateArrivalTimestamp?.getTime()]))
        for (const record of all) {
          record.shardId = shard.ShardId
          record.arrival = arrivals.get(record.sequenceNumber)
        }
        objects = chosen ? Array.from(chosen, (row) => all[row]) : all
      }
      return objects
    },
    get packed() {
      return packed()
    },
    repeated,
    get dropped() {
      if (!dropped && mode === 'kcl') packed()
      return (dropped ?? []) as (DroppedAggregate & { sequenceNumber: string })[]
    },
    signal,
    checkpoint,
  }
  return { batch, empty: resumed && !known && packed().count === 0 }
}

/** The place of the last user record in these, whether it is delivered or dropped. */
export function endOf(records: readonly StreamRecord[]): Checkpoint {
  const last = records[records.length - 1]
  const { count } = deaggregatePacked(pack([last]), { verify: false })
  return { sequenceNumber: last.SequenceNumber, subSequenceNumber: Math.max(0, count - 1) }
}

/** Throws TypeError for what is neither a place nor undefined. */
export function checkPlace(place: unknown): asserts place is Place | undefined {
  if (place === undefined) return
  if (typeof place !== 'object' || place === null) throw wrongType('record', 'a record or its { sequenceNumber, subSequenceNumber }', place)
  const { sequenceNumber, subSequenceNumber = 0 } = place as Partial<Place>
  if (typeof sequenceNumber !== 'string') throw wrongType('record.sequenceNumber', 'a string', sequenceNumber)
  if (!Number.isSafeInteger(subSequenceNumber) || subSequenceNumber < 0) throw wrongType('record.subSequenceNumber', 'a whole number', subSequenceNumber)
}

/** A record's place as a checkpoint; RangeError for one that is not between these two. */
export function within({ sequenceNumber, subSequenceNumber = 0 }: Place, from: Checkpoint, to: Checkpoint): Checkpoint {
  const at = { sequenceNumber, subSequenceNumber }
  if (isNumber(sequenceNumber) && compareCheckpoints(at, from) >= 0 && compareCheckpoints(at, to) <= 0) return at
  const name = ({ sequenceNumber: s, subSequenceNumber: sub }: Checkpoint) => `${s}/${sub}`
  throw new RangeError(`"record" expected one between the last checkpoint ${name(from)} and the end of the batch ${name(to)}, got ${name(at)}`)
}

/** The rows behind a checkpoint. */
function laterRows({ count, table }: PackedUserRecords, sequenceNumbers: readonly string[], after: Checkpoint): Uint32Array {
  const order = sequenceNumbers.map((sequenceNumber) => compareSequence(sequenceNumber, after.sequenceNumber))
  const later = new Uint32Array(count)
  let kept = 0
  for (let row = 0; row < count; row++) {
    const side = order[table[ROW_WORDS * row + 6]]
    if (side > 0 || (side === 0 && table[ROW_WORDS * row + 7] > after.subSequenceNumber)) later[kept++] = row
  }
  return later.slice(0, kept)
}

/** Those of the rows whose records are new, or have no ids, or come `again`. */
function freshRows(
  { table, status }: PackedUserRecords,
  rows: Uint32Array,
  records: readonly StreamRecord[],
  known: Deduplicator,
  again: Again | undefined,
): Uint32Array {
  const fresh = new Uint32Array(rows.length)
  let kept = 0
  let source = -1
  let ids: RecordIds | undefined
  for (const row of rows) {
    if (table[ROW_WORDS * row + 6] !== source) {
      source = table[ROW_WORDS * row + 6]
      ids = status[row] & FROM_AGGREGATE ? recordIdsOf(records[source].Data) : undefined
    }
    const item = table[ROW_WORDS * row + 7]
    const number = ids?.numbers[item]
    const had = ids !== undefined && number !== undefined && known.seen(ids.producer, number)
    if (!had || isWithin(again, records[source].SequenceNumber, item)) fresh[kept++] = row
  }
  return fresh.slice(0, kept)
}

function isWithin(again: Again | undefined, sequenceNumber: string, subSequenceNumber: number): boolean {
  const at = { sequenceNumber, subSequenceNumber }
  return again !== undefined && compareCheckpoints(at, again.after) > 0 && compareCheckpoints(at, again.upTo) <= 0
}

function pick(from: PackedUserRecords, rows: Uint32Array): PackedUserRecords {
  const table = new Uint32Array(ROW_WORDS * rows.length)
  for (let i = 0; i < rows.length; i++) table.set(from.table.subarray(ROW_WORDS * rows[i], ROW_WORDS * rows[i] + ROW_WORDS), ROW_WORDS * i)
  return { ...from, count: rows.length, table, status: Uint8Array.from(rows, (row) => from.status[row]) }
}

const encoder = new TextEncoder()

function pack(records: readonly StreamRecord[]): RecordBatch {
  const keys = records.map((record) => encoder.encode(record.PartitionKey ?? ''))
  const heap = new Uint8Array(records.reduce((sum, record, i) => sum + record.Data.length + keys[i].length, 0))
  const table = new Uint32Array(ROW_WORDS * records.length)
  let top = 0
  const put = (bytes: Uint8Array) => {
    heap.set(bytes, top)
    top += bytes.length
    return top - bytes.length
  }
  for (let i = 0; i < records.length; i++) {
    const { Data } = records[i]
    table.set([put(keys[i]), keys[i].length, 0, NO_HASH, put(Data), Data.length, i, 0], ROW_WORDS * i)
  }
  return { count: records.length, table, heap }
}

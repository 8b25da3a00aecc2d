// User records -> KPL aggregates, a batch at a time, inside the shard maps' engine: look-up, plan, bytes
// and MD5 without leaving it.
import { type Placed, putBatch, putRecords, ROW_WORDS } from '../../engine/batch.js'
import { NO_MEMORY, ROW_SIZE } from '../../engine/core.js'
import { type Engine, outOfMemory } from '../../engine/engine.js'
import { checkKeys, checkWhole, wrongType } from '../../errors.js'
import type { RecordBatch, UserRecord } from '../../types.js'
import { onMap, ShardMap, whyNoShard } from '../shards/shard-map.js'

export interface AggregateOptions {
  /** The stream's open shards: records of different shards never share an aggregate. */
  shards: ShardMap
  /** Most bytes of an aggregate, its 20 bytes of magic and MD5 included: 64 to 10,485,760; default 51,200 (KPL). */
  maxSize?: number | undefined
  /** Most user records of an aggregate: 1 to 4,294,967,295 (default, KPL). 1 sends every record raw. */
  maxCount?: number | undefined
  /**
   * The stream's limit for data and partition key together: 64 to 10,485,760; default 1,048,576. A user
   * record over it is rejected; an aggregate with its key "a" stays within it.
   */
  maxRecordSize?: number | undefined
}

/** A user record that no shard takes, or the service would refuse. The rest of the batch is not affected. */
export interface RejectedRecord {
  /** Index in the batch. */
  record: number
  code: 'BAD_RECORD' | 'RECORD_TOO_LARGE'
  message: string
}

/** Outer records as rows (RecordBatch: `source` is the index of the first user record, `item` the number of them). */
export interface PackedAggregates extends RecordBatch {
  /** Index of each outer record's shard. */
  shards: Uint32Array
  /** For each user record the index of its outer record, NO_OUTER where it was rejected. */
  outers: Uint32Array
  rejected: RejectedRecord[]
}

/** A record to put: a KPL aggregate, or one user record raw. */
export interface AggregatedRecord {
  /** "a" for an aggregate, else the user record's own. */
  PartitionKey: string
  /** Hash key of the first user record, decimal: the service places the record there. */
  ExplicitHashKey: string
  Data: Uint8Array
  /** Index of the shard in the map. */
  shard: number
  /** User records in it. */
  userRecords: number
}

export interface Aggregates {
  /** In the order of their first user records; those of one shard in arrival order throughout. */
  records: AggregatedRecord[]
  /** For each user record the index of its outer record, NO_OUTER where it was rejected. */
  outers: Uint32Array
  rejected: RejectedRecord[]
}

/** In `outers`: the user record was rejected. */
export const NO_OUTER = 0xffffffff

const MIB = 1_048_576

/**
 * Aggregates user records as the Kinesis Producer Library does, byte for byte (amazon-kinesis-producer,
 * aggregation-format.md). Each goes to the open aggregate of its shard; one that does not fit closes
 * it. Stateless: every aggregate of the batch is closed at its end. One user record alone, or too
 * large to share, is sent raw under its own key, never wrapped.
 *
 * Not for on-demand streams with RecordDistributionStrategy AUTO: readers drop aggregates there.
 * Throws TypeError or RangeError for wrong options and fields of the wrong type; a record with a bad key
 * or over the size limit is listed in `rejected`, and the others go on.
 *
 * @example
 * const { records, rejected } = aggregate(userRecords, { shards: ShardMap.even(4) })
 * const Records = records.map(({ PartitionKey, ExplicitHashKey, Data }) => ({ PartitionKey, ExplicitHashKey, Data })) // for PutRecords
 */
export function aggregate(records: readonly UserRecord[] | RecordBatch, options: AggregateOptions): Aggregates {
  if (typeof records !== 'object' || records === null) throw wrongType('records', 'an array of records or packed records', records)
  const settings = checked(options)
  const list = Array.isArray(records) ? (records as readonly UserRecord[]) : undefined
  return onMap(settings.shards, (e, image) => {
    const made = plan(e, image, list ? list.length : (records as RecordBatch).count, list ? putRecords(e, list) : putBatch(e, records as RecordBatch), settings)
    const { table, keys, dataSize, shards, outers, rejected } = made
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const text = (at: number, size: number) => decoder.decode(keys.subarray(at - dataSize, at - dataSize + size))
    const out: AggregatedRecord[] = new Array(made.count)
    write(e, made, (from, to, at) => {
      const bytes = e.bytes()
      for (let i = from, row = from * ROW_WORDS; i < to; i++, row += ROW_WORDS) {
        const userRecords = table[row + 7]
        const start = at + table[row + 4]
        out[i] = {
          PartitionKey: userRecords > 1 ? 'a' : text(table[row], table[row + 1]),
          ExplicitHashKey: text(table[row + 2], table[row + 3]),
          Data: bytes.slice(start, start + table[row + 5]),
          shard: shards[i],
          userRecords,
        }
      }
    })
    return { records: out, outers, rejected }
  })
}

/**
 * The same from packed records to packed records: nothing is made for each one. With `into`, the heap
 * is a view of that where it has room: memory that is used again saves what the system takes to map
 * and clear megabytes anew, up to a third of the call.
 */
export function aggregatePacked(batch: RecordBatch, options: AggregateOptions, into?: Uint8Array): PackedAggregates {
  if (typeof batch !== 'object' || batch === null) throw wrongType('batch', 'packed records', batch)
  if (into !== undefined && !(into instanceof Uint8Array)) throw wrongType('into', 'a Uint8Array', into)
  const settings = checked(options)
  return onMap(settings.shards, (e, image) => {
    const made = plan(e, image, batch.count, putBatch(e, batch), settings)
    const { count, table, keys, dataSize, shards, outers, rejected } = made
    const size = dataSize + keys.length
    const heap = into && into.length >= size ? into.subarray(0, size) : room(size)
    write(e, made, (from, to, at) => {
      const start = table[from * ROW_WORDS + 4]
      const end = table[to * ROW_WORDS - 4] + table[to * ROW_WORDS - 3]
      heap.set(e.bytes().subarray(at + start, at + end), start)
    })
    heap.set(keys, dataSize)
    return { count, table, heap, shards, outers, rejected }
  })
}

/** All of it is written: where the runtime can, without clearing it first. */
function room(size: number): Uint8Array {
  if (typeof Buffer === 'undefined') return new Uint8Array(size)
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
}

interface Planned extends Omit<PackedAggregates, 'heap'> {
  /** What lies behind the data in the outer records' heap. */
  keys: Uint8Array
  dataSize: number
  placed: Placed
  userRecords: number
  at: number
}

function plan(e: Engine, image: number, count: number, placed: Placed, settings: Required<AggregateOptions>): Planned {
  const { heap, table } = placed
  const { maxSize, maxCount, maxRecordSize } = settings
  const shardCount = settings.shards.shards.length
  const { core } = e
  // In a map of one range (the first word of its image) no hash key decides anything.
  const hashes = e.words()[image >> 2] === 1 ? 0 : e.reserve(count * 16)
  const shards = e.reserve(count * 4)
  core.shardMany(image, heap, table, ROW_SIZE, count, hashes, shards)
  const size = core.aggregatePlanSize(count, shardCount)
  if (size === 0) throw outOfMemory(count * 100)
  const at = e.reserve(size)
  // An aggregate travels with its key "a", which counts.
  const made = core.aggregatePlan(heap, table, shards, hashes, count, shardCount, Math.min(maxSize, maxRecordSize - 1), maxCount, maxRecordSize, at)
  if (made === NO_MEMORY) throw outOfMemory(2 ** 31)
  const report = core.report() >> 2
  const dataSize = e.words()[report]
  const room = e.words()[report + 1]
  const out = e.reserve(made * (ROW_SIZE + 4) + count * 4)
  const keys = e.reserve(room)
  const keysSize = core.aggregateRows(heap, table, hashes, count, at, made, dataSize, keys, room, out)
  const words = e.words().slice(out >> 2, (out >> 2) + made * (ROW_WORDS + 1) + count)
  const outers = words.subarray(made * (ROW_WORDS + 1))
  return {
    count: made,
    table: words.subarray(0, made * ROW_WORDS),
    keys: e.bytes().slice(keys, keys + keysSize),
    dataSize,
    shards: words.subarray(made * ROW_WORDS, made * (ROW_WORDS + 1)),
    outers,
    rejected: rejectedOf(outers, e.words().subarray(shards >> 2), maxRecordSize),
    placed,
    userRecords: count,
    at,
  }
}

/** A dozen aggregates of the default size: what is written, hashed and taken at a time stays in cache. */
const GROUP = 640_000
const LANES = 12

/** Writes the outer records, some at a time; `take` gets each group, its data from `at` on as the rows have it. */
function write(e: Engine, { count, table, placed, userRecords, at }: Planned, take: (from: number, to: number, at: number) => void): void {
  const start = (i: number) => (i < count ? table[i * ROW_WORDS + 4] : table[count * ROW_WORDS - 4] + table[count * ROW_WORDS - 3])
  const groups = [0]
  let room = 0
  for (let i = 1, from = 0; i <= count; i++) {
    const size = start(i) - start(from)
    if (i < count && (i - from < LANES || size < GROUP)) continue
    room = Math.max(room, size)
    groups.push(i)
    from = i
  }
  const dst = e.reserve(room)
  for (let g = 1; g < groups.length; g++) {
    const [from, to] = [groups[g - 1], groups[g]]
    e.core.aggregateWrite(placed.heap, placed.table, userRecords, at, from, to, dst, room)
    take(from, to, dst - start(from))
  }
}

function rejectedOf(outers: Uint32Array, shards: Uint32Array, maxRecordSize: number): RejectedRecord[] {
  const rejected: RejectedRecord[] = []
  for (let i = outers.indexOf(NO_OUTER); i >= 0; i = outers.indexOf(NO_OUTER, i + 1)) {
    const why = whyNoShard(shards[i])
    if (why) rejected.push({ record: i, code: 'BAD_RECORD', message: why })
    else rejected.push({ record: i, code: 'RECORD_TOO_LARGE', message: `its data and partition key are over ${maxRecordSize} bytes` })
  }
  return rejected
}

function checked(options: AggregateOptions): Required<AggregateOptions> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object with shards', options)
  checkKeys('options', options, ['shards', 'maxSize', 'maxCount', 'maxRecordSize'])
  const { shards, maxSize = 51_200, maxCount = 0xffffffff, maxRecordSize = MIB } = options
  if (!(shards instanceof ShardMap)) throw wrongType('shards', 'a ShardMap', shards)
  checkWhole('maxSize', maxSize, 64, 10 * MIB)
  checkWhole('maxCount', maxCount, 1, 0xffffffff)
  checkWhole('maxRecordSize', maxRecordSize, 64, 10 * MIB)
  return { shards, maxSize, maxCount, maxRecordSize }
}

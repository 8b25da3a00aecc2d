// From a pack of user records to the Kinesis records that carry them: one crossing into the core for
// the whole pack.
import { ROW_WORDS } from '../../engine/batch.js'
import { aggregatePacked, NO_OUTER } from '../aggregates/aggregate.js'
import { tagAggregate, tagSingle } from '../aggregates/record-ids.js'
import type { Outer } from './outer.js'
import type { Pack } from './pack.js'
import type { ShardTable } from './shard-table.js'

export interface FoldOptions {
  aggregation: boolean
  maxSize: number
  maxCount: number
  maxRecordSize: number
  /** false: the user records of each shard's last aggregate, which more could join, come back as `rest`. */
  all: boolean
  /** Names the producer in the aggregates, whose records then carry their ids; a record alone is an aggregate too. */
  producer: string | undefined
}

export interface Folded {
  outers: Outer[]
  /** Rows of the pack that are in none of them, in their order. */
  rest: number[]
}

/** Of the tag beside its numbers, which take a byte or two each. */
const TAG_BYTES = 96
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

export function fold(pack: Pack, table: ShardTable, { aggregation, maxSize, maxCount, maxRecordSize, all, producer }: FoldOptions): Folded {
  const outers: Outer[] = []
  const rest: number[] = []
  const tagged = aggregation ? producer : undefined
  if (!table.map) {
    // Raw: where no shard's range is known, nobody could tell an aggregate that readers drop.
    for (let row = 0; row < pack.count; row++) outers.push(alone(pack, row, table.version, undefined, maxRecordSize))
    return { outers, rest }
  }
  const batch = { count: pack.count, table: pack.table.subarray(0, ROW_WORDS * pack.count), heap: pack.heap.subarray(0, pack.bytes) }
  const room = tagged === undefined ? maxSize : Math.max(64, maxSize - TAG_BYTES - (maxSize >> 4))
  const made = aggregatePacked(batch, { shards: table.map, maxSize: room, maxCount: aggregation ? maxCount : 1, maxRecordSize })
  const last = aggregation && !all ? lastOfShards(made, pack.count) : undefined
  const open = last && last.size > 0 ? last : undefined
  const rows = rowsOf(made.outers, made)
  if (open) for (let row = 0; row < pack.count; row++) if (open.has(made.outers[row])) rest.push(row)
  for (let i = 0; i < made.count; i++) {
    const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize, , users] = made.table.subarray(ROW_WORDS * i, ROW_WORDS * i + ROW_WORDS)
    if (open?.has(i)) continue
    const text = (at: number, size: number) => decoder.decode(made.heap.subarray(at, at + size))
    const shared = users > 1
    const PartitionKey = shared ? 'a' : text(keyAt, keySize)
    const data = made.heap.subarray(dataAt, dataAt + dataSize)
    const Data = tagged === undefined ? data : withIds(pack, rows[i], data, tagged, maxRecordSize - keySize)
    outers.push({
      entry: { Data, PartitionKey, ExplicitHashKey: text(hashAt, hashSize) },
      bytes: Data.length + (shared ? 1 : keySize),
      aggregated: shared || Data !== data,
      shardId: table.shardId(made.shards[i]),
      version: table.version,
      pack,
      rows: rows[i],
      // Rows are in the order of their acceptance.
      since: pack.since[rows[i][0]],
      past: undefined,
    })
  }
  // No open shard is listed for them (a split is under way): the service places them.
  for (let row = made.outers.indexOf(NO_OUTER); row >= 0; row = made.outers.indexOf(NO_OUTER, row + 1))
    outers.push(alone(pack, row, table.version, tagged, maxRecordSize))
  return { outers, rest }
}

/** The aggregate, or the record alone, with the ids of its records; as it is where that would be larger than `most`. */
function withIds(pack: Pack, rows: Uint32Array, data: Uint8Array, producer: string, most: number): Uint8Array {
  const ids = { producer, numbers: Float64Array.from(rows, (row) => pack.numbers[row]) }
  let tagged: Uint8Array
  if (rows.length > 1) tagged = tagAggregate(data, ids)
  else {
    const hash = pack.hash(rows[0])
    tagged = tagSingle(encoder.encode(pack.key(rows[0])), hash === undefined ? undefined : encoder.encode(hash), data, ids)
  }
  return tagged.length <= most ? tagged : data
}

/** The last aggregate of each shard; none where that would keep back more than half of the batch. */
function lastOfShards(made: { shards: Uint32Array; table: Uint32Array }, count: number): Set<number> {
  const last = new Map<number, number>()
  for (let i = 0; i < made.shards.length; i++) last.set(made.shards[i], i)
  let kept = 0
  for (const i of last.values()) kept += made.table[ROW_WORDS * i + 7]
  return new Set(2 * kept > count ? [] : last.values())
}

/** For each outer record the rows in it, in its order, which is that of the batch. */
function rowsOf(outers: Uint32Array, made: { count: number; table: Uint32Array }): Uint32Array[] {
  const ends = new Uint32Array(made.count)
  let total = 0
  for (let i = 0; i < made.count; i++) {
    ends[i] = total
    total += made.table[ROW_WORDS * i + 7]
  }
  // One block for all: an array of its own for each is a buffer outside of the heap.
  const block = new Uint32Array(total)
  for (let row = 0; row < outers.length; row++) {
    const outer = outers[row]
    if (outer !== NO_OUTER) block[ends[outer]++] = row
  }
  return Array.from(ends, (end, i) => block.subarray(end - made.table[ROW_WORDS * i + 7], end))
}

/** A user record under its own key, its shard unknown. */
function alone(pack: Pack, row: number, version: number, producer: string | undefined, maxRecordSize: number): Outer {
  const rows = Uint32Array.of(row)
  // A copy: the pack's own arrays are used again once the record has settled, and a client may still look at it.
  const data = pack.data(row).slice()
  const PartitionKey = pack.key(row)
  const hash = pack.hash(row)
  const keySize = pack.textSize(row) - data.length - (hash?.length ?? 0)
  const Data = producer === undefined ? data : withIds(pack, rows, data, producer, maxRecordSize - keySize)
  return {
    entry: { Data, PartitionKey, ...(hash === undefined ? {} : { ExplicitHashKey: hash }) },
    bytes: keySize + Data.length,
    aggregated: Data !== data,
    shardId: '',
    version,
    pack,
    rows,
    since: pack.since[row],
    past: undefined,
  }
}

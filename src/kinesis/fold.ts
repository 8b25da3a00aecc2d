// From a pack of user records to the Kinesis records that carry them: one crossing into the core for
// the whole pack.
import { aggregatePacked, NO_OUTER } from './aggregate.js'
import type { Pack } from './intake.js'
import type { Outer } from './outer.js'
import type { ShardTable } from './shard-table.js'

export interface FoldOptions {
  aggregation: boolean
  maxSize: number
  maxCount: number
  maxRecordSize: number
  /** false: the user records of each shard's last aggregate, which more could join, come back as `rest`. */
  all: boolean
}

export interface Folded {
  outers: Outer[]
  /** Rows of the pack that are in none of them, in their order. */
  rest: number[]
}

const ROW = 8
const decoder = new TextDecoder()

export function fold(pack: Pack, table: ShardTable, { aggregation, maxSize, maxCount, maxRecordSize, all }: FoldOptions): Folded {
  const outers: Outer[] = []
  const rest: number[] = []
  if (!table.map) {
    for (let row = 0; row < pack.count; row++) outers.push(alone(pack, row, table.version))
    return { outers, rest }
  }
  const batch = { count: pack.count, table: pack.table.subarray(0, ROW * pack.count), heap: pack.heap.subarray(0, pack.bytes) }
  const made = aggregatePacked(batch, { shards: table.map, maxSize, maxCount: aggregation ? maxCount : 1, maxRecordSize })
  const open = aggregation && !all ? lastOfShards(made, pack.count) : undefined
  const rows = rowsOf(made.outers, made)
  for (let i = 0; i < made.count; i++) {
    const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize, , users] = made.table.subarray(ROW * i, ROW * i + ROW)
    if (open?.has(i)) {
      rest.push(...rows[i])
      continue
    }
    const text = (at: number, size: number) => decoder.decode(made.heap.subarray(at, at + size))
    const aggregated = users > 1
    outers.push({
      entry: {
        Data: made.heap.subarray(dataAt, dataAt + dataSize),
        PartitionKey: aggregated ? 'a' : text(keyAt, keySize),
        ExplicitHashKey: text(hashAt, hashSize),
      },
      bytes: dataSize + (aggregated ? 1 : keySize),
      aggregated,
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
  for (let row = made.outers.indexOf(NO_OUTER); row >= 0; row = made.outers.indexOf(NO_OUTER, row + 1)) outers.push(alone(pack, row, table.version))
  return { outers, rest: rest.sort((a, b) => a - b) }
}

/** The last aggregate of each shard; none where that would keep back more than half of the batch. */
function lastOfShards(made: { shards: Uint32Array; table: Uint32Array }, count: number): Set<number> {
  const last = new Map<number, number>()
  for (let i = 0; i < made.shards.length; i++) last.set(made.shards[i], i)
  let kept = 0
  for (const i of last.values()) kept += made.table[ROW * i + 7]
  return new Set(2 * kept > count ? [] : last.values())
}

/** For each outer record the rows in it, in its order, which is that of the batch. */
function rowsOf(outers: Uint32Array, made: { count: number; table: Uint32Array }): Uint32Array[] {
  const ends = new Uint32Array(made.count)
  let total = 0
  for (let i = 0; i < made.count; i++) {
    ends[i] = total
    total += made.table[ROW * i + 7]
  }
  // One block for all: an array of its own for each is a buffer outside of the heap.
  const block = new Uint32Array(total)
  for (let row = 0; row < outers.length; row++) {
    const outer = outers[row]
    if (outer !== NO_OUTER) block[ends[outer]++] = row
  }
  return Array.from(ends, (end, i) => block.subarray(end - made.table[ROW * i + 7], end))
}

/** A user record under its own key, its shard unknown. */
function alone(pack: Pack, row: number, version: number): Outer {
  const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize] = pack.table.subarray(ROW * row, ROW * row + 6)
  const text = (at: number, size: number) => decoder.decode(pack.heap.subarray(at, at + size))
  return {
    entry: {
      Data: pack.heap.subarray(dataAt, dataAt + dataSize),
      PartitionKey: text(keyAt, keySize),
      ...(hashSize === 0xffffffff ? {} : { ExplicitHashKey: text(hashAt, hashSize) }),
    },
    bytes: keySize + dataSize,
    aggregated: false,
    shardId: '',
    version,
    pack,
    rows: Uint32Array.of(row),
    since: pack.since[row],
    past: undefined,
  }
}

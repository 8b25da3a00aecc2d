// Which shard a record goes to, as the service decides it: the shards' hash key ranges, and the core's
// look-up in them for whole batches.
import { BAD_INPUT, HASH_MALFORMED, HASH_RANGE, KEY_LENGTH, KEY_LIMIT, ROW_SIZE, UNCOVERED } from '../../engine/core.js'
import { createEngine, type Engine } from '../../engine/engine.js'
import { outOfRange, wrongType } from '../../errors.js'
import type { RecordBatch } from '../../types.js'
import { parseHashKey, readHashKey } from './hash-key.js'
import { MAX_SHARDS, packPieces } from './shard-image.js'
import { readShards, type ShardList, type ShardRange } from './shard-list.js'
import { type PackedKeys, putKeys, putOne, putPacked, putRecords, type Rows } from './shard-rows.js'

/** In place of a shard's index: no open shard's range holds the hash key. */
export const NO_SHARD = UNCOVERED >>> 0

/**
 * Rows a call, a multiple of the twelve MD5 lanes. Few enough for the joined text and the digests to stay in
 * the nearest caches: joining and writing a key takes 13 ns at 2,048 of them, 33 to 45 ns at 4,096.
 */
const CHUNK = 2040
const KEY = `1 to ${KEY_LIMIT} characters`
const HASH = 'a decimal integer from 0 to 2^128 - 1'
const REASONS = new Map([
  [UNCOVERED, 'no open shard holds its hash key'],
  [KEY_LENGTH, `its partition key has not ${KEY}`],
  [HASH_MALFORMED, 'its explicit hash key is not a decimal integer'],
  [HASH_RANGE, 'its explicit hash key is not of 0 to 2^128 - 1'],
])

/** Why a record has no shard, for an index that shardsOfPacked gave; undefined for a shard's index. */
export function whyNoShard(index: number): string | undefined {
  return REASONS.get(index | 0)
}

const images = new WeakMap<ShardMap, Uint8Array>()

/**
 * The open shards of a stream and their hash key ranges. Index i is the shard with the i-th lowest hash
 * keys. Immutable: after a split or a merge make a new one. A look-up takes the same time among one
 * shard and among 10,000, evenly split or not.
 *
 * A partition key has 1 to 256 characters, counted as Unicode code points (the length of a string in
 * the service's API model), whatever their size in UTF-8.
 *
 * @example
 * const map = ShardMap.fromShards(await client.send(new ListShardsCommand({ StreamName: 'flights' })))
 * map.shards[map.shardOf('AMS')].ShardId
 */
export class ShardMap {
  /** The open shards in order of their hash keys. */
  readonly shards: readonly ShardRange[]

  private constructor(shards: ShardRange[], image: Uint8Array) {
    this.shards = Object.freeze(shards)
    images.set(this, image)
  }

  /**
   * A stream of `count` (1 to 32,767) shards as the service lays it out: shard i starts at
   * i * floor(2^128 / count), the last one ends at 2^128 - 1.
   */
  static even(count: number): ShardMap {
    const expected = `an integer from 1 to ${MAX_SHARDS}`
    if (typeof count !== 'number') throw wrongType('count', expected, count)
    if (!Number.isInteger(count) || count < 1 || count > MAX_SHARDS) throw outOfRange('count', expected, count)
    const size = 2n ** 128n / BigInt(count)
    return ShardMap.fromShards(
      Array.from({ length: count }, (_, i) => ({
        ShardId: `shardId-${String(i).padStart(12, '0')}`,
        StartingHashKey: String(BigInt(i) * size),
        EndingHashKey: String((i === count - 1 ? 2n ** 128n : BigInt(i + 1) * size) - 1n),
      })),
    )
  }

  /**
   * From a ListShards response (all pages), an array of its shards, or an array of flat
   * `{ ShardId, StartingHashKey, EndingHashKey }`. Closed shards, which have an EndingSequenceNumber, are
   * left out. Throws a RangeError that names the shards where two overlap, and where hash keys are in
   * no open shard unless `gaps` is true: then those give NO_SHARD.
   */
  static fromShards(shards: ShardList, options: { gaps?: boolean | undefined } = {}): ShardMap {
    const read = readShards(shards, options)
    if (read.shards.length > MAX_SHARDS) throw new RangeError(`"shards" expected at most ${MAX_SHARDS} open shards, got ${read.shards.length}`)
    return new ShardMap(read.shards, packPieces(read.pieces))
  }

  /** The index of one record's shard, or NO_SHARD. For many records shardsOf is far faster. */
  shardOf(partitionKey: string, explicitHashKey?: string | bigint): number {
    return this.#one(partitionKey, explicitHashKey).shard
  }

  /** One record's hash key: its explicit hash key, or else the MD5 of its partition key. */
  hashKeyOf(partitionKey: string, explicitHashKey?: string | bigint): bigint {
    return this.#one(partitionKey, explicitHashKey).hashKey
  }

  /**
   * For each partition key the index of its shard, or NO_SHARD. `explicitHashKeys[i]`, where it is not
   * undefined, decides in place of keys[i]. Throws TypeError or RangeError that names the first key
   * that the service would not take.
   */
  shardsOf(keys: readonly string[], explicitHashKeys?: readonly (string | bigint | undefined)[]): Uint32Array {
    if (!Array.isArray(keys)) throw wrongType('keys', 'an array of strings', keys)
    if (explicitHashKeys !== undefined && !Array.isArray(explicitHashKeys)) throw wrongType('explicitHashKeys', 'an array', explicitHashKeys)
    if (explicitHashKeys !== undefined && explicitHashKeys.length !== keys.length)
      throw outOfRange('explicitHashKeys.length', `${keys.length}, as many as keys`, explicitHashKeys.length)
    const shards = new Uint32Array(keys.length)
    for (let from = 0; from < keys.length; from += CHUNK) {
      const to = Math.min(from + CHUNK, keys.length)
      onMap(this, (e, map) => {
        const rows = explicitHashKeys ? putRecords(e, keys, explicitHashKeys, from, to) : putKeys(e, keys, from, to)
        if (lookUp(e, map, rows, shards, from, to) !== BAD_INPUT) return
        const { record, detail } = faultOf(e)
        if (detail === KEY_LENGTH) throw outOfRange(`keys[${from + record}]`, KEY, keys[from + record])
        throw outOfRange(`explicitHashKeys[${from + record}]`, HASH, explicitHashKeys?.[from + record])
      })
    }
    return shards
  }

  /**
   * The same for packed keys, or for packed records with their explicit hash keys: nothing is made
   * per record. A record that has no shard does not stop the others: its index is NO_SHARD or
   * another one for which whyNoShard gives the reason.
   */
  shardsOfPacked(batch: RecordBatch | PackedKeys): Uint32Array {
    if (typeof batch !== 'object' || batch === null) throw wrongType('batch', 'packed records or keys', batch)
    if (!(batch.heap instanceof Uint8Array)) throw wrongType('batch.heap', 'a Uint8Array', batch.heap)
    if ('ends' in batch && !(batch.ends instanceof Uint32Array)) throw wrongType('batch.ends', 'a Uint32Array', batch.ends)
    return onMap(this, (e, map) => {
      const { heap, table, stride } = putPacked(e, batch)
      const count = 'ends' in batch ? batch.ends.length : batch.count
      const shards = new Uint32Array(count)
      for (let from = 0; from < count; from += CHUNK)
        e.scope(() => lookUp(e, map, { heap, table: table + from * stride, stride }, shards, from, Math.min(from + CHUNK, count)))
      return shards
    })
  }

  #one(partitionKey: string, explicitHashKey: string | bigint | undefined): { shard: number; hashKey: bigint } {
    if (typeof partitionKey !== 'string') throw wrongType('partitionKey', `a string of ${KEY}`, partitionKey)
    const explicit = explicitHashKey === undefined ? undefined : String(parseHashKey(explicitHashKey))
    return onMap(this, (e, map) => {
      const one = putOne(e, partitionKey, explicit)
      if (!one || e.core.shardMany(map, 0, one.row, ROW_SIZE, 1, one.hash, one.shard) === BAD_INPUT) throw outOfRange('partitionKey', KEY, partitionKey)
      return { shard: e.words()[one.shard >> 2], hashKey: readHashKey(e.bytes(), one.hash) }
    })
  }
}

/** Rows 0 to (to - from) looked up into shards[from, to). */
function lookUp(e: Engine, map: number, rows: Rows, shards: Uint32Array, from: number, to: number): number {
  const hashes = e.reserve(16 * (to - from))
  const out = e.reserve(4 * (to - from))
  const result = e.core.shardMany(map, rows.heap, rows.table, rows.stride, to - from, hashes, out)
  shards.set(e.words().subarray(out >> 2, (out >> 2) + to - from), from)
  return result
}

function faultOf(e: Engine): { record: number; detail: number } {
  const at = e.core.report() >> 2
  return { record: e.words()[at + 3], detail: e.words()[at + 4] | 0 }
}

// Shard maps have an engine to themselves, in which the one used last stays: copying it in for each
// call would cost 20 us at 10,000 shards, as much as 500 look-ups.
let home: { engine: Engine; empty: number; map?: ShardMap; at: number } | undefined

/** Runs `work` in the shard maps' engine; `at` is the map's image in its memory. */
export function onMap<T>(map: ShardMap, work: (e: Engine, at: number) => T): T {
  const image = images.get(map)
  if (!image) throw wrongType('map', 'a ShardMap', map)
  if (!home) {
    const made = createEngine()
    home = { engine: made, empty: made.core.mark(), at: 0 }
  }
  const { engine } = home
  if (home.map !== map) {
    home.map = undefined
    engine.core.rewind(home.empty)
    home.at = engine.put(image)
    home.map = map
  }
  const { at } = home
  return engine.scope(() => work(engine, at))
}

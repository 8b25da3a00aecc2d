// The producer's view of a stream's shards: the map of the open ones, and the range of every shard
// that was ever listed, to judge where an aggregate has landed.
import { MillraceError } from '../../errors.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { Attempt } from '../service/attempt.js'
import { type ShardDescription, unusable } from '../service/listing.js'
import type { KinesisService } from '../service/service.js'
import { listShards, openShards } from '../service/shards.js'
import { ShardMap } from '../shards/shard-map.js'
import type { Pack } from './pack.js'

export interface ShardTable {
  /** Whether open shards were listed once, or may not be, and the stream is not known to be gone since. */
  readonly known: boolean
  /** Changes with every refresh that has brought other shards. */
  readonly version: number
  /** Open shards; 0 while unknown, or where the role may not list them. */
  readonly count: number
  /** Undefined where count is 0. */
  readonly map: ShardMap | undefined
  shardId(index: number): string
  isOpen(shardId: string): boolean
  /** Whether it was ever listed. */
  knows(shardId: string): boolean
  /** Whether the hash keys of all these rows lie in the shard's range; false for an unknown shard, and where the core has no memory left to tell. */
  holds(shardId: string, pack: Pack, rows: Uint32Array): boolean
  /**
   * Lists the open shards; calls that overlap share one. After one that has brought nothing new the next
   * waits for 100 ms, then 200 ms, up to 10 s. Until the shards are known it tries without an end, and takes no list
   * without an open shard; afterwards for `patience`. Throws what listShards throws.
   */
  refresh(signal?: AbortSignal): Promise<void>
  /** Whether refresh() would wait. */
  readonly resting: boolean
  /**
   * refresh(), some times over while the shard is not listed: a new one is written to before it is. One of them lists closed
   * shards too: it may have opened and closed between two looks.
   */
  learn(shardId: string): Promise<void>
  /** The stream is gone: nothing of its shards is true of one that comes under its name. */
  forget(): void
}

/** Times that the shards are listed to find one. */
const LISTINGS = 5

export interface ShardTableOptions {
  service: KinesisService
  clock: Clock
  random: Random
  /** Milliseconds for which refresh() tries once the shards are known. */
  patience: number
  /** Ends whatever is under way, and all that would begin. */
  signal: AbortSignal
  /** An attempt to list the shards has failed. */
  missed(attempt: Attempt): void
}

export function createShardTable({ service, clock, random, patience, signal: life, missed }: ShardTableOptions): ShardTable {
  // The map of one shard alone: every other hash key has no shard.
  const ranges = new Map<string, ShardMap>()
  let map: ShardMap | undefined
  let ids: string[] = []
  let known = false
  let version = 0
  let refreshing: Promise<void> | undefined
  /** The last list had no open shard: those that are kept are closed. */
  let between = false
  let quiet = 0
  let quietUntil = 0

  /** The next list has closed shards too. */
  let wide = false

  const load = async (signal: AbortSignal) => {
    const filter = wide ? undefined : 'AT_LATEST'
    wide = false
    try {
      const options = { clock, random, patience: known ? patience : Number.POSITIVE_INFINITY, signal, missed }
      await listShards(async () => adopt(await service.listShards(signal, filter)), options)
    } catch (error) {
      // A role that may only put: records are sent one by one, the service finds their shards.
      if (!(error instanceof MillraceError && faultOf(error.cause).code === 'AccessDeniedException')) throw error
      known = true
    }
  }

  // All of a list or nothing of it.
  const adopt = (all: readonly ShardDescription[]) => {
    const open = openShards(all)
    const next = open.map((shard) => shard.ShardId)
    if (!known && next.length === 0)
      throw unusable(new RangeError(`"Shards" expected an open shard, got ${all.length === 0 ? 'none' : `${all.length} closed`}`))
    // None is open for as long as no child of a reshard of all is listed.
    const same = next.length === 0 || next.join() === ids.join()
    const made = same ? map : mapOf(open)
    for (const shard of all) if (!ranges.has(shard.ShardId)) ranges.set(shard.ShardId, mapOf([shard]))
    known = true
    between = next.length === 0
    if (same) {
      quiet = Math.min(Math.max(100, 2 * quiet), 10_000)
      quietUntil = clock.monotonic() + quiet
      return
    }
    quiet = 0
    map = made
    ids = next
    version++
  }

  const refresh = (signal = life) => {
    const look = async () => {
      const wait = quietUntil - clock.monotonic()
      if (wait > 0) await clock.sleep(wait, signal)
      signal.throwIfAborted()
      await load(signal)
    }
    refreshing ??= look().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  return {
    get known() {
      return known
    },
    get version() {
      return version
    },
    get count() {
      return ids.length
    },
    get map() {
      return map
    },
    shardId: (index) => ids[index] ?? '',
    isOpen: (shardId) => !between && ids.includes(shardId),
    knows: (shardId) => ranges.has(shardId),
    holds(shardId, pack, rows) {
      const range = ranges.get(shardId)
      try {
        return range ? range.shardsOfPacked(pick(pack, rows)).every((index) => index === 0) : false
      } catch {
        return false
      }
    },
    get resting() {
      return clock.monotonic() < quietUntil
    },
    refresh,
    forget() {
      if (!known) return
      known = false
      map = undefined
      ids = []
      ranges.clear()
      quiet = 0
      quietUntil = 0
      version++
    },
    async learn(shardId) {
      for (let tries = 0; tries < LISTINGS; tries++) {
        wide ||= tries === 1
        await refresh()
        if (ranges.has(shardId) || ids.length === 0) return
      }
    },
  }
}

/** Between the closing of a parent and the opening of its children there are gaps; ranges that overlap are an odd list. */
function mapOf(shards: readonly ShardDescription[]): ShardMap {
  try {
    return ShardMap.fromShards(
      shards.map(({ ShardId, HashKeyRange }) => ({ ShardId, ...HashKeyRange })),
      { gaps: true },
    )
  } catch (error) {
    throw error instanceof RangeError ? unusable(error) : error
  }
}

// Rows of a pack as a batch over the same heap.
function pick(pack: Pack, rows: Uint32Array) {
  const table = new Uint32Array(8 * rows.length)
  for (let i = 0; i < rows.length; i++) table.set(pack.table.subarray(8 * rows[i], 8 * rows[i] + 8), 8 * i)
  return { count: rows.length, table, heap: pack.heap }
}

// Where records go: the stream's shards and whether aggregates may be made at all, looked up before the
// first record, again by need, and again from time to time while records come.

import { backoff } from '../../ports/backoff.js'
import type { Clock, Random } from '../../ports/ports.js'
import { type Attempt, after, type Past } from '../service/attempt.js'
import type { KinesisService } from '../service/service.js'
import { unlessAborted } from '../service/signal.js'
import type { Outer } from './outer.js'
import { createShardTable, type ShardTable } from './shard-table.js'

export interface Placement {
  readonly table: ShardTable
  /** Whether several user records may share a Kinesis record. */
  readonly aggregation: boolean
  /** The first look, for as long as it takes. Throws SERVICE for what will not pass, or the signal's reason. */
  start(signal: AbortSignal): Promise<void>
  /** The looks that have failed since then (monotonic milliseconds), as attempts; undefined where there is none, or once the shards are known. */
  missed(since: number): Past | undefined
  /** Where the last look is old, looks again in the background. There is no timer: a producer at rest asks nothing. */
  look(): void
  /** A record of its own was stored in this shard, which may be new to us. */
  saw(shardId: string): void
  /**
   * Whether readers that follow the KCL take this aggregate, which was stored in a shard that was not predicted:
   * they drop it whole if one of its hash keys lies outside that shard's range. Aborted, `signal` ends the wait for the
   * shards to be listed: then what is known of them counts.
   */
  judge(outer: Outer, shardId: string, signal: AbortSignal): Promise<boolean>
}

export interface PlacementOptions {
  service: KinesisService
  clock: Clock
  random: Random
  /** Whether the user wants aggregates. */
  aggregation: boolean
  recordTtl: number
  refreshInterval: number
  /** Ends the looks that are under way, and those to come. */
  signal: AbortSignal
}

/** Aggregates in a wrong shard, whose own is open, that are taken for a service that places records as it likes. */
const UNEXPLAINED = 3

/** Failed looks that are remembered, the newest: an hour's. */
const MISSES = 1_000

export function createPlacement({ service, clock, random, aggregation: wanted, recordTtl, refreshInterval, signal: life }: PlacementOptions): Placement {
  let misses: { at: number; attempt: Attempt }[] = []
  const note = (attempt: Attempt) => {
    if (table.known) return
    if (misses.length === MISSES) misses.shift()
    misses.push({ at: clock.monotonic(), attempt })
  }
  const table = createShardTable({ service, clock, random, patience: recordTtl, signal: life, missed: note })
  let aggregation = wanted
  let unexplained = 0
  let failures = 0
  let next = Number.POSITIVE_INFINITY
  let looking = false

  // Not every server knows this call, and not every role may make it: then mismatches tell it too.
  const readStrategy = async (signal = life) => {
    if (!wanted) return
    const strategy = await service.distribution(signal).catch(() => false as const)
    if (strategy === false) return
    aggregation = strategy !== 'AUTO'
    if (aggregation) unexplained = 0
  }

  const look = async () => {
    looking = true
    try {
      await readStrategy()
      await table.refresh()
      failures = 0
      next = clock.monotonic() + refreshInterval
    } catch {
      // As long as the KPL waits: 1 s to 30 s.
      next = clock.monotonic() + Math.min(refreshInterval, backoff(++failures, random, 2_000, 30_000))
    } finally {
      looking = false
    }
  }

  return {
    table,
    get aggregation() {
      return aggregation
    },
    async start(signal) {
      await readStrategy(signal)
      await table.refresh(signal)
      misses = []
      next = clock.monotonic() + refreshInterval
    },
    missed(since) {
      let past: Past | undefined
      for (const { at, attempt } of misses) if (at >= since) past = after(past, attempt)
      return past
    },
    look() {
      if (!looking && clock.monotonic() >= next) void look()
    },
    saw(shardId) {
      if (table.known && !table.isOpen(shardId) && !table.resting) table.refresh().catch(() => {})
    },
    async judge(outer, shardId, signal) {
      const stale = outer.version === table.version
      try {
        // Listed since, perhaps by the look for another one.
        if (!table.knows(shardId)) await unlessAborted(table.learn(shardId), signal)
        else if (stale) await unlessAborted(table.refresh(), signal)
      } catch {
        // Then only the ranges that are known count.
      }
      if (table.holds(shardId, outer.pack, outer.rows)) return true
      // A shard that is not listed yet explains it: the list lags behind.
      if (stale && table.isOpen(outer.shardId) && table.knows(shardId) && ++unexplained >= UNEXPLAINED) aggregation = false
      return false
    },
  }
}

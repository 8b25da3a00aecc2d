// What waits for one shard. A shard that throttles, or is full, holds up its own lane only.
import type { Outer } from './outer.js'
import { createPace, type Pace } from './pace.js'
import { createQueue, type Queue } from './queue.js'

/**
 * none: nothing. shard: Kinesis records of one shard reach it in the order they were made, one at a
 * time. key: the same for an aggregate, and for raw records one of each partition key at a time; and the
 * order lasts when the shards change.
 */
export type Ordering = 'none' | 'shard' | 'key'

/** A queue, the oldest first; what is to be sent again goes back to its front. */
export interface Lane extends Queue<Outer> {
  readonly shardId: string
  readonly pace: Pace
  /** Failures in a row, and when the last one was. */
  strikes: number
  struckAt: number
  /** Monotonic milliseconds before which nothing is sent. */
  notBefore: number
  asleep: boolean
  /** Kinesis records of this lane whose fate is open. */
  readonly flying: number
  /** Whether it may be under way beside those that are. */
  admits(outer: Outer): boolean
  depart(outer: Outer): void
  land(outer: Outer): void
}

export function createLane(shardId: string, ordering: Ordering, rateLimit: number): Lane {
  const queue = createQueue<Outer>()
  let flying = 0
  let alone = false
  const keys = new Set<string>()
  const single = (outer: Outer) => outer.aggregated || ordering === 'shard'
  return {
    shardId,
    pace: createPace(rateLimit, shardId === ''),
    strikes: 0,
    struckAt: Number.NEGATIVE_INFINITY,
    notBefore: 0,
    asleep: false,
    get flying() {
      return flying
    },
    get length() {
      return queue.length
    },
    peek: queue.peek,
    shift: queue.shift,
    push: queue.push,
    unshift: queue.unshift,
    clear: queue.clear,
    admits(outer) {
      if (ordering === 'none' || flying === 0) return true
      return !alone && !single(outer) && !keys.has(outer.entry.PartitionKey)
    },
    depart(outer) {
      flying++
      if (ordering === 'none') return
      if (single(outer)) alone = true
      else keys.add(outer.entry.PartitionKey)
    },
    land(outer) {
      flying--
      if (ordering === 'none') return
      if (single(outer)) alone = false
      else keys.delete(outer.entry.PartitionKey)
    },
  }
}

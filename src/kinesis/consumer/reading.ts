// A shard that is being read: how far it was handed out, is done with, and stored.
import { isOpen } from '../service/shards.js'
import type { Again } from './batch.js'
import { type Checkpoint, compareCheckpoints, isNumber } from './checkpoint-store.js'
import type { Hold } from './hold.js'
import type { Fetched, ShardReader, StartPosition } from './reader.js'

export interface Reading {
  hold: Hold
  reader: ShardReader
  /** Where it began: what is not behind this was done with before. */
  resumed: Checkpoint
  /** What was handed out before the shard was lost, and was not done with. */
  again: Again | undefined
  /** The end of what was handed out, of what is done with, and of what is stored. */
  delivered: Checkpoint
  handled: Checkpoint
  stored: Checkpoint
  storedAt: number
  storing: Promise<void> | undefined
  /** Writes that failed in a row, and the last one's error. */
  failures: number
  unstored: unknown
  /** Not before, after a write that failed. */
  retryAt: number
  /** Read to its end, though perhaps not done with. */
  ended: boolean
  /** Read as far as was asked for. */
  past: boolean
}

export function createReading(hold: Hold, reader: ShardReader, again: Again | undefined, now: number): Reading {
  const { checkpoint } = hold.lease
  return {
    hold,
    reader,
    resumed: checkpoint,
    again,
    delivered: checkpoint,
    handled: checkpoint,
    stored: checkpoint,
    storedAt: now,
    storing: undefined,
    failures: 0,
    unstored: undefined,
    retryAt: Number.NEGATIVE_INFINITY,
    ended: false,
    past: false,
  }
}

export const isFinished = ({ ended, handled, delivered }: Reading): boolean => ended && compareCheckpoints(handled, delivered) >= 0

/** Whether more is done with than is stored. */
export const isAhead = ({ handled, stored }: Reading): boolean => compareCheckpoints(handled, stored) > 0

/** What a next reading of its shard is to hand out although it was handed out; undefined where all is done with. */
export function againOf({ handled, delivered, again }: Reading): Again | undefined {
  const later = (a: Checkpoint, b: Checkpoint | undefined) => (b && compareCheckpoints(b, a) > 0 ? b : a)
  const [after, upTo] = [later(handled, again?.after), later(delivered, again?.upTo)]
  return compareCheckpoints(upTo, after) > 0 ? { after, upTo } : undefined
}

export function startOf({ lease, fresh }: Hold): StartPosition {
  const { sequenceNumber } = lease.checkpoint
  // Read again: the rest of an aggregate that was half done lies in it.
  if (isNumber(sequenceNumber)) return { sequenceNumber }
  // Later "latest" would be a later one. A row of the KCL's has no time.
  if (sequenceNumber === 'LATEST' && (fresh || lease.timestamp === undefined)) return 'LATEST'
  return lease.timestamp === undefined ? 'TRIM_HORIZON' : { timestamp: new Date(lease.timestamp) }
}

// A record that arrived later is proof. An answer without records, 0 behind, is the end of what is
// there (kinesalite says 0 whatever is left) but not of a closed shard: its end is said.
export function isPast({ hold }: Reading, fetched: Fetched, end: number, now: number): boolean {
  if (end === Number.POSITIVE_INFINITY) return false
  const arrived = fetched.records.at(-1)?.ApproximateArrivalTimestamp?.getTime()
  if (arrived !== undefined) return arrived > end
  return isOpen(hold.shard) && !fetched.millisBehindLatest && now >= end
}

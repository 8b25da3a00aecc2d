// How far a group of consumers has read each shard, and who reads it: the KCL's lease table as a port.
//
// Every write names the counter that it has seen, and changes it: of two that write at once one comes too
// late and learns it. A holder that renews changes the counter; who sees it unchanged for long enough takes over.
import { compareSequence } from '../service/shards.js'

/** The last user record that is done with (KCL: ExtendedSequenceNumber). */
export interface Checkpoint {
  /** Decimal, or one of the KCL's words: TRIM_HORIZON, LATEST and AT_TIMESTAMP where nothing is done yet, SHARD_END where all is. */
  sequenceNumber: string
  /** Place in the aggregate; 0 for a record of its own. */
  subSequenceNumber: number
}

/** A row of the table: one shard. */
export interface Lease {
  shardId: string
  checkpoint: Checkpoint
  /** Milliseconds since the epoch: with LATEST when the row was made; else no record of the shard, or of its children, from before is wanted. */
  timestamp?: number | undefined
  /** Who reads it; undefined where nobody does. */
  owner?: string | undefined
  /** Another one after each write. */
  counter: number
  parents: readonly string[]
}

export interface CheckpointStore {
  /** Nobody else can have the store open: what another owner has left in it is free at once. */
  readonly exclusive?: boolean
  /** All rows; the first call opens the store. */
  read(signal?: AbortSignal): Promise<Lease[]>
  /**
   * Writes the row if the stored one has this `counter`, or where that is undefined if there is none.
   * Resolves once that is durable: true, or false where another was faster and nothing is written.
   */
  write(lease: Lease, counter: number | undefined, signal?: AbortSignal): Promise<boolean>
  /** Removes the row if it has this counter. */
  remove(shardId: string, counter: number, signal?: AbortSignal): Promise<boolean>
  close?(): Promise<void>
}

export const SHARD_END: Checkpoint = { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }

/** The order of the KCL: words that mean a beginning come before every number, SHARD_END after. */
export function compareCheckpoints(a: Checkpoint, b: Checkpoint): number {
  const [x, y] = [rank(a), rank(b)]
  if (x !== y || x !== 1) return x - y
  return compareSequence(a.sequenceNumber, b.sequenceNumber) || a.subSequenceNumber - b.subSequenceNumber
}

const rank = ({ sequenceNumber }: Checkpoint) => (sequenceNumber === 'SHARD_END' ? 2 : isNumber(sequenceNumber) ? 1 : 0)

/** Whether it is a record's, and not one of the words. */
export const isNumber = (sequenceNumber: string): boolean => /^\d+$/.test(sequenceNumber)

/** A row of the caller's own. */
export const copyOf = (lease: Lease): Lease => ({ ...lease, checkpoint: { ...lease.checkpoint }, parents: [...lease.parents] })

/** A table in memory, gone with the process; for one consumer, or for several in one process. */
export function memoryCheckpoints(): CheckpointStore {
  const rows = new Map<string, Lease>()
  return {
    read: async () => [...rows.values()].map(copyOf),
    async write(lease, counter) {
      if (rows.get(lease.shardId)?.counter !== counter) return false
      rows.set(lease.shardId, copyOf(lease))
      return true
    },
    async remove(shardId, counter) {
      return rows.get(shardId)?.counter === counter && rows.delete(shardId)
    },
  }
}

// A shard that is this consumer's to read, for as long as its lease is renewed.
import { MillraceError } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import type { ShardDescription } from '../service/listing.js'
import { checkAnswer } from './checked-store.js'
import { type Checkpoint, type CheckpointStore, compareCheckpoints, type Lease } from './checkpoint-store.js'

export interface Hold {
  /** As it was listed last. */
  shard: ShardDescription
  /** The row as we wrote it last. */
  readonly lease: Lease
  /** Its row was made a moment ago: LATEST is what comes from now on. */
  readonly fresh: boolean
  /** Monotonic milliseconds at which the last write that came through was begun. */
  readonly renewedAt: number
  /** Aborted when it is not ours any more. */
  readonly signal: AbortSignal
  /** Whether it is ours still; asked before something is handed out. */
  alive(): boolean
  /**
   * Resolves once it is stored, or one behind it is. `put`: writes the row, in place of the store. Rejects with LEASE_LOST
   * where the shard is another's, or with the error of who writes.
   */
  checkpoint(to: Checkpoint, put?: CheckpointStore['write']): Promise<void>
  renew(): Promise<void>
  /** Gives it back, perhaps with a last checkpoint. */
  release(checkpoint?: Checkpoint): Promise<void>
  /** It is another's. */
  lose(): void
}

export interface HoldOptions {
  store: CheckpointStore
  clock: Clock
  /** Milliseconds without a renewal after which it is not ours any more. */
  fence: number
  lost(hold: Hold): void
  stored(checkpoint: Checkpoint): void
}

export function createHold(shard: ShardDescription, taken: Lease, fresh: boolean, takenAt: number, { store, clock, fence, lost, stored }: HoldOptions): Hold {
  const stop = new AbortController()
  let lease = taken
  let renewedAt = takenAt
  /** Writes of one row come one after the other. */
  let tail: Promise<unknown> = Promise.resolve()

  const write = (change: Partial<Lease>, put?: CheckpointStore['write']): Promise<void> => {
    const done = tail.then(async () => {
      stop.signal.throwIfAborted()
      // One that was asked for after it, for a later place, has overtaken it.
      const ahead = change.checkpoint ? compareCheckpoints(change.checkpoint, lease.checkpoint) : 1
      if (!put && ahead <= 0) return
      // What the caller writes with it would be there a second time.
      if (ahead < 0)
        throw new RangeError(`"record" expected one from the last checkpoint ${lease.checkpoint.sequenceNumber} on, got ${change.checkpoint?.sequenceNumber}`)
      const started = clock.monotonic()
      // The time of a row that began at LATEST is of no use once something is done: its children are all new.
      const begun = change.checkpoint && lease.checkpoint.sequenceNumber === 'LATEST' ? { timestamp: undefined } : {}
      const next = { ...lease, ...begun, ...change, counter: lease.counter + 1 }
      if (!(put ? checkAnswer('write', await put(next, lease.counter)) : await store.write(next, lease.counter))) {
        hold.lose()
        stop.signal.throwIfAborted()
      }
      lease = next
      renewedAt = started
      if (change.checkpoint) stored(change.checkpoint)
    })
    tail = done.catch(() => {})
    return done
  }

  const hold: Hold = {
    shard,
    get lease() {
      return lease
    },
    fresh,
    get renewedAt() {
      return renewedAt
    },
    signal: stop.signal,
    alive() {
      if (stop.signal.aborted) return false
      if (clock.monotonic() - renewedAt < fence) return true
      hold.lose()
      return false
    },
    checkpoint: (checkpoint, put) => write({ checkpoint }, put),
    renew: () => write({}),
    async release(checkpoint) {
      await write({ owner: undefined, ...(checkpoint ? { checkpoint } : {}) })
      stop.abort(new MillraceError('CLOSED', `shard ${shard.ShardId}: the consumer has given it back`))
    },
    lose() {
      if (stop.signal.aborted) return
      stop.abort(new MillraceError('LEASE_LOST', `shard ${shard.ShardId}: another consumer reads it now, or the lease was not renewed in time`))
      lost(hold)
    },
  }
  return hold
}

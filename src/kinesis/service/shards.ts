// A stream's shards as they are listed: asked for until they come, and which of them are open.
import { MillraceError } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { Attempt } from './attempt.js'
import { backoff } from './backoff.js'
import { faultOf } from './faults.js'
import type { ShardDescription } from './listing.js'

/** Sequence numbers are decimal numbers of up to 56 digits: never a Number, never text order. */
export function compareSequence(a: string, b: string): -1 | 0 | 1 {
  const [x, y] = [BigInt(a), BigInt(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** kinesalite ignores ShardFilter and lists closed shards too; only they have an ending sequence number. */
export const isOpen = (shard: ShardDescription): boolean => shard.SequenceNumberRange.EndingSequenceNumber == null

/** Open shards in the order of their ranges; a parent whose children are listed is closed too. */
export function openShards(all: readonly ShardDescription[]): ShardDescription[] {
  const parents = new Set(all.flatMap((shard) => [shard.ParentShardId, shard.AdjacentParentShardId]))
  const open = all.filter((shard) => isOpen(shard) && !parents.has(shard.ShardId))
  const start = (shard: ShardDescription) => BigInt(shard.HashKeyRange.StartingHashKey)
  return open.sort((a, b) => (start(a) < start(b) ? -1 : 1))
}

export interface ListingOptions {
  clock: Clock
  random: Random
  /** Milliseconds for which it is tried; Infinity: until it comes, or will not. */
  patience: number
  signal?: AbortSignal | undefined
  /** Told of each attempt that has failed; nothing is stored by any. */
  missed?: ((attempt: Attempt) => void) | undefined
}

/**
 * What `list` makes of a service's listShards, tried again with back-off while the service throttles, fails, or gives
 * a list that cannot be used. Throws SERVICE, with the last error as its cause, after `patience` and for what will not
 * pass; the signal's reason where that is aborted.
 */
export async function listShards<T>(list: () => Promise<T>, { clock, random, patience, signal, missed }: ListingOptions): Promise<T> {
  const end = clock.monotonic() + patience
  for (let failures = 1; ; failures++) {
    const started = clock.monotonic()
    try {
      return await list()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (error instanceof MillraceError) throw error
      const fault = faultOf(error)
      const milliseconds = clock.monotonic() - started
      missed?.({ at: clock.now() - milliseconds, milliseconds, code: fault.code, message: `ListShards: ${fault.message}`, uncertain: false })
      const wait = backoff(failures, random, 100)
      if (fault.kind === 'permanent' || clock.monotonic() + wait > end) {
        throw new MillraceError('SERVICE', `ListShards: ${fault.code}: ${fault.message}`, { cause: error })
      }
      await clock.sleep(wait, signal)
    }
  }
}

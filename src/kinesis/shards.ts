// The shards of a stream: listed, kept, refreshed. The open ones make the shard map; the ranges of
// all that were ever listed are kept, to judge where an aggregate has landed.
import { MillraceError } from '../errors.js'
import type { Clock, Random } from '../ports/ports.js'
import { backoff } from './backoff.js'
import { faultOf } from './faults.js'
import type { KinesisService, ShardDescription } from './service.js'

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

/**
 * All shards, or with AT_LATEST the open ones (where the server knows that filter), tried again with back-off while the service throttles or fails, for `patience`
 * milliseconds. Throws SERVICE, with the service's error as its cause, then and for what will not pass;
 * the signal's reason where that is aborted.
 */
export async function listShards(
  service: KinesisService,
  clock: Clock,
  random: Random,
  patience: number,
  signal?: AbortSignal,
  filter?: 'AT_LATEST',
): Promise<ShardDescription[]> {
  const end = clock.monotonic() + patience
  for (let failures = 1; ; failures++) {
    try {
      return await service.listShards(signal, filter)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (error instanceof MillraceError) throw error
      const fault = faultOf(error)
      const wait = backoff(failures, random, 100)
      if (fault.kind === 'permanent' || clock.monotonic() + wait > end) {
        throw new MillraceError('SERVICE', `ListShards: ${fault.code}: ${fault.message}`, { cause: error })
      }
      await clock.sleep(wait, signal)
    }
  }
}

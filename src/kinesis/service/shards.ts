// A stream's shards as they are listed: asked for until they come, and which of them are open.
import type { ShardDescription } from './listing.js'
import { type PatienceOptions, patiently } from './patience.js'

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

/** What `list` makes of a service's listShards, `patiently`. */
export const listShards = <T>(list: () => Promise<T>, options: PatienceOptions): Promise<T> => patiently('ListShards', list, options)

// Parents before children: which shards may be read when. A shard's records are older than those of
// the shards that it was split or merged into, so a reader starts a child once both parents are done.
import type { ShardDescription } from '../service.js'
import { openShards } from '../shards.js'

export interface Lineage {
  /** What is listed now. Gives the shards that may start, each once. */
  update(all: readonly ShardDescription[]): ShardDescription[]
  /** The shard has been read to its end. Gives the listed shards that may start now. */
  finish(shardId: string): ShardDescription[]
  /** Whether a child of the shard has been listed. */
  hasChild(shardId: string): boolean
}

/** `fromLatest`: shards that are closed at the first update count as read. */
export function createLineage(fromLatest: boolean): Lineage {
  const known = new Map<string, ShardDescription>()
  const started = new Set<string>()
  const finished = new Set<string>()
  let first = true
  const parents = (shard: ShardDescription) => [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined && id !== null)
  // A parent that is not listed any more has expired with its records.
  const ready = () => {
    const found = [...known.values()].filter((shard) => !started.has(shard.ShardId) && parents(shard).every((id) => !known.has(id) || finished.has(id)))
    for (const shard of found) started.add(shard.ShardId)
    return found
  }
  return {
    update(all) {
      for (const shard of all) known.set(shard.ShardId, shard)
      if (first && fromLatest) {
        const open = new Set(openShards(all).map((shard) => shard.ShardId))
        for (const { ShardId } of all) {
          if (open.has(ShardId)) continue
          started.add(ShardId)
          finished.add(ShardId)
        }
      }
      first = false
      return ready()
    },
    finish(shardId) {
      finished.add(shardId)
      return ready()
    },
    hasChild: (shardId) => [...known.values()].some((shard) => parents(shard).includes(shardId)),
  }
}

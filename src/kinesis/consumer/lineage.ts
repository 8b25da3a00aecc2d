// Parents before children: which shards may be read when. A shard's records are older than those of
// the shards that it was split or merged into, so a child has its row once both parents are done.
import { MillraceError } from '../../errors.js'
import type { ShardDescription } from '../service/listing.js'
import { isOpen } from '../service/shards.js'
import type { Lease } from './checkpoint-store.js'

/** Where a stream is begun that has no rows yet. */
export interface Beginning {
  /** Shards that are closed by now have nothing to give. */
  latest: boolean
  /** Milliseconds since the epoch, with `latest` the time now; undefined: the oldest record. */
  timestamp: number | undefined
}

/** Rows for the listed shards that have none and whose turn it is. */
export function rowsToAdd(listed: readonly ShardDescription[], rows: ReadonlyMap<string, Lease>, beginning: Beginning): Lease[] {
  const known = new Set(listed.map((shard) => shard.ShardId))
  const withChild = new Set(listed.flatMap(parentsOf))
  const fresh: Lease[] = []
  for (const shard of listed) {
    if (rows.has(shard.ShardId)) continue
    const parents = parentsOf(shard)
    const rowed = parents.map((id) => rows.get(id)).filter((row) => row !== undefined)
    if (rowed.length > 0) {
      // The children of a shard that is read begin at its end; before `timestamp` nothing was wanted of it either.
      if (rowed.every(isDone) && parents.every((id) => rows.has(id) || !known.has(id) || beginning.latest))
        fresh.push(rowOf(shard, 'AT_TIMESTAMP', rowed[0].timestamp))
      continue
    }
    // A parent that is not listed any more has expired with its records; one that is comes first, or with LATEST never.
    const first = beginning.latest ? !withChild.has(shard.ShardId) : !parents.some((id) => known.has(id))
    if (first) fresh.push(rowOf(shard, beginning.latest ? 'LATEST' : 'AT_TIMESTAMP', beginning.timestamp))
  }
  return fresh
}

export const isDone = (row: Lease): boolean => row.checkpoint.sequenceNumber === 'SHARD_END'

export const parentsOf = (shard: ShardDescription): string[] =>
  [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => typeof id === 'string' && id !== '') as string[]

type Shards = ReadonlyMap<string, ShardDescription>

export const childrenOf = (id: string, shards: Shards): string[] =>
  [...shards.values()].filter((shard) => parentsOf(shard).includes(id)).map(({ ShardId }) => ShardId)

/** Whether a shard is listed as one that has no end yet. */
export function isOpenEnd(id: string, shards: Shards): boolean {
  const shard = shards.get(id)
  return shard !== undefined && isOpen(shard) && childrenOf(id, shards).length === 0
}

/** Where shards are asked for by name, their parents are nobody's business. */
export const alone = ({ ParentShardId, AdjacentParentShardId, ...shard }: ShardDescription): ShardDescription => shard

/** The row of a shard that is open says that all of it is done. */
export const notOfThisStream = ({ shardId }: Lease): MillraceError =>
  new MillraceError(
    'CORRUPT',
    `shard ${shardId}: expected the checkpoint of an open shard, got SHARD_END: the checkpoints are another stream's, or of one that was deleted and made anew; remove them to begin anew`,
  )

const rowOf = (shard: ShardDescription, word: 'LATEST' | 'AT_TIMESTAMP', timestamp: number | undefined): Lease => ({
  shardId: shard.ShardId,
  checkpoint: { sequenceNumber: timestamp === undefined ? 'TRIM_HORIZON' : word, subSequenceNumber: 0 },
  ...(timestamp === undefined ? {} : { timestamp }),
  counter: 0,
  parents: parentsOf(shard),
})

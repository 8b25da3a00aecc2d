// What a store takes of a plan that somebody else may have made.
import { keyFault, storeFault, utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import { isReserved, reserved } from '../manifest/manifest.js'
import type { PlannedChunk, PlannedMember } from '../plan/planned.js'
import type { ChunkStore } from '../store/store.js'

/**
 * The plan, without members whose keys cannot be: those of the chunks and of the manifest in a store of objects, and, where the
 * plan was `given`, what planning would have refused, the store's prefix counted. They are told of before their chunk.
 */
export async function* permitted(
  plan: AsyncIterable<PlannedChunk | Left>,
  { objects, prefix = '' }: Pick<ChunkStore, 'objects' | 'prefix'>,
  given: boolean,
): AsyncGenerator<PlannedChunk | Left> {
  const prefixBytes = utf8Size(prefix)
  const faultOf = ({ path, key }: PlannedMember): Left | undefined => {
    if (objects && isReserved(key)) return reserved(path, key)
    const fault = given ? (keyFault(key, prefixBytes) ?? storeFault(key)) : undefined
    return fault === undefined ? undefined : left(path, 'key', fault)
  }
  for await (const item of plan) {
    const faults = item.type === 'chunk' ? item.members.map(faultOf) : []
    for (const fault of faults) if (fault) yield fault
    if (item.type !== 'chunk' || faults.every((fault) => fault === undefined)) yield item
    else {
      const members = item.members.filter((_, i) => faults[i] === undefined)
      if (members.length > 0) yield { ...item, members }
    }
  }
}

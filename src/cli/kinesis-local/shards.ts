// The open shards of the streams behind the front, asked for again after a moment: splits and merges end
// when the server says so.
import type { ListedShard } from '../../kinesis/shards/shard-list.js'
import { ShardMap } from '../../kinesis/shards/shard-map.js'
import type { Clock } from '../../ports/ports.js'

/** Milliseconds for which an answer of ListShards is believed. */
const BELIEVED = 100

/** ListShards of the server behind: one page. */
export type List = (input: object) => Promise<Record<string, unknown>>

export interface Shards {
  /** Undefined where the stream is not there. */
  of(stream: string, list: List): Promise<ShardMap | undefined>
  /** A stream is changing. */
  forget(): void
}

export function createShards(clock: Clock): Shards {
  const known = new Map<string, { map: ShardMap; until: number }>()
  return {
    forget: () => known.clear(),
    async of(stream, list) {
      const last = known.get(stream)
      if (last && clock.monotonic() < last.until) return last.map
      const shards = await listAll(stream, list)
      if (!shards || shards.length === 0) return undefined
      const map = ShardMap.fromShards(shards, { gaps: true })
      known.set(stream, { map, until: clock.monotonic() + BELIEVED })
      return map
    },
  }
}

/** All pages, closed shards among them; undefined where the stream is not there. */
export async function listAll(stream: string, list: List): Promise<ListedShard[] | undefined> {
  const shards: ListedShard[] = []
  let next: unknown
  do {
    const page = await list(next === undefined ? { StreamName: stream, MaxResults: 1000 } : { NextToken: next, MaxResults: 1000 })
    if (!Array.isArray(page.Shards)) return undefined
    shards.push(...page.Shards)
    next = page.NextToken
  } while (typeof next === 'string')
  return shards
}

// How shards came from one consumer to another, as all of them told it.
import type { Lease } from '../../../src/kinesis/index.js'
import type { Truth } from './judge.js'
import type { Life, Told } from './lives.js'

/** Parts of a lease's duration, of leases.ts: a round, at the least; when a holder stops by itself; when others may take. */
const ROUND = 1 / 8
export const FENCE = 0.45
const EXPIRY = 0.6

interface Row {
  lease: Lease
  by: Life
  begun: number
  /** Undefined where its answer did not come before the end. */
  at: number | undefined
}

/** Of each shard, the rows that followed each other in the table. */
export function chainsOf(lives: readonly Life[]): Row[][] {
  const chains = new Map<string, Map<number, Row>>()
  const add = (lease: Lease, by: Life, begun: number, at?: number) => {
    const chain = chains.get(lease.shardId) ?? new Map<number, Row>()
    chains.set(lease.shardId, chain)
    // One that nobody had an answer to was written if there is no other in its place.
    if (at !== undefined || !chain.has(lease.counter)) chain.set(lease.counter, { lease, by, begun, at })
  }
  for (const by of lives) {
    const answered = new Set<number>()
    for (const what of by.told) {
      if (!('wrote' in what)) continue
      answered.add(what.begun)
      if (what.done) add(what.wrote, by, what.begun, what.at)
    }
    for (const what of by.told) if ('write' in what && !answered.has(what.at)) add(what.write, by, what.at)
  }
  return [...chains.values()].map((chain) => [...chain.values()].sort((a, b) => a.lease.counter - b.lease.counter))
}

type Round = Extract<Told, { read: unknown }>
/** Each round of a consumer reads the table once. */
const roundsOf = (life: Life) => life.told.filter((what): what is Round => 'read' in what)

/** How the shards of one that has gone, killed or of its own will, came to the others. `duration`: milliseconds of a lease. */
export function takenOver(gone: Life, lives: readonly Life[], chains: Row[][], duration: number) {
  const ended = Math.max(...gone.told.map(({ at }) => at))
  const handovers = chains.flatMap((chain) =>
    chain.flatMap((last, i) => {
      const take = chain[i + 1]
      if (last.by !== gone || !take || take.by === gone || (last.lease.owner !== undefined && take.begun < ended)) return []
      return [{ last, take, shardId: last.lease.shardId }]
    }),
  )
  const sign = Math.max(...handovers.map(({ last }) => (last.lease.owner === undefined ? (last.at as number) : last.begun)))
  const end = Math.max(...handovers.map(({ take }) => take.at as number))
  // Who was there all the while, if one round short of it at either end: on a fast machine one is killed before the
  // others have read the table for the first time, and all is read before a round of theirs comes again.
  const there = lives
    .filter((life) => life !== gone && life.told.some(({ at }) => at >= end))
    .map(roundsOf)
    .filter((rounds) => rounds.some(({ begun }) => begun < sign + ROUND * duration))
  const shows = ({ read }: Round, { last, shardId }: (typeof handovers)[number]) => read[shardId]?.[1] === last.lease.counter
  // When all of them are free for who has these rounds: given back, or seen without a change for long enough.
  const freeFor = (rounds: Round[]) =>
    Math.max(
      ...handovers.map((handover) => {
        if (handover.last.lease.owner === undefined) return sign
        return (rounds.find((round) => shows(round, handover))?.at ?? Number.POSITIVE_INFINITY) + EXPIRY * duration
      }),
    )
  const idle = there.map((rounds) => {
    const free = freeFor(rounds)
    return handovers.map((handover) => rounds.filter((round) => round.begun > free && shows(round, handover)).length)
  })
  const lateness = (rounds: Round[]) =>
    rounds.reduce((sum, { at }, i) => {
      const before = rounds[i - 1]?.at
      return before === undefined || at < sign || before > end ? sum : sum + Math.max(0, at - before - ROUND * duration)
    }, 0)
  const times = handovers.map(({ take }) => Math.round((take.at as number) - sign))
  return {
    count: handovers.length,
    /** Milliseconds from its last sign of life, or from the last that it gave back. */
    first: Math.min(...times),
    last: Math.max(...times),
    /** In which a shard was free and seen, and left by every one of them. */
    rounds: Math.max(...handovers.map((_, i) => Math.min(...idle.map((counts) => counts[i])))),
    /** By how many milliseconds in all the others' rounds came later than they should. */
    late: Math.round(Math.max(...there.map(lateness))),
  }
}

/** The longest time, in milliseconds, for which records of a shard came from one while another had taken it already. */
export function heldByTwo(chains: Row[][], truth: Truth): number {
  let most = 0
  for (const chain of chains) {
    for (const [i, { lease, by, at }] of chain.entries()) {
      const holder = chain[i - 1]
      if (at === undefined || lease.owner === undefined || !holder || holder.by === by || holder.lease.owner === undefined) continue
      const again = chain.slice(i).find((row) => row.by === holder.by)?.begun ?? Number.POSITIVE_INFINITY
      for (const what of holder.by.told) {
        if ('id' in what && what.at > at && what.at < again && truth.find(what.id).shard.id === lease.shardId) most = Math.max(most, what.at - at)
      }
    }
  }
  return Math.round(most)
}

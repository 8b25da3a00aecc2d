// Writes and removals that overlap, and whether some order of them one after the other explains their results.
import { expect } from 'vitest'
import type { CheckpointStore, Lease } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { sameLease } from '../../../src/kinesis/consumer/lease-rows.js'

/** One call of a round. `expects` says how it comes to the counter that it names. */
export interface Call {
  shard: number
  handle: number
  remove: boolean
  expects: 'none' | 'current' | 'latest' | 'stale'
}

interface Done {
  expected: number | undefined
  /** What it writes; undefined: a removal. */
  lease: Lease | undefined
  result: boolean
}

export const leaseOf = (shard: number, counter: number): Lease => ({
  shardId: `shardId-${shard}`,
  checkpoint: { sequenceNumber: `4${counter}`.padEnd(56, '0'), subSequenceNumber: counter % 3 },
  timestamp: counter % 2 ? counter : undefined,
  owner: counter % 5 ? `worker-${counter % 4}` : undefined,
  counter,
  parents: ['p1', 'p2'].slice(counter % 3),
})

/**
 * Lets the calls of a round overlap, round after round, over handles of one table. `doubtful`: answers get lost.
 */
export async function interleave(handles: CheckpointStore[], rounds: Call[][], doubtful = false): Promise<void> {
  let next = 1
  const state = new Map<string, Lease>()
  for (const lease of await handles[0].read()) state.set(lease.shardId, lease)
  for (const round of rounds) {
    const done = new Map<string, Done[]>()
    const latest = new Map<number, number>()
    const call = async ({ shard, handle, remove, expects }: Call) => {
      const counter = next++
      const lease = leaseOf(shard, counter)
      const current = state.get(lease.shardId)?.counter
      const expected = { none: undefined, current, latest: latest.get(shard) ?? current, stale: counter - 9 }[expects]
      if (!remove) latest.set(shard, counter)
      if (remove && expected === undefined) return
      const store = handles[handle % handles.length]
      const result = await (remove ? store.remove(lease.shardId, expected as number) : store.write(lease, expected))
      const all = done.get(lease.shardId) ?? []
      done.set(lease.shardId, [...all, { expected, lease: remove ? undefined : lease, result }])
    }
    await Promise.all(round.map(call))
    const stored = new Map((await handles.at(-1)?.read())?.map((lease) => [lease.shardId, lease]))
    for (const [shardId, calls] of done) {
      const end = stored.get(shardId)
      if (!explains(state.get(shardId), calls, end, doubtful)) {
        throw new Error(`no order explains ${JSON.stringify({ start: state.get(shardId), calls, end })}`)
      }
    }
    for (const shardId of new Set([...stored.keys(), ...state.keys()])) {
      if (!done.has(shardId)) expect(stored.get(shardId)).toEqual(state.get(shardId))
    }
    state.clear()
    for (const [shardId, lease] of stored) state.set(shardId, lease)
  }
}

function explains(state: Lease | undefined, calls: readonly Done[], end: Lease | undefined, doubtful: boolean): boolean {
  if (calls.length === 0) return state === end || (state !== undefined && end !== undefined && sameLease(state, end))
  return calls.some((call, i) => {
    const fits = state?.counter === call.expected
    if (fits !== call.result && !(doubtful && excused(call, fits, state, end))) return false
    const rest = [...calls.slice(0, i), ...calls.slice(i + 1)]
    return explains(fits ? call.lease : state, rest, end, doubtful)
  })
}

/** Where answers get lost: false of what was carried out and then overwritten, true of a removal of what was gone already. */
function excused({ lease, result }: Done, fits: boolean, state: Lease | undefined, end: Lease | undefined): boolean {
  if (result) return lease === undefined && state === undefined
  return fits && end?.counter !== lease?.counter
}

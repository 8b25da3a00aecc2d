// Whether what consumers said is what the stream and their checkpoints let them say.
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import type { Checkpoint } from '../../../src/kinesis/index.js'
import { usersIn } from '../kcl.js'
import { rawStream } from '../stream.js'
import type { Life, Told } from './lives.js'

interface Shard {
  id: string
  parents: string[]
  /** User records, as the KCL delivers them. */
  count: number
  /** How many of them come before each Kinesis record, and lie in it. */
  places: Map<string, { before: number; count: number }>
}

export interface Truth {
  shards: Map<string, Shard>
  /** Of a record, by its number: its shard, and its place there. */
  find(id: number): { shard: Shard; index: number }
}

/** What is in the stream: `count` records, each once, or it throws. */
export async function truthOf(client: KinesisClient, count: number, keys: number): Promise<Truth> {
  const list: Shard[] = []
  const shardOf = new Int32Array(count).fill(-1)
  const indexOf = new Int32Array(count)
  for (const { records, ...shard } of (await rawStream(client)).shards) {
    const places: Shard['places'] = new Map()
    let before = 0
    for (const record of records) {
      const users = usersIn({ shards: [{ ...shard, records: [record] }] }).all
      for (const [i, { key, data }] of users.entries()) {
        const told = JSON.parse(data)
        const id = told.n * keys + told.key
        if (key !== `k${told.key}` || shardOf[id] !== -1)
          throw new Error(`record ${id} with the key ${key} is in the stream twice, or is no record of this run`)
        shardOf[id] = list.length
        indexOf[id] = before + i
      }
      places.set(record.SequenceNumber, { before, count: users.length })
      before += users.length
    }
    list.push({ id: shard.ShardId, parents: shard.parents, count: before, places })
  }
  if (shardOf.includes(-1)) throw new Error(`record ${shardOf.indexOf(-1)} is not in the stream`)
  return { shards: new Map(list.map((shard) => [shard.id, shard])), find: (id) => ({ shard: list[shardOf[id]], index: indexOf[id] }) }
}

/** How many records of the shard a checkpoint has behind it. */
function behind({ id, count, places }: Shard, { sequenceNumber, subSequenceNumber }: Checkpoint): number {
  if (sequenceNumber === 'TRIM_HORIZON') return 0
  if (sequenceNumber === 'SHARD_END') return count
  const place = places.get(sequenceNumber) ?? fail(`checkpoint ${sequenceNumber} of ${id} is no record's`)
  // One of an aggregate that the KCL drops has none.
  return place.before + Math.min(place.count, subSequenceNumber + 1)
}

/** A shard as one life has it. */
interface Held {
  /** Records said in this life, and how many of them when its last write began, and when the last began that came through. */
  said: number
  begun: number
  saved: number
  /** When the last write began; whether it is under way. */
  begunAt: number
  writing: boolean
  /** Records said since a write was due. */
  late: number
  /** Where the next record is, and where one that begins anew begins. */
  next: number | undefined
  restart: number | undefined
}

export interface Verdict {
  /** Records said, in all. */
  said: number
  again: number
  /** For each taking of a shard that was read before: how far it went back. */
  backs: number[]
}

/**
 * Throws at the first thing that is wrong. Records of a shard come without a gap, from behind the checkpoint that it was
 * taken with; none is skipped; parents come first; those of a key in order. A lease has each counter once: what was
 * acknowledged is there after a kill. Where only one life holds shards at a time (`alone`), also: a new one goes back no
 * further than to what the last write that came through had left, and what is done with is written within the interval.
 */
export function judge(lives: readonly Life[], truth: Truth, keys: number, alone: boolean): Verdict {
  const told = lives.flatMap((life) => {
    const state = { life, held: new Map<string, Held>(), order: new Int32Array(keys).fill(-1) }
    return life.told.map((what) => ({ state, what }))
  })
  if (!alone) told.sort((a, b) => a.what.at - b.what.at)
  const counters = new Map<string, Set<number>>()
  /** Of each shard and key: what has come, without a gap. */
  const come = new Map([...truth.shards.keys()].map((id) => [id, 0]))
  const keyCome = new Int32Array(keys)
  /** How far who takes a shard may go back. */
  const allowed = new Map<string, number>()
  const verdict: Verdict = { said: 0, again: 0, backs: [] }
  let current = told[0]?.state

  const leave = (held: Map<string, Held>) => {
    let open = 0
    for (const [id, { said, saved }] of held) {
      const most = Math.max(allowed.get(id) ?? 0, said) - Math.max(0, saved - 1)
      allowed.set(id, most)
      if (said > saved) open++
    }
    return open
  }
  const wrote = (state: typeof current, { wrote: lease, done }: Extract<Told, { wrote: unknown }>) => {
    const shard = truth.shards.get(lease.shardId) ?? fail(`a lease of ${lease.shardId}`)
    const held = state.held.get(shard.id)
    if (held) held.writing = false
    if (!done) return
    const seen = counters.get(shard.id) ?? new Set()
    counters.set(shard.id, seen)
    if (seen.has(lease.counter)) fail(`${shard.id} has two writes with the counter ${lease.counter}`)
    seen.add(lease.counter)
    if (!held) return
    held.saved = held.begun
    if (lease.owner === undefined) return
    const restart = behind(shard, lease.checkpoint)
    if (alone && held.restart === undefined) {
      const back = (come.get(shard.id) as number) - restart
      if (back > (allowed.get(shard.id) ?? 0)) fail(`${shard.id} goes back by ${back} records, ${allowed.get(shard.id)} were not stored`)
      if (come.get(shard.id)) verdict.backs.push(back)
    }
    held.restart = restart
  }
  const record = (state: typeof current, id: number, at: number) => {
    const { shard, index } = truth.find(id)
    const held = state.held.get(shard.id) ?? fail(`record ${id} of ${shard.id}, which nobody has taken`)
    if (held.next !== index) {
      if (held.restart !== index) fail(`record ${index} of ${shard.id} is said, expected ${held.next} or ${held.restart}`)
      if (held.next !== undefined) state.order.fill(-1)
    }
    held.next = index + 1
    // It is read from some time before.
    if (held.said === 0) held.begunAt = at
    held.said++
    const before = come.get(shard.id) as number
    if (index > before) fail(`record ${index} of ${shard.id} is said, ${before} has not come`)
    for (const id of shard.parents) if (come.get(id) !== truth.shards.get(id)?.count) fail(`${shard.id} is read before its parent ${id}`)
    const [key, n] = [id % keys, Math.floor(id / keys)]
    if (n <= state.order[key] || n > keyCome[key]) fail(`record ${n} of key ${key} is said behind ${state.order[key]}, ${keyCome[key]} came`)
    state.order[key] = n
    if (index === before) {
      come.set(shard.id, index + 1)
      if (n !== keyCome[key]) fail(`record ${n} of key ${key} is new, ${keyCome[key]} came`)
      keyCome[key]++
    } else verdict.again++
    verdict.said++
    const { interval } = state.life.options
    if (alone && interval) for (const [id, one] of state.held) if (isLate(one, at, interval)) fail(`${id}: what was done with is not stored, ${interval} ms`)
  }

  for (const { state, what } of told) {
    if (alone && state !== current) {
      // With each batch stored before the next one comes, only one of them is open.
      if (leave(current.held) > 1 && !current.life.options.interval) fail('two batches are open')
      current = state
    }
    if ('id' in what) record(state, what.id, what.at)
    else if ('write' in what) {
      const { shardId } = what.write
      const held = state.held.get(shardId) ?? { said: 0, saved: 0, late: 0, next: undefined, restart: undefined, begun: 0, begunAt: 0, writing: false }
      state.held.set(shardId, Object.assign(held, { begun: held.said, begunAt: what.at, writing: true, late: 0 }))
    } else if ('wrote' in what) wrote(state, what)
  }
  for (const { id, count } of truth.shards.values()) if (come.get(id) !== count) fail(`${id}: ${come.get(id)} of ${count} records came`)
  return verdict
}

/** A thousand records on from when it was due: some 10 ms of the process's own time, whatever else the machine does. */
function isLate(held: Held, at: number, interval: number): boolean {
  // The last one is not done with until the next one is asked for.
  if (held.writing || held.said - held.begun < 2 || at < held.begunAt + interval) held.late = 0
  else held.late++
  return held.late > 1_000
}

function fail(what: string): never {
  throw new Error(what)
}

// From one invocation to its retry: where the retry begins, and what it need not do again.
import { ROW_WORDS } from '../../engine/batch.js'
import { messageOf } from '../../errors.js'
import { placeOf } from './event.js'
import type { Job } from './job.js'
import type { Settings } from './options.js'
import { type Progress, type ProgressStore, parseProgress } from './progress.js'

interface Shard {
  place: string
  /** Its Kinesis records, by their index in the event. */
  outers: number[]
}

/** Mostly one: Lambda makes no event of several shards. */
function shardsOf({ records }: Job): Shard[] {
  const shards = new Map<string, Shard>()
  records.forEach((record, i) => {
    const place = placeOf(record)
    const shard = shards.get(place)
    if (shard) shard.outers.push(i)
    else shards.set(place, { place, outers: [i] })
  })
  return [...shards.values()]
}

/** First row of each Kinesis record, and behind the last one; equal to the next where it has none. */
function firstRows({ records, opened }: Job): Uint32Array {
  const first = new Uint32Array(records.length + 1)
  for (let row = 0; row < opened.count; row++) first[opened.table[row * ROW_WORDS + 6] + 1] = row + 1
  for (let i = 1; i < first.length; i++) if (first[i] === 0) first[i] = first[i - 1]
  return first
}

/** What was found of a shard. */
export interface Found {
  key: string
  /**
   * Of Kinesis records behind the event's last one: it may have fewer than the event before, where Lambda
   * bisects.
   */
  rest: Progress[]
}

/**
 * Marks what the invocation before has done; puts what it finds into `found`, by the shards' places. A store
 * that fails is told of, and then nothing is known.
 */
export async function resume(job: Job, store: ProgressStore, found: Map<string, Found>): Promise<void> {
  for (const { place, outers } of shardsOf(job)) {
    const key = keyOf(place, sequenceOf(job, outers[0]))
    try {
      const text = await store.get(key)
      if (job.stopped) return
      if (text === undefined) continue
      const one: Found = { key, rest: [] }
      found.set(place, one)
      const progress = parseProgress(text)
      mark(job, outers, progress)
      const last = BigInt(sequenceOf(job, outers[outers.length - 1]))
      one.rest = progress.filter(([sequence]) => BigInt(sequence) > last)
    } catch (cause) {
      if (!job.stopped) job.tell({ reason: 'progress', message: messageOf(cause), cause })
    }
  }
}

function mark(job: Job, outers: readonly number[], progress: readonly Progress[]): void {
  const first = firstRows(job)
  const bySequence = new Map(progress.map((one) => [one[0], one]))
  for (const outer of outers) {
    const [, done = [], failed = []] = bySequence.get(sequenceOf(job, outer)) ?? []
    const start = first[outer]
    const end = first[outer + 1]
    for (let i = 0; i < done.length; i += 2) job.done.fill(1, Math.min(start + done[i], end), Math.min(start + done[i + 1], end))
    for (let i = 0; i < failed.length; i += 2) if (start + failed[i] < end) job.attempts.set(start + failed[i], failed[i + 1])
  }
}

/**
 * The sequence number with which the retry begins, for each shard in which something is not done: the lowest of
 * those Kinesis records. What is done behind it is kept for the retry, under the sequence number that its event
 * will begin with.
 */
export async function leave(job: Job, { progress: store, report }: Settings, found: ReadonlyMap<string, Found>): Promise<string[]> {
  const begins: string[] = []
  if (found.size === 0 && !job.done.includes(0)) return begins
  const first = firstRows(job)
  for (const { place, outers } of shardsOf(job)) {
    const { key: old, rest = [] } = found.get(place) ?? {}
    const progress = [...rest]
    let next = rest[0]?.[0]
    const open = outers.filter((outer) => job.done.subarray(first[outer], first[outer + 1]).includes(0))
    if (open.length > 0) {
      const begin = open.map((outer) => sequenceOf(job, outer)).reduce((a, b) => (BigInt(b) < BigInt(a) ? b : a))
      begins.push(begin)
      next = report ? begin : sequenceOf(job, outers[0])
      const from = report ? outers.filter((outer) => BigInt(sequenceOf(job, outer)) >= BigInt(begin)) : outers
      progress.unshift(...from.map((outer) => progressOf(job, outer, first)))
    }
    // One without anything in it is of use before others: an event may begin with it.
    while (progress.at(-1)?.[1].length === 0 && progress.at(-1)?.[2].length === 0) progress.pop()
    const key = progress.length > 0 ? keyOf(place, next as string) : undefined
    try {
      if (key !== undefined) await store.set(key, JSON.stringify(progress))
      if (old !== undefined && old !== key) await store.delete(old)
    } catch (cause) {
      job.tell({ reason: 'progress', message: messageOf(cause), cause })
    }
  }
  return begins
}

function progressOf(job: Job, outer: number, first: Uint32Array): Progress {
  const done: number[] = []
  const failed: number[] = []
  for (let row = first[outer]; row < first[outer + 1]; row++) {
    const place = row - first[outer]
    const times = job.attempts.get(row)
    if (job.done[row] === 1) {
      if (done.at(-1) === place) done[done.length - 1]++
      else done.push(place, place + 1)
    } else if (times !== undefined) failed.push(place, times)
  }
  return [sequenceOf(job, outer), done, failed]
}

const sequenceOf = ({ records }: Job, outer: number) => records[outer].kinesis.sequenceNumber
const keyOf = (place: string, sequence: string) => `${place}:${sequence}`

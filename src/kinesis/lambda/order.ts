// In which order the records of an event are handled: all in turn, or those of different keys at once.
import type { KinesisInput } from './input.js'
import type { Job } from './job.js'

type Handle = (record: KinesisInput) => unknown

/** One after the other; nothing after one that fails. */
export async function inTurn(job: Job, handle: Handle): Promise<void> {
  for (let record = job.take(); record !== undefined && !job.ended(); record = job.take()) {
    const done = job.run(record, job.row, handle)
    if (done !== true && !(await done)) return
  }
}

/** A record that waits for one of its key, with its row. */
type Waiting = [KinesisInput, number]

/**
 * `concurrency` at once, in the event's order but for those whose key is taken: of a key one after the other,
 * and nothing after one that fails. Records without a key wait for none.
 */
export async function byKey(job: Job, handle: Handle, concurrency: number): Promise<void> {
  // Of each key that is under way who waits for it; null once it has failed.
  const keys = new Map<string, Waiting[] | null>()
  const release = (key: string | undefined, done: boolean): Waiting | undefined => {
    if (key === undefined) return undefined
    const next = done ? keys.get(key)?.shift() : undefined
    if (!done) keys.set(key, null)
    else if (next === undefined) keys.delete(key)
    return next
  }
  const lane = async () => {
    let next: Waiting | undefined
    while (!job.ended()) {
      const record = next ? next[0] : job.take()
      if (record === undefined) return
      const row = next ? next[1] : job.row
      const key = record.partitionKey
      if (next === undefined && key !== undefined) {
        const waiting = keys.get(key)
        if (waiting !== undefined) {
          waiting?.push([record, row])
          continue
        }
        keys.set(key, [])
      }
      const done = job.run(record, row, handle)
      next = release(key, done === true || (await done))
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, job.opened.count) }, lane))
}

// Appends that wait to be written, in the order of the calls, and how groups are made of them: all that
// wait when the device is free share its next fsync.
import type { RecordBatch } from '../../../types.js'
import { createQueue } from '../queue.js'
import { encodeRecords, spooledSize } from './frame.js'
import type { Group } from './writer.js'

export interface Append {
  batch: RecordBatch
  /** Bytes on the device, at most. */
  size: number
  /** Number of its first record, once it is let in. */
  first: number
  resolve(first: number): void
  reject(reason: unknown): void
}

export interface Appends {
  /** Whether something waits to be let in. */
  readonly waiting: boolean
  add(batch: RecordBatch): Promise<number>
  /** The next group: what was let in and is not durable, and what `admit` lets in, which gives its number. */
  gather(admit: (append: Append) => boolean): Group | undefined
  /** The group is durable. */
  done(): void
  /** Rejects all that is not durable. */
  fail(reason: unknown): void
}

/** `groupBytes`: of a group, past which what waits is left to the next. A batch is never in two. */
export function createAppends(groupBytes: number): Appends {
  const queue = createQueue<Append>()
  /** Let in, and in the group under way. */
  let group: Append[] = []
  return {
    get waiting() {
      return queue.length > 0
    },
    add: (batch) =>
      new Promise((resolve, reject) => {
        queue.push({ batch, size: spooledSize(batch), first: 0, resolve, reject })
      }),
    gather(admit) {
      let size = group.reduce((sum, { size }) => sum + size, 0)
      while (queue.length > 0 && (group.length === 0 || size + queue.peek().size <= groupBytes) && admit(queue.peek())) {
        const append = queue.shift()
        size += append.size
        group.push(append)
      }
      if (group.length === 0) return undefined
      const appends = group
      let at = 0
      let row = 0
      return {
        first: appends[0].first,
        size,
        count: appends.reduce((sum, { batch }) => sum + batch.count, 0),
        rewind() {
          at = 0
          row = 0
        },
        write(target, seed) {
          while (at < appends.length) {
            const { batch, first } = appends[at]
            const to = encodeRecords(target, batch, row, first + row, seed)
            if (to === row) return true
            row = to
            if (row < batch.count) continue
            at++
            row = 0
          }
          return false
        },
      }
    },
    done() {
      for (const { first, resolve } of group) resolve(first)
      group = []
    },
    fail(reason) {
      for (const { reject } of group) reject(reason)
      group = []
      while (queue.length > 0) queue.shift().reject(reason)
    },
  }
}

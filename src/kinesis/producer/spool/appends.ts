// Appends that wait to be written, in the order of the calls, and how groups are made of them: all that
// wait when the device is free share its next fsync.
import type { RecordBatch } from '../../../types.js'
import { createQueue } from '../queue.js'
import { encodeRecords, type FrameBuffer, spooledSize } from './frame.js'

export interface Append {
  batch: RecordBatch
  /** Bytes on the device, at most. */
  size: number
  /** Number of its first record, once it is let in. */
  first: number
  resolve(first: number): void
  reject(reason: unknown): void
}

/** Appends that are written together and share an fsync. */
export interface Group {
  first: number
  /** Records. */
  count: number
  /** Bytes, a frame's header more or less. */
  size: number
  /** Puts the frames of some more of its records behind what is in the buffer; false where nothing is left. Begins anew after `rewind`. */
  write(target: FrameBuffer, seed: number): boolean
  rewind(): void
  /** It is durable. */
  done(): void
  /** It never will be. */
  fail(reason: unknown): void
}

export interface Appends {
  /** Whether something waits to be let in. */
  readonly waiting: boolean
  add(batch: RecordBatch): Promise<number>
  /** The next group: what `admit` lets in, which gives its number; undefined where that is nothing. */
  gather(admit: (append: Append) => boolean): Group | undefined
  /** Rejects all that waits. */
  fail(reason: unknown): void
}

/** `groupBytes`: of a group, past which what waits is left to the next. A batch is never in two. */
export function createAppends(groupBytes: number): Appends {
  const queue = createQueue<Append>()
  return {
    get waiting() {
      return queue.length > 0
    },
    add: (batch) =>
      new Promise((resolve, reject) => {
        queue.push({ batch, size: spooledSize(batch), first: 0, resolve, reject })
      }),
    gather(admit) {
      const appends: Append[] = []
      let size = 0
      while (queue.length > 0 && (appends.length === 0 || size + queue.peek().size <= groupBytes) && admit(queue.peek())) {
        const append = queue.shift()
        size += append.size
        appends.push(append)
      }
      return appends.length > 0 ? groupOf(appends, size) : undefined
    },
    fail(reason) {
      while (queue.length > 0) queue.shift().reject(reason)
    },
  }
}

function groupOf(appends: readonly Append[], size: number): Group {
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
    done() {
      for (const { first, resolve } of appends) resolve(first)
    },
    fail(reason) {
      for (const { reject } of appends) reject(reason)
    },
  }
}

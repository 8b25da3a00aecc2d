// The producer's account of what it has accepted and not yet settled: who may enter, and which flush
// waits for what.

import { onAbort } from '../service/signal.js'
import { createQueue } from './queue.js'

export interface Account {
  readonly records: number
  readonly bytes: number
  /** The flush that records accepted from now on belong to. */
  readonly epoch: number
  /**
   * Runs `enter` when there is room for `bytes` of `count` records, in the order of asking: now, and gives
   * nothing, or later. Rejects with the signal's reason, and does not run it, where that is aborted first; with what
   * `enter` throws.
   */
  admit(bytes: number, count: number, enter: () => void, signal?: AbortSignal): Promise<void> | undefined
  /** Records that were accepted; `enter` calls it. */
  add(epoch: number, bytes: number, count: number): void
  /** Lets in who has room by now: remove() does so itself, but not what `held` has less of. */
  advance(): void
  /** Records that have their outcomes. */
  remove(epoch: number, bytes: number, count: number): void
  /** Resolves when all that was added so far is removed. */
  drained(): Promise<void>
}

interface Asking {
  bytes: number
  count: number
  /** Aborted, nobody waits for it any more. */
  signal: AbortSignal | undefined
  enter(): void
}

/** `held`: bytes beside those of the records, with `more` records about to enter. */
export function createAccount(maxBytes: number, maxRecords: number, held: (more: number) => number): Account {
  let records = 0
  let bytes = 0
  let epoch = 0
  /** Records not settled, by epoch. */
  const open = new Map<number, number>([[0, 0]])
  const flushes = new Set<{ epoch: number; resolve: () => void }>()
  const queue = createQueue<Asking>()
  // What is larger than the whole buffer is let in alone.
  const fits = (size: number, count: number) => records === 0 || (bytes + size + held(count) <= maxBytes && records + count <= maxRecords)

  const advance = () => {
    while (queue.length > 0 && (queue.peek().signal?.aborted || fits(queue.peek().bytes, queue.peek().count))) {
      const asking = queue.shift()
      if (!asking.signal?.aborted) asking.enter()
    }
  }

  // Resolves the flushes before which nothing is open any more.
  const settle = () => {
    for (const [of, count] of open) if (count === 0 && of < epoch) open.delete(of)
    const oldest = Math.min(...open.keys())
    for (const waiting of flushes) {
      if (waiting.epoch >= oldest) continue
      flushes.delete(waiting)
      waiting.resolve()
    }
  }

  return {
    get records() {
      return records
    },
    get bytes() {
      return bytes
    },
    get epoch() {
      return epoch
    },
    admit(size, count, enter, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (queue.length === 0 && fits(size, count)) {
        enter()
        return undefined
      }
      return new Promise((resolve, reject) => {
        const stop = () => {
          reject(signal?.reason)
          // It may have been what those behind it waited for.
          advance()
        }
        const asking: Asking = {
          bytes: size,
          count,
          signal,
          enter() {
            end?.()
            // Whoever makes room is not to fail by what became of these records while they waited.
            try {
              enter()
              resolve()
            } catch (error) {
              reject(error)
            }
          },
        }
        const end = signal && onAbort(signal, stop)
        queue.push(asking)
      })
    },
    advance,
    add(of, size, count) {
      records += count
      bytes += size
      open.set(of, (open.get(of) ?? 0) + count)
    },
    remove(of, size, count) {
      records -= count
      bytes -= size
      const left = (open.get(of) as number) - count
      open.set(of, left)
      if (left === 0) settle()
      advance()
    },
    async drained() {
      const mine = epoch++
      open.set(epoch, open.get(epoch) ?? 0)
      await new Promise<void>((resolve) => {
        flushes.add({ epoch: mine, resolve })
        settle()
      })
    },
  }
}

// The producer's account of what it has accepted and not yet settled: who may enter, and which flush
// waits for what.
import { createQueue } from './queue.js'

export interface Account {
  readonly records: number
  readonly bytes: number
  /** The flush that records accepted from now on belong to. */
  readonly epoch: number
  /** Runs `enter` when there is room for `bytes`, in the order of asking: now, and gives nothing, or later. */
  admit(bytes: number, enter: () => void): Promise<void> | undefined
  /** A record that was accepted; `enter` calls it. */
  add(epoch: number, bytes: number): void
  /** A record that has its outcome. */
  remove(epoch: number, bytes: number): void
  /** Resolves when all that was added so far is removed. */
  drained(): Promise<void>
}

export function createAccount(maxBytes: number, maxRecords: number): Account {
  let records = 0
  let bytes = 0
  let epoch = 0
  /** Records not settled, by epoch. */
  const open = new Map<number, number>([[0, 0]])
  const flushes = new Set<{ epoch: number; resolve: () => void }>()
  const queue = createQueue<{ bytes: number; enter: () => void }>()
  // A record larger than the whole buffer is let in alone.
  const fits = (size: number) => records === 0 || (bytes + size <= maxBytes && records < maxRecords)

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
    admit(size, enter) {
      if (queue.length === 0 && fits(size)) {
        enter()
        return undefined
      }
      return new Promise((resolve) => {
        queue.push({
          bytes: size,
          enter() {
            enter()
            resolve()
          },
        })
      })
    },
    add(of, size) {
      records++
      bytes += size
      open.set(of, (open.get(of) ?? 0) + 1)
    },
    remove(of, size) {
      records--
      bytes -= size
      const left = (open.get(of) as number) - 1
      open.set(of, left)
      if (left === 0) settle()
      while (queue.length > 0 && fits(queue.peek().bytes)) queue.shift().enter()
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

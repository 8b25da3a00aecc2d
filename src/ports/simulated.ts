// Simulated time and chance: a whole run from one seed, as fast as the machine can compute it.
import { MillraceError } from '../errors.js'
import type { Clock, Random } from './ports.js'

export interface Simulation {
  /** Time stands still while code runs and jumps to the next sleeper when all of it waits. */
  readonly clock: Clock
  readonly random: Random
  /**
   * Lets simulated time pass until `work` settles, and gives its result. `work` may only wait for
   * this clock and for promises, never for real timers, files or sockets. Rejects with BAD_INPUT
   * when `work` waits for something that no sleeper will bring about, or past `limit` simulated
   * milliseconds (default one day): a live-lock.
   */
  run<T>(work: Promise<T>, limit?: number): Promise<T>
}

/** One simulated world. `seed`: unsigned 32 bits; `start`: milliseconds since the epoch. */
export function createSimulation(seed: number, start = 1_700_000_000_000): Simulation {
  const sleepers = createHeap()
  const random = seededRandom(seed)
  let elapsed = 0
  let order = 0
  const clock: Clock = {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper: Sleeper = { at: elapsed + Math.max(ms, 0), order: order++, wake: undefined }
        const stop = () => {
          sleeper.wake = undefined
          reject(signal?.reason)
        }
        sleeper.wake = () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        }
        signal?.addEventListener('abort', stop, { once: true })
        sleepers.push(sleeper)
      }),
  }
  return {
    clock,
    random,
    async run(work, limit = 86_400_000) {
      const end = elapsed + limit
      let settled = false
      const settle = () => {
        settled = true
      }
      work.then(settle, settle)
      for (;;) {
        // A turn of the event loop runs every promise reaction that is ready.
        await turn()
        if (settled) return work
        const next = sleepers.pop()
        if (!next) throw new MillraceError('BAD_INPUT', `simulation: nothing sleeps at ${elapsed} ms, yet the work has not settled`)
        if (!next.wake) continue
        if (next.at > end) throw new MillraceError('BAD_INPUT', `simulation: the work has not settled after ${limit} ms`)
        elapsed = Math.max(elapsed, next.at)
        next.wake()
      }
    },
  }
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, even enough for faults and jitter. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let t = Math.imul(state ^ (state >>> 15), state | 1)
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    },
  }
}

interface Sleeper {
  at: number
  order: number
  /** Absent once aborted. */
  wake: (() => void) | undefined
}

const turn = () => new Promise<void>((resolve) => (typeof setImmediate === 'function' ? setImmediate(resolve) : setTimeout(resolve, 0)))

/** Binary min-heap by time, then by arrival, so that equal times wake in the order they slept. */
function createHeap() {
  const heap: Sleeper[] = []
  const before = (a: Sleeper, b: Sleeper) => a.at < b.at || (a.at === b.at && a.order < b.order)
  return {
    push(item: Sleeper) {
      let at = heap.length
      while (at > 0 && before(item, heap[(at - 1) >> 1])) {
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
      }
      heap[at] = item
    },
    pop(): Sleeper | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (!last || heap.length === 0) return first
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++
        if (!before(heap[child], last)) break
        heap[at] = heap[child]
        at = child
      }
      heap[at] = last
      return first
    },
  }
}

// What gathers until it is large or old enough, by buffering hints.
import type { Clock } from '../../ports/ports.js'
import type { Budget } from './budget.js'

export interface Batch<T> {
  readonly items: readonly T[]
  /** Bytes that count for the hint. */
  readonly bytes: number
  /** Bytes of memory that it holds, until it is released. */
  readonly held: number
  /** Arrival of the oldest item. */
  readonly oldest: number
}

export interface BatchHints {
  bytes: number
  /** Milliseconds from the first item. */
  interval: number
}

export interface Gatherer<T> {
  /** Undefined where nothing is gathered. */
  readonly open: Batch<T> | undefined
  /** `bytes` count for the hint, `held` for memory. */
  add(item: T, bytes: number, held: number, arrival: number): void
  /** Ends what is gathered, where there is something: `due` has it. */
  end(): void
}

/** `due` gets each batch once, as soon as it has reached a hint; its memory is given back by who has it. */
export function gather<T>(clock: Clock, hints: BatchHints, budget: Budget, due: (batch: Batch<T>) => void): Gatherer<T> {
  let open: { items: T[]; bytes: number; held: number; oldest: number; timer: AbortController } | undefined
  const end = () => {
    if (!open) return
    const batch = open
    open = undefined
    batch.timer.abort({ name: 'AbortError' })
    due(batch)
  }
  return {
    get open() {
      return open
    },
    add(item, bytes, held, arrival) {
      if (!open) {
        const timer = new AbortController()
        open = { items: [], bytes: 0, held: 0, oldest: arrival, timer }
        clock.sleep(hints.interval, timer.signal).then(
          () => {
            if (open?.timer === timer) end()
          },
          () => {},
        )
      }
      open.items.push(item)
      open.bytes += bytes
      open.held += held
      if (arrival < open.oldest) open.oldest = arrival
      budget.take(held)
      if (open.bytes >= hints.bytes) end()
    },
    end,
  }
}

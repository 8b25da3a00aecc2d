// The memory that a stream's records hold, and those that wait for room in it.

export interface Budget {
  readonly held: number
  /** What came in is never refused: the stages may need more for a record than was there of it before. */
  take(bytes: number): void
  give(bytes: number): void
  /** Whether all that may be held is. */
  readonly full: boolean
  /**
   * Resolves once something was given back; rejects with the reason of `signal` when that is aborted first. All that wait
   * are woken together: each has to look again, and take what it wants without waiting in between.
   */
  change(signal: AbortSignal | undefined): Promise<void>
  /** Wakes all that wait, so that they look again. */
  wake(): void
}

/** `relieve` is called whenever someone has to wait: it sees to it that something is written. */
export function createBudget(limit: number, relieve: () => void): Budget {
  let held = 0
  let waiting = new Set<() => void>()
  const wake = () => {
    const woken = waiting
    waiting = new Set()
    for (const one of woken) one()
  }
  return {
    get held() {
      return held
    },
    get full() {
      return held >= limit
    },
    take(bytes) {
      held += bytes
    },
    give(bytes) {
      held -= bytes
      wake()
    },
    async change(signal) {
      signal?.throwIfAborted()
      relieve()
      await new Promise<void>((resolve, reject) => {
        const stop = () => {
          waiting.delete(woken)
          reject(signal?.reason)
        }
        const woken = () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        }
        signal?.addEventListener('abort', stop, { once: true })
        waiting.add(woken)
      })
    },
    wake,
  }
}

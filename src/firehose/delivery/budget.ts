// The memory that a stream's records hold, and those that wait for room in it.

export interface Budget {
  readonly held: number
  /** What came in is never refused: the stages may need more for a record than was there of it before. */
  take(bytes: number): void
  give(bytes: number): void
  /** Resolves once less than the limit is held; rejects with the reason of `signal` when that is aborted first. */
  room(signal: AbortSignal | undefined): Promise<void>
  /** Wakes all that wait, so that they look again. */
  wake(): void
}

/** `relieve` is called whenever someone has to wait: it sees to it that something is written. */
export function createBudget(limit: number, relieve: () => void): Budget {
  let held = 0
  let waiting: (() => void)[] = []
  const wake = () => {
    const woken = waiting
    waiting = []
    for (const one of woken) one()
  }
  return {
    get held() {
      return held
    },
    take(bytes) {
      held += bytes
    },
    give(bytes) {
      held -= bytes
      wake()
    },
    async room(signal) {
      while (held >= limit) {
        signal?.throwIfAborted()
        relieve()
        await new Promise<void>((resolve, reject) => {
          const stop = () => reject(signal?.reason)
          signal?.addEventListener('abort', stop, { once: true })
          waiting.push(() => {
            signal?.removeEventListener('abort', stop)
            resolve()
          })
        })
      }
    },
    wake,
  }
}

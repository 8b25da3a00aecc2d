// When a Lambda invocation has to answer, and the signal for those who are still at work then.
import type { Clock } from '../../ports/ports.js'
import type { LambdaContext } from './event.js'

export interface Deadline {
  /** Aborted by end() where the time is over; never where the context has none. */
  readonly signal: AbortSignal
  /** Resolves when the time is over. */
  readonly reached: Promise<void>
  /** Whether it is: for work that never waits, so that no timer can fire. */
  passed(): boolean
  /** Once nothing that ends counts any more: who is aborted must not be taken for one that failed. */
  end(): void
}

/**
 * `margin` milliseconds before the invocation's time is over, yet not before half of it is: so each invocation
 * gets something done.
 */
export function createDeadline(clock: Clock, context: LambdaContext | undefined, margin: number): Deadline {
  const remaining = typeof context?.getRemainingTimeInMillis === 'function' ? context.getRemainingTimeInMillis() : Number.POSITIVE_INFINITY
  const abort = new AbortController()
  const { signal } = abort
  if (typeof remaining !== 'number' || !Number.isFinite(remaining)) {
    return { signal, reached: new Promise(() => {}), passed: () => false, end() {} }
  }
  const time = remaining - Math.min(margin, remaining / 2)
  const at = clock.monotonic() + time
  const timer = new AbortController()
  let over = false
  // The clock is not looked at again for seven calls that follow one another within a millisecond.
  let before = Number.NEGATIVE_INFINITY
  let unseen = 0
  const reached = clock.sleep(time, timer.signal).then(
    () => {
      over = true
    },
    () => {},
  )
  return {
    signal,
    reached,
    passed() {
      if (unseen > 0) {
        unseen--
        return false
      }
      const now = clock.monotonic()
      if (now - before < 1) unseen = 7
      before = now
      return now >= at
    },
    end() {
      if (over) abort.abort(Object.assign(new Error(`the invocation ends in ${Math.round(remaining - time)} ms`), { name: 'TimeoutError' }))
      else timer.abort({ name: 'AbortError' })
    },
  }
}

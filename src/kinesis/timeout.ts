import type { Clock } from '../ports/ports.js'

/** Without a reason of its own each abort makes a DOMException, with its stack: 5 us. */
const OVER = { name: 'AbortError' }

/**
 * What `call` gives, or a TimeoutError after `ms` by the clock; then, and when `outer` is aborted, the
 * signal that `call` was given is aborted.
 */
export async function withTimeout<T>(clock: Clock, ms: number, outer: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const request = new AbortController()
  const timer = new AbortController()
  // By hand: what AbortSignal.any makes is never let go by a long-lived signal (Node 20).
  const stop = () => request.abort(outer?.reason)
  if (outer?.aborted) stop()
  outer?.addEventListener('abort', stop, { once: true })
  const timeout = clock.sleep(ms, timer.signal).then(
    () => {
      const error = Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' })
      request.abort(error)
      throw error
    },
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([call(request.signal), timeout])
  } finally {
    timer.abort(OVER)
    outer?.removeEventListener('abort', stop)
  }
}

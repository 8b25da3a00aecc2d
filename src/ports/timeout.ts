import type { Clock } from './ports.js'

/** Without a reason of its own each abort makes a DOMException, with its stack: 5 us. */
const OVER = { name: 'AbortError' }

/**
 * What `call` gives; a TimeoutError after `ms` by the clock, or the reason of `outer` once that is aborted, and then the
 * signal that `call` was given is aborted too. Whether `call` heeds it or not, nothing waits for it any more.
 */
export async function withTimeout<T>(clock: Clock, ms: number, outer: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  outer?.throwIfAborted()
  const request = new AbortController()
  const timer = new AbortController()
  let stop = () => {}
  const over = new Promise<never>((_, reject) => {
    const end = (error: unknown) => {
      request.abort(error)
      reject(error)
    }
    // By hand: what AbortSignal.any makes is never let go by a long-lived signal (Node 20).
    stop = () => end(outer?.reason)
    clock.sleep(ms, timer.signal).then(
      () => end(Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' })),
      () => {},
    )
  })
  outer?.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([call(request.signal), over])
  } finally {
    timer.abort(OVER)
    outer?.removeEventListener('abort', stop)
  }
}

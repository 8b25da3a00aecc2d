import type { Clock } from '../ports/ports.js'

/**
 * What `call` gives, or a TimeoutError after `ms` by the clock; then, and when `outer` is aborted, the
 * signal that `call` was given is aborted.
 */
export async function withTimeout<T>(clock: Clock, ms: number, outer: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = new AbortController()
  const timeout = clock.sleep(ms, timer.signal).then(
    () => {
      const error = Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' })
      late.abort(error)
      throw error
    },
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([call(outer ? AbortSignal.any([outer, late.signal]) : late.signal), timeout])
  } finally {
    timer.abort()
  }
}

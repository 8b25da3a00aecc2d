// A call that others wait for, tried until it comes through.
import { MillraceError } from '../../errors.js'
import { backoff } from '../../ports/backoff.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { Attempt } from './attempt.js'

export interface PatienceOptions {
  clock: Clock
  random: Random
  /** Milliseconds for which it is tried; Infinity: until it comes, or will not. */
  patience: number
  signal?: AbortSignal | undefined
  /** Told of each attempt that has failed; nothing is stored by any. */
  missed?: ((attempt: Attempt) => void) | undefined
}

/**
 * What `work` gives, tried again with back-off while the service throttles, fails, or answers what cannot be used.
 * Throws SERVICE, with the last error as its cause, after `patience` and for what will not pass; the signal's
 * reason where that is aborted. `name`: the command, for messages.
 */
export async function patiently<T>(name: string, work: () => Promise<T>, { clock, random, patience, signal, missed }: PatienceOptions): Promise<T> {
  const end = clock.monotonic() + patience
  for (let failures = 1; ; failures++) {
    const started = clock.monotonic()
    try {
      return await work()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (error instanceof MillraceError) throw error
      const fault = faultOf(error)
      const milliseconds = clock.monotonic() - started
      missed?.({ at: clock.now() - milliseconds, milliseconds, code: fault.code, message: `${name}: ${fault.message}`, uncertain: false })
      const wait = backoff(failures, random, 100)
      if (fault.kind === 'permanent' || clock.monotonic() + wait > end) {
        throw new MillraceError('SERVICE', `${name}: ${fault.code}: ${fault.message}`, { cause: error })
      }
      await clock.sleep(wait, signal)
    }
  }
}

// When a destination is tried again. The waits are those that Firehose documents for HTTP endpoints; for the other
// destinations it documents the duration alone, and they share the waits.
import type { Clock, Random } from '../../ports/ports.js'

const FIRST = 1_000
const MOST = 120_000

export interface Retries {
  /** Waits, and then gives true, for another attempt; false where the duration is over. Rejects where the signal is aborted. */
  again(signal: AbortSignal | undefined): Promise<boolean>
}

/**
 * For one request, from its first attempt on. `seconds` is RetryOptions.DurationInSeconds, 0 for no second attempt;
 * the last wait ends with it. `counts`: what goes against it, all the time since the first attempt, or the waits alone and not
 * the time until an answer came. The n-th wait, from 0, is 1 s x 2^n, 15 % more or less by chance, at most 120 s.
 */
export function createRetries(seconds: number, counts: 'all' | 'waits', { clock, random }: { clock: Clock; random: Random }): Retries {
  const began = clock.monotonic()
  let waited = 0
  let count = 0
  return {
    async again(signal) {
      const left = Math.floor(1000 * seconds - (counts === 'all' ? clock.monotonic() - began : waited))
      if (left <= 0) return false
      const wait = Math.min(Math.round(Math.min(FIRST * 2 ** count * (0.85 + 0.3 * random.next()), MOST)), left)
      count++
      await clock.sleep(wait, signal)
      waited += wait
      return true
    },
  }
}

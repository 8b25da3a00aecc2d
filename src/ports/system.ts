// Clock and chance as every runtime has them: the same globals in Node, browsers, workers, Lambda.
import type { Clock, Random } from './ports.js'

// Timers take a signed 32-bit delay; a longer one fires at once, so long sleeps go in stretches.
const LONGEST_TIMER = 0x7fffffff

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; ; left -= LONGEST_TIMER) {
      await timer(Math.min(Math.max(left, 0), LONGEST_TIMER), signal)
      if (left <= LONGEST_TIMER) return
    }
  },
}

export const systemRandom: Random = { next: () => Math.random() }

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    // A turn of the event loop is all that is asked for: Node's shortest timer is a whole millisecond.
    if (ms === 0 && typeof setImmediate === 'function') return void setImmediate(resolve)
    const stop = () => {
      clearTimeout(id)
      reject(signal?.reason)
    }
    const id = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

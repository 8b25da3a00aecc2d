import type { Random } from './ports.js'

/** Exponential back-off: 50 ms doubled by each failure in a row up to 5 s, half of it by chance. */
export function backoff(failures: number, random: Random, first = 50, most = 5_000): number {
  const span = Math.min(first * 2 ** Math.min(failures - 1, 30), most)
  return span * (0.5 + 0.5 * random.next())
}

// How large a bloom filter must be; what is in one: assembly/columnar/bloom.ts.
import { BLOOM_BLOCK } from './core.js'

const MOST = 128 * 1024 * 1024

/**
 * Bytes of a split-block bloom filter, a power of two from 32 to 128 MiB, that takes `values` different
 * values for others at a rate of `fpp` at most: eight words of which each is a filter of its own.
 */
export function bloomBytes(values: number, fpp: number): number {
  const bits = (-8 * values) / Math.log(1 - fpp ** (1 / 8))
  let bytes = BLOOM_BLOCK
  while (bytes < MOST && bytes * 8 < bits) bytes *= 2
  return bytes
}

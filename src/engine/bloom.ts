// How large a bloom filter must be; what is in one: assembly/columnar/bloom.ts.
import { BLOOM_BLOCK } from './core.js'
import type { EncodedChunk } from './encoded.js'
import type { Engine } from './engine.js'

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

/**
 * Of a chunk of floats (width 4) or doubles: enters what equals a value of other bits into its filter, or
 * readers, which hash the bits of what they look for, miss rows: both zeros where its bounds leave room for
 * one, and the usual NaN.
 */
export function enterEquals(engine: Engine, { bloom, bounds }: EncodedChunk, width: number): void {
  if (!bloom) return
  const get = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    return width === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
  }
  const zero = bounds && get(bounds.min) <= 0 && get(bounds.max) >= 0
  const values = zero ? [Number.NaN, 0, -0] : [Number.NaN]
  const plain = new Uint8Array(width === 4 ? Float32Array.from(values).buffer : Float64Array.from(values).buffer)
  engine.scope(() => {
    const filter = engine.put(bloom)
    engine.core.bloomInsert(filter, bloom.length, engine.put(plain), values.length, width)
    bloom.set(engine.bytes().subarray(filter, filter + bloom.length))
  })
}

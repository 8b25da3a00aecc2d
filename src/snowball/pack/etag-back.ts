// The ETag of a file that is read back while it is written, from the cache of the system: twelve parts side by
// side, a slice of each at a time. Beside keeping eight parts in memory (etag.ts) that is 64 MiB less for
// each chunk under way, and MD5 at 3.2 GB/s from the cache of the processor instead of 2.1 from memory.

import { concat } from '../../bytes.js'
import { MD5_LANES } from '../../engine/core.js'
import { Hasher } from '../../engine/digest.js'
import type { Engine } from '../../engine/engine.js'
import { MillraceError } from '../../errors.js'
import { hex } from '../digest.js'
import { createEtagHash, type EtagHash, etagOfParts } from '../etag.js'
import { PART, partsOf } from '../parts.js'

// Twelve of these are in the second-level cache at once.
const SLICE = 32 << 10
const GROUP = MD5_LANES * PART
/** RFC 1321 3.3, as bytes. */
const START = Uint8Array.from([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10])

export interface EtagBack {
  /** `data` was written. */
  update(data: Uint8Array): Promise<void>
  digest(): Promise<{ etag: string; partBytes: number }>
}

/** `bound`: bytes at most; `read`: fills a target from a place that was written. */
export function createEtagBack(engine: Engine, bound: number, read: (target: Uint8Array, at: number) => Promise<number>): EtagBack {
  // few parts, or larger ones than can be expected to be in a cache still
  if (bound < 3 * PART || partsOf(bound)?.partBytes !== PART) return kept(createEtagHash(engine, bound))
  const states = engine.reserve(16 * MD5_LANES)
  const heap = engine.reserve(MD5_LANES * SLICE)
  const ending = engine.reserve(64)
  const done: Uint8Array[] = []
  let written = 0
  let hashed = 0
  const view = (at: number, size: number) => engine.bytes().subarray(at, at + size)
  const fill = async (target: Uint8Array, at: number) => {
    for (let filled = 0; filled < target.length; ) {
      const got = await read(target.subarray(filled), at + filled)
      if (got === 0) throw new MillraceError('IO', `expected byte ${at + filled} of what was written, got the end of the file`)
      filled += got
    }
  }
  /** The next `count` parts, all of them whole. */
  const group = async (count: number) => {
    for (let n = 0; n < count; n++) view(states + 16 * n, 16).set(START)
    for (let from = 0; from < PART; from += SLICE) {
      for (let n = 0; n < count; n++) await fill(view(heap + n * SLICE, SLICE), hashed + n * PART + from)
      engine.core.md5Parts(states, heap, SLICE, count, SLICE / 64)
    }
    // what RFC 1321 3.1 and 3.2 append to a message of that length
    const tail = view(ending, 64).fill(0)
    tail[0] = 0x80
    new DataView(tail.buffer, tail.byteOffset + 56).setBigUint64(0, BigInt(PART) * 8n, true)
    engine.core.md5Parts(states, ending, 0, count, 1)
    done.push(view(states, 16 * count).slice())
    hashed += count * PART
  }
  const rest = async () => {
    const hash = new Hasher('md5')
    for (; hashed < written; ) {
      const piece = view(heap, Math.min(MD5_LANES * SLICE, written - hashed))
      await fill(piece, hashed)
      hash.update(piece)
      hashed += piece.length
    }
    return hash.digest()
  }
  return {
    async update(data) {
      written += data.length
      while (written - hashed >= GROUP) await group(MD5_LANES)
    },
    async digest() {
      if (written < PART) return { etag: hex(await rest()), partBytes: 0 }
      const whole = Math.floor((written - hashed) / PART)
      if (whole > 0) await group(whole)
      if (hashed < written) done.push(await rest())
      return { etag: etagOfParts(concat(done)), partBytes: PART }
    },
  }
}

const kept = (etag: EtagHash): EtagBack => ({ update: async (data) => etag.update(data), digest: async () => etag.digest() })

// The ETag that S3 gives an object: MD5 of the whole, or of the MD5s of its parts with their number.
//
// MD5 is one chain of dependent steps (0.8 GB/s, half of SHA-256 in hardware), but parts are chains of
// their own: eight parts of 8 MiB are kept and hashed side by side, 2.1 GB/s and a copy. Twelve would
// be 3.2 GB/s, and 96 MiB for each chunk under way.
import { concat } from '../bytes.js'
import { Hasher, md5 } from '../engine/digest.js'
import type { Engine } from '../engine/engine.js'
import { hex } from './digest.js'
import { PART, partsOf } from './parts.js'

export interface EtagHash {
  update(data: Uint8Array): void
  digest(): { etag: string; partBytes: number }
}

/** Digests of the parts, in order; bytes of the last part may be missing. */
export interface PartHash {
  update(data: Uint8Array): void
  digests(): Uint8Array
}

/** MD5 of each part of `partBytes`, infinite: of the whole. Parts of 8 MiB are kept in `engine`, up to 64 MiB of at most `bound`. */
export const createPartHash = (engine: Engine, bound: number, partBytes: number): PartHash =>
  partBytes === PART ? sideBySide(engine, bound) : oneByOne(partBytes)

/** Of the digests of parts. */
export const etagOfParts = (digests: Uint8Array): string => `${hex(md5(digests))}-${digests.length / 16}`

/** Keeps parts in `engine`, up to 64 MiB. `bound`: bytes at most, of which the parts are made; `whole`: the upload is one PUT, however large. */
export function createEtagHash(engine: Engine, bound: number, whole = false): EtagHash {
  const partBytes = whole ? Number.MAX_SAFE_INTEGER : (partsOf(bound)?.partBytes ?? Number.MAX_SAFE_INTEGER)
  const parts = createPartHash(engine, bound, partBytes)
  let size = 0
  return {
    update(data) {
      size += data.length
      parts.update(data)
    },
    digest() {
      const digests = parts.digests()
      if (whole || size < PART) return { etag: hex(digests), partBytes: 0 }
      return { etag: etagOfParts(digests), partBytes }
    },
  }
}

const LANES = 8
const ROW = 8

function sideBySide(engine: Engine, bound: number): PartHash {
  const lanes = Math.max(1, Math.min(LANES, Math.ceil(bound / PART)))
  const table = engine.reserve(lanes * ROW)
  const out = engine.reserve(lanes * 16)
  const room = lanes * PART
  const heap = engine.reserve(room)
  const done: Uint8Array[] = []
  let filled = 0
  /** Hashes what is there, the last part as far as it is. */
  const close = () => {
    const count = Math.max(1, Math.ceil(filled / PART))
    const words = engine.words()
    for (let i = 0; i < count; i++) words.set([i * PART, Math.min(PART, filled - i * PART)], (table + i * ROW) >> 2)
    engine.core.md5Many(heap, table, ROW, count, out)
    done.push(engine.bytes().slice(out, out + 16 * count))
    filled = 0
  }
  return {
    update(data) {
      for (let at = 0; at < data.length; ) {
        if (filled === room) close()
        const piece = data.subarray(at, at + room - filled)
        engine.bytes().set(piece, heap + filled)
        filled += piece.length
        at += piece.length
      }
    },
    digests() {
      if (filled > 0 || done.length === 0) close()
      return concat(done)
    },
  }
}

function oneByOne(partBytes: number): PartHash {
  const part = new Hasher('md5')
  const done: Uint8Array[] = []
  let filled = 0
  return {
    update(data) {
      for (let at = 0; at < data.length; ) {
        if (filled === partBytes) {
          done.push(part.digest())
          filled = 0
        }
        const piece = data.subarray(at, at + partBytes - filled)
        part.update(piece)
        filled += piece.length
        at += piece.length
      }
    },
    digests: () => concat([...done, ...(filled > 0 || done.length === 0 ? [part.digest()] : [])]),
  }
}

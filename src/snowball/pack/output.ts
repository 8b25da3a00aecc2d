// Bytes on their way to a sink, hashed as they go by.
import type { Engine } from '../../engine/engine.js'
import { MillraceError, messageOf } from '../../errors.js'
import type { Hasher, Sha256 } from '../../ports/ports.js'
import { hex } from '../digest.js'
import { createEtagHash, type EtagHash } from '../etag.js'
import type { ChunkSink, Digest } from '../store/store.js'

export interface Output {
  write(data: Uint8Array): Promise<void>
  finish(): Promise<Digest>
  /** Never rejects. After finish() it does nothing. */
  discard(reason?: unknown): Promise<void>
}

/** Keeps what it hashes in `engine`: see createEtagHash(). */
export function createOutput(engine: Engine, sink: ChunkSink, sha256: Sha256, bound: number): Output {
  const hash: Hasher = sha256()
  const etag: EtagHash = createEtagHash(engine, bound, sink.whole)
  let bytes = 0
  let open = true
  return {
    async write(data) {
      hash.update(data)
      etag.update(data)
      bytes += data.length
      try {
        await sink.write(data)
      } catch (error) {
        // a store's own error must not pass for one of the file that is read meanwhile
        throw error instanceof MillraceError ? error : new MillraceError('IO', `cannot write: ${messageOf(error)}`, { cause: error })
      }
    },
    async finish() {
      const digest = { bytes, sha256: hex(hash.digest()), ...etag.digest() }
      await sink.finish(digest)
      open = false
      return digest
    },
    async discard(reason) {
      if (!open) return
      open = false
      await sink.discard(reason)
    },
  }
}

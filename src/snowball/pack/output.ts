// Bytes on their way to a sink, hashed as they go by.
import type { Engine } from '../../engine/engine.js'
import type { Hasher, Sha256 } from '../../ports/ports.js'
import { hex } from '../digest.js'
import { createEtagHash } from '../etag.js'
import type { ChunkSink, Digest } from '../store/store.js'
import { createEtagBack } from './etag-back.js'

export interface Output {
  write(data: Uint8Array): Promise<void>
  finish(): Promise<Digest>
  /** Never rejects. After finish() it does nothing. */
  discard(reason?: unknown): Promise<void>
}

/** Keeps what it hashes in `engine`: see createEtagHash(). */
export function createOutput(engine: Engine, sink: ChunkSink, sha256: Sha256, bound: number): Output {
  const hash: Hasher = sha256()
  const { read } = sink
  const etag = read && !sink.whole ? createEtagBack(engine, bound, read) : createEtagHash(engine, bound, sink.whole)
  let bytes = 0
  let open = true
  return {
    async write(data) {
      hash.update(data)
      bytes += data.length
      await sink.write(data)
      await etag.update(data)
    },
    async finish() {
      const digest = { bytes, sha256: hex(hash.digest()), ...(await etag.digest()) }
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

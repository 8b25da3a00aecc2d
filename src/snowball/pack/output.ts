// Bytes on their way to a sink, hashed as they go by.
import type { Engine } from '../../engine/engine.js'
import { MillraceError, messageOf } from '../../errors.js'
import type { Hasher, Sha256 } from '../../ports/ports.js'
import { hex } from '../digest.js'
import { createEtagHash } from '../etag.js'
import type { ChunkStore, Digest } from '../store/store.js'
import { createEtagBack } from './etag-back.js'

export interface Output {
  write(data: Uint8Array): Promise<void>
  finish(): Promise<Digest>
  /** Never rejects. After finish() it does nothing. */
  discard(reason?: unknown): Promise<void>
}

/**
 * Begins `name` in a store. Keeps what it hashes in `engine`: see createEtagHash(). Rejects as the store does, and its calls as the
 * sink does: with IO where what that throws is no error of ours, so that nobody takes it for one of the file that is read.
 */
export async function openOutput(
  store: Pick<ChunkStore, 'create'>,
  name: string,
  { bound, object }: { bound: number; object: boolean },
  engine: Engine,
  sha256: Sha256,
): Promise<Output> {
  const failed = (cause: unknown): never => {
    throw cause instanceof MillraceError ? cause : new MillraceError('IO', messageOf(cause), { position: { source: name }, cause })
  }
  const sink = await store.create(name, { bound, object }).catch(failed)
  const hash: Hasher = sha256()
  const read = sink.read && ((target: Uint8Array, at: number) => sink.read!(target, at).catch(failed))
  const etag = read && !sink.whole ? createEtagBack(engine, bound, read) : createEtagHash(engine, bound, sink.whole)
  let bytes = 0
  let open = true
  return {
    async write(data) {
      hash.update(data)
      bytes += data.length
      await sink.write(data).catch(failed)
      await etag.update(data)
    },
    async finish() {
      const digest = { bytes, sha256: hex(hash.digest()), ...(await etag.digest()) }
      await sink.finish(digest).catch(failed)
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

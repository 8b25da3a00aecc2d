// A chunk's file under a temporary name: written in order, hashed on the way, renamed when it is whole.

import { MillraceError } from '../../errors.js'
import type { FileWriter, Hasher, Storage } from '../../ports/ports.js'
import { hex } from '../digest.js'
import { END } from '../tar.js'
import { createEtagHash } from './etag.js'
import type { Digest } from './store.js'

// Two of these: one fills while the other is written.
const BUFFER = 1 << 20

export interface ChunkFile {
  /** Bytes so far. */
  readonly size: number
  append(data: Uint8Array): Promise<void>
  /** Ends the archive, flushes it to the device and gives it its name. */
  finish(): Promise<Digest>
  /** Leaves nothing behind. */
  discard(): Promise<void>
}

/** Errors of the output are MillraceError IO and leave the temporary file to `discard`. */
export async function createChunkFile(storage: Storage, path: string, bound: number, sha256: () => Hasher): Promise<ChunkFile> {
  const temporary = `${path}.tmp`
  const failed = (cause: unknown) => {
    throw new MillraceError('IO', `cannot write: ${(cause as Error).message}`, { position: { source: temporary }, cause })
  }
  const file: FileWriter = await storage.create(temporary).catch(failed)
  const hash = sha256()
  const etag = createEtagHash(bound)
  let buffer = new Uint8Array(BUFFER)
  let spare = new Uint8Array(BUFFER)
  let filled = 0
  let size = 0
  let pending: Promise<void> = Promise.resolve()

  async function flush() {
    const full = buffer.subarray(0, filled)
    // Hashing goes on while the kernel still takes the buffer before this one.
    hash.update(full)
    etag.update(full)
    await pending.catch(failed)
    pending = file.write(full)
    // Seen by whoever awaits it next; until then it is not unhandled.
    pending.catch(() => {})
    ;[buffer, spare] = [spare, buffer]
    filled = 0
  }

  async function append(data: Uint8Array) {
    size += data.length
    for (let at = 0; at < data.length; ) {
      const piece = data.subarray(at, at + BUFFER - filled)
      buffer.set(piece, filled)
      filled += piece.length
      at += piece.length
      if (filled === BUFFER) await flush()
    }
  }

  return {
    get size() {
      return size
    },
    append,
    async finish() {
      await append(END)
      await flush()
      await pending.catch(failed)
      await file.sync().catch(failed)
      await file.close().catch(failed)
      await storage.rename(temporary, path).catch(failed)
      return { bytes: size, sha256: hex(hash.digest()), ...etag.digest() }
    },
    async discard() {
      await pending.catch(() => {})
      await file.close().catch(() => {})
      // What went wrong before is what matters; the next run clears up.
      await storage.remove(temporary).catch(() => {})
    },
  }
}

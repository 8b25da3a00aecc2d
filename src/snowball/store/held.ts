// What holds an archive until it is sent: memory, or a file where it is large.
import { MillraceError } from '../../errors.js'
import type { FileReader, Storage } from '../../ports/ports.js'
import { sendStream } from '../../ports/stream-body.js'

export interface Held {
  /** Takes `data` until it resolves. Rejects with IO. */
  write(data: Uint8Array): Promise<void>
  /** All has come. */
  close(): Promise<void>
  /** Gives all of it to `send`, as often as it is asked for. */
  send<T>(signal: AbortSignal | undefined, send: (body: object, signal: AbortSignal | undefined) => Promise<T>): Promise<T>
  /** Leaves nothing behind. Never rejects. */
  remove(): Promise<void>
}

/** Of `bound` bytes at most; `source` is for errors. */
export function heldInMemory(bound: number, source: string): Held {
  const buffer = new Uint8Array(bound)
  let filled = 0
  return {
    async write(data) {
      if (filled + data.length > bound) throw new MillraceError('IO', `expected at most ${bound} bytes, got more`, { position: { source } })
      buffer.set(data, filled)
      filled += data.length
    },
    async close() {},
    send: (signal, send) => send(buffer.subarray(0, filled), signal),
    async remove() {},
  }
}

const PIECE = 1 << 20

/** A file, which a run that is killed leaves. */
export async function heldInFile(storage: Storage, path: string): Promise<Held> {
  const failed = (cause: unknown) => {
    throw new MillraceError('IO', `cannot write: ${(cause as Error).message}`, { position: { source: path }, cause })
  }
  const file = await storage.create(path).catch(failed)
  let size = 0
  let open = true
  const close = async () => {
    if (!open) return
    open = false
    await file.close()
  }

  async function* pieces(): AsyncGenerator<Uint8Array> {
    let source: FileReader | undefined
    try {
      source = await storage.open(path)
      for (let at = 0; at < size; ) {
        // Sent while the next one is read: each has memory of its own.
        const piece = new Uint8Array(Math.min(PIECE, size - at))
        const got = await source.read(piece, at)
        if (got === 0) throw new MillraceError('IO', `expected ${size} bytes, got ${at}`, { position: { source: path } })
        yield piece.subarray(0, got)
        at += got
      }
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      // ours, so that it is not taken for a failure of the network and tried again
      throw new MillraceError('IO', `cannot read: ${(cause as Error).message}`, { position: { source: path }, cause })
    } finally {
      await source?.close()
    }
  }

  return {
    async write(data) {
      size += data.length
      await file.write(data).catch(failed)
    },
    close: () => close().catch(failed),
    send: (signal, send) => sendStream(pieces(), signal, send),
    async remove() {
      await close().catch(() => {})
      await storage.remove(path).catch(() => {})
    },
  }
}

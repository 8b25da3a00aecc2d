// A file's bytes from first to last, for who scans them.
import { wrongType } from '../errors.js'
import type { Storage } from './ports.js'

/** Bytes of a piece: of half as many the trips to the thread pool cost 5 % more, of twice as many nothing less. */
const PIECE = 1 << 20

/**
 * The bytes of the file at `path` in pieces of up to 1 MiB; the next one is read while one is worked on.
 * A piece is overwritten once the next one is asked for. Throws TypeError for wrong arguments, rejects with
 * what the storage rejects with.
 *
 * @example
 * for await (const bytes of fileSource(nodePorts, 'flights.ndjson')) await writer.writeJson(bytes)
 */
export function fileSource(ports: { storage: Pick<Storage, 'open'> }, path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a file', path)
  return pieces(ports.storage, path)
}

async function* pieces(storage: Pick<Storage, 'open'>, path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const file = await storage.open(path)
  let ahead: Promise<number> | undefined
  let failed = false
  try {
    const { kind, size: whole } = await file.stat()
    // a byte more than there are, to see the end at once; /proc has files of no size
    const room = kind === 'file' && whole > 0 ? Math.min(PIECE, whole + 1) : PIECE
    let buffer = new Uint8Array(room)
    let other: typeof buffer | undefined
    for (let at = 0; ; ) {
      const size = await (ahead ?? file.read(buffer, at))
      ahead = undefined
      if (size === 0) return
      at += size
      const piece = buffer.subarray(0, size)
      // a pipe or a terminal may have nothing for hours: it is asked only on behalf of who waits
      if (kind === 'file' && size === room) {
        other ??= new Uint8Array(room)
        ;[buffer, other] = [other, buffer]
        ahead = file.read(buffer, at)
        // who asks for the next piece is told
        ahead.catch(() => {})
      }
      yield piece
    }
  } catch (error) {
    failed = true
    throw error
  } finally {
    // a descriptor that is read from must not become another file's
    await ahead?.catch(() => {})
    // the first failure is the one to tell
    await file.close().catch((error: unknown) => {
      if (!failed) throw error
    })
  }
}

// A file's bytes from first to last, for who scans them.

import { wrongType } from '../errors.js'
import type { Storage } from './ports.js'

/** Bytes of a piece: two of them and the scan's own half megabyte go through a second-level cache of 1-2 MiB. */
const PIECE = 1 << 20

/**
 * The bytes of the file at `path` in pieces of up to 1 MiB; the next one is read while one is worked on.
 * A piece is overwritten once the next one is asked for. Rejects with what the storage rejects with.
 *
 * @example
 * for await (const bytes of fileSource(nodePorts, 'flights.ndjson')) await writer.writeJson(bytes)
 */
export async function* fileSource(ports: { storage: Pick<Storage, 'open'> }, path: string): AsyncGenerator<Uint8Array> {
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a file', path)
  const file = await ports.storage.open(path)
  let ahead: Promise<number> | undefined
  try {
    // A pipe or a terminal may have nothing for hours: it is asked only on behalf of who waits.
    const eager = (await file.stat()).kind === 'file'
    let [buffer, other] = [new Uint8Array(PIECE), new Uint8Array(PIECE)]
    for (let at = 0; ; ) {
      const size = await (ahead ?? file.read(buffer, at))
      ahead = undefined
      if (size === 0) return
      at += size
      const piece = buffer.subarray(0, size)
      ;[buffer, other] = [other, buffer]
      if (eager) {
        ahead = file.read(buffer, at)
        // who asks for the next piece is told
        ahead.catch(() => {})
      }
      yield piece
    }
  } finally {
    // a descriptor that is read from must not become another file's
    await ahead?.catch(() => {})
    await file.close()
  }
}

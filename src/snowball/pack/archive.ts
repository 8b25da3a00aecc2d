// A tar while it is written. Its window lies in the core's memory: files are read straight to where
// they stand in the archive, hashed in place, and leave in pieces of about 1 MiB, while they are still
// in the cache of the processor.
//
//   | header | data | padding | header | data | ...        | header | place(): data goes here |
//   0                                                    filled
import type { Engine } from '../../engine/engine.js'
import type { Sha256 } from '../../ports/ports.js'
import { crcText, hashOf, hex } from '../digest.js'
import { END, HEADER_BOUND, padded, tarHeaders } from '../tar.js'

/** What leaves at a time: small enough for the cache, large enough that calls do not count. */
const PIECE = 1 << 20

/** A member as it stands in the archive. */
export interface Packed {
  size: number
  sha256: string
  crc32c: string
  /** Of its data. */
  offset: number
}

export interface Archive {
  /** Bytes so far. */
  readonly size: number
  /**
   * Appends files of at most `smallBytes`, of the sizes that were planned or others. `read(i, place)`
   * reads file i to `place(size)`, once more where it changed meanwhile, and gives its size, or why it
   * is left out: then nothing of it is there. `settle` is told what came of each, in order.
   */
  add<T extends object>(
    files: readonly { key: string; size: number }[],
    read: (i: number, place: (size: number) => Uint8Array) => Promise<number | T>,
    settle: (i: number, packed: Packed | T) => void,
  ): Promise<void>
  /** Appends one of any size, of which `pieces` gives the data. Rejects where it is not as long as said; the archive then is of no use. */
  stream(key: string, size: number, pieces: AsyncIterable<Uint8Array>): Promise<Packed>
  /** Writes the end. */
  finish(): Promise<void>
}

/** The window is reserved in `engine`, which nothing may rewind below it meanwhile. */
export function createArchive(engine: Engine, write: (data: Uint8Array) => Promise<void>, sha256: Sha256, smallBytes: number): Archive {
  const { core } = engine
  const capacity = PIECE + 2 * HEADER_BOUND + padded(smallBytes) + END.length
  const start = engine.reserve(capacity)
  const whole = hashOf(sha256)
  /** Bytes that have left, and bytes in the window. */
  let gone = 0
  let filled = 0
  const view = (from: number, to: number) => engine.bytes().subarray(start + from, start + to)
  const leave = async () => {
    if (filled === 0) return
    await write(view(0, filled))
    gone += filled
    filled = 0
  }
  const append = (data: Uint8Array) => {
    engine.bytes().set(data, start + filled)
    filled += data.length
  }
  const pad = (size: number) => {
    const to = filled + padded(size) - size
    view(filled, to).fill(0)
    filled = to
  }
  return {
    get size() {
      return gone + filled
    },
    async add(files, read, settle) {
      const headers = tarHeaders(files)
      for (const [i, { key, size: planned }] of files.entries()) {
        if (filled >= PIECE) await leave()
        let header = headers.bytes.subarray(headers.starts[i], headers.starts[i + 1])
        // a small file's size does not change how long its header is
        const at = filled + header.length
        const size = await read(i, (bytes) => view(at, at + bytes))
        if (typeof size !== 'number') {
          settle(i, size)
          continue
        }
        if (size !== planned) header = tarHeaders([{ key, size }]).bytes
        append(header)
        filled += size
        pad(size)
        const sha256 = hex(whole(view(at, at + size)))
        settle(i, { size, sha256, crc32c: crcText(core.crc32c(0, start + at, size) >>> 0), offset: gone + at })
      }
    },
    async stream(key, size, pieces) {
      if (filled >= PIECE) await leave()
      append(tarHeaders([{ key, size }]).bytes)
      const offset = gone + filled
      const hash = sha256()
      let crc = 0
      for await (const piece of pieces) {
        for (let from = 0; from < piece.length; ) {
          if (filled >= PIECE) await leave()
          const part = piece.subarray(from, from + capacity - filled)
          const at = filled
          append(part)
          hash.update(part)
          crc = core.crc32c(crc, start + at, part.length)
          from += part.length
        }
      }
      const got = gone + filled - offset
      if (got !== size) throw new RangeError(`expected ${size} bytes of ${JSON.stringify(key)}, got ${got}`)
      pad(size)
      return { size, sha256: hex(hash.digest()), crc32c: crcText(crc >>> 0), offset }
    },
    async finish() {
      append(END)
      await leave()
    },
  }
}

// A sink that many small pieces go to: they are put together into writes of a sensible size.
import { concat } from '../../bytes.js'
import type { ParquetSink } from './sink.js'

/** Writes are of about this size; a piece of half of it or more is passed on as it is. */
const WRITE = 1 << 20
/** Of parts that go as they are: each write is a trip through the event loop, and its parts stay in memory until it ends. */
const WRITE_ALL = 4 << 20

export interface Output {
  /** Bytes that came, written or not. */
  readonly bytes: number
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** Writes, and says where that lies. */
  place(pieces: readonly Uint8Array[]): Promise<{ at: number; bytes: number }>
  /** Hands the sink what waits. */
  flush(): Promise<void>
}

/** `first` goes out with whatever comes first. */
export function createOutput(sink: ParquetSink, first: Uint8Array): Output {
  let pending = [first]
  let waiting = first.length
  let bytes = first.length

  const flush = async () => {
    if (waiting === 0) return
    const parts = pending
    pending = []
    waiting = 0
    await (sink.writeAll ? sink.writeAll(parts) : sink.write(concat(parts)))
  }
  const write = async (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      bytes += piece.length
      if (!sink.writeAll && piece.length >= WRITE / 2) {
        await flush()
        await sink.write(piece)
        continue
      }
      pending.push(piece)
      waiting += piece.length
      if (waiting >= (sink.writeAll ? WRITE_ALL : WRITE)) await flush()
    }
  }
  return {
    get bytes() {
      return bytes
    },
    write,
    async place(pieces) {
      const at = bytes
      await write(pieces)
      return { at, bytes: bytes - at }
    },
    flush,
  }
}

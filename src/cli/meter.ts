// The progress line of work on inputs.
import type { Io } from './command.js'
import { count, duration, size } from './figures.js'
import type { Piece } from './input.js'

export interface Meter {
  /** Bytes that came by, unpacked. */
  readonly read: number
  /** The same pieces; the line is drawn as they are asked for. */
  watch(pieces: AsyncGenerator<Piece>): AsyncGenerator<Piece>
}

/** An hour ahead is said sooner than it is known. */
const ETA_AFTER = 1

/** `total`: bytes of all inputs as they are stored, where that is known; `bad` tells how many bad records there are by now. */
export function meter(io: Io, what: string, total?: number, bad: () => number = () => 0): Meter {
  const { clock } = io.ports
  const start = clock.monotonic()
  let read = 0
  const draw = (taken: number) => {
    const seconds = Math.max((clock.monotonic() - start) / 1000, 0.001)
    const parts = [`${what}: ${size(read)} read`, `${Math.round(read / 1e6 / seconds)} MB/s`]
    if (total) parts.push(`${Math.floor((100 * Math.min(taken, total)) / total)} %`)
    if (total && seconds >= ETA_AFTER && taken > 0) parts.push(`${duration((seconds * Math.max(0, total - taken)) / taken)} left`)
    if (bad() > 0) parts.push(count(bad(), 'bad record'))
    io.progress(parts.join(', '))
  }
  return {
    get read() {
      return read
    },
    async *watch(pieces) {
      for await (const piece of pieces) {
        read += piece.bytes.length
        yield piece
        draw(piece.taken)
      }
    },
  }
}

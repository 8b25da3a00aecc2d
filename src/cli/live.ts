// A live line on a terminal: figures of now, and rates of the last second or two.
import type { Io } from './command.js'

/** Milliseconds between two frames. */
const FRAME = 200
/** Rates are of the last second or two: those of the whole run would hide that nothing gets through any more. */
const WINDOW = 1_000

/** What has been done so far; as a rate, in a second. */
export interface Done {
  records: number
  bytes: number
}

/** As many of `parts` as `columns` hold, those needed most first. */
export function fitting([first = '', ...rest]: readonly string[], columns: number): string {
  let line = first
  for (const part of rest) {
    if (line.length + 2 + part.length > columns) break
    line += `, ${part}`
  }
  return line
}

/** Draws the line for as long as the terminal is one; gives the function that ends it. */
export function drawLine(io: Io, done: () => Done, line: (rate: Done, columns: number) => string): () => void {
  const { clock } = io.ports
  const stop = new AbortController()
  const mark = () => ({ at: clock.monotonic(), ...done() })
  let from = mark()
  let next = from
  const draw = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(FRAME, stop.signal)
      const now = mark()
      const seconds = (now.at - from.at) / 1000
      // main.ts leaves the last column free
      io.progress(line({ records: (now.records - from.records) / seconds, bytes: (now.bytes - from.bytes) / seconds }, io.columns - 1))
      if (now.at - next.at >= WINDOW) [from, next] = [next, now]
    }
  }
  if (io.columns > 0) draw().catch(() => {})
  return () => {
    stop.abort()
    io.progress('')
  }
}

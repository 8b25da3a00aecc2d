// The live line of millrace produce.
import type { ProducerMetrics } from '../kinesis/producer/pipeline-face.js'
import type { Io } from './command.js'
import { duration, short } from './figures.js'

/** Milliseconds between two frames. */
const FRAME = 200
/** Rates are of the last second or two: those of the whole run would hide that nothing gets through any more. */
const WINDOW = 1_000

/** The figures needed most, in order, as many as `columns` hold. Rates are a second's. */
export function liveLine(metrics: ProducerMetrics, rate: { records: number; bytes: number }, columns: number): string {
  const { delivered, failed, throttled, oldest, bufferedRecords, kinesisRecords, userPayloadUnits, payloadUnits } = metrics
  const [first, ...rest] = [
    `${short(rate.records)} records/s`,
    `${(rate.bytes / 1e6).toFixed(1)} MB/s`,
    `${short(userPayloadUnits - payloadUnits)} units saved`,
    `${short(throttled)} throttled`,
    `oldest ${oldest < 60_000 ? `${(oldest / 1000).toFixed(1)} s` : duration(oldest / 1000)}`,
    ...(failed > 0 ? [`${short(failed)} failed`] : []),
    `${short(delivered)} delivered`,
    `${short(bufferedRecords)} buffered`,
    `${short(kinesisRecords)} Kinesis records`,
  ]
  let line = first
  for (const part of rest) {
    if (line.length + 2 + part.length > columns) break
    line += `, ${part}`
  }
  return line
}

/** Draws the line for as long as the terminal is one; gives the function that ends it. */
export function drawLive(io: Io, metrics: () => ProducerMetrics): () => void {
  const { clock } = io.ports
  const stop = new AbortController()
  const mark = () => {
    const { delivered, kinesisBytes } = metrics()
    return { at: clock.monotonic(), records: delivered, bytes: kinesisBytes }
  }
  let from = mark()
  let next = from
  const draw = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(FRAME, stop.signal)
      const now = mark()
      const seconds = (now.at - from.at) / 1000
      const rate = { records: (now.records - from.records) / seconds, bytes: (now.bytes - from.bytes) / seconds }
      // main.ts leaves the last column free
      io.progress(liveLine(metrics(), rate, io.columns - 1))
      if (now.at - next.at >= WINDOW) [from, next] = [next, now]
    }
  }
  if (io.columns > 0) draw().catch(() => {})
  return () => {
    stop.abort()
    io.progress('')
  }
}

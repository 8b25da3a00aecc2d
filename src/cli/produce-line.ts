// The live line of millrace produce.
import type { ProducerMetrics } from '../kinesis/producer/pipeline-face.js'
import type { Io } from './command.js'
import { seconds, short } from './figures.js'
import { type Done, drawLine, fitting } from './live.js'

/** The figures needed most, in order, as many as `columns` hold. Rates are a second's. */
export function liveLine(metrics: ProducerMetrics, rate: Done, columns: number): string {
  const { delivered, failed, throttled, oldest, bufferedRecords, kinesisRecords, userPayloadUnits, payloadUnits } = metrics
  const parts = [
    `${short(rate.records)} records/s`,
    `${(rate.bytes / 1e6).toFixed(1)} MB/s`,
    `${short(userPayloadUnits - payloadUnits)} units saved`,
    `${short(throttled)} throttled`,
    `oldest ${seconds(oldest)}`,
    ...(failed > 0 ? [`${short(failed)} failed`] : []),
    `${short(delivered)} delivered`,
    `${short(bufferedRecords)} buffered`,
    `${short(kinesisRecords)} Kinesis records`,
  ]
  return fitting(parts, columns)
}

/** Draws the line for as long as the terminal is one; gives the function that ends it. */
export function drawLive(io: Io, metrics: () => ProducerMetrics): () => void {
  const done = () => {
    const { delivered, kinesisBytes } = metrics()
    return { records: delivered, bytes: kinesisBytes }
  }
  return drawLine(io, done, (rate, columns) => liveLine(metrics(), rate, columns))
}

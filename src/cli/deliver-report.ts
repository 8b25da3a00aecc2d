// What millrace deliver tells: a line while it works, a summary at the end.
import type { DeliveryMetrics } from '../firehose/delivery/delivery-stream.js'
import type { UnwrittenObject } from '../firehose/delivery/writer.js'
import type { Io } from './command.js'
import { count, short, size } from './figures.js'
import { drawLine, fitting } from './live.js'

/** Draws a line for as long as the terminal is one; gives the function that ends it. */
export function drawDelivery(io: Io, metrics: () => DeliveryMetrics): () => void {
  const done = () => {
    const { accepted, acceptedBytes } = metrics()
    return { records: accepted, bytes: acceptedBytes }
  }
  return drawLine(io, done, (rate, columns) => {
    const { accepted, objects, failures, dropped, activePartitions, storeRetries, heldBytes } = metrics()
    const failed = Object.values(failures).reduce((sum, records) => sum + records, 0)
    const parts = [
      `${short(rate.records)} records/s`,
      `${(rate.bytes / 1e6).toFixed(1)} MB/s`,
      `${short(accepted)} taken`,
      ...(failed > 0 ? [`${short(failed)} failed`] : []),
      `${count(objects, 'object')}`,
      ...(storeRetries > 0 ? [`${short(storeRetries)} puts tried again`] : []),
      ...(dropped > 0 ? [`${short(dropped)} dropped`] : []),
      ...(activePartitions > 0 ? [count(activePartitions, 'partition')] : []),
      `${size(heldBytes)} held`,
    ]
    return fitting(parts, columns)
  })
}

export interface Ended {
  milliseconds: number
  unwritten: readonly UnwrittenObject[]
  json: boolean
}

/** The summary: on stderr for people, or one line of JSON on stdout. */
export async function report(io: Io, metrics: DeliveryMetrics, { milliseconds, unwritten, json }: Ended): Promise<void> {
  const notWritten = unwritten.map(({ bucket, key, records, bytes }) => ({ bucket, key, records, bytes }))
  if (json) {
    await io.write(`${JSON.stringify({ ...metrics, unwritten: notWritten, milliseconds: Math.round(milliseconds) })}\n`)
    return
  }
  for (const line of describe(metrics, milliseconds)) io.log(`millrace deliver: ${line}`)
  for (const { key, records } of notWritten) io.log(`millrace deliver: not written: ${JSON.stringify(key)} with ${count(records, 'record')}`)
}

function describe(metrics: DeliveryMetrics, milliseconds: number): string[] {
  const { accepted, acceptedBytes, split, delivered, dropped, failed, backedUp, objects, errorObjects, backupObjects, objectBytes } = metrics
  const { failures, invocations, storeRetries } = metrics
  const outcomes = [
    `${count(delivered, 'record')} delivered in ${count(objects, 'object')}`,
    ...(dropped > 0 ? [`${dropped.toLocaleString('en-US')} dropped by the function`] : []),
    ...(failed > 0 ? [`${failed.toLocaleString('en-US')} failed, in ${count(errorObjects, 'error object')}`] : []),
    ...(backedUp > 0 ? [`${backedUp.toLocaleString('en-US')} backed up in ${count(backupObjects, 'object')}`] : []),
  ]
  return [
    ...Object.entries(failures)
      .sort(([, a], [, b]) => b - a)
      .map(([code, records]) => `${String(records).padStart(8)}  ${code}`),
    [
      `${count(accepted, 'record')} taken (${size(acceptedBytes)}, ${(milliseconds / 1000).toFixed(1)} s)`,
      ...(split > 0 ? [`split into ${(accepted + split).toLocaleString('en-US')}`] : []),
      ...(invocations > 0 ? [count(invocations, 'invocation')] : []),
      ...(storeRetries > 0 ? [`${count(storeRetries, 'put')} tried again`] : []),
    ].join('; '),
    `${outcomes.join('; ')}; ${size(objectBytes)} written`,
  ]
}

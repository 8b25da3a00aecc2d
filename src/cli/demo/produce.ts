// NDJSON into the stream, through the aggregating producer, while a shard splits under it.
import { MillraceError } from '../../errors.js'
import { createProducer } from '../../kinesis/index.js'
import { readFlights } from './flights.js'
import type { Line } from './stage.js'
import { type DemoStream, STREAM } from './stream.js'

export interface Produced {
  ndjsonBytes: number
  kinesisRecords: number
  kinesisBytes: number
  /** PUT payload units, had each flight been a record of its own; and as they were sent. */
  unitsBefore: number
  unitsAfter: number
}

/** Throws SERVICE where a record is not delivered. */
export async function produce({ peers, rows, io, meter }: Line, stream: DemoStream): Promise<Produced> {
  const read = meter.begin('read', rows)
  const send = meter.begin('produce', rows)
  const producer = createProducer({ streamName: STREAM, client: stream.client, commands: peers.kinesis, ports: io.ports })
  const failures: string[] = []
  const batches = readFlights(peers, rows)
  let ndjsonBytes = 0
  let sent = 0
  try {
    for (;;) {
      io.signal.throwIfAborted()
      const batch = await read.time(() => batches.next())
      if (batch.done) break
      const { ndjson, rows: count } = batch.value
      ndjsonBytes += ndjson.length
      read.add(count, ndjson.length, ndjson.length)
      const receipt = await send.time(() => producer.putNdjson(ndjson, { partitionKey: 'origin' }))
      receipt.outcomes.then((outcomes) => {
        for (const { code, message } of outcomes.failures()) failures.push(`${code} ${message}`)
      })
      const half = sent < rows / 2 && sent + count >= rows / 2
      sent += count
      // The producer is not told: it finds out by where its records arrive.
      if (half) await stream.split()
      send.add(count, ndjson.length, 0)
    }
  } catch (error) {
    // Else it would go on sending while the stream closes. A server that is broken takes no more.
    await Promise.race([producer.close(), io.ports.clock.sleep(2_000)])
    throw error
  }
  await send.time(() => producer.close())
  if (failures.length > 0) throw new MillraceError('SERVICE', `${failures.length} records were not delivered; the first: ${failures[0]}`)
  const { kinesisRecords, kinesisBytes, payloadUnits } = producer.metrics()
  send.add(0, 0, kinesisBytes)
  read.end()
  send.end()
  return { ndjsonBytes, kinesisRecords, kinesisBytes, unitsBefore: rows, unitsAfter: payloadUnits }
}

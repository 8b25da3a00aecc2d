// NDJSON into the stream, through the aggregating producer, while a shard splits under it.
import { MillraceError } from '../../errors.js'
import { createProducer } from '../../kinesis/index.js'
import { readFlights } from './flights.js'
import type { Line } from './line.js'
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
  const receipts: Promise<{ failed: number; failures(): Iterable<{ code: string; message: string }> }>[] = []
  const batches = readFlights(peers, rows)
  let ndjsonBytes = 0
  let sent = 0
  for (;;) {
    io.signal.throwIfAborted()
    const batch = await read.time(() => batches.next())
    if (batch.done) break
    const { ndjson, rows: count } = batch.value
    ndjsonBytes += ndjson.length
    read.add(count, ndjson.length, ndjson.length)
    const receipt = await send.time(() => producer.putNdjson(ndjson, { partitionKey: 'origin' }))
    receipts.push(receipt.outcomes)
    const half = sent < rows / 2 && sent + count >= rows / 2
    sent += count
    // The producer is not told: it finds out by where its records arrive.
    if (half) await stream.split()
    send.add(count, ndjson.length, 0)
  }
  await send.time(() => producer.close())
  for (const { failed, failures } of await Promise.all(receipts)) {
    if (failed === 0) continue
    const [first] = failures()
    throw new MillraceError('SERVICE', `${failed} records were not delivered; the first: ${first.code} ${first.message}`)
  }
  const { kinesisRecords, kinesisBytes, payloadUnits } = producer.metrics()
  send.add(0, 0, kinesisBytes)
  read.end()
  send.end()
  return { ndjsonBytes, kinesisRecords, kinesisBytes, unitsBefore: rows, unitsAfter: payloadUnits }
}

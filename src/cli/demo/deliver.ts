// Out of the stream, through the Firehose transform, into Parquet by origin airport.
import { concat } from '../../bytes.js'
import { createHiveWriter } from '../../emr/index.js'
import { fromBase64, toBase64 } from '../../engine/base64.js'
import { MillraceError } from '../../errors.js'
import { createFirehoseTransformer, type FirehoseEvent, type FirehoseResponse } from '../../firehose/index.js'
import { type ConsumerBatch, createConsumer } from '../../kinesis/index.js'
import type { Schema } from '../../parquet/index.js'
import type { Line } from './stage.js'
import { type DemoStream, STREAM } from './stream.js'

/**
 * Data of one transform event: Firehose's default buffer. Its largest, 3 MB, is too much for records
 * this small: base64, the record ids and the new field make it 7 MB, and Lambda takes 6.
 */
const EVENT_BYTES = 1_000_000
/** The US Department of Transportation counts a flight as late from 15 minutes on. */
export const LATE_MINUTES = 15

const SCHEMA: Schema = {
  columns: [
    { name: 'date', type: 'timestamp', unit: 'ms' },
    { name: 'delay', type: 'int32' },
    { name: 'distance', type: 'int32' },
    { name: 'origin', type: 'string' },
    { name: 'destination', type: 'string' },
    { name: 'late', type: 'boolean' },
  ],
}

export interface Delivered {
  parquetFiles: number
  parquetBytes: number
}

/** Reads all shards, parents before children, up to the end; the files are below `directory`. */
export async function deliver({ peers, rows, io, meter }: Line, stream: DemoStream, directory: string): Promise<Delivered> {
  const consume = meter.begin('consume', rows)
  const transform = meter.begin('transform', rows)
  const parquet = meter.begin('parquet', rows)
  const consumer = createConsumer({
    streamName: STREAM,
    client: stream.client,
    commands: peers.kinesis,
    ports: io.ports,
    from: 'TRIM_HORIZON',
    until: 'now',
    // the service's five calls a second do not bind kinesalite
    pollInterval: 0,
    // aggregates of 50 KB: answers of 2 MB, of which each user record becomes an object
    maxRecords: 40,
    maxRequests: 2,
  })
  const failures: string[] = []
  const handler = createFirehoseTransformer({
    onFailure: ({ recordId, message }) => failures.push(`${recordId}: ${message}`),
    transform(record) {
      const flight = record.json() as { delay: number }
      return { ...flight, late: flight.delay >= LATE_MINUTES }
    },
  })
  const writer = createHiveWriter({ schema: SCHEMA, directory, partitionBy: ['origin'], ports: io.ports })
  const stop = () => consumer.close()
  io.signal.addEventListener('abort', stop)
  try {
    const batches = consumer[Symbol.asyncIterator]()
    for (;;) {
      const next = await consume.time(() => batches.next())
      io.signal.throwIfAborted()
      if (next.done) break
      const records = await consume.time(() => next.value.records)
      consume.add(records.length, bytesOf(records), bytesOf(records))
      for (const event of events(next.value)) {
        const lines = await transform.time(async () => answerOf(await handler(event)))
        if (failures.length > 0) throw new MillraceError('CORRUPT', `the transform failed for ${failures.length} records; the first: ${failures[0]}`)
        const bytesIn = event.records.reduce((sum, { data }) => sum + Math.floor(((data?.length ?? 0) * 3) / 4), 0)
        transform.add(event.records.length, bytesIn, lines.length)
        await parquet.time(() => writer.writeJson(lines))
        parquet.add(event.records.length, lines.length, 0)
      }
    }
    const written = await parquet.time(() => writer.close())
    parquet.add(0, 0, written.bytes)
    for (const stage of [consume, transform, parquet]) stage.end()
    return { parquetFiles: written.files, parquetBytes: written.bytes }
  } finally {
    io.signal.removeEventListener('abort', stop)
    consumer.close()
    await writer.abort(io.signal.reason)
  }
}

const bytesOf = (records: ConsumerBatch['records']) => records.reduce((sum, { data }) => sum + data.length, 0)

/** The events that Firehose would hand to its transform, for a stream as source. */
function* events({ shardId, records, arrived }: ConsumerBatch): Generator<FirehoseEvent> {
  let batch: FirehoseEvent['records'] = []
  let bytes = 0
  const event = (): FirehoseEvent => ({
    invocationId: 'demo',
    deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/flights',
    sourceKinesisStreamArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/flights',
    region: 'us-east-1',
    records: batch,
  })
  const approximateArrivalTimestamp = arrived?.getTime()
  for (const { data, partitionKey, sequenceNumber, subSequenceNumber } of records) {
    if (bytes + data.length > EVENT_BYTES) {
      yield event()
      batch = []
      bytes = 0
    }
    bytes += data.length
    batch.push({
      recordId: `${sequenceNumber}.${subSequenceNumber}`,
      approximateArrivalTimestamp,
      data: toBase64(data),
      kinesisRecordMetadata: { shardId, partitionKey, sequenceNumber, subsequenceNumber: subSequenceNumber, approximateArrivalTimestamp },
    })
  }
  if (batch.length > 0) yield event()
}

/** What Firehose would put into an object: the data of all records, one behind the other. */
function answerOf({ records }: FirehoseResponse): Uint8Array {
  return concat(records.map(({ data }) => fromBase64(data ?? '')))
}

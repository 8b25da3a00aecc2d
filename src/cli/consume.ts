// millrace consume: the user records of a Kinesis stream as NDJSON.
import { toBase64 } from '../engine/base64.js'
import { type DeaggregateMode, isMode } from '../kinesis/aggregates/deaggregate.js'
import type { ConsumedRecord } from '../kinesis/consumer/batch.js'
import { type ConsumerOptions, createConsumer } from '../kinesis/consumer/consumer.js'
import { fileCheckpoints } from '../kinesis/consumer/file-checkpoints.js'
import type { ConsumerMetrics } from '../kinesis/consumer/telemetry.js'
import { type Command, textOption, UsageError, type Values } from './command.js'
import { count, seconds, short } from './figures.js'
import { type Done, drawLine, fitting } from './live.js'
import { lagOf, lagText, readingHelp, readingOf, readingOptions } from './reading.js'
import { openStream, streamHelp, streamOptions } from './stream.js'

export const command: Command = {
  summary: 'the user records of a Kinesis stream as NDJSON, aggregates opened',
  help: `Usage: millrace consume --stream S [--endpoint URL] [--from WHERE] [--until now|TIME] [options]

Reads all shards, parents before their children, opens aggregates of the Kinesis Producer Library and
writes a line for each user record:
{"partitionKey","explicitHashKey"?,"data":base64,"sequenceNumber","subSequenceNumber","aggregated","shardId"}

${streamHelp}
  --from WHERE     TRIM_HORIZON, the oldest record (default); LATEST, what comes
                   from now on; a time such as 2026-11-23T04:00:00Z; or 15m, 15
                   minutes ago (s, m, h and d)
${readingHelp}
  --mode kcl|keep|strict
                   aggregates that lie outside their shard, which the KCL drops:
                   drop them too (default; told on stderr), write them with their
                   "reason", or end with exit code 1 before the batch that has one
  --checkpoint F   keep in this file how far each shard is read, and go on from there
                   the next time; --from then counts only for the first. After SIGINT and
                   SIGTERM nothing comes again, after a kill -9 what was written in the
                   last second, and the batch that it was writing
  --consumer C     enhanced fan-out: read as this registered consumer of the stream,
                   by name (registered where it is not) or by ARN, with 2 MiB a
                   second of each shard for it alone; default: polled. It is paid
                   for until it is deregistered
  --deregister     deregister the consumer at the end
  --deduplicate    leave out records that come again, of a producer with
                   --stable-ids
  --raw            the data alone, as it is, and a line feed: gives back the
                   lines that millrace produce was given

SIGINT and SIGTERM end it behind the batch that it is writing; the exit code is 130 or 143. The closing
line, and on a terminal a live one, say how far the newest records are ahead (MillisBehindLatest).
Needs the packages @aws-sdk/client-kinesis and @smithy/node-http-handler.

Example: millrace consume --stream flights --endpoint http://localhost:4567 --until now --raw > flights.ndjson
`,
  options: {
    ...streamOptions,
    ...readingOptions,
    mode: { type: 'string' },
    checkpoint: { type: 'string' },
    consumer: { type: 'string' },
    deregister: { type: 'boolean' },
    deduplicate: { type: 'boolean' },
    raw: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected no arguments, got ${JSON.stringify(positionals[0])}`)
    const options = {
      ...readingOf(values, 'TRIM_HORIZON', io.ports.clock),
      mode: modeOf(values),
      fanOut: fanOutOf(values),
      deduplicate: values.deduplicate === true,
    }
    const path = textOption(values, 'checkpoint', 'the path of a file')
    const checkpoints = path === undefined ? undefined : fileCheckpoints(io.ports, path)
    const target = await openStream(values)
    const consumer = createConsumer({ ...target, ...options, checkpoints, ports: io.ports })
    const stop = () => consumer.close()
    if (io.signal.aborted) stop()
    io.signal.addEventListener('abort', stop, { once: true })
    let records = 0
    let dropped = 0
    const done = () => ({ records, bytes: consumer.metrics().bytes })
    const endLive = drawLine(io, done, (rate, columns) => consumeLine(consumer.metrics(), records, rate, columns))
    try {
      for await (const batch of consumer) {
        await io.write(values.raw ? rawLines(batch.records) : jsonLines(batch.records))
        records += batch.records.length
        for (const { sequenceNumber, reason } of batch.dropped) {
          dropped++
          io.log(`millrace consume: ${batch.shardId}, ${sequenceNumber}: aggregate dropped: ${reason}`)
        }
      }
    } finally {
      endLive()
      io.signal.removeEventListener('abort', stop)
      target.client.destroy?.()
      await checkpoints?.close()
    }
    io.log(`millrace consume: ${records} records${dropped > 0 ? `, ${dropped} aggregates dropped as the KCL drops them` : ''}${lagText(consumer.metrics())}`)
    return 0
  },
}

function modeOf({ mode = 'kcl' }: Values): DeaggregateMode {
  if (!isMode(mode)) throw new UsageError(`--mode expected kcl, keep or strict, got ${JSON.stringify(mode)}`)
  return mode
}

function fanOutOf(values: Values): ConsumerOptions['fanOut'] {
  const consumer = textOption(values, 'consumer', 'the name or ARN of a consumer')
  const deregister = values.deregister === true
  if (consumer === undefined) {
    if (deregister) throw new UsageError('--deregister expected --consumer NAME beside it')
    return undefined
  }
  if (consumer.startsWith('arn:')) return { consumerARN: consumer, deregister }
  if (!/^[\w.-]{1,128}$/.test(consumer))
    throw new UsageError(`--consumer expected an ARN or a name of 1 to 128 letters, digits, "_", "." and "-", got ${JSON.stringify(consumer)}`)
  return { consumerName: consumer, deregister }
}

/** The figures needed most, in order, as many as `columns` hold. Rates are a second's. */
export function consumeLine(metrics: ConsumerMetrics, records: number, rate: Done, columns: number): string {
  const lag = lagOf(metrics)
  const parts = [
    `${short(rate.records)} records/s`,
    `${(rate.bytes / 1e6).toFixed(1)} MB/s`,
    ...(lag ? [`lag ${seconds(lag.milliseconds)}${lag.behind > 0 && lag.shards > 1 ? ` (${lag.shardId})` : ''}`] : []),
    `${short(records)} records`,
    count(Object.keys(metrics.shards).length, 'shard'),
    ...(metrics.throttled > 0 ? [`${short(metrics.throttled)} throttled`] : []),
  ]
  return fitting(parts, columns)
}

function jsonLines(records: readonly ConsumedRecord[]): string {
  let lines = ''
  for (const { partitionKey, explicitHashKey, data, sequenceNumber, subSequenceNumber, aggregated, shardId, reason } of records) {
    lines += `${JSON.stringify({ partitionKey, explicitHashKey, data: toBase64(data), sequenceNumber, subSequenceNumber, aggregated, shardId, reason })}\n`
  }
  return lines
}

function rawLines(records: readonly ConsumedRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, { data }) => sum + data.length + 1, 0))
  let at = 0
  for (const { data } of records) {
    bytes.set(data, at)
    at += data.length
    bytes[at++] = 10
  }
  return bytes
}

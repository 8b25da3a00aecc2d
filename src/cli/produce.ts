// millrace produce: NDJSON into a Kinesis stream, aggregated by shard.
import type { ProducerMetrics } from '../kinesis/pipeline.js'
import { createProducer } from '../kinesis/producer.js'
import type { BatchOutcomes } from '../kinesis/receipt.js'
import { type Command, type Io, UsageError, wholeOption } from './command.js'
import { untilAborted } from './input.js'
import { lineBatches } from './lines.js'
import { openStream, streamHelp, streamOptions } from './stream.js'

/** Faults that are told one by one; the rest is counted. */
const SHOWN = 20

export const command: Command = {
  summary: 'NDJSON records into a Kinesis stream, aggregated by shard as the KPL does',
  help: `Usage: millrace produce --stream S --key FIELD [--endpoint URL] [options] < RECORDS

Reads one JSON object a line and puts each line as a user record under the value of FIELD (text, a
number or a boolean). Records of one shard share Kinesis records in the format of the Kinesis Producer
Library. Throttled records are sent again; a summary goes to stderr.

${streamHelp}
  --key FIELD      field with the partition key
  --hash-key FIELD field with the explicit hash key, a decimal number as text
  --max-size B     bytes of an aggregate (default 51200)
  --no-aggregate   one Kinesis record for each line
  --record-ttl S   seconds after which a record is given up (default 300)
  --json           the summary as JSON on stdout

A line that is no record, or that is not delivered, is reported on stderr; the exit code is then 1.
Needs the packages @aws-sdk/client-kinesis and @smithy/node-http-handler.

Example: millrace produce --stream flights --endpoint http://localhost:4567 --key origin < flights.ndjson
`,
  options: {
    ...streamOptions,
    key: { type: 'string' },
    'hash-key': { type: 'string' },
    'max-size': { type: 'string' },
    'no-aggregate': { type: 'boolean' },
    'record-ttl': { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const { key, 'hash-key': hashKey } = values
    if (typeof key !== 'string' || key === '') throw new UsageError('expected --key FIELD')
    const fields = { partitionKey: key, ...(typeof hashKey === 'string' ? { explicitHashKey: hashKey } : {}) }
    const aggregationMaxSize = wholeOption(values, 'max-size', 64)
    const seconds = wholeOption(values, 'record-ttl', 1)
    const target = await openStream(values)
    const producer = createProducer({
      ...target,
      ports: io.ports,
      aggregation: !values['no-aggregate'],
      aggregationMaxSize,
      recordTtl: seconds === undefined ? undefined : seconds * 1000,
    })
    const faults = createFaults(io)
    const started = io.ports.clock.monotonic()
    const show = () => {
      const { delivered, failed, bufferedRecords, kinesisRecords } = producer.metrics()
      const rate = Math.round((delivered / Math.max(1, io.ports.clock.monotonic() - started)) * 1000)
      io.progress(
        `${delivered} records delivered in ${kinesisRecords} Kinesis records, ${bufferedRecords} buffered${failed > 0 ? `, ${failed} failed` : ''}, ${rate} records/s`,
      )
    }
    let bytes = 0
    let lines = 0
    let records = 0
    let hopeless: string | undefined
    const take = async () => {
      // No waiting for a full batch: whoever pipes a log in wants its lines to arrive.
      for await (const batch of lineBatches(untilAborted(io), 1)) {
        if (batch.fault) {
          faults.line(++lines, batch.offset, batch.fault)
          continue
        }
        // A signal cuts the input anywhere: the line that it cut is not a bad one, it was not read.
        const whole = io.signal.aborted ? batch.bytes.subarray(0, batch.bytes.lastIndexOf(10) + 1) : batch.bytes
        if (whole.length === 0) continue
        const receipt = await producer.putNdjson(whole, fields)
        const base = { lines, records, offset: batch.offset }
        void receipt.outcomes.then((outcomes) => {
          faults.tell(outcomes, base)
          hopeless ??= hopelessCode(outcomes, producer.metrics())
          show()
        })
        bytes += whole.length
        lines += countLines(whole)
        records += receipt.count
        show()
        if (hopeless) return
      }
    }
    // What was accepted is delivered, whatever happens to the input.
    const broken = await take().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    if (io.signal.aborted) io.log(`millrace produce: interrupted after line ${lines}; delivering up to there`)
    await producer.close()
    target.client.destroy?.()
    io.progress('')
    faults.end()
    if (hopeless) io.log(`millrace produce: stopped, nothing could be delivered (${hopeless})`)
    const summary = { ...producer.metrics(), bytes, milliseconds: Math.round(io.ports.clock.monotonic() - started) }
    if (values.json) await io.write(`${JSON.stringify(summary)}\n`)
    else io.log(describe(summary))
    if (broken) throw broken.error
    return summary.failed > 0 || faults.told() > 0 || io.signal.aborted ? 1 : 0
  },
}

function createFaults(io: Io) {
  let told = 0
  return {
    tell(outcomes: BatchOutcomes, base: { lines: number; records: number; offset: number }) {
      for (const { record, code, message, position } of outcomes.failures()) {
        if (told++ >= SHOWN) continue
        const at = position
          ? `line ${base.lines + (position.record as number) + 1}, byte ${base.offset + (position.offset as number)}`
          : `record ${base.records + record + 1}`
        io.log(`millrace produce: ${at}: ${position ? message : `${code}: ${message}`}`)
      }
    },
    line(line: number, offset: number, message: string) {
      if (told++ < SHOWN) io.log(`millrace produce: line ${line}, byte ${offset}: ${message}`)
    },
    told: () => told,
    end() {
      if (told > SHOWN) io.log(`millrace produce: and ${told - SHOWN} more`)
    },
  }
}

/** The service's code where a whole batch has failed and nothing was ever delivered: no stream, no permission. */
function hopelessCode(outcomes: BatchOutcomes, { delivered }: ProducerMetrics): string | undefined {
  if (delivered > 0 || outcomes.failed < outcomes.count) return undefined
  for (const { position, code } of outcomes.failures()) if (!position) return code
  return undefined
}

function countLines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++
  return count
}

function describe(summary: ProducerMetrics & { bytes: number; milliseconds: number }): string {
  const { delivered, failed, uncertain, kinesisRecords, payloadUnits, userPayloadUnits, bytes, milliseconds } = summary
  const megabytes = bytes / 1e6
  const parts = [
    `${delivered} records delivered (${megabytes.toFixed(2)} MB read, ${(milliseconds / 1000).toFixed(1)} s, ${((megabytes * 1000) / Math.max(1, milliseconds)).toFixed(1)} MB/s)`,
    `${kinesisRecords} Kinesis records, ${payloadUnits} PUT payload units in place of ${userPayloadUnits}`,
    ...(uncertain > 0 ? [`${uncertain} perhaps twice in the stream: an answer was lost`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ]
  return `millrace produce: ${parts.join('; ')}`
}

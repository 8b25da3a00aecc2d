// millrace produce: NDJSON into a Kinesis stream, aggregated by shard.
import { openDeadLetterFile } from '../kinesis/dead-letter-file.js'
import type { ProducerMetrics } from '../kinesis/pipeline-face.js'
import { createProducer } from '../kinesis/producer.js'
import type { BatchOutcomes } from '../kinesis/receipt.js'
import { fileSpool } from '../kinesis/spool/spool.js'
import { type Command, type Io, oneOf, UsageError, wholeOption } from './command.js'
import { createDryRun, describePlan } from './dry-run.js'
import { duration } from './figures.js'
import { untilAborted } from './input.js'
import { lineBatches } from './lines.js'
import { openStream, streamHelp, streamOptions } from './stream.js'

/** Faults that are told one by one; the rest is counted. */
const SHOWN = 20

export const command: Command = {
  summary: 'NDJSON records into a Kinesis stream, aggregated by shard as the KPL does',
  help: `Usage: millrace produce --stream S --key FIELD [--endpoint URL] [options] < RECORDS

Reads one JSON object a line and puts each line as a user record under the value of FIELD (text, a
number or a boolean; /user/id for a field within one). Records of one shard share Kinesis records in
the format of the Kinesis Producer Library. Throttled records are sent again; a summary goes to stderr.

${streamHelp}
  --key FIELD      field with the partition key
  --hash-key FIELD field with the explicit hash key, a decimal number as text
  --max-size B     bytes of an aggregate (default 51200)
  --no-aggregate   one Kinesis record for each line
  --ordering HOW   none (default), shard, or key: records of one key are stored in
                   the order of their lines, whatever fails or reshards
  --rate-limit P   percent of each shard's limits to use (default 100)
  --record-ttl S   seconds after which a record is given up (default 300)
  --dead-letter F  file that what is given up is appended to, with every attempt
  --spool DIR      keep what is read on the disk until it is stored: a run that is
                   killed leaves it there, and the next one sends it first
  --stable-ids     ids in the aggregates, for millrace consume --deduplicate
  --dry-run        send nothing; print how records would be packed and what it costs
  --shards N       of the dry run, evenly split (default 1)
  --json           the summary, or the plan, as JSON on stdout

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
    ordering: { type: 'string' },
    'rate-limit': { type: 'string' },
    'record-ttl': { type: 'string' },
    'dead-letter': { type: 'string' },
    spool: { type: 'string' },
    'stable-ids': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    shards: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const { key, 'hash-key': hashKey } = values
    if (typeof key !== 'string' || key === '') throw new UsageError('expected --key FIELD')
    const fields = { partitionKey: key, ...(typeof hashKey === 'string' ? { explicitHashKey: hashKey } : {}) }
    const aggregationMaxSize = wholeOption(values, 'max-size', 64)
    const seconds = wholeOption(values, 'record-ttl', 1)
    const ordering = oneOf(values, 'ordering', ['none', 'shard', 'key'])
    const rateLimit = wholeOption(values, 'rate-limit', 1)
    const shards = wholeOption(values, 'shards', 1, 32_767)
    const dry = values['dry-run'] ? createDryRun(shards ?? 1) : undefined
    if (shards !== undefined && !dry) throw new UsageError('--shards expected --dry-run beside it: a stream knows its own shards')
    const target = dry ? { streamName: 'dry-run', client: dry.client, commands: dry.commands } : await openStream(values)
    const { 'dead-letter': letterPath, spool } = values
    const letters = typeof letterPath === 'string' && !dry ? await openDeadLetterFile(io.ports.storage, letterPath) : undefined
    const producer = createProducer({
      ...target,
      ports: io.ports,
      aggregation: !values['no-aggregate'],
      aggregationMaxSize,
      ordering,
      rateLimit: dry ? Number.POSITIVE_INFINITY : rateLimit,
      recordTtl: seconds === undefined ? undefined : seconds * 1000,
      // A position within one piece of the input would only mislead.
      deadLetter: letters && ((more) => letters.take(more.map(({ position: _, ...letter }) => letter))),
      spool: typeof spool === 'string' && !dry ? fileSpool(io.ports, spool) : undefined,
      stableIds: values['stable-ids'] === true,
    })
    const faults = createFaults(io)
    const started = io.ports.clock.monotonic()
    const show = () => {
      const metrics = producer.metrics()
      const ms = Math.max(1, io.ports.clock.monotonic() - started)
      const parts = [
        `${metrics.delivered} records delivered in ${metrics.kinesisRecords} Kinesis records`,
        `${Math.round((metrics.delivered / ms) * 1000)} records/s`,
        `${(metrics.kinesisBytes / ms / 1000).toFixed(1)} MB/s`,
        `${metrics.userPayloadUnits - metrics.payloadUnits} payload units saved`,
        ...(metrics.throttled > 0 ? [`${metrics.throttled} throttled`] : []),
        ...(metrics.failed > 0 ? [`${metrics.failed} failed`] : []),
        `${metrics.bufferedRecords} buffered${metrics.oldest >= 1000 ? `, the oldest for ${duration(metrics.oldest / 1000)}` : ''}`,
      ]
      io.progress(parts.join(', '))
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
        dry?.note(whole)
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
    await letters?.close()
    target.client.destroy?.()
    io.progress('')
    faults.end()
    if (hopeless) io.log(`millrace produce: stopped, nothing could be delivered (${hopeless})`)
    const summary = { ...producer.metrics(), bytes, milliseconds: Math.round(io.ports.clock.monotonic() - started) }
    const plan = dry?.plan(summary)
    if (values.json) await io.write(`${JSON.stringify(plan ?? summary)}\n`)
    else if (plan) for (const line of describePlan(plan)) io.log(`millrace produce: ${line}`)
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
          ? `line ${base.lines + (position.line as number)}, byte ${base.offset + (position.offset as number)}`
          : `record ${base.records + record + 1}`
        io.log(`millrace produce: ${at}: ${position ? masked(message) : `${code}: ${masked(message)}`}`)
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

/** Without what the service, or we, quote of a key: what is told here ends in logs. */
function masked(message: string): string {
  return message.replace(/\bgot "(?:[^"\\]|\\.)*"/g, 'got other text').replace(/\bvalue '[^']*'/gi, "value '...'")
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
  const { delivered, failed, deadLettered, uncertain, retried, throttled, kinesisRecords, payloadUnits, userPayloadUnits, bytes, milliseconds } = summary
  const megabytes = bytes / 1e6
  const parts = [
    `${delivered} records delivered (${megabytes.toFixed(2)} MB read, ${(milliseconds / 1000).toFixed(1)} s, ${((megabytes * 1000) / Math.max(1, milliseconds)).toFixed(1)} MB/s)`,
    `${kinesisRecords} Kinesis records, ${payloadUnits} PUT payload units in place of ${userPayloadUnits}`,
    ...(retried > 0 ? [`${retried} sent again, ${throttled} throttled`] : []),
    ...(uncertain > 0 ? [`${uncertain} perhaps twice in the stream: an answer was lost`] : []),
    ...(failed > 0 ? [`${failed} failed${deadLettered > 0 ? `, ${deadLettered} of them dead letters` : ''}`] : []),
  ]
  return `millrace produce: ${parts.join('; ')}`
}

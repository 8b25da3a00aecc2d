// millrace produce: NDJSON into a Kinesis stream, aggregated by shard.
import type { DeadLetterSink } from '../kinesis/dead-letter.js'
import { openDeadLetterFile } from '../kinesis/dead-letter-file.js'
import { emfSink } from '../kinesis/emf.js'
import type { ProducerMetrics } from '../kinesis/producer/pipeline-face.js'
import { createProducer } from '../kinesis/producer/producer.js'
import type { BatchOutcomes } from '../kinesis/producer/receipt.js'
import type { RecordFault } from '../kinesis/producer/record.js'
import { fileSpool } from '../kinesis/producer/spool/spool.js'
import type { OpenSpool } from '../kinesis/producer/spool-port.js'
import type { AwsClient } from '../ports/aws.js'
import { faultOf, isOfOneRecord } from '../ports/faults.js'
import { type Command, type Io, oneOf, textOption, UsageError, type Values, wholeOption } from './command.js'
import { createDryRun, describePlan, lineSizes } from './dry-run.js'
import { explain } from './explain.js'
import { untilAborted } from './input.js'
import { lineBatches } from './lines.js'
import { parseLines } from './ndjson.js'
import { drawLive } from './produce-line.js'
import { createFaults, describe, masked } from './produce-report.js'
import { openStream, streamHelp, streamOptions } from './stream.js'
import { readUserRecord } from './user-record.js'

export const command: Command = {
  summary: 'NDJSON records into a Kinesis stream, aggregated by shard as the KPL does',
  help: `Usage: millrace produce --stream S (--key FIELD | --records) [--endpoint URL] [options] < RECORDS

Reads one JSON object a line and puts each line as a user record under the value of FIELD (text, a
number or a boolean; /user/id for a field within one). Records of one shard share Kinesis records in
the format of the Kinesis Producer Library. Throttled records are sent again; a summary goes to stderr.

${streamHelp}
  --key FIELD      field with the partition key
  --hash-key FIELD field with the explicit hash key, a decimal number as text
  --records        in place of --key: a line is {"partitionKey","explicitHashKey"?,"data": base64},
                   as --dead-letter, consume and deaggregate write it, and its data the record
  --max-size B     bytes of an aggregate (default 51200)
  --max-record-size B
                   bytes of a record with its key, up to 10485760 where the stream has
                   opted in (default 1048576)
  --no-aggregate   one Kinesis record for each line
  --ordering HOW   none (default), shard, or key: records of one key are stored in
                   the order of their lines, whatever fails or reshards
  --rate-limit P   percent of each shard's limits to use (default 100)
  --record-ttl S   seconds after which a record is given up (default 300; with
                   --spool none: it stays there until it is stored)
  --dead-letter F  file that what is given up is appended to, a line of JSON for each
                   record, with every attempt; to put it again, rename the file and give it
                   to --records
  --spool DIR      keep what is read on the disk until it is stored: a run that is
                   killed leaves it there, and the next one sends it first; a file
                   that cannot be read is kept as NAME.damaged, and the exit code is 1
  --stable-ids     ids in the aggregates, for millrace consume --deduplicate
  --dry-run        send nothing; print how records would be packed and what it costs
  --shards N       of the dry run, evenly split (default 1)
  --emf            metrics on stdout each minute and at the end, as lines in
                   CloudWatch's embedded metric format
  --json           the summary, or the plan, as JSON on stdout

A line that is no record, or that is not delivered, is reported on stderr; the exit code is then 1.
SIGINT and SIGTERM end the input: what was read is delivered, the summary told, and the exit code is
130 or 143. A second one, half a second later or more, leaves at once. On a terminal a live line shows the
rates of the last second, PUT payload units saved, throttled records and the age of the oldest one that waits.
Needs the packages @aws-sdk/client-kinesis and @smithy/node-http-handler.

Example: millrace produce --stream flights --endpoint http://localhost:4567 --key origin < flights.ndjson
`,
  options: {
    ...streamOptions,
    key: { type: 'string' },
    'hash-key': { type: 'string' },
    records: { type: 'boolean' },
    'max-size': { type: 'string' },
    'max-record-size': { type: 'string' },
    'no-aggregate': { type: 'boolean' },
    ordering: { type: 'string' },
    'rate-limit': { type: 'string' },
    'record-ttl': { type: 'string' },
    'dead-letter': { type: 'string' },
    spool: { type: 'string' },
    'stable-ids': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    shards: { type: 'string' },
    emf: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  flags: { aggregationMaxSize: 'max-size', maxRecordSize: 'max-record-size' },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const { fields, options, shards, letterPath, spoolPath } = optionsOf(values)
    const dry = values['dry-run'] ? createDryRun(shards ?? 1) : undefined
    if (shards !== undefined && !dry) throw new UsageError('--shards expected --dry-run beside it: a stream knows its own shards')
    const target = dry ? { streamName: 'dry-run', client: dry.client, commands: dry.commands } : await openStream(values)
    const letters = letterPath === undefined || dry ? undefined : await openDeadLetterFile(io.ports.storage, letterPath)
    const spool =
      spoolPath === undefined || dry ? undefined : once(fileSpool(io.ports, spoolPath, { onDamage: ({ message }) => io.log(`millrace produce: ${message}`) }))
    const metrics = values.emf && !dry ? emfSink({ write: (line) => void io.write(`${line}\n`).catch(() => {}), clock: io.ports.clock }) : undefined
    const producer = createProducer({
      ...target,
      ...options,
      client: telling(io, target.client),
      ports: io.ports,
      ...(dry ? { rateLimit: Number.POSITIVE_INFINITY } : {}),
      deadLetter: letters && lettersTo(io, letters.take),
      spool,
      metrics,
    })
    // The spool keeps what is not stored by then, and an outage may outlast whoever waits for the end.
    if (spool) io.signal.addEventListener('abort', () => void producer.close({ signal: io.signal }).catch(() => {}), { once: true })
    // A directory that will not do is told before the first line is read, which may come late.
    await spool?.()
    const faults = createFaults(io)
    const started = io.ports.clock.monotonic()
    const endLive = drawLive(io, producer.metrics)
    let bytes = 0
    let lines = 0
    let records = 0
    let hopeless: string | undefined
    const put = async (text: Uint8Array, offset: number) => {
      if (fields) return { receipt: await producer.putNdjson(text, fields), sizes: dry && lineSizes(text), places: undefined }
      const read = parseLines(text, { line: lines, offset }, readUserRecord, faults.line).lines
      const users = read.map(({ value }) => value)
      return { receipt: await producer.putBatch(users), sizes: dry && users.map(({ data }) => data.length), places: read.map(({ line }) => line) }
    }
    const take = async () => {
      // No waiting for a full batch: whoever pipes a log in wants its lines to arrive.
      for await (const batch of lineBatches(untilAborted(io), 1)) {
        if (batch.fault) {
          faults.line(++lines, batch.offset, batch.fault)
          continue
        }
        // A signal cuts the input anywhere: the line that it cut is not a bad one, it was not read.
        const whole = io.signal.aborted ? batch.bytes.subarray(0, batch.bytes.lastIndexOf(10) + 1) : batch.bytes
        if (whole.length === 0 || (spool && io.signal.aborted)) continue
        const base = { lines, records, offset: batch.offset }
        const { receipt, sizes, places } = await put(whole, batch.offset)
        void receipt.outcomes.then((outcomes) => {
          if (sizes) dry?.note(sizes, outcomes)
          faults.tell(outcomes, { ...base, places })
          hopeless ??= hopelessCode(outcomes, producer.metrics())
        })
        bytes += whole.length
        lines += countLines(whole)
        records += receipt.count
        if (hopeless) return
      }
    }
    // Whatever fails, what was accepted is delivered and the summary told.
    let broken: { error: unknown } | undefined
    const attempt = async (work: Promise<unknown> | undefined) => {
      try {
        await work
      } catch (error) {
        broken ??= { error }
      }
    }
    // What an earlier run has left in the spool does not wait for the first line.
    if (spool) void producer.flush().catch(() => {})
    await attempt(take())
    if (io.signal.aborted)
      io.log(
        `millrace produce: interrupted after line ${lines}; ${spool ? 'what is not stored by now stays in the spool' : 'delivering up to there, a second signal leaves at once'}`,
      )
    await attempt(producer.close())
    await attempt(letters?.close())
    metrics?.flush()
    target.client.destroy?.()
    endLive()
    faults.end()
    if (hopeless) io.log(`millrace produce: stopped, nothing could be delivered (${hopeless})`)
    const summary = { ...producer.metrics(), bytes, milliseconds: Math.round(io.ports.clock.monotonic() - started) }
    const plan = dry?.plan(summary)
    if (values.json) await io.write(`${JSON.stringify(plan ?? summary)}\n`)
    else if (plan) for (const line of describePlan(plan)) io.log(`millrace produce: ${line}`)
    else io.log(describe(summary, letters && letterPath))
    if (broken) throw broken.error
    return summary.failed > 0 || summary.spoolDamaged > 0 || faults.told() > 0 || io.signal.aborted ? 1 : 0
  },
}

/** Everything but the stream. Throws UsageError. */
function optionsOf(values: Values) {
  const { key, records } = values
  const hashKey = textOption(values, 'hash-key', 'the name of a field')
  for (const name of ['key', 'hash-key'])
    if (records && values[name] !== undefined) throw new UsageError(`--${name} expected no --records beside it: its lines name their keys themselves`)
  if (!records && (typeof key !== 'string' || key === '')) throw new UsageError('expected --key FIELD or --records')
  const seconds = wholeOption(values, 'record-ttl', 1)
  const aggregation = !values['no-aggregate']
  for (const name of ['stable-ids', 'max-size']) {
    if (!aggregation && values[name] !== undefined) throw new UsageError(`--${name} expected aggregates, got --no-aggregate beside it`)
  }
  return {
    /** None: lines are records themselves. */
    fields: typeof key === 'string' ? { partitionKey: key, ...(hashKey === undefined ? {} : { explicitHashKey: hashKey }) } : undefined,
    options: {
      aggregation,
      aggregationMaxSize: wholeOption(values, 'max-size', 64),
      maxRecordSize: wholeOption(values, 'max-record-size', 64),
      ordering: oneOf(values, 'ordering', ['none', 'shard', 'key']),
      rateLimit: wholeOption(values, 'rate-limit', 1),
      recordTtl: seconds === undefined ? undefined : seconds * 1000,
      stableIds: values['stable-ids'] === true,
    },
    shards: wholeOption(values, 'shards', 1, 32_767),
    letterPath: textOption(values, 'dead-letter', 'the path of a file'),
    spoolPath: textOption(values, 'spool', 'the path of a directory'),
  }
}

/** The same spool for whoever asks: the command, to see that it opens, and its producer. */
function once(open: OpenSpool): OpenSpool {
  let opened: ReturnType<OpenSpool> | undefined
  return () => {
    opened ??= open()
    return opened
  }
}

/** `client`, telling once of each kind of failure that is tried again: that may go on for minutes, and look like nothing. */
function telling(io: Io, client: AwsClient): AwsClient {
  const told = new Set<string>()
  // What else it has stays: the producer looks whether it is configured.
  return Object.create(client, {
    send: {
      value: async (...[command, options]: Parameters<AwsClient['send']>) => {
        try {
          return await client.send(command, options)
        } catch (error) {
          // Of a request that took too long, the signal knows why.
          const { kind, code, message } = faultOf(options?.abortSignal?.reason ?? error)
          if (kind !== 'permanent' && !told.has(code)) io.log(`millrace produce: a request has failed and is sent again: ${code}: ${masked(message)}`)
          told.add(code)
          throw error
        }
      },
    },
  })
}

/** `take`, telling once of each reason for which letters cannot be written. */
function lettersTo(io: Io, take: DeadLetterSink): DeadLetterSink {
  const told = new Set<string>()
  return async (letters) => {
    try {
      // A position within one piece of the input would only mislead.
      await take(letters.map(({ position: _, ...letter }) => letter))
    } catch (error) {
      const reason = explain(error)
      if (!told.has(reason)) io.log(`millrace produce: dead letters cannot be written: ${reason}`)
      told.add(reason)
      throw error
    }
  }
}

/** What says nothing of the stream. */
const OWN_CODES: ReadonlySet<string> = new Set<RecordFault['code'] | 'SPOOLED'>([
  'BAD_PARTITION_KEY',
  'BAD_HASH_KEY',
  'RECORD_TOO_LARGE',
  'BAD_JSON',
  'SPOOLED',
])

/** The service's code where a whole batch has failed and nothing was ever delivered: no stream, no permission. */
function hopelessCode(outcomes: BatchOutcomes, { delivered }: ProducerMetrics): string | undefined {
  if (delivered > 0 || outcomes.failed < outcomes.count) return undefined
  for (const { code } of outcomes.failures()) if (!OWN_CODES.has(code) && !isOfOneRecord(code)) return code
  return undefined
}

function countLines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++
  return count
}

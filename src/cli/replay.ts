// millrace replay: Firehose's error objects back to the records.

import { concat } from '../bytes.js'
import { toBase64 } from '../engine/base64.js'
import { MillraceError } from '../errors.js'
import type { ErrorRecord } from '../firehose/errors/error-object.js'
import { replayErrors } from '../firehose/errors/replay.js'
import { createFirehosePut, type FirehosePut } from '../firehose/put.js'
import { type Command, type Io, textOption, UsageError } from './command.js'
import { count } from './figures.js'
import { inputName, readInputs } from './input.js'
import { clientConfig } from './stream.js'

/** Bytes and records that are put together: some requests at once. */
const GROUP = { bytes: 8 << 20, records: 2_000 }

export const command: Command = {
  summary: "Firehose's error objects back to the original records, or into a stream again",
  help: `Usage: millrace replay FILE... [--code CODE]... [--json | --raw] [--delivery-stream NAME]

Reads what Firehose wrote under its error prefix (processing-failed, format-conversion-failed,
splunk-failed ...), in every form that it has had since 2019, and writes the original records
in order, a line feed behind each that has none. "-" is standard input; .gz is unpacked.
What OpenSearch, Splunk or an HTTP endpoint did not take stands there as it was to be delivered: behind
the Lambda, where the stream has one.

  --code CODE      records with this error code only; may be repeated
  --json           a line for each record: {"data": base64,"code","message","attempts",
                   "arrival","attemptEnd"}, times in ISO 8601; for records that are no text
  --raw            the records one behind the other, without the line feeds
  --delivery-stream NAME
                   put them into this delivery stream; what it does not take is written
                   to standard output, and the exit code is 1
  --endpoint URL   of the service, for a local server
  --region R       where the environment does not say

A file that is no error object, or ends inside one, is told on stderr with record and byte; what came
before it is written, the other files are read, and the exit code is 1.
--delivery-stream needs the package @aws-sdk/client-firehose. Into a Kinesis stream: pipe the lines
into millrace produce.

Example: aws s3 cp s3://bucket/errors/processing-failed/2026/11/27/09/x - | millrace replay - > records.ndjson
`,
  options: {
    code: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    raw: { type: 'boolean' },
    'delivery-stream': { type: 'string' },
    endpoint: { type: 'string' },
    region: { type: 'string' },
  },
  async run(values, positionals, io) {
    if (positionals.length === 0) throw new UsageError('expected a FILE at least ("-" is standard input)')
    if (values.json && values.raw) throw new UsageError('expected either --json or --raw')
    const name = textOption(values, 'delivery-stream', 'the name of a delivery stream')
    if (name === undefined && (values.endpoint !== undefined || values.region !== undefined)) {
      throw new UsageError('expected --delivery-stream beside --endpoint or --region')
    }
    const codes = values.code as string[] | undefined
    const write = values.json ? jsonLine : values.raw ? (record: ErrorRecord) => record.data : line
    const put = name === undefined ? undefined : createFirehosePut({ deliveryStreamName: name, clientConfig: clientConfig(values), ports: io.ports })
    const tally = new Map<string, number>()
    let group: ErrorRecord[] = []
    let bytes = 0
    let written = 0
    let read = 0
    const flush = async () => {
      const left = put ? await putAll(put, group, io) : group
      if (left.length > 0) await io.write(concat(left.map(write)))
      written += left.length
      group = []
      bytes = 0
    }
    let broken = false
    try {
      for (const file of positionals) {
        try {
          for await (const record of replayErrors(piecesOf(io, file), { source: inputName(file) })) {
            io.signal.throwIfAborted()
            read++
            const code = record.code ?? 'no error code'
            if (codes && !codes.includes(code)) continue
            tally.set(code, (tally.get(code) ?? 0) + 1)
            group.push(record)
            bytes += record.data.length
            if (bytes >= GROUP.bytes || group.length >= GROUP.records) {
              await flush()
              io.progress(`${read} records`)
            }
          }
        } catch (error) {
          if (!(error instanceof MillraceError) || (error.code !== 'BAD_INPUT' && error.code !== 'IO')) throw error
          broken = true
          io.log(`millrace replay: ${error.message}`)
        }
      }
      await flush()
    } finally {
      put?.close()
    }
    io.progress('')
    for (const [code, records] of [...tally].sort(([, a], [, b]) => b - a)) io.log(`millrace replay: ${String(records).padStart(8)}  ${code}`)
    const taken = [...tally.values()].reduce((sum, records) => sum + records, 0)
    const where = name === undefined ? '' : `, ${taken - written} put into ${name}`
    io.log(`millrace replay: ${count(read, 'record')} read${taken < read ? `, ${taken} of them asked for` : ''}${where}, ${written} written`)
    return broken || (put && written > 0) ? 1 : 0
  },
}

async function* piecesOf(io: Io, file: string): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of readInputs(io, [file])) yield bytes
}

/** Puts all, and gives those that were not taken. */
async function putAll(put: FirehosePut, records: readonly ErrorRecord[], io: Io): Promise<ErrorRecord[]> {
  const outcomes = await put.put(
    records.map(({ data }) => data),
    { signal: io.signal },
  )
  const reasons = new Map<string, number>()
  const left = records.filter((_, i) => {
    const outcome = outcomes[i]
    if (outcome.status === 'delivered') return false
    const reason = `${outcome.code}: ${outcome.message}`
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    return true
  })
  for (const [reason, records] of reasons) io.log(`millrace replay: ${count(records, 'record')} not put: ${reason}`)
  return left
}

const FEED = Uint8Array.of(10)

function line({ data }: ErrorRecord): Uint8Array {
  return data.at(-1) === 10 ? data : concat([data, FEED])
}

const encoder = new TextEncoder()
const iso = (time: number | undefined) => (time === undefined || Math.abs(time) > 8.64e15 ? undefined : new Date(time).toISOString())

function jsonLine({ data, code, message, attempts, arrival, attemptEnd, lambdaArn, sequenceNumber, subSequenceNumber }: ErrorRecord): Uint8Array {
  const fields = { code, message, attempts, arrival: iso(arrival), attemptEnd: iso(attemptEnd), lambdaArn, sequenceNumber, subSequenceNumber }
  return encoder.encode(`${JSON.stringify({ data: toBase64(data), ...fields })}\n`)
}

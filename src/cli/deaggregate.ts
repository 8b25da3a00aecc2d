// millrace deaggregate: Kinesis records in, user records out.
import { toBase64 } from '../engine/base64.js'
import { kindOf, MillraceError } from '../errors.js'
import { type DeaggregateMode, type HashKeyRange, isMode } from '../kinesis/aggregates/deaggregate.js'
import type { KinesisRecord, SplitRecord } from '../kinesis/aggregates/kinesis-record.js'
import { type DeaggregatedRecord, openRecords } from '../kinesis/aggregates/user-records.js'
import { formatHashKey, parseHashKey } from '../kinesis/shards/hash-key.js'
import { type Command, UsageError } from './command.js'
import { dataField, Faults, jsonLines, knownFields, type Line, textField } from './ndjson.js'

/** What a record may have; of those after SequenceNumber nothing is read (GetRecords, `millrace aggregate`). */
const FIELDS = new Set(['PartitionKey', 'ExplicitHashKey', 'Data', 'SequenceNumber', 'ApproximateArrivalTimestamp', 'EncryptionType', 'shard', 'userRecords'])

/** What a line of our own output may have: its record is split already, and comes out again as it is. */
const SPLIT_FIELDS = new Set(['partitionKey', 'explicitHashKey', 'data', 'sequenceNumber', 'subSequenceNumber', 'aggregated', 'reason', 'shardId'])

export const command: Command = {
  summary: 'Kinesis records, KPL-aggregated or not, to user records',
  help: `Usage: millrace deaggregate [--range START-END] [--mode keep|kcl|strict] < RECORDS

Reads one Kinesis record a line, {"PartitionKey"?,"ExplicitHashKey"?,"Data": base64,
"SequenceNumber"?}, and writes its user records, in order:
  {"partitionKey","explicitHashKey"?,"data": base64,"sequenceNumber"?,
   "subSequenceNumber": place in the aggregate,"aggregated": true or false,"reason"?}
A record that is no aggregate comes out as it is, aggregated false; so does a user record,
a line of this command's own output.

  --range START-END  hash key range of the shard, decimal, both ends included: user records
                     of aggregates outside it get the reason OUT_OF_RANGE
  --mode keep        (default) everything comes out; what is wrong has a reason
  --mode kcl         what the Kinesis Client Library delivers: it drops aggregates with a
                     user record out of range, and what follows an undecodable one; each
                     is told on stderr with its line, the first 20 one by one
  --mode strict      the first Kinesis record with a reason ends the run with exit code 1;
                     the user records before it are written, none of its own

A line that is no record is reported on stderr and left out; the exit code is then 1.

Example: millrace aggregate --shards 4 < records.ndjson | millrace deaggregate
`,
  options: { range: { type: 'string' }, mode: { type: 'string' } },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const { mode = 'keep' } = values
    if (!isMode(mode)) throw new UsageError(`--mode expected keep, kcl or strict, got ${JSON.stringify(mode)}`)
    const range = values.range === undefined ? undefined : readRange(String(values.range))
    const faults = new Faults(io, 'deaggregate')
    const drops = new Faults(io, 'deaggregate')
    const reasons = new Map<string, number>()
    let seen = 0
    for await (const batch of jsonLines(io, faults, readRecord)) {
      seen = batch.seen
      const { records, reasons: found, fault } = openLines(batch.lines, range, mode, drops)
      for (const reason of found) if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      let lines = ''
      for (const { data, ...rest } of records) {
        const { partitionKey, explicitHashKey, sequenceNumber, subSequenceNumber, aggregated, reason } = rest
        lines += `${JSON.stringify({ partitionKey, explicitHashKey, data: toBase64(data), sequenceNumber, subSequenceNumber, aggregated, reason })}\n`
        if (lines.length > 1 << 20) {
          await io.write(lines)
          lines = ''
        }
      }
      if (lines !== '') await io.write(lines)
      if (fault) {
        io.log(`millrace deaggregate: ${fault}`)
        return 1
      }
    }
    for (const [reason, count] of reasons) io.log(`millrace deaggregate: ${reason} in ${count} Kinesis ${count === 1 ? 'record' : 'records'}`)
    return faults.end(seen)
  },
}

interface Opened {
  records: DeaggregatedRecord[]
  reasons: (string | undefined)[]
  /** Mode strict: what ends the run behind these records. */
  fault?: string
}

function openLines(lines: readonly Line<KinesisRecord | SplitRecord>[], range: HashKeyRange | undefined, mode: DeaggregateMode, drops: Faults): Opened {
  const values = lines.map(({ value }) => value)
  const options = { range, mode }
  try {
    return openRecords(values, {
      ...options,
      onDropped({ record, reason, delivered }) {
        const { line, offset } = lines[record]
        drops.tell(line, offset, `${reason}: dropped as the KCL drops it, ${delivered} of its user records written`)
      },
    })
  } catch (error) {
    const record = error instanceof MillraceError ? error.position?.record : undefined
    if (record === undefined) throw error
    const { line, offset } = lines[record]
    const message = (error as MillraceError).message.replace(/^record \d+, /, '')
    return { ...openRecords(values.slice(0, record), options), fault: `line ${line}, byte ${offset}: "Data": ${message}` }
  }
}

function readRecord(object: Record<string, unknown>): KinesisRecord | SplitRecord {
  if (Object.hasOwn(object, 'subSequenceNumber')) return readSplit(object)
  knownFields(object, FIELDS)
  const PartitionKey = textField(object, 'PartitionKey', true)
  const ExplicitHashKey = textField(object, 'ExplicitHashKey', true)
  const SequenceNumber = textField(object, 'SequenceNumber', true)
  return { Data: dataField(object, 'Data'), PartitionKey, ExplicitHashKey, SequenceNumber }
}

function readSplit(object: Record<string, unknown>): SplitRecord {
  knownFields(object, SPLIT_FIELDS)
  const { subSequenceNumber, aggregated } = object
  if (!Number.isInteger(subSequenceNumber)) throw new Error(`"subSequenceNumber" expected a whole number, got ${kindOf(subSequenceNumber)}`)
  return {
    partitionKey: textField(object, 'partitionKey', true),
    explicitHashKey: textField(object, 'explicitHashKey', true),
    sequenceNumber: textField(object, 'sequenceNumber', true),
    data: dataField(object, 'data'),
    subSequenceNumber: subSequenceNumber as number,
    aggregated: aggregated === true,
    reason: textField(object, 'reason', true) as SplitRecord['reason'],
  }
}

function readRange(text: string): HashKeyRange {
  const [, first, last] = /^([0-9]+)-([0-9]+)$/.exec(text) ?? []
  if (first === undefined) throw new UsageError(`--range expected START-END, two decimal hash keys, got ${JSON.stringify(text)}`)
  try {
    const [StartingHashKey, EndingHashKey] = [parseHashKey(first, '--range START'), parseHashKey(last, '--range END')]
    if (StartingHashKey <= EndingHashKey) return { StartingHashKey, EndingHashKey }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  throw new UsageError(`--range expected an END of at least ${formatHashKey(parseHashKey(first))}, got ${last}`)
}

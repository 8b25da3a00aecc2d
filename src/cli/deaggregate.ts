// millrace deaggregate: Kinesis records in, user records out.
import { fromBase64, toBase64 } from '../engine/base64.js'
import type { HashKeyRange } from '../kinesis/deaggregate.js'
import { formatHashKey, parseHashKey } from '../kinesis/hash-key.js'
import { type KinesisRecord, openRecords } from '../kinesis/user-records.js'
import { type Command, UsageError } from './command.js'
import { Faults, jsonLines, knownFields, textField } from './ndjson.js'

/** What a record may have; of those after SequenceNumber nothing is read (GetRecords, `millrace aggregate`). */
const FIELDS = new Set(['PartitionKey', 'ExplicitHashKey', 'Data', 'SequenceNumber', 'ApproximateArrivalTimestamp', 'EncryptionType', 'shard', 'userRecords'])

export const command: Command = {
  summary: 'Kinesis records, KPL-aggregated or not, to user records',
  help: `Usage: millrace deaggregate [--range START-END] [--mode keep|kcl] < RECORDS

Reads one Kinesis record a line, {"PartitionKey"?,"ExplicitHashKey"?,"Data": base64,
"SequenceNumber"?}, and writes its user records, in order:
  {"partitionKey","explicitHashKey"?,"data": base64,"sequenceNumber"?,
   "subSequenceNumber": place in the aggregate,"aggregated": true or false,"reason"?}
A record that is no aggregate comes out as it is, aggregated false.

  --range START-END  hash key range of the shard, decimal, both ends included: user records
                     of aggregates outside it get the reason OUT_OF_RANGE
  --mode keep        (default) everything comes out; what is wrong has a reason
  --mode kcl         what the Kinesis Client Library delivers: it drops aggregates with a
                     user record out of range, and what follows an undecodable one; the
                     number of Kinesis records that lost something is told on stderr

A line that is no record is reported on stderr and left out; the exit code is then 1.

Example: millrace aggregate --shards 4 < records.ndjson | millrace deaggregate
`,
  options: { range: { type: 'string' }, mode: { type: 'string' } },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const { mode = 'keep' } = values
    if (mode !== 'keep' && mode !== 'kcl') throw new UsageError(`--mode expected keep or kcl, got ${JSON.stringify(mode)}`)
    const range = values.range === undefined ? undefined : readRange(String(values.range))
    const faults = new Faults(io, 'deaggregate')
    const reasons = new Map<string, number>()
    let seen = 0
    for await (const batch of jsonLines(io, faults, readRecord)) {
      seen = batch.seen
      const { records, reasons: found } = openRecords(
        batch.lines.map((l) => l.value),
        { range, mode },
      )
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
    }
    for (const [reason, count] of reasons) io.log(`millrace deaggregate: ${reason} in ${count} Kinesis ${count === 1 ? 'record' : 'records'}`)
    return faults.end(seen)
  },
}

function readRecord(object: Record<string, unknown>): KinesisRecord {
  knownFields(object, FIELDS)
  const PartitionKey = textField(object, 'PartitionKey', true)
  const ExplicitHashKey = textField(object, 'ExplicitHashKey', true)
  const SequenceNumber = textField(object, 'SequenceNumber', true)
  const text = textField(object, 'Data')
  try {
    return { Data: fromBase64(text, 'lenient'), PartitionKey, ExplicitHashKey, SequenceNumber }
  } catch (error) {
    throw new Error(`"Data": ${(error as Error).message}`)
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

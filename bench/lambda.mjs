// A Lambda event from Kinesis, as large as Lambda makes them: 6 MB of base64 in aggregates of 50 KB, to a handler
// that does nothing with its records. Powertools calls its function for each Kinesis record, which opens
// that with aws-kinesis-agg and calls the same handler for each user record, as its users do.
import { createRequire } from 'node:module'
import { same } from './frame.mjs'
import { inputs } from './kpl.mjs'

const require = createRequire(import.meta.url)
const RIVAL = 'Powertools batch + aws-kinesis-agg'
const ARN = 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights'

/** Bytes of aggregates whose base64 and frame are just below 6 MiB. */
const PAYLOAD = 4_600_000

function row(label, size) {
  return {
    row: `Lambda event, 6 MB of aggregates, ${label}`,
    unit: 'krec/s',
    rivals: [RIVAL],
    targets: { [RIVAL]: 3 },
    async prepare() {
      const { records, aggregates } = inputs({ size, count: Math.floor(PAYLOAD / (size + 48)), keys: 0 })
      const event = { Records: aggregates.map(recordOf) }
      const work = records.length / 1000
      const { createKinesisHandler } = await import('../dist/esm/kinesis/index.js')
      const { BatchProcessor, EventType, processPartialResponse } = require('@aws-lambda-powertools/batch')
      const { deaggregateSync } = require('aws-kinesis-agg')
      const lambda = { getRemainingTimeInMillis: () => 60_000 }
      const ours = (onRecord) => createKinesisHandler(onRecord)
      const theirs = (onRecord) => {
        const processor = new BatchProcessor(EventType.KinesisDataStreams)
        const each = async (record) =>
          deaggregateSync(record.kinesis, true, (error, users) => {
            if (error) throw error
            for (const user of users) onRecord(user)
          })
        return (event, context) => processPartialResponse(event, each, processor, { context, processInParallel: false })
      }
      const none = () => {}
      const [run, rival] = [ours(none), theirs(none)]
      return {
        ours: { work, async: true, run: () => run(event, lambda) },
        rivals: [{ name: RIVAL, work, async: true, run: () => rival(event, lambda) }],
        async check() {
          const wanted = records.map((record) => [record.partitionKey, Buffer.from(record.data).toString('base64')])
          const seen = []
          same('Lambda event, millrace', await ours((r) => seen.push([r.partitionKey, Buffer.from(r.data).toString('base64')]))(event, lambda), {
            batchItemFailures: [],
          })
          same('Lambda event, millrace', seen, wanted)
          seen.length = 0
          same(`Lambda event, ${RIVAL}`, await theirs((r) => seen.push([r.partitionKey, r.data]))(event, lambda), { batchItemFailures: [] })
          same(`Lambda event, ${RIVAL}`, seen, wanted)
        },
      }
    },
  }
}

function recordOf(data, i) {
  const sequenceNumber = `4954${String(i).padStart(52, '0')}`
  return {
    kinesis: { kinesisSchemaVersion: '1.0', partitionKey: 'a', sequenceNumber, data: data.toString('base64'), approximateArrivalTimestamp: 1_545_084_650.987 },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000006:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: 'arn:aws:iam::123456789012:role/lambda-role',
    awsRegion: 'eu-central-1',
    eventSourceARN: ARN,
  }
}

export const rows = [row('100 B', 100), row('1 KB', 1024)]

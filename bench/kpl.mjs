// What the aggregate and de-aggregate rows share: the inputs, and aws-kinesis-agg used for speed.
import { createRequire } from 'node:module'
import { aggregate } from './baseline-kpl.mjs'
import { pack, userRecords } from './data.mjs'

const require = createRequire(import.meta.url)

/** Bytes of the largest aggregate: the KPL's default. */
export const LIMIT = 51_200

/** Record size, number of records a call (a dozen aggregates: what a producer closes in one linger), distinct keys (0: every record its own). */
export const CASES = [
  { label: '100 B', size: 100, count: 4096, keys: 0 },
  { label: '100 B, 100 keys', size: 100, count: 5000, keys: 100 },
  { label: '1 KB', size: 1024, count: 560, keys: 0 },
]

export function inputs({ size, count, keys }) {
  const records = userRecords(count, size, keys)
  const aggregates = aggregate(records, LIMIT)
  return { records, batch: pack(records), aggregates, work: count / 1000 }
}

/**
 * Aggregates with aws-kinesis-agg. Its own limit is fixed at 1 MiB, so the bench tells it after how
 * many records to close one: no size check of its own is timed.
 */
export function awsAggregator(records, counts) {
  const { RecordAggregator } = require('aws-kinesis-agg')
  return () => {
    const out = []
    const aggregator = new RecordAggregator()
    let i = 0
    for (const count of counts) {
      for (const end = i + count; i < end; i++) aggregator.addUserRecord(records[i])
      out.push(aggregator.build().data)
    }
    return out
  }
}

/** De-aggregates with aws-kinesis-agg, its checksum checked or not. It takes and gives base64 strings: those are made beforehand. */
export function awsDeaggregator(aggregates, verify) {
  const { deaggregateSync } = require('aws-kinesis-agg')
  const records = aggregates.map((a, i) => ({ data: a.toString('base64'), sequenceNumber: String(i), partitionKey: 'a' }))
  return () => {
    const out = []
    for (const record of records) {
      deaggregateSync(record, verify, (error, list) => {
        if (error) throw error
        for (const user of list) out.push(user)
      })
    }
    return out
  }
}

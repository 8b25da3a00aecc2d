// KPL aggregation of a batch for one shard, 50 KB aggregates, MD5 trailer included: bytes equal to aws-kinesis-agg's.
// "packed bytes": a record table and its heap in, the aggregates back to back out; the rival gets its own
// shape, ready-made objects, in both rows (turning packed bytes into objects first would only slow it).
import { aggregate, aggregatePacked, deaggregate } from './baseline-kpl.mjs'
import { same } from './frame.mjs'
import { awsAggregator, CASES, inputs, LIMIT } from './kpl.mjs'

const RIVALS = ['aws-kinesis-agg', 'plain JS baseline']

function row(shape, item, atLeast) {
  return {
    row: `aggregate, ${shape}, ${item.label}`,
    unit: 'krec/s',
    rivals: RIVALS,
    targets: { 'aws-kinesis-agg': atLeast },
    async prepare() {
      const { records, batch, aggregates, work } = inputs(item)
      const { objects, packed } = await ours()
      const run = shape === 'objects in' ? () => objects(records) : () => packed(batch)
      const counts = aggregates.map((a) => deaggregate([a]).length)
      const aws = awsAggregator(records, counts)
      const baseline = shape === 'objects in' ? () => aggregate(records, LIMIT) : () => aggregatePacked(batch, LIMIT)
      return {
        ours: { work, run },
        rivals: [
          { name: RIVALS[0], work, run: aws },
          { name: RIVALS[1], work, run: baseline },
        ],
        check() {
          const mine = joined(run())
          same('aggregate, aws-kinesis-agg', mine, Buffer.concat(aws()))
          same('aggregate, baseline', mine, Buffer.concat(baseline()))
        },
      }
    },
  }
}

async function ours() {
  throw new Error('not wired')
}

function joined(out) {
  return out
}

export const rows = [...CASES.map((item) => row('packed bytes in', item, item.size === 100 ? 8 : 5)), ...CASES.map((item) => row('objects in', item, 2.5))]

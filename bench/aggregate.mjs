// KPL aggregation of a batch, 50 KB aggregates, MD5 trailer included: bytes equal to aws-kinesis-agg's.
// One shard, because the rivals know of none: then ours needs no hash of each key either.
// "packed bytes": a record table and its heap in, the aggregates back to back out, into memory that is
// used again (aggregatePacked's `into`; a new array for each call costs up to a fifth more). The rival
// gets its own shape, ready-made objects, in both rows: making objects first would only slow it.
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
  const { aggregate: objects, aggregatePacked: packed } = await import('../dist/esm/kinesis/aggregates/aggregate.js')
  const { ShardMap } = await import('../dist/esm/kinesis/shards/shard-map.js')
  const options = { shards: ShardMap.even(1), maxSize: LIMIT }
  const into = new Uint8Array(16 * LIMIT)
  return {
    objects: (records) => objects(records, options).records,
    packed: (batch) => packed(batch, options, into),
  }
}

/** The payloads, one behind the other. */
function joined(out) {
  if (Array.isArray(out)) return Buffer.concat(out.map((r) => r.Data))
  return Buffer.concat(Array.from({ length: out.count }, (_, i) => out.heap.subarray(out.table[i * 8 + 4], out.table[i * 8 + 4] + out.table[i * 8 + 5])))
}

export const rows = [...CASES.map((item) => row('packed bytes in', item, item.size === 100 ? 8 : 5)), ...CASES.map((item) => row('objects in', item, 2.5))]

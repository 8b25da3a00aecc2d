// KPL de-aggregation of a batch of 50 KB aggregates, MD5 checked, or by none of the sides.
// "to columns": aggregates back to back in, a record table out, no object a record; "to objects": base64
// in, as a Lambda event has it, an array of user records out. aws-kinesis-agg takes base64 and gives
// objects with base64 data in both: it knows no other form.
import { deaggregate, deaggregatePacked } from './baseline-kpl.mjs'
import { same } from './frame.mjs'
import { awsDeaggregator, CASES, inputs } from './kpl.mjs'

const RIVALS = ['aws-kinesis-agg', 'plain JS baseline']

function row(shape, item, atLeast, verify = true) {
  const rivals = verify ? RIVALS : RIVALS.slice(0, 1)
  return {
    row: `de-aggregate${verify ? '' : ' without MD5'}, ${shape}, ${item.label}`,
    unit: 'krec/s',
    rivals,
    targets: { 'aws-kinesis-agg': atLeast },
    async prepare() {
      const { records, aggregates, work } = inputs(item)
      const heap = Buffer.concat(aggregates)
      const sizes = aggregates.map((a) => a.length)
      const table = new Uint32Array(records.length * 8)
      const texts = aggregates.map((a) => a.toString('base64'))
      const { toColumns, toObjects } = await ours(heap, sizes, texts, verify)
      const columns = shape === 'to columns'
      const aws = awsDeaggregator(aggregates, verify)
      const baseline = columns ? () => deaggregatePacked(heap, sizes, table) : () => deaggregate(texts.map((t) => Buffer.from(t, 'base64')))
      const text = (list) => list.map((r) => [r.partitionKey, Buffer.from(r.data).toString('base64')])
      return {
        ours: { work, run: columns ? toColumns : toObjects },
        rivals: [
          { name: RIVALS[0], work, run: aws },
          { name: RIVALS[1], work, run: baseline },
        ].slice(0, rivals.length),
        check() {
          const wanted = text(records)
          same('de-aggregate, millrace', columns ? fromTable(toColumns()) : text(toObjects()), wanted)
          same(
            'de-aggregate, aws-kinesis-agg',
            aws().map((r) => [r.partitionKey, r.data]),
            wanted,
          )
          if (columns) {
            const count = deaggregatePacked(heap, sizes, table)
            same('de-aggregate, baseline', fromTable({ count, table, heap }), wanted)
          } else same('de-aggregate, baseline', text(baseline()), wanted)
        },
      }
    },
  }
}

function fromTable({ count, table, heap }) {
  const bytes = Buffer.from(heap.buffer, heap.byteOffset, heap.byteLength)
  return Array.from({ length: count }, (_, i) => {
    const [keyAt, keySize, , , dataAt, dataSize] = table.subarray(i * 8, i * 8 + 8)
    return [bytes.utf8Slice(keyAt, keyAt + keySize), bytes.base64Slice(dataAt, dataAt + dataSize)]
  })
}

async function ours(heap, sizes, texts, verify) {
  const { deaggregatePacked: packed } = await import('../dist/esm/kinesis/aggregates/deaggregate.js')
  const { deaggregate: objects } = await import('../dist/esm/kinesis/aggregates/user-records.js')
  const table = new Uint32Array(sizes.length * 8)
  let at = 0
  sizes.forEach((size, i) => {
    table.set([0, 0, 0, 0xffffffff, at, size, i, 0], i * 8)
    at += size
  })
  const batch = { count: sizes.length, table, heap }
  const records = texts.map((data, i) => ({ kinesis: { data, partitionKey: 'a', sequenceNumber: String(i) } }))
  return { toColumns: () => packed(batch, { verify }), toObjects: () => objects(records, { verify }) }
}

const COLUMNS = { '100 B': 6, '100 B, 100 keys': 6, '1 KB': 4 }

export const rows = [
  ...CASES.map((item) => row('to columns', item, COLUMNS[item.label])),
  ...CASES.map((item) => row('to columns', item, 15, false)),
  ...CASES.map((item) => row('to objects', item, 2.5)),
]

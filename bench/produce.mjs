// Records to PutRecords entries, the transport in memory: NDJSON bytes in, or objects in; accepted, aggregated
// by the shards of a stream of four, sent, every record settled with its place. The rival is aws-kinesis-agg by
// hand over the same records: each line through JSON.parse for its key, an aggregate closed at the same size by a
// count known beforehand; it knows no shards, settles nothing, and keeps no order. "key" is ours with ordering: 'key'.
import { deaggregate } from './baseline-kpl.mjs'
import { userRecords } from './data.mjs'
import { same } from './frame.mjs'
import { LIMIT } from './kpl.mjs'

const COUNT = 50_000
const SHARDS = 4
const TOP = 2n ** 128n
const RIVAL = 'aws-kinesis-agg'

function lines() {
  const texts = []
  for (let i = 0; i < COUNT; i++) {
    const text = JSON.stringify({ ts: 1_700_000_000_000 + i, id: `user-${(i * 7919) % 50_000}`, event: 'click', amount: i * 1.25, path: `/shop/item/${i}` })
    texts.push(`${text.slice(0, -1)},"pad":"${'x'.repeat(190 - text.length)}"}`)
  }
  return Buffer.from(`${texts.join('\n')}\n`)
}

/** A client of a stream that stores nothing: `sent` gets each entry. */
function memory(sent) {
  const commands = {}
  for (const name of ['PutRecords', 'ListShards', 'DescribeStreamSummary']) {
    commands[`${name}Command`] = class {
      constructor(input) {
        this.name = name
        this.input = input
      }
    }
  }
  const start = (i) => (BigInt(i) * TOP) / BigInt(SHARDS)
  const Shards = Array.from({ length: SHARDS }, (_, i) => ({
    ShardId: `shardId-${String(i).padStart(12, '0')}`,
    HashKeyRange: { StartingHashKey: String(start(i)), EndingHashKey: String(start(i + 1) - 1n) },
    SequenceNumberRange: { StartingSequenceNumber: '1' },
  }))
  let sequence = 0
  const answers = {
    ListShards: () => ({ Shards }),
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: {} }),
    PutRecords: ({ Records }) => ({
      Records: Records.map((record) => {
        sent(record)
        return { ShardId: Shards[Number((BigInt(record.ExplicitHashKey) * BigInt(SHARDS)) / TOP)].ShardId, SequenceNumber: String(++sequence) }
      }),
    }),
  }
  return { commands, client: { send: async ({ name, input }) => answers[name](input) } }
}

async function producing(put, options) {
  const { createProducer } = await import('../dist/esm/kinesis/producer/producer.js')
  let entries = []
  const { client, commands } = memory((record) => entries.push(record))
  return async () => {
    entries = []
    const producer = createProducer({ streamName: 's', client, commands, rateLimit: Number.POSITIVE_INFINITY, ...options })
    await put(producer)
    await producer.close()
    if (producer.metrics().delivered !== COUNT) throw new Error(`${producer.metrics().delivered} of ${COUNT} records delivered`)
    return entries
  }
}

async function byHand() {
  const { default: agg } = await import('aws-kinesis-agg')
  return (records) => {
    const entries = []
    let aggregator = new agg.RecordAggregator()
    let bytes = 0
    const close = () => {
      const { data, partitionKey } = aggregator.build()
      entries.push({ PartitionKey: partitionKey, Data: data })
      aggregator = new agg.RecordAggregator()
      bytes = 0
    }
    for (const { partitionKey, data } of records) {
      const size = partitionKey.length + data.length + 12
      if (bytes + size > LIMIT) close()
      aggregator.addUserRecord({ partitionKey, data })
      bytes += size
    }
    close()
    return entries
  }
}

/** One row an input: NDJSON or objects. */
function row(name, atLeast, options, { make, put, read }) {
  return {
    row: name,
    unit: 'krec/s',
    rivals: [RIVAL],
    targets: { [RIVAL]: atLeast },
    async prepare() {
      const input = make()
      const run = await producing((producer) => put(producer, input), options)
      const hand = await byHand()
      const theirs = () => hand(read(input))
      return {
        ours: { work: COUNT / 1000, run, async: true },
        rivals: [{ name: RIVAL, work: COUNT / 1000, run: theirs }],
        async check() {
          // A user record that had no company is sent raw, under its own key.
          const users = (entries) =>
            entries
              .flatMap(({ PartitionKey, Data }) =>
                deaggregate([Buffer.from(Data)]).map((user) => ({ ...user, partitionKey: user.partitionKey || PartitionKey })),
              )
              .map(({ partitionKey, data }) => `${partitionKey} ${Buffer.from(data).toString('latin1')}`)
              .sort()
          same(name, users(await run()), users(theirs()))
        },
      }
    },
  }
}

const ndjson = {
  make: lines,
  put: (producer, bytes) => producer.putNdjson(bytes, { partitionKey: 'id' }),
  *read(bytes) {
    for (let at = 0, end = 0; at < bytes.length; at = end + 1) {
      end = bytes.indexOf(10, at)
      const data = bytes.subarray(at, end)
      yield { partitionKey: JSON.parse(data.toString()).id, data }
    }
  },
}

const objects = {
  make: () => userRecords(COUNT, 200),
  put: (producer, records) => producer.putBatch(records),
  read: (records) => records,
}

export const rows = [
  row('produce, NDJSON in, 200 B', 8, {}, ndjson),
  row('produce, NDJSON in, 200 B, order by key', 8, { ordering: 'key' }, ndjson),
  row('produce, objects in, 200 B', 2.5, {}, objects),
]

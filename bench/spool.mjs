// node bench/spool.mjs [DIRECTORY] [--json]
//
// What the spool costs on a device, beside what one fsync costs there: records a second through append()
// until each is durable, for batches as the producer packs them and for single records that many callers
// wait for. The rival is a file to which each batch is written and flushed by itself. Then the producer, NDJSON
// in and a transport in memory, with the spool and without it: rounds in turn, the median of each. Runs on dist/esm.
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileSpool } from '../dist/esm/kinesis/index.js'
import { nodePorts } from '../dist/esm/ports/node.js'

const args = process.argv.slice(2)
const json = args.includes('--json')
const home = mkdtempSync(join(args.find((arg) => !arg.startsWith('-')) ?? tmpdir(), 'millrace-bench-'))
const DATA = 200
const KEY = 12

function batchOf(count) {
  const size = KEY + DATA
  const heap = new Uint8Array(count * size)
  for (let i = 0; i < heap.length; i++) heap[i] = 97 + ((i * 31) % 26)
  const table = new Uint32Array(8 * count)
  for (let row = 0; row < count; row++) table.set([row * size, KEY, 0, 0xffffffff, row * size + KEY, DATA], 8 * row)
  return { count, table, heap }
}

const say = (name, value, unit, more) => {
  if (json) process.stdout.write(`${JSON.stringify({ name, value: Math.round(value), unit, ...more })}\n`)
  else
    process.stdout.write(
      `${name.padEnd(46)} ${Math.round(value).toLocaleString('en').padStart(12)} ${unit}  ${Object.entries(more)
        .map(([k, v]) => `${k} ${v}`)
        .join(', ')}\n`,
    )
}

/** Microseconds of a write of 4 KiB at the end of a file and its fsync: the median. */
async function fsyncCost() {
  const file = await open(join(home, 'fsync'), 'a')
  const page = Buffer.alloc(4096, 1)
  const times = []
  for (let i = 0; i < 200; i++) {
    const started = performance.now()
    await file.write(page)
    await file.sync()
    times.push(1000 * (performance.now() - started))
  }
  await file.close()
  return times.sort((a, b) => a - b)[100]
}

/** `flight` appends under way at once, for `ms` milliseconds; what is durable settles, as behind a fast stream. */
async function rate(name, { count, flight, settle = true }, ms, append, done) {
  const batch = batchOf(count)
  let records = 0
  const latencies = []
  const end = performance.now() + ms
  const started = performance.now()
  await Promise.all(
    Array.from({ length: flight }, async () => {
      while (performance.now() < end) {
        const asked = performance.now()
        const first = await append(batch)
        latencies.push(performance.now() - asked)
        records += count
        if (settle) done(first, count)
      }
    }),
  )
  const seconds = (performance.now() - started) / 1000
  latencies.sort((a, b) => a - b)
  say(name, records / seconds, 'records/s', {
    batch: count,
    'in flight': flight,
    'MB/s': Math.round((records * (KEY + DATA)) / seconds / 1e6),
    'p50 ms': latencies[latencies.length >> 1].toFixed(2),
    'p99 ms': latencies[Math.floor(latencies.length * 0.99)].toFixed(2),
  })
}

try {
  say('fsync of 4 KiB', await fsyncCost(), 'us', { n: 200 })
  for (const load of [
    { count: 1, flight: 1 },
    { count: 1, flight: 1000 },
    { count: 500, flight: 1 },
    { count: 500, flight: 16 },
    { count: 20_000, flight: 4 },
  ]) {
    const spool = await fileSpool(nodePorts, join(home, `spool-${load.count}-${load.flight}`), { maxBytes: 2 ** 32 })()
    await rate(
      'spool',
      load,
      3000,
      (batch) => spool.append(batch),
      (first, count) => spool.settle(Float64Array.from({ length: count }, (_, i) => first + i)),
    )
    await spool.close()
    const file = await open(join(home, 'naive'), 'a')
    let last = Promise.resolve()
    const naive = (batch) => {
      last = last.then(async () => {
        await file.write(batch.heap)
        await file.sync()
      })
      return last
    }
    await rate('a write and an fsync for each batch', load, 3000, naive, () => {})
    await file.close()
  }
  await producers()
} finally {
  rmSync(home, { recursive: true })
}

/** The producer with and without a spool. Of what putNdjson takes at once, 16 calls are under way. */
async function producers() {
  const { createProducer } = await import('../dist/esm/kinesis/index.js')
  const lines = Array.from({ length: 4_000 }, (_, i) => JSON.stringify({ key: `user-${i % 997}`, n: i, pad: 'x'.repeat(160) }))
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  const commands = Object.fromEntries(
    ['PutRecords', 'ListShards', 'DescribeStreamSummary'].map((name) => [
      `${name}Command`,
      class {
        constructor(input) {
          this.name = name
          this.input = input
        }
      },
    ]),
  )
  const range = { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) }
  const Shards = [{ ShardId: 'shardId-000000000000', HashKeyRange: range, SequenceNumberRange: { StartingSequenceNumber: '1' } }]
  let sequence = 0
  const answers = {
    ListShards: () => ({ Shards }),
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: {} }),
    PutRecords: ({ Records }) => ({ Records: Records.map(() => ({ ShardId: Shards[0].ShardId, SequenceNumber: String(++sequence) })) }),
  }
  const client = { send: async ({ name, input }) => answers[name](input) }
  const round = async (spool) => {
    const producer = createProducer({ streamName: 's', client, commands, rateLimit: Number.POSITIVE_INFINITY, ...(spool ? { spool } : {}) })
    const started = performance.now()
    let calls = 0
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (calls < 160) {
          calls++
          await producer.putNdjson(bytes, { partitionKey: 'key' })
        }
      }),
    )
    await producer.close()
    const { delivered } = producer.metrics()
    if (delivered !== calls * lines.length) throw new Error(`${delivered} of ${calls * lines.length} records delivered`)
    return (1000 * delivered) / (performance.now() - started)
  }
  const rates = { spool: [], none: [] }
  for (let i = 0; i < 7; i++) {
    rates.none.push(await round())
    rates.spool.push(await round(fileSpool(nodePorts, join(home, 'producer'))))
  }
  const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1]
  const share = (100 * middle(rates.spool)) / middle(rates.none)
  say('producer without a spool', middle(rates.none), 'records/s', { bytes: bytes.length / lines.length - 1 })
  say('producer over a spool', middle(rates.spool), 'records/s', {
    '% of the rate without': share.toFixed(0),
    'MB/s': Math.round((middle(rates.spool) * bytes.length) / lines.length / 1e6),
  })
}

// A consumer that is killed (kill -9) again and again, over a stream that is split twice and merged while it reads: each
// record comes, those of a key in order, and what comes again is what was not stored. With results and checkpoints in
// one transaction each result is there once. MILLRACE_E2E_RECORDS=1000000 MILLRACE_KILLS=100 MILLRACE_SEED=N run it longer
// and elsewhere.
import { join } from 'node:path'
import { MergeShardsCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProducer } from '../../../src/kinesis/index.js'
import { seededRandom } from '../../../src/ports/simulated.js'
import { createStream, type KinesisServer, splitShard, startKinesalite, startKinesisLocal } from '../../servers.js'
import { openShards } from '../stream.js'
import { judge, truthOf } from './judge.js'
import { readLedger } from './ledger.js'
import { buildConsuming, type Life, linesOf, type Program } from './lives.js'

const seed = Number(process.env.MILLRACE_SEED ?? 1)
const count = Number(process.env.MILLRACE_E2E_RECORDS ?? 6_000)
const kills = Number(process.env.MILLRACE_KILLS ?? 3)
const KEYS = 997
const INTERVALS = [0, 1, 1, 5, 50, 1_000]

let program: Program
beforeAll(async () => {
  program = await buildConsuming()
})
afterAll(() => program?.remove())

const servers = [
  { server: 'kinesalite', start: startKinesalite },
  { server: 'kinesis-local', start: startKinesisLocal },
]
const forms = ['at an interval', 'with the results'] as const

test.each(servers.flatMap((server) => forms.map((form) => ({ ...server, form }))))(
  `$server: ${count} records, ${kills} kills, two splits and a merge, checkpoints $form`,
  { timeout: count > 100_000 ? 3_600_000 : 300_000 },
  async ({ server, start, form }) => {
    const at = await start()
    try {
      const random = seededRandom(seed)
      const started = performance.now()
      await createStream(at.client, 's', 4)
      const producing = produce(at)
      const path = join(program.home, `${server} ${form}`)
      const seen = new Uint8Array(count)
      let unseen = 0
      const heard = (id: number) => {
        unseen -= seen[id] === 0 ? 1 : 0
        seen[id] = 1
      }
      const lives: Life[] = []
      for (let life = 0; life <= kills; life++) {
        unseen += producing.size(life)
        const put = producing.put(life)
        const last = life === kills
        if (last) await put.then(producing.close)
        const interval = form === 'at an interval' ? INTERVALS[Math.floor(random.next() * INTERVALS.length)] : null
        // No more lines than there are new records: so many it says whatever its checkpoints are.
        const most = 1 + Math.floor(random.next() * unseen)
        const options = { endpoint: at.endpoint, keys: KEYS, path, interval, maxRecords: 1 + Math.floor(random.next() * 20) }
        // What kinesalite has in a new shard arrives a second later than it comes.
        const running = program.start({ ...options, ...(last ? { until: Date.now() + 2_000 } : { most }) }, heard)
        lives.push(running)
        await Promise.all([put, running.ended])
      }
      const truth = await truthOf(at.client, count, KEYS)
      const { said, again, backs } = judge(lives, truth, KEYS, true)
      const seconds = (performance.now() - started) / 1000
      console.log(
        `kills ${server}, checkpoints ${form}: ${count} records, ${kills} kills, ${said} handed out, ${again} of them again, ` +
          `a shard goes back by ${Math.max(...backs)} records at most, shards ${truth.shards.size}, ${seconds.toFixed(1)} s, seed=${seed}`,
      )
      expect(said - again).toBe(count)
      expect(truth.shards.size).toBe(9)
      if (form === 'with the results') {
        const results = readLedger(path).entries.flatMap(({ ids }) => ids)
        expect(results).toHaveLength(count)
        expect(new Set(results).size).toBe(count)
        const newest = new Int32Array(KEYS).fill(-1)
        for (const id of results) {
          expect(id).toBeGreaterThan(newest[id % KEYS])
          newest[id % KEYS] = id
        }
      }
    } finally {
      await at.stop()
    }
  },
)

/** The records, a part of them in each life; shards are split and merged in some. */
function produce({ client }: KinesisServer) {
  const producer = createProducer({ streamName: 's', client, ordering: 'key', maxBufferedTime: 5, aggregationMaxSize: 2_000, requestTimeout: 300_000 })
  const edge = (life: number) => Math.ceil((life * count) / (kills + 1))
  const quarter = (part: number) => Math.floor((part * (kills + 1)) / 4)
  const reshard = async (life: number) => {
    const [left, right] = await openShards(client)
    if (life === quarter(1)) await splitShard(client, 's', right.ShardId as string, right.HashKeyRange ?? {})
    if (life === quarter(2)) await splitShard(client, 's', left.ShardId as string, left.HashKeyRange ?? {})
    if (life === quarter(3)) await client.send(new MergeShardsCommand({ StreamName: 's', ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId }))
  }
  return {
    size: (life: number) => edge(life + 1) - edge(life),
    async put(life: number) {
      const half = Math.floor((edge(life) + edge(life + 1)) / 2)
      await producer.putNdjson(linesOf(edge(life), half, KEYS), { partitionKey: 'name' })
      await reshard(life)
      await producer.putNdjson(linesOf(half, edge(life + 1), KEYS), { partitionKey: 'name' })
    },
    async close() {
      await producer.close()
      expect(producer.metrics()).toMatchObject({ delivered: count, failed: 0 })
    },
  }
}

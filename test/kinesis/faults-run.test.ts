// A producer on a bad day, all of it over HTTP: throttled records, resets, lost answers, the limits of each
// shard, a split and a merge on the way. What goes in comes out, through our own consumer and through the
// KCL's rules. MILLRACE_E2E_RECORDS=1000000 and MILLRACE_SEED=N run it longer and elsewhere.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KinesisClient, MergeShardsCommand } from '@aws-sdk/client-kinesis'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { deaggregate } from '../../src/kinesis/aggregates/user-records.js'
import { createConsumer } from '../../src/kinesis/consumer/consumer.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { BatchReceipt } from '../../src/kinesis/producer/receipt.js'
import { createStream, splitShard, startKinesalite, startKinesisLocal } from '../servers.js'
import { startFaultServer } from './fault-server.js'
import { usersIn } from './kcl.js'
import { openShards, rawStream } from './stream.js'

const SEED = 378
const seed = Number(process.env.MILLRACE_SEED ?? SEED)
const many = Number(process.env.MILLRACE_E2E_RECORDS ?? 20_000)
const CHUNKS = 240

/** The ids that our own consumer gives, through the faults. */
async function consumed(client: KinesisClient, deduplicate = false): Promise<number[]> {
  const ids: number[] = []
  for await (const { data } of createConsumer({ streamName: 's', client, deduplicate, from: 'TRIM_HORIZON', until: 'now', idleInterval: 50 }).records()) {
    ids.push(JSON.parse(new TextDecoder().decode(data)).id)
  }
  return ids
}

function tally(ids: Iterable<number>, count: number) {
  const seen = new Uint32Array(count)
  let total = 0
  for (const id of ids) {
    seen[id]++
    total++
  }
  return { missing: seen.filter((times) => times === 0).length, duplicates: total - seen.filter((times) => times > 0).length }
}

test('a producer over a spool, killed again and again on a bad day: all that it has accepted arrives', { timeout: 900_000 }, async () => {
  const kills = Number(process.env.MILLRACE_SPOOL_KILLS ?? 6)
  const home = await mkdtemp(join(tmpdir(), 'millrace-run-'))
  const at = await startFaultServer({ faults: { throttle: 0.1, reset: 0.05, resetAfter: 0.05, error: 0.1, lostAck: 0.02 }, seed, hold: 100 })
  try {
    const program = join(home, 'producing.mjs')
    const entry = join(import.meta.dirname, 'spool/producing.ts')
    // the SDK stays outside, and is found from here
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: program, packages: 'external', logLevel: 'error' })
    await symlink(join(import.meta.dirname, '../../node_modules'), join(home, 'node_modules'))
    await createStream(at.quiet, 's', 4)
    const accepted: number[] = []
    // Killed once it has said so many lines: how long it takes for them is the machine's business.
    const live = async (args: string[], most = Number.POSITIVE_INFINITY) => {
      const child = spawn(process.execPath, [program, at.endpoint, join(home, 'spool'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      let err = ''
      child.stdout.on('data', (data) => {
        out += data
        if (out.split('\n').length > most) child.kill('SIGKILL')
      })
      child.stderr.on('data', (data) => {
        err += data
      })
      const closed = once(child, 'close')
      const [code] = await closed
      for (const line of out.split('\n').slice(0, -1)) if (line.startsWith('a ')) for (let i = 0; i < 20; i++) accepted.push(Number(line.slice(2)) + i)
      if (most === Number.POSITIVE_INFINITY) expect(`${code} ${out.trim()} ${code === 0 ? '' : err}`).toBe('0 done ')
    }
    for (let life = 0; life < kills; life++) await live([String(100_000 * life)], 30 + ((life * 131) % 120))
    await live(['0', 'end'])
    const users = usersIn(await rawStream(at.quiet)).all.map(({ data }) => JSON.parse(data).id as number)
    const arrived = new Set(users)
    const missing = accepted.filter((id) => !arrived.has(id))
    console.log(
      `faults-run spool: ${kills} kills, ${accepted.length} records accepted, ${arrived.size} arrived, ${users.length - arrived.size} of them again, missing ${missing.length}, ${JSON.stringify(Object.fromEntries(at.counts))}, seed=${seed}`,
    )
    expect(missing).toEqual([])
    // Also what a restart has sent again is told by its id.
    expect(await consumed(at.client, true)).toHaveLength(arrived.size)
    expect(accepted.length).toBeGreaterThan(100)
    const left = await readdir(join(home, 'spool'))
    expect(left).toHaveLength(1)
    expect((await stat(join(home, 'spool', left[0]))).size).toBe(0)
  } finally {
    await at.stop()
    await rm(home, { recursive: true })
  }
})

test.each([
  { server: 'kinesalite', behind: startKinesalite, count: many },
  { server: 'kinesis-local', behind: startKinesisLocal, count: Math.min(many, 8_000) },
])(
  '$server: $count records, 10 % throttled, 2 % reset, 2 % lost answers, a split and a merge: none is missing',
  { timeout: 900_000 },
  async ({ server, behind, count }) => {
    const faults = { throttle: 0.1, reset: 0.01, resetAfter: 0.01, lostAck: 0.02 }
    const at = await startFaultServer({ faults, seed, hold: 100, reads: true }, behind)
    try {
      const started = performance.now()
      await createStream(at.quiet, 's', 4)
      const producer = createProducer({
        streamName: 's',
        client: at.client,
        stableIds: true,
        maxBufferedTime: 5,
        aggregationMaxSize: count > 100_000 ? 51_200 : 2_000,
        // of a machine under load: a request that is given up for its slowness is stored all the same, and no fault of the front's
        requestTimeout: 300_000,
        recordTtl: 3_600_000,
      })
      const receipts: BatchReceipt[] = []
      const change = async (chunk: number) => {
        if (chunk === CHUNKS / 3) {
          const [, second] = await openShards(at.quiet)
          await splitShard(at.quiet, 's', second.ShardId as string, second.HashKeyRange ?? {})
        }
        if (chunk === (2 * CHUNKS) / 3) {
          const [left, right] = await openShards(at.quiet)
          await at.quiet.send(new MergeShardsCommand({ StreamName: 's', ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId }))
        }
      }
      // One after the other: a reshard of shards that were listed before the one under way has ended is refused,
      // and kinesalite does it all the same, so that no hash key has one shard any more.
      let changes = Promise.resolve()
      for (let chunk = 0; chunk < CHUNKS; chunk++) {
        // meanwhile the producer goes on
        changes = changes.then(() => change(chunk))
        const ids = Array.from(
          { length: Math.ceil(((chunk + 1) * count) / CHUNKS) - Math.ceil((chunk * count) / CHUNKS) },
          (_, i) => Math.ceil((chunk * count) / CHUNKS) + i,
        )
        const lines = ids.map((id) => JSON.stringify({ id, key: `key-${id % 1000}`, pad: 'x'.repeat(id % 100) }))
        receipts.push(await producer.putNdjson(new TextEncoder().encode(`${lines.join('\n')}\n`), { partitionKey: 'key' }))
        await new Promise((resolve) => setTimeout(resolve, 8))
      }
      await changes
      await producer.close()
      const seconds = (performance.now() - started) / 1000

      // Every record has its outcome, and all have arrived.
      let uncertain = 0
      for (const { outcomes } of receipts) {
        const all = await outcomes
        expect([...all.failures()]).toEqual([])
        for (let i = 0; i < all.count; i++) if (all.at(i).uncertain) uncertain++
      }
      // What a request that was stored and not acknowledged had in it: so much may be twice.
      const users = (records: readonly { Data: Uint8Array; PartitionKey?: string }[]) =>
        deaggregate(records.map((record) => ({ PartitionKey: '', ...record }))).length
      const unacknowledged = at.events
        .filter(({ fault, operation }) => operation === 'PutRecords' && (fault === 'resetAfter' || fault === 'lostAck'))
        .reduce((sum, { records }) => sum + users(records), 0)

      const stream = await rawStream(at.quiet)
      const kcl = usersIn(stream)
      const byKcl = tally(
        kcl.all.map(({ data }) => JSON.parse(data).id),
        count,
      )
      // An aggregate that a split has put into the wrong shard is dropped by the KCL and was sent again for it.
      const misplaced = usersIn(stream, { keepRaw: true }).all.length - kcl.all.length
      const byUs = tally(await consumed(at.client), count)
      const single = tally(await consumed(at.client, true), count)
      const faulted = Object.fromEntries(at.counts)
      console.log(
        `faults-run ${server}: ${count} records in ${seconds.toFixed(1)} s, ${JSON.stringify(faulted)}, missing ${byKcl.missing}, duplicates ${byKcl.duplicates} of ${unacknowledged} unacknowledged and ${single.duplicates} after de-duplication, ` +
          `uncertain ${uncertain}, misplaced ${misplaced}, Kinesis records ${stream.shards.reduce((sum, { records }) => sum + records.length, 0)}, shards ${stream.shards.length}, seed=${seed}`,
      )
      expect(byKcl.missing).toBe(0)
      expect(byKcl.duplicates).toBeLessThanOrEqual(unacknowledged)
      expect(byUs).toEqual(byKcl)
      expect(single).toEqual({ missing: 0, duplicates: 0 })
      expect(uncertain).toBeGreaterThanOrEqual(byKcl.duplicates)
      // The default seed has all of them among its first 25 puts; another one perhaps not.
      if (seed === SEED) for (const fault of ['throttle', 'reset', 'resetAfter', 'lostAck']) expect(faulted[fault]).toBeGreaterThan(0)
      expect(stream.shards).toHaveLength(7)
    } finally {
      await at.stop()
    }
  },
)

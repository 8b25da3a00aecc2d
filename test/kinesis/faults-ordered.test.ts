// Over HTTP with faults, a split and a merge: records of a key in order, and each once after de-duplication.
// MILLRACE_E2E_RECORDS=1000000 and MILLRACE_SEED=N run it longer and elsewhere.
import { ListShardsCommand, MergeShardsCommand } from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { createConsumer } from '../../src/kinesis/consumer/consumer.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import { createStream, splitShard } from '../servers.js'
import { startFaultServer } from './fault-server.js'

const seed = Number(process.env.MILLRACE_SEED ?? 5)
const count = Number(process.env.MILLRACE_E2E_RECORDS ?? 12_000)
const CHUNKS = 60

test(`${count} records in the order of their keys, each once: 10 % throttled, 2 % reset, 2 % lost answers, a split and a merge`, {
  timeout: 900_000,
}, async () => {
  const at = await startFaultServer({ faults: { throttle: 0.1, reset: 0.01, resetAfter: 0.01, lostAck: 0.02 }, seed, reads: true })
  try {
    await createStream(at.quiet, 's', 3)
    const producer = createProducer({
      streamName: 's',
      client: at.client,
      ordering: 'key',
      stableIds: true,
      maxBufferedTime: 5,
      aggregationMaxSize: count > 100_000 ? 51_200 : 2_000,
    })
    const open = async () =>
      ((await at.quiet.send(new ListShardsCommand({ StreamName: 's' }))).Shards ?? [])
        .filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
        .sort((a, b) => (BigInt(a.HashKeyRange?.StartingHashKey ?? 0) < BigInt(b.HashKeyRange?.StartingHashKey ?? 0) ? -1 : 1))
    const started = performance.now()
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const first = Math.ceil((chunk * count) / CHUNKS)
      const size = Math.ceil(((chunk + 1) * count) / CHUNKS) - first
      const lines = Array.from({ length: size }, (_, i) =>
        JSON.stringify({ id: first + i, key: `key-${(first + i) % 101}`, pad: 'x'.repeat((first + i) % 90) }),
      )
      await producer.putNdjson(new TextEncoder().encode(lines.join('\n')), { partitionKey: 'key' })
      if (chunk === CHUNKS / 3) {
        const [shard] = await open()
        await splitShard(at.quiet, 's', shard.ShardId as string, shard.HashKeyRange ?? {})
      }
      if (chunk === (2 * CHUNKS) / 3) {
        const [left, right] = await open()
        await at.quiet.send(new MergeShardsCommand({ StreamName: 's', ShardToMerge: left.ShardId, AdjacentShardToMerge: right.ShardId }))
      }
    }
    await producer.close()
    const seconds = (performance.now() - started) / 1000
    expect(producer.metrics()).toMatchObject({ accepted: count, delivered: count, failed: 0 })

    // A key's shard changes at a reshard; parents are read before their children.
    const last = new Map<string, number>()
    let read = 0
    let repeated = 0
    const consumer = createConsumer({ streamName: 's', client: at.client, until: 'now', idleInterval: 50, deduplicate: true })
    for await (const batch of consumer) {
      repeated += batch.repeated
      for (const { data } of batch.records) {
        const { id, key } = JSON.parse(new TextDecoder().decode(data))
        expect(id, key).toBeGreaterThan(last.get(key) ?? -1)
        last.set(key, id)
        read++
      }
    }
    console.log(
      `faults-ordered: ${count} records in ${seconds.toFixed(1)} s, ${read} read, ${repeated} left out, uncertain ${producer.metrics().uncertain}, seed=${seed}`,
    )
    expect(read).toBe(count)
    expect(repeated).toBeGreaterThan(0)
    expect(repeated).toBeLessThanOrEqual(producer.metrics().uncertain)
  } finally {
    await at.stop()
  }
})

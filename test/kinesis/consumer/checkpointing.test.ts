// When the consumer stores what is done with, and what a transaction of the caller's has with it. In simulated time.
import { expect, test } from 'vitest'
import { type CheckpointStore, memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type ConsumerOptions, createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream } from '../fake.js'

const INTERVAL = 1_000

async function world(seed: number, shards: number, count: number) {
  const simulation = createSimulation(seed)
  const { client, commands, handlers, ...stream } = createFakeStream(shards, simulation.clock, simulation.random)
  let made = 0
  const put = async (more: number) => {
    for (const end = made + more; made < end; ) {
      const Records = Array.from({ length: Math.min(500, end - made) }, () => ({ PartitionKey: `k${made % 37}`, Data: new TextEncoder().encode(`${made++}`) }))
      await handlers.PutRecords({ Records } as never)
    }
  }
  await put(count)
  const store = memoryCheckpoints()
  const consume = (options: Partial<ConsumerOptions> = {}) =>
    createConsumer({ streamName: 's', client, commands, ports: simulation, checkpoints: store, checkpointInterval: INTERVAL, until: 'now', ...options })
  const place = async (shardId: string) => (await store.read()).find((row) => row.shardId === shardId)?.checkpoint ?? expect.fail(shardId)
  return { ...simulation, ...stream, put, store, consume, place }
}

const ids = (records: readonly { data: Uint8Array }[]) => records.map(({ data }) => Number(new TextDecoder().decode(data)))

test('records(): what is done with is stored within the interval, however long a batch takes', async () => {
  const { run, clock, consume, place, shards } = await world(1, 1, 300)
  const work = async () => {
    const times = new Map<string, number>()
    for await (const { sequenceNumber } of consume().records()) {
      const { sequenceNumber: stored } = await place(shards[0].ShardId)
      const open = [...times].find(([sequence]) => stored === 'TRIM_HORIZON' || BigInt(sequence) > BigInt(stored))
      if (open) expect(clock.monotonic() - open[1]).toBeLessThanOrEqual(INTERVAL)
      await clock.sleep(40)
      times.set(sequenceNumber, clock.monotonic())
    }
    expect(times.size).toBe(300)
  }
  await run(work())
})

test('a batch that is done with is stored within the interval, however long the next one takes', async () => {
  const { run, clock, consume, place } = await world(2, 3, 300)
  const work = async () => {
    let before: string | undefined
    for await (const { shardId } of consume()) {
      if (before) {
        expect((await place(before)).sequenceNumber).toBe('TRIM_HORIZON')
        await clock.sleep(INTERVAL)
        expect((await place(before)).sequenceNumber).toMatch(/^\d+$/)
        return
      }
      before = shardId
    }
  }
  await run(work())
})

test('a checkpoint that is under way is not undone by one that was asked for before it', async () => {
  const { run, clock, consume, store, place, shards } = await world(3, 1, 300)
  const slow: CheckpointStore = {
    ...store,
    async write(...row) {
      await clock.sleep(300)
      return store.write(...row)
    },
  }
  const work = async () => {
    for await (const batch of consume({ checkpoints: slow })) {
      const [first, second] = [batch.checkpoint(), batch.checkpoint(batch.records[100])]
      await Promise.all([first, second])
      expect((await place(shards[0].ShardId)).sequenceNumber).toBe(batch.sequenceNumbers.at(-1))
    }
  }
  await run(work())
})

test('interval 0, records(): a batch is stored before the next one is given, whatever else is being stored', async () => {
  for (let seed = 10; seed < 20; seed++) {
    const { run, clock, random, put, consume, store, place, shards, split } = await world(seed, 3, 300)
    const slow: CheckpointStore = {
      ...store,
      async write(...row) {
        await clock.sleep(400 * random.next())
        return store.write(...row)
      },
    }
    const consumer = consume({ checkpoints: slow, checkpointInterval: 0, maxRecords: 100, until: undefined })
    const work = async () => {
      let before: { shardId: string; sequenceNumber: string } | undefined
      let count = 0
      for await (const { sequenceNumber } of consumer.records()) {
        const { ShardId: shardId, records } = shards.find((shard) => shard.records.some((record) => record.SequenceNumber === sequenceNumber)) ?? expect.fail()
        if (before && before.shardId !== shardId) expect(['SHARD_END', before.sequenceNumber]).toContain((await place(before.shardId)).sequenceNumber)
        before = { shardId, sequenceNumber }
        await clock.sleep(20 * random.next())
        // Its end comes by itself, while others are read.
        if (sequenceNumber === records.at(-1)?.SequenceNumber) {
          split(shardId)
          await put(100)
        }
        if (++count === 900) consumer.close()
      }
    }
    await run(work())
  }
})

test('records() of a shard whose lease was not renewed in time end in the middle of a batch', async () => {
  const { run, clock, consume, store } = await world(20, 1, 300)
  const LEASE = 10_000
  const away = () => clock.monotonic() > 3_000 && clock.monotonic() < 13_000
  const fickle: CheckpointStore = {
    ...store,
    async read() {
      if (away()) throw new Error('the store is away')
      return store.read()
    },
    async write(...row) {
      if (away()) throw new Error('the store is away')
      return store.write(...row)
    },
  }
  const work = async () => {
    const seen = new Set<string>()
    for await (const { sequenceNumber } of consume({ checkpoints: fickle, leaseDuration: LEASE }).records()) {
      if (away()) expect(clock.monotonic()).toBeLessThan(3_000 + 0.45 * LEASE)
      seen.add(sequenceNumber)
      await clock.sleep(100)
    }
    expect(seen.size).toBe(300)
  }
  await run(work())
})

test('shards that end while the children of another get their rows: their own are read too', async () => {
  for (let seed = 30; seed < 50; seed++) {
    const { run, clock, random, put, consume, store, shards, split } = await world(seed, 4, 400)
    for (const { ShardId } of [...shards]) split(ShardId)
    await put(400)
    const slow: CheckpointStore = {
      ...store,
      async write(...row) {
        await clock.sleep(400 * random.next())
        return store.write(...row)
      },
    }
    const work = async () => {
      let count = 0
      for await (const { records } of consume({ checkpoints: slow })) count += records.length
      expect(count, `seed ${seed}`).toBe(800)
    }
    await run(work())
  }
})

/** A table of results and leases in one: a transaction writes both or neither. */
function ledger(store: CheckpointStore) {
  const results: number[] = []
  const commit =
    (batch: number[], fault?: 'before' | 'after'): CheckpointStore['write'] =>
    async (lease, counter) => {
      if (fault === 'before') throw new Error('rolled back')
      const done = await store.write(lease, counter)
      if (done) results.push(...batch)
      if (fault === 'after') throw new Error('the answer is lost')
      return done
    }
  return { results, commit }
}

test('with a transaction of the caller: what was rolled back comes again, and nothing of it is stored', async () => {
  const { run, consume, store, place, shards } = await world(4, 1, 900)
  const { results, commit } = ledger(store)
  const life = async (fault?: 'before') => {
    for await (const batch of consume({ checkpointInterval: Number.POSITIVE_INFINITY, maxRecords: 300 })) {
      await batch.checkpoint(undefined, commit(ids(batch.records), results.length > 0 ? fault : undefined))
    }
  }
  await expect(run(life('before'))).rejects.toThrow('rolled back')
  expect(results).toHaveLength(300)
  expect((await place(shards[0].ShardId)).sequenceNumber).toBe(shards[0].records[299].SequenceNumber)
  await run(life())
  expect(results).toEqual(Array.from({ length: 900 }, (_, id) => id))
})

test.each([{ exclusive: true }, { exclusive: false }])(
  'with one whose answer was lost: committed once, and the shard goes on at once ($exclusive)',
  async ({ exclusive }) => {
    const { run, clock, consume, store } = await world(5, 1, 900)
    const { results, commit } = ledger(store)
    let faults = 0
    const life = async () => {
      const consumer = consume({
        checkpoints: { ...store, exclusive },
        checkpointInterval: Number.POSITIVE_INFINITY,
        maxRecords: 300,
        until: new Date(clock.now() + 20_000),
      })
      for await (const batch of consumer) {
        await batch.checkpoint(undefined, commit(ids(batch.records), faults++ === 0 ? 'after' : undefined)).catch(() => {})
        if (results.length === 900) consumer.close()
      }
    }
    await run(life())
    expect(results).toEqual(Array.from({ length: 900 }, (_, id) => id))
    expect(clock.monotonic()).toBeLessThan(10_000)
  },
)

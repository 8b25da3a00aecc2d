// What becomes of records whose checkpoint cannot be stored: none is skipped, and the caller is told. In simulated time.
import { describe, expect, test } from 'vitest'
import { aggregate } from '../../../src/kinesis/aggregates/aggregate.js'
import { tagAggregate } from '../../../src/kinesis/aggregates/record-ids.js'
import { type CheckpointStore, memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type ConsumerOptions, createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { ShardMap } from '../../../src/kinesis/shards/shard-map.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream } from '../fake.js'

function world() {
  const simulation = createSimulation(1)
  const { client, commands, handlers, shards } = createFakeStream(1, simulation.clock, simulation.random)
  const put = (Records: object[]) => handlers.PutRecords({ Records } as never)
  const store = memoryCheckpoints()
  const consume = (options: Partial<ConsumerOptions> = {}) =>
    createConsumer({ streamName: 's', client, commands, ports: simulation, checkpoints: store, maxRecords: 10, ...options })
  const stored = async () => (await store.read())[0].checkpoint
  return { ...simulation, put, shards, store, consume, stored }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)
const records = (count: number) => Array.from({ length: count }, (_, i) => ({ PartitionKey: 'k', Data: bytes(`${i}`) }))
const full = () => Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })

describe('a store of one process on a full disk', () => {
  /** Full between these two milliseconds. */
  const filling = (store: CheckpointStore, clock: { monotonic(): number }, from: number, to: number): CheckpointStore => ({
    ...store,
    exclusive: true,
    async write(...row) {
      if (clock.monotonic() >= from && clock.monotonic() < to) throw full()
      return store.write(...row)
    },
  })

  test('the iteration ends with its error, after maxAttempts', async () => {
    const { run, clock, put, store, consume } = world()
    await put(records(300))
    const read = async () => {
      for await (const _ of consume({ checkpoints: filling(store, clock, 500, Infinity), maxAttempts: 5 }).records()) await clock.sleep(100)
    }
    await expect(run(read())).rejects.toThrow('ENOSPC')
    expect(clock.monotonic()).toBeGreaterThan(4_000)
    expect(clock.monotonic()).toBeLessThan(8_000)
  })

  test.each(['now', 'close', 'break'])('what is done with and cannot be stored at the end (%s) is an error', async (way) => {
    const { run, clock, put, store, consume } = world()
    await put(records(3))
    const consumer = consume({ checkpoints: filling(store, clock, 500, Infinity), until: way === 'now' ? 'now' : undefined })
    const read = async () => {
      let count = 0
      for await (const _ of consumer.records()) {
        await clock.sleep(1_000)
        if (++count < 3) continue
        if (way === 'close') consumer.close()
        if (way === 'break') break
      }
    }
    await expect(run(read())).rejects.toThrow('ENOSPC')
  })

  test("an error of the caller's own is not hidden by it", async () => {
    const { run, clock, put, store, consume } = world()
    await put(records(3))
    const read = async () => {
      for await (const _ of consume({ checkpoints: filling(store, clock, 500, Infinity) }).records()) {
        await clock.sleep(1_000)
        if (clock.monotonic() > 2_000) throw new Error('mine')
      }
    }
    await expect(run(read())).rejects.toThrow('mine')
  })

  test('interval 0: no batch before the last one is stored', async () => {
    const { run, clock, put, store, stored, consume } = world()
    await put(records(100))
    const read = async () => {
      let before: string | undefined
      for await (const { sequenceNumbers } of consume({ checkpoints: filling(store, clock, 1_000, 9_000), checkpointInterval: 0, until: 'now' })) {
        if (before) expect((await stored()).sequenceNumber).toBe(before)
        before = sequenceNumbers.at(-1)
      }
    }
    await run(read())
    expect(clock.monotonic()).toBeGreaterThan(9_000)
  })
})

test('deduplicate: what was handed over and not done with when the lease was lost comes again', async () => {
  const { run, clock, put, store, consume } = world()
  for (let from = 0; from < 300; from += 100) {
    const users = Array.from({ length: 100 }, (_, i) => ({ partitionKey: 'k', data: bytes(`${from + i}`) }))
    const [{ Data, PartitionKey }] = aggregate(users, { shards: ShardMap.even(1) }).records
    await put([{ Data: tagAggregate(Data, { producer: 'p', numbers: Float64Array.from(users, (_, i) => from + i) }), PartitionKey }])
  }
  const answer = async <T>(work: () => Promise<T>): Promise<T> => {
    if (clock.monotonic() > 3_000 && clock.monotonic() < 13_000) throw new Error('the store is away')
    return work()
  }
  const fickle: CheckpointStore = { ...store, read: () => answer(() => store.read()), write: (...row) => answer(() => store.write(...row)) }
  const consumer = consume({ checkpoints: fickle, deduplicate: true })
  const seen: number[] = []
  const read = async () => {
    for await (const { data } of consumer.records()) {
      seen.push(Number(text(data)))
      await clock.sleep(50)
    }
  }
  await run(Promise.all([read(), clock.sleep(60_000).then(() => consumer.close())]))
  expect(consumer.metrics().leasesLost).toBe(1)
  expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i))
})

test('a transaction of an earlier batch does not take the checkpoint back', async () => {
  const { run, put, store, stored, consume } = world()
  await put(records(20))
  const read = async () => {
    const batches = []
    for await (const batch of consume({ checkpointInterval: Infinity, until: 'now' })) batches.push(batch)
    return batches
  }
  const work = async () => {
    const [first] = await read()
    await expect(first.checkpoint()).rejects.toMatchObject({ code: 'CLOSED' })
    const consumer = consume({ checkpointInterval: Infinity, until: 'now' })
    const batches = []
    for await (const batch of consumer) {
      batches.push(batch)
      if (batches.length < 2) continue
      await batch.checkpoint(undefined, store.write)
      const { sequenceNumber } = await stored()
      await expect(batches[0].checkpoint(undefined, store.write)).rejects.toThrow(`"record" expected one from the last checkpoint ${sequenceNumber} on`)
      await batches[0].checkpoint()
      expect((await stored()).sequenceNumber).toBe(sequenceNumber)
    }
  }
  await run(work())
})

test('a place that is none', async () => {
  const { run, put, consume, stored } = world()
  await put(records(3))
  const work = async () => {
    for await (const { checkpoint, sequenceNumbers } of consume({ checkpointInterval: Infinity, until: 'now' })) {
      for (const place of [null, 'x', 5, {}, { sequenceNumber: 5 }]) await expect(checkpoint(place as never)).rejects.toThrow(TypeError)
      for (const subSequenceNumber of [Number.NaN, -1, 1.5, '0', null])
        await expect(checkpoint({ sequenceNumber: sequenceNumbers[1], subSequenceNumber } as never)).rejects.toThrow('"record.subSequenceNumber" expected')
    }
    expect((await stored()).sequenceNumber).toBe('TRIM_HORIZON')
  }
  await run(work())
})

test('what the caller makes of a record is no checkpoint', async () => {
  const { run, clock, put, shards, consume, stored } = world()
  await put(records(3))
  const read = async () => {
    for await (const record of consume({ until: 'now', checkpointInterval: 1 }).records()) {
      Object.assign(record, { sequenceNumber: `9${record.sequenceNumber}` })
      await clock.sleep(10)
    }
  }
  await run(read())
  expect((await stored()).sequenceNumber).toBe(shards[0].records[2].SequenceNumber)
})

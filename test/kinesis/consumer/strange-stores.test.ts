// Checkpoints that are another stream's, or shared in ways that they are not for, and stores that do not do as they should.
// In simulated time.
import { expect, test } from 'vitest'
import { type CheckpointStore, memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type ConsumerOptions, createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream } from '../fake.js'

async function world(count: number, records: number, store = memoryCheckpoints()) {
  const simulation = createSimulation(1)
  const { client, commands, handlers, ...stream } = createFakeStream(count, simulation.clock, simulation.random)
  let made = 0
  const put = async (more: number) => {
    const Records = Array.from({ length: more }, () => ({ PartitionKey: `k${made % 37}`, Data: new TextEncoder().encode(`${made++}`) }))
    await handlers.PutRecords({ Records } as never)
  }
  await put(records)
  const consume = (options: Partial<ConsumerOptions> = {}) =>
    createConsumer({ streamName: 's', client, commands, ports: simulation, checkpoints: store, until: 'now', ...options })
  const idsOf = async (consumer: ReturnType<typeof consume>, pause = 0) => {
    const ids: number[] = []
    for await (const batch of consumer) {
      ids.push(...batch.records.map(({ data }) => Number(new TextDecoder().decode(data))))
      await simulation.clock.sleep(pause)
    }
    return ids
  }
  return { ...simulation, ...stream, put, store, consume, idsOf }
}

const sorted = (ids: number[]) => ids.sort((a, b) => a - b)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

test('a stream that was made anew is not taken for one that is read to its end', async () => {
  const { run, shards, split, consume, idsOf, store } = await world(1, 100)
  split(shards[0].ShardId)
  await run(idsOf(consume()))
  const anew = await world(1, 100, store)
  const message = `shard ${shards[0].ShardId}: expected the checkpoint of an open shard, got SHARD_END`
  await expect(anew.run(anew.idsOf(anew.consume()))).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(message) })
  const also = await world(1, 100, store)
  await expect(also.run(also.idsOf(also.consume({ until: undefined, shardIds: [shards[0].ShardId] })))).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('the end of a shard that is listed as open for some seconds more is its end', async () => {
  const { run, clock, shards, split, put, consume, idsOf } = await world(1, 100)
  const [{ ShardId }] = shards
  const consumer = consume({ until: undefined })
  const work = async () => {
    await clock.sleep(2_000)
    const made = split(ShardId)
    const range = shards[0].SequenceNumberRange
    // Read to its end, but listed as it was, without children.
    shards[0].SequenceNumberRange = { ...range }
    const hidden = shards.splice(1)
    await clock.sleep(3_000)
    shards.push(...hidden)
    await put(100)
    await clock.sleep(70_000)
    consumer.close()
    expect(made.length).toBe(2)
  }
  const [ids] = await run(Promise.all([idsOf(consumer), work()]))
  expect(sorted(ids)).toEqual(upTo(200))
})

test.each([true, false])('two consumers of one process with one store (exclusive %s) share its shards', async (exclusive) => {
  const { run, clock, put, store, consume, idsOf } = await world(4, 500)
  const checkpoints: CheckpointStore = { ...store, exclusive }
  const options = { checkpoints, until: undefined, maxRecords: 50 }
  const [a, b] = [consume(options), consume(options)]
  const work = async () => {
    await clock.sleep(20_000)
    a.close()
    // b has what a had, in time.
    await clock.sleep(20_000)
    await put(100)
    await clock.sleep(10_000)
    b.close()
  }
  const [one, other] = await run(Promise.all([idsOf(a, 10), idsOf(b, 10), work()]))
  expect([...new Set(sorted([...one, ...other]))]).toEqual(upTo(600))
  // Handed out on both sides where a shard changes hands.
  expect(one.length + other.length).toBeLessThan(exclusive ? 601 : 1_200)
  expect(Math.max(...other)).toBe(599)
})

test('two iterations at a time of one consumer do not take shards from each other for ever', async () => {
  const { run, clock, consume, idsOf } = await world(4, 500)
  const consumer = consume({ until: undefined, maxRecords: 50 })
  const work = async () => {
    await clock.sleep(30_000)
    consumer.close()
  }
  const [one, other] = await run(Promise.all([idsOf(consumer, 10), idsOf(consumer, 10), work()]))
  expect([...new Set(sorted([...one, ...other]))]).toEqual(upTo(500))
  expect(one.length + other.length).toBeLessThan(1_000)
  expect(consumer.metrics().leasesLost).toBeLessThan(5)
})

test('a worker of the same name in this process is refused, and may come once the first has gone', async () => {
  const { run, consume, idsOf } = await world(1, 10)
  const both = () => Promise.allSettled([idsOf(consume({ workerId: 'w' })), idsOf(consume({ workerId: 'w' }))])
  const [first, second] = await run(both())
  expect(first).toMatchObject({ status: 'fulfilled' })
  expect(second).toMatchObject({ reason: { code: 'LOCKED', message: expect.stringContaining('worker w: expected a name of its own') } })
  await run(idsOf(consume({ workerId: 'w' })))
})

test('a shard that the stream does not have, with a store that has others', async () => {
  const { run, shards, consume, idsOf } = await world(2, 100)
  await run(idsOf(consume()))
  await expect(run(idsOf(consume({ shardIds: [shards[0].ShardId, 'shardId-7'] })))).rejects.toThrow('"shardIds" expected shards of the stream, got "shardId-7"')
  expect(() => consume({ shardIds: [] })).toThrow('"shardIds.length" expected at least 1, got 0')
})

test.each<[string, Partial<CheckpointStore>, string]>([
  ['read nothing', { read: async () => undefined as never }, '"checkpoints.read()" expected an array of leases, got undefined'],
  ['read others', { read: async () => [{ shardId: 's' }] as never }, '"checkpoints.read()[0].checkpoint.sequenceNumber" expected text, got undefined'],
  ['do not say whether they wrote', { write: async () => undefined as never }, '"checkpoints.write()" expected true or false, got undefined'],
  ['never read', { read: () => new Promise(() => {}) }, 'no answer within 90000 ms'],
  ['never write', { write: () => new Promise(() => {}) }, 'no answer within 90000 ms'],
])('stores that %s', async (_, wrong, message) => {
  const { run, store, consume, idsOf } = await world(1, 10)
  await expect(run(idsOf(consume({ checkpoints: { ...store, ...wrong } })))).rejects.toThrow(message)
})

test('a store that stops to answer does not keep the loop from its end', async () => {
  const { run, clock, store, consume } = await world(1, 10)
  const read = async () => {
    for await (const { records } of consume({
      checkpoints: { ...store, write: (...row) => (clock.monotonic() < 1_000 ? store.write(...row) : new Promise(() => {})) },
    })) {
      await clock.sleep(records.length * 200)
      break
    }
  }
  await run(Promise.race([read(), clock.sleep(300_000).then(() => expect.fail('it hangs'))]))
})

test('a transaction that does not say whether it was made', async () => {
  const { run, consume } = await world(1, 10)
  const read = async () => {
    for await (const { checkpoint } of consume({ checkpointInterval: Infinity }))
      await expect(checkpoint(undefined, (async () => {}) as never)).rejects.toThrow('"write" expected true or false, got undefined')
  }
  await run(read())
})

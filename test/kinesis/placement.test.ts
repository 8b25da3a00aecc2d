// What the producer knows of its stream: when it looks, what it asks, what it makes of the answers.
import { describe, expect, test } from 'vitest'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import type { AwsClient } from '../../src/ports/aws.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, type FakeOptions, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}, fake: FakeOptions = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random, fake)
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, ...options })
  const asked = (command: string) => stream.log.filter((entry) => entry.command === command)
  return { ...simulation, stream, producer, asked }
}

const records = (count: number, of = 'k') => Array.from({ length: count }, (_, i) => ({ partitionKey: `${of}${i}`, data: String(i) }))

test('all pages, open shards alone where the server knows the filter', async () => {
  const { run, stream, producer, asked } = world(1, 5)
  stream.split(stream.shards[0].ShardId)
  await run(producer.putBatch(records(100)).then(() => producer.close()))
  const inputs = asked('ListShards').map(({ input }) => input as object)
  expect(inputs).toEqual([
    { StreamName: 's', ShardFilter: { Type: 'AT_LATEST' }, MaxResults: 1000 },
    { NextToken: '3', MaxResults: 1000 },
    { NextToken: '6', MaxResults: 1000 },
  ])
  // The fake knows no filter, and lists the closed parent.
  expect(stream.shards[0].records).toEqual([])
  expect(usersIn(stream)).toMatchObject({ dropped: 0 })
  expect(usersIn(stream).all).toHaveLength(100)
})

test('looked up again from time to time while records come, and never while none do', async () => {
  const { run, clock, producer, asked } = world(2, 1, { refreshInterval: 10_000 })
  await run(
    (async () => {
      for (let i = 0; i < 100; i++) {
        await producer.put({ partitionKey: 'k', data: 'x' })
        await clock.sleep(500)
      }
      const looks = asked('ListShards').length
      expect(looks).toBeGreaterThan(4)
      expect(looks).toBeLessThan(7)
      await clock.sleep(3_600_000)
      expect(asked('ListShards')).toHaveLength(looks)
      await producer.close()
    })(),
  )
})

test('a look that fails is tried again later and later, and disturbs nobody', async () => {
  const { run, stream, clock, producer, asked } = world(3, 1, { refreshInterval: 60_000, recordTtl: 1_000 })
  await run(
    (async () => {
      await producer.put({ partitionKey: 'k', data: 'x' })
      await clock.sleep(60_000)
      stream.handlers.ListShards = () => {
        throw serviceError('AccessDeniedExceptionX', 400)
      }
      for (let i = 0; i < 600; i++) {
        const { outcome } = await producer.put({ partitionKey: 'k', data: 'x' })
        if (i % 100 === 0) expect((await outcome).status).toBe('delivered')
        await clock.sleep(500)
      }
      // 300 s: at 1 to 2 s, 2 to 4 s ... 15 to 30 s.
      expect(asked('ListShards').length).toBeGreaterThan(10)
      expect(asked('ListShards').length).toBeLessThan(30)
      await producer.close()
    })(),
  )
})

test('shards that a split has made are found by the slow look, before any aggregate goes wrong', async () => {
  const { run, stream, clock, producer } = world(4, 2, { refreshInterval: 1_000 })
  await run(
    (async () => {
      await producer.putBatch(records(50))
      await producer.flush()
      stream.split(stream.shards[0].ShardId)
      stream.split(stream.shards[1].ShardId)
      await clock.sleep(2_000)
      // This one only makes it look.
      await producer.put({ partitionKey: 'one', data: 'x' })
      await clock.sleep(500)
      await producer.putBatch(records(50, 'm'))
      await producer.close()
    })(),
  )
  expect(usersIn(stream)).toMatchObject({ dropped: 0 })
  expect(producer.metrics()).toMatchObject({ uncertain: 0, delivered: 101 })
})

test('a new shard that is not listed yet is waited for: nothing is sent twice that need not be', async () => {
  const { run, stream, producer } = world(5, 2, {}, { listingLag: 250 })
  await run(
    (async () => {
      await producer.putBatch(records(10))
      await producer.flush()
      const [left, right] = stream.shards
      stream.merge(left.ShardId, right.ShardId)
      await producer.putBatch(records(50, 'm'))
      await producer.close()
    })(),
  )
  expect(producer.metrics()).toMatchObject({ uncertain: 0, delivered: 60 })
  expect(usersIn(stream).all).toHaveLength(60)
})

test('a stream without an open shard in its list: records wait, for recordTtl', async () => {
  const { run, stream, producer, clock } = world(10, 1, { recordTtl: 5_000 })
  const list = stream.handlers.ListShards
  stream.handlers.ListShards = (input) => (clock.monotonic() < 2_000 ? { Shards: [] } : list(input))
  expect((await run(producer.put({ partitionKey: 'k', data: 'x' }).then(({ outcome }) => outcome))).status).toBe('delivered')
  const never = world(11, 1, { recordTtl: 5_000 })
  never.stream.handlers.ListShards = () => ({ Shards: [] })
  const outcome = await never.run(never.producer.put({ partitionKey: 'k', data: 'x' }).then(({ outcome }) => outcome))
  expect(outcome).toMatchObject({ status: 'failed', code: 'EXPIRED', attempts: 7 })
})

test.each(['none', 'key'] as const)(
  'a stream that is deleted and comes again with other shards, order %s: nothing lies in a shard whose readers drop it',
  async (ordering) => {
    const { clock, random, run } = createSimulation(12)
    const [first, second] = [createFakeStream(1, clock, random), createFakeStream(4, clock, random)]
    const gone = {
      async send() {
        await clock.sleep(1)
        throw serviceError('ResourceNotFoundException', 400)
      },
    }
    let there: AwsClient = first.client
    const client: AwsClient = { send: (command, options) => there.send(command, options) }
    const producer = createProducer({ streamName: 's', client, commands: first.commands, ports: { clock, random }, ordering, maxBufferedTime: 10 })
    const outcomes = await run(
      (async () => {
        const receipts = await Promise.all(records(3_000).map((record) => producer.put({ ...record, data: 'x'.repeat(1_000) })))
        await clock.sleep(100)
        there = gone
        await clock.sleep(20_000)
        receipts.push(...(await Promise.all(records(200, 'gone').map((record) => producer.put(record)))))
        await clock.sleep(200)
        there = second.client
        for (let i = 0; i < 20; i++) {
          receipts.push(...(await Promise.all(records(100, `again${i}-`).map((record) => producer.put(record)))))
          await clock.sleep(50)
        }
        await producer.close()
        return Promise.all(receipts.map(({ outcome }) => outcome))
      })(),
    )
    const stored = [...usersIn(first).all, ...usersIn(second).all]
    expect(usersIn(second).dropped).toBe(0)
    expect(usersIn(second).all).toHaveLength(2_000)
    expect(stored).toHaveLength(outcomes.filter(({ status }) => status === 'delivered').length)
    for (const outcome of outcomes) if (outcome.status === 'failed') expect(outcome.code).toBe('ResourceNotFoundException')
  },
)

describe('RecordDistributionStrategy', () => {
  test('AUTO, switched on and off at run time: aggregates end, and come back', async () => {
    const { run, stream, clock, producer } = world(6, 4, { refreshInterval: 5_000 })
    const round = async (of: string) => {
      const before = producer.metrics().kinesisRecords
      await producer.putBatch(records(100, of))
      await producer.flush()
      return producer.metrics().kinesisRecords - before
    }
    await run(
      (async () => {
        expect(await round('a')).toBe(4)
        stream.faults.auto = true
        await clock.sleep(10_000)
        await producer.put({ partitionKey: 'one', data: 'x' })
        await clock.sleep(1_000)
        expect(await round('b')).toBe(100)
        stream.faults.auto = false
        await clock.sleep(10_000)
        await producer.put({ partitionKey: 'two', data: 'x' })
        await clock.sleep(1_000)
        expect(await round('c')).toBe(4)
        await producer.close()
      })(),
    )
    const users = usersIn(stream)
    expect(users.dropped).toBe(0)
    expect(new Set(users.all.map(({ key }) => key)).size).toBe(302)
  })

  test('a role that may not read it: mismatches tell', async () => {
    const { run, stream, producer } = world(7, 8, {})
    stream.handlers.DescribeStreamSummary = () => {
      throw serviceError('AccessDeniedException', 400)
    }
    stream.faults.auto = true
    await run(
      (async () => {
        await producer.putBatch(records(500))
        await producer.close()
      })(),
    )
    expect(producer.metrics().delivered).toBe(500)
    expect(new Set(usersIn(stream).all.map(({ key }) => key)).size).toBe(500)
  })

  test('is not asked for where no aggregates are wanted', async () => {
    const { run, producer, asked } = world(8, 1, { aggregation: false })
    await run(producer.put({ partitionKey: 'k', data: 'x' }).then(() => producer.close()))
    expect(asked('DescribeStreamSummary')).toEqual([])
  })
})

test('aggregates end below whole payload units, or where the KPL ends them', async () => {
  for (const [options, least, most] of [
    [{}, 49_700, 49_999],
    [{ wholePayloadUnits: false }, 50_900, 51_200],
    [{ aggregationMaxSize: 1_000_000 }, 999_700, 999_999],
    [{ aggregationMaxSize: 24_000 }, 23_700, 24_000],
  ] as const) {
    const { run, stream, producer } = world(9, 1, { ...options, rateLimit: Number.POSITIVE_INFINITY })
    await run(
      (async () => {
        await producer.putBatch(Array.from({ length: 12_000 }, (_, i) => ({ partitionKey: `k${i}`, data: new Uint8Array(200) })))
        await producer.close()
      })(),
    )
    const sizes = stream.shards[0].records.map(({ Data }) => Data.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(most)
    expect(sizes.filter((size) => size < least).length).toBeLessThanOrEqual(1)
  }
})

test('an aggregate that meets the second of two changes is judged by the second: not sent again', async () => {
  // 'k0' and 'k1' hold, one in each half; requests are answered in turn
  const { run, stream, clock, producer } = world(31, 4, { maxBufferedTime: 1, maxRequests: 8 })
  const put = stream.handlers.PutRecords
  await run(
    (async () => {
      await producer.putBatch(records(50))
      await producer.flush()
      const [a, b, , d] = stream.shards.map(({ ShardId }) => ShardId)
      // Under way with the map of before both changes, stored after them.
      let held = true
      stream.handlers.PutRecords = async (input, signal) => {
        if (held) {
          held = false
          await clock.sleep(2_000)
        }
        return put(input, signal)
      }
      const late = await producer.putBatch(records(50, 'late'))
      await clock.sleep(50)
      stream.split(d)
      // seen by these, which lie all over
      await (await producer.putBatch(records(50, 'soon'))).outcomes
      stream.merge(a, b)
      const outcomes = await late.outcomes
      const merged = stream.open().find(({ start }) => start === 0n)?.ShardId
      let inMerged = 0
      for (let i = 0; i < outcomes.count; i++) {
        const outcome = outcomes.at(i)
        if (outcome.status !== 'delivered' || outcome.shardId !== merged) continue
        inMerged++
        expect(outcome).toMatchObject({ attempts: 1, uncertain: false })
      }
      expect(inMerged).toBeGreaterThan(10)
      await producer.close()
    })(),
  )
  const { all } = usersIn(stream)
  expect(all).toHaveLength(150)
})

// The consumer in simulated time over a stream in memory, with splits, merges and faults from a seed.
import { describe, expect, test } from 'vitest'
import { aggregate } from '../../../src/kinesis/aggregates/aggregate.js'
import { createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { ShardMap } from '../../../src/kinesis/shards/shard-map.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream, serviceError } from '../fake.js'
import { collect, sorted, text, upTo } from './collect.js'

function world(seed: number, shards: number) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const { client, commands } = stream
  let id = 0
  const put = async (count: number) => {
    const records = Array.from({ length: count }, () => ({ PartitionKey: `k${id % 37}`, Data: new TextEncoder().encode(`${id++}`) }))
    while (records.length > 0) await stream.handlers.PutRecords({ Records: records.splice(0, 500) } as never)
  }
  const consume = (options: object = {}) => createConsumer({ streamName: 's', client, commands, ports: simulation, from: 'TRIM_HORIZON', ...options })
  return { ...simulation, stream, put, consume }
}

test('reads every shard, parents before children, and ends with the last closed shard', async () => {
  const { run, stream, put, consume } = world(1, 3)
  await put(300)
  const [left, right] = stream.split(stream.shards[0].ShardId)
  await put(300)
  stream.split(right.ShardId)
  stream.merge(left.ShardId, stream.shards.at(-2)?.ShardId as string)
  await put(300)
  // No open shard is left: the stream has an end.
  for (const shard of stream.open()) shard.SequenceNumberRange.EndingSequenceNumber = String(10n ** 55n + 10n ** 9n)
  expect(sorted(await run(collect(consume())))).toEqual(upTo(900))
})

test("until 'now' ends at the newest record; what comes later is left", async () => {
  const { run, clock, put, consume } = world(2, 2)
  await put(2500)
  await run(clock.sleep(5000))
  const ids = await run(collect(consume({ until: 'now', maxRecords: 100 })))
  expect(sorted(ids)).toEqual(upTo(2500))
  const empty = world(3, 4)
  expect(await empty.run(collect(empty.consume({ until: 'now' })))).toEqual([])
})

test('no shard is asked more than five times a second', async () => {
  const { run, stream, put, consume } = world(4, 3)
  await put(3000)
  await run(collect(consume({ until: 'now', maxRecords: 50 })))
  const calls = stream.log.filter((l) => l.command === 'GetRecords')
  expect(calls.length).toBeGreaterThan(50)
  for (const shard of stream.shards) {
    const times = calls.filter((l) => l.input.ShardIterator.startsWith(shard.ShardId)).map((l) => l.at)
    for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(200)
  }
})

test('LATEST reads what comes from now on, in the shards of now and their children', async () => {
  const { run, clock, stream, put, consume } = world(5, 2)
  await put(100)
  stream.split(stream.shards[0].ShardId)
  await put(100)
  const consumer = consume({ from: 'LATEST' })
  const produce = async () => {
    await clock.sleep(3000)
    await put(100)
    stream.merge(stream.open()[1].ShardId, stream.open()[2].ShardId)
    await put(100)
    await clock.sleep(10_000)
    consumer.close()
  }
  const [ids] = await run(Promise.all([collect(consumer), produce()]))
  expect(sorted(ids)).toEqual(upTo(400).slice(200))
})

test('a point in time, by Date or by AT_TIMESTAMP', async () => {
  const { run, clock, stream, put, consume } = world(6, 2)
  await put(100)
  stream.split(stream.shards[1].ShardId)
  await run(clock.sleep(10_000))
  const timestamp = new Date(clock.now())
  await put(100)
  await run(clock.sleep(1000))
  for (const from of [{ from: timestamp }, { from: 'AT_TIMESTAMP', timestamp }]) {
    expect(sorted(await run(collect(consume({ ...from, until: 'now' }))))).toEqual(upTo(200).slice(100))
  }
})

test('faults of the service and iterators that expire lose and repeat nothing', async () => {
  const { run, clock, random, stream, put, consume } = world(7, 3)
  Object.assign(stream.faults, { throttleAll: 0.2, serverError: 0.2 })
  const produce = async () => {
    for (let i = 0; i < 30; i++) {
      Object.assign(stream.faults, { throttleAll: 0, serverError: 0 })
      await put(40)
      Object.assign(stream.faults, { throttleAll: 0.2, serverError: 0.2 })
      if (i % 7 === 3) stream.split(stream.open()[0].ShardId)
      await clock.sleep(20_000)
    }
  }
  const consumer = consume({ maxRecords: 20, until: new Date(clock.now() + 600_000) })
  // A reader that takes its time: iterators live five minutes.
  const slow = () => (random.next() < 0.05 ? clock.sleep(301_000) : undefined)
  const [ids] = await run(Promise.all([collect(consumer, slow), produce()]))
  expect(sorted(ids)).toEqual(upTo(1200))
  expect(stream.log.filter((l) => l.command === 'GetShardIterator').length).toBeGreaterThan(stream.shards.length)
})

test('LATEST stays where it was when its iterator expires before the first record', async () => {
  const { run, clock, put, consume } = world(13, 2)
  await put(50)
  const consumer = consume({ from: 'LATEST', maxRequests: 1, maxRecords: 5 })
  const produce = async () => {
    await clock.sleep(3000)
    await put(60)
    await clock.sleep(600_000)
    consumer.close()
  }
  let first = true
  const slow = () => {
    const wait = first ? clock.sleep(301_000) : undefined
    first = false
    return wait
  }
  const [ids] = await run(Promise.all([collect(consumer, slow), produce()]))
  expect(sorted(ids)).toEqual(upTo(110).slice(50))
})

test('aggregates are opened; one outside its shard is dropped as the KCL does, or kept with the reason', async () => {
  const { run, stream, consume } = world(8, 2)
  const records = Array.from({ length: 20 }, (_, i) => ({ partitionKey: `k${i}`, data: new TextEncoder().encode(`${i}`) }))
  const good = aggregate(records, { shards: ShardMap.even(2) })
  const bad = aggregate(records, { shards: ShardMap.even(1) })
  await stream.handlers.PutRecords({ Records: [...good.records, ...bad.records] } as never)
  const seen = await run(
    (async () => {
      const dropped: string[] = []
      let packed = 0
      const ids = await collect(consume({ until: 'now' }), (batch) => {
        dropped.push(...batch.dropped.map((d) => d.reason))
        packed += batch.packed.count
        for (const record of batch.records) {
          expect(batch.sequenceNumbers).toContain(record.sequenceNumber)
          expect(record.shardId).toBe(batch.shardId)
        }
      })
      // told once, whichever is looked at first
      const told: string[] = []
      for (const first of ['records', 'packed', 'dropped'] as const)
        for await (const batch of consume({ until: 'now' })) {
          for (const look of [first, 'packed', 'records'] as const) void batch[look]
          told.push(...batch.dropped.map(({ reason }) => `${first} ${reason}`))
        }
      const kept: (string | undefined)[] = []
      for await (const record of consume({ until: 'now', mode: 'keep' }).records()) kept.push(record.reason)
      return { ids, dropped, packed, told, kept }
    })(),
  )
  expect(sorted(seen.ids)).toEqual(upTo(20))
  expect(seen.packed).toBe(20)
  expect(seen.dropped).toEqual(['OUT_OF_RANGE'])
  expect(seen.told).toEqual(['records OUT_OF_RANGE', 'packed OUT_OF_RANGE', 'dropped OUT_OF_RANGE'])
  expect(seen.kept).toHaveLength(40)
  expect(seen.kept.filter((reason) => reason === 'OUT_OF_RANGE').length).toBeGreaterThan(0)
})

test('each record has the time at which Kinesis took it', async () => {
  const { run, clock, put, consume } = world(9, 2)
  const times = []
  for (let i = 0; i < 3; i++) {
    times.push(clock.now())
    await put(20)
    await run(clock.sleep(1000))
  }
  const all: (readonly [number, number | undefined])[] = []
  const work = async () => {
    for await (const { data, arrival } of consume({ until: 'now' }).records()) all.push([Number(text(data)), arrival])
  }
  await run(work())
  expect(all.length).toBe(60)
  for (const [id, arrival] of all) expect(arrival).toBe(times[Math.floor(id / 20)])
})

test('a shard that is read to its end is no longer behind, whatever the service said last', async () => {
  const { run, clock, stream, put, consume } = world(10, 1)
  await put(100)
  stream.split(stream.shards[0].ShardId)
  const { GetRecords } = stream.handlers
  stream.handlers.GetRecords = async (...given) => ({ ...((await GetRecords(...given)) as object), MillisBehindLatest: 5000 })
  const consumer = consume()
  const leave = async () => {
    await clock.sleep(30_000)
    consumer.close()
  }
  await run(Promise.all([collect(consumer), leave()]))
  const [parent, ...children] = stream.shards.map(({ ShardId }) => consumer.metrics().shards[ShardId].millisBehindLatest)
  expect([parent, ...children]).toEqual([0, 5000, 5000])
})

test('mode strict: the iteration throws at the first aggregate that the KCL would drop, before its batch', async () => {
  const { run, stream, consume } = world(8, 2)
  const records = Array.from({ length: 20 }, (_, i) => ({ partitionKey: `k${i}`, data: new TextEncoder().encode(`${i}`) }))
  const good = aggregate(records, { shards: ShardMap.even(2) })
  await stream.handlers.PutRecords({ Records: good.records } as never)
  expect(sorted(await run(collect(consume({ until: 'now', mode: 'strict' }))))).toEqual(upTo(20))
  await stream.handlers.PutRecords({ Records: aggregate(records, { shards: ShardMap.even(1) }).records } as never)
  const [sequence] = stream.shards.flatMap((shard) => shard.records.slice(1).map((record) => record.SequenceNumber))
  await expect(run(collect(consume({ until: 'now', mode: 'strict' })))).rejects.toThrow(
    `record 1, byte 101: sequence number ${sequence}, OUT_OF_RANGE: expected a user record with a hash key in the range of the shard`,
  )
})

test('leaving the loop ends what is under way', async () => {
  const { run, clock, stream, put, consume } = world(9, 4)
  await put(100)
  await run(
    (async () => {
      for await (const batch of consume()) {
        expect(batch.records.length).toBeGreaterThan(0)
        break
      }
      const calls = stream.log.length
      await clock.sleep(60_000)
      expect(stream.log.length).toBeLessThanOrEqual(calls + 4)
    })(),
  )
})

test('a reader that does not pull holds no more than maxRequests answers', async () => {
  const { run, clock, stream, put, consume } = world(10, 12)
  await put(1000)
  await run(
    (async () => {
      let first = true
      for await (const _ of consume({ maxRequests: 3, until: 'now' })) {
        if (first) {
          await clock.sleep(10_000)
          expect(stream.log.filter((l) => l.command === 'GetRecords').length).toBeLessThanOrEqual(4)
        }
        first = false
      }
    })(),
  )
})

describe('what will not pass is thrown', () => {
  test.each(['ListShards', 'GetShardIterator', 'GetRecords'])('%s', async (command) => {
    const { run, stream, put, consume } = world(11, 2)
    await put(10)
    stream.handlers[command] = () => {
      throw serviceError('AccessDeniedException', 400, 'no')
    }
    await expect(run(collect(consume()))).rejects.toMatchObject({ code: 'SERVICE', message: expect.stringContaining('AccessDeniedException: no') })
  })

  test('and what does not pass after maxAttempts', async () => {
    const { run, stream, put, consume } = world(12, 1)
    await put(10)
    stream.faults.serverError = 1
    await expect(run(collect(consume({ maxAttempts: 3 })))).rejects.toThrow('InternalFailure')
    expect(stream.log.filter((l) => l.command === 'GetRecords')).toHaveLength(3)
  })
})

test('close() ends an iteration that waits for the list of shards, and lets no other begin', async () => {
  const { run, clock, stream, consume } = world(13, 1)
  stream.handlers.ListShards = () => {
    throw serviceError('InternalFailure', 500)
  }
  const consumer = consume()
  await run(
    (async () => {
      const work = collect(consumer)
      await clock.sleep(1000)
      consumer.close()
      expect(await work).toEqual([])
    })(),
  )
  expect(clock.monotonic()).toBeLessThan(2000)
  const calls = stream.log.length
  expect(await run(collect(consumer))).toEqual([])
  expect(stream.log).toHaveLength(calls)
})

test.each([
  [{ from: 'OLDEST' }, `"from" expected 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP' or a Date, got "OLDEST"`],
  [{ from: new Date(Number.NaN) }, `"from" expected 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP' or a Date, got an invalid Date`],
  [{ from: 'AT_TIMESTAMP' }, '"timestamp" expected a Date (from is AT_TIMESTAMP), got undefined'],
  [{ timestamp: new Date(0) }, '"timestamp" expected nothing, for only AT_TIMESTAMP has one, got Date'],
  [{ until: 'later' }, `"until" expected 'now' or a Date, got "later"`],
  [{ mode: 'lax' }, `"mode" expected 'kcl', 'keep' or 'strict', got "lax"`],
  [{ maxRecords: 10_001 }, '"maxRecords" expected a whole number from 1 to 10000, got 10001'],
  [{ shardIds: 'x' }, '"shardIds" expected an array of shard ids, got "x"'],
  [{ maxRecords: 1.5 }, '"maxRecords" expected a whole number from 1 to 10000, got 1.5'],
  [{ ports: {} }, '"ports" expected ports with a clock and random, got an object'],
  [{ form: 'LATEST' }, '"options" expected one of'],
])('wrong argument %j', (options, message) => {
  expect(() => world(1, 1).consume(options)).toThrow(message)
})

test('a shard that the stream does not have is no empty one', async () => {
  const { run, put, consume, stream } = world(14, 2)
  await put(10)
  const { ShardId } = stream.shards[0]
  await expect(run(collect(consume({ shardIds: [ShardId, 'shardId-9'], until: 'now' })))).rejects.toThrow(
    '"shardIds" expected shards of the stream, got "shardId-9"',
  )
  expect((await run(collect(consume({ shardIds: [ShardId], until: 'now' })))).length).toBeLessThan(10)
})

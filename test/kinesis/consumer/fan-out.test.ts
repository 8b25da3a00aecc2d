// Enhanced fan-out in simulated time, over a service in memory with its rules: one subscription of a consumer and shard
// at a time, five seconds from one to the next, five minutes of each.
import { describe, expect, test } from 'vitest'
import { aggregate } from '../../../src/kinesis/aggregates/aggregate.js'
import { memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type ConsumerOptions, createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { ShardMap } from '../../../src/kinesis/shards/shard-map.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream, serviceError } from '../fake.js'
import { collect, sorted, upTo } from './collect.js'
import { addFanOut, streamError } from './fake-fan-out.js'

function world(seed: number, shards: number) {
  const simulation = createSimulation(seed)
  const { clock, random } = simulation
  const stream = createFakeStream(shards, clock, random)
  const service = addFanOut(stream, clock, random)
  const { client, commands } = stream
  let id = 0
  const put = async (count: number) => {
    const records = Array.from({ length: count }, () => ({ PartitionKey: `k${id % 37}`, Data: new TextEncoder().encode(`${id++}`) }))
    while (records.length > 0) await stream.handlers.PutRecords({ Records: records.splice(0, 500) } as never)
  }
  const consume = (options: Partial<ConsumerOptions> = {}) =>
    createConsumer({ streamName: 's', client, commands, ports: simulation, fanOut: { consumerName: 'app' }, ...options })
  const calls = (command: string) => stream.log.filter((call) => call.command === command)
  return { ...simulation, stream, service, put, consume, calls }
}

/** Subscriptions of each shard in their order, those that the service counts as begun. */
function expectPaced(subscriptions: readonly { shardId: string; at: number }[]) {
  for (const id of new Set(subscriptions.map(({ shardId }) => shardId))) {
    const times = subscriptions.filter(({ shardId }) => shardId === id).map(({ at }) => at)
    for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(5_000)
  }
}

test('reads every shard, parents before children, without one GetRecords, and ends with the last closed shard', async () => {
  const { run, stream, put, consume, calls, service } = world(1, 3)
  await put(300)
  const [left, right] = stream.split(stream.shards[0].ShardId)
  await put(300)
  stream.split(right.ShardId)
  stream.merge(left.ShardId, stream.shards.at(-2)?.ShardId as string)
  await put(300)
  for (const shard of stream.open()) shard.SequenceNumberRange.EndingSequenceNumber = String(10n ** 55n + 10n ** 9n)
  service.faults.mute = true
  // Closed shards without children are nothing that the service has: their end is asked for.
  expect(sorted(await run(collect(consume())))).toEqual(upTo(900))
  service.faults.mute = false
  stream.log.length = 0
  const consumer = consume({ until: 'now' })
  const children = stream.merge(stream.shards.at(-1)?.ShardId as string, stream.shards.at(-2)?.ShardId as string)
  expect(sorted(await run(collect(consumer, ({ shardId }) => expect(shardId).not.toBe(children.ShardId))))).toEqual(upTo(900))
  expect(calls('SubscribeToShard').length).toBeGreaterThanOrEqual(stream.shards.length)
})

test('splits and merges while records come: the end of a shard is its event, GetRecords is never called', async () => {
  const { run, clock, stream, put, consume, calls } = world(2, 2)
  const consumer = consume()
  const produce = async () => {
    for (let i = 0; i < 12; i++) {
      await put(100)
      await clock.sleep(3_000)
      if (i === 3) stream.split(stream.open()[0].ShardId)
      if (i === 7) stream.merge(stream.open()[1].ShardId, stream.open()[2].ShardId)
    }
    await clock.sleep(20_000)
    consumer.close()
  }
  const [ids] = await run(Promise.all([collect(consumer), produce()]))
  expect(sorted(ids)).toEqual(upTo(1200))
  expect(calls('GetRecords')).toEqual([])
  expect(calls('GetShardIterator')).toEqual([])
})

test('a subscription is renewed before its five minutes are over: no gap, no record twice, no failure', async () => {
  const { run, clock, put, consume, service } = world(3, 2)
  const consumer = consume()
  const produce = async () => {
    for (let i = 0; i < 400; i++) {
      await put(10)
      await clock.sleep(3_000)
    }
    await clock.sleep(10_000)
    consumer.close()
  }
  const [ids] = await run(Promise.all([collect(consumer), produce()]))
  expect(sorted(ids)).toEqual(upTo(4000))
  // 20 minutes: four or five of each shard.
  expect(service.subscriptions.length).toBeGreaterThanOrEqual(2 * 5)
  expect(service.subscriptions.length).toBeLessThanOrEqual(2 * 6)
  for (const { at, ended = 0 } of service.subscriptions) expect(ended - at).toBeLessThan(300_000)
  for (const { position } of service.subscriptions.slice(2)) expect(position.Type).toBe('AFTER_SEQUENCE_NUMBER')
  expect(consumer.metrics()).toMatchObject({ failures: 0, kinesisRecords: 4000 })
})

test.each([
  ['nothing is put: the next subscription goes on behind the last empty event', 'TRIM_HORIZON'],
  ['from LATEST, which stays where it was', 'LATEST'],
] as const)('%s', async (_, from) => {
  const { run, clock, put, consume, service } = world(4, 2)
  await put(50)
  const consumer = consume({ from })
  const produce = async () => {
    await clock.sleep(700_000)
    await put(50)
    await clock.sleep(10_000)
    consumer.close()
  }
  const [ids] = await run(Promise.all([collect(consumer), produce()]))
  expect(sorted(ids)).toEqual(from === 'LATEST' ? upTo(100).slice(50) : upTo(100))
  expect(service.subscriptions.slice(2).every(({ position }) => position.Type === 'AFTER_SEQUENCE_NUMBER')).toBe(true)
  expect(consumer.metrics().failures).toBe(0)
  expect(consumer.metrics().shards['shardId-000000000000'].millisBehindLatest).toBe(0)
})

test('LATEST is said once: where the first subscription breaks before an event, the next one begins at its time', async () => {
  const { run, clock, put, consume, service } = world(5, 1)
  await put(50)
  service.faults.throttle = 1
  const consumer = consume({ from: 'LATEST' })
  const produce = async () => {
    await clock.sleep(10_000)
    await put(50)
    service.faults.throttle = 0
    service.faults.silence = 1
    await clock.sleep(30_000)
    service.faults.silence = 0
    await clock.sleep(100_000)
    consumer.close()
  }
  const [ids] = await run(Promise.all([collect(consumer), produce()]))
  expect(sorted(ids)).toEqual(upTo(100).slice(50))
})

describe('a subscription that fails', () => {
  test.each<[string, Error]>([
    ['InternalFailureException in the stream', streamError('InternalFailureException', 'server')],
    ['KMSThrottlingException in the stream', streamError('KMSThrottlingException', 'client')],
    ['ResourceInUseException in the stream', streamError('ResourceInUseException', 'client')],
    ['an error that the service has no model of', Object.assign(new Error('why'), { name: 'InternalError' })],
    ['a reset', Object.assign(new Error('aborted'), { code: 'ECONNRESET' })],
  ])('is followed by another one: %s', async (_, error) => {
    const { run, clock, put, consume, service } = world(6, 1)
    await put(100)
    const consumer = consume()
    const produce = async () => {
      await clock.sleep(15_000)
      service.faults.next = error
      await put(100)
      await clock.sleep(30_000)
      consumer.close()
    }
    const [ids] = await run(Promise.all([collect(consumer), produce()]))
    expect(sorted(ids)).toEqual(upTo(200))
    expect(service.subscriptions).toHaveLength(2)
    expectPaced(service.subscriptions)
    expect(consumer.metrics()).toMatchObject({ failures: 1, throttled: error.name === 'KMSThrottlingException' ? 1 : 0 })
  })

  test.each([
    ['ResourceNotFoundException', 'consumer deleted'],
    ['KMSAccessDeniedException', 'no key'],
    ['KMSDisabledException', 'disabled'],
  ])('ends the iteration where that will not pass: %s', async (name, message) => {
    const { run, put, consume, service } = world(7, 1)
    await put(10)
    service.faults.next = Object.assign(streamError(name, 'client'), { message })
    await expect(run(collect(consume()))).rejects.toMatchObject({ code: 'SERVICE', message: `shard shardId-000000000000: ${name}: ${message}` })
    expect(service.subscriptions).toHaveLength(1)
  })

  test('and does so maxAttempts times in a row', async () => {
    const { run, put, consume, service } = world(8, 1)
    await put(10)
    service.faults.end = 1
    await expect(run(collect(consume({ maxAttempts: 3 })))).rejects.toThrow('SubscriptionEnded: the subscription has ended before its first event')
    expect(service.subscriptions).toHaveLength(3)
    expectPaced(service.subscriptions)
  })

  test('by silence is given up after a minute', async () => {
    const { run, clock, put, consume, service } = world(9, 1)
    service.faults.silence = 1
    const consumer = consume()
    const produce = async () => {
      await put(10)
      await clock.sleep(10_000)
      service.faults.silence = 0
      await clock.sleep(70_000)
      consumer.close()
    }
    const [ids] = await run(Promise.all([collect(consumer), produce()]))
    expect(sorted(ids)).toEqual(upTo(10))
    expect(consumer.metrics().failures).toBe(1)
  })

  test('because the shard has expired is the end of that shard', async () => {
    const { run, clock, stream, put, consume } = world(10, 2)
    await put(100)
    const consumer = consume({ fanOut: { consumerName: 'app' } })
    const produce = async () => {
      await clock.sleep(8_000)
      stream.split(stream.shards[0].ShardId)
      // Its records are gone, and it is not listed any more.
      stream.shards.splice(0, 1)
      await put(100)
      await clock.sleep(60_000)
      for (const shard of stream.open()) shard.ParentShardId = undefined
      await clock.sleep(200_000)
      consumer.close()
    }
    const [ids] = await run(Promise.all([collect(consumer), produce()]))
    expect(sorted(ids)).toEqual(upTo(200))
  })
})

test.each(upTo(20).map((i) => 200 + i))('seed %i: faults of every kind, splits and merges lose and repeat nothing', async (seed) => {
  const { run, clock, random, stream, put, consume, service } = world(seed, 3)
  Object.assign(service.faults, { reset: 0.03, internal: 0.02, end: 0.03, silence: 0.005, throttle: 0.1, inUse: 0.1, mute: seed % 4 === 0 })
  const consumer = consume({ from: seed % 2 ? 'TRIM_HORIZON' : new Date(clock.now()) })
  const produce = async () => {
    for (let i = 0; i < 40; i++) {
      await put(Math.floor(60 * random.next()))
      const chance = random.next()
      if (chance < 0.1) stream.split(stream.open()[0].ShardId)
      const [a, b] = stream.open().sort((x, y) => (x.start < y.start ? -1 : 1))
      if (chance > 0.9 && b) stream.merge(a.ShardId, b.ShardId)
      await clock.sleep(20_000 * random.next())
    }
    await put(10)
    for (const fault of ['reset', 'internal', 'end', 'silence', 'throttle', 'inUse']) Object.assign(service.faults, { [fault]: 0 })
    await clock.sleep(900_000)
    consumer.close()
    return stream.shards.reduce((sum, { records }) => sum + records.length, 0)
  }
  // One who takes their time: by chance longer than the service waits, or than a subscription lives.
  const slow = () => {
    const chance = random.next()
    return chance < 0.02 ? clock.sleep(40_000) : chance < 0.025 ? clock.sleep(301_000) : undefined
  }
  const [ids, total] = await run(Promise.all([collect(consumer, slow), produce()]))
  expect(sorted(ids)).toEqual(upTo(total))
  expectPaced(service.subscriptions)
})

test('the next event is not taken before the last one is done with', async () => {
  const { run, clock, stream, put, consume, service } = world(11, 1)
  await put(2_000)
  let pulled = 0
  const subscribe = stream.handlers.SubscribeToShard
  stream.handlers.SubscribeToShard = async (input, signal) => {
    const { EventStream } = (await subscribe(input, signal)) as { EventStream: AsyncIterable<unknown> }
    const counted = async function* () {
      for await (const event of EventStream) {
        pulled++
        yield event
      }
    }
    return { EventStream: counted() }
  }
  let batches = 0
  const ids = await run(
    collect(consume({ until: 'now' }), async () => {
      batches++
      await clock.sleep(31_000)
      expect(pulled - batches).toBeLessThanOrEqual(0)
    }),
  )
  // The service gives up who is that slow, each time; nothing is lost or comes twice.
  expect(sorted(ids)).toEqual(upTo(2_000))
  expect(service.subscriptions.length).toBeGreaterThan(batches / 2)
})

describe('who leaves', () => {
  test.each(['break', 'close'])('by %s ends the subscriptions', async (how) => {
    const { run, clock, put, consume, service } = world(12, 4)
    await put(400)
    const consumer = consume()
    await run(
      (async () => {
        for await (const _ of consumer) {
          if (how === 'break') break
          consumer.close()
        }
        await clock.sleep(1_000)
      })(),
    )
    expect(service.subscriptions.length).toBeGreaterThan(0)
    for (const { ended } of service.subscriptions) expect(ended).toBeDefined()
  })

  test('while the consumer is being registered is not held', async () => {
    const { run, clock, consume, calls } = world(13, 1)
    const consumer = consume()
    const close = async () => {
      await clock.sleep(1_000)
      consumer.close()
    }
    const [ids] = await run(Promise.all([collect(consumer), close()]))
    expect(ids).toEqual([])
    expect(clock.monotonic()).toBeLessThan(1_100)
    expect(calls('SubscribeToShard')).toEqual([])
  })
})

describe('the registered consumer', () => {
  test('is made by its name where there is none, and found the next time', async () => {
    const { run, put, consume, calls, service } = world(14, 1)
    await put(10)
    expect(await run(collect(consume({ until: 'now' })))).toEqual(upTo(10))
    expect(calls('RegisterStreamConsumer')).toHaveLength(1)
    expect(await run(collect(consume({ until: 'now', streamName: undefined, streamARN: service.streamARN } as never)))).toEqual(upTo(10))
    expect(calls('RegisterStreamConsumer')).toHaveLength(1)
    expect(calls('DescribeStreamSummary')).toHaveLength(1)
  })

  test('is taken by its ARN without a look', async () => {
    const { run, clock, stream, service, put, consume, calls } = world(15, 1)
    await put(10)
    await stream.handlers.RegisterStreamConsumer({ StreamARN: service.streamARN, ConsumerName: 'app' } as never)
    await run(clock.sleep(5_000))
    const consumerARN = service.consumers.get('app')?.arn as string
    expect(await run(collect(consume({ until: 'now', fanOut: { consumerARN } })))).toEqual(upTo(10))
    expect(calls('DescribeStreamConsumer')).toEqual([])
  })

  test('may have been made by another one at the same time', async () => {
    const { run, put, consume, service } = world(16, 1)
    await put(10)
    const both = await run(Promise.all([1, 2, 3].map(() => collect(consume({ until: 'now' })))))
    expect(both).toEqual([upTo(10), upTo(10), upTo(10)])
    expect(service.consumers.size).toBe(1)
  })

  test.each(['the end', 'break', 'close', 'an error'])('is deregistered after %s where that is asked for, and made anew by the next iteration', async (how) => {
    const { run, clock, put, consume, service, calls } = world(17, 1)
    await put(10)
    const consumer = consume({ until: 'now', fanOut: { consumerName: 'app', deregister: true } })
    const read = async () => {
      for await (const _ of consumer) {
        if (how === 'break') break
        if (how === 'close') consumer.close()
        if (how === 'an error') throw new Error('mine')
      }
    }
    if (how === 'an error') await expect(run(read())).rejects.toThrow('mine')
    else await run(read())
    expect(calls('DeregisterStreamConsumer')).toHaveLength(1)
    expect(await run(collect(consume({ until: 'now' })))).toEqual(upTo(10))
    expect(calls('RegisterStreamConsumer').length).toBeGreaterThanOrEqual(2)
    await run(clock.sleep(10_000))
    expect(service.consumers.size).toBe(1)
  })

  test('that somebody else has deregistered by then is gone as asked; one that cannot be is told', async () => {
    const { run, stream, put, consume } = world(18, 1)
    await put(10)
    const options = { until: 'now', fanOut: { consumerName: 'app', deregister: true } } as const
    stream.handlers.DeregisterStreamConsumer = () => {
      throw serviceError('ResourceNotFoundException', 400)
    }
    expect(await run(collect(consume(options)))).toEqual(upTo(10))
    stream.handlers.DeregisterStreamConsumer = () => {
      throw serviceError('AccessDeniedException', 400, 'may not')
    }
    await expect(run(collect(consume(options)))).rejects.toThrow('DeregisterStreamConsumer: AccessDeniedException: may not')
  })

  test.each([
    ['DescribeStreamSummary', 'AccessDeniedException', 'DescribeStreamSummary: AccessDeniedException: no'],
    ['DescribeStreamConsumer', 'AccessDeniedException', 'consumer app: AccessDeniedException: no'],
    ['RegisterStreamConsumer', 'LimitExceededException', 'consumer app: LimitExceededException: no'],
  ])('that does not come about is an error: %s, %s', async (command, name, message) => {
    const { run, clock, stream, consume } = world(19, 1)
    stream.handlers[command] = () => {
      throw serviceError(name, 400, 'no')
    }
    await expect(run(collect(consume()))).rejects.toMatchObject({ code: 'SERVICE', message })
    expect(clock.monotonic()).toBeLessThan(61_000)
  })

  test('that never becomes active is one too', async () => {
    const { run, stream, consume } = world(20, 1)
    stream.handlers.DescribeStreamConsumer = () => ({ ConsumerDescription: { ConsumerARN: 'arn:x', ConsumerStatus: 'CREATING' } })
    await expect(run(collect(consume()))).rejects.toThrow('consumer app: ResourceInUseException: expected it to be ACTIVE, got CREATING')
  })
})

test('checkpoints, by batch and by record: the next one goes on inside the aggregate that was half done', async () => {
  const { run, stream, consume, service } = world(21, 1)
  const records = Array.from({ length: 40 }, (_, i) => ({ partitionKey: `k${i}`, data: new TextEncoder().encode(`${i}`) }))
  for (const part of [records.slice(0, 20), records.slice(20)]) {
    await stream.handlers.PutRecords({ Records: aggregate(part, { shards: ShardMap.even(1) }).records } as never)
  }
  const checkpoints = memoryCheckpoints()
  const ids: number[] = []
  await run(
    (async () => {
      for await (const { data } of consume({ checkpoints, until: 'now' }).records()) {
        ids.push(Number(new TextDecoder().decode(data)))
        if (ids.length === 7) break
      }
    })(),
  )
  // The seventh was handed out, and not come back from.
  ids.pop()
  expect(await run(collect(consume({ checkpoints, until: 'now' })))).toEqual(upTo(40).slice(6))
  expect(service.subscriptions.map(({ position }) => position.Type)).toEqual(['TRIM_HORIZON', 'AT_SEQUENCE_NUMBER'])
  expect(await run(collect(consume({ checkpoints, until: 'now' })))).toEqual([])
})

test("modes and de-duplication are those of the polled consumer's", async () => {
  const { run, stream, put, consume } = world(22, 2)
  await put(20)
  const records = Array.from({ length: 20 }, (_, i) => ({ partitionKey: `k${i}`, data: new TextEncoder().encode(`${100 + i}`) }))
  await stream.handlers.PutRecords({ Records: aggregate(records, { shards: ShardMap.even(1) }).records } as never)
  const dropped: string[] = []
  expect(sorted(await run(collect(consume({ until: 'now' }), (batch) => dropped.push(...batch.dropped.map(({ reason }) => reason)))))).toEqual(upTo(20))
  expect(dropped).toEqual(['OUT_OF_RANGE'])
  await expect(run(collect(consume({ until: 'now', mode: 'strict' })))).rejects.toThrow('OUT_OF_RANGE')
})

test.each([
  [{ fanOut: null }, '"fanOut" expected an object with consumerName or consumerARN, got null'],
  [{ fanOut: {} }, '"fanOut.consumerName" expected a name of 1 to 128 letters'],
  [{ fanOut: { consumerName: 'a b' } }, '"fanOut.consumerName" expected a name of 1 to 128 letters'],
  [{ fanOut: { consumerARN: 'app' } }, '"fanOut.consumerARN" expected an ARN, got "app"'],
  [{ fanOut: { consumerARN: 'arn:x', consumerName: 'app' } }, '"fanOut.consumerName" expected nothing beside "consumerARN", got "app"'],
  [{ fanOut: { consumerName: 'app', deregister: 1 } }, '"fanOut.deregister" expected true or false, got 1'],
  [{ fanOut: { name: 'app' } }, '"fanOut" expected one of consumerName, consumerARN, deregister'],
  [{ maxRecords: 10 }, '"maxRecords" expected nothing beside "fanOut", got 10'],
])('wrong argument %j', (options, message) => {
  expect(() => world(1, 1).consume(options as never)).toThrow(message)
})

// Order and pace of the whole producer, in simulated time.
import { describe, expect, test } from 'vitest'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, ...options })
  return { ...simulation, stream, producer }
}

/** For each key the records as readers first see them. */
function firstSeen(stream: ReturnType<typeof createFakeStream>): Map<string, number[]> {
  const seen = new Map<string, number[]>()
  for (const { key, data } of usersIn(stream).inOrder()) {
    const list = seen.get(key) ?? []
    seen.set(key, list)
    if (!list.includes(Number(data))) list.push(Number(data))
  }
  return seen
}

const records = (from: number, count: number, keys: number) =>
  Array.from({ length: count }, (_, i) => ({ partitionKey: `k${(from + i) % keys}`, data: String(from + i) }))

describe.each([true, false])("ordering 'key', aggregation %s", (aggregation) => {
  test('holds while everything fails and the shards change', async () => {
    const { run, stream, clock, producer } = world(1, 2, { ordering: 'key', aggregation, aggregationMaxSize: 400, maxBufferedTime: 5 })
    Object.assign(stream.faults, { throttle: 0.2, internalFailure: 0.1, lostAck: 0.1, serverError: 0.1 })
    await run(
      (async () => {
        for (let i = 0; i < 40; i++) {
          await producer.putBatch(records(i * 50, 50, 7))
          await clock.sleep(20)
          const [first, second] = stream.open().sort((a, b) => (a.start < b.start ? -1 : 1))
          if (i % 10 === 4) stream.split(first.ShardId)
          if (i % 10 === 9) stream.merge(first.ShardId, second.ShardId)
        }
        await producer.close()
      })(),
    )
    const seen = firstSeen(stream)
    expect(seen.size).toBe(7)
    for (const [key, ids] of seen) expect(ids, key).toEqual(records(0, 2000, 7).flatMap((r) => (r.partitionKey === key ? [Number(r.data)] : [])))
  })

  test('a record that is refused leaves a gap, those behind it go on', async () => {
    const { run, stream, producer } = world(2, 1, { ordering: 'key', aggregation, aggregationMaxCount: 1 })
    const put = stream.handlers.PutRecords
    stream.handlers.PutRecords = (input, signal) => {
      if (input.Records.some(({ Data }) => String.fromCharCode(...Data) === '7')) throw serviceError('ValidationException', 400)
      return put(input, signal)
    }
    const outcomes = await run(
      (async () => {
        const receipt = await producer.putBatch(records(0, 30, 3))
        await producer.close()
        return receipt.outcomes
      })(),
    )
    expect([...outcomes.failures()].map(({ record }) => record)).toEqual([7])
    expect(firstSeen(stream).get('k1')).toEqual([1, 4, 10, 13, 16, 19, 22, 25, 28])
  })
})

test('without order the same faults reorder: the test above can fail', async () => {
  const { run, stream, producer } = world(1, 2, { aggregation: false, maxBufferedTime: 5 })
  Object.assign(stream.faults, { throttle: 0.2 })
  await run(
    (async () => {
      await producer.putBatch(records(0, 2000, 7))
      await producer.close()
    })(),
  )
  expect([...firstSeen(stream).values()].some((ids) => ids.some((id, i) => i > 0 && id < ids[i - 1]))).toBe(true)
})

test("ordering 'key', raw: records of other keys do not wait, those of one key do", async () => {
  const { run, stream, producer } = world(3, 1, { ordering: 'key', aggregation: false })
  await run(
    (async () => {
      await producer.putBatch(records(0, 300, 100))
      await producer.close()
    })(),
  )
  const requests = stream.log.filter(({ command }) => command === 'PutRecords').map(({ input }) => input.Records)
  expect(requests.length).toBe(3)
  for (const request of requests) expect(new Set(request.map(({ PartitionKey }) => PartitionKey)).size).toBe(100)
})

test("ordering 'shard': one Kinesis record of a shard under way at a time", async () => {
  const { run, stream, producer } = world(4, 4, { ordering: 'shard', aggregationMaxSize: 100 })
  stream.faults.throttle = 0.3
  await run(
    (async () => {
      await producer.putBatch(records(0, 400, 50))
      await producer.close()
    })(),
  )
  for (const { command, input } of stream.log) if (command === 'PutRecords') expect(input.Records.length).toBeLessThanOrEqual(4)
  for (const shard of stream.shards) {
    const ids = usersIn({ shards: [shard] })
      .inOrder()
      .map(({ data }) => Number(data))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
  }
})

describe('pace', () => {
  test('a shard gets its limits and no more, and a hot one holds up no other', async () => {
    const { run, stream, clock, producer } = world(5, 4, { aggregation: false, maxBufferedRecords: 20_000 })
    const [{ start }] = stream.shards
    await run(
      (async () => {
        const hot = await producer.putBatch(Array.from({ length: 5_000 }, () => ({ partitionKey: 'hot', explicitHashKey: start, data: 'x' })))
        const cold = await producer.putBatch(
          Array.from({ length: 900 }, (_, i) => ({ partitionKey: 'c', explicitHashKey: stream.shards[1 + (i % 3)].start, data: 'x' })),
        )
        expect((await cold.outcomes).delivered).toBe(900)
        expect(clock.monotonic()).toBeLessThan(1_000)
        expect((await hot.outcomes).delivered).toBe(5_000)
        expect(clock.monotonic()).toBeGreaterThan(3_900)
        expect(clock.monotonic()).toBeLessThan(5_000)
        await producer.close()
      })(),
    )
    let sent = 0
    for (const { command, input, at } of stream.log) {
      if (command !== 'PutRecords') continue
      sent += input.Records.filter(({ PartitionKey }) => PartitionKey === 'hot').length
      expect(sent).toBeLessThanOrEqual(1000 + at + 1)
    }
  })

  test('where another producer takes half of the shard, few are throttled: the pace learns', async () => {
    const { run, stream, clock, producer } = world(6, 1, { aggregation: false, maxBufferedRecords: 2_000 })
    const put = stream.handlers.PutRecords
    let left = 500
    let at = 0
    let throttled = 0
    stream.handlers.PutRecords = async (input, signal) => {
      left = Math.min(500, left + ((clock.monotonic() - at) / 1000) * 500)
      at = clock.monotonic()
      const taken = Math.min(Math.floor(left), input.Records.length)
      left -= taken
      throttled += input.Records.length - taken
      const { Records } = (await put({ ...input, Records: input.Records.slice(0, taken) }, signal)) as { Records: object[] }
      return { Records: [...Records, ...Array.from({ length: input.Records.length - taken }, () => ({ ErrorCode: 'ProvisionedThroughputExceededException' }))] }
    }
    await run(
      (async () => {
        await producer.putBatch(records(0, 20_000, 100))
        await producer.close()
      })(),
    )
    expect(producer.metrics().delivered).toBe(20_000)
    // 40 s at the rate that is there.
    expect(clock.monotonic()).toBeLessThan(60_000)
    expect(throttled).toBeLessThan(20_000)
  })

  test('shards unknown: still no flood', async () => {
    const { run, stream, clock, producer } = world(7, 4, {})
    stream.handlers.ListShards = () => {
      throw serviceError('AccessDeniedException', 400)
    }
    await run(
      (async () => {
        await producer.putBatch(records(0, 3_000, 100))
        await clock.sleep(100)
        expect(producer.metrics().delivered).toBeLessThanOrEqual(1_200)
        await producer.close()
      })(),
    )
    expect(producer.metrics().delivered).toBe(3_000)
    expect(clock.monotonic()).toBeGreaterThan(900)
  })
})

test('maxRequestBytes: requests end at it, 5 MiB by default, 10 MiB where asked for', async () => {
  for (const maxRequestBytes of [undefined, 10_485_760]) {
    const { run, stream, producer } = world(8, 64, { maxRequestBytes, aggregationMaxSize: 500_000, rateLimit: Number.POSITIVE_INFINITY, maxRequests: 1 })
    await run(
      (async () => {
        await producer.putBatch(Array.from({ length: 30_000 }, (_, i) => ({ partitionKey: `k${i}`, data: new Uint8Array(1000) })))
        await producer.close()
      })(),
    )
    const sizes = stream.log.flatMap(({ command, input }) =>
      command === 'PutRecords' ? [input.Records.reduce((sum, { Data, PartitionKey = '' }) => sum + Data.length + PartitionKey.length, 0)] : [],
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxRequestBytes ?? 5_242_880)
    expect(Math.max(...sizes)).toBeGreaterThan(0.9 * (maxRequestBytes ?? 5_242_880))
  }
})

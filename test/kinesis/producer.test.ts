// The producer in simulated time over a stream in memory: from one seed each, faults included.
import { describe, expect, test } from 'vitest'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import type { Outcome, Receipt } from '../../src/kinesis/producer/receipt.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { bufferBytes } from '../memory.js'
import { createFakeStream, type Faults, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const { client, commands } = stream
  const producer = createProducer({ streamName: 's', client, commands, ports: simulation, ...options })
  return { ...simulation, stream, producer }
}

const bytes = (text: string) => new TextEncoder().encode(text)

test('records arrive, aggregated by shard, each with its place', async () => {
  const { run, stream, producer } = world(1, 4)
  const work = async () => {
    const receipts: Receipt[] = []
    for (let i = 0; i < 1000; i++) receipts.push(await producer.put({ partitionKey: `key-${i}`, data: `record ${i}` }))
    const outcomes = await Promise.all(receipts.map((r) => r.outcome))
    await producer.close()
    return outcomes
  }
  const outcomes = await run(work())
  const users = usersIn(stream)
  expect(users.dropped).toBe(0)
  expect(stream.log.filter((l) => l.command === 'PutRecords')).toHaveLength(1)
  for (const [i, outcome] of outcomes.entries()) {
    expect(outcome).toMatchObject({ status: 'delivered', attempts: 1, uncertain: false })
    if (outcome.status !== 'delivered') continue
    const user = users.find(outcome.shardId, outcome.sequenceNumber, outcome.subSequenceNumber)
    expect(user).toEqual({ key: `key-${i}`, data: `record ${i}` })
  }
  expect(producer.metrics()).toMatchObject({
    accepted: 1000,
    delivered: 1000,
    failed: 0,
    bufferedRecords: 0,
    bufferedBytes: 0,
    kinesisRecords: 4,
    payloadUnits: 4,
  })
})

test('a byte order mark at the start of a key is a character of it', async () => {
  const { run, stream, producer } = world(3, 1, { maxBufferedTime: 0 })
  await run(
    (async () => {
      for (const partitionKey of ['\ufeff', '\ufeffk']) await (await producer.put({ partitionKey, data: 'x' })).outcome
      await producer.close()
    })(),
  )
  expect(stream.shards[0].records.map((r) => r.PartitionKey)).toEqual(['\ufeff', '\ufeffk'])
})

test('a record waits for company no longer than maxBufferedTime, and flush does not wait', async () => {
  const { run, clock, producer } = world(2, 1, { maxBufferedTime: 500 })
  await run(
    (async () => {
      const started = clock.monotonic()
      await (await producer.put({ partitionKey: 'a', data: 'x' })).outcome
      expect(clock.monotonic() - started).toBeGreaterThanOrEqual(500)
      expect(clock.monotonic() - started).toBeLessThan(700)
      const again = clock.monotonic()
      const { outcome } = await producer.put({ partitionKey: 'a', data: 'y' })
      await producer.flush()
      expect(clock.monotonic() - again).toBeLessThan(100)
      expect((await outcome).status).toBe('delivered')
      await producer.close()
    })(),
  )
})

test('full aggregates do not wait for the clock; what is left over is carried, not sent half empty', async () => {
  const { run, clock, stream, producer } = world(20, 4, { maxBufferedTime: 60_000 })
  await run(
    (async () => {
      const receipt = await producer.putBatch(Array.from({ length: 20_000 }, (_, i) => ({ partitionKey: `k${i % 500}`, data: new Uint8Array(200) })))
      await clock.sleep(5_000)
      expect(producer.metrics().delivered).toBeGreaterThan(10_000)
      await producer.close()
      expect((await receipt.outcomes).delivered).toBe(20_000)
    })(),
  )
  const sizes = stream.shards.flatMap((s) => s.records.map((r) => r.Data.length))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(51_200)
  // All but the last of each shard are full.
  expect(sizes.filter((size) => size < 49_000).length).toBeLessThanOrEqual(4)
  expect(usersIn(stream).all).toHaveLength(20_000)
})

test('put waits while the buffer is full, in order, and memory stays within the bound', async () => {
  const { run, stream, producer, clock } = world(3, 2, { maxBufferedBytes: 100_000, maxBufferedRecords: 300 })
  let most = 0
  await run(
    (async () => {
      const accepted: number[] = []
      const puts = Array.from({ length: 2000 }, async (_, i) => {
        const receipt = await producer.put({ partitionKey: `k${i}`, data: new Uint8Array(i % 500) })
        accepted.push(i)
        const { bufferedBytes, bufferedRecords } = producer.metrics()
        most = Math.max(most, bufferedBytes)
        expect(bufferedRecords).toBeLessThanOrEqual(300)
        return receipt.outcome
      })
      await clock.sleep(1)
      expect(accepted.length).toBeLessThanOrEqual(300)
      const outcomes = await Promise.all(puts)
      expect(outcomes.every((o) => o.status === 'delivered')).toBe(true)
      expect(accepted).toEqual([...accepted].sort((a, b) => a - b))
      await producer.close()
    })(),
  )
  // What was let in by its records alone is in an aggregate a moment later, which counts for itself.
  expect(most).toBeLessThanOrEqual(100_000 + 24 * 512)
  expect(usersIn(stream).all).toHaveLength(2000)
})

test.each([{ maxBufferedRecords: 100 }, { maxBufferedBytes: 10_000 }])('a full buffer %j is not held up by maxBufferedTime', async (options) => {
  const { run, clock, producer } = world(21, 1, { maxBufferedTime: 3_600_000, ...options })
  await run(
    (async () => {
      for (let i = 0; i < 1000; i++) await producer.put({ partitionKey: `k${i}`, data: 'x' })
      await producer.close()
    })(),
  )
  expect(producer.metrics().delivered).toBe(1000)
  expect(clock.monotonic()).toBeLessThan(60_000)
})

test.each([{ Records: [null] }, { Records: [5] }, { Records: 5 }, null])('an answer %j that is none is no answer: the record is sent again', async (answer) => {
  const { run, stream, producer } = world(24, 1)
  const put = stream.handlers.PutRecords
  let calls = 0
  stream.handlers.PutRecords = (input, signal) => (calls++ === 0 ? answer : put(input, signal))
  const outcome = await run(producer.put({ partitionKey: 'k', data: 'x' }).then(({ outcome }) => outcome))
  expect(outcome).toMatchObject({ status: 'delivered', attempts: 2, uncertain: true })
})

const throwing = (name: string) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new TypeError(name)
    },
  })
test.each([
  ['results', () => throwing('Records')],
  ['result', () => ({ Records: [throwing('ErrorCode')] })],
  [
    'shard',
    () => ({
      Records: [
        {
          ...{ SequenceNumber: '1' },
          get ShardId() {
            throw new RangeError('mine')
          },
        },
      ],
    }),
  ],
  ['a code that is no text', () => ({ Records: [{ ErrorCode: { toString: null } }] })],
  ['a shard that is no text', () => ({ Records: [{ ShardId: 7, SequenceNumber: {} }] })],
  [
    'error',
    () => {
      throw throwing('name')
    },
  ],
  [
    'error that is a proxy',
    () => {
      throw new Proxy(
        {},
        {
          get: () => {
            throw new Error('mine')
          },
          getPrototypeOf: () => {
            throw new Error('mine')
          },
        },
      )
    },
  ],
])('an answer that cannot be read (%s) is none: the record is sent again', async (_, answer) => {
  const { run, stream, producer } = world(26, 1)
  const put = stream.handlers.PutRecords
  let calls = 0
  stream.handlers.PutRecords = (input, signal) => (calls++ === 0 ? answer() : put(input, signal))
  const outcome = await run(producer.put({ partitionKey: 'k', data: 'x' }).then(({ outcome }) => outcome))
  expect(outcome).toMatchObject({ status: 'delivered', attempts: 2, uncertain: true })
  expect(producer.metrics().bufferedRecords).toBe(0)
})

test('looking for the record that spoils a request takes no attempt from the others', async () => {
  const { run, stream, producer } = world(25, 1, { aggregation: false, maxAttempts: 3 })
  const put = stream.handlers.PutRecords
  let calls = 0
  stream.handlers.PutRecords = (input, signal) => {
    if (input.Records.some(({ Data }) => Data[0] === 1)) throw serviceError('ValidationException', 400)
    if (calls++ < 2) throw serviceError('InternalFailure', 500)
    return put(input, signal)
  }
  const records = Array.from({ length: 400 }, (_, i) => ({ partitionKey: 'k', data: Uint8Array.of(i === 7 ? 1 : 0) }))
  const outcomes = await run(producer.putBatch(records).then(({ outcomes }) => outcomes))
  expect([...outcomes.failures()]).toMatchObject([{ record: 7, code: 'ValidationException', attempts: 1 }])
})

test('close() leaves no timer behind', async () => {
  const { clock, random } = createSimulation(22)
  const asleep = new Set<number>()
  const watched = {
    ...clock,
    sleep: async (ms: number, signal?: AbortSignal) => {
      asleep.add(ms)
      await (ms < 1000 ? clock.sleep(0) : new Promise((_, reject) => signal?.addEventListener('abort', reject))).finally(() => asleep.delete(ms))
    },
  }
  const simulation = createSimulation(22)
  const { client, commands } = createFakeStream(1, simulation.clock, simulation.random)
  const producer = createProducer({ streamName: 's', client, commands, ports: { clock: watched, random }, maxBufferedTime: 60_000 })
  await simulation.run(producer.put({ partitionKey: 'a', data: 'x' }).then(() => producer.close()))
  expect([...asleep]).toEqual([])
})

test('records that wait for a throttled shard do not keep the batches that they came in', async () => {
  const { run, stream, clock, producer } = world(23, 32)
  const put = stream.handlers.PutRecords
  const [{ start, end }] = stream.shards
  const hot = ({ ExplicitHashKey = '' }) => BigInt(ExplicitHashKey) >= start && BigInt(ExplicitHashKey) <= end
  const throttled = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' }
  stream.handlers.PutRecords = async (input, signal) => {
    const { Records } = (await put({ ...input, Records: input.Records.filter((r) => !hot(r)) }, signal)) as { Records: object[] }
    for (const shard of stream.shards) shard.records = []
    stream.log.length = 0
    return { Records: input.Records.map((r) => (hot(r) ? throttled : Records.shift())) }
  }
  await run(
    (async () => {
      const before = bufferBytes()
      const data = new Uint8Array(1000)
      for (let round = 0; round < 40; round++) {
        await producer.putBatch(Array.from({ length: 5000 }, (_, i) => ({ partitionKey: `k${round}-${i}`, data })))
        await clock.sleep(500)
      }
      const { bufferedBytes } = producer.metrics()
      expect(bufferedBytes).toBeGreaterThan(5e6)
      const limit = 5 * bufferedBytes
      expect(bufferBytes(before + limit) - before).toBeLessThan(limit)
    })(),
  )
})

test.each(['aggregation: false', 'no right to list shards'])('records that go alone count with what holds them: %s', async (why) => {
  const { run, stream, producer, clock } = world(27, 2, { maxBufferedBytes: 1_048_576, recordTtl: 3_600_000, aggregation: why !== 'aggregation: false' })
  const put = stream.handlers.PutRecords
  if (why !== 'aggregation: false')
    stream.handlers.ListShards = () => {
      throw serviceError('AccessDeniedException', 400)
    }
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
  await run(
    (async () => {
      await producer.put({ partitionKey: 'k', data: 'x' })
      await clock.sleep(1_000)
      const records = Array.from({ length: 5_000 }, (_, i) => ({ partitionKey: 'k', data: String(i) }))
      const batch = producer.putBatch(records)
      const lines = producer.putNdjson(bytes('{"k":1}\n'.repeat(5_000)), { partitionKey: 'k' })
      const singles = Promise.all(records.map((record) => producer.put(record)))
      await clock.sleep(10_000)
      const { bufferedRecords, bufferedBytes } = producer.metrics()
      expect(bufferedRecords).toBeGreaterThan(1_000)
      expect(bufferedRecords).toBeLessThan(1_048_576 / 576)
      expect(bufferedBytes).toBeLessThanOrEqual(1_048_576)
      stream.handlers.PutRecords = put
      await Promise.all([batch, lines, singles])
      await producer.close()
      expect(producer.metrics()).toMatchObject({ delivered: 15_001, bufferedRecords: 0, bufferedBytes: 0 })
    })(),
  )
})

test.each(['put', 'putBatch', 'putNdjson'] as const)('%s whose memory is gone by the time there is room rejects, and nobody else with it', async (how) => {
  const { run, producer } = world(21, 1, { maxBufferedRecords: 2 })
  const data = bytes('{"id":"late"}')
  const ways = {
    put: () => producer.put({ partitionKey: 'late', data }),
    putBatch: () => producer.putBatch([{ partitionKey: 'late', data }]),
    putNdjson: () => producer.putNdjson(data, { partitionKey: 'id' }),
  }
  await run(
    (async () => {
      const before = await Promise.all(['a', 'b'].map((partitionKey) => producer.put({ partitionKey, data: 'x' })))
      const late = expect(ways[how]()).rejects.toThrow('detached')
      const behind = producer.put({ partitionKey: 'c', data: 'x' })
      structuredClone(data.buffer, { transfer: [data.buffer] })
      await late
      for (const { outcome } of [...before, await behind]) expect((await outcome).status).toBe('delivered')
      await producer.close()
      expect(producer.metrics()).toMatchObject({ accepted: 3, delivered: 3, bufferedRecords: 0, bufferedBytes: 0 })
    })(),
  )
})

test('a record larger than the buffer goes alone; close() takes in what already waits', async () => {
  const { run, stream, producer } = world(4, 1, { maxBufferedBytes: 1000 })
  await run(
    (async () => {
      const puts = [5000, 10, 7000, 20].map((size) => producer.put({ partitionKey: 'k', data: new Uint8Array(size) }))
      const closed = producer.close()
      await expect(producer.put({ partitionKey: 'k', data: 'late' })).rejects.toMatchObject({ code: 'CLOSED' })
      await closed
      for (const put of puts) expect((await (await put).outcome).status).toBe('delivered')
    })(),
  )
  expect(usersIn(stream).all).toHaveLength(4)
})

test('NDJSON: one record a line; a bad line fails alone and says where', async () => {
  const { run, stream, producer } = world(5, 3)
  const lines = [
    '\ufeff{"id":"a","v":1}\r',
    '\r',
    '{"id":2}',
    'not json',
    '{"v":3}',
    '[1]',
    '{"id":"","v":4}',
    '{"__proto__":"x","id":"é"}',
    '{"id":"a","h":"-1"}',
    '{"id":"z","h":"0"}',
  ]
  const input = bytes(lines.join('\n'))
  const outcomes = await run(
    (async () => {
      const receipt = await producer.putNdjson(input, { partitionKey: 'id', explicitHashKey: 'h' })
      await producer.close()
      expect(receipt.count).toBe(9)
      return receipt.outcomes
    })(),
  )
  expect(outcomes).toMatchObject({ count: 9, delivered: 4, failed: 5 })
  expect([...outcomes.failures()].map(({ record, code, position }) => [record, code, position?.record, position?.line])).toEqual([
    [2, 'BAD_JSON', 2, 4],
    [3, 'BAD_PARTITION_KEY', 3, 5],
    [4, 'BAD_JSON', 4, 6],
    [5, 'BAD_PARTITION_KEY', 5, 7],
    [7, 'BAD_HASH_KEY', 7, 9],
  ])
  expect(outcomes.at(2)).toMatchObject({ message: "expected a JSON object: Unexpected token 'o'" })
  for (const { position } of outcomes.failures()) {
    const line = lines[(position?.line as number) - 1]
    expect(new TextDecoder().decode(input.subarray(position?.offset, (position?.offset as number) + bytes(line).length))).toBe(line)
  }
  expect(
    usersIn(stream)
      .all.map((u) => [u.key, u.data])
      .sort(),
  ).toEqual(
    [
      ['a', '{"id":"a","v":1}'],
      ['2', '{"id":2}'],
      ['é', '{"__proto__":"x","id":"é"}'],
      ['z', '{"id":"z","h":"0"}'],
    ].sort(),
  )
  expect(() => outcomes.at(9)).toThrow(RangeError)
})

test('a record over a limit fails alone', async () => {
  const { run, stream, producer } = world(6, 2)
  const outcomes = await run(
    (async () => {
      const receipt = await producer.putBatch([
        { partitionKey: 'k', data: new Uint8Array(1_048_575) },
        { partitionKey: 'k', data: new Uint8Array(1_048_576) },
        { partitionKey: '', data: '' },
        { partitionKey: 'k'.repeat(257), data: '' },
        { partitionKey: '\u{1f600}'.repeat(256), data: '' },
        { partitionKey: 'k', explicitHashKey: 2n ** 128n, data: '' },
        { partitionKey: 'k', explicitHashKey: '007', data: '' },
      ])
      await producer.close()
      return receipt.outcomes
    })(),
  )
  const codes = Array.from({ length: 7 }, (_, i) => outcomes.at(i)).map((o) => (o.status === 'failed' ? o.code : o.status))
  expect(codes).toEqual(['delivered', 'RECORD_TOO_LARGE', 'BAD_PARTITION_KEY', 'BAD_PARTITION_KEY', 'delivered', 'BAD_HASH_KEY', 'delivered'])
  expect(usersIn(stream).all).toHaveLength(3)
})

describe('errors of the service', () => {
  const produce = async (seed: number, faults: Faults, count: number, options: Partial<ProducerOptions> = {}) => {
    const { run, stream, producer, clock } = world(seed, 3, options)
    Object.assign(stream.faults, faults)
    const outcomes = await run(
      (async () => {
        const records = Array.from({ length: count }, (_, i) => ({ partitionKey: `k${i}`, data: `${i}` }))
        const receipt = await producer.putBatch(records)
        await producer.close()
        return receipt.outcomes
      })(),
    )
    return { stream, outcomes, clock, metrics: producer.metrics() }
  }

  test('throttled records are sent again, later each time, and only they', async () => {
    const { stream, outcomes } = await produce(7, { throttle: 0.7 }, 200, { aggregation: false })
    expect(outcomes.delivered).toBe(200)
    expect(usersIn(stream).all).toHaveLength(200)
    expect(Array.from({ length: 200 }, (_, i) => outcomes.at(i)).every((o) => !o.uncertain)).toBe(true)
    const puts = stream.log.filter((l) => l.command === 'PutRecords')
    expect(puts.length).toBeGreaterThan(3)
    expect(puts.at(-1)?.at).toBeGreaterThan(200)
  })

  test('a lost answer makes a possible duplicate, and says so', async () => {
    for (const faults of [{ lostAck: 0.5 }, { hang: 0.5 }, { miscount: 0.5 }]) {
      const { stream, outcomes } = await produce(8, faults, 3000, { aggregation: false })
      expect(outcomes.delivered).toBe(3000)
      expect(usersIn(stream).all.length).toBeGreaterThan(3000)
      for (let i = 0; i < 3000; i++) expect(outcomes.at(i).uncertain).toBe(outcomes.at(i).attempts > 1)
    }
  })

  test('what will not pass settles at once', async () => {
    const { run, stream, producer, clock } = world(9, 1)
    stream.handlers.PutRecords = () => {
      throw serviceError('AccessDeniedException', 400, 'no')
    }
    await run(
      (async () => {
        const { outcome } = await producer.put({ partitionKey: 'k', data: 'x' })
        expect(await outcome).toMatchObject({ status: 'failed', code: 'AccessDeniedException', message: 'no', attempts: 1, uncertain: false })
        await producer.close()
      })(),
    )
    expect(clock.monotonic()).toBeLessThan(1000)
  })

  test('one record that spoils a request for all is found', async () => {
    const { run, stream, producer } = world(10, 2, { aggregation: false })
    const put = stream.handlers.PutRecords
    stream.handlers.PutRecords = (input, signal) => {
      if (input.Records.some((r) => r.PartitionKey === 'k13')) throw serviceError('ValidationException', 400, 'bad record')
      return put(input, signal)
    }
    const outcomes = await run(
      (async () => {
        const receipt = await producer.putBatch(Array.from({ length: 100 }, (_, i) => ({ partitionKey: `k${i}`, data: `${i}` })))
        await producer.close()
        return receipt.outcomes
      })(),
    )
    expect([...outcomes.failures()].map((f) => [f.record, f.code])).toEqual([[13, 'ValidationException']])
    expect(usersIn(stream).all).toHaveLength(99)
  })

  test('a stream that is not there fails what waits for it', async () => {
    const { run, stream, producer } = world(11, 1)
    stream.handlers.ListShards = () => {
      throw serviceError('ResourceNotFoundException', 400, 'Stream s not found')
    }
    await run(
      (async () => {
        const { outcome } = await producer.put({ partitionKey: 'k', data: 'x' })
        expect(await outcome).toMatchObject({ status: 'failed', code: 'ResourceNotFoundException', message: 'Stream s not found' })
        await producer.close()
      })(),
    )
  })

  test('while the shards cannot be listed records wait, for recordTtl', async () => {
    const { run, stream, producer, clock } = world(18, 1, { recordTtl: 10_000, requestTimeout: 1_000 })
    const list = stream.handlers.ListShards
    stream.handlers.ListShards = (input) => {
      if (clock.monotonic() < 3_000) return new Promise(() => {})
      if (clock.monotonic() < 5_000) throw serviceError('LimitExceededException', 400)
      return list(input)
    }
    stream.handlers.DescribeStreamSummary = () => new Promise(() => {})
    await run(
      (async () => {
        const { outcome } = await producer.put({ partitionKey: 'k', data: 'x' })
        expect((await outcome).status).toBe('delivered')
        expect(clock.monotonic()).toBeLessThan(9_000)
        await producer.close()
      })(),
    )
    const never = world(19, 1, { recordTtl: 10_000 })
    never.stream.handlers.ListShards = () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    }
    await never.run(
      (async () => {
        const { outcome } = await never.producer.put({ partitionKey: 'k', data: 'x' })
        expect(await outcome).toMatchObject({ status: 'failed', code: 'EXPIRED', attempts: 8, uncertain: false })
        expect(never.clock.monotonic()).toBeGreaterThan(10_000)
        expect(never.clock.monotonic()).toBeLessThan(11_000)
        await never.producer.close()
      })(),
    )
  })

  test('without the right to list shards, records go one by one', async () => {
    const { run, stream, producer } = world(12, 3)
    stream.handlers.ListShards = () => {
      throw serviceError('AccessDeniedException', 400)
    }
    await run(
      (async () => {
        const receipt = await producer.putBatch(Array.from({ length: 50 }, (_, i) => ({ partitionKey: `k${i}`, data: `${i}` })))
        await producer.close()
        expect((await receipt.outcomes).delivered).toBe(50)
      })(),
    )
    expect(stream.shards.flatMap((s) => s.records)).toHaveLength(50)
  })

  test('an outage past recordTtl expires records; maxAttempts gives up sooner', async () => {
    const { outcomes, stream } = await produce(13, { serverError: 1 }, 10, { recordTtl: 5_000 })
    expect(outcomes.failed).toBe(10)
    // 50 ms doubled each time: a dozen requests, not a hundred.
    expect(stream.log.filter((l) => l.command === 'PutRecords').length).toBeLessThan(40)
    expect(outcomes.at(0)).toMatchObject({ code: 'EXPIRED', uncertain: true })
    const few = await produce(14, { throttleAll: 1 }, 10, { maxAttempts: 3 })
    expect(few.outcomes.at(0)).toMatchObject({ code: 'ProvisionedThroughputExceededException', attempts: 3, uncertain: false })
  })
})

describe('resharding', () => {
  test('an aggregate that lands across a split is sent again by the new shards', async () => {
    const { run, stream, producer, clock } = world(15, 2)
    const outcomes = await run(
      (async () => {
        await (await producer.put({ partitionKey: 'warm', data: 'up' })).outcome
        for (const shard of stream.open()) stream.split(shard.ShardId)
        const receipt = await producer.putBatch(Array.from({ length: 500 }, (_, i) => ({ partitionKey: `k${i}`, data: `${i}` })))
        await producer.flush()
        const [left, right] = stream.open()
        stream.merge(left.ShardId, right.ShardId)
        const more = await producer.putBatch(Array.from({ length: 500 }, (_, i) => ({ partitionKey: `m${i}`, data: `${i}` })))
        await producer.close()
        return [await receipt.outcomes, await more.outcomes]
      })(),
    )
    expect(outcomes.map((o) => o.delivered)).toEqual([500, 500])
    const users = usersIn(stream)
    // KCL readers see each record once: the aggregates of the old map are dropped whole.
    expect(users.dropped).toBe(2)
    expect(users.all).toHaveLength(1001)
    expect(new Set(users.all.map((u) => u.key)).size).toBe(1001)
    for (let i = 0; i < 500; i++) {
      const o = outcomes[0].at(i) as Outcome & { status: 'delivered' }
      expect(users.find(o.shardId, o.sequenceNumber, o.subSequenceNumber)?.key).toBe(`k${i}`)
    }
    // After the merge all hash keys of the children lie in the merged shard's range: nothing is sent twice.
    for (let i = 0; i < 500; i++) expect(outcomes[1].at(i)).toMatchObject({ attempts: 1, uncertain: false })
    void clock
  })

  test('a stream that places records as it likes ends aggregation', async () => {
    const { run, stream, producer, random } = world(16, 4)
    const put = stream.handlers.PutRecords
    // AUTO: keys are ignored.
    stream.handlers.PutRecords = (input, signal) =>
      put({ ...input, Records: input.Records.map((r) => ({ ...r, ExplicitHashKey: String(BigInt(Math.floor(random.next() * 2 ** 32)) << 96n) })) }, signal)
    await run(
      (async () => {
        for (let round = 0; round < 20; round++) {
          const receipt = await producer.putBatch(Array.from({ length: 100 }, (_, i) => ({ partitionKey: `${round}-${i}`, data: 'x' })))
          await producer.flush()
          expect((await receipt.outcomes).delivered).toBe(100)
        }
        await producer.close()
      })(),
    )
    const users = usersIn(stream, { keepRaw: true })
    expect(new Set(users.all.map((u) => u.key)).size).toBe(2000)
  })

  test('AUTO known from the start: nothing is aggregated', async () => {
    const { run, stream, producer } = world(17, 2)
    stream.handlers.DescribeStreamSummary = () => ({ StreamDescriptionSummary: { RecordDistributionStrategy: 'AUTO' } })
    await run(
      (async () => {
        await producer.putBatch(Array.from({ length: 30 }, (_, i) => ({ partitionKey: `${i}`, data: 'x' })))
        await producer.close()
      })(),
    )
    expect(stream.shards.flatMap((s) => s.records)).toHaveLength(30)
  })
})

test.each(Array.from({ length: 40 }, (_, i) => 1000 + i))(
  'conservation, seed %i: every record settles once, delivered ones are in the stream',
  async (seed) => {
    const simulation = createSimulation(seed)
    const { clock, random, run } = simulation
    const roll = (n: number) => Math.floor(random.next() * n)
    const stream = createFakeStream(1 + roll(6), clock, random)
    const chance = () => (random.next() < 0.5 ? random.next() * 0.3 : 0)
    Object.assign(stream.faults, {
      throttle: chance(),
      internalFailure: chance(),
      throttleAll: chance(),
      serverError: chance(),
      lostAck: chance(),
      hang: chance() / 10,
      miscount: chance() / 3,
    } satisfies Faults)
    const producer = createProducer({
      streamName: 's',
      client: stream.client,
      commands: stream.commands,
      ports: simulation,
      aggregation: random.next() < 0.8,
      aggregationMaxSize: 200 + roll(5000),
      maxBufferedTime: roll(200),
      maxBufferedBytes: 5_000 + roll(200_000),
      maxRequests: 1 + roll(8),
      recordTtl: random.next() < 0.3 ? 2_000 : 300_000,
      requestTimeout: 2_000,
    })
    const settled = new Map<number, Outcome>()
    let records = 0
    const watch = (id: number) => (outcome: Outcome) => {
      expect(settled.has(id)).toBe(false)
      settled.set(id, outcome)
    }
    const user = (id: number) => ({
      partitionKey: `key-${roll(50)}`,
      ...(random.next() < 0.2 ? { explicitHashKey: String(BigInt(roll(2 ** 32)) << 96n) } : {}),
      data: `${id}:${'x'.repeat(roll(300))}`,
    })
    const single = async () => {
      for (let i = 0; i < 150; i++) {
        const id = records++
        void (await producer.put(user(id))).outcome.then(watch(id))
        if (random.next() < 0.1) await clock.sleep(roll(300))
      }
    }
    const batches = async () => {
      for (let i = 0; i < 6; i++) {
        const first = records
        const batch = Array.from({ length: roll(80) }, () => user(records++))
        const receipt = await producer.putBatch(batch)
        void receipt.outcomes.then((o) => {
          for (let k = 0; k < batch.length; k++) watch(first + k)(o.at(k))
        })
        await clock.sleep(roll(1000))
        if (random.next() < 0.3) await producer.flush()
      }
    }
    const reshard = async () => {
      for (let i = 0; i < 4; i++) {
        await clock.sleep(roll(2000))
        const open = stream.open()
        if (random.next() < 0.6 || open.length < 2) stream.split(open[roll(open.length)].ShardId)
        else {
          open.sort((a, b) => (a.start < b.start ? -1 : 1))
          const at = roll(open.length - 1)
          stream.merge(open[at].ShardId, open[at + 1].ShardId)
        }
      }
    }
    await run(
      (async () => {
        await Promise.all([single(), batches(), reshard()])
        await producer.close()
        await clock.sleep(0)
      })(),
    )
    expect(settled.size).toBe(records)
    const users = usersIn(stream)
    const seen = new Map<number, number>()
    for (const { data } of users.all) {
      const id = Number(data.split(':')[0])
      seen.set(id, (seen.get(id) ?? 0) + 1)
    }
    for (const [id, outcome] of settled) {
      if (outcome.status === 'delivered') {
        const found = users.find(outcome.shardId, outcome.sequenceNumber, outcome.subSequenceNumber)
        expect(Number(found?.data.split(':')[0])).toBe(id)
        if (!outcome.uncertain) expect(seen.get(id)).toBe(1)
      } else if (!outcome.uncertain) expect(seen.has(id)).toBe(false)
    }
    expect(producer.metrics()).toMatchObject({ bufferedBytes: 0, bufferedRecords: 0, accepted: records })
  },
)

describe('arguments', () => {
  const make = (options: object) => () => createProducer({ streamName: 's', client: { send: async () => ({}) }, ...options } as ProducerOptions)
  test.each([
    [{ streamName: 5 }, '"streamName" expected the name of a stream, got 5'],
    [{ streamName: undefined }, '"streamName" expected the name of a stream (or give streamARN), got undefined'],
    [{ streamARN: 'x' }, '"streamARN" expected an ARN, got "x"'],
    [{ client: {} }, '"client" expected an object with send(command), got an object'],
    [{ clientConfig: {} }, '"clientConfig" expected nothing beside "client", got an object'],
    [{ aggregation: 1 }, '"aggregation" expected true or false, got 1'],
    [{ aggregationMaxSize: 63 }, '"aggregationMaxSize" expected a whole number from 64 to 10485760, got 63'],
    [{ maxBufferedTime: '1' }, '"maxBufferedTime" expected a number of milliseconds, got "1"'],
    [{ recordTtl: Number.NaN }, '"recordTtl" expected a number of milliseconds from 100, got NaN'],
    [{ aggregationMaxCount: 1.5 }, '"aggregationMaxCount" expected a whole number from 1 to 4294967295, got 1.5'],
    [{ maxBufferedBytes: null }, '"maxBufferedBytes" expected a whole number from 1, got null'],
    [{ maxAttempts: 1.5 }, '"maxAttempts" expected a whole number from 1, got 1.5'],
    [{ ports: {} }, '"ports" expected ports with a clock and random, got an object'],
    [{ linger: 5 }, '"options" expected one of'],
  ])('%j', (options, message) => expect(make(options)).toThrow(message))

  test('records and fields', async () => {
    const producer = make({})()
    const put = (record: unknown) => producer.put(record as never)
    await expect(put(null)).rejects.toThrow('"record" expected a record, got null')
    await expect(put({ partitionKey: 1, data: '' })).rejects.toThrow('"record.partitionKey" expected a string, got 1')
    await expect(put({ partitionKey: 'k', data: 1 })).rejects.toThrow('"record.data" expected a Uint8Array or a string, got 1')
    await expect(put({ partitionKey: 'k', data: '', key: 'x' })).rejects.toThrow('"record" expected one of')
    await expect(producer.putBatch([{ partitionKey: 'k', data: '' }, 7 as never])).rejects.toThrow('"records[1]" expected a record, got 7')
    await expect(producer.putNdjson('x' as never, { partitionKey: 'id' })).rejects.toThrow('"bytes" expected a Uint8Array, got "x"')
    await expect(producer.putNdjson(bytes(''), { key: 'id' } as never)).rejects.toThrow('"options" expected one of')
    const gone = new Uint8Array(4)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    await expect(put({ partitionKey: 'k', data: gone })).rejects.toThrow('"record.data" expected a Uint8Array over its memory')
    await expect(producer.putBatch([{ partitionKey: 'k', data: gone }])).rejects.toThrow('"records[0].data" expected a Uint8Array over its memory')
    await expect(producer.putNdjson(gone, { partitionKey: 'id' })).rejects.toThrow('"bytes" expected a Uint8Array over its memory')
    expect(producer.metrics().accepted).toBe(0)
  })
})

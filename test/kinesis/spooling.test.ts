// The producer over a spool: what is accepted, what comes back, what a spool that cannot be had means.
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { fileSpool } from '../../src/kinesis/producer/spool/spool.js'
import type { OpenSpool } from '../../src/kinesis/producer/spool-port.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'
import { usersIn } from './kcl.js'
import { type CrashingStorage, crashingStorage } from './spool/crashing.js'

function world(seed: number, shards: number) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const spoolIn = (storage: CrashingStorage) => fileSpool({ storage, ...simulation }, '/spool')
  const make = (spool: OpenSpool, options: Partial<ProducerOptions> = {}) =>
    createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, spool, ...options })
  return { ...simulation, stream, spoolIn, make }
}

const records = (count: number, of = 'k') => Array.from({ length: count }, (_, i) => ({ partitionKey: `${of}${i}`, data: String(i) }))
const down = () => {
  throw serviceError('InternalFailure', 500)
}

test('put resolves when the record is durable; records of one moment share an fsync', async () => {
  const { run, spoolIn, make } = world(1, 1)
  const storage = crashingStorage()
  const producer = make(spoolIn(storage))
  await run(
    (async () => {
      await producer.put({ partitionKey: 'k', data: 'first' })
      const before = storage.log.filter(({ operation }) => operation === 'sync').length
      await Promise.all(records(500).map((record) => producer.put(record)))
      await producer.putBatch(records(500))
      await producer.putNdjson(new TextEncoder().encode('{"id":1}\n'.repeat(500)), { partitionKey: 'id' })
      expect(storage.log.filter(({ operation }) => operation === 'sync').length - before).toBeLessThan(15)
      expect(producer.metrics().accepted).toBe(1501)
      await producer.close()
    })(),
  )
})

test('what comes while the device is busy is one append, or one a MiB', async () => {
  const { run, make, clock } = world(11, 1)
  const counts: number[] = []
  let next = 0
  let settled = 0
  const open: OpenSpool = async () => ({
    id: 'fake',
    bytes: 0,
    async *replay() {},
    async append({ count }) {
      counts.push(count)
      await clock.sleep(10)
      next += count
      return next - count
    },
    settle(numbers) {
      settled += numbers.length
    },
    async close() {},
  })
  const producer = make(open)
  await run(
    (async () => {
      await producer.flush()
      const putting = [producer.put({ partitionKey: 'k', data: 'first' })]
      for (const record of records(50)) {
        await clock.sleep(0.1)
        putting.push(producer.put(record))
      }
      await Promise.all(putting)
      expect(counts).toEqual([1, 50])
      await producer.putBatch(records(3_000).map((record) => ({ ...record, data: 'x'.repeat(1_000) })))
      // Of a list 1,024 come in together.
      expect(counts.slice(2)).toEqual([2_048, 952])
      await producer.close()
      expect(settled).toBe(3_051)
    })(),
  )
})

test('what a producer leaves, the next one sends first, keys, hash keys and data as they were', async () => {
  const { run, stream, spoolIn, make, clock } = world(2, 2)
  const storage = crashingStorage()
  const put = stream.handlers.PutRecords
  stream.handlers.PutRecords = down
  await run(
    (async () => {
      const first = make(spoolIn(storage), { recordTtl: Number.POSITIVE_INFINITY })
      const receipt = await first.putBatch([
        { partitionKey: 'é😀', explicitHashKey: 5n, data: 'one' },
        { partitionKey: 'b', data: '' },
        ...records(2_000),
        { partitionKey: 'b', data: 'last' },
      ])
      await clock.sleep(5_000)
      await first.close({ signal: AbortSignal.abort() })
      const outcomes = await receipt.outcomes
      expect(outcomes.failed).toBe(2_003)
      expect(outcomes.at(0)).toMatchObject({ code: 'SPOOLED' })
      stream.handlers.PutRecords = put
      const second = make(spoolIn(storage), { ordering: 'key', maxBufferedBytes: 20_000 })
      // In the middle of the old ones.
      void second.flush()
      await clock.sleep(5)
      const { outcome } = await second.put({ partitionKey: 'b', data: 'new' })
      expect((await outcome).status).toBe('delivered')
      await second.close()
      expect(second.metrics()).toMatchObject({ accepted: 2_004, delivered: 2_004 })
      // Nothing is left for a third.
      const third = make(spoolIn(storage))
      await third.close()
      expect(third.metrics().accepted).toBe(0)
    })(),
  )
  const users = usersIn(stream)
  expect(users.all).toHaveLength(2_004)
  expect(users.all.filter(({ key }) => key === 'b').map(({ data }) => data)).toEqual(['', 'last', 'new'])
  expect(users.all).toContainEqual({ key: 'é😀', data: 'one' })
})

test('an outage of an hour expires nothing; with recordTtl it does', async () => {
  for (const [recordTtl, delivered] of [
    [undefined, 20],
    [60_000, 0],
  ] as const) {
    const { run, stream, spoolIn, make, clock } = world(9, 1)
    const put = stream.handlers.PutRecords
    stream.handlers.PutRecords = down
    await run(
      (async () => {
        const producer = make(spoolIn(crashingStorage()), { recordTtl })
        await producer.putBatch(records(20))
        await clock.sleep(3_600_000)
        stream.handlers.PutRecords = put
        await producer.close()
        expect(producer.metrics()).toMatchObject({ delivered, failed: 20 - delivered })
      })(),
    )
  }
})

test('what cannot be read in the spool is counted, what can be is sent', async () => {
  const { run, stream, spoolIn, make } = world(10, 1)
  const storage = crashingStorage()
  const put = stream.handlers.PutRecords
  stream.handlers.PutRecords = down
  const told: number[] = []
  const sink = {
    createCounter: (name: string) => ({ add: (value: number) => name === 'millrace.producer.spool.damaged' && told.push(value) }),
    createHistogram: () => ({ record() {} }),
  }
  await run(
    (async () => {
      const first = make(spoolIn(storage))
      for (const record of records(3)) await first.put(record)
      await first.close({ signal: AbortSignal.abort() })
      const [path] = [...storage.files.keys()]
      storage.damage(path, (data) => data.fill(0xff, 0, 40))
      stream.handlers.PutRecords = put
      const second = make(spoolIn(storage), { metrics: sink })
      await second.close()
      expect(second.metrics()).toMatchObject({ delivered: 2, spoolDamaged: 1 })
      expect(told).toEqual([1])
      expect([...storage.files.keys()]).toContain(`${path}.damaged`)
    })(),
  )
})

test('a record that is given up is not sent again by the next one', async () => {
  const { run, stream, spoolIn, make } = world(3, 1)
  const storage = crashingStorage()
  stream.handlers.PutRecords = () => {
    throw serviceError('AccessDeniedException', 400)
  }
  await run(
    (async () => {
      const first = make(spoolIn(storage))
      await first.putBatch(records(10))
      await first.close()
      expect(first.metrics().failed).toBe(10)
      const second = make(spoolIn(storage))
      await second.flush()
      expect(second.metrics().accepted).toBe(0)
      await second.close()
    })(),
  )
})

test('flush and close do not wait for company that never comes', async () => {
  const { run, spoolIn, make, clock } = world(4, 1)
  const producer = make(spoolIn(crashingStorage()), { maxBufferedTime: 3_600_000 })
  await run(
    (async () => {
      const putting = producer.putBatch(records(10))
      await producer.flush()
      await putting
      await producer.close()
      expect(clock.monotonic()).toBeLessThan(10_000)
      expect(producer.metrics().delivered).toBe(10)
    })(),
  )
})

describe('a spool that cannot be had', () => {
  test('each put tells the error, close comes to an end', async () => {
    const { run, make } = world(5, 1)
    const producer = make(async () => {
      throw new MillraceError('LOCKED', 'the spool is held by process 7')
    })
    await run(
      (async () => {
        await expect(producer.put(records(1)[0])).rejects.toMatchObject({ code: 'LOCKED' })
        await expect(producer.putBatch(records(3))).rejects.toMatchObject({ code: 'LOCKED' })
        await expect(producer.close()).rejects.toMatchObject({ code: 'LOCKED' })
        expect(producer.metrics()).toMatchObject({ accepted: 0, bufferedRecords: 0 })
      })(),
    )
  })

  test('a device that fails: put rejects, nothing counts as accepted, what was accepted before is delivered', async () => {
    const { run, stream, spoolIn, make } = world(6, 1)
    const storage = crashingStorage()
    const producer = make(spoolIn(storage))
    await run(
      (async () => {
        const good = await producer.put({ partitionKey: 'k', data: 'good' })
        storage.fail = (operation) => (operation === 'write' || operation === 'create' || operation === 'sync' ? 'EIO' : undefined)
        await expect(producer.put({ partitionKey: 'k', data: 'bad' })).rejects.toMatchObject({ code: 'IO' })
        await expect(producer.putBatch(records(10))).rejects.toMatchObject({ code: 'IO' })
        expect((await good.outcome).status).toBe('delivered')
        expect(producer.metrics()).toMatchObject({ accepted: 1, bufferedRecords: 0, bufferedBytes: 0 })
        await producer.close().catch(() => {})
      })(),
    )
    expect(usersIn(stream).all).toEqual([{ key: 'k', data: 'good' }])
  })

  test('a full disk is back-pressure', async () => {
    const { run, spoolIn, make, clock } = world(7, 1)
    const storage = crashingStorage()
    const producer = make(spoolIn(storage))
    await run(
      (async () => {
        await producer.put({ partitionKey: 'k', data: 'first' })
        storage.fail = (operation) => (operation === 'write' || operation === 'create' ? 'ENOSPC' : undefined)
        let accepted = false
        const putting = producer.put({ partitionKey: 'k', data: 'second' }).then(() => {
          accepted = true
        })
        await clock.sleep(60_000)
        expect(accepted).toBe(false)
        storage.fail = undefined
        await putting
        await producer.close()
        expect(producer.metrics().delivered).toBe(2)
      })(),
    )
  })

  test('is checked', () => {
    expect(() => world(8, 1).make('/spool' as never)).toThrow('"spool" expected a function that opens a spool, got "/spool"')
  })
})

// What ends a wait, whatever the other side does: a device, a dead-letter sink, the list of shards.
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors.js'
import type { DeadLetter } from '../../src/kinesis/dead-letter.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import type { Spool } from '../../src/kinesis/producer/spool-port.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, requestTimeout: 2_000, ...options })
  return { ...simulation, stream, producer }
}

const record = (i: number) => ({ partitionKey: `k${i}`, data: String(i) })
const records = (count: number) => Array.from({ length: count }, (_, i) => record(i))
const silence = new Promise<never>(() => {})

/** A spool whose device answers, waits or fails as it is told. */
function createDevice() {
  let next = 0
  let answers = true
  let failure: Error | undefined
  let wake = () => {}
  let awake: Promise<void> = Promise.resolve()
  const answer = async () => {
    while (!answers) await awake
    if (failure) throw failure
  }
  const device = {
    closed: 0,
    settled: 0,
    hang() {
      answers = false
      awake = new Promise((resolve) => {
        wake = resolve
      })
    },
    fail(error: Error) {
      failure = error
    },
    recover() {
      answers = true
      wake()
    },
    async open(): Promise<Spool> {
      await answer()
      return {
        id: 'device',
        bytes: 0,
        async *replay() {},
        async append({ count }) {
          const first = next
          next += count
          await answer()
          return first
        },
        settle(numbers) {
          device.settled += numbers.length
        },
        async close() {
          await answer()
          device.closed++
        },
      }
    },
  }
  return device
}

describe('a device that does not answer', () => {
  test.each(['the records', 'the opening'])('an aborted put rejects at once while it waits for %s', async (what) => {
    const device = createDevice()
    const { run, stream, producer } = world(1, 1, { spool: device.open })
    await run(
      (async () => {
        if (what === 'the records') await producer.put(record(0))
        device.hang()
        const stop = new AbortController()
        const { signal } = stop
        const waiting = [
          producer.put(record(1), { signal }),
          producer.putBatch([record(2)], { signal }),
          producer.putNdjson(new TextEncoder().encode('{"id":3}'), { partitionKey: 'id', signal }),
        ]
        const behind = producer.put(record(4))
        await Promise.resolve()
        stop.abort(new Error('no longer'))
        for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ reason: { message: 'no longer' } })
        device.recover()
        expect((await (await behind).outcome).status).toBe('delivered')
        await producer.close()
      })(),
    )
    // What the device had been given arrives all the same, whole.
    const keys = usersIn(stream)
      .all.map(({ key }) => key)
      .sort()
    expect(keys).toEqual(what === 'the records' ? ['3', 'k0', 'k1', 'k2', 'k4'] : ['k4'])
    expect(producer.metrics().bufferedRecords).toBe(0)
  })

  test('close that is told to stop gives up after requestTimeout: what waits for it rejects, what was accepted has its outcome', async () => {
    const device = createDevice()
    const { run, stream, producer, clock } = world(2, 1, { spool: device.open, maxBufferedRecords: 10, recordTtl: 3_600_000 })
    stream.handlers.PutRecords = () => {
      throw serviceError('InternalFailure', 500)
    }
    await run(
      (async () => {
        const good = await producer.put(record(0))
        device.hang()
        // More than have room.
        const waiting = [...records(30).map((r) => producer.put(r)), producer.putBatch(records(30))]
        await clock.sleep(100)
        const at = clock.monotonic()
        const closed = producer.close({ signal: AbortSignal.abort() })
        for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ reason: { code: 'IO' } })
        await expect(closed).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('it may be there all the same') })
        expect(clock.monotonic() - at).toBe(2_000)
        expect(await good.outcome).toMatchObject({ code: 'SPOOLED' })
        expect(producer.metrics()).toMatchObject({ accepted: 1, bufferedRecords: 0, bufferedBytes: 0 })
        // The lock goes when the device comes back.
        expect(device.closed).toBe(0)
        device.recover()
        await clock.sleep(1)
        expect(device.closed).toBe(1)
      })(),
    )
  })

  test('a spool that opens after close has given up is closed again', async () => {
    const device = createDevice()
    const { run, producer, clock } = world(3, 1, { spool: device.open })
    await run(
      (async () => {
        device.hang()
        const put = producer.put(record(0))
        const closed = producer.close({ signal: AbortSignal.abort() })
        await expect(put).rejects.toMatchObject({ code: 'IO' })
        await expect(closed).rejects.toMatchObject({ code: 'IO' })
        device.recover()
        await clock.sleep(1)
        expect(device.closed).toBe(1)
      })(),
    )
  })
})

test('a spool that has failed: close rejects once what was accepted has its outcome', async () => {
  const device = createDevice()
  const { run, producer, stream } = world(4, 1, { spool: device.open, maxBufferedTime: 60_000 })
  await run(
    (async () => {
      const receipt = await producer.putBatch(records(20))
      device.fail(new MillraceError('IO', 'the spool fails'))
      await expect(producer.put(record(20))).rejects.toMatchObject({ code: 'IO' })
      await expect(producer.close()).rejects.toMatchObject({ code: 'IO', message: 'the spool fails' })
      expect(producer.metrics()).toMatchObject({ accepted: 20, delivered: 20, bufferedRecords: 0 })
      expect((await receipt.outcomes).delivered).toBe(20)
    })(),
  )
  expect(usersIn(stream).all).toHaveLength(20)
  expect(device.settled).toBe(20)
})

test('a second close may tell the first to stop', async () => {
  const { run, stream, producer, clock } = world(5, 1, { recordTtl: 3_600_000 })
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
  await run(
    (async () => {
      const { outcome } = await producer.put(record(1))
      const closed = producer.close()
      await clock.sleep(10_000)
      const stop = new AbortController()
      const again = producer.close({ signal: stop.signal })
      await clock.sleep(10_000)
      stop.abort()
      await Promise.all([closed, again])
      expect(await outcome).toMatchObject({ code: 'ABORTED' })
      expect(clock.monotonic()).toBeLessThan(25_000)
      await expect(producer.close({ signal: 5 } as never)).rejects.toThrow('"options.signal" expected an AbortSignal, got 5')
    })(),
  )
})

test('close that is told to stop does not wait for the shards to be listed', async () => {
  const { run, stream, producer, clock } = world(6, 1, { recordTtl: 3_600_000 })
  await run(
    (async () => {
      await (await producer.put(record(0))).outcome
      stream.split(stream.shards[0].ShardId)
      stream.handlers.ListShards = () => {
        throw serviceError('LimitExceededException', 400)
      }
      const receipt = await producer.putBatch(records(20))
      await clock.sleep(10_000)
      const at = clock.monotonic()
      await producer.close({ signal: AbortSignal.abort() })
      expect(clock.monotonic() - at).toBeLessThan(2_000)
      for (const { code, uncertain } of (await receipt.outcomes).failures()) expect({ code, uncertain }).toEqual({ code: 'ABORTED', uncertain: true })
    })(),
  )
})

describe('a dead-letter sink that does not answer', () => {
  test.each(['refused', 'given up'])('is given up after requestTimeout, the record %s', async (what) => {
    let calls = 0
    const deadLetter = () => {
      calls++
      return silence
    }
    const { run, stream, producer, clock } = world(7, 1, { deadLetter })
    stream.handlers.PutRecords = () => {
      throw serviceError('AccessDeniedException', 400)
    }
    await run(
      (async () => {
        const receipt = await producer.put(what === 'refused' ? { partitionKey: '', data: '' } : record(1))
        const closed = producer.close({ signal: AbortSignal.abort() })
        expect(await receipt.outcome).toMatchObject({ status: 'failed', deadLettered: false })
        await closed
        expect(clock.monotonic()).toBeLessThan(5_000)
        expect(calls).toBe(1)
        expect(producer.metrics()).toMatchObject({ failed: 1, deadLettered: 0, bufferedRecords: 0 })
      })(),
    )
  })

  test('an aborted put does not wait for it, nor go on behind it; close does wait', async () => {
    const letters: DeadLetter[] = []
    const { run, stream, producer, clock } = world(8, 1, {
      async deadLetter(more) {
        await clock.sleep(1_000)
        letters.push(...more)
      },
    })
    await run(
      (async () => {
        const stop = new AbortController()
        const batch = producer.putBatch([{ partitionKey: '', data: '' }, record(1)], { signal: stop.signal })
        await clock.sleep(10)
        stop.abort(new Error('no longer'))
        await expect(batch).rejects.toThrow('no longer')
        expect(clock.monotonic()).toBe(10)
        await producer.close()
        expect(letters).toHaveLength(1)
        expect(producer.metrics()).toMatchObject({ accepted: 0, failed: 1 })
      })(),
    )
    expect(usersIn(stream).all).toHaveLength(0)
  })

  test('a signal that is aborted while a bad record is told of keeps the next one out', async () => {
    const stop = new AbortController()
    const { run, producer } = world(9, 1, {
      deadLetter() {
        stop.abort(new Error('no longer'))
      },
    })
    await run(
      (async () => {
        await expect(producer.putBatch([{ partitionKey: '', data: '' }, record(1)], { signal: stop.signal })).rejects.toThrow('no longer')
        await producer.close()
        expect(producer.metrics()).toMatchObject({ accepted: 0, delivered: 0, failed: 1 })
      })(),
    )
  })
})

test('one signal ends many waits: none is let in by the room that another leaves, and Node warns of no leak', async () => {
  const { run, stream, producer, clock } = world(11, 1, { maxBufferedBytes: 1_000, recordTtl: 3_600_000 })
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  await run(
    (async () => {
      const stop = new AbortController()
      await producer.put(record(0))
      const large = producer.put({ partitionKey: 'k', data: 'x'.repeat(950) }, { signal: stop.signal })
      const small = records(20).map((r) => producer.put(r, { signal: stop.signal }))
      await clock.sleep(10)
      stop.abort(new Error('no longer'))
      for (const { status } of await Promise.allSettled([large, ...small])) expect(status).toBe('rejected')
      expect(producer.metrics().accepted).toBe(1)
      await producer.close({ signal: stop.signal })
    })(),
  )
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

test('a WritableStream that is closed stops waiting when its signal is aborted', async () => {
  const { run, stream, producer, clock } = world(10, 1, { recordTtl: 3_600_000 })
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
  await run(
    (async () => {
      const stop = new AbortController()
      const writer = producer.writable({ signal: stop.signal }).getWriter()
      await writer.write(record(1))
      const closed = writer.close()
      await clock.sleep(10_000)
      stop.abort(new Error('enough'))
      await expect(closed).rejects.toThrow('enough')
      await producer.close({ signal: stop.signal })
    })(),
  )
})

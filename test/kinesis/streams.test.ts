// The producer's other faces, and what ends a wait: streams, iterables, AbortSignals, flush and close.
import { describe, expect, test } from 'vitest'
import type { DeadLetter } from '../../src/kinesis/dead-letter.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import type { ProducerRecord } from '../../src/kinesis/producer/record.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, ...options })
  return { ...simulation, stream, producer }
}

const record = (i: number): ProducerRecord => ({ partitionKey: `k${i}`, data: String(i) })
const records = (count: number) => Array.from({ length: count }, (_, i) => record(i))
const stuck = (stream: ReturnType<typeof createFakeStream>) => {
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
}

describe('send()', () => {
  test('gives each record with its outcome, in order, and takes in while the first waits', async () => {
    const { run, stream, producer } = world(1, 4, { maxBufferedRecords: 50 })
    stream.faults.throttle = 0.3
    async function* source() {
      for (let i = 0; i < 500; i++) yield i % 100 === 7 ? { ...record(i), data: new Uint8Array(2_000_000) } : record(i)
    }
    await run(
      (async () => {
        let i = 0
        for await (const { record: given, outcome } of producer.send(source())) {
          expect(given.partitionKey).toBe(`k${i}`)
          expect(outcome.status).toBe(i++ % 100 === 7 ? 'failed' : 'delivered')
        }
        expect(i).toBe(500)
        await producer.close()
      })(),
    )
    expect(usersIn(stream).all).toHaveLength(495)
    // Not one request a record.
    expect(stream.log.filter(({ command }) => command === 'PutRecords').length).toBeLessThan(250)
  })

  test('plain iterables; who leaves early stops the source; its error comes through', async () => {
    const { run, producer, clock } = world(2, 1)
    await run(
      (async () => {
        let stopped = false
        function* source() {
          try {
            for (let i = 0; ; i++) yield record(i)
          } finally {
            stopped = true
          }
        }
        for await (const { record: given } of producer.send(source())) if (given.partitionKey === 'k9') break
        await clock.sleep(1)
        expect(stopped).toBe(true)
        async function* broken() {
          yield record(0)
          throw new Error('source')
        }
        const seen: string[] = []
        await expect(
          (async () => {
            for await (const { outcome } of producer.send(broken())) seen.push(outcome.status)
          })(),
        ).rejects.toThrow('source')
        expect(seen).toEqual(['delivered'])
        // A source that waits for ever does not hold whoever leaves.
        async function* slow() {
          yield record(0)
          await new Promise(() => {})
        }
        for await (const _ of producer.send(slow())) break
        await producer.close()
      })(),
    )
  })

  test.each(['a record of the wrong type', 'an abort'])('%s stops the source too', async (what) => {
    const { run, producer } = world(12, 1, { maxBufferedRecords: 100 })
    let stopped = false
    async function* source() {
      try {
        yield record(0)
        if (what !== 'an abort') yield { partitionKey: 5 } as never
        for (let i = 1; ; i++) yield record(i)
      } finally {
        stopped = true
      }
    }
    await run(
      (async () => {
        const given: string[] = []
        const stop = new AbortController()
        const all = async () => {
          for await (const { outcome } of producer.send(source(), { signal: stop.signal })) {
            given.push(outcome.status)
            if (what === 'an abort') stop.abort(new Error('no more'))
          }
        }
        await expect(all()).rejects.toThrow(what === 'an abort' ? 'no more' : '"record.partitionKey" expected a string, got 5')
        await producer.close()
        expect(given).toEqual(['delivered'])
        expect(stopped).toBe(true)
      })(),
    )
  })

  test.each(['an outcome', 'the source'])('a signal ends the wait for %s at once', async (what) => {
    const { run, stream, producer, clock } = world(13, 1)
    if (what === 'an outcome') stuck(stream)
    async function* source() {
      yield record(0)
      if (what === 'the source') await new Promise(() => {})
    }
    await run(
      (async () => {
        const stop = new AbortController()
        const all = async () => {
          for await (const _ of producer.send(source(), { signal: stop.signal }));
        }
        const over = expect(all()).rejects.toThrow('no more')
        await clock.sleep(2_000)
        stop.abort(new Error('no more'))
        await over
        expect(clock.monotonic()).toBeLessThan(3_000)
        await producer.close({ signal: stop.signal })
      })(),
    )
  })

  test('what is no iterable is said at once', () => {
    const { producer } = world(14, 1)
    for (const source of [undefined, null, 5, {}, 'ab', { [Symbol.iterator]: 5 }])
      expect(() => producer.send(source as never)).toThrow('"source" expected an iterable of records, got')
  })
})

describe('writable()', () => {
  test('takes records and arrays; close waits until all have settled', async () => {
    const { run, stream, producer } = world(3, 2, { maxBufferedRecords: 20 })
    const settled: string[] = []
    await run(
      (async () => {
        const writer = producer.writable({ settled: (outcome, { partitionKey }) => settled.push(`${partitionKey} ${outcome.status}`) }).getWriter()
        for (let i = 0; i < 100; i++) await writer.write(record(i))
        await writer.write(records(50))
        await writer.close()
        expect(settled).toHaveLength(150)
        expect((await (await producer.put(record(1))).outcome).status).toBe('delivered')
        await producer.close()
      })(),
    )
    expect(usersIn(stream).all).toHaveLength(151)
  })

  test('a wrong chunk, a throwing callback and an abort end it', async () => {
    const { run, producer } = world(4, 1)
    await run(
      (async () => {
        await expect(
          producer
            .writable()
            .getWriter()
            .write({ key: 1 } as never),
        ).rejects.toThrow('"records[0]" expected one of')
        const throwing = producer
          .writable({
            settled() {
              throw new Error('mine')
            },
          })
          .getWriter()
        await throwing.write(record(1))
        await expect(throwing.close()).rejects.toThrow('mine')
        const stop = new AbortController()
        const writer = producer.writable({ signal: stop.signal }).getWriter()
        await writer.write(record(1))
        stop.abort(new Error('enough'))
        await expect(writer.write(record(2))).rejects.toThrow('enough')
        expect(() => producer.writable({ settle: 1 } as never)).toThrow('"options" expected one of settled, signal')
        expect(() => producer.writable({ signal: {} } as never)).toThrow('"options.signal" expected an AbortSignal, got an object')
        await producer.close()
      })(),
    )
  })
})

describe('AbortSignal', () => {
  test('ends the waiting for room; those behind move up, nothing is accepted twice or lost', async () => {
    const { run, stream, producer, clock } = world(5, 1, { maxBufferedRecords: 10, recordTtl: 20_000 })
    stuck(stream)
    await run(
      (async () => {
        const receipts = await Promise.all(records(10).map((r) => producer.put(r)))
        const stop = new AbortController()
        const waiting = producer.put(record(10), { signal: stop.signal })
        const batch = producer.putBatch(records(5), { signal: stop.signal })
        const lines = producer.putNdjson(new TextEncoder().encode('{"id":1}\n{"id":2}'), { partitionKey: 'id', signal: stop.signal })
        const behind = producer.put(record(11))
        await clock.sleep(100)
        stop.abort(new Error('no longer'))
        await expect(waiting).rejects.toThrow('no longer')
        await expect(batch).rejects.toThrow('no longer')
        await expect(lines).rejects.toThrow('no longer')
        await expect(producer.put(record(1), { signal: stop.signal })).rejects.toThrow('no longer')
        expect(producer.metrics().accepted).toBe(10)
        for (const { outcome } of receipts) expect((await outcome).status).toBe('failed')
        expect((await (await behind).outcome).status).toBe('failed')
        expect(producer.metrics()).toMatchObject({ accepted: 11, bufferedRecords: 0, bufferedBytes: 0 })
        await producer.close()
      })(),
    )
  })

  test('flush gives up waiting, and the records go on', async () => {
    const { run, stream, producer } = world(6, 1)
    const put = stream.handlers.PutRecords
    stuck(stream)
    await run(
      (async () => {
        const { outcome } = await producer.put(record(1))
        const stop = new AbortController()
        const flushed = producer.flush({ signal: stop.signal })
        stop.abort(new Error('later'))
        await expect(flushed).rejects.toThrow('later')
        stream.handlers.PutRecords = put
        expect((await outcome).status).toBe('delivered')
        await producer.close()
      })(),
    )
  })

  test.each(['none', 'key'] as const)('close gives up what is not stored, order %s: as ABORTED, to the dead letters, once each', async (ordering) => {
    const letters: DeadLetter[] = []
    const { run, stream, producer, clock } = world(7, 3, {
      ordering,
      recordTtl: 3_600_000,
      deadLetter: (more) => void letters.push(...more),
      requestTimeout: 500,
    })
    Object.assign(stream.faults, { swallow: 0.5, throttle: 0.5 })
    await run(
      (async () => {
        const receipt = await producer.putBatch(records(3_000))
        await clock.sleep(100)
        stream.faults.serverError = 1
        const stop = new AbortController()
        const closed = producer.close({ signal: stop.signal })
        const at = clock.monotonic()
        stop.abort()
        await closed
        expect(clock.monotonic() - at).toBeLessThan(1_000)
        const outcomes = await receipt.outcomes
        expect(outcomes.failed).toBe(letters.length)
        expect(outcomes.delivered + outcomes.failed).toBe(3_000)
        for (const { code } of outcomes.failures()) expect(code).toBe('ABORTED')
        const stored = new Set(usersIn(stream).all.map(({ data }) => data))
        for (const { record: i, uncertain } of outcomes.failures()) if (stored.has(String(i))) expect(uncertain).toBe(true)
      })(),
    )
  })

  test('close gives up while the shards are not known yet', async () => {
    const { run, stream, producer, clock } = world(8, 1, { requestTimeout: 1_000 })
    stream.handlers.ListShards = () => new Promise(() => {})
    await run(
      (async () => {
        const { outcome } = await producer.put(record(1))
        await clock.sleep(200)
        await producer.close({ signal: AbortSignal.abort() })
        expect(await outcome).toMatchObject({ status: 'failed', code: 'ABORTED', attempts: 0 })
      })(),
    )
  })

  test('is checked', async () => {
    const { producer } = world(9, 1)
    await expect(producer.put(record(1), { signal: 5 } as never)).rejects.toThrow('"options.signal" expected an AbortSignal, got 5')
    await expect(producer.put(record(1), { signal: new EventTarget() } as never)).rejects.toThrow('"options.signal" expected an AbortSignal, got EventTarget')
    await expect(producer.put(record(1), 7 as never)).rejects.toThrow('"options" expected an object, got 7')
    await expect(producer.flush({ wait: 1 } as never)).rejects.toThrow('"options" expected one of signal')
  })
})

describe('flush and close', () => {
  test('flush waits for what was accepted before it, not for what comes after', async () => {
    const { run, clock, producer } = world(10, 1, { maxBufferedTime: 60_000 })
    await run(
      (async () => {
        await producer.put(record(1))
        const flushed = producer.flush()
        await producer.put(record(2))
        await flushed
        expect(clock.monotonic()).toBeLessThan(1_000)
        await producer.flush()
        await producer.flush()
        expect(producer.metrics().delivered).toBe(2)
        await producer.close()
        await producer.close()
        await expect(producer.put(record(3))).rejects.toMatchObject({ code: 'CLOSED' })
        await expect(producer.putBatch([])).rejects.toMatchObject({ code: 'CLOSED' })
      })(),
    )
  })

  test('await using closes', async () => {
    const { run, stream, producer } = world(11, 1)
    await run(
      (async () => {
        await producer.put(record(1))
        await producer[Symbol.asyncDispose]()
      })(),
    )
    expect(usersIn(stream).all).toHaveLength(1)
  })
})

test('close gives up 200,000 records that wait one by one', async () => {
  const shards = [
    { ShardId: 's0', HashKeyRange: { StartingHashKey: '0', EndingHashKey: `${2n ** 128n - 1n}` }, SequenceNumberRange: { StartingSequenceNumber: '1' } },
  ]
  const client = {
    async send(command: object) {
      if (command.constructor.name === 'ListShardsCommand') return { Shards: shards }
      throw Object.assign(new Error('busy'), { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } })
    },
  }
  const producer = createProducer({ streamName: 's', client, aggregation: false, maxBufferedBytes: 2 ** 30 })
  const line = Buffer.from('{"k":"a"}\n')
  const { outcomes, count } = await producer.putNdjson(Buffer.concat(Array(200_000).fill(line)), { partitionKey: 'k' })
  expect(producer.metrics().bufferedRecords).toBe(count)
  await producer.close({ signal: AbortSignal.abort() })
  expect((await outcomes).failed).toBe(200_000)
})

// Metrics: what a sink is told, the lines of CloudWatch's format, and that nothing of a record is in them.
import { describe, expect, test } from 'vitest'
import { emfSink } from '../../src/kinesis/emf.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import type { MetricsSink } from '../../src/kinesis/telemetry.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'

const CANARY = 'canary-0451'

function world(seed: number, metrics: MetricsSink | ((clock: { now(): number; monotonic(): number }) => MetricsSink), options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(2, simulation.clock, simulation.random)
  const sink = typeof metrics === 'function' ? metrics(simulation.clock) : metrics
  const producer = createProducer({ streamName: 'flights', client: stream.client, commands: stream.commands, ports: simulation, metrics: sink, ...options })
  return { ...simulation, stream, producer, sink }
}

/** Sums by name; and by name and one attribute. */
function counting() {
  const sums = new Map<string, number>()
  const attributes = new Set<string>()
  const note =
    (name: string) =>
    (value: number, given: Record<string, string> = {}) => {
      sums.set(name, (sums.get(name) ?? 0) + value)
      for (const [key, text] of Object.entries(given)) {
        attributes.add(`${key}=${text}`)
        sums.set(`${name} ${key}=${text}`, (sums.get(`${name} ${key}=${text}`) ?? 0) + value)
      }
    }
  const sink: MetricsSink = { createCounter: (name) => ({ add: note(name) }), createHistogram: (name) => ({ record: note(name) }) }
  return { sink, sums, attributes }
}

const records = (count: number) => Array.from({ length: count }, (_, i) => ({ partitionKey: `${CANARY}-${i % 20}`, data: `${CANARY} ${i}` }))

test('what was accepted, sent, settled, throttled and retried, by shard and code', async () => {
  const { sink, sums, attributes } = counting()
  const { run, stream, producer } = world(1, sink, { aggregationMaxSize: 500 })
  Object.assign(stream.faults, { throttle: 0.3, serverError: 0.1 })
  await run(
    (async () => {
      await producer.putBatch(records(500))
      await producer.put({ partitionKey: '', data: CANARY })
      await producer.close()
    })(),
  )
  const metrics = producer.metrics()
  expect(metrics).toMatchObject({ accepted: 500, delivered: 500, failed: 1, oldest: 0 })
  expect(sums.get('millrace.producer.accepted')).toBe(500)
  expect(sums.get('millrace.producer.settled')).toBe(501)
  expect(sums.get('millrace.producer.settled error.type=BAD_PARTITION_KEY')).toBe(1)
  expect(sums.get('millrace.producer.stored')).toBe(metrics.kinesisRecords)
  expect(sums.get('millrace.producer.bytes')).toBe(metrics.kinesisBytes)
  expect(sums.get('millrace.producer.payload_units')).toBe(metrics.payloadUnits)
  expect(sums.get('millrace.producer.throttled')).toBe(metrics.throttled)
  expect(sums.get('millrace.producer.retried')).toBe(metrics.retried)
  expect(metrics.throttled).toBeGreaterThan(0)
  expect(sums.get('messaging.client.sent.messages')).toBeGreaterThan(metrics.kinesisRecords)
  expect(sums.get('messaging.client.operation.duration')).toBeGreaterThan(0)
  expect(sums.get('millrace.producer.buffer.age')).toBeGreaterThan(0)
  const shards = stream.shards.map(({ ShardId }) => sums.get(`millrace.producer.stored messaging.destination.partition.id=${ShardId}`) ?? 0)
  expect(shards[0] + shards[1]).toBe(metrics.kinesisRecords)
  expect([...attributes]).toContain('messaging.destination.name=flights')
  expect([...attributes].join()).not.toContain(CANARY)
})

test('the oldest record tells how long the stream is behind', async () => {
  const { run, stream, producer, clock } = world(2, counting().sink)
  stream.handlers.PutRecords = () => {
    throw serviceError('InternalFailure', 500)
  }
  await run(
    (async () => {
      await producer.put(records(1)[0])
      await clock.sleep(5_000)
      await producer.put(records(2)[1])
      expect(producer.metrics().oldest).toBeGreaterThanOrEqual(5_000)
      expect(producer.metrics().oldest).toBeLessThan(5_100)
      await producer.close({ signal: AbortSignal.abort() })
      expect(producer.metrics().oldest).toBe(0)
    })(),
  )
})

test('a sink that throws loses metrics, not records', async () => {
  const bad = () => {
    throw new Error('sink')
  }
  const { run, producer } = world(3, { createCounter: () => ({ add: bad }), createHistogram: () => ({ record: bad }) })
  await run(producer.putBatch(records(50)).then(() => producer.close()))
  expect(producer.metrics().delivered).toBe(50)
  expect(() => world(4, {} as never)).toThrow('"metrics" expected a sink with createCounter and createHistogram')
})

describe('CloudWatch embedded metric format', () => {
  test('a line for each set of attributes, every interval and at the end', async () => {
    const lines: string[] = []
    const { run, stream, producer, sink, clock } = world(5, (clock) =>
      emfSink({ write: (line) => lines.push(line), clock: clock as never, interval: 10_000, namespace: 'Orders' }),
    )
    stream.faults.throttle = 0.2
    await run(
      (async () => {
        for (let i = 0; i < 30; i++) {
          await producer.putBatch(records(20))
          await clock.sleep(1_000)
        }
        await producer.close()
      })(),
    )
    ;(sink as ReturnType<typeof emfSink>).flush()
    expect(lines.join()).not.toContain(CANARY)
    let accepted = 0
    for (const line of lines) {
      const { _aws, ...members } = JSON.parse(line)
      const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics
      expect(Namespace).toBe('Orders')
      expect(Number.isInteger(_aws.Timestamp)).toBe(true)
      expect(Dimensions[0].length).toBeLessThanOrEqual(30)
      for (const name of Dimensions[0]) expect(typeof members[name]).toBe('string')
      for (const { Name, Unit } of Metrics) {
        expect(['Count', 'Seconds', 'Bytes']).toContain(Unit)
        const values = [members[Name]].flat()
        expect(values.length).toBeLessThanOrEqual(100)
        expect(values.every((value: unknown) => typeof value === 'number')).toBe(true)
      }
      accepted += members['millrace.producer.accepted'] ?? 0
    }
    expect(accepted).toBe(600)
    const stamps = new Set(lines.map((line) => JSON.parse(line)._aws.Timestamp))
    expect(stamps.size).toBeGreaterThan(2)
    expect(stamps.size).toBeLessThan(8)
  })

  test('memory is bounded: many values, many sets of attributes', () => {
    const lines: string[] = []
    const sink = emfSink({ write: (line) => lines.push(line), clock: { now: () => 0, monotonic: () => 0, sleep: async () => {} } })
    const histogram = sink.createHistogram('h', { unit: 's' })
    for (let i = 0; i < 1_000; i++) histogram.record(i)
    expect(lines).toHaveLength(10)
    const counter = sink.createCounter('c')
    for (let i = 0; i < 1_001; i++) counter.add(1, { shard: String(i) })
    expect(lines.length).toBe(10 + 1_000)
    expect(() => emfSink({ write: 1 } as never)).toThrow('"write" expected a function, got 1')
    expect(() => emfSink({ write() {}, clock: {} } as never)).toThrow('"clock" expected a clock')
    expect(() => emfSink({ write() {}, clock: {}, every: 1 } as never)).toThrow('"options" expected one of')
  })
})

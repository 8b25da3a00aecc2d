// What a delivery stream is given by those who mean it ill, or do not care: it stays within its memory, goes on, and loses nothing.
import { describe, expect, it, vi } from 'vitest'
import { createBudget } from '../../../src/firehose/delivery/budget.js'
import { readStream } from '../../../src/firehose/delivery/config/stream.js'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { userRecords } from '../../../src/firehose/delivery/input.js'
import { parseQuery } from '../../../src/firehose/delivery/jq/parse.js'
import { prepareRecord } from '../../../src/firehose/delivery/prepare.js'
import { type MemoryStore, memoryStore, type ObjectStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import { aggregate, ShardMap } from '../../../src/kinesis/index.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { bytesOf, configOf, NOW, processing, processor } from './streams.js'

const AT = 'config.ExtendedS3DestinationConfiguration'
const byKey = (...processors: ReturnType<typeof processor>[]) =>
  configOf({
    Prefix: '!{partitionKeyFromQuery:k}/',
    ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    DynamicPartitioningConfiguration: { Enabled: true },
    ...processing(...processors, processor('MetadataExtraction', { MetadataExtractionQuery: '{k:.k}', JsonParsingEngine: 'JQ-1.6' })),
  })

function open(config: object, options: Partial<DeliveryStreamOptions> & { store?: ObjectStore } = {}) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  return { simulation, store: store as MemoryStore, stream: createDeliveryStream(config, { store, ports: simulation, ...options }) }
}

describe('memory', () => {
  it('is made for a put by all that it takes, not by what is there already on its way', async () => {
    const { simulation, store, stream } = open(byKey(), { maxBufferedBytes: 1 << 20 })
    await simulation.run(
      (async () => {
        for (let n = 0; n < 3; n++)
          await stream.putBatch(Array.from({ length: 400 }, (_, i) => bytesOf(JSON.stringify({ k: `p${i}`, n, pad: 'x'.repeat(9000) }))))
        // Each batch is 3.5 times what may be held, in 400 partitions: until there is room many have to go, one by one.
        expect(simulation.clock.now()).toBe(NOW)
        await stream.close()
      })(),
    )
    expect(store.objects.length).toBeGreaterThan(500)
    expect(stream.metrics()).toMatchObject({ delivered: 1200, heldBytes: 0 })
  })

  it('of a function that answers is looked at only once it is done', async () => {
    const lambda = processor('Lambda', { LambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f' })
    const handler = ({ records }: { records: object[] }) => ({ records: records.map((record) => ({ ...record, result: 'Ok' })) })
    const { simulation, stream } = open(byKey(lambda), { handler: handler as never, maxBufferedBytes: 1 << 20 })
    await simulation.run(
      (async () => {
        for (let n = 0; n < 3; n++)
          await stream.putBatch(Array.from({ length: 400 }, (_, i) => bytesOf(JSON.stringify({ k: `p${i}`, n, pad: 'x'.repeat(9000) }))))
        expect(simulation.clock.now()).toBe(NOW)
        await stream.close()
      })(),
    )
    expect(stream.metrics()).toMatchObject({ delivered: 1200, heldBytes: 0 })
  })

  it.each<[string, object]>([
    ['as they come', configOf()],
    ['by stages', byKey()],
    [
      'of a Kinesis stream',
      configOf({}, { DeliveryStreamType: 'KinesisStreamAsSource', KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:x' } }),
    ],
  ])('a thousand puts at once find the room that there is, and no more: %s', async (_, config) => {
    const clock = createSimulation(1, NOW)
    const store = { put: () => clock.clock.sleep(1000) }
    const stream = createDeliveryStream(config, { store, ports: clock, maxBufferedBytes: 1 << 20 })
    let most = 0
    await clock.run(
      (async () => {
        const record = bytesOf(JSON.stringify({ k: 'a', pad: 'x'.repeat(100_000) }))
        const all = Array.from({ length: 1000 }, async () => {
          await stream.put(record)
          most = Math.max(most, stream.metrics().heldBytes)
        })
        await Promise.all(all)
        await stream.close()
      })(),
    )
    expect(most).toBeLessThan((1 << 20) + 2 * 101_000)
    expect(stream.metrics()).toMatchObject({ accepted: 1000, delivered: 1000, heldBytes: 0 })
  })

  it('keeps nothing of those that wait no longer', async () => {
    const budget = createBudget(1, () => {})
    budget.take(1)
    const [stays, leaves] = [new AbortController(), new AbortController()]
    const waits = budget.change(stays.signal)
    const gone = budget.change(leaves.signal)
    leaves.abort(new Error('no patience'))
    await expect(gone).rejects.toThrow('no patience')
    expect(budget.full).toBe(true)
    budget.give(1)
    await waits
    expect(budget.full).toBe(false)
    await expect(budget.change(leaves.signal)).rejects.toThrow('no patience')
  })

  it.each<[string, Record<string, string>, string]>([
    ['values of JSON', { SubRecordType: 'JSON' }, '7 '.repeat(1_000_000)],
    ['parts', { SubRecordType: 'DELIMITED', Delimiter: 'IA==' }, '7 '.repeat(1_000_000)],
  ])('is not taken for a million %s, which are too many', (_, parameters, text) => {
    const { processing: plan } = readStream(byKey(processor('RecordDeAggregation', parameters)))
    const data = bytesOf(text)
    const views = vi.spyOn(Uint8Array.prototype, 'subarray')
    try {
      expect(prepareRecord({ data, original: data, arrival: NOW }, plan, 1)).toMatchObject({
        failure: { message: expect.stringContaining('The record has 1000000 sub-records; at most 500') },
      })
      expect(views.mock.calls.length).toBeLessThanOrEqual(500)
    } finally {
      views.mockRestore()
    }
  })

  it.each([
    ['a sub-record', () => bytesOf(`{"k":"a"}{"k":"b","pad":"${'x'.repeat(500_000)}"}`), byKey(processor('RecordDeAggregation', { SubRecordType: 'JSON' }))],
    [
      'a part',
      () => bytesOf(`{"k":"a"}#{"k":"b","pad":"${'x'.repeat(500_000)}"}`),
      byKey(processor('RecordDeAggregation', { SubRecordType: 'DELIMITED', Delimiter: 'Iw==' })),
    ],
  ])('of %s is its own: what stood beside it is not kept', (_, data, config) => {
    const record = { data: data(), original: data(), arrival: NOW }
    const prepared = prepareRecord(record, readStream(config).processing, 1)
    expect('records' in prepared && prepared.records.map((one) => [one.data.length, one.data.buffer.byteLength])).toEqual([
      [9, 9],
      [500_018, 500_018],
    ])
  })

  it('of a user record is its own', () => {
    const [packed] = aggregate(
      ['small', 'x'.repeat(500_000)].map((text) => ({ partitionKey: 'p', data: bytesOf(text) })),
      { shards: ShardMap.even(1), maxSize: 1_000_000 },
    ).records
    const data = packed.Data
    const opened = userRecords({ data, original: data, arrival: NOW, partitionKey: 'p', sequenceNumber: '1' })
    expect(opened.map((one) => [one.data.length, one.data.buffer.byteLength, one.subSequenceNumber])).toEqual([
      [5, 5, 0],
      [500_000, 500_000, 1],
    ])
  })
})

describe('text of a record', () => {
  it('that looks like a number for a long time takes linear time', () => {
    // Of 900,000 digits quadratic time would be hours.
    const { run } = parseQuery('.k | tonumber? // "none"', 'query')
    expect(run({ k: `${'1'.repeat(900_000)}x` })).toBe('none')
    expect(run({ k: `${' '.repeat(900_000)}x` })).toBe('none')
    expect(run({ k: ' -1.e2 ' })).toBe(-100)
    expect(run({ k: '.5' })).toBe(0.5)
  })

  it('with half of a surrogate pair is a key that can be stored, and partitions stay apart', async () => {
    const { simulation, store, stream } = open(byKey())
    await simulation.run(
      (async () => {
        for (const half of ['\\ud800', '\\udc00', '\\ud83d\\ude00']) await stream.put(bytesOf(`{"k":"${half}"}`))
        await stream.close()
      })(),
    )
    expect(store.objects.map(({ key }) => key.split('/')[0])).toEqual(['\ufffd', '\ufffd', '😀'])
    for (const { key } of store.objects) expect(decodeURIComponent(encodeURIComponent(key))).toBe(key)
  })
})

it.each([8.64e15, -8.64e15, 253_402_300_800_000, Number.NaN, Number.POSITIVE_INFINITY])(
  'an arrival of %d is refused: no name has a place for it',
  async (arrival) => {
    const { simulation, stream } = open(configOf({ CustomTimeZone: 'Asia/Tokyo' }))
    await simulation.run(
      (async () => {
        await expect(stream.put({ data: bytesOf('a'), arrival })).rejects.toThrow(
          '"record.arrival" expected milliseconds since the epoch, of the years 1 to 9999',
        )
        await stream.close()
      })(),
    )
    expect(stream.metrics().accepted).toBe(0)
  },
)

it.each<[object, string]>([
  [{ Prefix: 'x'.repeat(600) }, `"${AT}.Prefix" expected at most 512 characters once evaluated, got 614`],
  [{ Prefix: '日'.repeat(400) }, `"${AT}.Prefix" expected at most 887 bytes of UTF-8 once evaluated, got 1214`],
  [{ ErrorOutputPrefix: '日'.repeat(400) }, `"${AT}.ErrorOutputPrefix" expected at most 887 bytes of UTF-8 once evaluated, got 1245`],
  [{ ErrorOutputPrefix: 'x'.repeat(600) }, `"${AT}.ErrorOutputPrefix" expected at most 512 characters once evaluated`],
])('%# a prefix of which no key could be made is a fault of the configuration', (destination, message) => {
  expect(() => readStream(configOf(destination))).toThrow(message)
  expect(() => readStream(configOf(destination))).toThrow(expect.objectContaining({ code: 'CONFIG' }))
})

describe('close with a signal', () => {
  it('does not wait for a store that never answers', async () => {
    const { simulation, stream } = open(configOf(), { store: { put: () => new Promise(() => {}) } })
    const stop = new AbortController()
    await simulation.run(
      (async () => {
        await stream.put(bytesOf('a'))
        const closed = stream.close({ signal: stop.signal })
        await simulation.clock.sleep(5000)
        stop.abort(new Error('enough'))
        await expect(closed).rejects.toMatchObject({ code: 'NOT_DONE', message: expect.stringContaining('1 object with 1 records could not be written') })
      })(),
    )
    expect(stream.unwritten).toMatchObject([{ records: 1, bytes: 1 }])
  })

  it('does not wait for a statement that never ends', async () => {
    const config = {
      DeliveryStreamName: 'clicks',
      RedshiftDestinationConfiguration: {
        RoleARN: 'arn:aws:iam::1:role/r',
        ClusterJDBCURL: 'jdbc:redshift://h:5439/d',
        CopyCommand: { DataTableName: 't' },
        S3Configuration: { BucketARN: 'arn:aws:s3:::lake' },
      },
    }
    const { simulation, stream } = open(config, { redshiftQuery: () => new Promise(() => {}) })
    const stop = new AbortController()
    await simulation.run(
      (async () => {
        await stream.put(bytesOf('a'))
        const closed = stream.close({ signal: stop.signal })
        await simulation.clock.sleep(5000)
        stop.abort(new Error('enough'))
        await expect(closed).rejects.toMatchObject({ code: 'NOT_DONE', message: '1 object is stored and was not copied into Redshift' })
      })(),
    )
  })
})

it.each<[string, (key: string) => boolean, number]>([
  ['a store that is down is not waited for once for each of hundreds of objects', () => true, 400],
  ['an object that cannot be stored does not take the others with it', (key) => key.startsWith('7/'), 1],
])('%s', async (_, fails, lost) => {
  const stored: string[] = []
  const store: ObjectStore = {
    async put({ key }) {
      if (fails(key)) throw new Error('down')
      stored.push(key)
    },
  }
  const { simulation, stream } = open(byKey(), { store })
  await simulation.run(
    (async () => {
      await stream.putBatch(Array.from({ length: 400 }, (_, k) => bytesOf(JSON.stringify({ k }))))
      const began = simulation.clock.monotonic()
      await expect(stream.close()).rejects.toMatchObject({ code: 'NOT_DONE', message: expect.stringContaining(` with ${lost} records could not be written`) })
      expect(simulation.clock.monotonic() - began).toBeLessThan(60_000)
    })(),
  )
  expect(stream.unwritten).toHaveLength(lost)
  expect(stored).toHaveLength(400 - lost)
  expect(stream.metrics()).toMatchObject({ delivered: 400 - lost, heldBytes: 0 })
})

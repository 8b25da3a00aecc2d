// Ids in the aggregates: others read them as before, our consumer gives each record once.
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { recordIdsOf, tagAggregate, tagSingle } from '../../src/kinesis/aggregates/record-ids.js'
import { deaggregate } from '../../src/kinesis/aggregates/user-records.js'
import { createConsumer } from '../../src/kinesis/consumer/consumer.js'
import { createDeduplicator } from '../../src/kinesis/consumer/seen.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { createSimulation, seededRandom } from '../../src/ports/simulated.js'
import { open } from '../record/kcl.js'
import { encodeBody, type Plain, seal } from '../record/oracle.js'
import { createFakeStream } from './fake.js'
import { usersIn } from './kcl.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const aws = createRequire(import.meta.url)('aws-kinesis-agg') as {
  deaggregateSync(record: object, verify: boolean, done: (error: unknown, records: { partitionKey: string; data: string }[]) => void): void
}

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const common = { streamName: 's', client: stream.client, commands: stream.commands, ports: simulation }
  const producer = createProducer({ ...common, stableIds: true, ...options })
  const consume = async (deduplicate: boolean) => {
    const seen: string[] = []
    for await (const { data } of createConsumer({ ...common, until: 'now', deduplicate }).records()) seen.push(new TextDecoder().decode(data))
    return seen
  }
  return { ...simulation, stream, producer, consume }
}

const records = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ partitionKey: `k${(from + i) % 50}`, data: String(from + i) }))

describe('the format', () => {
  const random = seededRandom(5)
  const roll = (n: number) => Math.floor(random.next() * n)
  const cases = Array.from({ length: 200 }, () => {
    const hashed = roll(2) === 0
    const plain: Plain[] = Array.from({ length: 2 + roll(30) }, () => ({
      key: ['a', 'bé', 'long key '.repeat(1 + roll(20)), '😀'][roll(4)],
      ...(hashed ? { hash: String(roll(1000)) } : {}),
      data: Buffer.from('x'.repeat(roll(300))),
    })) as Plain[]
    let number = roll(2) ? 0 : roll(2 ** 31) * 2 ** 20
    const numbers = Float64Array.from(plain, () => (number += 1 + roll(roll(2) ? 3 : 100_000)))
    return { plain, numbers }
  })

  test('the KCL by its own rules, aws-kinesis-agg and our own reader see the records as before', () => {
    for (const { plain, numbers } of cases) {
      const before = seal(encodeBody(plain))
      const after = Buffer.from(tagAggregate(before, { producer: 'abc', numbers }))
      const [was, is] = [open(before, 'kcl'), open(after, 'kcl')]
      expect(is.outcome).toBe(was.outcome)
      expect(is.rows.length).toBe(plain.length)
      const texts = ({ rows }: typeof is) => rows.map((row) => ({ ...row, data: undefined, at: undefined }))
      expect(texts(is).length).toBe(texts(was).length)
      const ours = deaggregate([{ Data: after, PartitionKey: 'a' }], { mode: 'kcl', range: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) } })
      expect(ours.map(({ partitionKey, explicitHashKey, data }) => [partitionKey, explicitHashKey, Buffer.from(data).toString()])).toEqual(
        plain.map(({ key, hash, data }) => [key, hash, Buffer.from(data).toString()]),
      )
      aws.deaggregateSync({ data: after.toString('base64'), partitionKey: 'a', sequenceNumber: '1' }, true, (error, list) => {
        expect(error ?? null).toBeNull()
        expect(list.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data, 'base64').toString()])).toEqual(
          plain.map(({ key, data }) => [key, Buffer.from(data).toString()]),
        )
      })
      expect(recordIdsOf(after)).toEqual({ producer: 'abc', numbers })
    }
  })

  test('a record alone', () => {
    for (const hash of [undefined, bytes('77')]) {
      const tagged = tagSingle(bytes('kéy'), hash, bytes('data'), { producer: 'p', numbers: Float64Array.of(2 ** 52) })
      expect(recordIdsOf(tagged)).toEqual({ producer: 'p', numbers: Float64Array.of(2 ** 52) })
      expect(open(Buffer.from(tagged), 'kcl').rows).toHaveLength(1)
      expect(deaggregate([{ Data: tagged }])).toMatchObject([
        { partitionKey: 'kéy', explicitHashKey: hash ? '77' : undefined, data: bytes('data'), aggregated: true, subSequenceNumber: 0 },
      ])
    }
  })

  test('foreign and damaged bytes have no ids, and never throw', () => {
    const tagged = tagAggregate(seal(encodeBody(cases[0].plain)), { producer: 'p', numbers: cases[0].numbers })
    expect(recordIdsOf(seal(encodeBody(cases[0].plain)))).toBeUndefined()
    for (const data of [new Uint8Array(0), bytes('plain text'), bytes('{"json":1}'.repeat(10)), tagged.subarray(0, 21)])
      expect(recordIdsOf(data)).toBeUndefined()
    for (let i = 0; i < 5_000; i++) {
      const damaged = tagged.slice()
      for (let n = 1 + roll(3); n > 0; n--) damaged[roll(damaged.length)] = roll(256)
      recordIdsOf(damaged.subarray(0, roll(2) ? damaged.length : roll(damaged.length)))
    }
  })
})

test('with lost answers, a split and a merge on the way each record comes once', async () => {
  const { run, stream, producer, consume, clock } = world(1, 2, { aggregationMaxSize: 1_000, maxBufferedTime: 20, ordering: 'key' })
  Object.assign(stream.faults, { lostAck: 0.2, hang: 0.02, miscount: 0.1, throttle: 0.1 })
  await run(
    (async () => {
      for (let i = 0; i < 40; i++) {
        await producer.putBatch(records(i * 50, 50))
        await clock.sleep(50)
        const [first, second] = stream.open().sort((a, b) => (a.start < b.start ? -1 : 1))
        if (i === 10) stream.split(first.ShardId)
        if (i === 25) stream.merge(first.ShardId, second.ShardId)
      }
      await producer.close()
      const all = await consume(false)
      expect(all.length).toBeGreaterThan(2_100)
      const once = await consume(true)
      expect(once).toHaveLength(2_000)
      expect(new Set(once).size).toBe(2_000)
    })(),
  )
  // Foreign readers see what they saw: every record, some of them twice.
  expect(new Set(usersIn(stream).all.map(({ data }) => data)).size).toBe(2_000)
})

test('records that have no room for an id, and streams that take no aggregates, have none', async () => {
  const big = { partitionKey: 'k', data: new Uint8Array(1_048_575) }
  const { run, stream, producer } = world(2, 1)
  await run(producer.put(big).then(() => producer.close()))
  expect(stream.shards[0].records[0].Data).toEqual(big.data)
  const auto = world(3, 2)
  auto.stream.faults.auto = true
  await auto.run(auto.producer.putBatch(records(0, 20)).then(() => auto.producer.close()))
  for (const { Data } of auto.stream.shards.flatMap((shard) => shard.records)) expect(recordIdsOf(Data)).toBeUndefined()
})

test('both faces of a batch leave the same records out', async () => {
  const { run, stream, producer, clock, random } = world(4, 1)
  stream.faults.lostAck = 0.6
  await run(
    (async () => {
      for (let i = 0; i < 10; i++) {
        await producer.putBatch(records(i * 10, 10))
        await producer.flush()
      }
      await producer.close()
      stream.faults.lostAck = 0
      let repeated = 0
      let kept = 0
      const ports = { clock, random }
      const consumer = createConsumer({
        streamName: 's',
        client: stream.client,
        commands: stream.commands,
        ports,
        until: 'now',
        deduplicate: true,
        maxRecords: 3,
      })
      for await (const batch of consumer) {
        const { packed } = batch
        const texts = Array.from({ length: packed.count }, (_, i) =>
          new TextDecoder().decode(packed.heap.subarray(packed.table[8 * i + 4], packed.table[8 * i + 4] + packed.table[8 * i + 5])),
        )
        expect(batch.records.map(({ data }) => new TextDecoder().decode(data))).toEqual(texts)
        expect(packed.status).toHaveLength(packed.count)
        repeated += batch.repeated
        kept += packed.count
      }
      expect(kept).toBe(100)
      expect(repeated).toBe(usersIn(stream).all.length - 100)
      expect(repeated).toBeGreaterThan(0)
    })(),
  )
})

describe('memory', () => {
  test('what is remembered is known, of every producer on its own', () => {
    const known = createDeduplicator()
    for (const number of [0, 31, 32, 65_535, 65_536, 2 ** 40]) {
      expect(known.seen('a', number)).toBe(false)
      expect(known.seen('a', number)).toBe(true)
      expect(known.seen('b', number)).toBe(false)
    }
    expect(known.seen('a', 1)).toBe(false)
  })

  test('bounded: the oldest neighbourhood is forgotten, and counts as new', () => {
    const known = createDeduplicator({ maxRecords: 2 * 65_536 })
    known.seen('a', 1)
    known.seen('a', 65_537)
    expect(known.seen('a', 1)).toBe(true)
    known.seen('a', 131_073)
    expect(known.seen('a', 1)).toBe(true)
    expect(known.seen('a', 65_537)).toBe(false)
    expect(() => createDeduplicator({ maxRecords: 5 })).toThrow('"maxRecords" expected a number from 65536, got 5')
  })
})

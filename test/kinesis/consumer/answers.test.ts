// Answers that no service gives: of a proxy in its place, of a client with a bug. Nothing is skipped for them.
import { expect, test } from 'vitest'
import { memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import type { GetRecordsResult } from '../../../src/kinesis/service/service.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream, serviceError } from '../fake.js'

const COUNT = 300

async function world() {
  const simulation = createSimulation(1)
  const { client, commands, handlers, shards } = createFakeStream(1, simulation.clock, simulation.random)
  const Records = Array.from({ length: COUNT }, (_, i) => ({ PartitionKey: `k${i % 7}`, Data: new TextEncoder().encode(`secret ${i}`) }))
  await handlers.PutRecords({ Records } as never)
  const store = memoryCheckpoints()
  const read = async () => {
    const texts: string[] = []
    const consumer = createConsumer({ streamName: 's', client, commands, ports: simulation, checkpoints: store, until: 'now', maxRecords: 100 })
    for await (const { records } of consumer) texts.push(...records.map(({ data }) => new TextDecoder().decode(data)))
    return texts
  }
  return { handlers, shards, store, read: () => simulation.run(read()) }
}

const each = (change: (record: object) => unknown) => (answer: GetRecordsResult) => ({ ...answer, Records: answer.Records.map(change) })
const ODD: Record<string, [(answer: GetRecordsResult) => unknown, expected: string]> = {
  nothing: [() => undefined, '"answer" expected an object with Records, got undefined'],
  text: [() => '<html>', '"answer" expected an object with Records, got "<html>"'],
  // The end of the shard to who looks for an iterator alone.
  'no records': [() => ({}), '"Records" expected an array of records, got undefined'],
  'a record that is none': [each(() => null), '"Records[0]" expected an object, got null'],
  'no data': [each((record) => ({ ...record, Data: undefined })), '"Records[0].Data" expected bytes, got undefined'],
  'data as text': [each((record) => ({ ...record, Data: 'c2VjcmV0' })), '"Records[0].Data" expected bytes, got string'],
  'no sequence number': [each((record) => ({ ...record, SequenceNumber: undefined })), '"Records[0].SequenceNumber" expected decimal digits, got undefined'],
  'another sequence number': [each((record) => ({ ...record, SequenceNumber: 'next' })), '"Records[0].SequenceNumber" expected decimal digits, got "next"'],
  'a time as number': [
    each((record) => ({ ...record, ApproximateArrivalTimestamp: 1 })),
    '"Records[0].ApproximateArrivalTimestamp" expected a Date, or none, got 1',
  ],
  'an iterator that is none': [(answer) => ({ ...answer, NextShardIterator: '' }), '"NextShardIterator" expected text, or none, got ""'],
  'data that throws': [
    each((record) => ({
      ...record,
      get Data(): Uint8Array {
        throw new Error('revoked')
      },
    })),
    'revoked',
  ],
}

test.each(Object.keys(ODD))('GetRecords, %s: asked again, and what stays so is an error', async (name) => {
  const [odd, expected] = ODD[name]
  for (const always of [false, true]) {
    const { handlers, shards, store, read } = await world()
    const { GetRecords } = handlers
    let calls = 0
    handlers.GetRecords = (input) => {
      const answer = GetRecords(input) as GetRecordsResult
      return always || ++calls === 2 ? odd(answer) : answer
    }
    if (!always) expect(new Set(await read()).size).toBe(COUNT)
    else await expect(read()).rejects.toMatchObject({ code: 'SERVICE', message: `shard ${shards[0].ShardId}: InvalidResponse: ${expected}` })
    handlers.GetRecords = GetRecords
    // An end that was none would have been kept.
    expect((await read()).length).toBe(always ? COUNT : 0)
    expect((await store.read())[0].checkpoint.sequenceNumber).toBe(shards[0].records.at(-1)?.SequenceNumber)
  }
})

test.each([
  [undefined, 'undefined'],
  [{}, 'undefined'],
  [{ ShardIterator: null }, 'null'],
  [{ ShardIterator: '' }, '""'],
])('GetShardIterator, %j: asked again, and what stays so is an error', async (odd, got) => {
  const { handlers, shards, read } = await world()
  handlers.GetShardIterator = () => odd
  const message = `shard ${shards[0].ShardId}: InvalidResponse: "ShardIterator" expected text, got ${got}`
  await expect(read()).rejects.toMatchObject({ code: 'SERVICE', message })
})

test('a beginning of now by a clock that is ahead of the service: waited for', async () => {
  const simulation = createSimulation(2)
  const { clock, run } = simulation
  const { client, commands, handlers } = createFakeStream(1, clock, simulation.random)
  const { GetShardIterator } = handlers
  const SKEW = 5_000
  handlers.GetShardIterator = (input) => {
    if (Number(input.Timestamp) > clock.now() - SKEW) {
      const words = `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${Number(input.Timestamp)}`
      throw serviceError('InvalidArgumentException', 400, words)
    }
    return GetShardIterator(input)
  }
  const read = async () => {
    let count = 0
    for await (const { records } of createConsumer({
      streamName: 's',
      client,
      commands,
      ports: simulation,
      from: new Date(clock.now()),
      until: new Date(clock.now() + 30_000),
    }))
      count += records.length
    return count
  }
  const produce = async () => {
    await clock.sleep(6_000)
    await handlers.PutRecords({ Records: [{ PartitionKey: 'k', Data: new Uint8Array(1) }] } as never)
  }
  expect(await run(Promise.all([read(), produce()]))).toEqual([1, undefined])
})

// Records without room in the response: put again, written to S3, or given to a function of the user's.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFirehoseTransformer, explainFirehoseResponse, type FirehoseEvent, reingest, spill, type TransformFailure } from '../../src/firehose/index.js'
import { deaggregate, ShardMap } from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'

const base64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64')
const plain = (data: string | undefined) => Buffer.from(data ?? '', 'base64')
const ARN = 'arn:aws:firehose:eu-central-1:1:deliverystream/clicks'
const STREAM = 'arn:aws:kinesis:eu-central-1:1:stream/source'

const eventOf = (records: { data: Uint8Array; partitionKey?: string }[], more: Partial<FirehoseEvent> = {}): FirehoseEvent => ({
  invocationId: 'invocation',
  deliveryStreamArn: ARN,
  records: records.map(({ data, partitionKey }, i) => ({
    recordId: `id-${i}`,
    approximateArrivalTimestamp: Date.UTC(2026, 10, 27, 9) + i,
    data: base64(data),
    ...(partitionKey === undefined ? {} : { kinesisRecordMetadata: { partitionKey } }),
  })),
  ...more,
})

/** Commands as plain objects, and a client that hands them on. */
function fake(send: (name: string, input: Record<string, unknown>) => unknown) {
  const command = (name: string) =>
    class {
      readonly input: Record<string, unknown>
      readonly named = name
      constructor(input: Record<string, unknown>) {
        this.input = input
      }
    }
  const commands = { PutRecordBatchCommand: command('PutRecordBatch'), PutRecordsCommand: command('PutRecords'), PutObjectCommand: command('PutObject') }
  const client = {
    async send(given: object) {
      const { named, input } = given as { named: string; input: Record<string, unknown> }
      return send(named, input)
    },
  }
  return { client, commands }
}

/** A delivery stream, or a Kinesis stream before it, that gives back what is put into it in batches of `size`, until nothing is left. */
async function around(
  first: { data: Uint8Array; partitionKey?: string }[],
  { size, limit, grow, kinesis, maxRounds = 3 }: { size: number; limit: number; grow: number; kinesis: boolean; maxRounds?: number },
) {
  const simulation = createSimulation(1)
  let waiting = [...first]
  const delivered: Buffer[] = []
  const failed: TransformFailure[] = []
  let lost = 0
  const { client, commands } = fake((name, input) => {
    if (name === 'PutRecordBatch') {
      expect(input.DeliveryStreamName).toBe('clicks')
      const records = input.Records as { Data: Uint8Array }[]
      waiting.push(...records.map(({ Data }) => ({ data: Data })))
      return { RequestResponses: records.map(() => ({ RecordId: 'r' })) }
    }
    expect(input.StreamARN).toBe(STREAM)
    const records = input.Records as { Data: Uint8Array; PartitionKey: string; ExplicitHashKey: string }[]
    waiting.push(...records.map(({ Data, PartitionKey }) => ({ data: Data, partitionKey: PartitionKey })))
    return { Records: records.map(() => ({ SequenceNumber: '1', ShardId: 's' })) }
  })
  const keys: (string | undefined)[] = []
  const handler = createFirehoseTransformer({
    transform(record) {
      keys.push(record.partitionKey)
      return Buffer.concat(Array.from({ length: grow }, () => record.data))
    },
    delimiter: '',
    responseLimit: limit,
    overflow: reingest({ client, commands, ports: simulation, maxRounds }),
    onFailure: (failure) => failed.push(failure),
  })
  for (let rounds = 0; waiting.length > 0; rounds++) {
    if (rounds > 10_000) throw new Error('goes round for ever')
    const batch = waiting.slice(0, size)
    waiting = waiting.slice(size)
    const event = eventOf(batch, kinesis ? { sourceKinesisStreamArn: STREAM } : {})
    const response = await handler(event)
    expect(Buffer.byteLength(JSON.stringify(response))).toBeLessThanOrEqual(limit)
    expect(explainFirehoseResponse(event, response).batchFault).toBeUndefined()
    for (const { result, data } of response.records) {
      if (result === 'Ok') delivered.push(plain(data))
      if (result === 'ProcessingFailed') lost++
    }
  }
  return { delivered, failed, lost, keys }
}

const numbered = (count: number, size: number, key?: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => ({ data: Buffer.from(`${i}:`.padEnd(size, 'x')), ...(key ? { partitionKey: key(i) } : {}) }))

describe('reingest()', () => {
  it.each([false, true])('brings all through in smaller batches (Kinesis source: %s)', async (kinesis) => {
    const records = numbered(60, 100, kinesis ? (i) => `key-${i}` : undefined)
    const { delivered, lost, keys } = await around(records, { size: 20, limit: 3_000, grow: 1, kinesis, maxRounds: 10 })
    expect(delivered.map(String).sort()).toEqual(records.map(({ data }) => String(data)).sort())
    expect(lost).toBe(0)
    // the mark is never seen
    if (kinesis) expect(keys.filter((key) => !/^key-\d+$/.test(key ?? ''))).toEqual([])
    else expect(keys.every((key) => key === undefined)).toBe(true)
  })

  it.each([false, true])('gives up what has no room alone at once, and the rest after some rounds (Kinesis source: %s)', async (kinesis) => {
    const alone = await around(numbered(3, 1_000), { size: 3, limit: 1_200, grow: 1, kinesis })
    expect(alone.failed.map(({ reason, message }) => `${reason}: ${message}`)).toEqual(
      Array(3).fill('overflow: expected a response of at most 1200 bytes, got a batch that would need more; its answer alone is larger than a response may be'),
    )
    // one fits at a time, and each round takes one
    const slow = await around(numbered(6, 600), { size: 6, limit: 1_300, grow: 1, kinesis, maxRounds: 2 })
    expect(slow.delivered).toHaveLength(3)
    expect(slow.failed.map(({ message }) => message.replace(/.*; /, ''))).toEqual(Array(3).fill('put again 2 times already'))
  })

  it('keeps a record in its shard, and its key within 256 characters', async () => {
    const entries: { PartitionKey: string; ExplicitHashKey: string }[] = []
    const { client, commands } = fake((_, { Records }) => {
      entries.push(...(Records as typeof entries))
      return { Records: (Records as []).map(() => ({ SequenceNumber: '1' })) }
    })
    const keys = ['a', 'é'.repeat(256), '😀'.repeat(256), 'millrace-again-2/x']
    const handler = createFirehoseTransformer({ transform: ({ data }) => data, responseLimit: 700, overflow: reingest({ client, commands }) })
    await handler(
      eventOf(
        keys.map((partitionKey) => ({ data: new Uint8Array(300), partitionKey })),
        { sourceKinesisStreamArn: STREAM },
      ),
    )
    const map = ShardMap.even(64)
    expect(entries.map(({ PartitionKey }) => [...PartitionKey].length)).toEqual([256, 256, 18])
    expect(entries.map(({ ExplicitHashKey }) => map.shardOf('-', ExplicitHashKey))).toEqual([keys[1], keys[2], 'x'].map((key) => map.shardOf(key)))
    expect(entries[2].PartitionKey).toBe('millrace-again-3/x')
  })

  it('marks a record of a delivery stream with an aggregate that every KPL reader opens', async () => {
    const sent: Uint8Array[] = []
    const { client, commands } = fake((_, { Records }) => {
      sent.push(...(Records as { Data: Uint8Array }[]).map(({ Data }) => Data))
      return { RequestResponses: (Records as []).map(() => ({ RecordId: 'r' })) }
    })
    const handler = createFirehoseTransformer({ transform: ({ data }) => data, delimiter: '', responseLimit: 600, overflow: reingest({ client, commands }) })
    await handler(eventOf(numbered(2, 300)))
    expect(deaggregate([{ Data: sent[0] }]).map(({ data }) => Buffer.from(data).toString())).toEqual([String(numbered(2, 300)[1].data)])
  })

  it('answers what is not taken again ProcessingFailed, with the reason', async () => {
    const failures: string[] = []
    const { client, commands } = fake(() =>
      Object.assign(Promise.reject(Object.assign(new Error('no such stream'), { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 400 } }))),
    )
    const options = { transform: () => 'x'.repeat(300), responseLimit: 600, onFailure: ({ message }: TransformFailure) => void failures.push(message) }
    const response = await createFirehoseTransformer({ ...options, overflow: reingest({ client, commands }) })(eventOf(numbered(2, 1)))
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed'])
    expect(failures[0]).toContain('; not put again: ResourceNotFoundException: no such stream')
    await createFirehoseTransformer({ ...options, overflow: reingest({ client, commands }) })(eventOf(numbered(2, 1), { deliveryStreamArn: undefined }))
    expect(failures[1]).toContain('; the event has no deliveryStreamArn')
  })

  it('stops before the invocation ends', async () => {
    const { client, commands } = fake((_, { Records }) => ({
      RequestResponses: (Records as []).map(() => ({ ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'slow' })),
    }))
    const handler = createFirehoseTransformer({
      transform: ({ data }) => data,
      responseLimit: 600,
      overflow: reingest({ client, commands, maxAttempts: 1_000_000 }),
    })
    const response = await handler(eventOf(numbered(2, 300)), { getRemainingTimeInMillis: () => 100 })
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed'])
  })

  it.each([
    [{ maxRounds: 0 }, '"maxRounds" expected a whole number from 1'],
    [{ client: {} }, '"client" expected an object with send(command)'],
    [{ rounds: 1 }, '"options" expected one of client'],
  ])('refuses %j', (options, message) => {
    expect(() => reingest(options as never)).toThrow(message)
  })
})

describe('spill()', () => {
  it('writes what the function made into one object, by the hour of the oldest', async () => {
    const objects: Record<string, unknown>[] = []
    const { client, commands } = fake((_, input) => void objects.push(input))
    const handler = createFirehoseTransformer({
      transform: (record) => record.text().toUpperCase(),
      responseLimit: 600,
      overflow: spill({ bucket: 'b', client, commands }),
    })
    const response = await handler(eventOf(numbered(4, 150)))
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'Dropped', 'Dropped', 'Dropped'])
    expect(objects).toHaveLength(1)
    expect(objects[0]).toMatchObject({ Bucket: 'b', Key: expect.stringMatching(/^overflow\/2026\/11\/27\/09\/invocation-[0-9a-f]{8}-[0-9a-f]{2}$/) })
    expect(Buffer.from(objects[0].Body as Uint8Array).toString()).toBe(
      numbered(4, 150)
        .slice(1)
        .map(({ data }) => `${String(data).toUpperCase()}\n`)
        .join(''),
    )
  })

  it('that fails leaves them ProcessingFailed', async () => {
    const failures: string[] = []
    const { client, commands } = fake(() => Promise.reject(Object.assign(new Error('denied'), { name: 'AccessDenied' })))
    const handler = createFirehoseTransformer({
      transform: ({ data }) => data,
      responseLimit: 600,
      overflow: spill({ bucket: 'b', client, commands }),
      onFailure: ({ message }) => void failures.push(message),
    })
    expect((await handler(eventOf(numbered(2, 300)))).records[1].result).toBe('ProcessingFailed')
    expect(failures[0]).toContain('; not written to S3: AccessDenied: denied')
  })

  it.each([
    [{}, '"bucket" expected the name of a bucket, got undefined'],
    [{ bucket: 'b', prefix: '!{timestamp:YYYY' }, 'prefix, byte 0: expected a } that ends the expression'],
    [{ bucket: 'b', prefix: '!{partitionKeyFromLambda:x}' }, '"prefix" expected no partition keys'],
  ])('refuses %j', (options, message) => {
    expect(() => spill(options as never)).toThrow(message)
  })
})

it('what is put again is what came, whatever the function does to its copy', async () => {
  const sent: Uint8Array[] = []
  const { client, commands } = fake((_, { Records }) => {
    sent.push(...(Records as { Data: Uint8Array }[]).map(({ Data }) => Data))
    return { RequestResponses: (Records as []).map(() => ({ RecordId: 'r' })) }
  })
  const handler = createFirehoseTransformer({
    transform: ({ data }) => data.fill(0),
    delimiter: '',
    responseLimit: 600,
    overflow: reingest({ client, commands }),
  })
  const [, second] = numbered(2, 300)
  await handler(eventOf(numbered(2, 300)))
  expect(deaggregate([{ Data: sent[0] }]).map(({ data }) => Buffer.from(data).toString())).toEqual([String(second.data)])
  // and once more, out of its mark
  await handler(eventOf([{ data: new Uint8Array(300) }, { data: sent[0] }]))
  expect(deaggregate([{ Data: sent[1] }]).map(({ data }) => Buffer.from(data).toString())).toEqual([String(second.data)])
})

it('records with one recordId have one answer, and neither is lost by what becomes of the other', async () => {
  const failures: string[] = []
  const event = eventOf(numbered(3, 250))
  event.records[2].recordId = 'id-1'
  const handler = createFirehoseTransformer({
    transform: ({ data }) => data,
    responseLimit: 700,
    overflow: () => expect.unreachable('for it would have to settle both'),
    onFailure: ({ message }) => void failures.push(message),
  })
  expect((await handler(event)).records.map(({ recordId, result }) => [recordId, result])).toEqual([
    ['id-0', 'Ok'],
    ['id-1', 'ProcessingFailed'],
  ])
  expect(failures).toEqual(['expected a response of at most 700 bytes, got a batch that would need more; its recordId comes 2 times'])
})

it('the end of the invocation is by the clock that is given', async () => {
  const simulation = createSimulation(1)
  let aborted = Number.NaN
  const handler = createFirehoseTransformer({
    transform: ({ data }) => data,
    responseLimit: 600,
    ports: simulation,
    overflow: (records, { signal }) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          aborted = simulation.clock.monotonic()
          // What was settled by then is said in time.
          resolve(records.map(() => undefined))
        }),
      ),
  })
  const response = await simulation.run(handler(eventOf(numbered(2, 300)), { getRemainingTimeInMillis: () => 60_000 }))
  expect(aborted).toBe(59_000)
  expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'Dropped'])
})

describe('a policy of the user', () => {
  const two = { transform: () => 'x'.repeat(300), responseLimit: 600 }
  it.each([
    ['throws', () => Promise.reject(new Error('mine')), 'mine'],
    ['gives nothing', async () => undefined, 'overflow: expected a reason or undefined for each of 1 records'],
    ['gives too few', async () => [], 'overflow: expected a reason or undefined for each of 1 records'],
    ['gives a reason', async () => ['later'], 'later'],
  ])('that %s leaves them ProcessingFailed', async (_, overflow, message) => {
    const failures: string[] = []
    const response = await createFirehoseTransformer({ ...two, overflow: overflow as never, onFailure: (failure) => void failures.push(failure.message) })(
      eventOf(numbered(2, 1)),
    )
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed'])
    expect(failures).toEqual([`expected a response of at most 600 bytes, got a batch that would need more; ${message}`])
  })

  it('that never ends does not cost the batch', async () => {
    const handler = createFirehoseTransformer({ ...two, overflow: () => new Promise(() => {}) })
    const response = await handler(eventOf(numbered(2, 1)), { getRemainingTimeInMillis: () => 100 })
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed'])
  })

  it('is not asked where all fits', async () => {
    const handler = createFirehoseTransformer({ transform: ({ data }) => data, overflow: () => expect.unreachable() })
    expect((await handler(eventOf(numbered(2, 1)))).records.map(({ result }) => result)).toEqual(['Ok', 'Ok'])
  })
})

it('whatever the sizes: each record is delivered once or has failed with a reason (property)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1_000, max: 3_000 }),
      fc.boolean(),
      async (sizes, size, limit, kinesis) => {
        const records = sizes.map((length, i) => ({ data: Buffer.from(`${i}:${'x'.repeat(length)}`), partitionKey: `k${i}` }))
        const { delivered, failed, lost } = await around(records, { size, limit, grow: 1, kinesis })
        expect(failed).toHaveLength(lost)
        expect(delivered.length + lost).toBe(records.length)
        expect(new Set(delivered.map(String)).size).toBe(delivered.length)
      },
    ),
    { numRuns: 100 },
  )
})

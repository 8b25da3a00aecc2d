// Every outcome of the Lambda's table, end to end: what a handler returns, and what the stream then writes.
import type { FirehoseTransformationHandler } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import type { HandlerFailure } from '../../../src/firehose/delivery/lambda.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import type { FirehoseEvent } from '../../../src/firehose/event.js'
import { createFirehoseTransformer } from '../../../src/firehose/index.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { bytesOf, configOf, linesOf, NOW, processing, processor, textOf } from './streams.js'

const ARN = 'arn:aws:lambda:eu-central-1:1:function:shape'
type Event = Omit<FirehoseEvent, 'records'> & { records: { recordId: string; data: string }[] }
type Handler = (event: Event, ...rest: never[]) => unknown

const lambda = (parameters: Record<string, string> = {}) => processing(processor('Lambda', { LambdaArn: ARN, ...parameters }))

/** Puts the records through a stream with this handler; what was delivered, and the lines of processing-failed. */
async function through(
  records: (string | Uint8Array)[],
  handler: Handler,
  { parameters = {}, ...options }: Partial<DeliveryStreamOptions> & { parameters?: Record<string, string> } = {},
) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const stream = createDeliveryStream(configOf(lambda(parameters)), { store, ports: simulation, handler: handler as never, ...options })
  await simulation.run(
    (async () => {
      for (const record of records) await stream.put(typeof record === 'string' ? bytesOf(record) : record)
      await stream.close()
    })(),
  )
  const failed = store.objects.filter(({ key }) => key.startsWith('processing-failed/')).flatMap(({ body }) => linesOf(body))
  const delivered = store.objects.filter(({ key }) => !key.startsWith('processing-failed/')).map(({ body }) => textOf(body))
  return { delivered: delivered.join(''), failed, metrics: stream.metrics(), elapsed: simulation.clock.monotonic() }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
/** Answers of the second record as given, the others Ok in upper case. */
const answering =
  (second: (id: string) => object[]): Handler =>
  async ({ records }) => ({
    records: records.flatMap(({ recordId, data }, i) =>
      i === 1 ? second(recordId) : [{ recordId, result: 'Ok', data: base64(Buffer.from(data, 'base64').toString().toUpperCase()) }],
    ),
  })

const FUNCTION_ERROR = 'The Lambda function was successfully invoked but it returned an error result.'

describe('of one record', () => {
  it.each<[string, (id: string) => object[], string, [string, string] | undefined]>([
    ['Ok with data is delivered in its place', (recordId) => [{ recordId, result: 'Ok', data: base64('two') }], 'AtwoC', undefined],
    ['Ok with empty data is an empty record', (recordId) => [{ recordId, result: 'Ok', data: '' }], 'AC', undefined],
    [
      'Ok without data fails',
      (recordId) => [{ recordId, result: 'Ok' }],
      'AC',
      [
        'Lambda.InvalidReturnFormat',
        'The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.',
      ],
    ],
    ['Dropped leaves nothing', (recordId) => [{ recordId, result: 'Dropped', data: '' }], 'AC', undefined],
    [
      'ProcessingFailed fails',
      (recordId) => [{ recordId, result: 'ProcessingFailed', data: '' }],
      'AC',
      ['Lambda.ProcessingFailedStatus', 'ProcessingFailed status set for record'],
    ],
    [
      'an id that is missing fails',
      () => [],
      'AC',
      ['Lambda.MissingRecordId', 'One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.'],
    ],
    [
      'an id that comes twice fails',
      (recordId) => [
        { recordId, result: 'Ok', data: '' },
        { recordId, result: 'Ok', data: '' },
      ],
      'AC',
      [
        'Lambda.DuplicatedRecordId',
        'Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.',
      ],
    ],
    [
      'an id that is unknown is ignored',
      (recordId) => [
        { recordId, result: 'Ok', data: base64('B') },
        { recordId: 'mine', result: 'Ok', data: base64('X') },
      ],
      'ABC',
      undefined,
    ],
  ])('%s', async (_, second, delivered, failure) => {
    const ran = await through(['a', 'b', 'c'], answering(second))
    expect(ran.delivered).toBe(delivered)
    const rows = failure
      ? [{ rawData: base64('b'), errorCode: failure[0], errorMessage: failure[1], attemptsMade: 1, arrivalTimestamp: NOW, lambdaARN: ARN }]
      : []
    expect(ran.failed).toMatchObject(rows)
    expect(ran.failed).toHaveLength(rows.length)
    expect(ran.metrics.invocations).toBe(1)
    if (failure)
      expect(Object.keys(ran.failed[0])).toEqual([
        'rawData',
        'errorCode',
        'errorMessage',
        'attemptsMade',
        'arrivalTimestamp',
        'attemptEndingTimestamp',
        'lambdaARN',
      ])
  })

  it.each([undefined, null, {}, { records: null }, { records: 'x' }])(
    'of a response without records (%j) all ids are missing, and it is not tried again',
    async (response) => {
      const ran = await through(['a', 'b'], async () => response)
      expect(ran.failed.map(({ errorCode, attemptsMade }) => [errorCode, attemptsMade])).toEqual(Array(2).fill(['Lambda.MissingRecordId', 1]))
    },
  )
})

describe('of the whole batch', () => {
  it.each<[string, Handler]>([
    ['a result that does not exist', answering((recordId) => [{ recordId, result: 'OK', data: '' }])],
    ['no result', answering((recordId) => [{ recordId, data: '' }])],
    ['data that is no base64', answering((recordId) => [{ recordId, result: 'Ok', data: 'a' }])],
    [
      'a function that throws',
      () => {
        throw new Error('no')
      },
    ],
    ['a function that rejects', () => Promise.reject(new Error('no'))],
    ['a function that never answers', () => new Promise(() => {})],
    ['a response over 6 MB', async ({ records }) => ({ records: records.map(({ recordId }) => ({ recordId, result: 'Ok', data: 'AAAA'.repeat(600_000) })) })],
    [
      'a response that is not JSON',
      () => {
        const response: Record<string, unknown> = {}
        response.records = [response]
        return response
      },
    ],
    ['a callback with an error', Object.assign((_: Event, __: never, callback: never) => void (callback as (error: Error) => void)(new Error('no')))],
  ])('%s fails every record, after the retries', async (_, handler) => {
    const ran = await through(['a', 'b', 'c'], handler, { parameters: { NumberOfRetries: '2' } })
    expect(ran.delivered).toBe('')
    expect(ran.failed.map(({ rawData, errorCode, errorMessage, attemptsMade }) => [rawData, errorCode, errorMessage, attemptsMade])).toEqual(
      ['a', 'b', 'c'].map((data) => [base64(data), 'Lambda.FunctionError', FUNCTION_ERROR, 3]),
    )
    expect(ran.metrics).toMatchObject({ invocations: 3, failed: 3, failures: { 'Lambda.FunctionError': 3 } })
  })

  it('is told with each attempt and its reason, whatever the observer throws', async () => {
    const told: HandlerFailure[] = []
    const error = new TypeError('no such field')
    let calls = 0
    const handler: Handler = ({ records }) => {
      if (++calls === 1) throw error
      return { records: records.map(({ recordId }) => ({ recordId, result: calls === 2 ? 'OK' : 'Ok', data: base64('x') })) }
    }
    const ran = await through(['a', 'b'], handler, {
      parameters: { NumberOfRetries: '2' },
      onHandlerFailure(failure) {
        told.push(failure)
        throw new Error('of the observer')
      },
    })
    expect(ran.delivered).toBe('xx')
    expect(told).toEqual([
      { records: 2, attempt: 1, retries: 2, message: 'no such field', cause: error },
      {
        records: 2,
        attempt: 2,
        retries: 2,
        message: expect.stringMatching(/^record "\d+": "result" expected one of Ok, Dropped, ProcessingFailed, got "OK"$/),
      },
    ])
  })

  it('three retries are the default, and an invocation has five minutes', async () => {
    const remaining: number[] = []
    const ran = await through(['a'], ((_: Event, context: { getRemainingTimeInMillis(): number }) => {
      remaining.push(context.getRemainingTimeInMillis())
      return new Promise(() => {})
    }) as never)
    expect(remaining).toEqual([300_000, 300_000, 300_000, 300_000])
    expect(ran.failed).toMatchObject([{ attemptsMade: 4, attemptEndingTimestamp: NOW + Math.floor(ran.elapsed) }])
    expect(ran.elapsed).toBeGreaterThan(1_200_000)
  })

  it('a retry has a fresh invocationId, the same recordIds and the same bytes, whatever the function did to the event', async () => {
    const seen: { invocation: string | undefined; ids: string[]; data: string[] }[] = []
    const ran = await through(['a', 'b'], (event) => {
      seen.push({ invocation: event.invocationId, ids: event.records.map(({ recordId }) => recordId), data: event.records.map(({ data }) => data) })
      const ids = event.records.map(({ recordId }) => recordId)
      for (const record of event.records) record.data = 'junk'
      event.records.reverse()
      if (seen.length < 3) throw new Error('no')
      return { records: ids.map((recordId) => ({ recordId, result: 'Ok', data: base64('x') })) }
    })
    expect(ran.delivered).toBe('xx')
    expect(new Set(seen.map(({ invocation }) => invocation)).size).toBe(3)
    expect(new Set(seen.map(({ ids }) => ids.join())).size).toBe(1)
    expect(seen.map(({ data }) => data)).toEqual(Array(3).fill([base64('a'), base64('b')]))
  })
})

describe('the event', () => {
  it('has the shape that Firehose gives it', async () => {
    let event: Event | undefined
    await through(['a', ''], (given) => {
      event = given
      return { records: [] }
    })
    expect(event).toEqual({
      invocationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks',
      region: 'us-east-1',
      records: [
        { recordId: expect.stringMatching(/^49\d{54}$/), approximateArrivalTimestamp: NOW, data: 'YQ==' },
        { recordId: expect.stringMatching(/^49\d{54}$/), approximateArrivalTimestamp: NOW, data: '' },
      ],
    })
  })

  it('of a Kinesis source has its metadata', async () => {
    const simulation = createSimulation(1, NOW)
    const events: Event[] = []
    const config = configOf(lambda(), {
      DeliveryStreamType: 'KinesisStreamAsSource',
      KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:eu-central-1:1:stream/s', RoleARN: 'r' },
    })
    const handler = (event: Event) => {
      events.push(event)
      return { records: [] }
    }
    const stream = createDeliveryStream(config, { store: memoryStore(), ports: simulation, handler, region: 'eu-central-1' })
    await simulation.run(
      (async () => {
        await stream.put({ data: bytesOf('a'), partitionKey: 'é', sequenceNumber: '495', shardId: 'shardId-000000000001', arrival: 5 })
        await stream.close()
      })(),
    )
    expect(events).toMatchObject([
      {
        sourceKinesisStreamArn: 'arn:aws:kinesis:eu-central-1:1:stream/s',
        region: 'eu-central-1',
        records: [
          {
            approximateArrivalTimestamp: 5,
            kinesisRecordMetadata: {
              sequenceNumber: '495',
              subsequenceNumber: 0,
              partitionKey: 'é',
              shardId: 'shardId-000000000001',
              approximateArrivalTimestamp: 5,
            },
          },
        ],
      },
    ])
  })

  it('is never over 6 MB, though 3 MB of small records would be', async () => {
    const sizes: number[] = []
    const ran = await through(
      Array.from({ length: 100_000 }, () => new Uint8Array(1)),
      (event) => {
        sizes.push(JSON.stringify(event).length)
        return { records: event.records.map(({ recordId }) => ({ recordId, result: 'Dropped' })) }
      },
      { parameters: { BufferSizeInMBs: '3', BufferIntervalInSeconds: '900' } },
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6_291_456)
    expect(Math.max(...sizes)).toBeGreaterThan(6_280_000)
    expect(ran.metrics.dropped).toBe(100_000)
  })

  it('has as many records as the buffering hints say', async () => {
    const batches: number[] = []
    const ok: Handler = (event) => {
      batches.push(event.records.length)
      return { records: event.records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data })) }
    }
    await through(Array(9).fill(new Uint8Array(100_000)), ok, { parameters: { BufferSizeInMBs: '0.2' } })
    expect(batches).toEqual([3, 3, 3])
  })

  it('a record that is over 6 MB once decompressed fails alone', async () => {
    const { gzipSync } = await import('node:zlib')
    const simulation = createSimulation(1, NOW)
    const store = memoryStore()
    const config = configOf(processing(processor('Decompression'), processor('Lambda', { LambdaArn: ARN })))
    const stream = createDeliveryStream(config, { store, ports: simulation, handler: () => ({ records: [] }) })
    const big = gzipSync(JSON.stringify('x'.repeat(5_000_000)))
    await simulation.run(
      (async () => {
        await stream.put(big)
        await stream.close()
      })(),
    )
    expect(linesOf(store.objects[0].body)).toMatchObject([{ rawData: big.toString('base64'), errorCode: 'Lambda.RequestTooLargeException', attemptsMade: 1 }])
    expect(stream.metrics().invocations).toBe(0)
  })
})

describe('the function', () => {
  it('may be any that Lambda takes: with a value, a promise or a callback', async () => {
    const answer = (event: Event) => ({ records: event.records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data })) })
    for (const handler of [
      answer,
      async (event: Event) => answer(event),
      (event: Event, _: never, callback: never) => {
        ;(callback as (error: null, response: object) => void)(null, answer(event))
      },
    ])
      expect((await through(['a', 'b'], handler as Handler)).delivered).toBe('ab')
  })

  it('is createFirehoseTransformer()', async () => {
    const handler: FirehoseTransformationHandler = createFirehoseTransformer({ transform: (record) => (record.text() === 'b' ? null : `${record.text()}!`) })
    const ran = await through(['a', 'b', 'c'], () => {}, { handler })
    expect(ran.delivered).toBe('a!\nc!\n')
    expect(ran.metrics).toMatchObject({ delivered: 2, dropped: 1 })
  })

  it('is called five times at once at most, and what it gives keeps its order', async () => {
    const simulation = createSimulation(4, NOW)
    const store = memoryStore()
    let now = 0
    let most = 0
    const handler = async (event: Event) => {
      most = Math.max(most, ++now)
      await simulation.clock.sleep(60_000 * simulation.random.next())
      now--
      return { records: event.records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data })) }
    }
    const stream = createDeliveryStream(configOf(lambda({ BufferSizeInMBs: '0.2', BufferIntervalInSeconds: '0' })), { store, ports: simulation, handler })
    const records = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i))
    await simulation.run(
      (async () => {
        for (const record of records) {
          await stream.put(bytesOf(record))
          await simulation.clock.sleep(1)
        }
        await stream.close()
      })(),
    )
    expect(most).toBe(5)
    expect(store.objects.map(({ body }) => textOf(body)).join('')).toBe(records.join(''))
  })

  it('is needed where the configuration has a Lambda processor, and only there', () => {
    const options = { store: memoryStore() }
    expect(() => createDeliveryStream(configOf(lambda()), options)).toThrow('expected "handler"')
    expect(() => createDeliveryStream(configOf(), { ...options, handler: () => {} })).toThrow('expected a Lambda processor')
  })
})

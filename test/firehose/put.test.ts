// PutRecordBatch in simulated time over a delivery stream in memory that answers badly.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFirehosePut, type FirehosePutOptions } from '../../src/firehose/put.js'
import { createSimulation } from '../../src/ports/simulated.js'

type Answer = { RequestResponses?: unknown }
type Records = { Data: Uint8Array }[]

class PutRecordBatchCommand {
  readonly input: { DeliveryStreamName: string; Records: Records }
  constructor(input: { DeliveryStreamName: string; Records: Records }) {
    this.input = input
  }
}

/** A put over `answer`, which is asked for each request. */
function world(seed: number, answer: (records: Records, request: number) => Answer | Error, options: Partial<FirehosePutOptions> = {}) {
  const simulation = createSimulation(seed)
  const requests: { at: number; count: number; bytes: number }[] = []
  const client = {
    async send(command: object) {
      const { Records } = (command as PutRecordBatchCommand).input
      requests.push({ at: simulation.clock.monotonic(), count: Records.length, bytes: Records.reduce((sum, { Data }) => sum + Data.length, 0) })
      await simulation.clock.sleep(simulation.random.next() * 20)
      const given = answer(Records, requests.length - 1)
      if (given instanceof Error) throw given
      return given
    },
  }
  const firehose = createFirehosePut({ deliveryStreamName: 'd', client, commands: { PutRecordBatchCommand }, ports: simulation, ...options })
  return { simulation, requests, put: (records: Uint8Array[], signal?: AbortSignal) => simulation.run(firehose.put(records, signal ? { signal } : {})) }
}

const records = (count: number, size = 1) => Array.from({ length: count }, (_, i) => new Uint8Array(size).fill(i))
const stored = (list: Records) => ({ FailedPutCount: 0, RequestResponses: list.map((_, i) => ({ RecordId: `r${i}` })) })
const named = (name: string, status?: number) => Object.assign(new Error(name), { name, ...(status ? { $metadata: { httpStatusCode: status } } : {}) })

describe('a put', () => {
  it('packs 500 records and 4 MiB at most into a request', async () => {
    const many = world(1, stored)
    await many.put(records(1201))
    expect(many.requests.map(({ count }) => count)).toEqual([500, 500, 201])
    const large = world(1, stored)
    await large.put(records(9, 1_000_000))
    expect(large.requests.map(({ count }) => count)).toEqual([4, 4, 1])
    expect(await world(1, stored).put([])).toEqual([])
  })

  it('sends again what was refused, and nothing else', async () => {
    const sent: number[] = []
    const { put, requests } = world(2, (list, request) => ({
      RequestResponses: list.map(({ Data }) => {
        sent.push(Data[0])
        return request < 3 && Data[0] % 3 === 0 ? { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'Slow down.' } : { RecordId: 'r' }
      }),
    }))
    const outcomes = await put(records(30))
    expect(outcomes.map(({ status, attempts, uncertain }) => [status, attempts, uncertain])).toEqual(
      Array.from({ length: 30 }, (_, i) => ['delivered', i % 3 === 0 ? 4 : 1, false]),
    )
    expect(requests.map(({ count }) => count)).toEqual([30, 10, 10, 10])
    // half a back-off at least, and twice as long each time that nothing comes through
    expect(requests[2].at - requests[1].at).toBeGreaterThan(25)
  })

  it('gives up a record after so many attempts, and one that is refused for good at once', async () => {
    const { put } = world(
      3,
      (list) => ({
        RequestResponses: list.map(({ Data }) =>
          Data[0] === 0 ? { ErrorCode: 'InternalFailure', ErrorMessage: 'x' } : { ErrorCode: 'AccessDenied', ErrorMessage: 'no' },
        ),
      }),
      { maxAttempts: 4 },
    )
    expect(await put(records(2))).toEqual([
      { status: 'failed', code: 'InternalFailure', message: 'x', attempts: 4, uncertain: true },
      { status: 'failed', code: 'AccessDenied', message: 'no', attempts: 1, uncertain: false },
    ])
  })

  it('fails a record over the limit alone', async () => {
    const { put, requests } = world(4, stored)
    const outcomes = await put([new Uint8Array(1_024_000), new Uint8Array(1_024_001)])
    expect(outcomes).toMatchObject([
      { status: 'delivered' },
      { status: 'failed', code: 'RECORD_TOO_LARGE', message: 'expected 1024000 bytes at most, got 1024001', attempts: 0 },
    ])
    expect(requests).toHaveLength(1)
  })

  it.each([
    ['an answer for fewer records', () => ({ RequestResponses: [] })],
    ['an answer without any', () => ({})],
    ['an answer of nothing', () => ({ RequestResponses: [null, undefined] })],
    ['a reset', () => named('ECONNRESET')],
    ['a fault of the service', () => named('InternalFailure', 500)],
  ])('%s may have stored the records, and they are sent again', async (_, answer) => {
    const { put } = world(5, (list, request) => (request === 0 ? answer() : stored(list)))
    expect(await put(records(2))).toMatchObject([
      { status: 'delivered', attempts: 2, uncertain: true },
      { status: 'delivered', attempts: 2, uncertain: true },
    ])
  })

  it('tells of a stream that is not there at once', async () => {
    const { put, requests } = world(6, () => named('ResourceNotFoundException', 400))
    expect(await put(records(1))).toMatchObject([{ status: 'failed', code: 'ResourceNotFoundException', attempts: 1, uncertain: false }])
    expect(requests).toHaveLength(1)
  })

  it('ends with the signal: what is delivered is so, the rest has failed', async () => {
    const stop = new AbortController()
    const { put } = world(7, (list, request) => {
      if (request === 1) stop.abort()
      return { RequestResponses: list.map(({ Data }) => (Data[0] === 0 ? { ErrorCode: 'InternalFailure', ErrorMessage: '' } : { RecordId: 'r' })) }
    })
    expect(await put(records(2), stop.signal)).toMatchObject([{ status: 'failed', code: 'ABORTED', attempts: 2, uncertain: true }, { status: 'delivered' }])
    expect(await world(7, stored).put(records(1), AbortSignal.abort())).toMatchObject([{ status: 'failed', code: 'ABORTED', attempts: 0, uncertain: false }])
  })

  it('settles every record once, whatever is answered (seeded)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: 1300 }), async (seed, count) => {
        const got = new Map<number, number>()
        const { put, simulation, requests } = world(seed, (list) => {
          const chance = simulation.random.next()
          if (chance < 0.1) return named('ThrottlingException', 400)
          const answers = list.map(({ Data }) => {
            if (simulation.random.next() < 0.3) return { ErrorCode: 'ServiceUnavailableException', ErrorMessage: '' }
            const id = Data[0] + 256 * Data[1]
            got.set(id, (got.get(id) ?? 0) + 1)
            return { RecordId: String(id) }
          })
          return chance < 0.2 ? named('ECONNRESET') : { RequestResponses: answers }
        })
        const outcomes = await put(Array.from({ length: count }, (_, i) => Uint8Array.of(i & 255, i >> 8)))
        expect(outcomes).toHaveLength(count)
        outcomes.forEach((outcome, i) => {
          if (outcome.status !== 'delivered') throw new Error(`record ${i}: ${outcome.code}`)
          expect(outcome.recordId).toBe(String(i))
          expect(got.get(i)).toBeGreaterThan(0)
          if (!outcome.uncertain) expect(got.get(i)).toBe(1)
        })
        for (const { count, bytes } of requests) expect(count <= 500 && bytes <= 4 * 1024 * 1024).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    [{ deliveryStreamName: '' }, '"deliveryStreamName" expected the name of a delivery stream, got ""'],
    [{ deliveryStreamName: 'd', client: {} }, '"client" expected an object with send(command)'],
    [{ deliveryStreamName: 'd', maxAttempts: 0 }, '"maxAttempts" expected a whole number from 1, got 0'],
    [{ deliveryStreamName: 'd', concurrency: 1.5 }, '"concurrency" expected a whole number from 1, got 1.5'],
    [{ deliveryStreamName: 'd', requestTimeout: -1 }, '"requestTimeout" expected a number of milliseconds above 0, got -1'],
    [{ deliveryStreamName: 'd', retries: 3 }, '"options" expected one of deliveryStreamName'],
  ])('refuses %j', (options, message) => {
    expect(() => createFirehosePut(options as never)).toThrow(message)
  })

  it('refuses what is no record before anything is sent', async () => {
    const { put, requests } = world(8, stored)
    await expect(put([new Uint8Array(1), 'x' as never])).rejects.toThrow('"records[1]" expected a Uint8Array, got "x"')
    expect(requests).toHaveLength(0)
  })
})

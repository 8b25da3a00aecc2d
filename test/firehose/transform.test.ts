import type { FirehoseTransformationEvent, FirehoseTransformationHandler } from 'aws-lambda'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createFirehoseTransformer,
  explainFirehoseResponse,
  type FirehoseEvent,
  type FirehoseTransformerOptions,
  firehoseBlueprint,
  firehoseMapping,
  type TransformFailure,
  withMetadata,
} from '../../src/firehose/index.js'
import { aggregate, ShardMap } from '../../src/kinesis/index.js'

const base64 = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64')
const plain = (data: string | undefined) => Buffer.from(data ?? '', 'base64').toString()
const eventOf = (...data: (string | Uint8Array)[]): FirehoseEvent => ({
  invocationId: 'i',
  deliveryStreamArn: 'arn',
  region: 'eu-west-1',
  records: data.map((d, i) => ({ recordId: `id-${i}`, approximateArrivalTimestamp: 1_700_000_000_000, data: base64(d) })),
})

it('tells nothing of the payload where that is no JSON', async () => {
  const { failures } = await run((record) => record.json() as object, eventOf('secret', '{"a":secret}', '{"secret"', ''))
  expect(failures.map(({ message }) => message)).toEqual([
    "expected JSON: Unexpected token 's'",
    "expected JSON: Unexpected token 's'",
    expect.stringMatching(/^expected JSON: Expected ':' after property name in JSON at position 9/),
    'expected JSON: Unexpected end of JSON input',
  ])
})

it.each<[string, Transform]>([
  [
    'an iterator or a stream',
    function* () {
      yield 'x'
    } as never,
  ],
  ['Map', () => new Map()],
  ['RangeError', () => new RangeError('boom')],
  ['a promise', () => [Promise.resolve('x')]],
])('names what would be {} in JSON: %s', async (what, transform) => {
  const { failures } = await run(transform, eventOf('a'))
  expect(failures).toMatchObject([{ message: `expected text, bytes, an object, an array of such, or null, got ${what}` }])
})

it.each([
  [{ partitionKeys: 'day' }, '"day"'],
  [{ otfMetadata: 5 }, '5'],
  [null, 'null'],
])('metadata %j is an error', async (metadata, got) => {
  const { failures } = await run(() => withMetadata('x', metadata as never), eventOf('a'))
  expect(failures).toMatchObject([{ reason: 'transform', message: expect.stringMatching(`expected an object as \\w+, got ${got}`) }])
})

type Transform = Extract<FirehoseTransformerOptions['transform'], (...args: never[]) => unknown>

async function run(options: FirehoseTransformerOptions | Transform, event: FirehoseEvent) {
  const failures: TransformFailure[] = []
  const given = typeof options === 'function' ? { transform: options } : options
  const response = await createFirehoseTransformer({ ...given, onFailure: (f) => failures.push(f) })(event)
  return { response, failures, texts: response.records.map(({ result, data }) => (result === 'Ok' ? plain(data) : result)) }
}

it('is a FirehoseTransformationHandler', () => {
  const handler = createFirehoseTransformer({ transform: ({ data }) => data })
  expectTypeOf(handler).toExtend<FirehoseTransformationHandler>()
  const assigned: FirehoseTransformationHandler = handler
  const event: FirehoseTransformationEvent = { invocationId: '', deliveryStreamArn: '', region: '', records: [] }
  expect(assigned(event, undefined as never, () => {})).toBeInstanceOf(Promise)
})

describe('outputs', () => {
  it('go out as lines: text, bytes, objects, none, many', async () => {
    const answers: Record<string, unknown> = {
      text: 'hello',
      line: 'hello\n',
      bytes: new Uint8Array([104, 105]),
      view: new Uint16Array([0x6968]),
      buffer: new Uint8Array([104, 105]).buffer,
      object: { a: [1, 'é'] },
      nothing: null,
      none: [],
      many: ['one', { two: 2 }, new Uint8Array([51])],
      rows: [[1, 2]],
      empty: '',
    }
    const { texts } = await run(({ text }) => text as never, eventOf()).then(() =>
      run((record) => answers[record.text()] as never, eventOf(...Object.keys(answers))),
    )
    expect(texts).toEqual(['hello\n', 'hello\n', 'hi\n', 'hi\n', 'hi\n', '{"a":[1,"é"]}\n', 'Dropped', 'Dropped', 'one\n{"two":2}\n3\n', '[1,2]\n', '\n'])
  })

  it('take another delimiter, or none', async () => {
    const outputs = () => ['a', 'b;']
    expect((await run({ transform: outputs, delimiter: ';' }, eventOf('x'))).texts).toEqual(['a;b;'])
    expect((await run({ transform: outputs, delimiter: '' }, eventOf('x'))).texts).toEqual(['ab;'])
    expect((await run({ transform: () => '', delimiter: '' }, eventOf('x'))).texts).toEqual(['Dropped'])
    expect((await run({ transform: outputs, delimiter: new Uint8Array([0]) }, eventOf('x'))).texts).toEqual(['a\0b;\0'])
  })

  it('carry partition keys and Iceberg routing', async () => {
    const metadata = { partitionKeys: { day: '2024-01-01', __proto__x: 'y' }, otfMetadata: { destinationTableName: 't', operation: 'insert' as const } }
    const { response } = await run(() => withMetadata({ a: 1 }, metadata), eventOf('x'))
    expect(response.records[0]).toEqual({ recordId: 'id-0', result: 'Ok', data: base64('{"a":1}\n'), metadata })
    const other = await run(() => [withMetadata('a', { partitionKeys: { k: '1' } }), withMetadata('b', { partitionKeys: { k: '2' } })], eventOf('x'))
    expect(other.failures[0].message).toBe('expected the same metadata for all outputs of a record, got different ones')
    for (const value of [5, '', null])
      expect((await run(() => withMetadata('a', { partitionKeys: { k: value as string } }), eventOf('x'))).texts).toEqual(['ProcessingFailed'])
    expect((await run(() => withMetadata('a', { otfMetadata: { operation: 'upsert' as never } }), eventOf('x'))).texts).toEqual(['ProcessingFailed'])
  })

  it('are copied, so that a function may use its buffer again', async () => {
    const scratch = new Uint8Array(1)
    const { texts } = await run(
      ({ data }) => {
        scratch[0] = data[0]
        return scratch
      },
      eventOf('a', 'b', 'c'),
    )
    expect(texts).toEqual(['a\n', 'b\n', 'c\n'])
  })

  it('keep binary payloads bit for bit', async () => {
    const all = new Uint8Array(256).map((_, i) => i)
    const { response } = await run({ transform: ({ data }) => data, delimiter: '' }, eventOf(all, '\ufeffbom', new Uint8Array([0xff])))
    expect(response.records.map(({ data }) => data)).toEqual([base64(all), base64('\ufeffbom'), '/w=='])
  })
})

describe('whatever the function does', () => {
  const misdeeds: Record<string, () => unknown> = {
    'throws an error': () => {
      throw new Error('boom')
    },
    'throws nothing': () => {
      throw undefined
    },
    'throws a hostile object': () => {
      throw {
        get message() {
          throw new Error('again')
        },
        get constructor() {
          throw new Error('again')
        },
      }
    },
    rejects: () => Promise.reject(new Error('boom')),
    'rejects later': () => new Promise((_, reject) => setTimeout(reject, 1)),
    'returns undefined': () => undefined,
    'returns a number': () => 5,
    'returns a boolean': () => true,
    'returns a function': () => () => 'x',
    'returns a symbol': () => Symbol('x'),
    'returns a bigint': () => 5n,
    'returns a Map': () => new Map([[1, 2]]),
    'returns an Error': () => new Error('boom'),
    'is a generator': function* () {
      yield 'x'
    },
    'is an async generator': async function* () {
      yield 'x'
    },
    'returns a cycle': () => {
      const a: Record<string, unknown> = {}
      a.a = a
      return a
    },
    'returns a bigint deep down': () => ({ a: 1n }),
    'returns junk among outputs': () => ['good', undefined],
    'returns a sparse array': () => new Array(2 ** 32 - 1),
    'returns a promise among outputs': () => [Promise.resolve('x')],
    'returns what JSON makes nothing of': () => ({ toJSON: () => undefined }),
    'returns a hostile thenable': () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is the point
      get then() {
        throw new Error('then')
      },
    }),
    'returns a hostile proxy': () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error('get')
          },
          ownKeys() {
            throw new Error('keys')
          },
        },
      ),
  }

  it.each(Object.entries(misdeeds))('and %s, its record fails with the original and a reason, the others do not', async (_, misdeed) => {
    const { response, failures } = await run(({ data }) => (data[0] === 0x62 ? (misdeed() as string) : data), eventOf('a', 'bad', 'c'))
    expect(response.records).toEqual([
      { recordId: 'id-0', result: 'Ok', data: base64('a\n') },
      { recordId: 'id-1', result: 'ProcessingFailed', data: base64('bad') },
      { recordId: 'id-2', result: 'Ok', data: base64('c\n') },
    ])
    expect(failures).toMatchObject([{ recordId: 'id-1', record: 1, reason: 'transform', message: expect.stringMatching(/./) }])
  })

  it('to its input and to the event, the originals are answered', async () => {
    const event = eventOf('abc', 'def')
    const { response } = await run((record) => {
      record.data.fill(0)
      record.source.recordId = 'other'
      record.source.data = 'x'
      event.records.length = 0
      throw new Error('no')
    }, event)
    expect(response.records).toEqual([
      { recordId: 'id-0', result: 'ProcessingFailed', data: base64('abc') },
      { recordId: 'id-1', result: 'ProcessingFailed', data: base64('def') },
    ])
  })

  it('and whatever the observer does', async () => {
    const handler = createFirehoseTransformer({
      transform: () => undefined as never,
      onFailure() {
        throw new Error('observer')
      },
    })
    expect((await handler(eventOf('a'))).records).toHaveLength(1)
  })

  it('async calls run in parallel up to the bound, answers stay in order', async () => {
    let now = 0
    let most = 0
    const transform = async ({ data }: { data: Uint8Array }) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, data[0] % 5))
      now--
      return data
    }
    const letters = [...'zyxwvutsrqponmlkjihgfedcba']
    const { texts } = await run({ transform, concurrency: 4 }, eventOf(...letters))
    expect(texts).toEqual(letters.map((l) => `${l}\n`))
    expect(most).toBe(4)
  })
})

describe('events as they come', () => {
  it('have data missing, null, of another type, no base64, over-padded, url-safe, of MSK', async () => {
    const data = [undefined, null, 5, '@@@', 'aGk====', 'aGk', '_w', '', 'aG k=\n']
    const event = { records: [...data.map((d, i) => ({ recordId: String(i), data: d })), { recordId: 'msk', kafkaRecordValue: 'aGk=' }] } as FirehoseEvent
    const { response, failures } = await run(({ data }) => data, event)
    expect(response.records.map(({ result, data }) => [result, data])).toEqual([
      ['ProcessingFailed', undefined],
      ['ProcessingFailed', undefined],
      ['ProcessingFailed', undefined],
      ['ProcessingFailed', undefined],
      ['Ok', base64('hi\n')],
      ['Ok', base64('hi\n')],
      ['Ok', base64(new Uint8Array([0xff, 10]))],
      ['Ok', base64('\n')],
      ['Ok', base64('hi\n')],
      ['Ok', base64('hi\n')],
    ])
    expect(failures.map(({ reason }) => reason)).toEqual(['data', 'data', 'data', 'data'])
    expect(explainFirehoseResponse(event, response).batchFault).toBeUndefined()
  })

  it('never make an answer that is no base64, even of a failed record', async () => {
    const event = { records: ['aGk====', 'a_-_'].map((data, i) => ({ recordId: String(i), data })) }
    const { response } = await run(() => undefined as never, event)
    for (const { data } of response.records) expect(Buffer.from(data ?? '', 'base64').toString('base64')).toBe(data)
  })

  it('have times of both shapes and numbers for text', async () => {
    const seen: unknown[] = []
    const event = eventOf('a', 'b', 'c')
    event.records[1].approximateArrivalTimestamp = '2020-01-02T03:04:05.678Z'
    event.records[2].approximateArrivalTimestamp = 'soon'
    event.records[1].kinesisRecordMetadata = { partitionKey: 'k', sequenceNumber: '123', subsequenceNumber: 5 }
    await run((r) => {
      seen.push([r.arrival, r.partitionKey, r.sequenceNumber, r.subSequenceNumber])
      return null
    }, event)
    expect(seen).toEqual([
      [1_700_000_000_000, undefined, undefined, undefined],
      [Date.parse('2020-01-02T03:04:05.678Z'), 'k', '123', undefined],
      [undefined, undefined, undefined, undefined],
    ])
  })

  it('have a recordId twice, which is answered once, with both or with the failure', async () => {
    const event = eventOf('a', 'b', 'drop', 'bad', 'c')
    const ids = ['x', 'x', 'x', 'y', 'y']
    event.records.forEach((record, i) => {
      record.recordId = ids[i]
    })
    const transform = (r: { text(): string; data: Uint8Array }) => (r.text() === 'drop' ? null : r.text() === 'bad' ? (undefined as never) : r.data)
    const { response } = await run(transform, event)
    expect(response.records).toEqual([
      { recordId: 'x', result: 'Ok', data: base64('a\nb\n') },
      { recordId: 'y', result: 'ProcessingFailed', data: base64('bad') },
    ])
  })

  it('have one recordId for all of 50,000 records, in linear time', async () => {
    const event = { records: new Array(50_000).fill({ recordId: 'x', data: base64('{}') }) }
    const want = base64('{}\n'.repeat(50_000))
    expect((await run(({ data }) => data, event)).response.records).toEqual([{ recordId: 'x', result: 'Ok', data: want }])
    expect((await createFirehoseTransformer({ transform: firehoseMapping({}) })(event)).records).toEqual([{ recordId: 'x', result: 'Ok', data: want }])
  })

  it('have objects that cannot be text where texts should be', async () => {
    const odd = { toString: 1 } as never
    const instrument = { add() {}, record() {} }
    const metrics = { createCounter: () => instrument, createHistogram: () => instrument }
    const event = { ...eventOf('a'), deliveryStreamArn: odd, sourceKinesisStreamArn: odd, invocationId: odd, region: odd }
    event.records[0] = { ...event.records[0], approximateArrivalTimestamp: odd, kinesisRecordMetadata: { partitionKey: odd, sequenceNumber: odd } }
    const keys: unknown[] = []
    const transform: Transform = ({ data, partitionKey }) => {
      keys.push(partitionKey)
      return data
    }
    const { response } = await run({ metrics, transform }, event)
    expect(response.records).toEqual([{ recordId: event.records[0].recordId, result: 'Ok', data: base64('a\n') }])
    expect(keys).toEqual([undefined])
  })

  it('that cannot be answered reject with what is wrong', async () => {
    const handler = createFirehoseTransformer({ transform: ({ data }) => data })
    const bad = (event: unknown) => expect(handler(event as FirehoseEvent)).rejects
    await bad(null).toThrow('"event" expected a Firehose transformation event, got null')
    await bad({}).toThrow('"event.records" expected an array, got undefined')
    await bad({ records: [null] }).toThrow('"event.records[0]" expected an object, got null')
    await bad({ records: [{ recordId: 5 }] }).toThrow('"event.records[0].recordId" expected a string, got 5')
    expect(await handler({ records: [] })).toEqual({ records: [] })
  })

  it('hold KPL aggregates, whose user records are seen one by one', async () => {
    const users = Array.from({ length: 20 }, (_, i) => ({ partitionKey: `key-${i % 3}`, data: Buffer.from(`user ${i}`) }))
    const { records } = aggregate(users, { shards: ShardMap.even(1) })
    expect(records).toHaveLength(1)
    const seen: unknown[] = []
    const transform: FirehoseTransformerOptions['transform'] = (r) => {
      seen.push([r.text(), r.partitionKey, r.subSequenceNumber, r.recordId])
      return r.text() === 'user 3' ? null : r.data
    }
    const event = eventOf('before', records[0].Data, new Uint8Array([0xf3, 0x89, 0x9a, 0xc2, 1, 2, 3]))
    const { texts } = await run(transform, event)
    expect(texts[1]).toBe(users.flatMap((_, i) => (i === 3 ? [] : `user ${i}\n`)).join(''))
    expect(seen.slice(1, 21)).toEqual(users.map((u, i) => [`user ${i}`, u.partitionKey, i, 'id-1']))
    expect(seen[21]).toEqual([expect.any(String), undefined, undefined, 'id-2'])
    // one of them fails: the aggregate as a whole goes to the error output, and says which
    const failing = await run((r) => (r.text() === 'user 7' ? (undefined as never) : r.data), event)
    expect(failing.response.records[1]).toEqual({ recordId: 'id-1', result: 'ProcessingFailed', data: base64(records[0].Data) })
    expect(failing.failures[0].message).toMatch(/^user record 7: expected/)
    // and closed where it is wanted so
    expect((await run({ transform: ({ data }) => data, deaggregate: false, delimiter: '' }, event)).response.records[1].data).toBe(base64(records[0].Data))
  })
})

describe('the limit', () => {
  it('holds to the byte: what does not fit fails, in order, and none is lost', async () => {
    const event = eventOf('a', 'b'.repeat(100), 'c', 'd'.repeat(40), 'e')
    const all = await run(({ data }) => data, event)
    const full = Buffer.byteLength(JSON.stringify(all.response))
    for (let limit = full; limit > 0; limit--) {
      const attempt = run({ transform: ({ data }) => data, responseLimit: limit }, event)
      const bare = '{"records":[]}'.length + 4 + 5 * JSON.stringify({ recordId: 'id-0', result: 'ProcessingFailed' }).length
      if (limit < bare) {
        await expect(attempt).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
        continue
      }
      const { response, failures } = await attempt
      expect(Buffer.byteLength(JSON.stringify(response))).toBeLessThanOrEqual(limit)
      expect(response.records.map(({ recordId }) => recordId)).toEqual(event.records.map(({ recordId }) => recordId))
      const failed = response.records.filter(({ result }) => result === 'ProcessingFailed').map(({ recordId }) => recordId)
      expect(failures.map(({ recordId, reason }) => [recordId, reason])).toEqual(failed.map((id) => [id, 'overflow']))
      expect(failed.length > 0).toBe(limit < full)
    }
  })

  it('is that of Lambda: a batch that doubles keeps what fits', async () => {
    const event = eventOf(...Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(10_000, 'x')))
    const { response, failures } = await run(({ data }) => [data, data, data], event)
    const size = Buffer.byteLength(JSON.stringify(response))
    expect(size).toBeLessThanOrEqual(6_291_456)
    expect(size).toBeGreaterThan(6_291_456 - 50_000)
    expect(failures.length).toBeGreaterThan(100)
    expect(explainFirehoseResponse(event, response)).toMatchObject({ batchFault: undefined, bytes: size })
  })

  it('counts exactly, whatever the ids, payloads and keys', async () => {
    const record = fc.record({
      id: fc.string({ unit: 'binary', maxLength: 8 }),
      data: fc.uint8Array({ maxLength: 40 }),
      deed: fc.nat(4),
      key: fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 12 }), fc.integer({ min: 400, max: 2000 }), async (records, limit) => {
        const event = { records: records.map(({ id, data }) => ({ recordId: id, data: base64(data) })) }
        let n = 0
        const transform = (r: { data: Uint8Array }) => {
          const { deed, key } = records[n++]
          if (deed === 0) return null
          if (deed === 1) throw new Error('no')
          if (deed === 2) return withMetadata(r.data, { partitionKeys: { [key]: key } })
          return deed === 3 ? [r.data, r.data] : r.data
        }
        const failures: TransformFailure[] = []
        const work = createFirehoseTransformer({ transform, responseLimit: limit, concurrency: 1, onFailure: (f) => failures.push(f) })(event)
        const ids = [...new Set(records.map(({ id }) => id))]
        const bare = JSON.stringify({ records: ids.map((recordId) => ({ recordId, result: 'ProcessingFailed' })) })
        let response: Awaited<typeof work>
        try {
          response = await work
        } catch (error) {
          expect((error as { code?: string }).code).toBe('LIMIT_EXCEEDED')
          expect(Buffer.byteLength(bare)).toBeGreaterThan(limit)
          return
        }
        const explained = explainFirehoseResponse(event, response)
        expect(explained.bytes).toBeLessThanOrEqual(limit)
        expect(explained.batchFault).toBeUndefined()
        expect(response.records.map(({ recordId }) => recordId)).toEqual(ids)
        for (const { outcome, recordId, code } of explained.outcomes) {
          expect(['delivered', 'dropped', 'failed']).toContain(outcome)
          if (outcome === 'failed') expect(code).toBe('Lambda.ProcessingFailedStatus')
          expect(failures.some((f) => f.recordId === recordId)).toBe(outcome === 'failed')
        }
      }),
      { numRuns: 400 },
    )
  })
})

it('has blueprints', async () => {
  const event = eventOf('Hello, this is a test 123.', new Uint8Array([0xf3, 0x89, 0x9a, 0xc2]))
  expect((await run(firehoseBlueprint('process-record'), event)).response.records.map(({ data }) => data)).toEqual(event.records.map(({ data }) => data))
  expect((await run(firehoseBlueprint('kpl'), event)).texts[0]).toBe('Hello, this is a test 123.\n')
})

it('wants its options right', () => {
  const bad = (options: unknown) => expect(() => createFirehoseTransformer(options as FirehoseTransformerOptions))
  const transform = () => null
  bad(undefined).toThrow('"options" expected an object, got undefined')
  bad({}).toThrow('"transform" expected a function, got undefined')
  bad({ transform, delimiter: 5 }).toThrow('"delimiter" expected text or bytes, got 5')
  bad({ transform, deaggregate: 1 }).toThrow('"deaggregate" expected true or false, got 1')
  bad({ transform, concurrency: 0 }).toThrow(RangeError)
  bad({ transform, responseLimit: 6_291_457 }).toThrow('"responseLimit" expected a whole number from 1 to 6291456, got 6291457')
  bad({ transform, onFailure: 'x' }).toThrow('"onFailure" expected a function, got "x"')
  bad({ transform, delimeter: ',' }).toThrow('"options" expected one of')
})

it('takes a hole in the records for no record', async () => {
  await expect(createFirehoseTransformer({ transform: (r) => r.text() })({ records: Array(2) } as never)).rejects.toThrow(
    '"event.records[0]" expected an object, got undefined',
  )
})

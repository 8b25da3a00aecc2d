import middy from '@middy/core'
import type { Context, KinesisStreamEvent, KinesisStreamHandler } from 'aws-lambda'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createKinesisHandler,
  type KinesisEachOptions,
  type KinesisEvent,
  type KinesisFailure,
  type KinesisInput,
  type KinesisSourceRecord,
} from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { contextOf, eventOf, failuresOf, sequence, sourceOf, sourceOfBytes } from './lambda.js'

const nameOf = (record: KinesisInput) => `${record.partitionKey}:${record.text()}`

/** Runs events one after the other through one handler; `fail` says which lines throw. */
async function run(events: KinesisEvent[], options: KinesisEachOptions = {}, fail: (line: string, call: number) => boolean = () => false) {
  const calls: string[] = []
  const failures: KinesisFailure[] = []
  const handler = createKinesisHandler(
    async (record) => {
      const line = nameOf(record)
      calls.push(line)
      if (fail(line, calls.length)) throw new Error(`no ${line}`)
    },
    { onFailure: (failure) => failures.push(failure), ...options },
  )
  const answers: number[][] = []
  for (const event of events) answers.push(failuresOf(await handler(event)))
  return { calls, answers, failures }
}

describe('as a Lambda handler', () => {
  it('is a KinesisStreamHandler', async () => {
    const handler = createKinesisHandler(() => {})
    expectTypeOf(handler).toExtend<KinesisStreamHandler>()
    const assigned: KinesisStreamHandler = handler
    const event: KinesisStreamEvent = { Records: [] }
    expect(await assigned(event, undefined as never, () => {})).toEqual({ batchItemFailures: [] })
  })

  it('runs under middy', async () => {
    const seen: string[] = []
    const inner = createKinesisHandler((record, { lambda }) => {
      seen.push(`${record.text()} ${(lambda as Context).awsRequestId}`)
    })
    const handler = middy<KinesisStreamEvent>()
      .use({ before: ({ event }) => void (event.Records as KinesisSourceRecord[]).push(sourceOf(2, ['b:2'])) })
      .handler(inner)
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 3000 } as Context
    expect(await handler(eventOf(['a:1']) as KinesisStreamEvent, context)).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual(['1 r', '2 r'])
  })

  it.each([
    [undefined, '"event" expected a Kinesis event, got undefined'],
    ['x', '"event" expected a Kinesis event, got "x"'],
    [{}, '"event.Records" expected an array of Kinesis records, got undefined'],
    [{ records: [{ recordId: '1', data: '' }] }, '"event.Records" expected an array of Kinesis records, got undefined'],
    [{ Records: [{ eventSource: 'aws:sqs', body: '' }] }, '"event.Records[0].eventSource" expected "aws:kinesis", got "aws:sqs"'],
    [{ Records: [{ eventSource: 'aws:dynamodb', dynamodb: {} }] }, '"event.Records[0].eventSource" expected "aws:kinesis", got "aws:dynamodb"'],
    [{ Records: [null] }, '"event.Records[0]" expected an object, got null'],
    [{ Records: new Array(1) }, '"event.Records[0]" expected an object, got undefined'],
    [{ Records: [{}] }, '"event.Records[0].kinesis" expected an object, got undefined'],
    [{ Records: [{ eventID: 7 }] }, '"event.Records[0].eventID" expected a string, got 7'],
    [{ Records: [{ eventSourceARN: null }] }, '"event.Records[0].eventSourceARN" expected a string, got null'],
    [{ Records: [{ kinesis: { data: 7, sequenceNumber: '1' } }] }, '"event.Records[0].kinesis.data" expected base64 text, got 7'],
    [{ Records: [{ kinesis: { data: '' } }] }, '"event.Records[0].kinesis.sequenceNumber" expected decimal digits, got undefined'],
    [{ Records: [{ kinesis: { data: '', sequenceNumber: '-1' } }] }, '"event.Records[0].kinesis.sequenceNumber" expected decimal digits, got "-1"'],
    [
      { Records: [{ kinesis: { data: '', sequenceNumber: '1', partitionKey: {} } }] },
      '"event.Records[0].kinesis.partitionKey" expected a string, or none, got an object',
    ],
  ])('rejects %j', async (event, message) => {
    const handler = createKinesisHandler(() => expect.unreachable())
    await expect(handler(event as never)).rejects.toThrow(new TypeError(message))
  })

  it.each([
    [{ mode: 'raw' }, '"mode" expected "keep", "kcl" or "strict", got "raw"'],
    [{ concurrency: 0 }, '"concurrency" expected a whole number from 1, got 0'],
    [{ concurency: 2 }, '"options" expected one of'],
    [{ deadlineMargin: -1 }, '"deadlineMargin" expected a whole number from 0, got -1'],
    [{ progress: {} }, '"progress" expected a store with get, set and delete, got an object'],
    [{ maxAttempts: 2 }, '"deadLetter" expected a function that takes what maxAttempts or isPoison give up, got undefined'],
    [{ deadLetter: () => {}, isPoison: SyntaxError.name }, '"isPoison" expected a function, got "SyntaxError"'],
    [{ reportBatchItemFailures: 1 }, '"reportBatchItemFailures" expected true or false, got 1'],
    [{ ports: {} }, '"ports" expected ports with a clock, got an object'],
  ])('refuses the options %j', (options, message) => {
    expect(() => createKinesisHandler(() => {}, options as never)).toThrow(message)
    expect(() => createKinesisHandler('f' as never)).toThrow('"onRecord" expected a function, got "f"')
  })
})

describe('records', () => {
  it('come out of aggregates, in order, with their places', async () => {
    const seen: unknown[] = []
    const handler = createKinesisHandler((record) => {
      const { partitionKey, subSequenceNumber, sequenceNumber, aggregated, shardId, arrival, reason } = record
      seen.push([partitionKey, record.text(), record.json(), sequenceNumber, subSequenceNumber, aggregated, shardId, arrival, reason])
    })
    await handler(eventOf(['k:1', 'k:2'], ['ü:3']))
    expect(seen).toEqual([
      ['k', '1', 1, sequence(1), 0, true, 'shardId-000000000006', 1545084650987, undefined],
      ['k', '2', 2, sequence(1), 1, true, 'shardId-000000000006', 1545084650987, undefined],
      ['ü', '3', 3, sequence(2), 0, false, 'shardId-000000000006', 1545084650987, undefined],
    ])
  })

  it('have what an event lacks as undefined or empty', async () => {
    const seen: KinesisInput[] = []
    const records = [null, undefined].map((partitionKey) => ({ kinesis: { data: 'AQID', sequenceNumber: '1', partitionKey } }))
    await createKinesisHandler((record) => void seen.push(record))({ Records: records as never })
    for (const record of seen) {
      expect(record).toMatchObject({ partitionKey: undefined, shardId: '', arrival: undefined, aggregated: false })
      expect(record.data).toEqual(new Uint8Array([1, 2, 3]))
      expect(record.data).toBe(record.data)
    }
    expect(seen.length).toBe(2)
  })

  it('that are damaged: kept with a reason, dropped as the KCL does and told, or failed', async () => {
    const good = Buffer.from(sourceOf(1, ['a:1', 'b:2']).kinesis.data, 'base64')
    const bad = Uint8Array.from(good)
    bad[bad.length - 1] ^= 1
    const empty = { ...sourceOfBytes(3, new Uint8Array()), kinesis: { ...sourceOfBytes(3, new Uint8Array()).kinesis, data: '***' } }
    const event = { Records: [sourceOfBytes(1, good), sourceOfBytes(2, bad), empty, sourceOf(4, ['c:3'])] }
    const reasons: unknown[] = []
    await createKinesisHandler((record) => void reasons.push(record.reason))(event)
    expect(reasons).toEqual([undefined, undefined, 'BAD_CHECKSUM', 'BAD_BASE64', undefined])

    const strict = await run([event], { mode: 'strict' })
    expect(strict).toMatchObject({ calls: ['a:1', 'b:2'], answers: [[2]], failures: [{ reason: 'handler', cause: { code: 'CORRUPT' } }] })
    expect(strict.failures[0].message).toBe(`shardId-000000000006 ${sequence(2)}/0: BAD_CHECKSUM: not what it seems to be`)

    // one record whose key index is outside its table
    const body = Buffer.from('0a016b1a05080012006161', 'hex').subarray(0, 3)
    const entry = (index: number, text: string) => Buffer.concat([Buffer.from([0x1a, 4 + text.length, 8, index, 0x1a, text.length]), Buffer.from(text)])
    const message = Buffer.concat([body, entry(0, 'x'), entry(9, 'y'), entry(0, 'z')])
    const { createHash } = await import('node:crypto')
    const aggregate = Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, createHash('md5').update(message).digest()])
    const kcl = await run([{ Records: [sourceOfBytes(1, aggregate)] }], { mode: 'kcl' })
    expect(kcl).toMatchObject({ calls: ['k:x'], answers: [[]], failures: [{ reason: 'kcl', sequenceNumber: sequence(1) }] })
    expect(kcl.failures[0].message).toBe('BAD_KEY_INDEX: the KCL drops this aggregate, or the rest of it')
    expect((await run([{ Records: [sourceOfBytes(1, aggregate)] }])).calls).toEqual(['k:x', 'a:y', 'k:z'])
  })
})

describe('a record that fails', () => {
  const event = eventOf(['a:1', 'b:2', 'a:3'], ['c:4'], ['b:5', 'a:6'])

  it('ends the invocation; its Kinesis record is where Lambda begins again', async () => {
    const { calls, answers, failures } = await run([event], {}, (line) => line === 'c:4')
    expect(calls).toEqual(['a:1', 'b:2', 'a:3', 'c:4'])
    expect(answers).toEqual([[2]])
    expect(failures).toMatchObject([{ reason: 'handler', message: 'no c:4', sequenceNumber: sequence(2), record: { partitionKey: 'c' } }])
  })

  it('is the same whether the function throws or rejects', async () => {
    for (const fail of [
      () => {
        throw null
      },
      () => Promise.reject(undefined),
      // biome-ignore lint/suspicious/noThenProperty: something like a promise
      () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(7) }),
    ]) {
      expect(failuresOf(await createKinesisHandler(fail)(event))).toEqual([1])
    }
  })

  it('stops its own key only, where keys are handled at once', async () => {
    const { calls, answers } = await run([event], { concurrency: 8 }, (line) => line === 'b:2')
    expect(calls.sort()).toEqual(['a:1', 'a:3', 'a:6', 'b:2', 'c:4'])
    expect(answers).toEqual([[1]])
  })

  it('and what was done behind it are told apart by the retry', async () => {
    const serial = await run([event, event], {}, (line, call) => line === 'a:3' && call === 3)
    expect(serial.calls).toEqual(['a:1', 'b:2', 'a:3', 'a:3', 'c:4', 'b:5', 'a:6'])
    expect(serial.answers).toEqual([[1], []])
    const retry = { Records: event.Records.slice(1) }
    const atOnce = await run([event, retry], { concurrency: 2 }, (line, call) => line === 'c:4' && call < 6)
    expect([...atOnce.calls].sort()).toEqual(['a:1', 'a:3', 'a:6', 'b:2', 'b:5', 'c:4', 'c:4'])
    expect(atOnce.answers).toEqual([[2], []])
  })

  it('rejects where the mapping has no ReportBatchItemFailures; the same event then comes again', async () => {
    const calls: string[] = []
    const handler = createKinesisHandler(
      (record) => {
        calls.push(nameOf(record))
        if (calls.length === 3) throw new RangeError('no')
      },
      { reportBatchItemFailures: false },
    )
    await expect(handler(event)).rejects.toMatchObject({
      code: 'NOT_DONE',
      message: `${sequence(1)}: 4 of 6 user records are not done: no`,
      cause: new RangeError('no'),
    })
    expect(await handler(event)).toEqual({ batchItemFailures: [] })
    expect(calls).toEqual(['a:1', 'b:2', 'a:3', 'a:3', 'c:4', 'b:5', 'a:6'])
  })

  it('is named by the lowest sequence number, in each shard, in whatever order they come', async () => {
    const records = [sourceOf(7, ['a:1']), sourceOf(5, ['b:1']), sourceOf(6, ['c:1'], 'shardId-1'), sourceOf(9, ['d:1'], 'shardId-2')]
    const { answers } = await run([{ Records: records }], { concurrency: 4 }, (line) => !line.startsWith('d'))
    expect(answers).toEqual([[5, 6]])
    // of sequence numbers of different length
    const short = { ...sourceOf(1, ['x:1']), kinesis: { data: '', sequenceNumber: '99' } }
    const answer = await createKinesisHandler(() => Promise.reject(), { concurrency: 2 })({ Records: [sourceOf(3, ['y:1']), short] })
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '99' }] })
  })

  it('of an event with a window is answered with the state as it was', async () => {
    const windowed = { ...event, window: { start: '', end: '' }, state: { n: 1 } }
    expect(await createKinesisHandler(() => {})(windowed)).toEqual({ batchItemFailures: [], state: { n: 1 } })
    const answer = await createKinesisHandler(() => Promise.reject())({ ...windowed, state: undefined } as never)
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequence(1) }], state: {} })
  })
})

describe('concurrency', () => {
  it('is at most what is asked for, and one within a key', async () => {
    const { clock, random, run: simulate } = createSimulation(5)
    const event = eventOf(...Array.from({ length: 40 }, (_, i) => Array.from({ length: 5 }, (_, j) => `k${(i * 7 + j) % 9}:${i * 5 + j}`)))
    let running = 0
    let most = 0
    const order = new Map<string, number[]>()
    const busy = new Set<string>()
    const handler = createKinesisHandler(
      async (record) => {
        const key = record.partitionKey as string
        expect(busy.has(key)).toBe(false)
        busy.add(key)
        most = Math.max(most, ++running)
        await clock.sleep(random.next() * 10)
        order.set(key, [...(order.get(key) ?? []), record.json() as number])
        busy.delete(key)
        running--
      },
      { concurrency: 4, ports: { clock } },
    )
    expect(await simulate(handler(event))).toEqual({ batchItemFailures: [] })
    expect(most).toBe(4)
    for (const values of order.values()) expect(values).toEqual(values.toSorted((a, b) => a - b))
    expect([...order.values()].flat().length).toBe(200)
  })

  it('makes no promise for a record whose function makes none', async () => {
    const event = eventOf(Array.from({ length: 100 }, (_, i) => `k${i % 3}:${i}`))
    for (const concurrency of [1, 3]) {
      let turns = 0
      let counting = true
      const count = async () => {
        for (; counting; turns++) await undefined
      }
      let seen = 0
      const handler = createKinesisHandler(() => void seen++, { concurrency })
      const counted = count()
      await handler(event)
      counting = false
      await counted
      expect(seen).toBe(100)
      expect(turns).toBeLessThan(30)
    }
  })

  it('of records without a key is free of order', async () => {
    const { clock, run: simulate } = createSimulation(1)
    const Records = [1, 2, 3].map((n) => sourceOfBytes(n, new Uint8Array([48 + n])))
    for (const { kinesis } of Records) kinesis.partitionKey = undefined
    const handler = createKinesisHandler(async (record) => (record.text() === '1' ? Promise.reject() : clock.sleep(100)), { concurrency: 3, ports: { clock } })
    const start = clock.monotonic()
    expect(failuresOf(await simulate(handler({ Records })))).toEqual([1])
    expect(clock.monotonic() - start).toBe(100)
  })
})

describe('the deadline', () => {
  it('aborts what is under way and answers without it', async () => {
    const { clock, run: simulate } = createSimulation(2)
    const calls: string[] = []
    const aborted: unknown[] = []
    const failures: KinesisFailure[] = []
    const handler = createKinesisHandler(
      (record, { signal }) => {
        calls.push(nameOf(record))
        if (calls.length < 3) return clock.sleep(1000)
        signal.addEventListener('abort', () => aborted.push(signal.reason, clock.monotonic()))
        return new Promise(() => {})
      },
      { ports: { clock }, onFailure: (failure) => failures.push(failure) },
    )
    const event = eventOf(['a:1', 'a:2', 'a:3', 'a:4'])
    expect(failuresOf(await simulate(handler(event, contextOf({ clock } as never, 3000))))).toEqual([1])
    expect(calls).toEqual(['a:1', 'a:2', 'a:3'])
    expect(aborted).toMatchObject([{ name: 'TimeoutError', message: 'the invocation ends in 500 ms' }, 2500])
    expect(failures).toMatchObject([{ reason: 'deadline', message: 'not done when the invocation had to answer', record: { subSequenceNumber: 2 } }])
    calls.length = 0
    await simulate(handler(event, contextOf({ clock } as never, 5000)))
    expect(calls).toEqual(['a:3', 'a:4'])
  })

  it('is no failure of a function that heeds it', async () => {
    const { clock, run: simulate } = createSimulation(2)
    const failures: KinesisFailure[] = []
    const handler = createKinesisHandler((_, { signal }) => clock.sleep(5000, signal), {
      deadLetter: () => expect.unreachable(),
      isPoison: () => true,
      ports: { clock },
      onFailure: (failure) => failures.push(failure),
    })
    expect(failuresOf(await simulate(handler(eventOf(['a:1']), contextOf({ clock } as never, 3000))))).toEqual([1])
    expect(failures.map(({ reason }) => reason)).toEqual(['deadline'])
  })

  it('holds for functions that never wait', async () => {
    const { clock } = createSimulation(3)
    let now = 0
    const ticking = { ...clock, monotonic: () => now }
    let calls = 0
    const handler = createKinesisHandler(
      () => {
        calls++
        now += 100
      },
      { ports: { clock: ticking }, deadlineMargin: 250 },
    )
    const event = eventOf(...Array.from({ length: 20 }, (_, i) => [`k:${i}`]))
    expect(failuresOf(await handler(event, { getRemainingTimeInMillis: () => 1000 }))).toEqual([9])
    expect(calls).toBe(8)
  })

  it('leaves at least half of a short time, and none where the context has none', async () => {
    const times = async (lambda: unknown) => {
      const { clock, run: simulate } = createSimulation(4)
      const handler = createKinesisHandler(() => clock.sleep(100), { ports: { clock } })
      const event = eventOf(...Array.from({ length: 8 }, (_, i) => [`k:${i}`]))
      return failuresOf(await simulate(handler(event, lambda as never)))
    }
    expect(await times({ getRemainingTimeInMillis: () => 620 })).toEqual([4])
    expect(await times({ getRemainingTimeInMillis: () => 0 })).toEqual([1])
    for (const lambda of [undefined, {}, null, { getRemainingTimeInMillis: 5 }, { getRemainingTimeInMillis: () => Number.NaN }]) {
      expect(await times(lambda)).toEqual([])
    }
  })

  it('what ends behind it changes nothing', async () => {
    const { clock, run: simulate } = createSimulation(6)
    const stored = new Map<string, string>()
    const letters: unknown[] = []
    const failures: KinesisFailure[] = []
    const handler = createKinesisHandler(
      async (record) => {
        await clock.sleep(2000)
        if (record.text() === '2') throw new Error('late')
      },
      {
        concurrency: 2,
        progress: { get: (key) => stored.get(key), set: (key, text) => stored.set(key, text), delete: (key) => stored.delete(key) },
        deadLetter: (all) => void letters.push(...all),
        onFailure: (failure) => failures.push(failure),
        ports: { clock },
      },
    )
    const answer = await simulate(handler(eventOf(['a:1'], ['b:2'], ['c:3']), contextOf({ clock } as never, 1500)))
    const kept = [...stored.values()]
    await simulate(clock.sleep(5000))
    expect(failuresOf(answer)).toEqual([1])
    expect([...stored.values()]).toEqual(kept)
    expect(JSON.parse(kept[0])).toEqual([
      [sequence(1), [], [0, 1]],
      [sequence(2), [], [0, 1]],
    ])
    expect(failures.map(({ reason }) => reason)).toEqual(['deadline', 'deadline'])
    expect(letters).toEqual([])
  })

  it('nor does what ends while its progress is being kept', async () => {
    const { clock, run: simulate } = createSimulation(7)
    const progress = { get: () => undefined, set: () => clock.sleep(300), delete: () => undefined }
    const handler = createKinesisHandler(() => clock.sleep(1100), { progress, reportBatchItemFailures: false, ports: { clock } })
    const answer = simulate(handler(eventOf(['a:1']), contextOf({ clock } as never, 1500)))
    await expect(answer).rejects.toMatchObject({ message: `${sequence(1)}: 1 of 1 user records are not done: not done when the invocation had to answer` })
  })
})

it('an observer that rejects, or whose promise throws, costs nothing', async () => {
  const unhandled: unknown[] = []
  const keep = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', keep)
  try {
    for (const onFailure of [
      async () => {
        throw new Error('observer')
      },
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a promise of somebody's own
        then() {
          throw new Error('observer')
        },
      }),
    ]) {
      const handler = createKinesisHandler(() => Promise.reject(new Error('no')), { onFailure })
      expect(failuresOf(await handler(eventOf(['a:1'])))).toEqual([1])
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', keep)
  }
})

import { describe, expect, it } from 'vitest'
import {
  createKinesisHandler,
  type DeadLetterSink,
  type KinesisDeadLetter,
  type KinesisEachOptions,
  type KinesisEvent,
  type KinesisFailure,
  memoryProgress,
  type ProgressStore,
} from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { ARN, contextOf, eventOf, failuresOf, SHARD, sequence, sourceOfBytes } from './lambda.js'

const keyOf = (n: number) => `${ARN}:${SHARD}:${sequence(n)}`

function mapStore() {
  const kept = new Map<string, string>()
  const store: ProgressStore = {
    get: async (key) => kept.get(key),
    set: async (key, text) => void kept.set(key, text),
    delete: async (key) => void kept.delete(key),
  }
  return { kept, store }
}

/** A function in containers of its own: each `invoke` may be a cold start. */
function lambda(fail: (line: string) => unknown, options: KinesisEachOptions = {}) {
  const calls: string[] = []
  const failures: KinesisFailure[] = []
  const make = () =>
    createKinesisHandler(
      (record) => {
        const line = `${record.partitionKey}:${record.text()}`
        calls.push(line)
        const error = fail(line)
        if (error) throw error
      },
      { onFailure: (failure) => failures.push(failure), ...options },
    )
  let warm = make()
  return {
    calls,
    failures,
    async invoke(event: KinesisEvent, cold = false) {
      if (cold) warm = make()
      calls.length = 0
      return failuresOf(await warm(event))
    },
  }
}

const event = eventOf(['a:1', 'b:2', 'a:3', 'c:4'], ['b:5'], ['c:6', 'd:7'])

describe('progress', () => {
  it('is kept under the sequence number that the retry begins with, and goes when that is done', async () => {
    const { kept, store } = mapStore()
    let broken = true
    const { invoke, calls } = lambda((line) => broken && line === 'b:2' && new Error('no'), { progress: store, concurrency: 2 })
    expect(await invoke(event)).toEqual([1])
    expect([...kept.keys()]).toEqual([keyOf(1)])
    expect(JSON.parse(kept.get(keyOf(1)) as string)).toEqual([
      [sequence(1), [0, 1, 2, 4], [1, 1]],
      [sequence(2), [], []],
      [sequence(3), [0, 2], []],
    ])
    broken = false
    // fewer records than before, as where Lambda bisects, in another container
    expect(await invoke({ Records: event.Records.slice(0, 2) }, true)).toEqual([])
    expect(calls).toEqual(['b:2', 'b:5'])
    expect([...kept.keys()]).toEqual([keyOf(3)])
    expect(await invoke({ Records: event.Records.slice(2) }, true)).toEqual([])
    expect(calls).toEqual([])
    expect(kept.size).toBe(0)
  })

  it('moves on with a retry that fails further on', async () => {
    const { kept, store } = mapStore()
    let bad = 'a:3'
    const { invoke, calls } = lambda((line) => line === bad && new Error('no'), { progress: store })
    expect(await invoke(event)).toEqual([1])
    bad = 'd:7'
    expect(await invoke(event)).toEqual([3])
    expect(calls).toEqual(['a:3', 'c:4', 'b:5', 'c:6', 'd:7'])
    expect([...kept.keys()]).toEqual([keyOf(3)])
  })

  it('is nothing that a retry depends on', async () => {
    for (const text of ['', 'null', '{}', '[[]]', '[["1",[0],[]]]', '[["1",[0,"1"],[]]]', '[[1,[],[]]]', '[["1",[-1,1],[]]]']) {
      const { kept, store } = mapStore()
      kept.set(keyOf(1), text)
      const { invoke, calls, failures } = lambda(() => undefined, { progress: store })
      expect(await invoke(event)).toEqual([])
      expect(calls.length).toBe(7)
      expect(failures, text).toMatchObject([{ reason: 'progress' }])
      expect(kept.size).toBe(0)
    }
    // places that no record has
    const { kept, store } = mapStore()
    kept.set(
      keyOf(1),
      JSON.stringify([
        [sequence(1), [1, 900, 2 ** 52, 0], [70, 3]],
        ['5', [0, 1], []],
      ]),
    )
    const { invoke, calls } = lambda(() => undefined, { progress: store, deadLetter: () => expect.unreachable() })
    expect(await invoke(event)).toEqual([])
    expect(calls).toEqual(['a:1', 'b:5', 'c:6', 'd:7'])
  })

  it('costs no batch where its store fails', async () => {
    const progress: ProgressStore = {
      get: () => Promise.reject(new Error('get')),
      set() {
        throw new Error('set')
      },
      delete: () => undefined,
    }
    const { invoke, failures } = lambda((line) => line === 'b:5' && new Error('no'), { progress })
    expect(await invoke(event)).toEqual([2])
    expect(await invoke({ Records: event.Records.slice(2) })).toEqual([])
    expect(failures.map(({ reason, message }) => [reason, message])).toEqual([
      ['progress', 'get'],
      ['handler', 'no'],
      ['progress', 'set'],
      ['progress', 'get'],
    ])
  })

  it('does not hold up the answer where its store hangs', async () => {
    const { clock, run } = createSimulation(1)
    const text = JSON.stringify([[sequence(1), [0, 1], []]])
    const progress: ProgressStore = { get: () => clock.sleep(5000).then(() => text), set: () => expect.unreachable(), delete: () => expect.unreachable() }
    const handler = createKinesisHandler(() => expect.unreachable(), { progress, ports: { clock } })
    expect(failuresOf(await run(handler(event, contextOf({ clock } as never, 3000))))).toEqual([1])
    await run(clock.sleep(9000))
  })

  it('in memory is bounded, and the newest stays', () => {
    const memory = memoryProgress()
    for (let i = 0; i < 100; i++) memory.set(`${i}`, `${i}`)
    memory.set('36', 'again')
    memory.set('100', '')
    expect([0, 35, 36, 37, 38, 99].map((i) => memory.get(`${i}`))).toEqual([undefined, undefined, 'again', undefined, '38', '99'])
    memory.delete('99')
    expect(memory.get('99')).toBe(undefined)
  })

  it('leaves nothing out of another shard or stream with the same numbers', async () => {
    const { invoke, calls } = lambda((line) => line === 'a:3' && new Error('no'))
    await invoke(event)
    for (const change of [{ eventID: `shardId-7:${sequence(1)}` }, { eventSourceARN: `${ARN}-2` }]) {
      await invoke({ Records: event.Records.map((record) => ({ ...record, ...change })) })
      expect(calls).toEqual(['a:1', 'b:2', 'a:3'])
    }
  })
})

describe('a poison record', () => {
  const bad = (line: string) => line === 'b:2' && Object.assign(new TypeError('no number'), { code: 'NO_NUMBER' })

  it('becomes a dead letter at once where isPoison says so', async () => {
    const letters: KinesisDeadLetter[] = []
    const { invoke, calls } = lambda(bad, { deadLetter: (all) => void letters.push(...all), isPoison: (error) => error instanceof TypeError })
    expect(await invoke(event)).toEqual([])
    expect(calls).toEqual(['a:1', 'b:2', 'a:3', 'c:4', 'b:5', 'c:6', 'd:7'])
    expect(letters).toEqual([
      {
        partitionKey: 'b',
        data: new Uint8Array([50]),
        code: 'NO_NUMBER',
        message: 'no number',
        uncertain: false,
        attemptCount: 1,
        attempts: [],
        shardId: SHARD,
        sequenceNumber: sequence(1),
        subSequenceNumber: 1,
      },
    ])
  })

  it.each([false, true])('becomes one after maxAttempts (cold starts: %s)', async (cold) => {
    const { store, kept } = mapStore()
    const letters: KinesisDeadLetter[] = []
    const { invoke } = lambda(bad, { deadLetter: async (all) => void letters.push(...all), maxAttempts: 4, progress: store, concurrency: 3 })
    for (let tries = 1; tries < 4; tries++) expect(await invoke(event, cold)).toEqual([1])
    expect(letters).toEqual([])
    expect(await invoke(event, cold)).toEqual([])
    expect(letters).toMatchObject([{ code: 'NO_NUMBER', attemptCount: 4 }])
    expect(kept.size).toBe(0)
  })

  it('stays failed while the sink fails, and is not handled again', async () => {
    const letters: KinesisDeadLetter[] = []
    let down = true
    const deadLetter = async (all: readonly KinesisDeadLetter[]) => {
      if (down) throw new Error('the queue is away')
      letters.push(...all)
    }
    const { invoke, calls, failures } = lambda(bad, { deadLetter, maxAttempts: 1 })
    expect(await invoke(event)).toEqual([1])
    expect(await invoke(event)).toEqual([1])
    expect(calls).toEqual([])
    expect(failures.map(({ reason, message }) => [reason, message])).toEqual([
      ['handler', 'no number'],
      ['deadLetter', 'the queue is away'],
      ['deadLetter', 'the queue is away'],
    ])
    down = false
    expect(await invoke(event)).toEqual([])
    expect(calls).toEqual(['a:3', 'c:4', 'b:5', 'c:6', 'd:7'])
    expect(letters).toMatchObject([{ code: 'MAX_ATTEMPTS', message: 'failed in 1 invocations', attemptCount: 1 }])
  })

  it('is one that never ends, too', async () => {
    const { clock, run } = createSimulation(1)
    const letters: KinesisDeadLetter[] = []
    const handler = createKinesisHandler(({ partitionKey }) => (partitionKey === 'b' ? new Promise(() => {}) : undefined), {
      deadLetter: (all) => void letters.push(...all),
      maxAttempts: 2,
      ports: { clock },
    })
    const invoke = async () => failuresOf(await run(handler(eventOf(['a:1', 'b:2', 'c:3']), contextOf({ clock } as never, 3000))))
    expect([await invoke(), await invoke(), await invoke()]).toEqual([[1], [1], []])
    expect(letters).toMatchObject([{ partitionKey: 'b', code: 'MAX_ATTEMPTS', attemptCount: 2 }])
  })

  it('is none where isPoison fails, or where there is no sink', async () => {
    const isPoison = () => {
      throw new Error('oops')
    }
    const { invoke, failures } = lambda(bad, { deadLetter: () => expect.unreachable(), isPoison })
    expect(await invoke(event)).toEqual([1])
    expect(failures.map(({ message }) => message)).toEqual(['no number', 'isPoison: oops'])
    const without = lambda(bad)
    for (let tries = 0; tries < 10; tries++) expect(await without.invoke(event)).toEqual([1])
  })

  it.each([async () => false, () => Promise.reject(new Error('oops'))])(
    'is none where isPoison is async: a promise would say so of each record',
    async (isPoison) => {
      const { invoke, failures } = lambda(bad, { deadLetter: () => expect.unreachable(), isPoison: isPoison as never })
      expect(await invoke(event)).toEqual([1])
      expect(failures.map(({ message }) => message)).toEqual(['no number', 'isPoison: "isPoison" expected to return true or false, got Promise'])
    },
  )

  it('of a stream without keys has none; what was thrown may be anything', async () => {
    const Records = [sourceOfBytes(1, new Uint8Array([1]))]
    Records[0].kinesis.partitionKey = undefined
    const codes: unknown[] = []
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('not to be read')
      },
    })
    for (const thrown of [undefined, null, 7, 'x', {}, new RangeError('r'), hostile]) {
      const handler = createKinesisHandler(() => Promise.reject(thrown), {
        deadLetter: ([{ partitionKey, code, message }]) => void codes.push([partitionKey, code, message]),
        isPoison: () => true,
      })
      expect(await handler({ Records })).toEqual({ batchItemFailures: [] })
    }
    expect(codes).toEqual([
      ['', 'UNKNOWN', 'threw undefined'],
      ['', 'UNKNOWN', 'threw null'],
      ['', 'UNKNOWN', 'threw 7'],
      ['', 'UNKNOWN', 'threw "x"'],
      ['', 'UNKNOWN', 'threw an object'],
      ['', 'RangeError', 'r'],
      ['', 'UNKNOWN', 'threw something that cannot be read'],
    ])
  })

  it('fits the sinks of a producer', () => {
    const sink: DeadLetterSink = () => {}
    expect(createKinesisHandler(() => {}, { deadLetter: sink })).toBeTypeOf('function')
  })
})

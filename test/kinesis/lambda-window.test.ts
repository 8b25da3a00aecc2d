import type { KinesisStreamTumblingWindowHandler } from 'aws-lambda'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createKinesisWindowHandler,
  type KinesisDeadLetter,
  type KinesisEvent,
  type KinesisRecordOptions,
  type KinesisWindow,
  type KinesisWindowEvent,
} from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { contextOf, eventOf, failuresOf, type Line, sequence } from './lambda.js'

interface Sum {
  texts: string
}

const windowOf = (event: KinesisEvent, state?: object, isFinal = false): KinesisWindowEvent => ({
  ...event,
  window: { start: '2026-01-01T00:00:00Z', end: '2026-01-01T00:02:00Z' },
  state: state as Record<string, unknown>,
  isFinalInvokeForWindow: isFinal,
  isWindowTerminatedEarly: false,
})

/** A handler whose state is the texts so far, changed in place; `fail` throws after it has. */
function lambda(fail: (text: string) => unknown = () => undefined, options: KinesisRecordOptions = {}, more: Partial<KinesisWindow<Sum>> = {}) {
  const calls: string[] = []
  const ended: unknown[] = []
  const handler = createKinesisWindowHandler<Sum>(
    {
      initial: () => ({ texts: '' }),
      onRecord: async (state, record) => {
        calls.push(record.text())
        state.texts += record.text()
        const error = fail(record.text())
        if (error) throw error
        return state
      },
      onWindowEnd: (state, { start, end, isFinal, isTerminatedEarly }) => void ended.push([state.texts, start, end, isFinal, isTerminatedEarly]),
      ...more,
    },
    options,
  )
  return { handler, calls, ended }
}

describe('a window', () => {
  it('has its state handed from invocation to invocation, and its end', async () => {
    const { handler, ended } = lambda()
    expectTypeOf(handler).toExtend<KinesisStreamTumblingWindowHandler>()
    const first = await handler(windowOf(eventOf(['a:1', 'b:2'], ['a:3']), {}))
    expect(first).toEqual({ batchItemFailures: [], state: { texts: '123' } })
    const second = await handler(windowOf(eventOf(['a:4']), first.state))
    expect(ended).toEqual([])
    const last = await handler(windowOf({ Records: [] }, second.state, true))
    expect(last).toEqual({ batchItemFailures: [], state: { texts: '1234' } })
    expect(ended).toEqual([['1234', '2026-01-01T00:00:00Z', '2026-01-01T00:02:00Z', true, false]])
    expect(await handler({ ...windowOf(eventOf(['a:5'])), isFinalInvokeForWindow: true, isWindowTerminatedEarly: true })).toMatchObject({
      state: { texts: '5' },
    })
    expect(ended[1]).toMatchObject(['5', {}, {}, true, true])
  })

  it.each<[string, Line[][], number, string]>([
    ['alone', [['a:1'], ['a:2'], ['a:3'], ['a:4']], 3, '12'],
    [
      'in an aggregate',
      [
        ['a:1', 'a:2'],
        ['a:0', 'a:3', 'a:4'],
      ],
      2,
      '12',
    ],
    ['at the very start', [['a:3', 'a:1']], 1, ''],
  ])('with a failed record %s has the state before that Kinesis record', async (_, outers, failed, texts) => {
    let broken = true
    const { handler, ended } = lambda((text) => broken && text === '3' && new Error('no'))
    const event = eventOf(...outers)
    const answer = await handler(windowOf(event, { texts: '' }, true))
    expect(failuresOf(answer)).toEqual([failed])
    expect(answer.state).toEqual({ texts })
    expect(ended).toEqual([])
    broken = false
    const retry = await handler(windowOf({ Records: event.Records.slice(failed - 1) }, answer.state, true))
    const all = outers.flat().map((line) => line.slice(2))
    expect(retry).toEqual({ batchItemFailures: [], state: { texts: all.join('') } })
    expect(ended.length).toBe(1)
  })

  it('has each record once at the deadline, too', async () => {
    const { clock, run } = createSimulation(1)
    const { handler } = lambda(
      undefined,
      { ports: { clock } },
      { onRecord: (state, record) => clock.sleep(100).then(() => ({ texts: state.texts + record.text() })) },
    )
    const event = eventOf(...Array.from({ length: 10 }, (_, i) => [`a:${2 * i}.`, `a:${2 * i + 1}.`]))
    let rest: KinesisEvent = event
    let state: object = {}
    for (let invocations = 1; ; invocations++) {
      const answer = await run(handler(windowOf(rest, state), contextOf({ clock } as never, 1050)))
      state = answer.state
      const [from] = failuresOf(answer)
      if (from === undefined) {
        expect(invocations).toBe(5)
        break
      }
      rest = { Records: event.Records.slice(from - 1) }
    }
    expect(state).toEqual({ texts: Array.from({ length: 20 }, (_, i) => `${i}.`).join('') })
  })

  it('does without its poison records, whatever those did to the state', async () => {
    const letters: KinesisDeadLetter[] = []
    const options: KinesisRecordOptions = { deadLetter: (all) => void letters.push(...all), isPoison: () => true }
    const { handler, calls, ended } = lambda((text) => text.startsWith('x') && new Error('poison'), options)
    // alone, or first in an aggregate: nothing is to be done again
    const plain = await handler(windowOf(eventOf(['a:1'], ['a:x'], ['b:x', 'a:2']), {}, true))
    expect(plain).toEqual({ batchItemFailures: [], state: { texts: '12' } })
    expect(letters.length).toBe(2)
    expect(ended.length).toBe(1)
    const event = eventOf(['a:1'], ['a:2', 'a:x', 'a:3', 'a:x4'])
    const answer = await handler(windowOf(event, {}, true))
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequence(2) }], state: { texts: '1' } })
    calls.length = 0
    const second = await handler(windowOf({ Records: event.Records.slice(1) }, answer.state, true))
    expect(failuresOf(second)).toEqual([2])
    expect(calls).toEqual(['2', '3', 'x4'])
    expect(await handler(windowOf({ Records: event.Records.slice(1) }, second.state, true))).toEqual({ batchItemFailures: [], state: { texts: '123' } })
    expect(letters.length).toBe(4)
    expect(ended.length).toBe(2)
  })

  it('gives up what failed too often before it is handled again', async () => {
    const letters: KinesisDeadLetter[] = []
    const { handler } = lambda((text) => text === 'x' && new Error('no'), { deadLetter: (all) => void letters.push(...all), maxAttempts: 2 })
    const event = eventOf(['a:1', 'a:x', 'a:2'])
    const answers = []
    for (let tries = 0; tries < 3; tries++) answers.push(await handler(windowOf(event, {})))
    expect(answers.map(failuresOf)).toEqual([[1], [1], []])
    expect(answers.map(({ state }) => state)).toEqual([{ texts: '' }, { texts: '' }, { texts: '12' }])
    expect(letters.length).toBe(1)
  })

  it('has its state though the time is over before anything is known', async () => {
    const { clock, run } = createSimulation(1)
    const progress = { get: () => clock.sleep(1e6).then(() => undefined), set: () => {}, delete: () => {} }
    const { handler, calls } = lambda(undefined, { progress, ports: { clock } })
    const answer = await run(handler(windowOf(eventOf(['a:1']), { texts: '0' }, true), contextOf({ clock } as never, 3000)))
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: sequence(1) }], state: { texts: '0' } })
    expect(calls).toEqual([])
  })

  it('rejects where its end fails, or is not over in time', async () => {
    const failing = lambda(undefined, {}, { onWindowEnd: () => Promise.reject(new Error('store')) })
    await expect(failing.handler(windowOf(eventOf(['a:1']), {}, true))).rejects.toThrow('store')
    const { clock, run } = createSimulation(1)
    const slow = lambda(undefined, { ports: { clock } }, { onWindowEnd: () => clock.sleep(1e6) })
    const answer = run(slow.handler(windowOf({ Records: [] }, {}, true), contextOf({ clock } as never, 3000)))
    await expect(answer).rejects.toMatchObject({ code: 'NOT_DONE', message: 'onWindowEnd had not ended when the invocation had to answer' })
  })

  it.each([
    [undefined, '"the state" expected an object, got undefined'],
    [null, '"the state" expected an object, got null'],
    [7, '"the state" expected an object, got 7'],
  ])('has a failed record where its function returns %j', async (state, message) => {
    const messages: string[] = []
    const { handler } = lambda(undefined, { onFailure: (failure) => messages.push(failure.message) }, { onRecord: () => state as never })
    expect(failuresOf(await handler(windowOf(eventOf(['a:1']))))).toEqual([1])
    expect(messages).toEqual([message])
  })

  it('does not take a promise for the state that a window begins with', async () => {
    const { handler } = lambda(undefined, {}, { initial: (async () => ({ texts: '' })) as never })
    await expect(handler(windowOf(eventOf(['a:1'])))).rejects.toThrow(
      '"window.initial" expected to return an object of JSON, not a promise of one, got Promise',
    )
  })

  it('never answers with a state that Lambda refuses', async () => {
    const of = (state: unknown) => lambda(undefined, {}, { onRecord: () => state as never }).handler(windowOf(eventOf(['a:1'], ['a:2'])))
    await expect(of({ texts: 'x'.repeat(1_000_000) })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the state of a window cannot have more than 1000000 bytes of JSON, it has 1000012',
    })
    await expect(of({ texts: 'ü'.repeat(500_000) })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    expect((await of({ texts: 'x'.repeat(999_988) })).state).toMatchObject({})
    await expect(of([])).rejects.toThrow(new TypeError('"the state" expected an object of JSON, got an array'))
    await expect(of({ n: 1n })).rejects.toThrow(/^"the state" expected an object of JSON: /)
    const circle: { self?: object } = {}
    circle.self = circle
    await expect(of(circle)).rejects.toThrow(TypeError)
    await expect(of({ toJSON: () => undefined })).rejects.toThrow('"the state" expected an object of JSON')
  })

  it.each([
    [undefined, '"event" expected a Kinesis event, got undefined'],
    [{ records: [] }, '"event.Records" expected an array of Kinesis records, got undefined'],
    [{ Records: [] }, '"event.window" expected an object, of a mapping with a tumbling window, got undefined'],
    [{ Records: [], window: {} }, '"event.window" expected an object with start and end, got an object'],
    [{ Records: [], window: { start: '', end: '' }, state: 'x' }, '"event.state" expected an object, got "x"'],
    [{ Records: [], window: { start: '', end: '' }, state: [] }, '"event.state" expected an object, got an array'],
    [{ window: { start: '', end: '' } }, '"event.Records" expected an array of Kinesis records, got undefined'],
  ])('rejects %j', async (event, message) => {
    await expect(lambda().handler(event as never)).rejects.toThrow(new TypeError(message))
  })

  it('refuses what is no window', () => {
    const window = { initial: () => ({}), onRecord: (state: object) => state, onWindowEnd: () => {} }
    expect(() => createKinesisWindowHandler(null as never)).toThrow('"window" expected an object, got null')
    expect(() => createKinesisWindowHandler({ ...window, initial: {} } as never)).toThrow('"window.initial" expected a function, got an object')
    expect(() => createKinesisWindowHandler({ ...window, onrecord: 1 } as never)).toThrow('"window" expected one of initial, onRecord, onWindowEnd')
    expect(() => createKinesisWindowHandler(window, { concurrency: 2 } as never)).toThrow('"options" expected one of')
  })
})

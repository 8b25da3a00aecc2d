import type { KinesisStreamHandler } from 'aws-lambda'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createKinesisBatchHandler,
  type KinesisDeadLetter,
  type KinesisFailure,
  type KinesisHandlerOptions,
  type KinesisInput,
} from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { contextOf, eventOf, failuresOf, sequence, sourceOf, sourceOfBytes } from './lambda.js'

const event = eventOf(['a:1', 'b:2', 'a:3'], ['c:4'], ['b:5', 'a:6'])
const textsOf = (records: readonly KinesisInput[]) => records.map((record) => record.text()).join('')

function lambda(answer: (records: readonly KinesisInput[], call: number) => unknown, options: KinesisHandlerOptions = {}) {
  const calls: string[] = []
  const failures: KinesisFailure[] = []
  const handler = createKinesisBatchHandler(
    (records) => {
      calls.push(textsOf(records))
      return answer(records, calls.length) as never
    },
    { onFailure: (failure) => failures.push(failure), ...options },
  )
  return { calls, failures, invoke: async (given = event) => failuresOf(await handler(given)) }
}

describe('a batch handler', () => {
  it('has all user records of an event in one call, and none without any', async () => {
    const handler = createKinesisBatchHandler(async (records) => {
      expectTypeOf(records).toEqualTypeOf<readonly KinesisInput[]>()
    })
    expectTypeOf(handler).toExtend<KinesisStreamHandler>()
    const { calls, invoke } = lambda(() => undefined)
    expect(await invoke()).toEqual([])
    expect(await invoke({ Records: [] })).toEqual([])
    expect(calls).toEqual(['123456'])
  })

  it('names the Kinesis record of those that failed; the rest is left out of the retry', async () => {
    const { calls, failures, invoke } = lambda((records, call) => (call === 1 ? Promise.resolve(records.filter((r) => '45'.includes(r.text()))) : []))
    expect(await invoke()).toEqual([2])
    expect(await invoke({ Records: event.Records.slice(1) })).toEqual([])
    expect(calls).toEqual(['123456', '45'])
    expect(failures).toMatchObject([
      { reason: 'handler', message: 'the function returned it as failed', sequenceNumber: sequence(2) },
      { reason: 'handler', sequenceNumber: sequence(3) },
    ])
  })

  it.each([
    [() => Promise.reject(new Error('no')), 'no'],
    [
      () => {
        throw new Error('no')
      },
      'no',
    ],
    [() => true, '"the result" expected an array of the records that failed, or nothing, got true'],
    [() => ['x'], '"the result" expected records of this batch, got "x"'],
  ])('has done none where its function fails (%#)', async (answer, message) => {
    const { failures, invoke } = lambda(answer)
    expect(await invoke()).toEqual([1])
    expect(failures).toMatchObject([{ reason: 'handler', message }])
    expect(failures[0].record).toBe(undefined)
    const rejecting = lambda(answer, { reportBatchItemFailures: false })
    await expect(rejecting.invoke()).rejects.toMatchObject({ code: 'NOT_DONE', message: `6 of 6 user records are not done: ${message}` })
  })

  it('gives up what was returned too often, never what was in a call that threw', async () => {
    const letters: KinesisDeadLetter[] = []
    const { calls, invoke } = lambda(
      (records, call) => {
        if (call <= 3) throw new Error('down')
        return records.filter((record) => record.text() === '3')
      },
      { deadLetter: (all) => void letters.push(...all), maxAttempts: 2 },
    )
    for (let tries = 0; tries < 4; tries++) expect(await invoke()).toEqual([1])
    expect(letters).toEqual([])
    expect(await invoke()).toEqual([])
    expect(calls.at(-1)).toBe('3')
    expect(letters).toMatchObject([{ partitionKey: 'a', subSequenceNumber: 2, attemptCount: 2 }])
  })

  it('is not given what is refused, and what follows that of the same key', async () => {
    const bad = Uint8Array.from(Buffer.from(event.Records[0].kinesis.data, 'base64'))
    bad[30] ^= 1
    const { calls, invoke } = lambda(() => undefined, { mode: 'strict' })
    const Records = [sourceOf(1, ['x:0']), sourceOfBytes(2, bad, 'k'), sourceOf(3, ['k:1', 'l:2'])]
    expect(await invoke({ Records })).toEqual([2])
    expect(calls).toEqual(['02'])
    expect(await invoke({ Records: Records.slice(1) })).toEqual([2])
    expect(calls).toEqual(['02'])
  })

  it('answers in time though its function does not', async () => {
    const { clock, run } = createSimulation(1)
    const failures: KinesisFailure[] = []
    const handler = createKinesisBatchHandler((_, { signal }) => clock.sleep(1e6, signal) as Promise<undefined>, {
      ports: { clock },
      onFailure: (failure) => failures.push(failure),
    })
    expect(failuresOf(await run(handler(event, contextOf({ clock } as never, 2000))))).toEqual([1])
    expect(clock.monotonic()).toBe(1500)
    expect(failures).toEqual([])
  })
})

import { expect, test } from 'vitest'
import { createSimulation } from '../../src/ports/simulated.js'
import { withTimeout } from '../../src/ports/timeout.js'

const hang = (signal: AbortSignal) => new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test('an answer in time is the result, a late one is a TimeoutError and aborts the call', async () => {
  const { clock, run } = createSimulation(1)
  expect(await run(withTimeout(clock, 100, undefined, () => clock.sleep(99).then(() => 'yes')))).toBe('yes')
  let seen: AbortSignal | undefined
  const late = withTimeout(clock, 100, undefined, (signal) => {
    seen = signal
    return clock.sleep(1000)
  })
  await expect(run(late)).rejects.toMatchObject({ name: 'TimeoutError', message: 'no answer within 100 ms' })
  expect(clock.monotonic()).toBe(199)
  expect(seen?.aborted).toBe(true)
  await expect(run(withTimeout(clock, 100, undefined, () => Promise.reject(new Error('no'))))).rejects.toThrow('no')
})

test('the outer signal aborts the call, before it or during it', async () => {
  const { clock, run } = createSimulation(1)
  const outer = new AbortController()
  const work = withTimeout(clock, 100, outer.signal, hang)
  outer.abort(new Error('enough'))
  await expect(run(work)).rejects.toThrow('enough')
  await expect(run(withTimeout(clock, 100, outer.signal, async (signal) => signal.throwIfAborted()))).rejects.toThrow('enough')
})

test('a call that heeds no signal is left behind, without a timer', async () => {
  const { clock, run } = createSimulation(1)
  let timers = 0
  const sleep: typeof clock.sleep = (ms, signal) => {
    timers++
    return clock.sleep(ms, signal).finally(() => timers--)
  }
  const outer = new AbortController()
  const work = withTimeout({ ...clock, sleep }, 100, outer.signal, () => new Promise(() => {}))
  outer.abort(new Error('enough'))
  await expect(run(work)).rejects.toThrow('enough')
  await run(clock.sleep(0))
  expect([clock.monotonic(), timers]).toEqual([0, 0])
  let called = false
  const never = withTimeout(clock, 100, outer.signal, async () => {
    called = true
  })
  await expect(never).rejects.toThrow('enough')
  expect(called).toBe(false)
})

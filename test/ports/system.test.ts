import { expect, test, vi } from 'vitest'
import { systemClock, systemRandom } from '../../src/ports/system.js'

test('the system clock sleeps, and an abort ends the sleep with its reason', async () => {
  const before = systemClock.monotonic()
  await systemClock.sleep(5)
  expect(systemClock.monotonic() - before).toBeGreaterThan(3)
  const control = new AbortController()
  const slept = systemClock.sleep(60_000, control.signal)
  control.abort(new Error('enough'))
  await expect(slept).rejects.toThrow('enough')
  await expect(systemClock.sleep(60_000, control.signal)).rejects.toThrow('enough')
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(50)
  expect(systemRandom.next()).toBeLessThan(1)
})

test('a sleep longer than one timer can hold does not fire at once', async () => {
  vi.useFakeTimers()
  try {
    let done = false
    const slept = systemClock.sleep(3_000_000_000).then(() => {
      done = true
    })
    await vi.advanceTimersByTimeAsync(2_999_999_000)
    expect(done).toBe(false)
    await vi.advanceTimersByTimeAsync(1_000)
    await slept
    expect(done).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})

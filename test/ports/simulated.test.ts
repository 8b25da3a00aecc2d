import { expect, test } from 'vitest'
import { createSimulation, seededRandom } from '../../src/ports/simulated.js'

test('a simulated hour passes in no time, and sleepers wake in order', async () => {
  const { clock, run } = createSimulation(1)
  const woken: string[] = []
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms)
    woken.push(`${name}@${clock.monotonic()}`)
  }
  const started = clock.now()
  await run(Promise.all([sleeper('c', 3_600_000), sleeper('a', 5), sleeper('b', 5), sleeper('now', 0), sleeper('past', -1)]))
  expect(woken).toEqual(['now@0', 'past@0', 'a@5', 'b@5', 'c@3600000'])
  expect(clock.now() - started).toBe(3_600_000)
})

test('many sleepers come out of the queue sorted', async () => {
  const { clock, random, run } = createSimulation(7)
  const woken: number[] = []
  const times = Array.from({ length: 2000 }, () => Math.floor(random.next() * 500))
  await run(Promise.all(times.map((t) => clock.sleep(t).then(() => woken.push(t)))))
  expect(woken).toEqual([...times].sort((a, b) => a - b))
})

test('an aborted sleep rejects with the reason and wakes nobody', async () => {
  const { clock, run } = createSimulation(1)
  const control = new AbortController()
  const slept = clock.sleep(1000, control.signal)
  control.abort(new Error('enough'))
  await expect(run(slept)).rejects.toThrow('enough')
  await expect(clock.sleep(1, control.signal)).rejects.toThrow('enough')
  await run(clock.sleep(2000))
  expect(clock.monotonic()).toBe(2000)
})

test('a run that waits for nothing, or for ever, is named', async () => {
  const { clock, run } = createSimulation(1)
  await expect(run(new Promise(() => {}))).rejects.toThrow('nothing sleeps at 0 ms')
  const forever = async () => {
    for (;;) await clock.sleep(1000)
  }
  await expect(run(forever(), 10_000)).rejects.toThrow('not settled after 10000 ms')
})

test('chance comes from the seed alone', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 1000 }, () => random.next())
  }
  expect(draw(5)).toEqual(draw(5))
  expect(draw(5)).not.toEqual(draw(6))
  const values = draw(0)
  expect(values.every((v) => v >= 0 && v < 1)).toBe(true)
  expect(values.reduce((a, b) => a + b) / 1000).toBeCloseTo(0.5, 1)
})

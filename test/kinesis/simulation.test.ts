// 500 runs of the producer in simulated time, each from its seed, against the oracles. More of them by
// hand: npm run simulate -- --seeds 100000
import { expect, test } from 'vitest'
import { simulateCrash } from './simulation/crash.js'
import { simulate } from './simulation/world.js'

const SEEDS = 500
const STRETCH = 50

test.each(Array.from({ length: SEEDS / STRETCH }, (_, i) => 1 + i * STRETCH))(
  'seeds from %i on: nothing lost, nothing out of order, no live-lock',
  async (first) => {
    const wrong: object[] = []
    for (let seed = first; seed < first + STRETCH; seed++) {
      const report = await simulate(seed)
      if (report.wrong) wrong.push(report)
    }
    expect(wrong).toEqual([])
  },
  120_000,
)

test('lives of a producer with a spool: what was accepted is never lost, whenever it dies', async () => {
  const wrong: object[] = []
  for (let seed = 1; seed <= 100; seed++) {
    const report = await simulateCrash(seed)
    if (report.wrong) wrong.push(report)
  }
  expect(wrong).toEqual([])
}, 120_000)

test('one seed gives one run', async () => {
  expect(await simulate(77)).toEqual(await simulate(77))
})

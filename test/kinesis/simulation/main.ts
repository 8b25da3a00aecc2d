// The producer in simulated time, as many seeds as are wanted:
//   npm run simulate -- [--seeds N] [--seed FIRST] [--seconds S] [--each] [--crash]
// --crash: lives of a producer with a spool that ends by kill -9 or a power failure.
// Every seed is a run of its own. One that fails prints its seed, which as --seed with --seeds 1 runs
// it again, event by event the same, and the exit code is 1.
import { parseArgs } from 'node:util'
import { simulateCrash } from './crash.js'
import { simulate } from './world.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    each: { type: 'boolean' },
    crash: { type: 'boolean' },
  },
})
const first = Number(values.seed)
const seeds = Number(values.seeds)
const end = values.seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + 1000 * Number(values.seconds)
const started = performance.now()
const sum = { runs: 0, records: 0, delivered: 0, deadLettered: 0, requests: 0, reshards: 0, milliseconds: 0 }
let failed = 0
for (let seed = first; seed < first + seeds && performance.now() < end; seed++) {
  const report = await (values.crash ? simulateCrash(seed) : simulate(seed))
  sum.runs++
  for (const key of ['records', 'delivered', 'deadLettered', 'requests', 'reshards', 'milliseconds'] as const) sum[key] += report[key]
  if (report.wrong) failed++
  if (report.wrong || values.each) console.log(JSON.stringify(report))
}
const seconds = (performance.now() - started) / 1000
const { milliseconds, ...counts } = sum
console.log(
  JSON.stringify({
    seed: first,
    ...counts,
    simulatedHours: Number((milliseconds / 3.6e6).toFixed(2)),
    failed,
    seconds: Number(seconds.toFixed(1)),
    timesRealTime: Math.round(milliseconds / 1000 / seconds),
  }),
)
process.exitCode = failed > 0 ? 1 : 0

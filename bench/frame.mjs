// How two programs are compared here: in rounds, side by side; in one process, but for the rows of Parquet.
//
// The clock of a shared machine drifts by a factor of two within a minute, so a figure from now is
// never divided by a figure from then. In each round every side runs for one slice (a tinybench
// task), in an order that turns by one each round; the ratio of a row is the median of the rounds'
// own ratios. The rates printed beside it are medians too, so their quotient may differ a little.
import { Bench } from 'tinybench'

/** Full and quick: slice in ms a side and round, number of rounds, and the longest that one row's rounds may take in ms. */
export const PACES = {
  full: { slice: 30, rounds: 25, warmup: 200, patience: 12_000 },
  quick: { slice: 8, rounds: 5, warmup: 80, patience: 2_500 },
}

/** Milliseconds of CPU time that this process has used, all its threads together: what a busy machine cannot stretch. */
export function cpuClock() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/**
 * The ratio of two sides sampled in the same rounds: > 1 where ours is better. `rate` false: samples are costs (ms, KB), less is better.
 */
export function ratioOf(ours, theirs, rate = true) {
  return median(ours.map((v, i) => (rate ? v / theirs[i] : theirs[i] / v)))
}

/**
 * Samples all sides in interleaved rounds. A side is `{ run, work }`: `run` does `work` units in a call (a promise is awaited).
 * Gives one array of rates (units a second) a side, equally long.
 */
export async function sample(sides, pace) {
  const bench = new Bench({ warmup: false, iterations: 1, time: pace.slice, warmupIterations: 1, warmupTime: pace.warmup, throws: true, now: pace.now })
  const tasks = sides.map((side, i) => {
    // `void`: tinybench gives meaning to what a task returns, and ours return data
    const run = side.async ? async () => void (await side.run()) : () => void side.run()
    const name = `${i} ${side.name}`
    bench.add(name, run, { async: side.async === true })
    return bench.getTask(name)
  })
  for (const task of tasks) await task.warmup()
  const rates = sides.map(() => [])
  const start = performance.now()
  for (let round = 0; round < pace.rounds; round++) {
    for (let turn = 0; turn < tasks.length; turn++) {
      const i = (round + turn) % tasks.length
      tasks[i].reset()
      await tasks[i].run()
      rates[i].push(sides[i].work / (tasks[i].result.latency.mean / 1000))
    }
    // an odd number of rounds, and never fewer than three
    if (round >= 2 && round % 2 === 0 && performance.now() - start > pace.patience) break
  }
  return rates
}

/** Throws where a rival's output is not ours. `what` names the pair. */
export function same(what, ours, theirs) {
  const a = ours instanceof Uint8Array && theirs instanceof Uint8Array
  const equal = a ? Buffer.compare(ours, theirs) === 0 : JSON.stringify(ours) === JSON.stringify(theirs)
  if (!equal) throw new Error(`${what}: outputs differ: ${excerpt(ours)} | ${excerpt(theirs)}`)
}

function excerpt(value) {
  return value instanceof Uint8Array
    ? `${value.length} bytes ${Buffer.from(value.subarray(0, 24)).toString('hex')}`
    : String(JSON.stringify(value)).slice(0, 120)
}

/** Runs one registered row: prepare, compare outputs, sample. Gives one result a rival. */
export async function runRow(row, context) {
  const prepared = await row.prepare(context)
  try {
    await prepared.check?.()
    const rivals = prepared.rivals
    const rate = row.rate !== false
    const samples = prepared.samples ?? (await sample([{ name: 'millrace', ...prepared.ours }, ...rivals], { ...context.pace, ...prepared.pace }))
    return rivals.map((rival, i) => {
      const ratio = ratioOf(samples[0], samples[i + 1], rate)
      const target = row.targets?.[rival.name] ?? row.targets?.['*']
      return {
        row: row.row,
        ours: round(median(samples[0])),
        unit: row.unit,
        rival: rival.name,
        theirs: round(median(samples[i + 1])),
        ratio: round(ratio),
        ...(target === undefined ? {} : { target, met: ratio >= target }),
        // a bound on our own figure stands beside the first rival only
        ...(row.ceiling === undefined || i > 0 ? {} : { ceiling: row.ceiling, met: median(samples[0]) <= row.ceiling }),
        ...(rival.note ? { note: rival.note } : {}),
      }
    })
  } finally {
    await prepared.close?.()
  }
}

/** Four significant digits: more would be noise. */
export function round(value) {
  return Number(value.toPrecision(4))
}

/** One JSON line of `--json`. */
export function jsonLine(result, on) {
  return JSON.stringify({ ...result, ...(on ? { on } : {}) })
}

export function figure(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function verdict(result) {
  const outcome = result.met ? 'met' : 'LOST'
  if (result.ceiling !== undefined) return `<= ${result.ceiling} ${outcome}`
  return result.target === undefined ? '' : `${result.target}x ${outcome}`
}

const WIDTHS = [48, 8, -8, -28, 8, 9, 12]
const HEADS = ['row', 'ours', 'unit', 'rival', 'theirs', 'ratio', 'target']

/** A line of the table that a person reads: negative widths are flush left. */
export function tableLine(cells) {
  return cells
    .map((cell, i) => {
      const width = i === 0 ? -WIDTHS[0] : WIDTHS[i]
      return width < 0 ? String(cell).padEnd(-width) : String(cell).padStart(width)
    })
    .join(' ')
    .trimEnd()
}

export function tableHead() {
  const head = tableLine(HEADS)
  return `${head}\n${'-'.repeat(Math.max(head.length, 127))}`
}

/** The lines of one row: its name and our figure once, then a rival a line. */
export function tableRow(results) {
  return results
    .map((r, i) =>
      tableLine([i === 0 ? r.row : '', i === 0 ? figure(r.ours) : '', i === 0 ? r.unit : '', r.rival, figure(r.theirs), `x ${figure(r.ratio)}`, verdict(r)]),
    )
    .join('\n')
}

/** Where a rival is faster (or smaller), and which targets were not reached. */
export function losses(results) {
  const lines = []
  for (const r of results) {
    const lost = r.ratio < 1
    if (!lost && r.met !== false) continue
    const missed =
      r.met !== false ? '' : r.ceiling === undefined ? `, target ${r.target}x` : `, ${figure(r.ours)} ${r.unit} where at most ${r.ceiling} was the target`
    lines.push(`- ${r.row}: x ${figure(r.ratio)} of ${r.rival}${missed}${r.note ? ` (${r.note})` : ''}`)
  }
  return lines
}

/** Rows whose ratio is more than 15 % below that of an earlier run, say on another Node. */
export function fallen(results, earlier) {
  const before = new Map(earlier.map((r) => [`${r.row} / ${r.rival}`, r.ratio]))
  return results.flatMap((r) => {
    const name = `${r.row} / ${r.rival}`
    const was = before.get(name)
    return was === undefined || r.ratio >= 0.85 * was ? [] : [`- ${name}: x ${figure(r.ratio)}, was x ${figure(was)}`]
  })
}

/** The results in the output of an earlier `--json` run. */
export function parseResults(text) {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

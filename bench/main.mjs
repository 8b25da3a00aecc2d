// npm run bench [-- --quick] [--json] [--only shard,base64] [--cpu] [--against FILE | --readme FILE | --scale]
//
// Every row is ours beside a named rival, sampled in interleaved rounds (frame.mjs), after the
// outputs of both were compared. Runs under any Node that the package supports, on dist/esm.
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { cpuClock, fallen, jsonLine, losses, PACES, parseResults, runRow, tableHead, tableRow } from './frame.mjs'
import { installRivals } from './install.mjs'
import { readmeTable, writeReadme } from './readme.mjs'
import { groups, loadRows } from './rows.mjs'

const USAGE = `usage: npm run bench -- [--quick] [--json] [--only GROUP,...] [--cpu] [--against FILE | --readme FILE | --scale]

  --quick        fewer and shorter rounds, smaller inputs (one or two minutes instead of five)
  --json         one JSON line a row on stdout: {"row","ours","unit","rival","theirs","ratio",...}
  --only LIST    only these groups: ${groups.join(', ')}
  --cpu          CPU time of the process instead of the wall clock: for a machine that others use too
  --against FILE compare with FILE, the output of an earlier --json run (another Node, say): rows whose ratio fell by more than 15 %
  --scale        no rows: NDJSON -> Parquet of 64 MB and of 8 GB (--gigabytes N), time per MB and peak memory
  --readme FILE  no run: fill the README's table from FILE, the output of a --json run

example: npm run bench -- --quick --only shard,snappy
`

const say = (line) => process.stderr.write(`bench: ${line}\n`)

function machine() {
  const cores = cpus()
  return `Node ${process.versions.node} (V8 ${process.versions.v8.split('-')[0]}), ${cores[0]?.model ?? process.arch}, ${cores.length} cores, ${process.platform}`
}

async function main() {
  let options
  try {
    options = parseArgs({
      options: {
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        only: { type: 'string' },
        cpu: { type: 'boolean' },
        readme: { type: 'string' },
        against: { type: 'string' },
        scale: { type: 'boolean' },
        gigabytes: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
    const unknown = options.only?.split(',').filter((g) => !groups.includes(g)) ?? []
    if (unknown.length > 0) throw new TypeError(`"--only" expected ${groups.join(', ')}, got ${unknown.join(', ')}`)
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n\n${USAGE}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (options.readme) {
    const results = parseResults(readFileSync(options.readme, 'utf8'))
    writeReadme(new URL('../README.md', import.meta.url), readmeTable(results))
    return 0
  }
  if (!existsSync(new URL('../dist/esm/index.js', import.meta.url))) {
    say('dist/esm is missing: run "npm run build" first')
    return 1
  }
  installRivals(say)
  if (options.scale) {
    const { scale } = await import('./scale.mjs')
    scale(Number(options.gigabytes ?? 8), (line) => process.stdout.write(`${line}\n`))
    return 0
  }

  const earlier = options.against ? parseResults(readFileSync(options.against, 'utf8')) : undefined
  const on = `${machine()}${options.quick ? ', quick' : ''}${options.cpu ? ', CPU time' : ''}`
  const context = { quick: options.quick === true, pace: { ...(options.quick ? PACES.quick : PACES.full), now: options.cpu ? cpuClock : undefined } }
  const rows = await loadRows(options.only?.split(','))
  const write = (line) => process.stdout.write(`${line}\n`)
  if (options.json) say(on)
  else write(`${on}\n\n${tableHead()}`)

  const results = []
  const failures = []
  for (const row of rows) {
    try {
      const measured = await runRow(row, context)
      results.push(...measured)
      if (options.json) for (const r of measured) write(jsonLine(r, on))
      else write(tableRow(measured))
    } catch (error) {
      failures.push(row.row)
      say(`${row.row}: ${error.stack ?? error}`)
    }
  }
  if (!options.json) {
    const lost = losses(results)
    write(`\nx: median of the rounds' own ratios, > 1 where millrace is better. Outputs were compared before timing.`)
    const notes = new Map(results.filter((r) => r.note).map((r) => [r.rival, r.note]))
    for (const [rival, note] of notes) write(`${rival}: ${note}`)
    write(`\nWhere we lose\n${lost.length > 0 ? lost.join('\n') : '- nowhere in this run'}`)
  }
  if (earlier) {
    const list = fallen(results, earlier)
    const line = `\nMore than 15 % below ${options.against}\n${list.length > 0 ? list.join('\n') : '- no row'}`
    if (options.json) say(line)
    else write(line)
  }
  if (failures.length > 0) say(`${failures.length} of ${rows.length} rows failed: ${failures.join('; ')}`)
  return failures.length > 0 ? 1 : 0
}

// DuckDB and parquet-wasm keep handles open; the work is done
process.exit(await main())

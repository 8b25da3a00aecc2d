// npm run bench -- --scale [GB]: time and memory while the input grows. By hand: it writes the input
// (8 GB by default) to the temporary folder and takes minutes. Every figure is a process of its own.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FLAT, ndjson } from './data.mjs'
import { figure } from './frame.mjs'

const MB = 1e6
const SMALL = 64 * MB
const ROUNDS = 3

/** Prints a line a size and side. */
export function scale(gigabytes, write) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-scale-'))
  try {
    const block = ndjson(FLAT.rows(Math.round(SMALL / 350)))
    const results = []
    write('input MB   writer                        MB/s  ms per MB  peak RSS MiB  output MB')
    const warm = join(folder, 'warm.ndjson')
    writeFileSync(warm, block)
    for (const copies of [1, Math.max(1, Math.round((gigabytes * 1000 * MB) / block.length))]) {
      const input = join(folder, 'in.ndjson')
      const file = openSync(input, 'w')
      for (let i = 0; i < copies; i++) writeSync(file, block)
      closeSync(file)
      const size = statSync(input).size / MB
      for (const side of ['millrace', 'duckdb']) {
        const runs = Array.from({ length: copies === 1 ? ROUNDS : 1 }, () => run(side, warm, input, join(folder, 'out.parquet')))
        const best = runs.reduce((a, b) => (a.ms < b.ms ? a : b))
        const result = { side, input: size, perMB: best.ms / size, rss: Math.max(...runs.map((r) => r.rss)) }
        results.push(result)
        const cells = [
          figure(size).padStart(8),
          `  ${side === 'duckdb' ? 'duckdb (native, 1 thread)' : side}`.padEnd(27),
          figure((1000 * size) / best.ms).padStart(7),
        ]
        write(
          `${cells.join('')} ${result.perMB.toFixed(3).padStart(10)} ${String(Math.round(result.rss)).padStart(13)} ${figure(best.bytes / MB).padStart(10)}`,
        )
      }
    }
    const ours = results.filter((r) => r.side === 'millrace')
    const growth = ours[1].perMB / ours[0].perMB
    write(`\ntime per MB, large against small: x ${growth.toFixed(2)} (at most 1.10 wanted); peak RSS ${Math.round(ours[1].rss)} MiB (at most 150 wanted)`)
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(side, warm, input, output) {
  const child = spawnSync(process.execPath, [fileURLToPath(new URL('./scale-child.mjs', import.meta.url)), side, warm, input, output], {
    stdio: ['ignore', 'pipe', 2],
  })
  if (child.status !== 0) throw new Error(`${side}: exit code ${child.status}`)
  return JSON.parse(child.stdout.toString())
}

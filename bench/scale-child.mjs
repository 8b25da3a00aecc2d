// One conversion in a process of its own: `node scale-child.mjs millrace|duckdb WARM IN OUT`; its time, after one
// of WARM, and its peak memory as JSON.
import { statSync } from 'node:fs'
import { FLAT } from './data.mjs'
import { DUCKDB, WRITERS } from './parquet-child.mjs'

const [side, warm, input, output] = process.argv.slice(2)
const writer = await WRITERS[side === 'duckdb' ? DUCKDB : side](1)
const copy = (from) => writer.copy(FLAT.columns, from, output, 'snappy')()
await copy(warm)
const start = performance.now()
await copy(input)
const ms = performance.now() - start
process.stdout.write(JSON.stringify({ ms, rss: process.resourceUsage().maxRSS / 1024, bytes: statSync(output).size }))
// DuckDB keeps handles open
process.exit(0)

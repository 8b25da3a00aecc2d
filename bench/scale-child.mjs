// One conversion in a process of its own: `node scale-child.mjs millrace|duckdb WARM IN OUT`; its time, after one
// of WARM, and its peak memory as JSON.
import { statSync } from 'node:fs'
import { FLAT } from './data.mjs'
import { millrace } from './parquet.mjs'
import { duckdb } from './parquet-rivals.mjs'

const [side, warm, input, output] = process.argv.slice(2)
const ours = await millrace(FLAT.columns, 'snappy')
const duck = side === 'duckdb' ? await duckdb(1) : undefined
const copy = (from) => (duck ? duck.copy(FLAT.columns, from, output, 'snappy')() : ours(from, output))
await copy(warm)
const start = performance.now()
await copy(input)
const ms = performance.now() - start
process.stdout.write(JSON.stringify({ ms, rss: process.resourceUsage().maxRSS / 1024, bytes: statSync(output).size }))
// DuckDB keeps handles open
process.exit(0)

// From nothing, in fresh processes: decode + compile + instantiate of the core, its first call; and what there is to load.
// Less is better in these rows: the ratio is theirs / ours.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const require = createRequire(import.meta.url)
const child = fileURLToPath(new URL('./cold-child.mjs', import.meta.url))

/** Milliseconds in a fresh process, one array a subject, interleaved. */
function cold(subjects, rounds) {
  const samples = subjects.map(() => [])
  for (let i = 0; i < rounds; i++)
    for (const [s, subject] of subjects.entries()) samples[s].push(Number(execFileSync(process.execPath, [child, subject], { encoding: 'utf8' })))
  return samples
}

function coldRow(name, ours, rivals, targets, ceiling) {
  return {
    row: name,
    unit: 'ms',
    rate: false,
    rivals: Object.keys(rivals),
    targets,
    ceiling,
    prepare: ({ quick }) => ({
      samples: cold([ours, ...Object.values(rivals)], quick ? 5 : 15),
      rivals: Object.keys(rivals).map((name) => ({ name })),
    }),
  }
}

async function entryGzip(contents) {
  const { build } = await import('esbuild')
  const result = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'js' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    // the user's own optional peers, loaded lazily
    external: ['@aws-sdk/*', '@smithy/*', 'zstd-codec'],
  })
  return gzipSync(result.outputFiles[0].contents, { level: 9 }).length / 1000
}

function sizeRow(name, rivals, ceiling, measure) {
  return {
    row: name,
    unit: 'KB',
    rate: false,
    rivals,
    ceiling,
    async prepare() {
      const [ours, ...theirs] = await measure()
      return { samples: [[ours], ...theirs.map((size) => [size])], rivals: rivals.map((name) => ({ name })) }
    },
  }
}

export const rows = [
  coldRow(
    'cold: instantiate, synchronous',
    'millrace',
    { 'parquet-wasm': 'parquet-wasm', 'hash-wasm createMD5': 'hash-wasm', 'duckdb (native)': 'duckdb' },
    {},
    5,
  ),
  coldRow('cold: import, instantiate, first call', 'millrace-first', { 'parquet-wasm': 'parquet-wasm-first', 'duckdb (native)': 'duckdb-first' }, {}),
  sizeRow('size: core binary', ['parquet-wasm'], 100, async () => {
    const { simd } = await import('../dist/esm/engine/core.js')
    const wasm = require.resolve('parquet-wasm').replace(/[^/\\]+$/, 'parquet_wasm_bg.wasm')
    return [Buffer.from(simd, 'base64').length / 1000, readFileSync(wasm).length / 1000]
  }),
  sizeRow('size: library entry, minified, gzip', ['hyparquet-writer', 'aws-kinesis-agg'], 60, async () => [
    await entryGzip("export * from '../dist/esm/index.js'"),
    await entryGzip("export * from 'hyparquet-writer'"),
    await entryGzip("export * from 'aws-kinesis-agg'"),
  ]),
]

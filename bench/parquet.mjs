// An NDJSON file in the page cache -> a Parquet file, both in tmpfs where there is one, so that fsync costs
// nothing; row groups of 122,880 rows and the schema given, but for Polars, which infers it and takes no
// such size; the same codec and number of threads. Each writer is alone
// in a process (parquet-child.mjs), as it is in a program: in one process with DuckDB and its threads
// and heap ours made 405 MB/s of flat rows and DuckDB 197, apart 680 and 320. Slow rivals get fewer rows
// of the same generator; rates are MB/s of input.
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { FLAT, NESTED, ndjson, shuffled, TELEMETRY } from './data.mjs'
import { DUCKDB, POLARS, SLOW, startWriter } from './parquet-child.mjs'
import { duckdb } from './parquet-rivals.mjs'

const MB = 1e6
const SHAPES = {
  flat: { shape: FLAT, bytes: 350 },
  nested: { shape: NESTED, bytes: 404 },
  telemetry: { shape: TELEMETRY, bytes: 140 },
}
// ---- inputs and rivals that several rows share: made once, gone with the process

let folder
function place(name) {
  if (!folder) {
    folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-bench-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
  return join(folder, name)
}

const staged = new Set()
/** The path of about `bytes` of NDJSON, `copies` times over. */
function stage(name, bytes, order, copies = 1) {
  const path = place(`${name}-${order ?? 'same'}-${bytes}-${copies}.ndjson`)
  if (!staged.has(path)) {
    const { shape, bytes: each } = SHAPES[name]
    const rows = shape.rows(Math.round(bytes / each))
    const block = ndjson(order ? shuffled(rows, 5) : rows)
    for (let i = 0; i < copies; i++) appendFileSync(path, block)
    staged.add(path)
  }
  return path
}

const processes = new Map()
process.on('exit', () => {
  for (const started of processes.values()) started.close()
})
/** The writer `name` in its process; the same one for all rows. */
async function writerOf(name, threads = 1) {
  const id = `${name} ${threads}`
  if (!processes.has(id)) {
    processes.set(id, await startWriter(name, threads))
  }
  return processes.get(id)
}

let oracle
/** DuckDB in this process, which compares and is never timed. */
async function comparing() {
  if (!oracle) {
    oracle = await duckdb()
    process.on('exit', () => oracle.close())
  }
  return oracle
}

// ---- rows

function row(title, name, { codec = 'snappy', threads = 1, order, slow = false, targets = {} }) {
  const { columns } = SHAPES[name].shape
  return {
    row: `NDJSON -> Parquet, ${title}`,
    unit: 'MB/s',
    rivals: [DUCKDB, ...(order ? [] : [POLARS]), ...(slow ? SLOW.filter((rival) => name !== 'nested' || rival === 'hyparquet-writer') : [])],
    targets,
    async prepare({ quick }) {
      // threads share row groups: of 64 MB there are two, unlike ones
      const input = stage(name, quick ? 16 * MB : 64 * MB, order, threads > 1 ? 4 : 1)
      const sides = [{ rival: 'millrace', input, threads }]
      for (const rival of [DUCKDB, ...(order ? [] : [POLARS])]) sides.push({ rival, input, threads })
      for (const rival of slow ? slowWriters(columns) : []) sides.push({ rival, input: stage(name, bytesFor(rival, quick)), threads: 1, note: slowNote(rival) })
      const made = []
      for (const { rival, threads: n, ...side } of sides) {
        const target = place(`${rival.replace('/', '-')}.parquet`)
        const { run, save } = await (await writerOf(rival, n)).copy(columns, side.input, target, codec)
        made.push({ name: rival, work: statSync(side.input).size / MB, async: true, run, save, target, ...side })
      }
      const [ours, ...rivals] = made
      return {
        ours,
        rivals,
        // one slice is one file; Wasm and DuckDB reach their pace at the third one
        pace: { slice: 1, warmup: quick ? 500 : 1000, patience: quick ? 4000 : 25_000, rounds: quick ? 3 : 15 },
        async check() {
          // Polars has no map
          for (const side of made.filter(({ name: rival }) => rival !== POLARS || name !== 'nested')) {
            await side.run()
            await side.save()
            await equalRows(columns, side.name, side.target, side.input)
          }
        },
      }
    },
  }
}

const NOTES = { 'hyparquet-writer': ', with its own Snappy; with the package hysnappy it is 10 to 25 % faster' }
const slowNote = (rival) => `fewer rows, from memory to memory${NOTES[rival] ?? ''}`
const slowWriters = (columns) => (columns.every((c) => /^\w+$/.test(c.type)) ? SLOW : SLOW.slice(0, 1))
const bytesFor = (rival, quick) => (rival.includes('parquetjs') ? (quick ? 1 : 3) : quick ? 4 : 16) * MB

async function equalRows(columns, name, file, source) {
  const differing = await (await comparing()).differing(file, columns, source)
  if (differing !== 0) throw new Error(`${name}: ${differing} rows differ from the input`)
}

/** Bytes of the file beside DuckDB's: at most 3 % more. */
function sizeRow(name, codec) {
  return {
    row: `size: Parquet, ${name}, ${codec}`,
    unit: 'MB',
    rate: false,
    rivals: [DUCKDB, POLARS],
    targets: { [DUCKDB]: 0.97 },
    async prepare({ quick }) {
      const { columns } = SHAPES[name].shape
      const input = stage(name, quick ? 16 * MB : 64 * MB)
      const paths = []
      for (const writer of ['millrace', DUCKDB, POLARS]) {
        const target = place(`${writer}.parquet`)
        await (await (await writerOf(writer)).copy(columns, input, target, codec)).run()
        paths.push(target)
      }
      return { rivals: [{ name: DUCKDB }, { name: POLARS }], samples: paths.map((path) => [statSync(path).size / MB]) }
    },
  }
}

const snappy = { [DUCKDB]: 3, [POLARS]: 3 }
const slow = { 'hyparquet-writer': 15, 'parquetjs-lite': 60, 'apache-arrow + parquet-wasm': 8 }
const nested = { [DUCKDB]: 2.5 }
const names = Object.keys(SHAPES)

export const rows = [
  row('flat, Snappy', 'flat', { slow: true, targets: { ...snappy, ...slow } }),
  row('nested, Snappy', 'nested', { slow: true, targets: { ...nested, 'hyparquet-writer': 15 } }),
  row('telemetry, Snappy', 'telemetry', { slow: true, targets: { ...snappy, ...slow } }),
  ...names.map((name) => row(`${name}, uncompressed`, name, { codec: 'none', targets: name === 'nested' ? nested : snappy })),
  ...('zstdCompressSync' in zlib ? names.map((name) => row(`${name}, zstd`, name, { codec: 'zstd', targets: { [DUCKDB]: 1.5 } })) : []),
  ...names.map((name) => row(`${name}, Snappy, 2 threads`, name, { threads: 2, targets: { [DUCKDB]: 2.5 } })),
  row('flat, shuffled keys, Snappy', 'flat', { order: 'shuffled', targets: { [DUCKDB]: 1.5 } }),
  row('nested, shuffled keys, Snappy', 'nested', { order: 'shuffled', targets: { [DUCKDB]: 1.5 } }),
  ...names.map((name) => sizeRow(name, 'snappy')),
]

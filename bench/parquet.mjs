// An NDJSON file in the page cache -> a Parquet file, both in tmpfs where there is one; schema given,
// row groups of 122,880 rows, the same codec and number of threads on both sides, one process (Polars
// apart: see parquet-rivals.mjs). Slow rivals get fewer rows of the same generator; rates are MB/s of input.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { FLAT, NESTED, ndjson, shuffled, TELEMETRY } from './data.mjs'
import { arrowParquetWasm, dsnp, duckdb, hyparquetWriter, parquetjsLite, polars, ROW_GROUP } from './parquet-rivals.mjs'

const MB = 1e6
const SHAPES = {
  flat: { shape: FLAT, bytes: 350 },
  nested: { shape: NESTED, bytes: 404 },
  telemetry: { shape: TELEMETRY, bytes: 140 },
}
const DUCKDB = 'duckdb (native)'
const POLARS = 'polars (native)'
const SLOW = ['hyparquet-writer', 'apache-arrow + parquet-wasm', '@dsnp/parquetjs', 'parquetjs-lite']

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

const engines = new Map()
async function engine(make, threads) {
  const id = `${make.name} ${threads}`
  if (!engines.has(id)) {
    const made = await make(threads)
    engines.set(id, made)
    process.on('exit', () => made.close())
  }
  return engines.get(id)
}

// ---- ours

/** A function that converts `source` to `target`, as a program would with the library. */
export async function millrace(columns, codec, threads = 1) {
  const { createParquetWriter, fileSink, fileSource } = await import('../dist/esm/parquet/index.js')
  const node = await import('../dist/esm/ports/node.js')
  const schema = { columns: columns.map((c) => ({ ...c, nullable: c.nullable === true })) }
  return async (source, target) => {
    const sink = await fileSink(node.nodePorts, target)
    const writer = createParquetWriter({
      schema,
      sink,
      rowGroupRows: ROW_GROUP,
      compression: codec,
      ...(threads > 1 ? { threads, ports: node.nodePorts } : {}),
    })
    for await (const piece of fileSource(node.nodePorts, source)) await writer.writeJson(piece)
    return writer.close()
  }
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
      const output = place('out.parquet')
      const duck = await engine(duckdb, threads)
      const native = [
        [DUCKDB, duck.copy(columns, input, place('duckdb.parquet'), codec)],
        ...(order ? [] : [[POLARS, (await engine(polars, threads)).copy(columns, input, place('polars.parquet'), codec)]]),
      ]
      const ours = await millrace(columns, codec, threads)
      // memory to memory: what these libraries do is no file's business
      const others = slow ? await slowWriters(columns, (bytes) => stage(name, bytes), quick) : []
      const work = statSync(input).size / MB
      return {
        ours: { work, async: true, run: () => ours(input, output) },
        rivals: [
          ...native.map(([rival, run]) => ({ name: rival, work, async: true, run })),
          ...others.map(({ rival, data, run }) => ({
            name: rival,
            work: data.length / MB,
            async: true,
            run: () => run(data),
            note: 'fewer rows, from memory to memory',
          })),
        ],
        // one slice is one file; Wasm and DuckDB reach their pace at the third one
        pace: { slice: 1, collect: true, warmup: quick ? 500 : 1000, patience: quick ? 4000 : 25_000, rounds: quick ? 3 : 15 },
        async check() {
          await ours(input, output)
          await equalRows(duck, columns, 'millrace', output, input)
          for (const { rival, path, run } of others) {
            writeFileSync(place('other.parquet'), await run(readFileSync(path)))
            await equalRows(duck, columns, rival, place('other.parquet'), path)
          }
        },
      }
    },
  }
}

async function slowWriters(columns, input, quick) {
  const middle = input(quick ? 4 * MB : 16 * MB)
  const small = input(quick ? 1 * MB : 3 * MB)
  const flat = columns.every((c) => /^\w+$/.test(c.type))
  const writers = [['hyparquet-writer', await hyparquetWriter(), middle]]
  if (flat)
    writers.push(
      ['apache-arrow + parquet-wasm', await arrowParquetWasm(), middle],
      ['@dsnp/parquetjs', dsnp(), small],
      ['parquetjs-lite', parquetjsLite(), small],
    )
  return writers.map(([rival, writer, path]) => ({ rival, path, data: readFileSync(path), run: writer(columns) }))
}

async function equalRows(duck, columns, name, file, source) {
  const differing = await duck.differing(file, columns, source)
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
      const paths = [place('out.parquet'), place('duckdb.parquet'), place('polars.parquet')]
      await (await millrace(columns, codec))(input, paths[0])
      await (await engine(duckdb, 1)).copy(columns, input, paths[1], codec)()
      await (await engine(polars, 1)).copy(columns, input, paths[2], codec)()
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

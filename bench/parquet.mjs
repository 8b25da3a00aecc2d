// NDJSON bytes in memory -> Parquet bytes in memory, Snappy, one thread, one process, schema given.
// Slow rivals get fewer rows of the same generator (rates are MB/s of input); DuckDB works on files in tmpfs.
import { FLAT, ndjson, TELEMETRY } from './data.mjs'
import { arrowParquetWasm, dsnp, duckdb, hyparquetWriter, parquetjsLite, ROW_GROUP } from './parquet-rivals.mjs'

const MB = 1e6

function row(name, shape, bytesPerRow, targets) {
  return {
    row: `NDJSON -> Parquet, ${name}, Snappy`,
    unit: 'MB/s',
    rivals: ['duckdb (native, 1 thread)', 'apache-arrow + parquet-wasm', 'hyparquet-writer', '@dsnp/parquetjs', 'parquetjs-lite'],
    targets,
    async prepare({ quick }) {
      const { columns } = shape
      const ours = await millrace(columns)
      const input = (bytes) => ndjson(shape.rows(Math.round(bytes / bytesPerRow)))
      const large = input(quick ? 32 * MB : 64 * MB)
      const middle = input(quick ? 6 * MB : 16 * MB)
      const small = input(quick ? 1 * MB : 3 * MB)
      const duck = await duckdb()
      duck.stage(large)
      const copy = duck.copy(columns)
      const writers = [
        ['apache-arrow + parquet-wasm', await arrowParquetWasm(), middle],
        ['hyparquet-writer', await hyparquetWriter(), middle],
        ['@dsnp/parquetjs', dsnp(), small],
        ['parquetjs-lite', parquetjsLite(), small],
      ].map(([rival, writer, data]) => ({ name: rival, work: data.length / MB, data, async: true, run: writer(columns) }))
      return {
        ours: { work: large.length / MB, async: true, run: () => ours(large) },
        rivals: [
          {
            name: 'duckdb (native, 1 thread)',
            work: large.length / MB,
            async: true,
            run: copy,
            note: 'reads and writes files in tmpfs; ours and the others go from memory to memory',
          },
          ...writers.map(({ name: rival, work, data, run }) => ({
            name: rival,
            work,
            async: true,
            run: () => run(data),
            note: 'on fewer rows of the same generator',
          })),
        ],
        // one slice is one file; Wasm and DuckDB reach their pace at the third one
        pace: { slice: 1, collect: true, warmup: 1000, patience: 60_000, rounds: quick ? 3 : 15 },
        async check() {
          await copy()
          await equalRows(duck, columns, 'millrace', await ours(large))
          duck.stage(small)
          await copy()
          for (const { name: rival, run } of writers) await equalRows(duck, columns, rival, await run(small))
          duck.stage(large)
        },
        close: () => duck.close(),
      }
    },
  }
}

async function equalRows(duck, columns, name, file) {
  const differing = await duck.differing(file, columns)
  if (differing !== 0) throw new Error(`${name}: ${differing} rows differ from DuckDB's file`)
}

async function millrace(columns) {
  const { createParquetWriter } = await import('../dist/esm/parquet/writer.js')
  const schema = { columns: columns.map((c) => ({ ...c, nullable: c.nullable === true })) }
  return async (input) => {
    const chunks = []
    const writer = createParquetWriter({ schema, rowGroupRows: ROW_GROUP, sink: { write: (bytes) => void chunks.push(bytes) } })
    await writer.writeJson(input)
    await writer.close()
    return Buffer.concat(chunks)
  }
}

export const rows = [
  row('flat, 12 fields', FLAT, 350, { 'duckdb (native, 1 thread)': 2, 'hyparquet-writer': 10, 'parquetjs-lite': 50 }),
  row('telemetry, 8 fields', TELEMETRY, 141, {}),
]

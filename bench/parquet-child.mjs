// A writer alone in a process: the parent's side, and what the process runs,
// `node parquet-child.mjs NAME THREADS`.
import { fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { arrowParquetWasm, dsnp, duckdb, hyparquetWriter, parquetjsLite, polars, ROW_GROUP } from './parquet-rivals.mjs'

export const DUCKDB = 'duckdb (native)'
export const POLARS = 'polars (native)'
/** Those that go from memory to memory. */
export const SLOW = ['hyparquet-writer', 'apache-arrow + parquet-wasm', '@dsnp/parquetjs', 'parquetjs-lite']

/** A process of the writer `name`. Its copy() gives `run`, one conversion, and `save`, which makes `target` of what one in memory made. */
export async function startWriter(name, threads) {
  const child = fork(fileURLToPath(import.meta.url), [name, String(threads)], {
    execArgv: [],
    env: { ...process.env, POLARS_MAX_THREADS: String(threads) },
  })
  const ask = (message) =>
    new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`${name}: its process ended`))
      child.once('exit', ended)
      child.once('message', ({ error }) => {
        child.off('exit', ended)
        if (error) reject(new Error(`${name}: ${error}`))
        else resolve()
      })
      if (message) child.send(message)
    })
  await ask()
  return {
    async copy(...job) {
      await ask({ job })
      return {
        run: () => ask({ run: true }),
        save: () => ask({ save: true }),
      }
    },
    close: () => child.kill(),
  }
}

/** As a program would with the library. */
async function millrace(threads) {
  const { createParquetWriter, fileSink, fileSource } = await import('../dist/esm/parquet/index.js')
  const { nodePorts } = await import('../dist/esm/ports/node.js')
  return {
    copy: (columns, source, target, compression) => {
      const schema = { columns: columns.map((c) => ({ ...c, nullable: c.nullable === true })) }
      return async () => {
        const writer = createParquetWriter({
          schema,
          sink: await fileSink(nodePorts, target),
          rowGroupRows: ROW_GROUP,
          compression,
          ...(threads > 1 ? { threads, ports: nodePorts } : {}),
        })
        for await (const piece of fileSource(nodePorts, source)) await writer.writeJson(piece)
        await writer.close()
      }
    },
  }
}

/** A writer from memory to memory; what it made last is kept. */
const inMemory = async (make) => {
  const writer = await make()
  let made
  return {
    copy: (columns, source) => {
      const data = readFileSync(source)
      const convert = writer(columns)
      return async () => {
        made = await convert(data)
      }
    },
    made: () => made,
  }
}

export const WRITERS = {
  millrace,
  [DUCKDB]: duckdb,
  [POLARS]: polars,
  'hyparquet-writer': () => inMemory(hyparquetWriter),
  'apache-arrow + parquet-wasm': () => inMemory(arrowParquetWasm),
  '@dsnp/parquetjs': () => inMemory(dsnp),
  'parquetjs-lite': () => inMemory(parquetjsLite),
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  const writer = await WRITERS[process.argv[2]](Number(process.argv[3]))
  let run
  let target
  process.on('message', async ({ job, save }) => {
    try {
      if (job) {
        target = job[2]
        run = writer.copy(...job)
      } else if (!save) await run()
      else if (writer.made) writeFileSync(target, writer.made())
      process.send({})
    } catch (error) {
      process.send({ error: String(error.stack ?? error) })
    }
  })
  process.send({})
}

// One subject in a process of its own; prints milliseconds.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

const subjects = {
  async millrace() {
    const { engine } = await import('../dist/esm/engine/engine.js')
    return () => engine()
  },
  async 'millrace-first'() {
    return async () => {
      const { ShardMap } = await import('../dist/esm/index.js')
      ShardMap.even(4).shardOf('key')
    }
  },
  async 'parquet-wasm'() {
    return () => require('parquet-wasm')
  },
  async 'parquet-wasm-first'() {
    return () => new (require('parquet-wasm').WriterPropertiesBuilder)().build()
  },
  async 'hash-wasm'() {
    const { createMD5 } = await import('hash-wasm')
    return () => createMD5()
  },
  async duckdb() {
    const { DuckDBInstance } = await import('@duckdb/node-api')
    return () => DuckDBInstance.create(':memory:', { threads: '1' })
  },
  async 'duckdb-first'() {
    return async () => {
      const { DuckDBInstance } = await import('@duckdb/node-api')
      const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
      await connection.run('SELECT 1')
    }
  },
}

const run = await subjects[process.argv[2]]()
const start = performance.now()
await run()
// before process.stdout is touched: opening it takes 2 to 3 ms
const took = performance.now() - start
process.stdout.write(String(took))
process.exit(0)

// DuckDB as the independent reader of the files that tests write.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

export interface Duck {
  /** A new directory, gone after close(). */
  readonly directory: string
  /** Writes `bytes` under `name` and gives the path. */
  file(name: string, bytes: Uint8Array): string
  rows(sql: string): Promise<Record<string, unknown>[]>
  close(): void
}

export async function openDuck(): Promise<Duck> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  return {
    directory,
    file(name, bytes) {
      const path = join(directory, name)
      writeFileSync(path, bytes)
      return path
    },
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRowObjects() as Record<string, unknown>[],
    close() {
      connection.closeSync()
      instance.closeSync()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

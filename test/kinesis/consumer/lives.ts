// Consumers in processes of their own, and what they said.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import type { Lease } from '../../../src/kinesis/index.js'

/** What consuming.ts takes. */
export interface Consuming {
  endpoint: string
  /** Records have the numbers n x keys + key. */
  keys: number
  /** checkpointInterval in milliseconds; null: results and checkpoints in one transaction. */
  interval: number | null
  /** A file of checkpoints, or a table behind an endpoint. */
  path?: string
  tableName?: string
  dynamo?: string
  /** Milliseconds since the epoch. */
  until?: number
  /** Lines after which it kills itself (kill -9): who reads them is behind by what the pipe holds. */
  most?: number
  maxRecords?: number
  workerId?: string
  leaseDuration?: number
}

/** What it says, each with the time, in milliseconds of one clock for all processes. */
export type Told = { at: number } & (
  | { id: number }
  | { write: Lease; counter?: number }
  | { begun: number; wrote: Lease; done: boolean }
  /** Owners and counters of the shards. */
  | { begun: number; read: Record<string, [string | null, number]> }
  | { end: true }
)

export interface Life {
  options: Consuming
  told: Told[]
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
  /** Resolves once it has ended, and all that it has said is told. Rejects where it ended otherwise than it was asked to. */
  ended: Promise<void>
}

export interface Program {
  /** A folder for files. */
  home: string
  /** `heard`: called for each record that it says. */
  start(options: Consuming, heard: (id: number) => void): Life
  remove(): Promise<void>
}

/** Some of the records, as NDJSON with the partition key in `name`. */
export function linesOf(from: number, to: number, keys: number): Uint8Array {
  const line = (id: number) => JSON.stringify({ key: id % keys, n: Math.floor(id / keys), name: `k${id % keys}` })
  return new TextEncoder().encode(Array.from({ length: to - from }, (_, i) => `${line(from + i)}\n`).join(''))
}

export async function buildConsuming(): Promise<Program> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-lives-'))
  const outfile = join(home, 'consuming.mjs')
  const entry = join(import.meta.dirname, 'consuming.ts')
  // the SDK stays outside, and is found from here
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, packages: 'external', logLevel: 'error' })
  await symlink(join(import.meta.dirname, '../../../node_modules'), join(home, 'node_modules'))
  return {
    home,
    start(options, heard) {
      const child = spawn(process.execPath, [outfile, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
      const told: Told[] = []
      let err = ''
      child.stderr.on('data', (data) => {
        err += data
      })
      const said = createInterface({ input: child.stdout })
      said.on('line', (line) => {
        if (line.startsWith('r ')) {
          const [, id, at] = line.split(' ')
          told.push({ at: Number(at), id: Number(id) })
          heard(Number(id))
        } else told.push(JSON.parse(line))
      })
      const ended = Promise.all([once(child, 'close'), once(said, 'close')]).then(([[code, signal]]) => {
        if (signal !== 'SIGKILL' && !(code === 0 && 'end' in (told.at(-1) ?? {}))) throw new Error(`a consumer ended with ${code ?? signal}: ${err}`)
      })
      ended.catch(() => {})
      return { options, told, kill: (signal) => void child.kill(signal), ended }
    },
    remove: () => rm(home, { recursive: true, force: true }),
  }
}

// Results and leases in one file, a transaction a line: fsynced before it counts, and a line that is torn never was.
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { CheckpointStore, Lease } from '../../../src/kinesis/index.js'

interface Entry {
  lease: Lease
  ids: number[]
}

/** Whole lines of the file, and their bytes. */
export function readLedger(path: string): { entries: Entry[]; bytes: number } {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').slice(0, -1)
  return { entries: lines.map((line) => JSON.parse(line)), bytes: whole.length }
}

/** For one process. `commit` gives the function that writes a lease together with these results. */
export function openLedger(path: string): { store: CheckpointStore; commit(ids: number[]): CheckpointStore['write'] } {
  const { entries, bytes } = readLedger(path)
  const rows = new Map(entries.map(({ lease }) => [lease.shardId, lease]))
  const file = openSync(path, 'a')
  ftruncateSync(file, bytes)
  const commit =
    (ids: number[]): CheckpointStore['write'] =>
    async (lease, counter) => {
      if (rows.get(lease.shardId)?.counter !== counter) return false
      writeSync(file, `${JSON.stringify({ lease, ids })}\n`)
      fsyncSync(file)
      rows.set(lease.shardId, lease)
      return true
    }
  return {
    commit,
    store: {
      exclusive: true,
      read: async () => [...rows.values()],
      write: commit([]),
      // Nothing of these streams expires.
      remove: async () => false,
      close: async () => closeSync(file),
    },
  }
}

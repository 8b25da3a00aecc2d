// Column batches back to JavaScript, and NDJSON through the scan in one go.

import { type BadRecord, type Coercion, createScan, type Format, type Scan, type ScanOptions } from '../src/engine/columns.js'
import * as core from '../src/engine/core.js'
import type { Engine } from '../src/engine/engine.js'
import type { Field, Leaf, LeafType } from '../src/types.js'

/** A column of a flat schema, in short. */
export type ScanField = { name: string; nullable?: boolean } & Leaf

export function flat(fields: readonly ScanField[]): Field[] {
  return fields.map(({ name, nullable = true, ...leaf }) => ({ name, key: name, nullable, leaf }))
}

export type Cell = boolean | number | bigint | string | null

/** Reads packed values of a leaf. */
function reader(engine: Engine, { type, unit = 'ms', precision = 10, int96 }: Leaf, values: number): (n: number) => Cell {
  const bytes = engine.bytes()
  const view = new DataView(bytes.buffer)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const word = (at: number) => view.getUint32(at, true)
  const text = (n: number) => {
    const from = word(values + 8 * n)
    return decoder.decode(bytes.subarray(from, from + word(values + 8 * n + 4)))
  }
  const hex = (from: number, size: number) => Array.from(bytes.subarray(from, from + size), (b) => b.toString(16).padStart(2, '0')).join('')
  const i32 = (n: number) => view.getInt32(values + 4 * n, true)
  const i64 = (n: number) => view.getBigInt64(values + 8 * n, true)
  const read: Record<LeafType, (n: number) => Cell> = {
    boolean: (n) => bytes[values + n] === 1,
    int8: i32,
    int16: i32,
    int32: i32,
    int64: i64,
    uint8: i32,
    uint16: i32,
    uint32: (n) => word(values + 4 * n),
    uint64: (n) => view.getBigUint64(values + 8 * n, true),
    float: (n) => view.getFloat32(values + 4 * n, true),
    double: (n) => view.getFloat64(values + 8 * n, true),
    decimal: (n) => {
      if (precision <= 9) return BigInt(i32(n))
      if (precision <= 18) return i64(n)
      return (view.getBigInt64(values + 16 * n) << 64n) | view.getBigUint64(values + 16 * n + 8)
    },
    // 12 bytes: nanoseconds since the epoch
    timestamp: (n) => {
      if (!int96) return i64(n)
      const day = BigInt(view.getInt32(values + 12 * n + 8, true)) - 2440588n
      return day * 86400_000_000_000n + view.getBigUint64(values + 12 * n, true)
    },
    date: i32,
    time: unit === 'ms' ? i32 : i64,
    string: text,
    json: text,
    uuid: (n) => hex(values + 16 * n, 16),
    binary: (n) => hex(word(values + 8 * n), word(values + 8 * n + 4)),
  }
  return read[type]
}

/** The cells of a flat batch, column by column, nulls in place. */
export function cells(engine: Engine, scan: Scan, rows: number): Cell[][] {
  const empty: Cell = null
  return entries(engine, scan, rows).map((column) => column.map(([, , value = empty]) => value))
}

/** One entry of a leaf: its levels, and its value where it has one. */
export type Entry = [rep: number, def: number, value?: Cell]

/** The entries of every leaf in the batch. */
export function entries(engine: Engine, scan: Scan, rows: number): Entry[][] {
  const bytes = engine.bytes()
  const word = (at: number) => engine.words()[at >> 2]
  return scan.leaves.map((leaf, i) => {
    const column = scan.columns + i * core.COLUMN_SIZE
    const [levels, reps] = [word(column + core.COLUMN_LEVELS), word(column + core.COLUMN_REPS)]
    const read = reader(engine, leaf.leaf, word(column + core.COLUMN_VALUES))
    const count = word(column + core.COLUMN_ENTRIES)
    const out: Entry[] = []
    let values = 0
    for (let n = 0; n < count; n++) {
      const def = leaf.maxDef > 0 ? bytes[levels + n] : 0
      const rep = leaf.maxRep > 0 ? bytes[reps + n] : 0
      out.push(def === leaf.maxDef ? [rep, def, read(values++)] : [rep, def])
    }
    if (word(column + core.COLUMN_ROWS) !== rows || out.filter(([rep]) => rep === 0).length !== rows) throw new Error(`${leaf.path}: not ${rows} rows`)
    if (values !== word(column + core.COLUMN_COUNT)) throw new Error(`${leaf.path}: count ${word(column + core.COLUMN_COUNT)}, levels say ${values}`)
    return out
  })
}

const encoder = new TextEncoder()

export interface ScannedTree {
  /** Entries of each leaf, all batches one behind the other. */
  leaves: Entry[][]
  rows: number
  bad: (BadRecord & { text: string })[]
  consumed: number
}

type How = Partial<ScanOptions> & { chunk?: number; final?: boolean; slack?: number; format?: Format }

/**
 * Scans the whole text as one final input: batches of `capacity` rows, the text given in pieces of
 * `chunk` bytes with the unread tail before it, as a reader of files does.
 */
export function scanTree(
  engine: Engine,
  fields: readonly Field[],
  text: string | Uint8Array,
  { capacity = 64, chunk = 1 << 20, final = true, slack = 0x7d, format = 'lines', ...options }: How = {},
): ScannedTree {
  const input = typeof text === 'string' ? encoder.encode(text) : text
  return engine.scope(() => {
    const scan = createScan(engine, fields, { ...options, capacity, textBytes: input.length })
    scan.startSource(format)
    const out: ScannedTree = { leaves: scan.leaves.map(() => []), rows: 0, bad: [], consumed: 0 }
    const at = engine.reserve(input.length)
    // What the slack holds must not matter.
    engine.bytes().fill(slack, at, at + input.length + 64)
    let given = Math.min(chunk, input.length)
    for (;;) {
      engine.bytes().set(input.subarray(out.consumed, given), at)
      const last = given === input.length
      const { rows, consumed, bad } = scan.next(at, given - out.consumed, last && final)
      entries(engine, scan, rows).forEach((leaf, i) => {
        for (const entry of leaf) out.leaves[i].push(entry)
      })
      for (const b of bad) {
        const [offset, end, position] = [b.offset, b.end, b.position].map((x) => x + out.consumed)
        out.bad.push({ ...b, offset, end, position, text: new TextDecoder().decode(input.subarray(offset, end)) })
      }
      out.rows += rows
      out.consumed += consumed
      if (rows > 0 || bad.length > 0) continue
      if (last) return out
      given = Math.min(given + chunk, input.length)
    }
  })
}

export interface Scanned extends Omit<ScannedTree, 'leaves' | 'rows'> {
  rows: Cell[][]
}

/** scanTree() of a flat schema, row by row. */
export function scanAll(engine: Engine, fields: readonly ScanField[], text: string | Uint8Array, how: How = {}): Scanned {
  const { leaves, rows, ...rest } = scanTree(engine, flat(fields), text, how)
  return { ...rest, rows: Array.from({ length: rows }, (_, row) => leaves.map((leaf) => leaf[row][2] ?? null)) }
}

/** Each JSON text as the only member of a record: its cell, or what was said of it. */
export function scanValues(
  engine: Engine,
  leaf: Omit<ScanField, 'name'>,
  texts: string[],
  coercion: Coercion = 'strict',
  options: Partial<ScanOptions> = {},
): (Cell | { message: string })[] {
  const { rows, bad } = scanAll(engine, [{ name: 'v', ...leaf }], texts.map((text) => `{"v":${text}}`).join('\n'), { ...options, coercion })
  const messages = new Map(bad.map((b) => [b.record, b.message.replace(/^column "v" expected /, '')]))
  let row = 0
  return texts.map((_, i) => (messages.has(i) ? { message: messages.get(i) as string } : rows[row++][0]))
}

// Column batches back to JavaScript, and NDJSON through the scan in one go.

import { type BadRecord, type Coercion, createScan, type Format, type Scan, type ScanField } from '../src/engine/columns.js'
import * as core from '../src/engine/core.js'
import type { Engine } from '../src/engine/engine.js'
import type { LeafType } from '../src/types.js'

export type Cell = boolean | number | bigint | string | null

/** The cells of the batch, column by column, nulls in place. */
export function cells(engine: Engine, scan: Scan, fields: readonly ScanField[], rows: number): Cell[][] {
  const bytes = engine.bytes()
  const view = new DataView(bytes.buffer)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const word = (at: number) => view.getUint32(at, true)
  return fields.map((field, i) => {
    const column = scan.columns + i * core.COLUMN_SIZE
    const values = word(column + core.COLUMN_VALUES)
    const levels = word(column + core.COLUMN_LEVELS)
    const text = (n: number) => {
      const from = word(values + 8 * n)
      return decoder.decode(bytes.subarray(from, from + word(values + 8 * n + 4)))
    }
    const hex = (from: number, size: number) => Array.from(bytes.subarray(from, from + size), (b) => b.toString(16).padStart(2, '0')).join('')
    const i32 = (n: number) => view.getInt32(values + 4 * n, true)
    const i64 = (n: number) => view.getBigInt64(values + 8 * n, true)
    const { unit = 'ms', precision = 10, int96 } = field
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
    if (word(column + core.COLUMN_ROWS) !== rows) throw new Error(`${field.name}: ${word(column + core.COLUMN_ROWS)} rows, not ${rows}`)
    let n = 0
    const column_: Cell[] = []
    for (let row = 0; row < rows; row++) column_.push(field.nullable === false || bytes[levels + row] === 1 ? read[field.type](n++) : null)
    if (n !== word(column + core.COLUMN_COUNT)) throw new Error(`${field.name}: count ${word(column + core.COLUMN_COUNT)}, levels say ${n}`)
    return column_
  })
}

const encoder = new TextEncoder()

export interface Scanned {
  rows: Cell[][]
  bad: (BadRecord & { text: string })[]
  consumed: number
}

/**
 * Scans the whole text as one final input: batches of `capacity` rows, the text given in pieces of
 * `chunk` bytes with the unread tail before it, as a reader of files does.
 */
export function scanAll(
  engine: Engine,
  fields: readonly ScanField[],
  text: string | Uint8Array,
  { capacity = 64, chunk = 1 << 20, final = true, slack = 0x7d, format = 'lines' as Format, coercion = 'strict' as Coercion } = {},
): Scanned {
  const input = typeof text === 'string' ? encoder.encode(text) : text
  return engine.scope(() => {
    const scan = createScan(engine, fields, capacity, input.length, coercion)
    scan.startSource(format)
    const out: Scanned = { rows: [], bad: [], consumed: 0 }
    const at = engine.reserve(input.length)
    // What the slack holds must not matter.
    engine.bytes().fill(slack, at, at + input.length + 64)
    let given = Math.min(chunk, input.length)
    for (;;) {
      engine.bytes().set(input.subarray(out.consumed, given), at)
      const last = given === input.length
      const { rows, consumed, bad } = scan.next(at, given - out.consumed, last && final)
      const columns = cells(engine, scan, fields, rows)
      for (let row = 0; row < rows; row++) out.rows.push(columns.map((column) => column[row]))
      for (const b of bad) {
        const [offset, end, position] = [b.offset, b.end, b.position].map((x) => x + out.consumed)
        out.bad.push({ ...b, offset, end, position, text: new TextDecoder().decode(input.subarray(offset, end)) })
      }
      out.consumed += consumed
      if (rows === capacity || bad.length > 0) continue
      if (last) return out
      given = Math.min(given + chunk, input.length)
    }
  })
}

/** Each JSON text as the only member of a record: its cell, or what was said of it. */
export function scanValues(engine: Engine, leaf: Omit<ScanField, 'name'>, texts: string[], coercion: Coercion = 'strict'): (Cell | { message: string })[] {
  const { rows, bad } = scanAll(engine, [{ name: 'v', ...leaf }], texts.map((text) => `{"v":${text}}`).join('\n'), { coercion })
  const messages = new Map(bad.map((b) => [b.record, b.message.replace(/^column "v" expected /, '')]))
  let row = 0
  return texts.map((_, i) => (messages.has(i) ? { message: messages.get(i) as string } : rows[row++][0]))
}

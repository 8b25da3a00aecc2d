// Column batches back to JavaScript, and NDJSON through the scan in one go.

import { type BadRecord, createScan, type Format, type Scan, type ScanField } from '../src/engine/columns.js'
import * as core from '../src/engine/core.js'
import type { Engine } from '../src/engine/engine.js'

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
    const read: Record<string, (n: number) => Cell> = {
      boolean: (n) => bytes[values + n] === 1,
      int32: (n) => view.getInt32(values + 4 * n, true),
      int64: (n) => view.getBigInt64(values + 8 * n, true),
      timestamp: (n) => view.getBigInt64(values + 8 * n, true),
      double: (n) => view.getFloat64(values + 8 * n, true),
      string: (n) => {
        const from = word(values + 8 * n)
        return decoder.decode(bytes.subarray(from, from + word(values + 8 * n + 4)))
      },
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
  { capacity = 64, chunk = 1 << 20, final = true, slack = 0x7d, format = 'lines' as Format } = {},
): Scanned {
  const input = typeof text === 'string' ? encoder.encode(text) : text
  return engine.scope(() => {
    const scan = createScan(engine, fields, capacity, input.length)
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

// Whole columns -> batches for the encoder, past the scan: no JSON, no object a row.
import { COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_REPS, COLUMN_ROWS, COLUMN_SIZE, COLUMN_VALUES } from '../../engine/core.js'
import type { Engine } from '../../engine/engine.js'
import type { LeafColumn } from '../../engine/leaves.js'
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import type { Field } from '../../types.js'
import { type Cells, cellsOf } from './cells.js'

/** Bytes of strings and binary that a batch has at most, longer cells aside; with its columns they stay in the second-level cache. */
const ROOM = 512 * 1024

export interface ColumnBatches {
  readonly rows: number
  /** Fills the descriptors with the next rows, `most` of them at most, and gives their number; 0 at the end. */
  next(most?: number): number
}

/**
 * Gives a function that checks columns by name, all of them before the first is taken, and hands
 * them on in batches of at most `capacity` rows in the descriptors at `columns`.
 */
export function columnBatches(engine: Engine, columns: number, fields: readonly Field[], leaves: readonly LeafColumn[], capacity: number) {
  let room = 0
  let block = 0

  return (given: unknown): ColumnBatches => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType('columns', 'an object of columns by name', given)
    checkKeys(
      'columns',
      given,
      fields.map(({ name }) => name),
    )
    const input = given as Record<string, unknown>
    const cells = new Map<LeafColumn, Cells>()
    let rows = -1
    let first = ''
    for (const field of fields) {
      const label = `columns.${field.name}`
      const value = Object.hasOwn(input, field.name) ? input[field.name] : undefined
      if (value === undefined) {
        if (!field.nullable) throw wrongType(label, 'a column, for its values may not be null', value)
        continue
      }
      if (!field.leaf)
        throw wrongType(label, `no column of ${field.struct ? 'structs' : field.list ? 'lists' : 'maps'}, which writeRows and writeJson take`, value)
      const leaf = leaves.find((leaf) => leaf.field === field) as LeafColumn
      const column = cellsOf(label, leaf, value)
      if (rows < 0) {
        rows = column.rows
        first = field.name
      } else if (column.rows !== rows) throw outOfRange(`${label}.length`, `${rows}, as many rows as ${JSON.stringify(first)} has`, column.rows)
      cells.set(leaf, column)
    }
    if (rows < 0) throw wrongType('columns', 'at least one column', given)

    let at = 0
    return {
      rows,
      next(most = capacity) {
        const count = fitting(cells, at, Math.min(capacity, most, rows - at))
        if (count === 0) return 0
        let text = block
        leaves.forEach((leaf, i) => {
          text = put(columns + i * COLUMN_SIZE, leaf, cells.get(leaf), at, at + count, text)
        })
        at += count
        return count
      },
    }
  }

  /** How many of `count` rows from `at` have strings that fit; of one row they are made to. */
  function fitting(cells: ReadonlyMap<LeafColumn, Cells>, at: number, count: number): number {
    const size = (rows: number) => {
      let sum = 0
      for (const { runs } of cells.values()) if (runs) sum += runs.offsets[at + rows] - runs.offsets[at]
      return sum
    }
    while (count > 1 && size(count) > ROOM) count >>= 1
    if (count > 0 && (block === 0 || size(count) > room)) {
      room = Math.max(ROOM, size(count))
      block = engine.reserve(room)
    }
    return count
  }

  /** One column of a batch; gives where the next one's strings go. */
  function put(column: number, leaf: LeafColumn, cells: Cells | undefined, from: number, to: number, text: number): number {
    const words = engine.words()
    const bytes = engine.bytes()
    const rows = to - from
    const values = words[(column + COLUMN_VALUES) >> 2]
    const levels = words[(column + COLUMN_LEVELS) >> 2]
    const valid = cells?.valid?.subarray(from, to)
    if (!cells) bytes.fill(0, levels, levels + rows)
    else if (valid) bytes.set(valid, levels)
    else bytes.fill(1, levels, levels + rows)
    if (leaf.maxRep > 0) {
      const reps = words[(column + COLUMN_REPS) >> 2]
      bytes.fill(0, reps, reps + rows)
    }
    let count = 0
    if (cells?.packed) count = putPacked(values, leaf.width, cells.packed, valid, from, to)
    else if (cells?.runs) {
      const { bytes: source, offsets } = cells.runs
      const start = offsets[from]
      bytes.set(source.subarray(start, offsets[to]), text)
      let slot = values >> 2
      for (let i = from; i < to; i++) {
        if (valid && valid[i - from] === 0) continue
        words[slot] = text + offsets[i] - start
        words[slot + 1] = offsets[i + 1] - offsets[i]
        slot += 2
      }
      count = (slot - (values >> 2)) >> 1
      text += offsets[to] - start
    }
    words[(column + COLUMN_COUNT) >> 2] = count
    words[(column + COLUMN_ENTRIES) >> 2] = rows
    words[(column + COLUMN_ROWS) >> 2] = rows
    return text
  }

  function putPacked(values: number, width: number, packed: Uint8Array, valid: Uint8Array | undefined, from: number, to: number): number {
    const bytes = engine.bytes()
    if (!valid) {
      bytes.set(packed.subarray(from * width, to * width), values)
      return to - from
    }
    // runs of rows that are there: what telemetry loses, it loses for a while
    let at = values
    for (let i = 0; i < valid.length; ) {
      if (valid[i] === 0) {
        i++
        continue
      }
      let end = i + 1
      while (end < valid.length && valid[end] !== 0) end++
      if (end - i < 8) for (let b = (from + i) * width, stop = (from + end) * width; b < stop; ) bytes[at++] = packed[b++]
      else {
        bytes.set(packed.subarray((from + i) * width, (from + end) * width), at)
        at += (end - i) * width
      }
      i = end
    }
    return (at - values) / width
  }
}

// The host's side of assembly/columnar/split.ts: batches split by the values of their first columns.
import { COLUMN_SIZE, OUTPUT_FULL } from './core.js'
import { type Engine, outOfMemory, settled } from './engine.js'
import { growColumn, type LeafColumn } from './leaves.js'

export interface Group {
  /** The key's cells, packed. A view: valid until the next call. */
  key: Uint8Array
  /** The rows without their key, packed. A view as well. */
  packed: Uint8Array
  rows: number
}

export interface Split {
  /** The batch in the descriptors, by key, in the order of first rows; a key may have more than one group. */
  groups(): Group[]
  /** Group of each row of the last batch. A view. */
  ids(rows: number): Uint32Array
  /**
   * Hands packed rows back as batches in the columns behind the key: `each` is called for each batch,
   * and awaited. Must not be called between groups() and the last use of its views.
   */
  unpack(packed: Uint8Array, each: () => void | Promise<void>): Promise<void>
}

/** Packed rows unpacked at a time. */
const PIECE = 1 << 19

/** A split of batches of at most `rows` rows in the columns of `leaves` at `columns`, by the first `keys`, which are flat. */
export function createSplit(engine: Engine, columns: number, leaves: readonly LeafColumn[], keys: number, rows: number): Split {
  const { core } = engine
  const split = core.openSplit(columns, leaves.length, keys, rows)
  if (split === 0) throw outOfMemory(rows * 16)
  let capacity = 0
  const grow = (least: number) => {
    capacity = core.growSplit(split, Math.max(least, 2 * capacity))
    if (capacity === 0) throw outOfMemory(2 * least)
  }
  grow(2 * PIECE)
  const behind = columns + keys * COLUMN_SIZE
  const report = core.report() >> 2

  /** Unpacks the rows in the arena that are whole; gives the bytes used. */
  const unpackAll = async (size: number, each: () => void | Promise<void>): Promise<number> => {
    let used = 0
    while (used < size) {
      const got = core.unpackRows(behind, leaves.length - keys, core.splitText(split) + used, size - used, rows)
      const words = engine.words()
      if (got === OUTPUT_FULL) {
        const column = words[report + 3]
        growColumn(engine, behind + column * COLUMN_SIZE, leaves[keys + column], 2 * words[report + 2])
        continue
      }
      if (got === 0) break
      used += words[report]
      const later = each()
      if (later) await later
    }
    return used
  }

  return {
    groups() {
      let groups = core.splitBatch(split)
      for (; groups === OUTPUT_FULL; groups = core.splitBatch(split)) grow(2 * capacity)
      settled(groups)
      const memory = engine.bytes()
      const table = engine.words().subarray(core.splitGroups(split) >> 2)
      return Array.from({ length: groups }, (_, i) => {
        const [at, keyBytes, size, rowCount] = table.subarray(4 * i, 4 * i + 4)
        return { key: memory.subarray(at, at + keyBytes), packed: memory.subarray(at + keyBytes, at + keyBytes + size), rows: rowCount }
      })
    },
    ids(count) {
      const at = core.splitIds(split) >> 2
      return engine.words().subarray(at, at + count)
    },
    async unpack(packed, each) {
      const sizes = new DataView(packed.buffer, packed.byteOffset, packed.length)
      for (let at = 0; at < packed.length; ) {
        // one row may be longer than a piece
        const size = Math.min(packed.length - at, Math.max(PIECE, 4 + sizes.getUint32(at, true)))
        if (size > capacity) grow(size)
        engine.bytes().set(packed.subarray(at, at + size), core.splitText(split))
        at += await unpackAll(size, each)
      }
    },
  }
}

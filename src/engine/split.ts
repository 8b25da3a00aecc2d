// The host's side of assembly/columnar/split.ts: batches split by the values of their first columns.
import { COLUMN_SIZE } from './core.js'
import { type Engine, outOfMemory, settled } from './engine.js'

export interface Group {
  /** The key's cells, packed. A view: valid until the next call. */
  key: Uint8Array
  /** The rows without their key, packed. A view as well. */
  packed: Uint8Array
  rows: number
}

export interface Split {
  /** The batch in the descriptors, by key, in the order of first rows. */
  groups(): Group[]
  /** Group of each row of the last batch. A view. */
  ids(rows: number): Uint32Array
  /**
   * Hands packed rows back as batches in the columns behind the key: `each` is called for each batch.
   * Must not be called between groups() and the last use of its views.
   */
  unpack(packed: Uint8Array, each: () => void): void
}

/** A split of batches of `rows` rows in `count` columns at `columns`, by the first `keys`; strings of a batch take at most `bytes`. */
export function createSplit(engine: Engine, columns: number, count: number, keys: number, rows: number, bytes: number): Split {
  const { core } = engine
  const split = core.openSplit(columns, count, keys, rows, bytes)
  if (split === 0) throw outOfMemory(2 * bytes)
  const text = core.splitText(split)
  const capacity = core.splitCapacity(split)
  return {
    groups() {
      const groups = settled(core.splitBatch(split))
      if (groups < 0) throw outOfMemory(bytes)
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
    unpack(packed, each) {
      const report = core.report() >> 2
      for (let at = 0; at < packed.length; ) {
        const piece = packed.subarray(at, at + Math.min(capacity, UNPACK))
        engine.bytes().set(piece, text)
        let used = unpackAll(piece.length)
        // one row may be longer than a piece
        if (used === 0) {
          const longer = packed.subarray(at, at + capacity)
          engine.bytes().set(longer, text)
          used = unpackAll(longer.length)
        }
        if (used === 0) throw outOfMemory(packed.length)
        at += used
      }

      function unpackAll(size: number): number {
        let used = 0
        while (used < size) {
          const got = core.unpackRows(columns + keys * COLUMN_SIZE, count - keys, text + used, size - used, rows)
          if (got <= 0) break
          used += engine.words()[report]
          each()
        }
        return used
      }
    },
  }
}

const UNPACK = 1 << 19

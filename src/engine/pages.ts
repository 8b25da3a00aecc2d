// The host's side of the Parquet encoder: feeds it the batch in the column descriptors, takes the
// finished pages out of the arena, and puts a row group's pages into the order of the file.
import {
  CODEC_NONE,
  CODEC_SNAPPY,
  COLUMN_ENCODE,
  COLUMN_SIZE,
  LOGICAL_MICROS,
  LOGICAL_MILLIS,
  LOGICAL_NANOS,
  LOGICAL_NONE,
  LOGICAL_STRING,
  OUTPUT_FULL,
} from './core.js'
import { type Engine, outOfMemory, settled } from './engine.js'

export type Logical = 'none' | 'string' | 'ms' | 'us' | 'ns'

const LOGICAL: Record<Logical, number> = { none: LOGICAL_NONE, string: LOGICAL_STRING, ms: LOGICAL_MILLIS, us: LOGICAL_MICROS, ns: LOGICAL_NANOS }

export interface PageOptions {
  codec: 'snappy' | 'none'
  /** What the values of each column mean, beyond their type. */
  logical: readonly Logical[]
  /** Most rows of a page. */
  pageRows?: number
  /** Most bytes of a page's values. */
  pageBytes?: number
  /** Most bytes of a column's dictionary. */
  dictionaryBytes?: number
}

export interface PageEncoder {
  /** Appends the batch that the descriptors hold. Throws OUT_OF_MEMORY, after which the row group is lost. */
  append(): void
  /** Uncompressed bytes of the open row group, roughly. */
  size(): number
  /** Bytes of finished pages that wait here for the end of the row group. */
  held(): number
  /**
   * Ends the row group, which begins at byte `offset` of the file: its bytes in the order of the
   * file, and its metadata for footer().
   */
  finish(offset: number, ordinal: number): { pages: Uint8Array[]; metadata: Uint8Array }
  /** The end of the file behind the last row group, magic included. */
  footer(rows: number, groups: readonly Uint8Array[], createdBy: string): Uint8Array[]
}

export const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31])

// All columns' dictionaries, tables and page buffers together stay below this much address space;
// only what is touched is memory.
const ADDRESSES = 768 * 1024 * 1024

/**
 * An encoder over `count` column descriptors at `columns`, in an engine of the caller's own: its
 * state stays in the arena.
 */
export function createPageEncoder(engine: Engine, columns: number, count: number, options: PageOptions): PageEncoder {
  const { core } = engine
  const share = Math.floor(ADDRESSES / Math.max(1, count) / 4)
  const pageBytes = options.pageBytes ?? Math.max(65536, Math.min(1 << 20, share))
  const dictionaryBytes = options.dictionaryBytes ?? Math.max(65536, Math.min(1 << 20, share))
  // pages of 32768 rows keep the staged indices of a column in 64 KiB
  const pageRows = options.pageRows ?? 32768
  const codec = options.codec === 'snappy' ? CODEC_SNAPPY : CODEC_NONE
  options.logical.forEach((logical, i) => {
    // the second word of the encoder's part of the descriptor
    engine.words()[((columns + i * COLUMN_SIZE + COLUMN_ENCODE) >> 2) + 1] = LOGICAL[logical]
  })
  const writer = core.openWriter(columns, count, codec, pageRows, pageBytes, dictionaryBytes)
  if (writer === 0) throw outOfMemory(count * (2 * pageBytes + 2 * dictionaryBytes))

  const text = new TextEncoder()
  let dictionaries: Uint8Array[] = []
  let data: Uint8Array[][] = []
  let held = 0
  const empty = () => {
    dictionaries = []
    data = Array.from({ length: count }, () => [])
    held = 0
  }
  empty()

  const take = () => {
    const words = engine.words()
    const bytes = engine.bytes()
    for (let node = core.takePages(writer); node !== 0; ) {
      const [next, column, at, size] = words.subarray(node >> 2, (node >> 2) + 4)
      const page = bytes.slice(at, at + size)
      if (isDictionary(page)) dictionaries[column] = page
      else data[column].push(page)
      held += size
      node = next
    }
  }

  const grown = (first: number, put: (dst: number, cap: number) => number): Uint8Array => {
    for (let cap = first; ; cap *= 2) {
      const result = engine.scope(() => {
        const dst = engine.reserve(cap)
        const size = settled(put(dst, cap))
        return size === OUTPUT_FULL ? undefined : engine.bytes().slice(dst, dst + size)
      })
      if (result) return result
    }
  }

  return {
    append() {
      engine.scope(() => {
        if (settled(core.appendBatch(writer)) > 0) take()
      })
    },
    size: () => core.rowGroupBytes(writer),
    held: () => held,
    finish(offset, ordinal) {
      engine.scope(() => {
        settled(core.finishRowGroup(writer))
        take()
      })
      const metadata = grown(4096 + count * 640, (dst, cap) => core.putRowGroup(writer, offset, ordinal, dst, cap))
      const pages: Uint8Array[] = []
      for (let i = 0; i < count; i++) {
        if (dictionaries[i]) pages.push(dictionaries[i])
        pages.push(...data[i])
      }
      core.resetRowGroup(writer)
      empty()
      return { pages, metadata }
    },
    footer(rows, groups, createdBy) {
      const name = text.encode(createdBy)
      const head = grown(4096 + count * 128, (dst, cap) => core.putFooter(writer, rows, groups.length, dst, cap))
      const end = engine.scope(() => {
        const at = engine.put(name)
        return grown(256 + count * 4, (dst, cap) => core.putFooterEnd(writer, at, name.length, dst, cap))
      })
      const length = head.length + end.length + groups.reduce((sum, g) => sum + g.length, 0)
      const tail = new Uint8Array(8)
      new DataView(tail.buffer).setUint32(0, length, true)
      tail.set(MAGIC, 4)
      return [head, ...groups, end, tail]
    },
  }
}

// PageHeader begins with field 1, the page's type: 0x15, zigzag.
function isDictionary(page: Uint8Array): boolean {
  return page[0] === 0x15 && page[1] === 4
}

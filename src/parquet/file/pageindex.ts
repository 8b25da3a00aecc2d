// What lies beside the pages so that readers need not open all of them (parquet-format PageIndex.md and
// BloomFilter.md): bounds and nulls of each page, its place and first row, and bloom filters.
import { ORDER_BYTES, ORDER_DECIMAL, ORDER_FLOATING, ORDER_NONE, ORDER_SIGNED } from '../../engine/core.js'
import type { Bounds } from '../../engine/encoded.js'
import { THRIFT_BINARY, THRIFT_I64, THRIFT_STRUCT, THRIFT_TRUE, type ThriftWriter } from './thrift.js'

/** A data page as the page index knows it. */
export interface IndexedPage {
  /** Bytes in the file, header and all. */
  bytes: number
  rows: number
  /** Level entries, nulls included. */
  values: number
  nulls: number
  bounds?: Bounds
}

/** OffsetIndex of a chunk whose first data page begins at byte `at` of the file. */
export function offsetIndex(w: ThriftWriter, pages: readonly IndexedPage[], at: number): void {
  let offset = at
  let row = 0
  w.structElement(() =>
    w.list(1, THRIFT_STRUCT, pages, ({ bytes, rows }) => {
      w.structElement(() => {
        w.i64(1, offset)
        w.i32(2, bytes)
        w.i64(3, row)
      })
      offset += bytes
      row += rows
    }),
  )
}

const NOTHING = new Uint8Array(0)

/**
 * ColumnIndex of a chunk of values in `order` (ORDER_*). Writes nothing, as the format demands, where a
 * page that has values has no bounds: with NaN, INT96, or text that has no upper bound.
 */
export function columnIndex(w: ThriftWriter, pages: readonly IndexedPage[], order: number): boolean {
  const nullPage = (page: IndexedPage) => page.nulls === page.values
  if (order === ORDER_NONE || pages.some((page) => !nullPage(page) && !page.bounds)) return false
  w.structElement(() => {
    w.list(1, THRIFT_TRUE, pages, (page) => w.boolElement(nullPage(page)))
    w.list(2, THRIFT_BINARY, pages, ({ bounds }) => w.binaryElement(bounds?.min ?? NOTHING))
    w.list(3, THRIFT_BINARY, pages, ({ bounds }) => w.binaryElement(bounds?.max ?? NOTHING))
    w.i32(4, boundaryOrder(pages, order))
    w.list(5, THRIFT_I64, pages, ({ nulls }) => w.wholeElement(nulls))
  })
  return true
}

const UNORDERED = 0
const ASCENDING = 1
const DESCENDING = 2

/** BoundaryOrder: whether both bounds of the pages ascend, or descend; pages of nulls do not count. */
export function boundaryOrder(pages: readonly IndexedPage[], order: number): number {
  let ascending = true
  let descending = true
  let before: Bounds | undefined
  for (const { bounds } of pages) {
    if (!bounds) continue
    if (before) {
      const min = compareValues(before.min, bounds.min, order)
      const max = compareValues(before.max, bounds.max, order)
      ascending &&= min <= 0 && max <= 0
      descending &&= min >= 0 && max >= 0
    }
    before = bounds
  }
  return ascending ? ASCENDING : descending ? DESCENDING : UNORDERED
}

/** Negative, 0 or positive: how two PLAIN values (of byte arrays the bytes) stand in a column's order. */
export function compareValues(a: Uint8Array, b: Uint8Array, order: number): number {
  if (order === ORDER_BYTES) return compareBytes(a, b, 0)
  // two's complement, big-endian: with the sign turned over it is in the order of its bytes
  if (order === ORDER_DECIMAL) return compareBytes(a, b, 0x80)
  const x = view(a)
  const y = view(b)
  if (order === ORDER_FLOATING) {
    const [u, v] = a.length === 4 ? [x.getFloat32(0, true), y.getFloat32(0, true)] : [x.getFloat64(0, true), y.getFloat64(0, true)]
    return u < v ? -1 : u > v ? 1 : 0
  }
  // little-endian, from the most significant byte down
  const flip = order === ORDER_SIGNED ? 0x80 : 0
  for (let i = a.length - 1; i >= 0; i--) {
    const sign = i === a.length - 1 ? flip : 0
    if (a[i] !== b[i]) return (a[i] ^ sign) - (b[i] ^ sign)
  }
  return 0
}

function compareBytes(a: Uint8Array, b: Uint8Array, flip: number): number {
  const size = Math.min(a.length, b.length)
  for (let i = 0; i < size; i++) {
    const sign = i === 0 ? flip : 0
    if (a[i] !== b[i]) return (a[i] ^ sign) - (b[i] ^ sign)
  }
  return a.length - b.length
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** BloomFilterHeader before `bytes` of split blocks: xxHash64, uncompressed. */
export function bloomFilterHeader(w: ThriftWriter, bytes: number): void {
  w.structElement(() => {
    w.i32(1, bytes)
    for (const id of [2, 3, 4]) w.struct(id, () => w.name(1))
  })
}

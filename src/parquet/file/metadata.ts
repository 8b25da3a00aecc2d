// What Parquet says about its bytes (parquet.thrift): page headers, and of the footer the column chunks
// and row groups.

import { ORDER_FLOATING, ORDER_SIGNED } from '../../engine/core.js'
import type { Bounds, EncodedChunk, EncodedPage } from '../../engine/encoded.js'
import type { LeafColumn } from '../../engine/leaves.js'
import { THRIFT_BINARY, THRIFT_I32, THRIFT_STRUCT, type ThriftWriter } from './thrift.js'

/** Encoding (parquet.thrift). */
export const ENCODING = { plain: 0, rle: 3, delta: 5, deltaLength: 6, deltaByteArray: 7, rleDictionary: 8, byteStreamSplit: 9 } as const
/** PageType. */
export const DATA_PAGE = 0
export const DICTIONARY_PAGE = 2
export const DATA_PAGE_V2 = 3

export interface PageHead {
  page: EncodedPage
  version: 1 | 2
  /** Bytes of the body as it is in the file. */
  compressedSize: number
  /** Of V2: whether the values are compressed. */
  compressed: boolean
  /** CRC-32 of the body as it is in the file. */
  crc: number | undefined
}

/** The page's header, PageHeader. */
export function pageHeader(w: ThriftWriter, { page, version, compressedSize, compressed, crc }: PageHead): void {
  w.structElement(() => {
    w.i32(1, page.dictionary ? DICTIONARY_PAGE : version === 2 ? DATA_PAGE_V2 : DATA_PAGE)
    w.i32(2, page.size)
    w.i32(3, compressedSize)
    // an i32 of the same bits
    if (crc !== undefined) w.i32(4, crc | 0)
    if (page.dictionary)
      w.struct(7, () => {
        w.i32(1, page.values)
        w.i32(2, page.encoding)
      })
    else if (version === 2)
      w.struct(8, () => {
        w.i32(1, page.values)
        w.i32(2, page.nulls)
        w.i32(3, page.rows)
        w.i32(4, page.encoding)
        w.i32(5, page.defBytes)
        w.i32(6, page.repBytes)
        if (!compressed) w.bool(7, false)
      })
    else
      w.struct(5, () => {
        w.i32(1, page.values)
        w.i32(2, page.encoding)
        w.i32(3, ENCODING.rle)
        w.i32(4, ENCODING.rle)
      })
  })
}

/** How many pages of a kind there are. */
export interface EncodingCount {
  /** PageType. */
  page: number
  encoding: number
  count: number
}

/** A column chunk that has all its pages; `at` and sizes count headers. */
export interface ChunkMeta {
  leaf: LeafColumn
  /** CompressionCodec. */
  codec: number
  chunk: EncodedChunk
  encodings: readonly EncodingCount[]
  /** Byte of the file at which the chunk begins. */
  at: number
  /** Bytes of its dictionary page, 0 where there is none. */
  dictionaryBytes: number
  compressedBytes: number
  uncompressedBytes: number
  statistics: boolean
  bloom: { at: number; bytes: number } | undefined
}

/** ColumnMetaData. */
export function columnMetadata(w: ThriftWriter, meta: ChunkMeta): void {
  const { leaf, chunk, encodings, at, dictionaryBytes } = meta
  w.structElement(() => {
    w.i32(1, leaf.physical)
    w.list(2, THRIFT_I32, encodingsOf(meta), (encoding) => w.wholeElement(encoding))
    w.list(3, THRIFT_BINARY, leaf.path, (name) => w.binaryElement(name))
    w.i32(4, meta.codec)
    w.i64(5, chunk.values)
    w.i64(6, meta.uncompressedBytes)
    w.i64(7, meta.compressedBytes)
    // the first data page; readers reject a dictionary page's offset where there is none
    w.i64(9, at + dictionaryBytes)
    if (dictionaryBytes > 0) w.i64(11, at)
    w.struct(12, () => statistics(w, leaf, chunk, meta.statistics))
    // a reader may prune by the dictionary when all data pages use it
    w.list(13, THRIFT_STRUCT, encodings, ({ page, encoding, count }) =>
      w.structElement(() => {
        w.i32(1, page)
        w.i32(2, encoding)
        w.i32(3, count)
      }),
    )
    if (meta.bloom) {
      w.i64(14, meta.bloom.at)
      w.i32(15, meta.bloom.bytes)
    }
  })
}

/** Of pages and of levels, each once. */
function encodingsOf({ leaf, encodings }: ChunkMeta): number[] {
  const all = new Set(encodings.map(({ encoding }) => encoding))
  if (leaf.maxDef + leaf.maxRep > 0) all.add(ENCODING.rle)
  return [...all].sort((a, b) => a - b)
}

/**
 * Statistics. The deprecated min and max are of no declared order: readers of that age (parquet-mr
 * before 1.10) compare as signed, so only columns in that order have them. Binary has none here, only
 * in the page index: with them DuckDB 1.5.5 gave no row for `b = from_hex('7f')` where there was one.
 */
function statistics(w: ThriftWriter, { order, leaf }: LeafColumn, { nulls, distinct, bounds }: EncodedChunk, wanted: boolean): void {
  const known = wanted && leaf.type !== 'binary' ? bounds : undefined
  if (known && (order === ORDER_SIGNED || order === ORDER_FLOATING)) {
    w.binary(1, known.max)
    w.binary(2, known.min)
  }
  w.i64(3, nulls)
  if (wanted && distinct !== undefined) w.i64(4, distinct)
  if (known) exactBounds(w, known)
}

function exactBounds(w: ThriftWriter, { min, max, minExact, maxExact }: Bounds): void {
  w.binary(5, max)
  w.binary(6, min)
  w.bool(7, maxExact)
  w.bool(8, minExact)
}

/** Where a chunk's part of the page index lies; absent parts have no bytes. */
export interface IndexPlace {
  offsetAt: number
  offsetBytes: number
  columnAt: number
  columnBytes: number
}

export interface GroupMeta {
  rows: number
  /** Byte of the file at which its first page begins. */
  at: number
  compressedBytes: number
  uncompressedBytes: number
  /** Encoded ColumnMetaData, column by column. */
  chunks: readonly Uint8Array[]
}

/** A column that the rows of each row group are sorted by, as the caller vouches. */
export interface SortedLeaf {
  /** Index of the leaf column. */
  leaf: number
  descending: boolean
  nullsFirst: boolean
}

/** RowGroup, the `ordinal`th of the file; `indexes` are of its chunks, where the file has a page index. */
export function rowGroup(w: ThriftWriter, group: GroupMeta, ordinal: number, sorting: readonly SortedLeaf[], indexes: readonly IndexPlace[] | undefined): void {
  w.structElement(() => {
    const chunks = [...group.chunks.keys()]
    w.list(1, THRIFT_STRUCT, chunks, (i) =>
      w.structElement(() => {
        // file_offset: deprecated, 0 as the format says
        w.i64(2, 0)
        w.encodedStruct(3, group.chunks[i])
        if (indexes) indexPlace(w, indexes[i])
      }),
    )
    w.i64(2, group.uncompressedBytes)
    w.i64(3, group.rows)
    if (sorting.length > 0)
      w.list(4, THRIFT_STRUCT, sorting, ({ leaf, descending, nullsFirst }) =>
        w.structElement(() => {
          w.i32(1, leaf)
          w.bool(2, descending)
          w.bool(3, nullsFirst)
        }),
      )
    w.i64(5, group.at)
    w.i64(6, group.compressedBytes)
    // an i16, which is optional
    if (ordinal < 32768) w.i16(7, ordinal)
  })
}

function indexPlace(w: ThriftWriter, { offsetAt, offsetBytes, columnAt, columnBytes }: IndexPlace): void {
  w.i64(4, offsetAt)
  w.i32(5, offsetBytes)
  if (columnBytes === 0) return
  w.i64(6, columnAt)
  w.i32(7, columnBytes)
}

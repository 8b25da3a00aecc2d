// A row group in the making: pages come from the encoder, get compressed where the core has not done
// so, and wait under their headers until the row group ends. What comes out is plain data that knows
// no offsets, so another thread can make it.
import { enterEquals } from '../../engine/bloom.js'
import { ORDER_FLOATING } from '../../engine/core.js'
import { crc32 } from '../../engine/digest.js'
import type { EncodedChunk, EncodedPage } from '../../engine/encoded.js'
import type { Engine } from '../../engine/engine.js'
import type { LeafColumn } from '../../engine/leaves.js'
import { createPageEncoder } from '../../engine/pages.js'
import { DATA_PAGE, DATA_PAGE_V2, DICTIONARY_PAGE, type EncodingCount, pageHeader } from './metadata.js'
import type { FileSettings } from './options.js'
import type { IndexedPage } from './pageindex.js'
import { ThriftWriter } from './thrift.js'

export interface FinishedChunk {
  chunk: EncodedChunk
  encodings: EncodingCount[]
  /** Its data pages. */
  pages: IndexedPage[]
  /** Of its dictionary page, 0 where there is none. */
  dictionaryBytes: number
  /** In the file, headers included; and before compression. */
  compressedBytes: number
  uncompressedBytes: number
}

/** Structured-cloneable; all buffers of `parts` are its own. */
export interface FinishedRowGroup {
  rows: number
  /** Its bytes, column by column. */
  parts: Uint8Array[]
  /** Of `parts`. */
  bytes: number
  /** One a leaf column. */
  chunks: FinishedChunk[]
}

export interface RowGroupBuilder {
  /**
   * Takes pages, of each column in order; the dictionary page may come last. The promise is there where
   * the codec makes them; nobody need wait for it, but then the pages wait in memory.
   */
  add(pages: readonly EncodedPage[]): void | Promise<void>
  /** Bytes of what is compressed. */
  held(): number
  /** The row group of all that was added; the builder is then empty. Rejects where an add() did. */
  finish(rows: number, chunks: readonly EncodedChunk[]): Promise<FinishedRowGroup>
}

/** A page that waits: `parts` are its header and body. */
interface Waiting extends IndexedPage {
  kind: number
  encoding: number
  parts: Uint8Array[]
  uncompressed: number
}

type Settings = Pick<FileSettings, 'codec' | 'version' | 'checksums' | 'pageIndex' | 'statistics'>

export function createRowGroupBuilder(columns: number, settings: Settings): RowGroupBuilder {
  const { codec, version, checksums } = settings
  const header = new ThriftWriter()
  let waiting: Waiting[][] = []
  let held = 0
  /** Of the adds whose pages are not all compressed. */
  let tail: Promise<void> | undefined
  const empty = () => {
    waiting = Array.from({ length: columns }, () => [])
    held = 0
    tail = undefined
  }
  empty()

  /** `levels` stay as they are, `values` are as the file has them. */
  const seal = (page: EncodedPage, levels: Uint8Array, values: Uint8Array, compressed: boolean): Waiting => {
    const compressedSize = levels.length + values.length
    const crc = checksums ? crc32(values, crc32(levels)) : undefined
    header.clear()
    pageHeader(header, { page, version, compressedSize, compressed, crc })
    const head = header.bytes().slice()
    const parts = [head, levels, values].filter((part) => part.length > 0)
    const { rows, values: entries, nulls, encoding, bounds } = page
    const kind = page.dictionary ? DICTIONARY_PAGE : version === 2 ? DATA_PAGE_V2 : DATA_PAGE
    return {
      ...{ kind, encoding, parts, rows, values: entries, nulls },
      bytes: head.length + compressedSize,
      uncompressed: head.length + page.size,
      ...(bounds && settings.statistics ? { bounds } : {}),
    }
  }

  const pack = (page: EncodedPage): Waiting | Promise<Waiting> => {
    const { compress } = codec
    // the core compressed it, if there is anything but levels in it, or nobody does
    if (!compress) return seal(page, NOTHING, page.body, codec.core !== 'none' && page.body.length > page.repBytes + page.defBytes)
    const apart = version === 2 && !page.dictionary
    const cut = apart ? page.repBytes + page.defBytes : 0
    const levels = page.body.subarray(0, cut)
    const values = page.body.subarray(cut)
    // of nulls alone there are no values, and not every reader takes a compressed nothing
    if (apart && values.length === 0) return seal(page, levels, values, false)
    const sealed = (packed: Uint8Array) => (apart && packed.length >= values.length ? seal(page, levels, values, false) : seal(page, levels, packed, true))
    const packed = compress(values)
    if (packed instanceof Uint8Array) return sealed(packed)
    const later = packed.then(sealed)
    // where another page fails at once, nobody waits for this one
    later.catch(() => {})
    return later
  }

  const wait = (column: number, page: Waiting) => {
    held += page.bytes
    if (page.kind === DICTIONARY_PAGE) waiting[column].unshift(page)
    else waiting[column].push(page)
  }

  return {
    add(pages) {
      const packed = pages.map(pack)
      const all = (done: readonly Waiting[]) => {
        for (const [i, page] of done.entries()) wait(pages[i].column, page)
      }
      if (!tail && !packed.some((page) => page instanceof Promise)) return all(packed as Waiting[])
      // in order, though each takes the time it takes
      tail = Promise.all([...packed, tail]).then((done) => all(done.slice(0, -1) as Waiting[]))
      // finish() tells
      tail.catch(() => {})
      return tail
    },
    held: () => held,
    async finish(rows, chunks) {
      try {
        await tail
        return {
          rows,
          parts: waiting.flatMap((pages) => pages.flatMap(({ parts }) => parts)),
          bytes: held,
          chunks: chunks.map((chunk, i) => finished(chunk, waiting[i], settings.pageIndex)),
        }
      } finally {
        empty()
      }
    },
  }
}

const NOTHING = new Uint8Array(0)

function finished(chunk: EncodedChunk, pages: readonly Waiting[], pageIndex: boolean): FinishedChunk {
  const encodings: EncodingCount[] = []
  let compressedBytes = 0
  let uncompressedBytes = 0
  for (const page of pages) {
    compressedBytes += page.bytes
    uncompressedBytes += page.uncompressed
    const same = encodings.find((e) => e.page === page.kind && e.encoding === page.encoding)
    if (same) same.count++
    else encodings.push({ page: page.kind, encoding: page.encoding, count: 1 })
  }
  const dictionaryBytes = pages[0]?.kind === DICTIONARY_PAGE ? pages[0].bytes : 0
  const data = pageIndex ? pages.slice(dictionaryBytes > 0 ? 1 : 0) : []
  const indexed = data.map(({ bytes, rows, values, nulls, bounds }) => ({ bytes, rows, values, nulls, ...(bounds ? { bounds } : {}) }))
  return { chunk, encodings, pages: indexed, dictionaryBytes, compressedBytes, uncompressedBytes }
}

export interface RowGroupEncoder {
  /** Appends the batch that the descriptors hold; a promise where the codec has one. Throws OUT_OF_MEMORY, after which the row group is lost. */
  append(): void | Promise<void>
  /** Uncompressed bytes of the open row group, roughly. */
  size(): number
  /** Bytes of finished pages that wait here for the end of the row group. */
  held(): number
  /** Ends the row group, which has `rows` rows; the next one begins. */
  finish(rows: number): Promise<FinishedRowGroup>
}

/**
 * An encoder over the descriptors of `leaves` at `columns`, in an engine of the caller's own: its state
 * stays in the arena. append() and finish() are called outside of the engine's scopes.
 */
export function createRowGroupEncoder(engine: Engine, columns: number, leaves: readonly LeafColumn[], settings: FileSettings): RowGroupEncoder {
  const { codec, version, pageRows, pageBytes, dictionaryBytes, pageIndex, encodings, bloom } = settings
  const encoder = createPageEncoder(engine, columns, leaves.length, {
    ...{ codec: codec.core, version, pageIndex: pageIndex && settings.statistics, encodings, bloom },
    compressed: codec.core !== 'none' || codec.compress !== undefined,
    ...{ pageRows, pageBytes, dictionaryBytes },
  })
  const builder = createRowGroupBuilder(leaves.length, settings)
  return {
    append: () => builder.add(encoder.append()),
    size: () => encoder.size(),
    held: () => builder.held(),
    async finish(rows) {
      const { pages, chunks } = encoder.finish()
      for (const [i, { order, width }] of leaves.entries()) if (order === ORDER_FLOATING) enterEquals(engine, chunks[i], width)
      builder.add(pages)
      return builder.finish(rows, chunks)
    },
  }
}

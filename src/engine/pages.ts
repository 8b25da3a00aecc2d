// The host's side of the page encoder: feeds it the batch in the column descriptors and takes the
// finished pages out of the arena.
import { bloomBytes } from './bloom.js'
import * as core from './core.js'
import type { Bounds, EncodedChunk, EncodedPage } from './encoded.js'
import { type Engine, outOfMemory, settled } from './engine.js'

/**
 * How the values of a column are encoded. `auto`: a dictionary while it pays, then plain, which every
 * reader knows. `smallest`: a dictionary while it pays, then whatever the first page's values are
 * smallest in; with Snappy that made a web log a quarter smaller and telemetry an eighth. The delta
 * encodings are read by Spark from 3.3 on, byte_stream_split by none of its releases before 2026.
 */
export type Encoding = 'auto' | 'smallest' | 'plain' | 'dictionary' | 'delta' | 'delta_length' | 'delta_byte_array' | 'byte_stream_split'

/** Parquet's codes (parquet.thrift, Encoding), and what stands for a choice. */
const ENCODINGS: Record<Encoding, number> = {
  auto: core.ENCODING_AUTO,
  smallest: core.ENCODING_SMALLEST,
  plain: 0,
  dictionary: 8,
  delta: 5,
  delta_length: 6,
  delta_byte_array: 7,
  byte_stream_split: 9,
}

const CODECS = { none: core.CODEC_NONE, snappy: core.CODEC_SNAPPY, lz4: core.CODEC_LZ4 } as const

export interface PageOptions {
  /** What the core itself compresses by. */
  codec: 'none' | 'snappy' | 'lz4'
  /** Of data pages, default 1. */
  version?: 1 | 2
  /** Most level entries of a page, in a flat column its rows; a longer row is a page alone. Default 32,768. */
  pageRows?: number
  /** Most bytes of a page's values in PLAIN form; a longer row is a page alone. Default 1 MiB. */
  pageBytes?: number
  /** Most bytes of a column's dictionary, which has at most 65,536 entries. Default 1 MiB. */
  dictionaryBytes?: number
  /** Whether pages have bounds of their own. Default true. */
  pageIndex?: boolean
  /** One a column; must fit its physical type. Default auto. */
  encodings?: readonly Encoding[]
  /** Whether pages get compressed in the end, which `smallest` goes by; default: whether there is a codec. */
  compressed?: boolean
  /** One a column: the rate of false positives of its bloom filter, and how many different values a row group has at most. */
  bloom?: readonly ({ fpp: number; ndv?: number | undefined } | undefined)[]
}

/**
 * Both calls are made outside of the engine's scopes: the buffers behind them grow and stay. After
 * OUT_OF_MEMORY the open row group is lost and the encoder is empty.
 */
export interface PageEncoder {
  /** Appends the batch that the descriptors hold; gives the pages that it filled. Throws OUT_OF_MEMORY. */
  append(): EncodedPage[]
  /** Uncompressed bytes of the open row group, roughly. */
  size(): number
  /** Ends the row group: its last pages, of each column in order and then its dictionary, and one chunk a column. Throws OUT_OF_MEMORY. */
  finish(): { pages: EncodedPage[]; chunks: EncodedChunk[] }
}

/** A bloom filter's most bytes where nobody says how many values it will have: 800,000 at a rate of 0.01. */
const BLOOM_BYTES = 1 << 20

// All columns' dictionaries, tables and page buffers together stay below this.
const ADDRESSES = 768 * 1024 * 1024

/**
 * An encoder over `count` column descriptors at `columns`, in an engine of the caller's own: its
 * state stays in the arena, some 40 KB a column at first, at most about 4 MiB.
 */
export function createPageEncoder(engine: Engine, columns: number, count: number, options: PageOptions): PageEncoder {
  const { codec, version = 1, pageIndex = true, encodings = [], compressed = codec !== 'none', bloom = [] } = options
  const share = Math.floor(ADDRESSES / Math.max(1, count) / 4)
  const pageBytes = options.pageBytes ?? Math.max(65536, Math.min(1 << 20, share))
  const dictionaryBytes = options.dictionaryBytes ?? Math.max(65536, Math.min(1 << 20, share))
  // pages of 32768 entries keep the staged indices of a column in 64 KiB
  const pageRows = options.pageRows ?? 32768
  const words = engine.words()
  for (let i = 0; i < count; i++) {
    const column = columns + i * core.COLUMN_SIZE
    const encoding = encodings[i] ?? 'auto'
    words[(column + core.COLUMN_ENCODING) >> 2] = encoding === 'smallest' && compressed ? core.ENCODING_SMALLEST_PACKED : ENCODINGS[encoding]
    const filter = bloom[i]
    words[(column + core.COLUMN_BLOOM) >> 2] = !filter ? 0 : filter.ndv === undefined ? BLOOM_BYTES : bloomBytes(filter.ndv, filter.fpp)
    new Float32Array(words.buffer)[(column + core.COLUMN_BLOOM_RATE) >> 2] = filter?.fpp ?? 0
  }
  const kernels = engine.core
  const writer = kernels.openWriter(columns, count, CODECS[codec], version, pageIndex ? 1 : 0, pageRows, pageBytes, dictionaryBytes)
  if (writer === 0) throw outOfMemory(count * 1024)

  /** Runs a kernel until it wants no more memory; gives the nodes that it queued, taken by `take`. */
  const run = <T>(kernel: (writer: number) => number, take: (node: Uint32Array) => T): T[] => {
    const taken: T[] = []
    try {
      for (;;) {
        const wanted = engine.scope(() => {
          const wants = settled(kernel(writer))
          for (let at = kernels.takePages(writer) >> 2; at !== 0; ) {
            const node = engine.words().subarray(at, at + NODE)
            taken.push(take(node))
            at = node[0] >> 2
          }
          return wants
        })
        if (wanted === 0) return taken
        if (wanted !== core.PAGES_READY) kernels.grantBlock(writer, engine.reserve(wanted), wanted)
      }
    } catch (error) {
      kernels.resetRowGroup(writer)
      throw error
    }
  }

  return {
    append: () => run(kernels.appendBatch, (node) => page(engine, node)),
    size: () => kernels.rowGroupBytes(writer),
    finish() {
      const pages: EncodedPage[] = []
      const chunks: EncodedChunk[] = []
      run(kernels.finishRowGroup, (node) => {
        if (node[2] === core.PAGE_CHUNK) chunks.push(chunk(engine, node))
        else pages.push(page(engine, node))
      })
      kernels.resetRowGroup(writer)
      return { pages, chunks }
    },
  }
}

// A node as assembly/columnar/page.ts draws it, in words.
const NODE = 16
const BOUNDS = 12

function page(engine: Engine, node: Uint32Array): EncodedPage {
  const [, column, kind, values, nulls, rows, encoding, body, bodySize, size, repBytes, defBytes] = node
  const bounds = boundsOf(engine, node)
  return {
    ...{ column, dictionary: kind === core.PAGE_DICTIONARY, values, nulls, rows, encoding, size, repBytes, defBytes },
    body: engine.bytes().slice(body, body + bodySize),
    ...(bounds ? { bounds } : {}),
  }
}

function chunk(engine: Engine, node: Uint32Array): EncodedChunk {
  const [, , , values, nulls, , distinct, low, high, filter, filterSize] = node
  const bounds = boundsOf(engine, node)
  return {
    values,
    nulls,
    plainBytes: low + high * 2 ** 32,
    ...(bounds ? { bounds } : {}),
    ...(distinct === 0xffffffff ? {} : { distinct }),
    ...(filter ? { bloom: engine.bytes().slice(filter, filter + filterSize) } : {}),
  }
}

function boundsOf(engine: Engine, node: Uint32Array): Bounds | undefined {
  const [flags, minSize, maxSize] = node.subarray(BOUNDS)
  if ((flags & 1) === 0) return undefined
  const min = node.byteOffset + (BOUNDS + 4) * 4
  const max = min + 72
  const bytes = engine.bytes()
  return { min: bytes.slice(min, min + minSize), max: bytes.slice(max, max + maxSize), minExact: (flags & 2) !== 0, maxExact: (flags & 4) !== 0 }
}

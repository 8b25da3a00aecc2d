// What a Parquet file is to be like, as far as every writer of one takes it.
import { type LeafColumn, PHYSICAL } from '../../engine/leaves.js'
import type { Encoding } from '../../engine/pages.js'
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'
import { type Codec, type Compression, resolveCodec } from './codec.js'
import type { SortedLeaf } from './metadata.js'

export type { Encoding }

export interface BloomFilter {
  /** Chance of a false positive, 0.0001 to 0.5; default 0.01. */
  fpp?: number
  /**
   * Most distinct values that a row group will have. The filter gets the size that those that come need;
   * this bounds it, at 1 MiB by default, enough for 800,000 at 0.01.
   */
  ndv?: number
}

export interface SortingColumn {
  /** Its name; of a struct's member the path, joined by dots. */
  column: string
  /** Default false. */
  descending?: boolean
  /** Default false. */
  nullsFirst?: boolean
}

export interface FileOptions {
  /** Default snappy. */
  compression?: Compression
  /** gzip 1 to 9, zstd 1 to 22, of an injected codec what it takes; by default the codec's own. */
  compressionLevel?: number
  /** Data page format; default 1. Athena and others fail on some files of version 2. */
  pageVersion?: 1 | 2
  /** Most rows of a page; default 32,768. */
  pageRows?: number
  /** Most bytes of a page's values before encoding and compression; default 1 MiB. */
  pageBytes?: number
  /** Most bytes of a column's dictionary in a row group; past it the rest of the chunk has none. Default 1 MiB. */
  dictionaryBytes?: number
  /** Bounds and places of pages behind the row groups, so that readers skip pages; default true. */
  pageIndex?: boolean
  /** CRC-32 of each page; default false. */
  pageChecksums?: boolean
  /** Bounds and distinct counts of column chunks; default true. Without them the page index has places alone. */
  statistics?: boolean
  /** Columns that have a bloom filter in each row group. Columns are named as in `sortingColumns`. */
  bloomFilters?: readonly string[] | Readonly<Record<string, BloomFilter>>
  /**
   * Of all columns, or by column; default auto. Lists and maps are named by what lies in them:
   * `tags.list.element`. delta, for integers, dates and times, is DELTA_BINARY_PACKED; delta_length
   * and delta_byte_array are for strings and binary. DuckDB reads byte_stream_split of float and
   * double only.
   */
  encodings?: 'auto' | 'smallest' | Readonly<Record<string, Encoding>>
  /** What the rows of every row group are sorted by. The writer says so in the file; it does not sort, nor check. */
  sortingColumns?: readonly SortingColumn[]
  /** Goes into the footer. */
  keyValueMetadata?: Readonly<Record<string, string>>
}

export const FILE_KEYS = [
  'compression',
  'compressionLevel',
  'pageVersion',
  'pageRows',
  'pageBytes',
  'dictionaryBytes',
  'pageIndex',
  'pageChecksums',
  'statistics',
  'bloomFilters',
  'encodings',
  'sortingColumns',
  'keyValueMetadata',
]

/** FileOptions, checked, defaults filled in, columns by their number. */
export interface FileSettings {
  codec: Codec
  version: 1 | 2
  pageRows: number | undefined
  pageBytes: number | undefined
  dictionaryBytes: number | undefined
  pageIndex: boolean
  checksums: boolean
  statistics: boolean
  /** Of each leaf column. */
  bloom: ((Required<Pick<BloomFilter, 'fpp'>> & BloomFilter) | undefined)[]
  /** Of each leaf column. */
  encodings: Encoding[]
  sorting: SortedLeaf[]
  /** Undefined where none were asked for: then the footer has no list of them either. */
  keyValues: [string, string][] | undefined
}

const MIB = 1024 * 1024

/** Throws TypeError or RangeError that names the option; MISSING_PEER for a codec that this runtime lacks. */
export function checkFileOptions(options: FileOptions, leaves: readonly LeafColumn[], label = 'options'): FileSettings {
  const { pageVersion = 1, pageRows, pageBytes, dictionaryBytes } = options
  if (pageVersion !== 1 && pageVersion !== 2) throw outOfRange(`${label}.pageVersion`, '1 or 2', pageVersion)
  if (pageRows !== undefined) checkWhole(`${label}.pageRows`, pageRows, 1, 2 ** 20)
  if (pageBytes !== undefined) checkWhole(`${label}.pageBytes`, pageBytes, 1024, 64 * MIB)
  if (dictionaryBytes !== undefined) checkWhole(`${label}.dictionaryBytes`, dictionaryBytes, 1024, 64 * MIB)
  return {
    codec: resolveCodec(options.compression, options.compressionLevel, label),
    version: pageVersion,
    pageRows,
    pageBytes,
    dictionaryBytes,
    pageIndex: flag(options.pageIndex, true, `${label}.pageIndex`),
    checksums: flag(options.pageChecksums, false, `${label}.pageChecksums`),
    statistics: flag(options.statistics, true, `${label}.statistics`),
    bloom: bloomOf(options.bloomFilters, leaves, `${label}.bloomFilters`),
    encodings: encodingsOf(options.encodings, leaves, `${label}.encodings`),
    sorting: sortingOf(options.sortingColumns, leaves, `${label}.sortingColumns`),
    keyValues: keyValuesOf(options.keyValueMetadata, `${label}.keyValueMetadata`),
  }
}

function flag(value: unknown, usual: boolean, label: string): boolean {
  if (value === undefined) return usual
  if (typeof value !== 'boolean') throw wrongType(label, 'a boolean', value)
  return value
}

function leafOf(name: unknown, leaves: readonly LeafColumn[], label: string): number {
  if (typeof name !== 'string') throw wrongType(label, 'the name of a column', name)
  const i = leaves.findIndex(({ path }) => path.join('.') === name)
  if (i < 0) throw outOfRange(label, `a column that has values (${leaves.map(({ path }) => path.join('.')).join(', ')})`, name)
  return i
}

function object(value: unknown, label: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, 'an object', value)
  return value as Record<string, unknown>
}

function bloomOf(filters: FileOptions['bloomFilters'], leaves: readonly LeafColumn[], label: string): FileSettings['bloom'] {
  const bloom: FileSettings['bloom'] = leaves.map(() => undefined)
  if (filters === undefined) return bloom
  const entries: [unknown, BloomFilter][] = Array.isArray(filters)
    ? filters.map((name) => [name, {}])
    : (Object.entries(object(filters, label)) as [string, BloomFilter][])
  for (const [name, filter] of entries) {
    const leaf = leafOf(name, leaves, label)
    const at = `${label}.${name}`
    checkKeys(at, object(filter, at), ['fpp', 'ndv'])
    const { fpp = 0.01, ndv } = filter
    if (typeof fpp !== 'number') throw wrongType(`${at}.fpp`, 'a number', fpp)
    if (!(fpp >= 0.0001 && fpp <= 0.5)) throw outOfRange(`${at}.fpp`, 'a chance from 0.0001 to 0.5', fpp)
    if (ndv !== undefined) checkWhole(`${at}.ndv`, ndv, 1, 2 ** 31)
    // no reader asks for one, and BloomFilter.md has no hash of them
    if (leaves[leaf].physical === PHYSICAL.boolean) throw outOfRange(label, 'a column that is not boolean', name)
    bloom[leaf] = { fpp, ndv }
  }
  return bloom
}

const { boolean, int32, int64, int96, float, double, byteArray, fixed } = PHYSICAL
/** Physical types that an encoding is defined for (Encodings.md); INT96 is left to PLAIN and dictionaries. */
const ENCODABLE: Record<Encoding, readonly number[]> = {
  auto: [boolean, int32, int64, int96, float, double, byteArray, fixed],
  smallest: [boolean, int32, int64, int96, float, double, byteArray, fixed],
  plain: [boolean, int32, int64, int96, float, double, byteArray, fixed],
  dictionary: [int32, int64, int96, float, double, byteArray, fixed],
  delta: [int32, int64],
  delta_length: [byteArray],
  delta_byte_array: [byteArray, fixed],
  byte_stream_split: [int32, int64, float, double, fixed],
}

function encodingsOf(encodings: FileOptions['encodings'], leaves: readonly LeafColumn[], label: string): Encoding[] {
  const all: Encoding[] = leaves.map(() => (encodings === 'smallest' ? encodings : 'auto'))
  if (encodings === undefined || encodings === 'auto' || encodings === 'smallest') return all
  if (typeof encodings === 'string') throw outOfRange(label, 'auto, smallest or an object', encodings)
  for (const [name, encoding] of Object.entries(object(encodings, label)) as [string, Encoding][]) {
    const leaf = leafOf(name, leaves, label)
    if (!Object.hasOwn(ENCODABLE, encoding)) throw outOfRange(`${label}.${name}`, `one of ${Object.keys(ENCODABLE).join(', ')}`, encoding)
    const { physical, leaf: value } = leaves[leaf]
    const possible = (Object.keys(ENCODABLE) as Encoding[]).filter((other) => ENCODABLE[other].includes(physical))
    if (!possible.includes(encoding)) throw outOfRange(`${label}.${name}`, `an encoding that ${value.type} has (${possible.join(', ')})`, encoding)
    all[leaf] = encoding
  }
  return all
}

function sortingOf(columns: FileOptions['sortingColumns'], leaves: readonly LeafColumn[], label: string): SortedLeaf[] {
  if (columns === undefined) return []
  if (!Array.isArray(columns)) throw wrongType(label, 'an array of {column}', columns)
  return columns.map((entry: SortingColumn, i) => {
    const at = `${label}[${i}]`
    checkKeys(at, object(entry, at), ['column', 'descending', 'nullsFirst'])
    const leaf = leafOf(entry.column, leaves, `${at}.column`)
    if (leaves[leaf].maxRep > 0) throw outOfRange(`${at}.column`, 'a column of one value a row', entry.column)
    return { leaf, descending: flag(entry.descending, false, `${at}.descending`), nullsFirst: flag(entry.nullsFirst, false, `${at}.nullsFirst`) }
  })
}

function keyValuesOf(values: FileOptions['keyValueMetadata'], label: string): [string, string][] | undefined {
  if (values === undefined) return undefined
  return Object.entries(object(values, label)).map(([key, value]) => {
    if (typeof value !== 'string') throw wrongType(`${label}.${key}`, 'a string', value)
    return [key, value]
  })
}

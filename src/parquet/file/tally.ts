// What became of each column, summed over row groups and files.
import type { LeafColumn } from '../../engine/leaves.js'
import type { LeafType } from '../../types.js'
import { typeName } from '../schema/format.js'
import { DICTIONARY_PAGE, ENCODING } from './metadata.js'
import type { FinishedRowGroup } from './rowgroup.js'

/** A column that has values, as it is in the file or in all files together. */
export interface ColumnSummary {
  /** As options name it: its path, of a list's elements `tags.list.element`. */
  column: string
  /** With its unit or digits: `int64`, `timestamp(us)`, `decimal(10,2)`. */
  type: LeafType | (string & Record<never, never>)
  /** Entries, nulls included: a row has one, or one for each element of its list or map, and one where that is empty. */
  values: number
  /** Entries that hold no value; empty lists and maps are among them. */
  nulls: number
  /** How many different values, nulls aside, where one row group has all and its dictionary has seen them. */
  distinct?: number
  /** Of several row groups the most that one of them is known to have: there are at least so many. */
  distinctAtLeast?: number
  /** Of data pages, in the words of the option `encodings`, and `rle` of booleans; most pages first. */
  encodings: string[]
  /** In the file, page headers included. */
  compressedBytes: number
  uncompressedBytes: number
}

export interface Tally {
  add(group: FinishedRowGroup): void
  columns(): ColumnSummary[]
}

const NAMES: Record<number, string> = {
  [ENCODING.plain]: 'plain',
  [ENCODING.rle]: 'rle',
  [ENCODING.delta]: 'delta',
  [ENCODING.deltaLength]: 'delta_length',
  [ENCODING.deltaByteArray]: 'delta_byte_array',
  [ENCODING.rleDictionary]: 'dictionary',
  [ENCODING.byteStreamSplit]: 'byte_stream_split',
}

export function createTally(leaves: readonly LeafColumn[]): Tally {
  const sums = leaves.map(() => ({ values: 0, nulls: 0, groups: 0, distinct: undefined as number | undefined, compressedBytes: 0, uncompressedBytes: 0 }))
  const pages = leaves.map(() => new Map<number, number>())
  return {
    add({ rows, chunks }) {
      if (rows === 0) return
      for (const [i, { chunk, encodings, compressedBytes, uncompressedBytes }] of chunks.entries()) {
        const sum = sums[i]
        sum.groups++
        sum.values += chunk.values
        sum.nulls += chunk.nulls
        sum.compressedBytes += compressedBytes
        sum.uncompressedBytes += uncompressedBytes
        if (chunk.distinct !== undefined) sum.distinct = Math.max(sum.distinct ?? 0, chunk.distinct)
        for (const { page, encoding, count } of encodings) if (page !== DICTIONARY_PAGE) pages[i].set(encoding, (pages[i].get(encoding) ?? 0) + count)
      }
    },
    columns: () =>
      leaves.map(({ path, leaf }, i) => {
        const { values, nulls, groups, distinct, compressedBytes, uncompressedBytes } = sums[i]
        const known = distinct === undefined ? {} : groups === 1 ? { distinct } : { distinctAtLeast: distinct }
        const encodings = [...pages[i]].sort((a, b) => b[1] - a[1]).map(([encoding]) => NAMES[encoding])
        return { column: path.join('.'), type: typeName({ leaf }), values, nulls, ...known, encodings, compressedBytes, uncompressedBytes }
      }),
  }
}

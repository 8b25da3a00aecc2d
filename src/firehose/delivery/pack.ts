// Records that came together and are not told apart on their way: the bytes of all of them, and no object for any until
// one is asked for.
import { concat } from '../../bytes.js'
import { dataOf, type Inputs } from './input.js'
import type { Taken } from './taken.js'

export interface Pack {
  /** Those of all records, one behind the other. */
  bytes: Uint8Array
  /** Where each record ends in `bytes`, counted from `base`. */
  ends: Uint32Array
  base: number
  arrival: number
}

/** What is gathered for an object. */
export type Item = Taken | Pack

const isPack = (item: Item): item is Pack => 'ends' in item

export const countOf = (item: Item): number => (isPack(item) ? item.ends.length : 1)

export function packOf({ records, bytes: size }: Inputs, arrival: number): Pack {
  const bytes = new Uint8Array(size)
  const ends = new Uint32Array(records.length)
  let at = 0
  for (let i = 0; i < records.length; i++) {
    const data = dataOf(records[i])
    bytes.set(data, at)
    at += data.length
    ends[i] = at
  }
  return { bytes, ends, base: 0, arrival }
}

/** The records with which `room` bytes are reached, and those behind them; all where there is room for more. */
export function split(pack: Pack, room: number): [Pack, Pack | undefined] {
  const { bytes, ends, base, arrival } = pack
  if (bytes.length < room) return [pack, undefined]
  const count = ends.findIndex((end) => end - base >= room) + 1
  if (count === ends.length) return [pack, undefined]
  const cut = ends[count - 1] - base
  return [
    { bytes: bytes.subarray(0, cut), ends: ends.subarray(0, count), base, arrival },
    { bytes: bytes.subarray(cut), ends: ends.subarray(count), base: base + cut, arrival },
  ]
}

/** Bytes of records that are objects at once; of a conversion some hundred records a call are best. */
const SLICE = 512 * 1024

/** Each record as an object, slice by slice. */
export function* slices(items: readonly Item[]): Generator<Taken[]> {
  let slice: Taken[] = []
  let size = 0
  for (const item of items) {
    const pack = isPack(item) ? item : undefined
    for (let i = 0, from = 0; i < countOf(item); i++) {
      let record = item as Taken
      if (pack) {
        const to = pack.ends[i] - pack.base
        const data = pack.bytes.subarray(from, to)
        record = { data, original: data, arrival: pack.arrival }
        from = to
      }
      slice.push(record)
      size += record.data.length
      if (size < SLICE) continue
      yield slice
      slice = []
      size = 0
    }
  }
  if (slice.length > 0) yield slice
}

const FEED = 10

/** Records one behind the other; with a delimiter, LF between them and none behind the last. */
export function bodyOf(items: readonly Item[], delimiter: boolean): Uint8Array {
  if (!delimiter) return concat(items.map((item) => (isPack(item) ? item.bytes : item.data)))
  const body = new Uint8Array(items.reduce((sum, item) => sum + (isPack(item) ? item.bytes : item.data).length + countOf(item), 0))
  let at = 0
  for (const slice of slices(items)) {
    for (const { data } of slice) {
      body.set(data, at)
      at += data.length
      body[at++] = FEED
    }
  }
  return body.subarray(0, Math.max(0, at - 1))
}

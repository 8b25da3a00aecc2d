// Records that came together and are not told apart on their way: the bytes of all of them, and no object for any until
// one is asked for.
//
// Their memory is used again. Fresh memory costs a small record as much as its copy: it is cleared, touched for the first
// time page by page, and hurries the collector, which looks at all that the process has.
import type { Lines } from '../conversion/record-text.js'
import { dataOf, type Given } from './input.js'
import type { Taken } from './taken.js'

/** Lines, or the same without a line feed behind each record. */
export interface Pack extends Lines {
  /** Line feeds behind each record, which are none of its bytes. */
  feed: 0 | 1
  arrival: number
  /** What `bytes` is a part of, where that is used again. */
  slab: Uint8Array | undefined
}

/** What is gathered for an object. */
export type Item = Taken | Pack

const isPack = (item: Item): item is Pack => !('data' in item)

export const countOf = (item: Item): number => (isPack(item) ? item.ends.length : 1)

/** Bytes of the records. */
export const sizeOf = ({ bytes, ends, feed }: Pack): number => bytes.length - feed * ends.length

const SLAB = 1024 * 1024
/** A longer record has memory of its own, so that a slab is filled but for a sixteenth. */
const LONGEST = SLAB / 16
/** Slabs that wait for their next use, of all streams. */
const IDLE_MAX = 64
const idle: Uint8Array[] = []

export interface Packer {
  /** Records from number `first` on, until they have `room` bytes; fewer where memory ends, one at least. */
  pack(records: readonly Given[], first: number, room: number, arrival: number): Pack
  /** What follows shares no memory with what came before: slabs are given back with an object. */
  end(): void
}

/** `feeds`: with a line feed behind each record. */
export function createPacker(feeds: boolean): Packer {
  const feed = feeds ? 1 : 0
  let slab: Uint8Array | undefined
  let used = 0

  const memory = (least: number): { memory: Uint8Array; start: number; slab?: Uint8Array } => {
    if (least > LONGEST) return { memory: new Uint8Array(least), start: 0 }
    if (!slab || used + least > SLAB) {
      slab = idle.pop() ?? new Uint8Array(SLAB)
      used = 0
    }
    return { memory: slab, start: used, slab }
  }

  return {
    pack(records, first, room, arrival) {
      const { memory: target, start, slab } = memory(dataOf(records[first]).length + feed)
      const ends = new Uint32Array(records.length - first)
      let count = 0
      let size = 0
      let own = 0
      let plain = true
      for (let at = start; count < ends.length && size < room; count++) {
        const data = dataOf(records[first + count])
        if (at + data.length + feed > target.length) break
        target.set(data, at)
        if (feeds) target[at + data.length] = FEED
        if (target[at] !== 0x7b) plain = false
        at += data.length
        if (data.length > 0 && target[at - 1] === FEED) own++
        at += feed
        size += data.length
        ends[count] = at - start
      }
      const end = start + size + feed * count
      if (slab) used = end
      return { bytes: target.subarray(start, end), ends: ends.subarray(0, count), feeds: own + feed * count, plain, feed, arrival, slab }
    },
    end() {
      slab = undefined
    },
  }
}

/** Gives the memory of packs back: nobody has a record of theirs any more. */
export function release(items: readonly Item[]): void {
  for (const slab of new Set(items.map((item) => (isPack(item) ? item.slab : undefined)))) if (slab && idle.length < IDLE_MAX) idle.push(slab)
}

/** Bytes and records that are converted at once: what is known of those that are rejected is in memory together. */
const PORTION = { bytes: 2 * 1024 * 1024, records: 16_384 }

/** Items, some at a time. */
export function* portions(items: readonly Item[]): Generator<Item[]> {
  let portion: Item[] = []
  let bytes = 0
  let records = 0
  for (const item of items) {
    portion.push(item)
    bytes += (isPack(item) ? item.bytes : item.data).length
    records += countOf(item)
    if (bytes < PORTION.bytes && records < PORTION.records) continue
    yield portion
    portion = []
    bytes = 0
    records = 0
  }
  if (portion.length > 0) yield portion
}

/** Those records as objects that have an `index` among all of `items`, ascending. */
export function* recordsAt(items: readonly Item[], indexes: Iterable<{ index: number }>): Generator<Taken> {
  let item = 0
  let before = 0
  for (const { index } of indexes) {
    while (index - before >= countOf(items[item])) before += countOf(items[item++])
    yield recordIn(items[item], index - before)
  }
}

/** Each record as an object. */
export function* recordsOf(items: readonly Item[]): Generator<Taken> {
  for (const item of items) for (let i = 0; i < countOf(item); i++) yield recordIn(item, i)
}

function recordIn(item: Item, index: number): Taken {
  if (!isPack(item)) return item
  const { bytes, ends, feed, arrival } = item
  const data = bytes.subarray(index > 0 ? ends[index - 1] : 0, ends[index] - feed)
  return { data, original: data, arrival }
}

const FEED = 10

/** A copy of the records, one behind the other; with a delimiter, which packs have, LF between them and none behind the last. */
export function bodyOf(items: readonly Item[], delimiter: boolean): Uint8Array {
  const feed = delimiter ? 1 : 0
  const body = new Uint8Array(items.reduce((sum, item) => sum + (isPack(item) ? item.bytes.length : item.data.length + feed), 0))
  let at = 0
  for (const item of items) {
    const text = isPack(item) ? item.bytes : item.data
    body.set(text, at)
    at += text.length
    if (delimiter && !isPack(item)) body[at++] = FEED
  }
  return body.subarray(0, Math.max(0, at - feed))
}

// One file of a spool, and which of its records have settled. Files are written once, front to back, and
// never opened for writing again: what a crash has left at the end of one stays its end.
//
//   millrace-<id>-<first record's number>-<generation>.spool
//
// The id names the log. The number is one that no record of an earlier file has, so that numbers go on
// where they were although every record and its file are gone. Generations count the files.
import { crc32c } from '../../../engine/digest.js'

export interface Segment {
  readonly name: string
  readonly generation: number
  /** CRC32C of the name, with which the headers' checksums begin. */
  readonly seed: number
  /** Bytes in the file, broken ones included. */
  bytes: number
  /** Numbers of its records: from `first`, below `end`. Equal where it has none. */
  first: number
  end: number
  /** Records that have not settled. */
  left: number
  /** A bit a record from `first` on, 1 where it has settled or is not there. */
  settled: Uint8Array
  /** Bytes of `settled` that no frame says yet: from, to. */
  dirtyFrom: number
  dirtyTo: number
  /** Whether frames about records of older files stand in it. */
  tells: boolean
  /** Whether there is something in it that cannot be read: then it is never removed. */
  damaged: boolean
}

const NAME = /^millrace-([A-Za-z0-9_]{1,32})-(\d{16})-(\d{8})\.spool$/

/** Undefined where a name is none of a spool's files. */
export function parseName(name: string): { id: string; first: number; generation: number } | undefined {
  const parts = NAME.exec(name)
  if (!parts) return undefined
  const [first, generation] = [Number(parts[2]), Number(parts[3])]
  return Number.isSafeInteger(first) ? { id: parts[1], first, generation } : undefined
}

/** An empty one. */
export function createSegment(id: string, first: number, generation: number): Segment {
  const name = `millrace-${id}-${String(first).padStart(16, '0')}-${String(generation).padStart(8, '0')}.spool`
  const seed = crc32c(new TextEncoder().encode(name))
  return { name, generation, seed, bytes: 0, first, end: first, left: 0, settled: new Uint8Array(64), dirtyFrom: 0, dirtyTo: 0, tells: false, damaged: false }
}

/** Takes in records `from` to `to`, which follow those it has; numbers in between are of no record. */
export function extend(segment: Segment, from: number, to: number): void {
  if (segment.first === segment.end) {
    segment.first = from
    segment.end = from
  }
  const need = Math.ceil((to - segment.first) / 8)
  if (need > segment.settled.length) {
    const more = new Uint8Array(Math.max(need, 2 * segment.settled.length))
    more.set(segment.settled)
    segment.settled = more
  }
  for (let number = segment.end; number < from; number++) mark(segment, number)
  segment.left += to - from
  segment.end = to
}

/** Gives up the records from `end` on, if there are some: a later file has them. */
export function cut(segment: Segment, end: number): void {
  for (let number = Math.max(end, segment.first); number < segment.end; number++) {
    if (!isSettled(segment, number)) segment.left--
    const bit = number - segment.first
    segment.settled[bit >>> 3] &= ~(1 << (bit & 7))
  }
  segment.end = Math.min(segment.end, Math.max(end, segment.first))
}

/** Whether the record has settled, or is not in this file. */
export function isSettled({ first, end, settled }: Segment, number: number): boolean {
  if (number < first || number >= end) return true
  const bit = number - first
  return (settled[bit >>> 3] & (1 << (bit & 7))) !== 0
}

/** A record has its outcome; once or more often. */
export function settle(segment: Segment, number: number): void {
  if (isSettled(segment, number)) return
  segment.left--
  mark(segment, number)
  dirty(segment, (number - segment.first) >>> 3)
}

function mark({ first, settled }: Segment, number: number): void {
  const bit = number - first
  settled[bit >>> 3] |= 1 << (bit & 7)
}

function dirty(segment: Segment, at: number): void {
  if (segment.dirtyFrom === segment.dirtyTo) {
    segment.dirtyFrom = at
    segment.dirtyTo = at + 1
  } else if (at < segment.dirtyFrom) segment.dirtyFrom = at
  else if (at >= segment.dirtyTo) segment.dirtyTo = at + 1
}

/** All that is known of its records is to be said anew. */
export function dirtyAll(segment: Segment): void {
  segment.dirtyFrom = 0
  segment.dirtyTo = Math.ceil((segment.end - segment.first) / 8)
}

/** The segment that a record is in, of those in the order of their numbers; undefined where it is gone. */
export function findSegment(segments: readonly Segment[], number: number): Segment | undefined {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (segments[middle].end <= number) low = middle + 1
    else high = middle
  }
  const found = segments[low]
  return found && found.first <= number ? found : undefined
}

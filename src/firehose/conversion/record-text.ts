// Records in an engine's arena, each a line: copied once, with a line feed behind it, for a line feed ends a record
// wherever it stands, so a broken one never takes the next with it. One inside of a record becomes a carriage return,
// which is white space where it was white space, and as wrong in a string.
import type { Engine } from '../../engine/engine.js'
import { EMPTY, type Rejection, tooLong } from './rejection.js'

/** A scan of so much text stays in a second-level cache with its columns. */
const FILL = 512 * 1024
const RECORDS = 8192
const MAX_RECORD_BYTES = 16 * 1024 * 1024

/** Bytes that the text has at most. */
export const MOST_TEXT = MAX_RECORD_BYTES + FILL

/** Records one behind the other, a line feed behind each, whatever it ends in itself: at most 8,192 of 1 MiB together, or one record. */
export interface Lines {
  bytes: Uint8Array
  /** Offsets in `bytes` behind the line feed of each. */
  ends: Uint32Array
  /** Line feeds that end records, those of their own too. */
  feeds: number
  /** Whether each record begins with {. */
  plain: boolean
}

export type Source = { readonly data: Uint8Array } | Lines

const isLines = (source: Source): source is Lines => !('data' in source)

export interface RecordText {
  /** Address; may change with each call of fill(). */
  readonly at: number
  readonly count: number
  /** Where each record begins, and the end behind the last: offsets. */
  readonly starts: Int32Array
  /**
   * Takes sources from number `first` on in place of what it has; gives the number of the next. Records that hold no
   * document are rejected.
   */
  fill(sources: readonly Source[], first: number, reject: (record: number, why: Rejection) => void): number
}

/** What it reserves lives until the caller rewinds. */
export function createRecordText(engine: Engine): RecordText {
  let room = 2 * FILL
  let text = engine.reserve(room)
  const starts = new Int32Array(RECORDS + 1)
  let records = 0

  /** Room for so many bytes. The text moves where that is more than there was, which takes a record that is alone. */
  const reserve = (bytes: number) => {
    if (bytes <= room) return
    room = Math.max(2 * room, bytes)
    text = engine.reserve(room)
  }

  /** Makes each record one line, and empty ones where it ends in several line feeds. */
  const joinLines = () => {
    const bytes = engine.bytes()
    for (let i = 0; i < records; i++) {
      const first = text + starts[i]
      let last = text + starts[i + 1] - 1
      while (last > first && bytes[last - 1] === FEED) last--
      for (let at = bytes.indexOf(FEED, first); at >= 0 && at < last; at = bytes.indexOf(FEED, at + 1)) bytes[at] = 0x0d
    }
  }

  return {
    get at() {
      return text
    },
    get count() {
      return records
    },
    starts,
    fill(sources, first, reject) {
      let count = 0
      let size = 0
      /** Line feeds at the ends of records. */
      let feeds = 0
      let next = first
      for (; next < sources.length && count < RECORDS; next++) {
        const source = sources[next]
        const data = isLines(source) ? source.bytes : source.data
        if (count > 0 && size + data.length >= FILL) break
        if (isLines(source)) {
          const { ends } = source
          if (count + ends.length > RECORDS) break
          reserve(size + data.length)
          engine.bytes().set(data, text + size)
          for (let i = 0; i < ends.length; i++) starts[count + 1 + i] = size + ends[i]
          if (!source.plain) lookAt(engine.bytes().subarray(text), starts.subarray(count, count + 1 + ends.length), (i) => reject(count + i, EMPTY))
          count += ends.length
          size += data.length
          feeds += source.feeds
          continue
        }
        if (data[0] !== 0x7b && isBlank(data)) reject(count, EMPTY)
        else if (data.length > MAX_RECORD_BYTES) reject(count, tooLong(MAX_RECORD_BYTES))
        else {
          reserve(size + data.length + 1)
          const bytes = engine.bytes()
          bytes.set(data, text + size)
          if (data[0] === 0xef) passMark(bytes, text + size)
          size += data.length
          if (data[data.length - 1] !== FEED) bytes[text + size++] = FEED
          feeds++
        }
        starts[++count] = size
      }
      records = count
      if (engine.core.countFeeds(text, size) !== feeds) joinLines()
      return next
    },
  }
}

const FEED = 10

/** Jackson passes over a byte order mark. */
function passMark(bytes: Uint8Array, at: number): void {
  if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) bytes.fill(0x20, at, at + 3)
}

/** Of records in `text`, each with a line feed: tells those that are blank. */
function lookAt(text: Uint8Array, starts: Int32Array, blank: (record: number) => void): void {
  for (let i = 0; i + 1 < starts.length; i++) {
    const at = starts[i]
    if (text[at] === 0x7b) continue
    if (isBlank(text.subarray(at, starts[i + 1] - 1))) blank(i)
    else passMark(text, at)
  }
}

export function isBlank(data: Uint8Array): boolean {
  return data.every((byte) => byte === 0x20 || byte === FEED || byte === 0x0d || byte === 0x09)
}

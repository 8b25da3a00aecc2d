// NDJSON to rows of the record table, a stretch of lines at a time, inside the core: no object a record.
import { NO_HASH } from '../../engine/batch.js'
import { ASK_HOST } from '../../engine/core.js'
import { type Engine, engine } from '../../engine/engine.js'
import { ROW_BYTES } from './intake.js'
import { type NdjsonLine, type NdjsonOptions, readLine, tokensOf } from './ndjson.js'

/** Lines as rows, in their order. Offsets count from the start of the text; from its end on they lie in `side`. */
export interface LineRows {
  count: number
  table: Uint32Array
  /** Keys that had escapes. */
  side: Uint8Array
  /** Bytes of the text that are read: whole lines. */
  consumed: number
  lines: number
}

/** Reads lines: of `text`, whose last line end may be missing, at most `cap` records. The rows are good until it reads again. */
export type LineReader = (text: Uint8Array, cap: number) => LineRows

const NOTHING = new Uint8Array(0)

/** Records of one stretch at most. */
export const ROWS = 8_192
/** Bytes read at a time: text, rows and what is made of them stay in the cache. */
const STRETCH = 256 * 1024

const encoder = new TextEncoder()

/** `most`: bytes of data and key of one record. */
export function createLineReader(fields: NdjsonOptions, most: number, e: Engine = engine()): LineReader {
  const names = [fields.partitionKey, fields.explicitHashKey].map((field) =>
    field === undefined ? undefined : tokensOf(field).map((token) => encoder.encode(token)),
  )
  // Megabytes outside of V8's heap are what its collector runs for.
  let kept = new Uint32Array(0)
  return (text, cap) => {
    return e.scope(() => {
      const [key, hash] = names.map((tokens) => (tokens ? putPointer(e, tokens) : 0))
      const table = e.reserve(32 * cap)
      // The end of the last line, should it be missing, lies where the text ends.
      const src = e.reserve(text.length + 1)
      const side = e.reserve(text.length + 81)
      const bytes = e.bytes()
      bytes.set(text, src)
      bytes[src + text.length] = 10
      const whole = text[text.length - 1] === 10 ? text.length : text.length + 1
      const count = e.core.ndjsonRows(src, whole, key, hash, most, side, table, cap)
      const words = e.words()
      const report = e.core.report() >> 2
      const made = words.subarray(table >> 2, (table >> 2) + 8 * count)
      if (kept.length < made.length) kept = new Uint32Array(made.length + (made.length >> 2))
      kept.set(made)
      const rows = kept.subarray(0, made.length)
      const used = words[report + 1]
      const gap = side - src - text.length
      if (used > 0) for (let at = 0; at < rows.length; at += 8) if (rows[at] >= text.length && rows[at + 1] > 0) rows[at] -= gap
      return {
        count,
        table: rows,
        side: used > 0 ? e.bytes().slice(side, side + used) : NOTHING,
        consumed: Math.min(words[report], text.length),
        lines: words[report + 5],
      }
    })
  }
}

function putPointer(e: Engine, tokens: Uint8Array[]): number {
  const places = tokens.map((token) => e.put(token))
  const at = e.reserve(4 + 8 * tokens.length)
  const words = e.words()
  words[at >> 2] = tokens.length
  for (const [i, token] of tokens.entries()) {
    words[(at >> 2) + 1 + 2 * i] = places[i]
    words[(at >> 2) + 2 + 2 * i] = token.length
  }
  return at
}

/** The next whole lines from `at` on: some, or one that is longer. */
export function stretch(bytes: Uint8Array, at: number): Uint8Array {
  if (bytes.length - at <= STRETCH) return bytes.subarray(at)
  const end = bytes.subarray(at, at + STRETCH).lastIndexOf(10)
  if (end >= 0) return bytes.subarray(at, at + end + 1)
  const next = bytes.indexOf(10, at + STRETCH)
  return bytes.subarray(at, next < 0 ? bytes.length : next + 1)
}

/**
 * End of the rows from `from` on that are records as they stand, some for a quarter of the buffer; `from` where that one
 * is only a line. `alone`: bytes that each takes beside its row.
 */
export function plainEnd({ table, count }: LineRows, from: number, { maxBytes, maxRecords }: { maxBytes: number; maxRecords: number }, alone: number): number {
  let to = from
  let bytes = 0
  for (; to < count && table[8 * to + 7] !== ASK_HOST; to++) {
    bytes += sizeOf(table, to) + alone
    if (to > from && (4 * bytes > maxBytes || 4 * (to - from) >= maxRecords)) break
  }
  return to
}

/** What rows [from, to) count for against the buffer's limit. */
export function bytesIn({ table }: LineRows, from: number, to: number): number {
  let bytes = 0
  for (let row = from; row < to; row++) bytes += sizeOf(table, row)
  return bytes
}

const sizeOf = (table: Uint32Array, row: number) => {
  const hash = table[8 * row + 3]
  return table[8 * row + 1] + table[8 * row + 5] + (hash === NO_HASH ? 0 : hash) + ROW_BYTES
}

/** Row i, which is only a line, as the host reads it. `line` and `offset`: of the text's first line. */
export function readRow(text: Uint8Array, { table }: LineRows, i: number, line: number, offset: number, fields: NdjsonOptions): NdjsonLine {
  const at = table[8 * i + 4]
  return readLine(text.subarray(at, at + table[8 * i + 5]), line + table[8 * i + 6], offset + at, fields)
}

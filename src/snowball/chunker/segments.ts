// Records as files: NDJSON in segments of bounded size.
import { checkKeys, checkWhole, kindOf, MillraceError, messageOf, wrongType } from '../../errors.js'
import type { ChunkerFile } from './file.js'

export interface SegmentOptions {
  /** Gives the key of segment `index`, from 0. */
  key(index: number): string
  /** Bytes of a segment at most, and with that of a record. Default 1 MiB, at most 1 GiB. */
  maxBytes?: number | undefined
  /** Records of a segment at most; of bytes the lines. Default no limit. */
  maxRecords?: number | undefined
}

const OPTIONS = ['key', 'maxBytes', 'maxRecords'] satisfies (keyof SegmentOptions)[]
const MOST_BYTES = 1 << 30
const NEWLINE = 10

/**
 * Records to files for createChunker(): rows that JSON can have, one a line, or NDJSON as Uint8Array, cut anywhere, of
 * which no byte is changed. No record is in two segments, and none is empty. Throws BAD_INPUT for a row that JSON
 * cannot have, LIMIT_EXCEEDED for a record of more than `maxBytes`, each with the record's index.
 *
 * @example
 * const files = ndjsonSegments(rows, { key: (i) => `events-${String(i).padStart(5, '0')}.ndjson` })
 * for await (const chunk of createChunker({ prefix: 'Logs/' }).chunks(files)) await upload(chunk.name, chunk.stream())
 */
export function ndjsonSegments(rows: Iterable<unknown> | AsyncIterable<unknown>, options: SegmentOptions): AsyncGenerator<ChunkerFile, void, undefined> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { key, maxBytes = 1 << 20, maxRecords = Number.POSITIVE_INFINITY } = options
  if (typeof key !== 'function') throw wrongType('key', 'a function that gives a key', key)
  checkWhole('maxBytes', maxBytes, 1, MOST_BYTES)
  checkWhole('maxRecords', maxRecords, 1, Number.POSITIVE_INFINITY)
  const given = rows as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
  if (typeof rows === 'string' || rows instanceof Uint8Array || (!given?.[Symbol.asyncIterator] && !given?.[Symbol.iterator]))
    throw wrongType('rows', 'an iterable or async iterable of rows or Uint8Array', rows)
  return segments(rows, key, maxBytes, maxRecords)
}

async function* segments(rows: Iterable<unknown> | AsyncIterable<unknown>, key: SegmentOptions['key'], maxBytes: number, maxRecords: number) {
  const encoder = new TextEncoder()
  let buffer = new Uint8Array(Math.min(maxBytes, 1 << 16))
  /** Bytes in the buffer, and those of whole records. */
  let filled = 0
  let whole = 0
  let records = 0
  let record = 0
  let index = 0

  /** What the buffer has up to `whole`; the rest moves up. */
  const segment = (): ChunkerFile => {
    const data = buffer.slice(0, whole)
    buffer.copyWithin(0, whole, filled)
    filled -= whole
    whole = records = 0
    return { key: key(index++), size: data.length, data }
  }
  const room = (size: number) => {
    if (filled + size > maxBytes)
      throw new MillraceError('LIMIT_EXCEEDED', `expected a record of at most ${maxBytes} bytes, its newline included, got more`, { position: { record } })
    if (filled + size <= buffer.length) return
    const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * buffer.length, filled + size)))
    larger.set(buffer.subarray(0, filled))
    buffer = larger
  }

  for await (const row of rows) {
    const bytes = row instanceof Uint8Array ? row : encoder.encode(lineOf(row, record))
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at)
      const part = bytes.subarray(at, newline < 0 ? bytes.length : newline + 1)
      if (whole > 0 && filled + part.length > maxBytes) yield segment()
      room(part.length)
      buffer.set(part, filled)
      filled += part.length
      at += part.length
      if (newline < 0) continue
      whole = filled
      record++
      if (++records === maxRecords) yield segment()
    }
  }
  whole = filled
  if (whole > 0) yield segment()
}

function lineOf(row: unknown, record: number): string {
  let text: string | undefined
  try {
    // NDJSON as text would come out as one JSON string
    text = typeof row === 'string' ? undefined : JSON.stringify(row)
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `expected a row that JSON can have: ${messageOf(error)}`, { position: { record }, cause: error })
  }
  if (text === undefined)
    throw new MillraceError('BAD_INPUT', `expected a row that JSON can have, or NDJSON as Uint8Array, got ${kindOf(row)}`, { position: { record } })
  return `${text}\n`
}

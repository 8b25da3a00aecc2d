// CSV (RFC 4180) as it comes: rows of fields, with the line that each begins on.
import { MillraceError } from '../errors.js'

export interface CsvRow {
  fields: string[]
  /** From 1. */
  line: number
}

/** Characters; a row of an inventory has a few thousand. */
const LONGEST = 1 << 20

/**
 * The rows of a text in UTF-8, with or without a byte order mark; lines end in LF or CR LF, blank ones are passed over.
 * Throws CORRUPT, with the line, for a quoted field that is not closed or goes on behind its quote, and for a row of over
 * a million characters.
 */
export async function* csvRows(pieces: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<CsvRow> {
  const corrupt = (message: string) => new MillraceError('CORRUPT', message, { position: { source, line: first } })
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  let line = 0
  /** The row so far, whose first line is `first`, where a line feed stood inside quotes. */
  let row = ''
  let open = false
  let first = 1
  const take = (text: string): string[] | undefined => {
    line++
    if (!open) first = line
    row = open ? `${row}\n${text}` : text
    if (quotes(text) % 2 === 1) open = !open
    if (row.length > LONGEST) throw corrupt(`expected a row of at most ${LONGEST} characters, got a longer one`)
    if (open || row === '' || row === '\r') return undefined
    const fields = fieldsOf(row.endsWith('\r') ? row.slice(0, -1) : row, true)
    if (typeof fields === 'string') throw corrupt(fields)
    return fields
  }
  for await (const piece of small(pieces)) {
    const text = rest + decoder.decode(piece, { stream: true })
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const fields = take(text.slice(from, end))
      from = end + 1
      if (fields) yield { fields, line: first }
    }
    rest = text.slice(from)
    if (rest.length > LONGEST) throw corrupt(`expected a row of at most ${LONGEST} characters, got a longer one`)
  }
  rest += decoder.decode()
  const fields = rest === '' ? undefined : take(rest)
  if (fields) yield { fields, line: first }
  if (open) throw corrupt(CLOSING)
}

/** A text that is larger is not collected with what is young, and each field is a view of it. */
const PIECE = 1 << 13

async function* small(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) for (let at = 0; at < piece.length; at += PIECE) yield piece.subarray(at, at + PIECE)
}

/** How many there are: each within a field is there twice, so an odd number of them leaves one open. */
export function quotes(text: string): number {
  let count = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++
  return count
}

/** The fields of a row, or what is wrong with it. With `loose` a field that does not begin with a quote may have some in it. */
export function fieldsOf(row: string, loose = false): string[] | string {
  if (!row.includes('"')) return row.split(',')
  // as S3 writes them: each field in quotes, and no quote in any
  if (row.startsWith('"') && row.endsWith('"')) {
    const fields = row.slice(1, -1).split('","')
    if (!fields.some((field) => field.includes('"'))) return fields
  }
  const fields: string[] = []
  for (let at = 0; at <= row.length; at++) {
    if (row[at] !== '"') {
      const end = row.indexOf(',', at)
      const field = row.slice(at, end < 0 ? row.length : end)
      if (!loose && field.includes('"')) return `expected quotes around all of field ${fields.length + 1}, which has one in it`
      fields.push(field)
      at += field.length
      continue
    }
    let field = ''
    for (let from = at + 1; ; ) {
      const end = row.indexOf('"', from)
      if (end < 0) return CLOSING
      field += row.slice(from, end)
      at = end + 1
      if (row[at] !== '"') break
      field += '"'
      from = at + 1
    }
    if (at < row.length && row[at] !== ',') return `expected a comma behind the closing quote of field ${fields.length + 1}`
    fields.push(field)
  }
  return fields
}

export const CLOSING = 'expected a closing quote'

// CSV (RFC 4180) as it comes: rows of fields, with the line that each begins on.
import { MillraceError } from '../../errors.js'

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
    const fields = split(row.endsWith('\r') ? row.slice(0, -1) : row)
    if (!fields) throw corrupt('expected a comma or the end of the row behind a quoted field')
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
  if (open) throw corrupt('expected a quote that ends the field, got the end of the file')
}

/** A text that is larger is not collected with what is young, and each field is a view of it. */
const PIECE = 1 << 13

async function* small(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) for (let at = 0; at < piece.length; at += PIECE) yield piece.subarray(at, at + PIECE)
}

function quotes(text: string): number {
  let count = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++
  return count
}

/** Undefined where a quoted field goes on behind its quote. */
function split(row: string): string[] | undefined {
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
      fields.push(row.slice(at, end < 0 ? row.length : end))
      at = end < 0 ? row.length : end
      continue
    }
    let field = ''
    for (let from = at + 1; ; ) {
      const end = row.indexOf('"', from)
      if (end < 0) return undefined
      field += row.slice(from, end)
      at = end + 1
      if (row[at] !== '"') break
      field += '"'
      from = at + 1
    }
    if (at < row.length && row[at] !== ',') return undefined
    fields.push(field)
  }
  return fields
}

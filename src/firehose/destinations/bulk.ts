// Requests and answers of the bulk API of Elasticsearch and OpenSearch.
import { concat } from '../../bytes.js'
import { jsonFault, kindOf } from '../../errors.js'
import type { WebResponse } from '../../ports/transport.js'
import { isSpace } from '../json-values.js'
import { bodyText, type Silence } from './exchange.js'

/** One document and where it goes. */
export interface BulkDocument {
  index: string
  /** Of Elasticsearch before 8; undefined for none. */
  type: string | undefined
  /** Undefined where the index makes one. */
  id: string | undefined
  /** One line of JSON, without its end. */
  source: Uint8Array
}

export interface DocumentFault {
  /** The HTTP status, or what stands for it where there was no answer. */
  code: string
  message: string
  /** Would be refused again. */
  permanent: boolean
}

const encoder = new TextEncoder()
const NEWLINE = Uint8Array.of(0x0a)

/** `_bulk` wants a line that says what to do, and one with the document. */
export function bulkBody(documents: readonly BulkDocument[]): Uint8Array {
  return concat(
    documents.flatMap(({ index, type, id, source }) => [
      encoder.encode(`${JSON.stringify({ index: { _index: index, _type: type, _id: id } })}\n`),
      source,
      NEWLINE,
    ]),
  )
}

/** A record as a document, or what is wrong with it: one that is none, or of several lines, would spoil the whole request. */
export function documentOf(data: Uint8Array): Uint8Array | string {
  let from = 0
  let to = data.length
  while (from < to && isSpace(data[from])) from++
  while (to > from && isSpace(data[to - 1])) to--
  const source = data.subarray(from, to)
  const expected = 'expected one JSON object in UTF-8 on a single line'
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source))
  } catch (error) {
    return `${expected}: ${error instanceof SyntaxError ? jsonFault(error) : 'not valid UTF-8'}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${expected}, got ${kindOf(value)}`
  const line = source.findIndex((byte) => byte === 0x0a || byte === 0x0d)
  return line < 0 ? source : `${expected}, got a line break at byte ${from + line}`
}

/** What became of each of `count` documents: undefined where it is indexed. */
export function bulkOutcomes(answer: WebResponse | Silence, count: number): (DocumentFault | undefined)[] {
  const all = (code: string, message: string) => new Array<DocumentFault>(count).fill({ code, message, permanent: false })
  if ('silence' in answer) return all(SILENCES[answer.silence], answer.message)
  const { status, body } = answer
  // Of a request as a whole nothing is final: it is not known which document is to blame, and rights and quotas change.
  if (status !== 200) return all(String(status), bodyText(body))
  const items = itemsOf(body)
  if (items?.length !== count)
    return all('InvalidResponse', `expected an item for each of ${count} documents, got ${items ? items.length : 'no answer of the bulk API'}`)
  return items.map(outcomeOf)
}

const SILENCES: Readonly<Record<Silence['silence'], string>> = {
  timeout: 'RequestTimeout',
  reset: 'ConnectionReset',
  tls: 'SSLHandshakeFailure',
  connect: 'ConnectionFailed',
}

function itemsOf(body: Uint8Array | undefined): unknown[] | undefined {
  try {
    const { items } = JSON.parse(new TextDecoder().decode(body)) as { items?: unknown }
    return Array.isArray(items) ? items : undefined
  } catch {
    return undefined
  }
}

/** Statuses of 400 to 499 that pass: rights, a read-only index, a full queue. */
const PASSING = [401, 403, 408, 429]

function outcomeOf(item: unknown): DocumentFault | undefined {
  const { status, error } = ((item as { index?: unknown } | null)?.index ?? {}) as { status?: unknown; error?: unknown }
  if (typeof status !== 'number') return { code: 'InvalidResponse', message: `expected a status, got ${kindOf(status)}`, permanent: false }
  if (status >= 200 && status < 300) return undefined
  const message = typeof error === 'string' ? error : (JSON.stringify(error) ?? '')
  return { code: String(status), message, permanent: status >= 400 && status < 500 && !PASSING.includes(status) }
}

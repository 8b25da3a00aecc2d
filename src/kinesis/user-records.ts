// De-aggregation for those who want objects: Kinesis records as the AWS SDK or a Lambda event hands them
// over, user records out, as few steps for each as JavaScript allows.
import { decodeBase64, plain } from '../engine/base64.js'
import { NO_HASH, ROW_WORDS } from '../engine/batch.js'
import { ROW_SIZE } from '../engine/core.js'
import { type Engine, engine } from '../engine/engine.js'
import type { MillraceError } from '../errors.js'
import {
  checkDeaggregate,
  type DeaggregateOptions,
  type DeaggregateReason,
  deaggregateReason,
  FROM_AGGREGATE,
  notStrict,
  open,
  tellDropped,
} from './deaggregate.js'
import { type KinesisRecords, type Outer, readRecords } from './kinesis-record.js'

export interface DeaggregatedRecord {
  /** The user record's own; undefined where the stream has none (AUTO). */
  partitionKey: string | undefined
  explicitHashKey: string | undefined
  /** A view of the Kinesis record's Data where that is a Uint8Array, else of what its base64 was decoded to. */
  data: Uint8Array
  sequenceNumber: string | undefined
  /** Place in the aggregate; 0 where the record is on its own. */
  subSequenceNumber: number
  aggregated: boolean
  reason: DeaggregateReason | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The user records of a batch of Kinesis records, in order. Records that are no KPL aggregates come
 * back as they are, `aggregated` false; so do user records that are split already (deaggregate() of
 * what it gave is the same), and what is in a user record is never opened. Data as text is base64, read
 * leniently (missing padding, URL alphabet). Partition keys that are not UTF-8 are read with U+FFFD,
 * as Java does it for the KCL.
 * Throws TypeError or RangeError for wrong options and for records of no known form, MillraceError in
 * mode `strict`.
 *
 * @example
 * export const handler = (event) => {
 *   for (const { partitionKey, data } of deaggregate(event)) console.log(partitionKey, data.length)
 * }
 */
export function deaggregate(records: KinesisRecords, options: DeaggregateOptions = {}): DeaggregatedRecord[] {
  return openRecords(records, options).records
}

/** The same, with the first reason found in each Kinesis record. */
export function openRecords(
  records: KinesisRecords,
  options: DeaggregateOptions,
): { records: DeaggregatedRecord[]; reasons: (DeaggregateReason | undefined)[] } {
  const outers = readRecords(records)
  const checked = checkDeaggregate(options, outers.length)
  const sequenceNumbers = outers.map(({ sequence }) => sequence)
  const e = engine()
  const { rows, ...opened } = e.scope(() => {
    const placed = place(e, outers)
    const [unread] = options.mode === 'strict' && placed.bad ? placed.bad : []
    const rows = open(e, placed, unread ? unread[0] : outers.length, checked, sequenceNumbers)
    if (unread) throw notBase64(unread, sequenceNumbers)
    const reasons = Array.from(rows.outcomes, (outcome, i) => (placed.bad?.has(i) ? 'BAD_BASE64' : deaggregateReason(outcome)))
    return { records: collect(e, outers, rows.table, rows.status, placed), reasons, rows }
  })
  tellDropped(rows, checked, sequenceNumbers)
  return opened
}

// Where the text of a record is no base64, its first bad byte is looked for only now.
function notBase64([record, text]: [number, Uint8Array], sequenceNumbers: readonly (string | undefined)[]): MillraceError {
  let offset = 0
  try {
    decodeBase64(text, 'lenient')
  } catch (error) {
    offset = (error as MillraceError).position?.offset ?? 0
  }
  return notStrict('BAD_BASE64', { record, offset }, sequenceNumbers[record])
}

interface PlacedOuters {
  heap: number
  table: number
  /** Offset of each record's data from the heap, and of the end. */
  starts: Uint32Array
  /** Each record's data, if it lies outside of the arena too. */
  owned: (Uint8Array | undefined)[]
  /** Text that is no base64, as UTF-8, by index. */
  bad: Map<number, Uint8Array> | undefined
}

// Keys stay outside: the core hands back an outer record's own key only by its index.
function place(e: Engine, outers: readonly Outer[]): PlacedOuters {
  const count = outers.length
  let room = 0
  for (let i = 0; i < count; i++) room += outers[i].data.length
  const table = e.reserve(count * ROW_SIZE)
  const heap = e.reserve(room)
  const placed: PlacedOuters = { heap, table, starts: new Uint32Array(count + 1), owned: new Array(count), bad: undefined }
  const bytes = e.bytes()
  const words = e.words()
  let at = 0
  for (let i = 0, row = table >> 2; i < count; i++, row += ROW_WORDS) {
    const { data, split } = outers[i]
    const own = typeof data === 'string' ? decodeNative(data) : data
    if (own) bytes.set(own, heap + at)
    const size = own ? own.length : byCore(e, data as string, heap + at, i, placed)
    placed.owned[i] ??= own
    words.fill(0, row, row + ROW_WORDS)
    words[row + 3] = NO_HASH
    words[row + 4] = at
    // What is split already is nothing to the core, so that it is not opened.
    words[row + 5] = split ? 0 : size
    at += size
    placed.starts[i + 1] = at
  }
  return placed
}

// Decoded to memory of its own and copied to the arena, not the other way: Buffer does not clear it first. A piece
// for each record, for pieces of 50 KB are recycled by the allocator, while one of megabytes is mapped anew each time.
function decodeNative(text: string): Uint8Array | undefined {
  if (typeof Buffer === 'undefined') return undefined
  const { buffer, byteOffset, length } = Buffer.from(text, 'base64')
  return plain(text, length, 'lenient') ? new Uint8Array(buffer, byteOffset, length) : undefined
}

// Without Buffer, and what is not plain base64: perhaps with white space, perhaps none at all. Then the record is
// empty for the core, and its text is delivered.
function byCore(e: Engine, data: string, at: number, i: number, placed: PlacedOuters): number {
  const text = encoder.encode(data)
  if (text.length === data.length) {
    e.bytes().set(text, at)
    const size = e.core.base64Decode(at, text.length, at, text.length, true)
    if (size >= 0) return size
  }
  placed.bad ??= new Map()
  placed.bad.set(i, text)
  placed.owned[i] = text
  return 0
}

function collect(e: Engine, outers: readonly Outer[], table: Uint32Array, status: Uint8Array, placed: PlacedOuters): DeaggregatedRecord[] {
  const count = status.length
  const out: DeaggregatedRecord[] = new Array(count)
  const bytes = e.bytes()
  const dataOf = (source: number) => placed.owned[source] ?? bytes.slice(placed.heap + placed.starts[source], placed.heap + placed.starts[source + 1])
  for (let i = 0; i < count; ) {
    const source = table[i * ROW_WORDS + 6]
    const { key, hash, sequence, split } = outers[source]
    if ((status[i] & FROM_AGGREGATE) === 0) {
      const reason = split?.reason ?? (placed.bad?.has(source) ? 'BAD_BASE64' : deaggregateReason(status[i]))
      out[i++] = {
        partitionKey: key,
        explicitHashKey: hash,
        data: dataOf(source),
        sequenceNumber: sequence,
        subSequenceNumber: split?.item ?? 0,
        aggregated: split?.aggregated ?? false,
        reason,
      }
      continue
    }
    let end = i + 1
    while (end < count && table[end * ROW_WORDS + 6] === source) end++
    const within = dataOf(source)
    const shift = within.byteOffset - placed.starts[source]
    const keys = textReader(e, table, i, end, 0, placed.heap)
    const hashes = textReader(e, table, i, end, 2, placed.heap)
    for (let at = i * ROW_WORDS; i < end; i++, at += ROW_WORDS) {
      const reason = status[i] === FROM_AGGREGATE ? undefined : deaggregateReason(status[i])
      out[i] = {
        partitionKey: reason === 'BAD_KEY_INDEX' ? key : keys(table[at], table[at + 1]),
        explicitHashKey: table[at + 3] === NO_HASH ? undefined : hashes(table[at + 2], table[at + 3]),
        data: new Uint8Array(within.buffer as ArrayBuffer, shift + table[at + 4], table[at + 5]),
        sequenceNumber: sequence,
        subSequenceNumber: table[at + 7],
        aggregated: true,
        reason,
      }
    }
  }
  return out
}

function readText(e: Engine, at: number, size: number): string {
  const bytes = e.bytes().subarray(at, at + size)
  const text = decoder.decode(bytes)
  return text.includes('\ufffd') ? decoder.decode(surrogatesReplaced(bytes)) : text
}

const REPLACEMENT = Uint8Array.of(0xef, 0xbf, 0xbd)

// An encoded surrogate, whole or without its last byte, is one U+FFFD in Java, and one for each byte in a TextDecoder.
function surrogatesReplaced(bytes: Uint8Array): Uint8Array {
  // two bytes become three at most
  const out = new Uint8Array(Math.ceil(bytes.length * 1.5))
  let size = 0
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0xed || (bytes[i + 1] & 0xe0) !== 0xa0) out[size++] = bytes[i]
    else {
      out.set(REPLACEMENT, size)
      size += 3
      i += (bytes[i + 2] & 0xc0) === 0x80 ? 2 : 1
    }
  }
  return out.subarray(0, size)
}

type TextReader = (at: number, size: number) => string

// The texts of a column of an aggregate's rows [from, to): partition keys (0) or explicit hash keys (2). They lie side by
// side in their table, so where they are ASCII they are read as one text and cut out of it: ~15 ns a key in
// place of ~100. None is read twice, or a key of a megabyte that all records have would take minutes.
function textReader(e: Engine, table: Uint32Array, from: number, to: number, column: 0 | 2, heap: number): TextReader {
  let low = 0xffffffff
  let high = 0
  let sum = 0
  for (let at = from * ROW_WORDS + column; at < to * ROW_WORDS; at += ROW_WORDS) {
    const start = table[at]
    const size = table[at + 1]
    // none, or the outer record's, which is not here
    if (size === NO_HASH || start === 0) continue
    if (start < low) low = start
    if (start + size > high) high = start + size
    sum += size + 4
  }
  const all = high - low <= sum ? decoder.decode(e.bytes().subarray(heap + low, heap + high)) : ''
  // As long as its bytes and without U+FFFD: nothing but ASCII.
  if (all.length === high - low && !all.includes('\ufffd')) {
    if (sum < 2 * all.length) return (at, size) => all.substring(at - low, at - low + size)
    // Keys that come again are cut once: a string less to make and to collect for each record.
    const cut: (string | undefined)[] = new Array(all.length)
    return (at, size) => {
      cut[at - low] ??= all.substring(at - low, at - low + size)
      return cut[at - low] as string
    }
  }
  const read = new Map<number, string>()
  return (at, size) => {
    let key = read.get(at)
    if (key === undefined) {
      key = readText(e, heap + at, size)
      read.set(at, key)
    }
    return key
  }
}

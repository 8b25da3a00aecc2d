// De-aggregation for those who want objects: Kinesis records as the AWS SDK or a Lambda event hands them
// over, user records out, as few steps for each as JavaScript allows.
import { decodeBase64, fromBase64 } from '../../engine/base64.js'
import { NO_HASH, type Placed, ROW_WORDS } from '../../engine/batch.js'
import { ROW_SIZE } from '../../engine/core.js'
import { type Engine, engine } from '../../engine/engine.js'
import type { MillraceError } from '../../errors.js'
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
  const opened = openOuters(readRecords(records), options)
  const { count, outers, outcomes, bad } = opened
  const out: DeaggregatedRecord[] = new Array(count)
  const make: Make<DeaggregatedRecord> = (outer, partitionKey, explicitHashKey, within, at, size, subSequenceNumber, aggregated, reason) => ({
    partitionKey,
    explicitHashKey,
    data: aggregated && !outers[outer].split ? new Uint8Array(within.buffer as ArrayBuffer, at, size) : within,
    sequenceNumber: outers[outer].sequence,
    subSequenceNumber,
    aggregated,
    reason,
  })
  for (let row = 0; row < count; ) row = makeRecords(opened, row, out, row, make)
  return { records: out, reasons: Array.from(outcomes, (outcome, i) => (bad.has(i) ? 'BAD_BASE64' : deaggregateReason(outcome))) }
}

/** De-aggregated Kinesis records none of whose user records is an object yet; nothing of it lies in the arena. */
export interface OpenedRecords {
  /** Of the user records. */
  readonly count: number
  /** As deaggregatePacked has them: `table[ROW_WORDS * row + 6]` is the Kinesis record's index, `+ 7` the place in it. */
  readonly table: Uint32Array
  readonly status: Uint8Array
  /** Of each Kinesis record, as deaggregatePacked has them. */
  readonly outcomes: Uint8Array
  readonly outers: readonly Outer[]
  /** Each Kinesis record's bytes. */
  readonly data: readonly Uint8Array[]
  /** Where these lie in the heap that the table speaks of. */
  readonly starts: Uint32Array
  /** Whether they are text that is no base64. */
  readonly bad: ReadonlySet<number>
}

/** Opens them all in one crossing. Throws as deaggregate does. */
export function openOuters(outers: readonly Outer[], options: DeaggregateOptions): OpenedRecords {
  const checked = checkDeaggregate(options, outers.length)
  const sequenceNumbers = outers.map(({ sequence }) => sequence)
  const bad = new Set<number>()
  // Each record has memory of its own: pieces of 50 KB are recycled by the allocator, while one of megabytes is mapped and
  // cleared anew each time.
  const data = outers.map(({ data }, i) => (typeof data === 'string' ? decode(data, i, bad) : data))
  const starts = new Uint32Array(outers.length + 1)
  for (let i = 0; i < outers.length; i++) starts[i + 1] = starts[i] + data[i].length
  const [unread] = options.mode === 'strict' ? bad : []
  const e = engine()
  // In mode strict the first fault counts, of either kind.
  const rows = e.scope(() => open(e, place(e, outers, data, starts, bad), unread ?? outers.length, checked, sequenceNumbers))
  if (unread !== undefined) throw notBase64(unread, data[unread], sequenceNumbers[unread])
  tellDropped(rows, checked, sequenceNumbers)
  return { ...rows, outers, data, starts, bad }
}

// Where the text of a record is no base64, its first bad byte is looked for only now.
function notBase64(record: number, text: Uint8Array, sequenceNumber: string | undefined): MillraceError {
  let offset = 0
  try {
    decodeBase64(text, 'lenient')
  } catch (error) {
    offset = (error as MillraceError).position?.offset ?? 0
  }
  return notStrict('BAD_BASE64', { record, offset }, sequenceNumber)
}

/** Text that is no base64 is delivered as it is. */
function decode(text: string, i: number, bad: Set<number>): Uint8Array {
  try {
    return fromBase64(text, 'lenient')
  } catch (error) {
    if ((error as MillraceError).code !== 'BAD_INPUT') throw error
    bad.add(i)
    return encoder.encode(text)
  }
}

// Keys stay outside: the core hands back an outer record's own key only by its index. Text that is no base64
// is empty for it, and so is what is split already: it is not opened.
function place(e: Engine, outers: readonly Outer[], data: readonly Uint8Array[], starts: Uint32Array, bad: ReadonlySet<number>): Placed {
  const count = data.length
  const table = e.reserve(count * ROW_SIZE)
  const heap = e.reserve(starts[count])
  const bytes = e.bytes()
  const words = e.words()
  for (let i = 0, row = table >> 2; i < count; i++, row += ROW_WORDS) {
    bytes.set(data[i], heap + starts[i])
    words.fill(0, row, row + ROW_WORDS)
    words[row + 3] = NO_HASH
    words[row + 4] = starts[i]
    words[row + 5] = bad.has(i) || outers[i].split ? 0 : data[i].length
  }
  return { heap, table }
}

/**
 * Makes one user record: `within` are the bytes of its Kinesis record `outer`, its own ones the `size` of them
 * from `at`, which counts from the start of their buffer.
 */
export type Make<T> = (
  outer: number,
  key: string | undefined,
  hash: string | undefined,
  within: Uint8Array,
  at: number,
  size: number,
  place: number,
  aggregated: boolean,
  reason: DeaggregateReason | undefined,
) => T

/** The user records of the Kinesis record whose first row is `row`, into `out` from `to`. Gives the row behind them. */
export function makeRecords<T>(opened: OpenedRecords, row: number, out: T[], to: number, make: Make<T>): number {
  const { count, table, status, outers, starts } = opened
  const source = table[row * ROW_WORDS + 6]
  const { key, hash, split } = outers[source]
  const within = opened.data[source]
  const first = within.byteOffset
  if ((status[row] & FROM_AGGREGATE) === 0) {
    const reason = split?.reason ?? (opened.bad.has(source) ? 'BAD_BASE64' : deaggregateReason(status[row]))
    out[to] = make(source, key, hash, within, first, within.length, split?.item ?? 0, split?.aggregated ?? false, reason)
    return row + 1
  }
  let end = row + 1
  while (end < count && table[end * ROW_WORDS + 6] === source) end++
  const start = starts[source]
  const keys = textReader(within, start, table, row, end, 0)
  const hashes = textReader(within, start, table, row, end, 2)
  for (let i = row, at = row * ROW_WORDS; i < end; i++, at += ROW_WORDS) {
    const reason = status[i] === FROM_AGGREGATE ? undefined : deaggregateReason(status[i])
    const ownKey = reason === 'BAD_KEY_INDEX' ? key : keys(table[at], table[at + 1])
    const ownHash = table[at + 3] === NO_HASH ? undefined : hashes(table[at + 2], table[at + 3])
    out[to + i - row] = make(source, ownKey, ownHash, within, first - start + table[at + 4], table[at + 5], table[at + 7], true, reason)
  }
  return end
}

function readText(within: Uint8Array, at: number, size: number): string {
  const bytes = within.subarray(at, at + size)
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
function textReader(within: Uint8Array, start: number, table: Uint32Array, from: number, to: number, column: 0 | 2): TextReader {
  let low = 0xffffffff
  let high = 0
  let sum = 0
  for (let at = from * ROW_WORDS + column; at < to * ROW_WORDS; at += ROW_WORDS) {
    const first = table[at]
    const size = table[at + 1]
    // none, or the outer record's, which is not here
    if (size === NO_HASH || first === 0) continue
    if (first < low) low = first
    if (first + size > high) high = first + size
    sum += size + 4
  }
  const all = high - low <= sum ? decoder.decode(within.subarray(low - start, high - start)) : ''
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
      key = readText(within, at - start, size)
      read.set(at, key)
    }
    return key
  }
}

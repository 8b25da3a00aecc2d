// De-aggregation for those who want objects: Kinesis records as the AWS SDK or a Lambda event hands them
// over, user records out, as few steps for each as JavaScript allows.
import { fromBase64 } from '../engine/base64.js'
import { NO_HASH, type Placed, ROW_WORDS } from '../engine/batch.js'
import { BAD_KEY_INDEX, ROW_SIZE } from '../engine/core.js'
import { type Engine, engine } from '../engine/engine.js'
import { type MillraceError, wrongType } from '../errors.js'
import { checkDeaggregate, type DeaggregateOptions, type DeaggregateReason, deaggregateReason, FROM_AGGREGATE, open } from './deaggregate.js'

/** A record of GetRecords or SubscribeToShard (AWS SDK v3), or of their JSON, where Data is base64. */
export interface KinesisRecord {
  Data: Uint8Array | string
  /** Absent on streams with RecordDistributionStrategy AUTO. */
  PartitionKey?: string | undefined
  ExplicitHashKey?: string | undefined
  SequenceNumber?: string | undefined
}

/** A record of a Lambda event from Kinesis. */
export interface KinesisEventRecord {
  kinesis: { data: string; partitionKey?: string | undefined; explicitHashKey?: string | undefined; sequenceNumber?: string | undefined }
}

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

/** A Kinesis record of either shape. */
export interface Outer {
  data: Uint8Array | string
  key: string | undefined
  hash: string | undefined
  sequence: string | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The user records of a batch of Kinesis records, in order. Records that are no KPL aggregates come
 * back as they are, `aggregated` false. Data as text is base64, read leniently (missing padding, URL
 * alphabet). Partition keys that are not UTF-8 are read with U+FFFD, as the KCL does.
 * Throws TypeError or RangeError for wrong options and for records of neither shape.
 */
export function deaggregate(records: readonly (KinesisRecord | KinesisEventRecord)[], options: DeaggregateOptions = {}): DeaggregatedRecord[] {
  return openRecords(records, options).records
}

/** The same, with the first reason found in each Kinesis record: in mode `kcl`, why it lost something. */
export function openRecords(
  records: readonly (KinesisRecord | KinesisEventRecord)[],
  options: DeaggregateOptions,
): { records: DeaggregatedRecord[]; reasons: (DeaggregateReason | undefined)[] } {
  const opened = openOuters(records, options)
  const { count, outers, outcomes, bad } = opened
  const out: DeaggregatedRecord[] = new Array(count)
  const make: Make<DeaggregatedRecord> = (outer, partitionKey, explicitHashKey, within, at, size, subSequenceNumber, aggregated, reason) => ({
    partitionKey,
    explicitHashKey,
    data: aggregated ? new Uint8Array(within.buffer as ArrayBuffer, at, size) : within,
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
export function openOuters(records: readonly (KinesisRecord | KinesisEventRecord)[], options: DeaggregateOptions): OpenedRecords {
  if (!Array.isArray(records)) throw wrongType('records', 'an array of Kinesis records', records)
  const { flags, ranges } = checkDeaggregate(options, records.length)
  const outers = records.map(read)
  const bad = new Set<number>()
  // Each record has memory of its own: pieces of 50 KB are recycled by the allocator, while one of megabytes is mapped and
  // cleared anew each time.
  const data = outers.map(({ data }, i) => (typeof data === 'string' ? decode(data, i, bad) : data))
  const starts = new Uint32Array(outers.length + 1)
  for (let i = 0; i < outers.length; i++) starts[i + 1] = starts[i] + data[i].length
  const e = engine()
  return e.scope(() => ({ ...open(e, place(e, data, starts, bad), outers.length, flags, ranges), outers, data, starts, bad }))
}

function read(record: KinesisRecord | KinesisEventRecord, i: number): Outer {
  if (typeof record === 'object' && record !== null) {
    if ('Data' in record && (typeof record.Data === 'string' || record.Data instanceof Uint8Array)) {
      return { data: record.Data, key: record.PartitionKey, hash: record.ExplicitHashKey, sequence: record.SequenceNumber }
    }
    if ('kinesis' in record && typeof record.kinesis === 'object' && record.kinesis !== null && typeof record.kinesis.data === 'string') {
      const { data, partitionKey, explicitHashKey, sequenceNumber } = record.kinesis
      return { data, key: partitionKey, hash: explicitHashKey, sequence: sequenceNumber }
    }
  }
  throw wrongType(`records[${i}]`, 'a Kinesis record with Data, or an event record with kinesis.data', record)
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
// is empty for it.
function place(e: Engine, data: readonly Uint8Array[], starts: Uint32Array, bad: ReadonlySet<number>): Placed {
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
    words[row + 5] = bad.has(i) ? 0 : data[i].length
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
  const { key, hash } = outers[source]
  const within = opened.data[source]
  const first = within.byteOffset
  if ((status[row] & FROM_AGGREGATE) === 0) {
    const reason = opened.bad.has(source) ? 'BAD_BASE64' : deaggregateReason(status[row])
    out[to] = make(source, key, hash, within, first, within.length, 0, false, reason)
    return row + 1
  }
  let end = row + 1
  while (end < count && table[end * ROW_WORDS + 6] === source) end++
  const start = starts[source]
  const keys = keyReader(within, start, table, status, row, end)
  for (let i = row, at = row * ROW_WORDS; i < end; i++, at += ROW_WORDS) {
    const reason = status[i] === FROM_AGGREGATE ? undefined : deaggregateReason(status[i])
    const ownKey = reason === 'BAD_KEY_INDEX' ? key : keys(table[at], table[at + 1])
    const ownHash = table[at + 3] === NO_HASH ? undefined : readText(within, table[at + 2] - start, table[at + 3])
    out[to + i - row] = make(source, ownKey, ownHash, within, first - start + table[at + 4], table[at + 5], table[at + 7], true, reason)
  }
  return end
}

function readText(bytes: Uint8Array, at: number, size: number): string {
  return decoder.decode(bytes.subarray(at, at + size))
}

// The keys of an aggregate's rows [from, to), whose bytes begin at `start` in the heap. They lie side by side in
// its table, so where they are ASCII they are read as one text and cut out of it: ~15 ns a key in place of ~100.
function keyReader(within: Uint8Array, start: number, table: Uint32Array, status: Uint8Array, from: number, to: number): (at: number, size: number) => string {
  let low = 0xffffffff
  let high = 0
  let sum = 0
  for (let i = from, at = from * ROW_WORDS; i < to; i++, at += ROW_WORDS) {
    if (status[i] === (FROM_AGGREGATE | BAD_KEY_INDEX)) continue
    const start = table[at]
    const size = table[at + 1]
    if (start < low) low = start
    if (start + size > high) high = start + size
    sum += size + 4
  }
  const all = high - low <= sum ? readText(within, low - start, high - low) : ''
  // As long as its bytes and without U+FFFD: nothing but ASCII.
  if (all.length === high - low && !all.includes('\ufffd')) return (at, size) => all.substring(at - low, at - low + size)
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

// Kinesis records -> user records, a batch at a time: KPL aggregates are opened, everything else passes.
import { type Placed, putBatch, ROW_WORDS } from '../../engine/batch.js'
import {
  AGGREGATED,
  AS_KCL,
  BAD_CHECKSUM,
  BAD_HASH_INDEX,
  BAD_HASH_KEY,
  BAD_INPUT,
  BAD_KEY_INDEX,
  BAD_PROTOBUF,
  NO_MEMORY,
  NO_RECORDS,
  OUT_OF_RANGE,
  ROW_SIZE,
  SCRATCH_ENTRY,
  SCRATCH_OUTER,
  STRICT,
  TRUNCATED,
  VERIFY,
} from '../../engine/core.js'
import { type Engine, engine, outOfMemory } from '../../engine/engine.js'
import { checkKeys, MillraceError, outOfRange, type Position, wrongType } from '../../errors.js'
import type { RecordBatch } from '../../types.js'
import { parseHashKey } from '../shards/hash-key.js'

/** First and last hash key of a shard, both inclusive, as ListShards and ShardMap have them. */
export interface HashKeyRange {
  StartingHashKey: string | bigint
  EndingHashKey: string | bigint
}

/**
 * What becomes of records that are not what they seem to be. `keep`: nothing disappears; what is wrong is
 * delivered with a reason. `kcl`: what the Kinesis Client Library delivers; what it drops is told. `strict`: the
 * first one is an error: MillraceError BAD_INPUT with the record and the byte of its data, and in its message the
 * sequence number, the reason, and what was expected.
 */
export type DeaggregateMode = 'keep' | 'kcl' | 'strict'

export interface DeaggregateOptions {
  /** Default: keep. */
  mode?: DeaggregateMode | undefined
  /**
   * The hash key range of the shard that the records were read from, or one for each record. User
   * records of an aggregate outside it were put by a producer with an old shard map, which then sent
   * them again: `kcl` drops such an aggregate, `keep` gives the reason OUT_OF_RANGE. Records of
   * their own are never judged. Default: the whole key space.
   */
  range?: HashKeyRange | readonly HashKeyRange[] | undefined
  /** Whether the MD5 of aggregates is checked; default true. Without, a damaged one may be opened. */
  verify?: boolean | undefined
  /** Mode `kcl`: called for each aggregate that is dropped, or a part of it, before the call returns. */
  onDropped?: ((aggregate: DroppedAggregate) => void) | undefined
}

/** Checked options, as the core takes them. */
export interface Checked {
  flags: number
  ranges: Uint8Array
  onDropped: DeaggregateOptions['onDropped']
}

/**
 * Why a record is not what it seems to be, was dropped (mode `kcl`), or is an error (mode `strict`):
 * TRUNCATED the magic of an aggregate with at most 16 bytes behind it; BAD_CHECKSUM the MD5 differs;
 * BAD_PROTOBUF the content is no AggregatedRecord; NO_RECORDS it is one without records: these
 * are delivered raw. BAD_KEY_INDEX, BAD_HASH_INDEX an index outside its table (the user record has the
 * outer record's partition key, or no explicit hash key); BAD_HASH_KEY an explicit hash key that is
 * no integer; OUT_OF_RANGE a hash key outside the range (or 0 to 2^128 - 1). BAD_BASE64 the
 * data was no base64; it is delivered as text.
 */
export type DeaggregateReason =
  | 'TRUNCATED'
  | 'BAD_CHECKSUM'
  | 'BAD_PROTOBUF'
  | 'NO_RECORDS'
  | 'BAD_KEY_INDEX'
  | 'BAD_HASH_INDEX'
  | 'BAD_HASH_KEY'
  | 'OUT_OF_RANGE'
  | 'BAD_BASE64'

/** In a status or an outcome: the record came out of an aggregate; the other bits are the reason. */
export const FROM_AGGREGATE: number = AGGREGATED

const REASONS: (DeaggregateReason | undefined)[] = []
REASONS[TRUNCATED] = 'TRUNCATED'
REASONS[BAD_CHECKSUM] = 'BAD_CHECKSUM'
REASONS[BAD_PROTOBUF] = 'BAD_PROTOBUF'
REASONS[NO_RECORDS] = 'NO_RECORDS'
REASONS[BAD_KEY_INDEX] = 'BAD_KEY_INDEX'
REASONS[BAD_HASH_INDEX] = 'BAD_HASH_INDEX'
REASONS[BAD_HASH_KEY] = 'BAD_HASH_KEY'
REASONS[OUT_OF_RANGE] = 'OUT_OF_RANGE'

/** The reason in a status or an outcome byte of deaggregatePacked. */
export function deaggregateReason(status: number): DeaggregateReason | undefined {
  return REASONS[status & ~FROM_AGGREGATE]
}

/**
 * User records as rows: `source` is the index of the Kinesis record, `item` the sub-sequence number,
 * `heap` the very heap of the input.
 */
export interface PackedUserRecords extends RecordBatch {
  /** A byte each: FROM_AGGREGATE or 0, and the reason. */
  status: Uint8Array
  /** A byte for each Kinesis record: the same, with the first reason found in it. */
  outcomes: Uint8Array
}

/** An aggregate of which mode `kcl` delivers nothing, or not all, as the KCL does. */
export interface DroppedAggregate {
  /** Index of the Kinesis record. */
  record: number
  sequenceNumber: string | undefined
  reason: DeaggregateReason
  /** User records of it that were delivered: those before the one that has the reason. */
  delivered: number
}

/**
 * De-aggregates packed Kinesis records. The rows that come back point into the same heap: nothing
 * is copied, and nothing made for each record. Throws TypeError, RangeError for wrong arguments, and
 * MillraceError in mode `strict`.
 */
export function deaggregatePacked(batch: RecordBatch, options: DeaggregateOptions = {}): PackedUserRecords {
  return openPacked(batch, options, [])
}

/** The same, for who knows the sequence numbers. */
export function openPacked(batch: RecordBatch, options: DeaggregateOptions, sequenceNumbers: SequenceNumbers): PackedUserRecords {
  if (typeof batch !== 'object' || batch === null) throw wrongType('batch', 'packed records', batch)
  const checked = checkDeaggregate(options, batch.count)
  const e = engine()
  const rows = e.scope(() => ({ ...open(e, putBatch(e, batch), batch.count, checked, sequenceNumbers), heap: batch.heap }))
  tellDropped(rows, checked, sequenceNumbers)
  return rows
}

/** Of the Kinesis records, by index. */
type SequenceNumbers = readonly (string | undefined)[]
type Rows = Omit<PackedUserRecords, 'heap'>

/** Placed Kinesis records -> rows, copied out of the arena. Throws MillraceError with the flag STRICT. */
export function open(e: Engine, { heap, table }: Placed, count: number, { flags, ranges }: Checked, sequenceNumbers: SequenceNumbers): Rows {
  const { core } = e
  const cap = core.deaggregateSize(heap, table, count)
  if (cap === NO_MEMORY) throw outOfMemory(2 ** 31)
  const entries = e.words()[(core.report() >> 2) + 1]
  const range = ranges.length > 0 ? e.put(ranges) : 0
  const rows = e.reserve(cap * ROW_SIZE)
  const status = e.reserve(cap)
  const outcomes = e.reserve(count)
  const scratch = e.reserve(count * SCRATCH_OUTER + entries * SCRATCH_ENTRY)
  const made = core.deaggregate(heap, table, count, flags, range, ranges.length > 32 ? 32 : 0, rows, cap, status, outcomes, scratch, entries)
  if (made === BAD_INPUT) {
    const [, , offset, record, reason, indexes] = e.words().subarray(core.report() >> 2)
    throw notStrict(deaggregateReason(reason) as DeaggregateReason, { record, offset }, sequenceNumbers[record], indexes)
  }
  const bytes = e.bytes()
  return {
    count: made,
    table: e.words().slice(rows >> 2, (rows >> 2) + made * ROW_WORDS),
    status: bytes.slice(status, status + made),
    outcomes: bytes.slice(outcomes, outcomes + count),
  }
}

/** Calls onDropped for what mode `kcl` has dropped of the records that gave these rows. */
export function tellDropped({ count, table, outcomes }: Rows, { flags, onDropped }: Checked, sequenceNumbers: SequenceNumbers): void {
  if (!onDropped || !(flags & AS_KCL)) return
  let row = 0
  outcomes.forEach((outcome, record) => {
    const first = row
    while (row < count && table[row * ROW_WORDS + 6] === record) row++
    const reason = deaggregateReason(outcome)
    if (outcome & FROM_AGGREGATE && reason) onDropped({ record, sequenceNumber: sequenceNumbers[record], reason, delivered: row - first })
  })
}

/** What there should have been at the byte that an error of mode `strict` names. */
const EXPECTED: Record<DeaggregateReason, string> = {
  TRUNCATED: 'more than 16 bytes behind the magic of an aggregate',
  BAD_CHECKSUM: 'the MD5 of the bytes between the magic and here',
  BAD_PROTOBUF: 'a whole field of an AggregatedRecord, with all that it requires',
  NO_RECORDS: 'a user record in the aggregate',
  BAD_KEY_INDEX: 'a user record with a partition key index below',
  BAD_HASH_INDEX: 'a user record with an explicit hash key index below',
  BAD_HASH_KEY: 'a user record with a decimal integer as its explicit hash key',
  OUT_OF_RANGE: 'a user record with a hash key in the range of the shard',
  BAD_BASE64: 'a character of base64',
}

/** The error of mode `strict`; `indexes` is the length of the table where the reason is an index. */
export function notStrict(reason: DeaggregateReason, position: Position, sequenceNumber: string | undefined, indexes?: number): MillraceError {
  const limit = reason === 'BAD_KEY_INDEX' || reason === 'BAD_HASH_INDEX' ? ` ${indexes}` : ''
  const name = sequenceNumber === undefined ? '' : `sequence number ${sequenceNumber}, `
  return new MillraceError('BAD_INPUT', `${name}${reason}: expected ${EXPECTED[reason]}${limit}`, { position })
}

const MODES: Record<DeaggregateMode, number> = { keep: 0, kcl: AS_KCL, strict: STRICT }

/** Whether this is a mode, for the edges that take one. */
export const isMode = (value: unknown): value is DeaggregateMode => typeof value === 'string' && Object.hasOwn(MODES, value)

/** Throws TypeError, RangeError for options that are none. */
export function checkDeaggregate(options: DeaggregateOptions, count: number): Checked {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['mode', 'range', 'verify', 'onDropped'])
  const { mode = 'keep', range, verify = true, onDropped } = options
  if (!isMode(mode)) throw outOfRange('mode', '"keep", "kcl" or "strict"', mode)
  if (typeof verify !== 'boolean') throw wrongType('verify', 'true or false', verify)
  if (onDropped !== undefined && typeof onDropped !== 'function') throw wrongType('onDropped', 'a function', onDropped)
  const list = range === undefined ? [] : Array.isArray(range) ? range : [range]
  if (Array.isArray(range) && list.length !== count) throw outOfRange('range.length', `${count}, as many as records`, list.length)
  const ranges = new Uint8Array(32 * list.length)
  const view = new DataView(ranges.buffer)
  list.forEach((one: HashKeyRange, i) => {
    const label = Array.isArray(range) ? `range[${i}]` : 'range'
    if (typeof one !== 'object' || one === null) throw wrongType(label, 'an object with StartingHashKey and EndingHashKey', one)
    const first = parseHashKey(one.StartingHashKey, `${label}.StartingHashKey`)
    const last = parseHashKey(one.EndingHashKey, `${label}.EndingHashKey`)
    if (first > last) throw outOfRange(`${label}.EndingHashKey`, `at least the StartingHashKey ${first}`, last)
    view.setBigUint64(32 * i, first >> 64n)
    view.setBigUint64(32 * i + 8, first & 0xffffffffffffffffn)
    view.setBigUint64(32 * i + 16, last >> 64n)
    view.setBigUint64(32 * i + 24, last & 0xffffffffffffffffn)
  })
  return { flags: MODES[mode] | (verify ? VERIFY : 0), ranges, onDropped }
}

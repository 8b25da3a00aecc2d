// What is put into a stream, checked, and the records that it is.
import { outOfRange, wrongType } from '../../errors.js'
import { deaggregate } from '../../kinesis/aggregates/user-records.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import type { Taken } from './taken.js'

/** A record to put; bytes alone are one, too. */
export interface DeliveryInput {
  data: Uint8Array
  /** Milliseconds since the epoch, of the years 1 to 9999; default: now. */
  arrival?: number | undefined
  /** Of a record of a Kinesis stream. */
  partitionKey?: string | undefined
  sequenceNumber?: string | undefined
  shardId?: string | undefined
}

/** Names of objects have four digits for the year, and the calendar ends soon behind what these leave out. */
const ARRIVAL = { least: -62_135_596_800_000, most: 253_402_300_799_999 }

/** A record as it is put. */
export type Given = Uint8Array | DeliveryInput

/** What a put is given, checked. */
export interface Inputs {
  records: readonly Given[]
  /** Of all of them. */
  bytes: number
  /** Whether they are data alone, with nothing that tells one from the other. */
  bare: boolean
}

export const dataOf = (record: Given): Uint8Array => (record instanceof Uint8Array ? record : record.data)

const isBare = (record: Given): boolean => record instanceof Uint8Array || record.arrival === undefined

/** Throws TypeError or RangeError. `most`: bytes of a record. */
export function checkRecord(record: unknown, most: number): Inputs {
  const bytes = sizeOf(record, -1, most)
  return { records: [record as Given], bytes, bare: isBare(record as Given) }
}

export function checkBatch(records: unknown, most: number): Inputs {
  if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
  const { putRecordBatchCount: count, putRecordBatchBytes: limit } = FIREHOSE_LIMITS
  if (records.length < 1 || records.length > count.value) throw outOfRange('records', `1 to ${count.value} records`, records.length)
  let bytes = 0
  let bare = true
  for (let i = 0; i < records.length; i++) {
    const record: unknown = records[i]
    if (record instanceof Uint8Array && record.length <= most) bytes += record.length
    else {
      bytes += sizeOf(record, i, most)
      bare &&= isBare(record as Given)
    }
  }
  if (bytes > limit.value) throw outOfRange('records', `at most ${limit.value} bytes together`, bytes)
  return { records, bytes, bare }
}

/** `index`: in its batch; -1 of a record that is alone. */
function sizeOf(record: unknown, index: number, most: number): number {
  const label = () => (index < 0 ? 'record' : `records[${index}]`)
  const data: unknown = record instanceof Uint8Array ? record : (record as DeliveryInput | null | undefined)?.data
  if (!(data instanceof Uint8Array)) throw wrongType(label(), 'a Uint8Array, or an object with data', record)
  if (data.length > most) throw new RangeError(`"${label()}" expected at most ${most} bytes, got ${data.length}`)
  if (record === data) return data.length
  const { arrival, partitionKey, sequenceNumber, shardId } = record as DeliveryInput
  for (const [name, value] of Object.entries({ partitionKey, sequenceNumber, shardId }))
    if (value !== undefined && typeof value !== 'string') throw wrongType(`${label()}.${name}`, 'text', value)
  if (arrival !== undefined && !(typeof arrival === 'number' && arrival >= ARRIVAL.least && arrival <= ARRIVAL.most))
    throw wrongType(`${label()}.arrival`, 'milliseconds since the epoch, of the years 1 to 9999', arrival)
  return data.length
}

/**
 * Bytes of memory that some records share. An allocation for each small one costs as much again as the record; of much
 * more, a record that waits for its partition would keep all that came with it.
 */
export const SLAB = 64 * 1024

/** The records with bytes of their own; `now`: the arrival of those that name none. */
export function takenOf({ records, bytes }: Inputs, now: number): Taken[] {
  let left = bytes
  let slab = new Uint8Array(0)
  let used = 0
  return records.map((record) => {
    const input = record instanceof Uint8Array ? undefined : record
    const given = dataOf(record)
    const { length } = given
    if (used + length > slab.length) {
      slab = new Uint8Array(Math.max(length, Math.min(left, SLAB)))
      used = 0
    }
    const data = slab.subarray(used, used + length)
    data.set(given)
    used += length
    left -= length
    const taken: Taken = { data, original: data, arrival: Math.floor(input?.arrival ?? now) }
    if (input === undefined) return taken
    const { partitionKey, sequenceNumber, shardId } = input
    return { ...taken, partitionKey, sequenceNumber, shardId }
  })
}

/** A user record lies within its aggregate: of a large one it gets bytes of its own, as a record of a batch does. */
function ownData(data: Uint8Array, aggregate: Uint8Array): Pick<Taken, 'data' | 'original'> {
  const own = aggregate.length > SLAB ? data.slice() : data
  return { data: own, original: own }
}

/** Those of a KPL aggregate, with the record's own sequence number; any other record as it is. */
export function userRecords(record: Taken): Taken[] {
  const { data, partitionKey, sequenceNumber } = record
  const opened = deaggregate([{ Data: data, PartitionKey: partitionKey ?? '', SequenceNumber: sequenceNumber ?? '' }])
  return opened.map((user) =>
    user.aggregated ? { ...record, ...ownData(user.data, data), partitionKey: user.partitionKey, subSequenceNumber: user.subSequenceNumber } : record,
  )
}

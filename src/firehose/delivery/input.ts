// What is put into a stream, checked, and the records that it is.
import { outOfRange, wrongType } from '../../errors.js'
import { deaggregate } from '../../kinesis/aggregates/user-records.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import type { Taken } from './taken.js'

/** A record to put; bytes alone are one, too. */
export interface DeliveryInput {
  data: Uint8Array
  /** Milliseconds since the epoch; default: now. */
  arrival?: number | undefined
  /** Of a record of a Kinesis stream. */
  partitionKey?: string | undefined
  sequenceNumber?: string | undefined
  shardId?: string | undefined
}

/** Throws TypeError or RangeError. `most`: bytes of a record. */
export function readInput(record: unknown, label: string, most: number): DeliveryInput {
  const input = (record instanceof Uint8Array ? { data: record } : record) as DeliveryInput
  if (!(input?.data instanceof Uint8Array)) throw wrongType(label, 'a Uint8Array, or an object with data', record)
  if (input.data.length > most) throw new RangeError(`"${label}" expected at most ${most} bytes, got ${input.data.length}`)
  const { arrival } = input
  if (arrival !== undefined && !(typeof arrival === 'number' && Math.abs(arrival) <= 8.64e15))
    throw wrongType(`${label}.arrival`, 'milliseconds since the epoch', arrival)
  return input
}

export function readBatch(records: unknown, most: number): DeliveryInput[] {
  if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
  const { putRecordBatchCount: count, putRecordBatchBytes: bytes } = FIREHOSE_LIMITS
  if (records.length < 1 || records.length > count.value) throw outOfRange('records', `1 to ${count.value} records`, records.length)
  const inputs = records.map((record, i) => readInput(record, `records[${i}]`, most))
  const size = inputs.reduce((sum, { data }) => sum + data.length, 0)
  if (size > bytes.value) throw outOfRange('records', `at most ${bytes.value} bytes together`, size)
  return inputs
}

/**
 * Bytes of memory that some records share. An allocation for each small one costs as much again as the record; of much
 * more, a record that waits for its partition would keep all that came with it.
 */
const SLAB = 64 * 1024

/** The records with bytes of their own. */
export function copied(inputs: readonly DeliveryInput[]): DeliveryInput[] {
  let left = inputs.reduce((sum, { data }) => sum + data.length, 0)
  let slab = new Uint8Array(0)
  let used = 0
  return inputs.map((input) => {
    const { length } = input.data
    if (used + length > slab.length) {
      slab = new Uint8Array(Math.max(length, Math.min(left, SLAB)))
      used = 0
    }
    const data = slab.subarray(used, used + length)
    data.set(input.data)
    used += length
    left -= length
    return { ...input, data }
  })
}

/** Those of a KPL aggregate, with the record's own sequence number; any other record as it is. */
export function userRecords(record: Taken): Taken[] {
  const { data, partitionKey, sequenceNumber } = record
  const opened = deaggregate([{ Data: data, PartitionKey: partitionKey ?? '', SequenceNumber: sequenceNumber ?? '' }])
  return opened.map((user) =>
    user.aggregated ? { ...record, data: user.data, original: user.data, partitionKey: user.partitionKey, subSequenceNumber: user.subSequenceNumber } : record,
  )
}

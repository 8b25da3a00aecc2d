// An answer with records as the client gives it -> records that can be relied on. A proxy that answers in place of the
// service must not look like the end of a shard, nor a record without its data like one that has been read.
import { wrongType } from '../../errors.js'
import { unusable } from './listing.js'
import type { GetRecordsResult, StreamRecord } from './service.js'

/** An answer of GetRecords. Throws what `unusable` gives, whatever a getter throws. */
export function readResult(answer: unknown): GetRecordsResult {
  try {
    if (typeof answer !== 'object' || answer === null) throw wrongType('answer', 'an object with Records', answer)
    const { Records, NextShardIterator: next, MillisBehindLatest } = answer as Record<string, unknown>
    if (next !== undefined && next !== null && (typeof next !== 'string' || next === '')) throw wrongType('NextShardIterator', 'text, or none', next)
    return { Records: recordsOf(Records), NextShardIterator: next, MillisBehindLatest: millisecondsOf(MillisBehindLatest) }
  } catch (error) {
    throw unusable(error)
  }
}

/** The records of an event of SubscribeToShard, which may have none. Throws as readResult. */
export function readEventRecords(event: { Records?: unknown }): StreamRecord[] {
  try {
    const { Records } = event
    return Records === undefined || Records === null ? [] : recordsOf(Records)
  } catch (error) {
    throw unusable(error)
  }
}

function recordsOf(records: unknown): StreamRecord[] {
  if (!Array.isArray(records)) throw wrongType('Records', 'an array of records', records)
  for (let i = 0; i < records.length; i++) {
    const record: Partial<StreamRecord> | null | undefined = records[i]
    if (typeof record !== 'object' || record === null) throw wrongType(`Records[${i}]`, 'an object', record)
    const { SequenceNumber, Data, PartitionKey, ApproximateArrivalTimestamp } = record
    if (typeof SequenceNumber !== 'string' || !/^\d+$/.test(SequenceNumber)) throw wrongType(`Records[${i}].SequenceNumber`, 'decimal digits', SequenceNumber)
    // Text would be quoted, and is payload.
    if (!(Data instanceof Uint8Array)) throw new TypeError(`"Records[${i}].Data" expected bytes, got ${typeof Data}`)
    if (typeof (PartitionKey ?? '') !== 'string') throw wrongType(`Records[${i}].PartitionKey`, 'text, or none', PartitionKey)
    if (!((ApproximateArrivalTimestamp ?? NEVER) instanceof Date))
      throw wrongType(`Records[${i}].ApproximateArrivalTimestamp`, 'a Date, or none', ApproximateArrivalTimestamp)
  }
  return records
}

const NEVER = new Date(0)

const millisecondsOf = (value: unknown): number | undefined => (typeof value === 'number' && value >= 0 ? value : undefined)

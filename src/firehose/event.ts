// The Lambda contract of a Firehose data transformation, as types of our own that match those of
// @types/aws-lambda, and the one place that reads events: leniently, as the published ones differ.
import { fromBase64 } from '../engine/base64.js'
import { wrongType } from '../errors.js'

// Optional fields may be undefined: so a handler fits @types/aws-lambda under exactOptionalPropertyTypes too.
export interface FirehoseEventRecord {
  recordId: string
  /** Milliseconds since the epoch; some published events have ISO 8601 text. */
  approximateArrivalTimestamp?: number | string | undefined
  /** Base64. */
  data?: string | undefined
  /** Base64; in place of `data` where the source is MSK. */
  kafkaRecordValue?: string | undefined
  kinesisRecordMetadata?:
    | {
        shardId?: string | undefined
        partitionKey?: string | undefined
        approximateArrivalTimestamp?: number | string | undefined
        sequenceNumber?: string | undefined
        subsequenceNumber?: string | number | undefined
      }
    | undefined
}

export interface FirehoseEvent {
  invocationId?: string | undefined
  deliveryStreamArn?: string | undefined
  sourceKinesisStreamArn?: string | undefined
  region?: string | undefined
  records: FirehoseEventRecord[]
}

/** What a record may do in an Iceberg table. */
export const OPERATIONS = ['insert', 'update', 'delete'] as const

export interface FirehoseMetadata {
  /** For dynamic partitioning: what `!{partitionKeyFromLambda:NAME}` becomes in the prefix. */
  partitionKeys: Record<string, string>
  /** For Iceberg tables: where the record goes and what it does there. */
  otfMetadata?: { destinationDatabaseName?: string; destinationTableName?: string; operation?: (typeof OPERATIONS)[number] }
}

export interface FirehoseResponseRecord {
  recordId: string
  result: 'Ok' | 'Dropped' | 'ProcessingFailed'
  /** Base64. */
  data?: string
  metadata?: FirehoseMetadata
}

export interface FirehoseResponse {
  records: FirehoseResponseRecord[]
}

/** One record of an event, read: its bytes once it is decoded, or why there are none. */
export interface Arrived {
  recordId: string
  /** The text as it stood; undefined where it was none. */
  text: string | undefined
  data: Uint8Array | undefined
  fault: string | undefined
  record: FirehoseEventRecord
  partitionKey: string | undefined
  /** How often it was put into its stream again. */
  rounds: number
}

/** Checks what no answer is possible without; decodes nothing. Throws TypeError. */
export function readEvent(event: unknown): Arrived[] {
  if (typeof event !== 'object' || event === null) throw wrongType('event', 'a Firehose transformation event', event)
  const { records } = event as { records?: unknown }
  if (!Array.isArray(records)) throw wrongType('event.records', 'an array', records)
  const arrived: Arrived[] = []
  // unlike map() it passes over no hole
  for (let i = 0; i < records.length; i++) arrived.push(readRecord(records[i], i))
  return arrived
}

function readRecord(record: FirehoseEventRecord, i: number): Arrived {
  if (typeof record !== 'object' || record === null) throw wrongType(`event.records[${i}]`, 'an object', record)
  const { recordId } = record
  if (typeof recordId !== 'string') throw wrongType(`event.records[${i}].recordId`, 'a string', recordId)
  const text: unknown = record.data ?? record.kafkaRecordValue
  const given = typeof text === 'string'
  const fault = given ? undefined : wrongType('data', 'base64 text', text).message
  const key: unknown = record.kinesisRecordMetadata?.partitionKey
  const partitionKey = typeof key === 'string' ? key : undefined
  return { recordId, text: given ? text : undefined, data: undefined, fault, record, partitionKey, rounds: 0 }
}

/** Where each recordId is, in the order in which they first come. */
export function placesOf(records: readonly { recordId: string }[]): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const [i, { recordId }] of records.entries()) {
    const own = places.get(recordId)
    if (own) own.push(i)
    else places.set(recordId, [i])
  }
  return places
}

/** With its bytes, or why it has none. Base64 is read leniently. */
export function decoded(arrived: Arrived): Arrived {
  if (arrived.text === undefined) return arrived
  try {
    return { ...arrived, data: fromBase64(arrived.text, 'lenient') }
  } catch (error) {
    return { ...arrived, fault: (error as Error).message }
  }
}

/** Milliseconds since the epoch from either shape; undefined where it is neither. */
export function arrivalTime(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : value
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined
}

// Kinesis records in every form in which services and tools hand them over, read to one.
import { wrongType } from '../../errors.js'
import type { DeaggregateReason } from './deaggregate.js'

/** A record of GetRecords or SubscribeToShard (AWS SDK v3), or of their JSON, where Data is base64. */
export interface KinesisRecord {
  Data: Uint8Array | string | undefined
  /** Absent on streams with RecordDistributionStrategy AUTO. */
  PartitionKey?: string | undefined
  ExplicitHashKey?: string | undefined
  SequenceNumber?: string | undefined
}

/** A record of a Lambda event from Kinesis. */
export interface KinesisEventRecord {
  kinesis: SplitFields & { data: string | Uint8Array }
}

/**
 * A user record of an aggregate that somebody has opened: one of our own, of the KCL's MultiLangDaemon, of
 * aws-kinesis-agg. It has a subSequenceNumber, and is passed as it is.
 */
export interface SplitRecord extends SplitFields {
  data: string | Uint8Array
  subSequenceNumber: number
}

interface SplitFields {
  partitionKey?: string | undefined
  explicitHashKey?: string | undefined
  sequenceNumber?: string | undefined
  subSequenceNumber?: number | undefined
  aggregated?: boolean | undefined
  reason?: DeaggregateReason | undefined
}

type Records = readonly (KinesisRecord | KinesisEventRecord | SplitRecord)[]

/**
 * Records in an array, or what has them as `Records`: a Lambda event, an answer of GetRecords (of the SDK, of
 * the AWS command line), an event of SubscribeToShard, with or without its name around it.
 */
export type KinesisRecords = Records | { Records: Records | undefined } | { SubscribeToShardEvent?: { Records: Records | undefined } | undefined }

/** A record, whatever form it had. */
export interface Outer {
  data: Uint8Array | string
  key: string | undefined
  hash: string | undefined
  sequence: string | undefined
  /** Of a record that is split already. */
  split: { item: number; aggregated: boolean; reason: DeaggregateReason | undefined } | undefined
}

/** Throws TypeError for what has none of the forms. */
export function readRecords(source: KinesisRecords): Outer[] {
  const event = member(source, 'SubscribeToShardEvent') ?? source
  const records = Array.isArray(event) ? event : member(event, 'Records')
  if (!Array.isArray(records)) throw wrongType('records', 'an array of Kinesis records, or an event or answer with Records', source)
  // Not map(): it passes over holes.
  return Array.from(records, readRecord)
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

function readRecord(record: KinesisRecord | KinesisEventRecord | SplitRecord, i: number): Outer {
  if (typeof record === 'object' && record !== null) {
    if ('Data' in record) {
      const data = bytesOf(record.Data)
      if (data !== undefined) return { data, key: record.PartitionKey, hash: record.ExplicitHashKey, sequence: record.SequenceNumber, split: undefined }
    }
    const inner = 'kinesis' in record ? record.kinesis : record
    if (typeof inner === 'object' && inner !== null && 'data' in inner && (inner !== record || typeof inner.subSequenceNumber === 'number')) {
      const { partitionKey, explicitHashKey, sequenceNumber, subSequenceNumber: item, aggregated = Number(item) > 0, reason } = inner
      const data = bytesOf(inner.data)
      const split = typeof item === 'number' ? { item, aggregated, reason } : undefined
      if (data !== undefined) return { data, key: partitionKey, hash: explicitHashKey, sequence: sequenceNumber, split }
    }
  }
  throw wrongType(`records[${i}]`, 'a Kinesis record with Data, an event record with kinesis.data, or a user record with data and subSequenceNumber', record)
}

// Bytes that went through JSON.stringify are {"type":"Buffer","data":[1,2]} or {"0":1,"1":2}.
function bytesOf(data: unknown): Uint8Array | string | undefined {
  if (typeof data === 'string' || data instanceof Uint8Array) return data
  if (typeof data !== 'object' || data === null || Object.getPrototypeOf(data) !== Object.prototype) return undefined
  const buffer = member(data, 'type') === 'Buffer' ? member(data, 'data') : undefined
  const list: unknown = buffer ?? (Object.keys(data).every((key, i) => key === String(i)) ? Object.values(data) : undefined)
  const isByte = (byte: unknown) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) <= 255
  return Array.isArray(list) && list.every(isByte) ? Uint8Array.from(list) : undefined
}

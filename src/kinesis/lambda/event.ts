// The Lambda contract of a Kinesis event source, as types of our own that match those of @types/aws-lambda,
// and the one place that reads events.
import { wrongType } from '../../errors.js'
import type { KinesisEventRecord } from '../aggregates/kinesis-record.js'

// Optional fields may be undefined: so a handler fits @types/aws-lambda under exactOptionalPropertyTypes too.
/** A record of a Lambda event from Kinesis, as the service hands it over. */
export interface KinesisSourceRecord extends KinesisEventRecord {
  kinesis: KinesisEventRecord['kinesis'] & {
    /** Base64. */
    data: string
    sequenceNumber: string
    /** Seconds since the epoch, with a fraction. */
    approximateArrivalTimestamp?: number | undefined
  }
  /** The shard's id, a colon, the sequence number. */
  eventID?: string | undefined
  eventSource?: string | undefined
  eventSourceARN?: string | undefined
}

export interface KinesisEvent {
  Records: KinesisSourceRecord[]
}

/** The event of a mapping with tumbling windows. */
export interface KinesisWindowEvent extends KinesisEvent {
  /** ISO 8601. */
  window: { start: string; end: string }
  /** What the invocation before has answered; empty or absent in a new window. */
  state?: Record<string, unknown> | undefined
  isFinalInvokeForWindow?: boolean | undefined
  isWindowTerminatedEarly?: boolean | undefined
}

export interface KinesisResponse {
  /** Where to begin again in each shard; empty where all is done. */
  batchItemFailures: { itemIdentifier: string }[]
  /** Where the event has a window. */
  state?: Record<string, unknown>
}

export interface KinesisWindowResponse extends KinesisResponse {
  state: Record<string, unknown>
}

/** What of a Lambda context is used. */
export interface LambdaContext {
  getRemainingTimeInMillis?: (() => number) | undefined
}

/** Digits: Kinesis has up to 129 (API reference, SequenceNumber). */
const SEQUENCE = /^\d{1,129}$/

/** Checks what no answer is possible without. Throws TypeError. */
export function readEvent(event: unknown): KinesisSourceRecord[] {
  if (typeof event !== 'object' || event === null) throw wrongType('event', 'a Kinesis event', event)
  const { Records } = event as { Records?: unknown }
  if (!Array.isArray(Records)) throw wrongType('event.Records', 'an array of Kinesis records', Records)
  for (let i = 0; i < Records.length; i++) {
    const record: Partial<KinesisSourceRecord> | null | undefined = Records[i]
    const label = `event.Records[${i}]`
    if (typeof record !== 'object' || record === null) throw wrongType(label, 'an object', record)
    const { eventSource = 'aws:kinesis', eventID = '', eventSourceARN = '' } = record
    if (eventSource !== 'aws:kinesis') throw wrongType(`${label}.eventSource`, '"aws:kinesis"', eventSource)
    if (typeof eventID !== 'string') throw wrongType(`${label}.eventID`, 'a string', eventID)
    if (typeof eventSourceARN !== 'string') throw wrongType(`${label}.eventSourceARN`, 'a string', eventSourceARN)
    const kinesis: Partial<KinesisSourceRecord['kinesis']> | null | undefined = record.kinesis
    if (typeof kinesis !== 'object' || kinesis === null) throw wrongType(`${label}.kinesis`, 'an object', kinesis)
    const { data, sequenceNumber, partitionKey } = kinesis
    if (typeof data !== 'string') throw wrongType(`${label}.kinesis.data`, 'base64 text', data)
    if (typeof sequenceNumber !== 'string' || !SEQUENCE.test(sequenceNumber))
      throw wrongType(`${label}.kinesis.sequenceNumber`, 'decimal digits', sequenceNumber)
    // JSON has null for what is absent.
    if (typeof (partitionKey ?? '') !== 'string') throw wrongType(`${label}.kinesis.partitionKey`, 'a string, or none', partitionKey)
  }
  return Records
}

/** The shard that a record came from; '' where it does not say. */
export function shardIdOf({ eventID = '' }: KinesisSourceRecord): string {
  return eventID.slice(0, Math.max(eventID.lastIndexOf(':'), 0))
}

/** A stream's shard, of one stream or of several. */
export const placeOf = (record: KinesisSourceRecord): string => `${record.eventSourceARN ?? ''}:${shardIdOf(record)}`

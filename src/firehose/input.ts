// What a user's function is given: one user record, decoded as far as it asks.

import { jsonOf, textOf } from '../kinesis/payload.js'
import { arrivalTime, type FirehoseEventRecord } from './event.js'

/** What CloudWatch Logs says of a log event beside its message. */
export interface LogEvent {
  owner: string
  logGroup: string
  logStream: string
  id: string
  /** Milliseconds since the epoch. */
  timestamp: number
}

/** A record to transform: one of the event, or one of those in it: a user record of an aggregate, a log event, a JSON value of several. */
export class FirehoseInput {
  /** The payload. */
  readonly data: Uint8Array
  /** Of the event's record. */
  readonly recordId: string
  /** The event's record as it came. */
  readonly source: FirehoseEventRecord
  /** Its own one in an aggregate, else that of the Kinesis record; undefined where the source is no Kinesis stream. */
  readonly partitionKey: string | undefined
  /** Zero-based in an aggregate; else undefined. */
  readonly subSequenceNumber: number | undefined
  /** Where the payload is the message of a log event. */
  readonly log: LogEvent | undefined

  constructor(data: Uint8Array, source: FirehoseEventRecord, partitionKey: string | undefined, subSequenceNumber: number | undefined, log?: LogEvent) {
    this.data = data
    this.recordId = source.recordId
    this.source = source
    this.partitionKey = partitionKey
    this.subSequenceNumber = subSequenceNumber
    this.log = log
  }

  /** The payload as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return textOf(this.data)
  }

  /** The payload parsed as JSON. Throws SyntaxError, whose message quotes nothing of the payload. */
  json(): unknown {
    return jsonOf(this.data)
  }

  /** When Firehose or Kinesis took the record, in milliseconds since the epoch. */
  get arrival(): number | undefined {
    return arrivalTime(this.source.approximateArrivalTimestamp)
  }

  get sequenceNumber(): string | undefined {
    return this.source.kinesisRecordMetadata?.sequenceNumber
  }
}

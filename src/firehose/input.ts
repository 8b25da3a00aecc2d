// What a user's function is given: one user record, decoded as far as it asks.

import { ROW_WORDS } from '../engine/batch.js'
import { FROM_AGGREGATE } from '../kinesis/aggregates/deaggregate.js'
import type { Outer } from '../kinesis/aggregates/kinesis-record.js'
import { type Make, makeRecords, openOuters } from '../kinesis/aggregates/user-records.js'
import { jsonOf, textOf } from '../kinesis/payload.js'
import { type Arrived, arrivalTime, type FirehoseEventRecord } from './event.js'

/** A record to transform: one of the event, or one user record of a KPL aggregate in it. */
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

  constructor(data: Uint8Array, source: FirehoseEventRecord, partitionKey: string | undefined, subSequenceNumber: number | undefined) {
    this.data = data
    this.recordId = source.recordId
    this.source = source
    this.partitionKey = partitionKey
    this.subSequenceNumber = subSequenceNumber
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

/** Each record of the event as its user records: those of the aggregate that it is, or itself. */
export function openAggregates(arrived: readonly Arrived[], deaggregate: boolean): FirehoseInput[][] {
  const inputs = arrived.map(({ data, record }) => (data ? [new FirehoseInput(data, record, record.kinesisRecordMetadata?.partitionKey, undefined)] : []))
  if (!deaggregate) return inputs
  const suspects = arrived.flatMap(({ data }, i) => (data && hasMagic(data) ? [i] : []))
  if (suspects.length === 0) return inputs

  const outers = suspects.map((i): Outer => {
    const [{ data, partitionKey: key }] = inputs[i]
    return { data, key, hash: undefined, sequence: undefined, split: undefined }
  })
  const opened = openOuters(outers, {})
  const make: Make<FirehoseInput> = (outer, key, _hash, within, at, size, place) =>
    new FirehoseInput(new Uint8Array(within.buffer as ArrayBuffer, at, size), arrived[suspects[outer]].record, key, place)
  for (let row = 0; row < opened.count; ) {
    const users: FirehoseInput[] = []
    const first = row
    row = makeRecords(opened, first, users, 0, make)
    // What only looks like an aggregate stays what it is.
    if (opened.status[first] & FROM_AGGREGATE) inputs[suspects[opened.table[ROW_WORDS * first + 6]]] = users
  }
  return inputs
}

/** F3 89 9A C2, the first bytes of every KPL aggregate. */
const hasMagic = (data: Uint8Array) => data.length > 4 && data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2

// What a user's function is given: one user record, decoded as far as it asks.
import type { DeaggregateReason } from '../aggregates/deaggregate.js'
import { jsonOf, textOf } from '../payload.js'
import { type KinesisSourceRecord, shardIdOf } from './event.js'

/** A record of a Kinesis event, or one user record of a KPL aggregate in it. */
export class KinesisInput {
  /** Its own one in an aggregate, else that of the Kinesis record; undefined where the stream has none (AUTO). */
  readonly partitionKey: string | undefined
  readonly explicitHashKey: string | undefined
  /** Place in the aggregate; 0 where the record is on its own. */
  readonly subSequenceNumber: number
  readonly aggregated: boolean
  /** Why it is not what it seems to be; see DeaggregateReason. */
  readonly reason: DeaggregateReason | undefined
  /** The event's record as it came. */
  readonly source: KinesisSourceRecord
  #within: Uint8Array
  readonly #at: number
  readonly #size: number

  /** The payload is the `size` bytes from `at` of the buffer that `within` is a view of. */
  constructor(
    source: KinesisSourceRecord,
    partitionKey: string | undefined,
    explicitHashKey: string | undefined,
    within: Uint8Array,
    at: number,
    size: number,
    subSequenceNumber: number,
    aggregated: boolean,
    reason: DeaggregateReason | undefined,
  ) {
    this.partitionKey = partitionKey
    this.explicitHashKey = explicitHashKey
    this.subSequenceNumber = subSequenceNumber
    this.aggregated = aggregated
    this.reason = reason
    this.source = source
    this.#within = within
    this.#at = at
    this.#size = size
  }

  /** The payload; a view of the Kinesis record's bytes, made at first use. */
  get data(): Uint8Array {
    const within = this.#within
    if (within.byteOffset === this.#at && within.length === this.#size) return within
    this.#within = new Uint8Array(within.buffer as ArrayBuffer, this.#at, this.#size)
    return this.#within
  }

  /** The payload as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return textOf(this.data)
  }

  /** The payload parsed as JSON. Throws SyntaxError, whose message quotes nothing of the payload. */
  json(): unknown {
    return jsonOf(this.data)
  }

  /** Of the Kinesis record; user records of one aggregate share it. */
  get sequenceNumber(): string {
    return this.source.kinesis.sequenceNumber
  }

  /** '' where the event does not say. */
  get shardId(): string {
    return shardIdOf(this.source)
  }

  /** When Kinesis took the record, in milliseconds since the epoch. */
  get arrival(): number | undefined {
    const seconds = this.source.kinesis.approximateArrivalTimestamp
    return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.round(1000 * seconds) : undefined
  }
}

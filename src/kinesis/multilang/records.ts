// Records as the KCL hands them over -> user records as a handler sees them.
import { fromBase64 } from '../../engine/base64.js'
import { kindOf, MillraceError } from '../../errors.js'
import type { DeaggregateReason } from '../aggregates/deaggregate.js'
import { hasMagic } from '../aggregates/magic.js'
import { deaggregate } from '../aggregates/user-records.js'
import type { ConsumedRecord } from '../consumer/batch.js'
import { jsonOf, textOf } from '../payload.js'

/** A user record that the KCL delivered; it has opened the aggregates. */
export class KclRecord implements ConsumedRecord {
  /** Undefined where the stream has none (AUTO). */
  readonly partitionKey: string | undefined
  /** The KCL does not pass it on. */
  readonly explicitHashKey = undefined
  readonly data: Uint8Array
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
  /** Told by the neighbours with the same sequence number: false for an aggregate of a single record, which the KPL never writes. */
  aggregated: boolean
  /** Why the KCL could not open what begins like an aggregate. */
  readonly reason: DeaggregateReason | undefined
  readonly shardId: string
  /** When Kinesis took the record, in milliseconds since the epoch. */
  readonly arrival: number | undefined

  /** `record`: of a processRecords message. Throws BAD_INPUT where it is malformed. */
  constructor(record: unknown, shardId: string) {
    if (typeof record !== 'object' || record === null) throw expected('a record', record)
    const { data, partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp } = record as Record<string, unknown>
    if (typeof sequenceNumber !== 'string') throw expected('a sequenceNumber as text', sequenceNumber)
    // A Long of the message class, and so perhaps null.
    const sub = subSequenceNumber ?? 0
    if (!Number.isSafeInteger(sub)) throw expected('a whole number as subSequenceNumber', sub)
    if (typeof data !== 'string' && data !== null) throw expected('data as base64', data)
    this.partitionKey = typeof partitionKey === 'string' ? partitionKey : undefined
    this.data = fromBase64(data ?? '')
    this.sequenceNumber = sequenceNumber
    this.subSequenceNumber = sub as number
    this.aggregated = this.subSequenceNumber > 0
    this.reason = this.aggregated ? undefined : whyRaw(this.data)
    this.shardId = shardId
    this.arrival = typeof approximateArrivalTimestamp === 'number' ? approximateArrivalTimestamp : undefined
  }

  /** The payload as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return textOf(this.data)
  }

  /** The payload parsed as JSON. Throws SyntaxError, whose message quotes nothing of the payload. */
  json(): unknown {
    return jsonOf(this.data)
  }
}

/** The records of a processRecords message, in order. Throws BAD_INPUT where it is malformed. */
export function readRecords(records: unknown, shardId: string): KclRecord[] {
  if (!Array.isArray(records)) throw expected('an array of records', records)
  const read: KclRecord[] = new Array(records.length)
  for (let i = 0; i < read.length; i++) {
    try {
      read[i] = new KclRecord(records[i], shardId)
    } catch (cause) {
      throw new MillraceError('BAD_INPUT', (cause as Error).message, { position: { source: `${shardId}: processRecords`, record: i }, cause })
    }
    if (i > 0 && read[i].subSequenceNumber > 0 && read[i - 1].sequenceNumber === read[i].sequenceNumber) read[i - 1].aggregated = true
  }
  return read
}

const expected = (what: string, got: unknown) => new MillraceError('BAD_INPUT', `expected ${what}, got ${kindOf(got)}`)

// A sound aggregate here was put as the data of a user record: opened, its records would have sub-sequence
// numbers that the KCL does not know, and none of them could be told as a checkpoint.
function whyRaw(data: Uint8Array): DeaggregateReason | undefined {
  if (!hasMagic(data)) return undefined
  const [first] = deaggregate([{ Data: data }])
  return first?.aggregated ? undefined : first?.reason
}

// What a user's function is given: one user record, decoded as far as it asks.

import { jsonFault } from '../errors.js'
import { deaggregatePacked, FROM_AGGREGATE } from '../kinesis/deaggregate.js'
import { type Arrived, arrivalTime, type FirehoseEventRecord } from './event.js'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

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
    return decoder.decode(this.data)
  }

  /** The payload parsed as JSON. Throws SyntaxError, whose message quotes nothing of the payload. */
  json(): unknown {
    try {
      return JSON.parse(this.text())
    } catch (error) {
      throw new SyntaxError(`expected JSON: ${jsonFault(error)}`)
    }
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

  const encoder = new TextEncoder()
  const keys = suspects.map((i) => encoder.encode(inputs[i][0].partitionKey ?? ''))
  const heap = new Uint8Array(suspects.reduce((sum, i, k) => sum + keys[k].length + arrived[i].data!.length, 0))
  const table = new Uint32Array(8 * suspects.length)
  let at = 0
  suspects.forEach((i, k) => {
    const data = arrived[i].data!
    heap.set(keys[k], at)
    heap.set(data, at + keys[k].length)
    table.set([at, keys[k].length, 0, 0xffffffff, at + keys[k].length, data.length, k, 0], 8 * k)
    at += keys[k].length + data.length
  })
  const opened = deaggregatePacked({ count: suspects.length, table, heap })
  const seen = new Set<number>()
  // Each key is read once: one of a megabyte that all records have would take all memory.
  const texts = new Map<number, string>()
  for (let row = 0; row < opened.count; row++) {
    const [keyAt, keySize, , , dataAt, dataSize, source, item] = opened.table.subarray(8 * row, 8 * row + 8)
    // What only looks like an aggregate stays what it is.
    if (!(opened.status[row] & FROM_AGGREGATE)) continue
    const i = suspects[source]
    if (!seen.has(i)) inputs[i] = []
    seen.add(i)
    const key = texts.get(keyAt) ?? decoder.decode(heap.subarray(keyAt, keyAt + keySize))
    texts.set(keyAt, key)
    inputs[i].push(new FirehoseInput(heap.slice(dataAt, dataAt + dataSize), arrived[i].record, key, item))
  }
  return inputs
}

/** F3 89 9A C2, the first bytes of every KPL aggregate. */
const hasMagic = (data: Uint8Array) => data.length > 4 && data[0] === 0xf3 && data[1] === 0x89 && data[2] === 0x9a && data[3] === 0xc2

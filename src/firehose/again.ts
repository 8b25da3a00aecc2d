// How often a record was put into its stream again for want of room in a response, carried in the record: where
// Firehose has it from PutRecord, in the tag of a KPL aggregate around it; where the source is a Kinesis stream, whose
// aggregates Firehose opens itself, in its partition key. Without it a batch that never fits would go round for ever, for
// which AWS withdrew its own blueprint (splunk-aws-project-trumpet, issue 48).
import { md5 } from '../engine/digest.js'
import { recordIdsOf, tagSingle } from '../kinesis/aggregates/record-ids.js'
import { deaggregate } from '../kinesis/aggregates/user-records.js'
import { KINESIS } from '../limits.js'
import type { Arrived } from './event.js'

/** The producer's name in the tag; its number is how often. */
const AGAIN = 'firehose-again'
const KEY = /^millrace-again-(\d{1,9})\//
const encoder = new TextEncoder()

/** The record without its mark, and how often it was put again. */
export function withoutMark(arrived: Arrived): Arrived {
  const { data, partitionKey } = arrived
  if (data === undefined && partitionKey === undefined) return arrived
  const [mark, times] = KEY.exec(partitionKey ?? '') ?? []
  if (mark !== undefined) return { ...arrived, partitionKey: partitionKey?.slice(mark.length), rounds: Number(times) }
  const marked = data && unmarked(data)
  return marked ? { ...arrived, ...marked } : arrived
}

/** What is in a record that is marked in its data; undefined where it is not. */
export function unmarked(data: Uint8Array): { data: Uint8Array; rounds: number } | undefined {
  const ids = recordIdsOf(data)
  if (ids?.producer !== AGAIN) return undefined
  const [{ data: inner, aggregated }] = deaggregate([{ Data: data }])
  return aggregated ? { data: inner, rounds: ids.numbers[0] ?? 0 } : undefined
}

/** For PutRecordBatch. */
export const markedData = (data: Uint8Array, rounds: number): Uint8Array =>
  tagSingle(encoder.encode('a'), undefined, data, { producer: AGAIN, numbers: Float64Array.of(rounds) })

export interface MarkedEntry {
  Data: Uint8Array
  PartitionKey: string
  /** Of the key without its mark: the record stays in its shard. */
  ExplicitHashKey: string
}

/** For PutRecords. A key of more than 233 characters loses its end. */
export function markedEntry(data: Uint8Array, partitionKey: string, rounds: number): MarkedEntry {
  const mark = `millrace-again-${rounds}/`
  const hash = md5(encoder.encode(partitionKey)).reduce((value, byte) => value * 256n + BigInt(byte), 0n)
  const key = [...partitionKey].slice(0, KINESIS.partitionKeyCharacters.value - mark.length).join('')
  return { Data: data, PartitionKey: mark + key, ExplicitHashKey: String(hash) }
}

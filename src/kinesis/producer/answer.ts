// What PutRecords has answered, read once and before anything comes of it: the client is somebody's own,
// and its answer may be any object at all.
import { type Fault, recordFault } from '../../ports/faults.js'
import type { PutRecordsResult } from '../service/service.js'

/** What became of one Kinesis record: where it is, or why it is nowhere. */
export type Reply = { fault: Fault } | { fault: undefined; shardId: string; sequenceNumber: string }

/** A reply for each of `count` records. Throws an Error, which stands for no answer, where the answer is none or throws itself. */
export function readAnswer(answer: { Records?: unknown } | null | undefined, count: number): Reply[] {
  let length: unknown
  let replies: Reply[] | undefined
  try {
    const records = answer?.Records as (PutRecordsResult | null | undefined)[] | undefined
    length = records?.length
    if (records && length === count) replies = Array.from({ length: count }, (_, i) => replyOf(records[i]))
  } catch (cause) {
    throw new Error('PutRecords answered what cannot be read', { cause })
  }
  if (!replies) throw new Error(`PutRecords answered ${typeof length === 'number' ? length : 'no'} results for ${count} records`)
  return replies
}

function replyOf(result: PutRecordsResult | null | undefined): Reply {
  const { ErrorCode, ErrorMessage, ShardId, SequenceNumber } = result ?? {}
  if (ErrorCode && typeof ErrorCode === 'string') return { fault: recordFault(ErrorCode, typeof ErrorMessage === 'string' ? ErrorMessage : '') }
  if (!ErrorCode && isText(ShardId) && isText(SequenceNumber)) return { fault: undefined, shardId: ShardId, sequenceNumber: SequenceNumber }
  return { fault: { kind: 'transient', code: 'InvalidResponse', message: 'no sequence number', uncertain: true, divisible: false } }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

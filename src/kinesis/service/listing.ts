// A ListShards answer as the client gives it -> shards that can be relied on. What is odd about it may pass: a
// proxy answers in place of the service, a server has just started, a list was made while it changed.
import { outOfRange, wrongType } from '../../errors.js'
import { formatHashKey, parseHashKey } from '../shards/hash-key.js'

export interface ShardDescription {
  ShardId: string
  ParentShardId?: string
  AdjacentParentShardId?: string
  HashKeyRange: { StartingHashKey: string; EndingHashKey: string }
  SequenceNumberRange: { StartingSequenceNumber: string; EndingSequenceNumber?: string }
}

/** An answer that cannot be used, and why. To faultOf it is transient: the service has refused nothing. */
export function unusable(error: unknown): Error {
  return Object.assign(new Error(error instanceof Error ? error.message : 'the answer cannot be read'), { name: 'InvalidResponse' })
}

/** One page: its shards, each field read once, and the token of the next page. Throws what `unusable` gives, whatever a getter throws. */
export function readPage(answer: unknown): { shards: ShardDescription[]; next: string | undefined } {
  try {
    if (typeof answer !== 'object' || answer === null) throw wrongType('answer', 'an object with Shards', answer)
    const { Shards, NextToken } = answer as { Shards?: unknown; NextToken?: unknown }
    if (!Array.isArray(Shards)) throw wrongType('Shards', 'an array of shards', Shards)
    return { shards: Shards.map(readShard), next: text('NextToken', NextToken) }
  } catch (error) {
    throw unusable(error)
  }
}

function readShard(item: unknown, i: number): ShardDescription {
  const label = `Shards[${i}]`
  const { ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange, SequenceNumberRange } = part<ShardDescription>(label, item)
  const id = text(`${label}.ShardId`, ShardId)
  if (!id) throw wrongType(`${label}.ShardId`, 'a shard id', ShardId)
  const { StartingHashKey, EndingHashKey } = part<ShardDescription['HashKeyRange']>(`${label}.HashKeyRange`, HashKeyRange)
  const start = parseHashKey(StartingHashKey, `${label}.HashKeyRange.StartingHashKey`)
  const end = parseHashKey(EndingHashKey, `${label}.HashKeyRange.EndingHashKey`)
  if (end < start) throw outOfRange(`${label}.HashKeyRange.EndingHashKey`, `at least its StartingHashKey ${start}`, end)
  const range = part<ShardDescription['SequenceNumberRange']>(`${label}.SequenceNumberRange`, SequenceNumberRange)
  const first = text(`${label}.SequenceNumberRange.StartingSequenceNumber`, range.StartingSequenceNumber) ?? ''
  const last = text(`${label}.SequenceNumberRange.EndingSequenceNumber`, range.EndingSequenceNumber)
  const parent = text(`${label}.ParentShardId`, ParentShardId)
  const adjacent = text(`${label}.AdjacentParentShardId`, AdjacentParentShardId)
  return {
    ShardId: id,
    ...(parent === undefined ? {} : { ParentShardId: parent }),
    ...(adjacent === undefined ? {} : { AdjacentParentShardId: adjacent }),
    HashKeyRange: { StartingHashKey: formatHashKey(start), EndingHashKey: formatHashKey(end) },
    SequenceNumberRange: { StartingSequenceNumber: first, ...(last === undefined ? {} : { EndingSequenceNumber: last }) },
  }
}

function part<T>(label: string, value: unknown): T {
  if (typeof value !== 'object' || value === null) throw wrongType(label, 'an object', value)
  return value as T
}

/** Text, or undefined where there is none: the SDK leaves an absent field out, other servers say null or ''. */
function text(label: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw wrongType(label, 'text', value)
  return value
}

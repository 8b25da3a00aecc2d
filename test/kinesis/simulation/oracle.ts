// What must hold of every simulated run. Each function gives what is wrong, or nothing.
import type { Consumer } from '../../../src/kinesis/consumer/consumer.js'
import type { DeadLetter } from '../../../src/kinesis/dead-letter.js'
import type { Outcome } from '../../../src/kinesis/producer/receipt.js'
import type { createFakeStream, FakeRecord } from '../fake.js'
import { usersIn } from '../kcl.js'

type FakeStream = ReturnType<typeof createFakeStream>

/** A record as the run put it: `id` is its place in the order of its key. */
export interface Put {
  id: number
  key: string
  hash: string | undefined
}

export interface Run {
  stream: FakeStream
  puts: Map<number, Put>
  outcomes: Map<number, Outcome[]>
  letters: DeadLetter[]
  ordered: boolean
}

const idOf = (data: string | Uint8Array) => Number((typeof data === 'string' ? data : new TextDecoder().decode(data)).split(':')[0])

/** Every record has one outcome; what is delivered is where it says; what is in the stream twice says so. */
export function conservation({ stream, puts, outcomes, letters }: Run): string | undefined {
  const users = usersIn(stream)
  const seen = new Map<number, number>()
  for (const { data } of users.all) seen.set(idOf(data), (seen.get(idOf(data)) ?? 0) + 1)
  for (const id of seen.keys()) if (!puts.has(id)) return `record ${id} is in the stream and was never put`
  const dead = new Map<number, number>()
  for (const { data } of letters) dead.set(idOf(data), (dead.get(idOf(data)) ?? 0) + 1)
  for (const id of puts.keys()) {
    const settled = outcomes.get(id) ?? []
    if (settled.length !== 1) return `record ${id} has ${settled.length} outcomes`
    const [outcome] = settled
    if (outcome.status === 'delivered') {
      const found = users.find(outcome.shardId, outcome.sequenceNumber, outcome.subSequenceNumber)
      if (!found) return `record ${id} is not at ${outcome.shardId} ${outcome.sequenceNumber} ${outcome.subSequenceNumber}`
      if (idOf(found.data) !== id) return `record ${id} is said to be where ${idOf(found.data)} is`
      if (!outcome.uncertain && seen.get(id) !== 1) return `record ${id} is in the stream ${seen.get(id)} times and does not say so`
      if (dead.has(id)) return `record ${id} is delivered and a dead letter`
    } else {
      if (!outcome.uncertain && seen.has(id)) return `record ${id} has failed (${outcome.code}) and is in the stream`
      if (dead.get(id) !== 1) return `record ${id} has failed (${outcome.code}) and is ${dead.get(id) ?? 'no'} dead letter`
      if (outcome.attempts !== letters.find(({ data }) => idOf(data) === id)?.attemptCount) return `record ${id}: its dead letter has other attempts`
    }
  }
  return undefined
}

/** Records of one key and hash key are first seen in the order they were put. */
export function order({ stream, puts, ordered }: Run): string | undefined {
  if (!ordered) return undefined
  const last = new Map<string, number>()
  const seen = new Set<number>()
  for (const { key, data } of usersIn(stream).inOrder()) {
    const id = idOf(data)
    if (seen.has(id)) continue
    seen.add(id)
    const line = `${key}\n${puts.get(id)?.hash ?? ''}`
    const before = last.get(line)
    if (before !== undefined && before > id) return `record ${id} of ${key} was stored after ${before}`
    last.set(line, id)
  }
  return undefined
}

/** A consumer of ours that drops what comes twice gives every delivered record once. */
export async function once({ outcomes }: Run, consumer: Consumer): Promise<string | undefined> {
  const seen = new Map<number, number>()
  for await (const { data } of consumer.records()) seen.set(idOf(data), (seen.get(idOf(data)) ?? 0) + 1)
  for (const [id, count] of seen) if (count > 1) return `record ${id} comes ${count} times after de-duplication`
  for (const [id, [outcome]] of outcomes) if (outcome.status === 'delivered' && !seen.has(id)) return `record ${id} is delivered and was dropped`
  return undefined
}

/** A shard as the producer knew it, and what it was sent. */
interface Bucket {
  start: bigint
  end: bigint
  at: number
  records: number
  bytes: number
}

/** Watches PutRecords requests: no shard that the producer knows is sent more than its buckets give. */
export function createBucketOracle(percent: number) {
  const most = { records: (1000 * percent) / 100, bytes: (1_048_576 * percent) / 100 }
  let buckets = new Map<string, Bucket>()
  let wrong: string | undefined
  return {
    get wrong() {
      return wrong
    },
    /** The producer has a new list of open shards. */
    know(shards: { ShardId: string; start: bigint; end: bigint }[], now: number) {
      const next = new Map<string, Bucket>()
      for (const { ShardId, start, end } of shards) next.set(ShardId, buckets.get(ShardId) ?? { start, end, at: now, ...most })
      buckets = next
    },
    sent(records: readonly FakeRecord[], now: number) {
      for (const { ExplicitHashKey, PartitionKey = '', Data } of records) {
        if (ExplicitHashKey === undefined) continue
        const hash = BigInt(ExplicitHashKey)
        const bucket = [...buckets.values()].find(({ start, end }) => start <= hash && hash <= end)
        if (!bucket) continue
        const size = Data.length + Buffer.byteLength(PartitionKey)
        const seconds = (now - bucket.at) / 1000
        bucket.at = now
        bucket.records = Math.min(most.records, bucket.records + most.records * seconds)
        bucket.bytes = Math.min(most.bytes, bucket.bytes + most.bytes * seconds)
        if (bucket.records < Math.min(1, most.records) - 1e-6 || bucket.bytes < Math.min(size, most.bytes - 1) - 1e-3)
          wrong ??= `at ${now} ms a shard was sent ${size} bytes with ${bucket.records} records and ${bucket.bytes} bytes left`
        bucket.records--
        bucket.bytes -= size
      }
    },
  }
}

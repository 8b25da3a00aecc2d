// A lease as an item of the KCL's lease table. Names and forms: DynamoDBLeaseSerializer and EntityType of
// amazon-kinesis-client 3.5.1, which is what KCL 2 writes too, with some attributes more.
import { MillraceError } from '../../errors.js'
import { isNumber, type Lease } from './checkpoint-store.js'

/** DynamoDB's AttributeValue, cut down to the kinds that a lease has. */
export interface AttributeValue {
  S?: string
  N?: string
  SS?: string[]
}

export type Item = Record<string, AttributeValue>

/** What a write changes of an item; undefined: the attribute is removed. All others stay as they are. */
export type Attributes = Record<string, AttributeValue | undefined>

const WORDS = new Set(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP', 'SHARD_END'])

/** A lease's attributes, without its key; `fresh` where there is no row yet. */
export function attributesOf({ owner, counter, checkpoint, timestamp, parents }: Lease, fresh: boolean): Attributes {
  return {
    leaseOwner: owner === undefined ? undefined : { S: owner },
    leaseCounter: { N: String(counter) },
    checkpoint: { S: checkpoint.sequenceNumber },
    checkpointSubSequenceNumber: { N: String(checkpoint.subSequenceNumber) },
    parentShardId: parents.length === 0 ? undefined : { SS: [...new Set(parents)] },
    millraceTimestamp: timestamp === undefined ? undefined : { N: String(timestamp) },
    // What a KCL had prepared, or was about to hand over, ends when another one takes its lease.
    pendingCheckpoint: undefined,
    pendingCheckpointSubSequenceNumber: undefined,
    pendingCheckpointState: undefined,
    checkpointOwner: undefined,
    // The KCL fails on a lease without the first, and tells leases by the second from the other rows that it has here.
    ...(fresh ? { ownerSwitchesSinceCheckpoint: { N: '0' }, entityType: { S: 'LEASE' } } : {}),
  }
}

/**
 * The lease of an item; undefined where it is another thing that the KCL keeps in the table. Throws CORRUPT,
 * naming table, row and attribute, for what is no lease, BAD_INPUT for one of a table with several streams.
 */
export function leaseOf(item: Item, table: string): Lease | undefined {
  const { leaseKey, entityType, streamName, leaseOwner, checkpoint, parentShardId } = item
  if (entityType !== undefined && entityType.S !== 'LEASE') return undefined
  const corrupt = (attribute: string, expected: string) => {
    const { S, N } = item[attribute] ?? {}
    return new MillraceError('CORRUPT', `lease ${leaseKey?.S}: expected "${attribute}" to be ${expected}, got ${S ?? N ?? 'none'}`, {
      position: { source: table },
    })
  }
  if (streamName !== undefined)
    throw new MillraceError('BAD_INPUT', `expected the leases of one stream, got one of ${streamName.S}: the table is a KCL's that reads several`, {
      position: { source: table },
    })
  const number = (attribute: string, fallback?: number): number => {
    const value = item[attribute] === undefined && fallback !== undefined ? fallback : Number(item[attribute]?.N ?? Number.NaN)
    if (!Number.isSafeInteger(value)) throw corrupt(attribute, 'a whole number below 2^53')
    return value
  }
  if (leaseKey?.S === undefined) throw corrupt('leaseKey', 'the id of a shard')
  const sequenceNumber = checkpoint?.S
  if (sequenceNumber === undefined || !(isNumber(sequenceNumber) || WORDS.has(sequenceNumber)))
    throw corrupt('checkpoint', `a sequence number or one of ${[...WORDS].join(', ')}`)
  return {
    shardId: leaseKey.S,
    checkpoint: { sequenceNumber, subSequenceNumber: number('checkpointSubSequenceNumber', 0) },
    timestamp: item.millraceTimestamp === undefined ? undefined : number('millraceTimestamp'),
    owner: leaseOwner?.S,
    counter: number('leaseCounter'),
    parents: parentShardId?.SS ?? [],
  }
}

/** Whether both say the same; parents are a set. */
export function sameLease(a: Lease, b: Lease): boolean {
  const text = ({ shardId, checkpoint, timestamp, owner, counter, parents }: Lease) =>
    JSON.stringify([shardId, checkpoint.sequenceNumber, checkpoint.subSequenceNumber, timestamp, owner, counter, [...new Set(parents)].sort()])
  return text(a) === text(b)
}

// A record as the stages of a stream hand it on.
import type { DeliveryRecord } from './record.js'

/** A record, with what its source and the Lambda tell of it. */
export interface Taken extends DeliveryRecord {
  /** Where the source is a Kinesis stream. */
  partitionKey?: string | undefined
  shardId?: string | undefined
  /** What the Lambda gave as `metadata.partitionKeys`. */
  lambdaKeys?: unknown
}

/** Bytes that a record, and a copy of it that the Lambda made, takes beside its own; measured in Node. */
const OVERHEAD = 250

/** Bytes of memory that a record holds. */
export const heldBytes = ({ data, original }: DeliveryRecord): number => OVERHEAD + data.length + (data === original ? 0 : OVERHEAD + original.length)

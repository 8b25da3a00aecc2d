// What a user gives to be a record processor of the KCL, and what its functions are told.
import type { BatchResult } from '../batch-result.js'
import type { Place } from '../consumer/batch.js'
import type { KclRecord } from './records.js'

export interface KclShard {
  readonly shardId: string
  /** Aborted when the shard is another worker's by now, which begins at the last checkpoint. */
  readonly signal: AbortSignal
}

export interface KclStart extends KclShard {
  /** The last checkpoint, behind which the records begin: a number, or TRIM_HORIZON, LATEST, AT_TIMESTAMP. */
  readonly sequenceNumber: string | undefined
  readonly subSequenceNumber: number | undefined
}

export interface KclContext extends KclShard {
  /**
   * Stores that all records of the shard up to and with this one are done; default: all that have been handed over.
   * Without a subSequenceNumber only the first of an aggregate is done. Rejects with RangeError for a place before the last checkpoint
   * or behind the batch, LEASE_LOST where the shard is another worker's by now, SERVICE where the lease
   * table cannot be written, CLOSED once the function that was given this context has returned.
   */
  checkpoint(record?: Place): Promise<void>
}

export interface KclBatchContext extends KclContext {
  /** How far the shard's newest record is ahead, as the service says. */
  readonly millisBehindLatest: number | undefined
}

/** The same as for `createKinesisBatchHandler`. Where it throws or returns records the batch is not done. */
export type KclRecordsHandler = (records: readonly KclRecord[], context: KclBatchContext) => BatchResult<KclRecord> | Promise<BatchResult<KclRecord>>

/** What the default export of `millrace kcl --module` may be, beside its `records` alone. Each may be async. */
export interface KclHandler {
  /** Records in order; those of a shard come behind those of its parents. */
  records: KclRecordsHandler
  initialize?(shard: KclStart): unknown
  /** The shard is another worker's by now. */
  leaseLost?(shard: KclShard): unknown
  /** No record follows; what is still held is to be done here, for the end of the shard is then stored. */
  shardEnded?(context: KclContext): unknown
  /** The daemon shuts down, or hands the shard to another worker; what is held is to be done here. */
  shutdownRequested?(context: KclContext): unknown
}

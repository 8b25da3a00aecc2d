// What the producer and its admission see of the pipeline.
import type { Refused } from '../dead-letter.js'
import type { Pack } from './pack.js'
import type { Ticket } from './receipt.js'
import type { SettledCounts } from './settler.js'

export interface ProducerMetrics extends SettledCounts {
  /** Accepted and not yet settled. */
  bufferedRecords: number
  /** As maxBufferedBytes counts. */
  bufferedBytes: number
  /** Times that a Kinesis record was sent once more, and times that it was throttled. */
  retried: number
  throttled: number
  /** PutRecords requests answered or failed. */
  requests: number
  /** Places in the spool's files, found when it was opened, where records may have been that cannot be read; the files are kept. */
  spoolDamaged: number
  /** Milliseconds since the acceptance of the oldest record that waits or is under way; 0 where none is. */
  oldest: number
}

export interface Pipeline {
  readonly metrics: ProducerMetrics
  /** Bytes that each record takes beside its row: none, unless it goes alone. */
  alone(): number
  /** Bytes of Kinesis records that wait or are under way, user records aside; with `more` about to come. */
  held(more: number): number
  /** Whether the pack is worth a drain(false). */
  readonly full: boolean
  /** Where accepted records go; another one after each drain. */
  readonly pack: Pack
  /** Takes rows of a pack of their own, which is the pipeline's from then on, as accepted after those that are here. */
  take(batch: Pack): void
  /** So many were put there; drains by itself once the pack is full or its time is up. */
  arrived(count: number): void
  /** So many places of the spool cannot be read. */
  damaged(places: number): void
  /** A record that is not accepted; a promise while a dead-letter sink takes it. */
  refuse(ticket: Ticket, index: number, letter: Refused): Promise<void> | undefined
  /** Folds the pack and sends it; unless `all`, aggregates that more could join stay. */
  drain(all: boolean): void
  /** Sends nothing any more: all that is not under way fails as ABORTED, and what is under way when it comes back. */
  abandon(): void
  /** Ends the looks for shards that are under way: nothing is left that needs them. */
  close(): void
}

// What the producer asks of a spool: accepted records on a device before put() resolves, until they
// have their outcomes. Who keeps them, and in what format, is the spool's own business.
import type { RecordBatch } from '../../types.js'

/** Records that a spool gives back, oldest first; `numbers[i]` is that of row i. */
export interface SpooledBatch {
  readonly numbers: Float64Array
  readonly records: RecordBatch
}

/**
 * A log of accepted records, open in one process at a time. Each record has a number: whole, from 0 on,
 * below 2^53, one higher than that of the record appended before it, and the same after a restart. Where a
 * device has lost bytes, numbers that may have stood in them are left out: given again, they would make
 * consumers take new records for old ones.
 *
 * Rows are those of the record table (RecordBatch): partition key, explicit hash key (size 0xffffffff
 * where there is none) and data, offsets into the heap. Rows and heap of an `append` may be reused once
 * its promise has settled, not before; those of a SpooledBatch belong to the producer.
 */
export interface Spool {
  /**
   * Names this log among all others, the same after every restart: 1 to 32 characters of A-Z a-z 0-9 _ -.
   * With a record's number it makes the stable id by which a consumer knows a record sent twice.
   */
  readonly id: string
  /** Bytes on the device for records that have not settled, framing included. */
  readonly bytes: number
  /** Places, found at opening, where records may have been and cannot be read; where there are any, their files are kept. */
  readonly damaged?: number
  /**
   * What was appended before this process opened the log and has not settled, in the order of the
   * numbers, read as it is asked for. Called once, before the first append, and read to its end or
   * left. Rejects with IO where the device fails; a torn tail is the end of the log.
   */
  replay(): AsyncIterable<SpooledBatch>
  /**
   * Appends all rows of the batch, behind those of every earlier call, and gives the number of its
   * first one once all are durable (fsynced, directory entries too). Calls may overlap, and those that
   * wait for one fsync share it. Waits, for as long as it takes, while the log is at its limit or the
   * device is full; the order of the calls holds all the same. Rejects with IO for what will not pass
   * (a failed write or fsync): then no row of the batch counts as accepted, and every later append
   * rejects too. Rejects with CLOSED where close() comes first. What was rejected may be replayed all the same, where
   * it had been written in part. A batch larger than the whole limit is let in alone, as the buffer's account does.
   */
  append(batch: RecordBatch): Promise<number>
  /**
   * These records have their outcomes and need never be replayed; any order, each number once. Returns at
   * once: that it is lost in a crash costs a duplicate, never a record. `numbers` may be reused after the call.
   */
  settle(numbers: Float64Array): void
  /** Makes all durable that settle() was told, and gives up the lock. No call may follow. */
  close(): Promise<void>
}

/**
 * Opens the log: takes its lock, finds the end of what is whole. `createProducer` calls it with its first
 * record, or at flush or close. Rejects with LOCKED where another process has it, CORRUPT where what
 * is there is no spool, IO where the device fails; each put then rejects with the same error.
 */
export type OpenSpool = () => Promise<Spool>

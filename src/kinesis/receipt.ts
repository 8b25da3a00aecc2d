// What became of a record: each accepted record gets exactly one outcome.
import type { Position } from '../errors.js'

/** The record is in the stream. */
export interface Delivered {
  status: 'delivered'
  shardId: string
  /** Of the Kinesis record that carries it; compare as BigInt. */
  sequenceNumber: string
  /** Its place in that record's aggregate; 0 where it is not aggregated. */
  subSequenceNumber: number
  /** How often it was sent. */
  attempts: number
  /** An earlier attempt may have been stored as well: the record may be in the stream twice. */
  uncertain: boolean
}

/** The record was given up. */
export interface Failed {
  status: 'failed'
  /** The service's error code, or one of ours: RECORD_TOO_LARGE, BAD_PARTITION_KEY, BAD_HASH_KEY, BAD_JSON, EXPIRED, ABORTED, SPOOLED (close() was told to stop, and the spool keeps it). */
  code: string
  message: string
  attempts: number
  /** It may be in the stream all the same: the answer to an attempt was lost. */
  uncertain: boolean
  /** Whether the dead-letter sink has taken it; absent where there is none. */
  deadLettered?: boolean
  /** Of a line of NDJSON: its zero-based number (`record`) and the offset of its first byte. */
  position?: Position
}

export type Outcome = Delivered | Failed

/** Of one record: `outcome` never rejects. */
export interface Receipt {
  readonly outcome: Promise<Outcome>
}

/** Of many records, in the order they were given. */
export interface BatchReceipt {
  readonly count: number
  /** When every record has its outcome. Never rejects. */
  readonly outcomes: Promise<BatchOutcomes>
}

/** Outcomes of a batch without one object a record; `at` makes the object for who asks. */
export interface BatchOutcomes {
  readonly count: number
  readonly delivered: number
  readonly failed: number
  at(record: number): Outcome
  /** The failed ones only. */
  failures(): Iterable<Failed & { record: number }>
}

/** An outcome without the sub-sequence number: one object serves all records of an aggregate. */
export type Settlement = Omit<Delivered, 'subSequenceNumber'> | Failed

/** Where the outcome of an accepted record goes. */
export interface Ticket {
  /** The flush that waits for it. */
  readonly epoch: number
  settle(index: number, settlement: Settlement, subSequenceNumber: number): void
}

const outcomeOf = (settlement: Settlement, subSequenceNumber: number): Outcome =>
  settlement.status === 'delivered' ? { ...settlement, subSequenceNumber } : settlement

/** Ticket and receipt of a single record. */
export function createReceipt(epoch: number): Ticket & Receipt {
  let resolve: (outcome: Outcome) => void
  const outcome = new Promise<Outcome>((done) => {
    resolve = done
  })
  return { epoch, outcome, settle: (_, settlement, sub) => resolve(outcomeOf(settlement, sub)) }
}

/** Ticket and receipt of a batch that grows while it is taken in; `close` once its count is known. */
export interface BatchTicket extends Ticket {
  /** Room for `count` records more; the index of the first one. */
  add(count?: number): number
  close(): BatchReceipt
}

export function createBatchTicket(epoch: number): BatchTicket {
  const settlements: (Settlement | undefined)[] = []
  let subs = new Uint32Array(256)
  let count = 0
  let delivered = 0
  let failed = 0
  let closed = false
  let resolve: (outcomes: BatchOutcomes) => void
  const outcomes = new Promise<BatchOutcomes>((done) => {
    resolve = done
  })
  const at = (record: number): Outcome => outcomeOf(settlements[record] as Settlement, subs[record])
  const finish = () => {
    if (!closed || delivered + failed < settlements.length) return
    resolve({
      count: settlements.length,
      delivered,
      failed,
      at(record) {
        if (!Number.isInteger(record) || record < 0 || record >= count)
          throw new RangeError(`"record" expected an index below ${settlements.length}, got ${record}`)
        return at(record)
      },
      *failures() {
        if (failed === 0) return
        for (let record = 0; record < settlements.length; record++) {
          const settlement = settlements[record] as Settlement
          if (settlement.status === 'failed') yield { ...settlement, record }
        }
      },
    })
  }
  return {
    epoch,
    add(more = 1) {
      const first = count
      count += more
      if (count > subs.length) {
        const longer = new Uint32Array(Math.max(2 * subs.length, count))
        longer.set(subs)
        subs = longer
      }
      settlements.length = count
      return first
    },
    settle(index, settlement, sub) {
      settlements[index] = settlement
      subs[index] = sub
      if (settlement.status === 'delivered') delivered++
      else failed++
      finish()
    },
    close() {
      closed = true
      finish()
      return { count: settlements.length, outcomes }
    },
  }
}

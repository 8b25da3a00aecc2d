// What became of a record: each accepted record gets exactly one outcome.
import type { Position } from '../../errors.js'

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
  /** How often it was sent; or, of one that has EXPIRED while the stream's shards were not known, how often they were asked for. */
  attempts: number
  /** It may be in the stream all the same: the answer to an attempt was lost. */
  uncertain: boolean
  /** Whether the dead-letter sink has taken it; absent where there is none. */
  deadLettered?: boolean
  /** Of a bad line of NDJSON: `record` as in the receipt, its line, from 1, and the offset of its first byte, within the bytes of its putNdjson. */
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
  /** The failed ones only; `record`: index in the batch, of NDJSON among the lines that are not blank. What `at` takes. */
  failures(): Iterable<Failed & { record: number }>
}

/** An outcome without the sub-sequence number: one object serves all records of an aggregate. */
export type Settlement = Omit<Delivered, 'subSequenceNumber'> | Failed

/** Where the outcome of an accepted record goes. */
export interface Ticket {
  /** The flush that waits for it. */
  readonly epoch: number
  /** What it takes for each of its records, beside the row. */
  readonly bytes: number
  settle(index: number, settlement: Settlement, subSequenceNumber: number): void
  /**
   * The same for rows[from, to) of a pack at once, whose `indices` these are: their places in `rows` are
   * their sub-sequence numbers where they share a Kinesis record.
   */
  settleRows(indices: Uint32Array, rows: ArrayLike<number>, from: number, to: number, settlement: Settlement, aggregated: boolean): void
}

/** What the ticket of a single record takes, its promise included. Measured: 225 bytes of heap each (Node 20). */
const TICKET_BYTES = 256

const outcomeOf = (settlement: Settlement, subSequenceNumber: number): Outcome =>
  settlement.status === 'delivered' ? { ...settlement, subSequenceNumber } : settlement

/** Ticket and receipt of a single record. */
export class SingleTicket implements Ticket, Receipt {
  readonly epoch: number
  readonly bytes = TICKET_BYTES
  readonly outcome: Promise<Outcome>
  #resolve!: (outcome: Outcome) => void

  constructor(epoch: number) {
    this.epoch = epoch
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  settle(_index: number, settlement: Settlement, sub: number): void {
    this.#resolve(outcomeOf(settlement, sub))
  }

  settleRows(_indices: Uint32Array, _rows: ArrayLike<number>, from: number, _to: number, settlement: Settlement, aggregated: boolean): void {
    this.#resolve(outcomeOf(settlement, aggregated ? from : 0))
  }
}

/** Ticket and receipt of a batch that grows while it is taken in; `close` once its count is known. */
export interface BatchTicket extends Ticket {
  /** Room for `count` records more; the index of the first one. */
  add(count?: number): number
  close(): BatchReceipt
}

export function createBatchTicket(epoch: number): BatchTicket {
  /** One serves many records: an array with a pointer for each is what the garbage collector would have to mark. */
  const settlements: Settlement[] = []
  /** For each record the index of its settlement, and its sub-sequence number. */
  let places = new Uint32Array(512)
  let count = 0
  let delivered = 0
  let failed = 0
  let closed = false
  let resolve: (outcomes: BatchOutcomes) => void
  const outcomes = new Promise<BatchOutcomes>((done) => {
    resolve = done
  })
  const at = (record: number): Outcome => outcomeOf(settlements[places[2 * record]], places[2 * record + 1])
  const settled = (settlement: Settlement, records: number) => {
    if (settlement.status === 'delivered') delivered += records
    else failed += records
    finish()
  }
  const finish = () => {
    if (!closed || delivered + failed < count) return
    resolve({
      count,
      delivered,
      failed,
      at(record) {
        if (!Number.isInteger(record) || record < 0 || record >= count) throw new RangeError(`"record" expected an index below ${count}, got ${record}`)
        return at(record)
      },
      *failures() {
        if (failed === 0) return
        for (let record = 0; record < count; record++) {
          const settlement = settlements[places[2 * record]]
          if (settlement.status === 'failed') yield { ...settlement, record }
        }
      },
    })
  }
  return {
    epoch,
    bytes: 0,
    add(more = 1) {
      const first = count
      count += more
      if (2 * count > places.length) {
        const longer = new Uint32Array(Math.max(2 * places.length, 2 * count))
        longer.set(places)
        places = longer
      }
      return first
    },
    settle(index, settlement, sub) {
      places[2 * index] = settlements.push(settlement) - 1
      places[2 * index + 1] = sub
      settled(settlement, 1)
    },
    settleRows(indices, rows, from, to, settlement, aggregated) {
      const place = settlements.push(settlement) - 1
      const own = places
      for (let i = from; i < to; i++) {
        const at = 2 * indices[rows[i]]
        own[at] = place
        own[at + 1] = aggregated ? i : 0
      }
      settled(settlement, to - from)
    },
    close() {
      closed = true
      finish()
      return { count, outcomes }
    },
  }
}

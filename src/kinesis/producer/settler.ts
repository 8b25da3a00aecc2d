// What became of records, told to all who wait for it: dead letters, tickets, the buffer's account, the counts.
import { ROW_WORDS } from '../../engine/batch.js'
import { KINESIS } from '../../limits.js'
import type { Clock, Random } from '../../ports/ports.js'
import { bury, type DeadLetter, type DeadLetterSink, type Refused } from '../dead-letter.js'
import { attemptsOf, join, type Past } from '../service/attempt.js'
import type { Account } from './account.js'
import { sizeOfRows } from './intake.js'
import type { Outer } from './outer.js'
import type { Pack } from './pack.js'
import type { Delivered, Failed, Ticket } from './receipt.js'
import type { Telemetry } from './telemetry.js'

export interface SettledCounts {
  /** User records taken into the buffer; what was refused is none of them. */
  accepted: number
  delivered: number
  /** Given up or refused. */
  failed: number
  /** Failed records that the dead-letter sink has taken. */
  deadLettered: number
  /** Failed records that the spool keeps for the next producer. */
  spooled: number
  /** Delivered, but perhaps twice: an earlier attempt may have been stored. */
  uncertain: number
  /** Kinesis records stored, their bytes (keys included) and PUT payload units of 25 KB. */
  kinesisRecords: number
  kinesisBytes: number
  payloadUnits: number
  /** PUT payload units of the delivered user records, had each been put alone. */
  userPayloadUnits: number
}

export interface Settler {
  readonly counts: SettledCounts
  /** A Kinesis record is in the stream, whatever that means for its user records. */
  stored(outer: Outer, shardId: string): void
  deliver(outer: Outer, shardId: string, sequenceNumber: string): void
  /** Gives up these rows of a pack; `past`: what they have met beside what the pack knows. */
  fail(pack: Pack, rows: ArrayLike<number>, past: Past | undefined, code: string, message: string): void
  /** Leaves these rows to the spool, which has them: not dead letters, not released. */
  suspend(pack: Pack, rows: ArrayLike<number>): void
  /** A record that was not accepted; a promise while the dead-letter sink takes it. */
  refuse(ticket: Ticket, index: number, letter: Refused): Promise<void> | undefined
}

export interface SettlerOptions {
  account: Account
  clock: Clock
  random: Random
  deadLetter: DeadLetterSink | undefined
  /** Milliseconds to wait for the dead-letter sink. */
  requestTimeout: number
  telemetry: Telemetry
  /** These records, by number, have their outcomes; absent where nobody keeps them. */
  released: ((numbers: Float64Array) => void) | undefined
}

/** Which word of a row of the record table is the size of the data. */
const DATA_SIZE = 5

/** Units of rows, had each been put alone. */
function unitsOfRows(table: Uint32Array, rows: ArrayLike<number>): number {
  let units = rows.length
  for (let i = 0; i < rows.length; i++) {
    const size = table[ROW_WORDS * rows[i] + DATA_SIZE]
    if (size > KINESIS.payloadUnitBytes.value) units += unitsOf(size) - 1
  }
  return units
}

const unitsOf = (bytes: number) => Math.max(1, Math.ceil(bytes / KINESIS.payloadUnitBytes.value))

export function createSettler({ account, clock, random, deadLetter, requestTimeout, telemetry, released }: SettlerOptions): Settler {
  const counts: SettledCounts = {
    accepted: 0,
    delivered: 0,
    failed: 0,
    deadLettered: 0,
    spooled: 0,
    uncertain: 0,
    kinesisRecords: 0,
    kinesisBytes: 0,
    payloadUnits: 0,
    userPayloadUnits: 0,
  }

  // Neighbours mostly come from one put.
  const free = (pack: Pack, rows: ArrayLike<number>) => {
    const { tickets, owners } = pack
    for (let i = 0; i < rows.length; ) {
      let owner = owners[rows[i]]
      const { epoch } = tickets[owner]
      const first = i
      for (; i < rows.length; i++) {
        if (owners[rows[i]] === owner) continue
        owner = owners[rows[i]]
        if (tickets[owner].epoch !== epoch) break
      }
      account.remove(epoch, sizeOfRows(pack, rows, first, i), i - first)
    }
    pack.leave(rows.length)
  }

  // One for all: an array of its own for each Kinesis record is a buffer outside of the heap.
  let done = new Float64Array(0)
  const release = (pack: Pack, rows: ArrayLike<number>) => {
    if (released) {
      const { numbers } = pack
      if (done.length < rows.length) done = new Float64Array(2 * rows.length)
      for (let i = 0; i < rows.length; i++) done[i] = numbers[rows[i]]
      released(done.subarray(0, rows.length))
    }
    free(pack, rows)
  }

  return {
    counts,
    stored(outer, shardId) {
      const units = unitsOf(outer.entry.Data.length)
      counts.kinesisRecords++
      counts.kinesisBytes += outer.bytes
      counts.payloadUnits += units
      telemetry.stored(shardId, outer.bytes, units, clock.monotonic() - outer.since)
    },
    deliver({ rows, pack, aggregated, past }, shardId, sequenceNumber) {
      const shared = settlementOf(past, shardId, sequenceNumber)
      const { table, tickets, owners, indices } = pack
      counts.delivered += rows.length
      counts.userPayloadUnits += unitsOfRows(table, rows)
      if (pack.pasts) {
        for (let i = 0; i < rows.length; i++) {
          const before = pack.past(rows[i])
          const settlement = before ? settlementOf(join(before, past), shardId, sequenceNumber) : shared
          if (settlement.uncertain) counts.uncertain++
          tickets[owners[rows[i]]].settle(indices[rows[i]], settlement, aggregated ? i : 0)
        }
      } else {
        if (shared.uncertain) counts.uncertain += rows.length
        for (let i = 0; i < rows.length; ) {
          const owner = owners[rows[i]]
          const first = i++
          while (i < rows.length && owners[rows[i]] === owner) i++
          tickets[owner].settleRows(indices, rows, first, i, shared, aggregated)
        }
      }
      telemetry.settled(rows.length)
      release(pack, rows)
    },
    fail(pack, rows, past, code, message) {
      const settle = (deadLettered?: boolean) => {
        for (let i = 0; i < rows.length; i++) {
          const all = join(pack.past(rows[i]), past)
          counts.failed++
          if (deadLettered) counts.deadLettered++
          const failed: Failed = { status: 'failed', code, message, attempts: all?.count ?? 0, uncertain: all?.uncertain ?? false }
          pack.tickets[pack.owners[rows[i]]].settle(pack.indices[rows[i]], deadLettered === undefined ? failed : { ...failed, deadLettered }, 0)
        }
        telemetry.settled(rows.length, code)
        release(pack, rows)
      }
      if (rows.length === 0) return
      if (!deadLetter) return settle()
      const letters = Array.from(rows, (row) => letterOf(pack, row, join(pack.past(row), past), code, message))
      void bury(deadLetter, letters, clock, random, requestTimeout).then(settle)
    },
    suspend(pack, rows) {
      for (let i = 0; i < rows.length; i++) {
        const past = pack.past(rows[i])
        counts.failed++
        counts.spooled++
        const message = 'not sent by this producer: the spool has it for the next one'
        pack.tickets[pack.owners[rows[i]]].settle(
          pack.indices[rows[i]],
          { status: 'failed', code: 'SPOOLED', message, attempts: past?.count ?? 0, uncertain: past?.uncertain ?? false },
          0,
        )
      }
      free(pack, rows)
    },
    refuse(ticket, index, letter) {
      const { code, message, position } = letter
      const settle = (deadLettered?: boolean) => {
        counts.failed++
        if (deadLettered) counts.deadLettered++
        telemetry.settled(1, code)
        const failed: Failed = { status: 'failed', code, message, attempts: 0, uncertain: false, ...(position ? { position } : {}) }
        ticket.settle(index, deadLettered === undefined ? failed : { ...failed, deadLettered }, 0)
      }
      if (!deadLetter) {
        settle()
        return undefined
      }
      return bury(deadLetter, [{ ...letter, uncertain: false, attemptCount: 0, attempts: [] }], clock, random, requestTimeout).then(settle)
    },
  }
}

const settlementOf = (past: Past | undefined, shardId: string, sequenceNumber: string): Omit<Delivered, 'subSequenceNumber'> => ({
  status: 'delivered',
  shardId,
  sequenceNumber,
  attempts: (past?.count ?? 0) + 1,
  uncertain: past?.uncertain ?? false,
})

function letterOf(pack: Pack, row: number, past: Past | undefined, code: string, message: string): DeadLetter {
  const hash = pack.hash(row)
  return {
    partitionKey: pack.key(row),
    ...(hash === undefined ? {} : { explicitHashKey: hash }),
    data: pack.data(row).slice(),
    code,
    message,
    uncertain: past?.uncertain ?? false,
    attemptCount: past?.count ?? 0,
    attempts: attemptsOf(past),
  }
}

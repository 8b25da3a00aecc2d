// One event under way: its user records one after the other, which of them are done, and what becomes of
// those that fail.
import { ROW_WORDS } from '../../engine/batch.js'
import { inform, isThenable, MillraceError, messageOf, wrongType } from '../../errors.js'
import { readRecords } from '../aggregates/kinesis-record.js'
import { type Make, makeRecords, type OpenedRecords, openOuters } from '../aggregates/user-records.js'
import type { Deadline } from './deadline.js'
import type { KinesisSourceRecord } from './event.js'
import { KinesisInput } from './input.js'
import type { KinesisDeadLetter, KinesisFailure, Settings } from './options.js'

export class Job {
  readonly records: readonly KinesisSourceRecord[]
  readonly opened: OpenedRecords
  /** By row, as all that follows: 1 where the record needs nothing more. */
  readonly done: Uint8Array
  /** How often it has failed, this time included. */
  readonly attempts = new Map<number, number>()
  /** Given up in this invocation. */
  readonly buried = new Set<number>()
  /** Under way. */
  readonly flying = new Map<number, KinesisInput>()
  /** Of the record that take() gave last. */
  row = -1
  /** The answer is being made: what ends from now on changes nothing. */
  stopped = false
  readonly #settings: Settings
  readonly #deadline: Deadline
  readonly #make: Make<KinesisInput>
  // The user records of one Kinesis record, made together: they share the text of their keys.
  readonly #made: KinesisInput[] = []
  #first = 0
  #next = 0
  #at = 0

  constructor(records: readonly KinesisSourceRecord[], settings: Settings, deadline: Deadline) {
    this.records = records
    this.#settings = settings
    this.#deadline = deadline
    // With `strict` each record fails by itself (refuse), not the event.
    this.opened = openOuters(readRecords(records), {
      mode: settings.mode === 'kcl' ? 'kcl' : 'keep',
      onDropped: ({ record, reason }) =>
        this.tell({
          reason: 'kcl',
          message: `${reason}: the KCL drops this aggregate, or the rest of it`,
          sequenceNumber: records[record].kinesis.sequenceNumber,
        }),
    })
    this.done = new Uint8Array(this.opened.count)
    this.#make = (outer, key, hash, within, at, size, place, aggregated, reason) =>
      new KinesisInput(records[outer], key ?? undefined, hash, within, at, size, place, aggregated, reason)
  }

  /** The Kinesis record of a row, by its index in the event. */
  outerOf(row: number): number {
    return this.opened.table[row * ROW_WORDS + 6]
  }

  /** The next record that is not done, in the event's order; its row is `row`. */
  take(): KinesisInput | undefined {
    for (;;) {
      if (this.#first + this.#at === this.#next) {
        if (this.#next === this.opened.count) return undefined
        this.#first = this.#next
        this.#at = 0
        this.#next = makeRecords(this.opened, this.#first, this.#made, 0, this.#make)
      }
      this.row = this.#first + this.#at
      const record = this.#made[this.#at++]
      if (this.done[this.row] === 0) return record
    }
  }

  /** Whether nothing may be begun any more. */
  ended(): boolean {
    return this.stopped || this.#deadline.passed()
  }

  /** Ends it: what is under way has failed. */
  stop(): void {
    this.stopped = true
    for (const [row, record] of this.flying) {
      this.#count(row)
      this.tell({ reason: 'deadline', message: 'not done when the invocation had to answer', record })
    }
  }

  /**
   * Hands the record to `handle`, unless it is refused before. Whether it is done; no promise where nothing
   * waits.
   */
  run(record: KinesisInput, row: number, handle: (record: KinesisInput) => unknown): true | Promise<boolean> {
    const refused = this.refuse(record, row)
    if (refused) return refused
    try {
      const value = handle(record)
      if (isThenable(value)) return this.#settle(record, row, value)
    } catch (error) {
      return this.fail(record, row, error)
    }
    this.done[row] = 1
    return true
  }

  /** Undefined where the record is one to handle; else it failed too often, or is corrupt. Whether it is done now. */
  refuse(record: KinesisInput, row: number): undefined | Promise<boolean> {
    const { deadLetter, maxAttempts, mode } = this.#settings
    const times = this.attempts.get(row)
    if (deadLetter && times !== undefined && times >= maxAttempts) {
      return this.#bury(record, row, 'MAX_ATTEMPTS', `failed in ${times} invocations`)
    }
    if (mode !== 'strict' || record.reason === undefined) return undefined
    return this.fail(record, row, new MillraceError('CORRUPT', `${record.reason}: not what it seems to be`, { position: { source: placeName(record) } }))
  }

  /** Waits for what a function has begun. Rejects as it does. */
  async settled<T>(record: KinesisInput, row: number, value: PromiseLike<T>): Promise<T> {
    this.flying.set(row, record)
    try {
      return await value
    } finally {
      if (!this.stopped) this.flying.delete(row)
    }
  }

  async #settle(record: KinesisInput, row: number, value: PromiseLike<unknown>): Promise<boolean> {
    try {
      await this.settled(record, row, value)
    } catch (error) {
      return this.fail(record, row, error)
    }
    if (this.stopped) return false
    this.done[row] = 1
    return true
  }

  /** A record has failed. Whether it is done all the same, as a dead letter. Never rejects. */
  async fail(record: KinesisInput, row: number, cause: unknown): Promise<boolean> {
    if (this.stopped) return false
    this.tell({ reason: 'handler', message: messageOf(cause), cause, record })
    const times = this.#count(row)
    const { deadLetter, maxAttempts, isPoison } = this.#settings
    if (!deadLetter) return false
    try {
      if (times < maxAttempts && !isTrue(isPoison?.(cause, record))) return false
    } catch (error) {
      this.tell({ reason: 'deadLetter', message: `isPoison: ${messageOf(error)}`, cause: error, record })
      return false
    }
    return this.#bury(record, row, codeOf(cause), messageOf(cause))
  }

  /** A call with many records has failed, none of which is known to be the reason. */
  failAll(cause: unknown): void {
    if (!this.stopped) this.tell({ reason: 'handler', message: messageOf(cause), cause })
  }

  #count(row: number): number {
    const times = (this.attempts.get(row) ?? 0) + 1
    this.attempts.set(row, times)
    return times
  }

  async #bury(record: KinesisInput, row: number, code: string, message: string): Promise<boolean> {
    const { partitionKey = '', explicitHashKey, data, shardId, sequenceNumber, subSequenceNumber } = record
    const letter: KinesisDeadLetter = {
      partitionKey,
      ...(explicitHashKey === undefined ? {} : { explicitHashKey }),
      data,
      code,
      message,
      uncertain: false,
      attemptCount: this.attempts.get(row) ?? 0,
      attempts: [],
      shardId,
      sequenceNumber,
      subSequenceNumber,
    }
    try {
      await this.#settings.deadLetter?.([letter])
    } catch (cause) {
      if (!this.stopped) this.tell({ reason: 'deadLetter', message: messageOf(cause), cause, record })
      return false
    }
    if (this.stopped) return false
    this.buried.add(row)
    this.done[row] = 1
    return true
  }

  tell(failure: KinesisFailure): void {
    const sequenceNumber = failure.sequenceNumber ?? failure.record?.sequenceNumber
    inform(() => this.#settings.onFailure?.(sequenceNumber === undefined ? failure : { ...failure, sequenceNumber }))
  }
}

/** A promise would count as true, and each record as poison. */
function isTrue(answer: unknown): boolean {
  if (!isThenable(answer)) return Boolean(answer)
  // Nobody waits for it.
  answer.then(undefined, () => {})
  throw wrongType('isPoison', 'to return true or false', answer)
}

function codeOf(thrown: unknown): string {
  try {
    const { code, name } = thrown as { code?: unknown; name?: unknown }
    return typeof code === 'string' ? code : typeof name === 'string' ? name : 'UNKNOWN'
  } catch {
    return 'UNKNOWN'
  }
}

const placeName = ({ shardId, sequenceNumber, subSequenceNumber }: KinesisInput) => `${shardId} ${sequenceNumber}/${subSequenceNumber}`

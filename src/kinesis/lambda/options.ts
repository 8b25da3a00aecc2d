// What the handlers of a Kinesis event source have in common: options, and what their functions are told.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import { systemClock } from '../../ports/system.js'
import { type DeaggregateMode, isMode } from '../aggregates/deaggregate.js'
import type { DeadLetter } from '../dead-letter.js'
import type { LambdaContext } from './event.js'
import type { KinesisInput } from './input.js'
import { memoryProgress, type ProgressStore } from './progress.js'

/** What stands beside the records. */
export interface KinesisContext {
  /** Aborts once the invocation answers because its time is over: what is not done by then counts as not done. */
  readonly signal: AbortSignal
  /** As Lambda gave it; cast it to its Context. */
  readonly lambda: LambdaContext | undefined
}

/** A user record that is given up. `attempts` is empty: between invocations only their number is kept. */
export interface KinesisDeadLetter extends DeadLetter {
  /** '' where the stream has none (AUTO). */
  partitionKey: string
  shardId: string
  sequenceNumber: string
  subSequenceNumber: number
}

export interface KinesisFailure {
  /**
   * `handler`: the function threw, rejected, or named the record; in mode `strict` it was never called.
   * `deadline`: it was at work on the record when the invocation had to answer. `deadLetter`: the sink failed,
   * or `isPoison`. `progress`: the store did; nothing is lost by that but what it remembers. `kcl`: in mode
   * `kcl`, what the KCL drops was dropped.
   */
  reason: 'handler' | 'deadline' | 'deadLetter' | 'progress' | 'kcl'
  /** For people; has the message of what was thrown, and nothing of the payload but what that has. */
  message: string
  /** What was thrown. */
  cause?: unknown
  /** Absent where it is not one record that failed. */
  record?: KinesisInput
  /** Of the Kinesis record, where it is one. */
  sequenceNumber?: string
}

/** Options of every handler. */
export interface KinesisHandlerOptions {
  /**
   * `keep` (default): every record is handled; one that is not what it seems to be has a `reason`. `kcl`: what
   * the KCL drops is dropped and told to `onFailure`. `strict`: a record with a `reason` fails, with CORRUPT.
   */
  mode?: DeaggregateMode | undefined
  /**
   * Whether the event source mapping has ReportBatchItemFailures among its FunctionResponseTypes; default true,
   * and then it must have it: without it Lambda ignores the answer, and what was not done is lost. With false
   * the handler rejects with NOT_DONE unless everything is done, and Lambda sends the whole event again.
   */
  reportBatchItemFailures?: boolean | undefined
  /**
   * Where it is kept what is done behind the returned sequence number, so that the retry leaves it out, and how
   * often a record has failed. Default: this container's memory, which a retry mostly but not always meets
   * again.
   */
  progress?: ProgressStore | undefined
  /**
   * Milliseconds before the end of the invocation at which it answers with what is done; default 500: for a
   * store's write and the answer some tens, the rest for a busy container. Where less than twice as much is
   * left at its start, half of that.
   */
  deadlineMargin?: number | undefined
  /**
   * Takes records that are given up, so that they do not block their shard. Once it has resolved they count as
   * done; while it fails they stay failed.
   */
  deadLetter?: ((letters: readonly KinesisDeadLetter[]) => void | Promise<void>) | undefined
  /**
   * Failed invocations after which a record is given up; default 3. Needs `deadLetter`, and a `progress` that
   * remembers. One that was at work at the deadline has failed too.
   */
  maxAttempts?: number | undefined
  /** Told of everything that goes wrong; without it nobody is: nothing is logged. What it throws is ignored. */
  onFailure?: ((failure: KinesisFailure) => void) | undefined
  /** The clock; default: the system's. */
  ports?: { clock: Clock } | undefined
}

/** Options where a failure is one record's own. */
export interface KinesisRecordOptions extends KinesisHandlerOptions {
  /**
   * Whether a record is given up at once, by what the function threw: `(error) => error instanceof
   * SyntaxError`. Needs `deadLetter`.
   */
  isPoison?: ((error: unknown, record: KinesisInput) => boolean) | undefined
}

export const HANDLER_KEYS = [
  'mode',
  'reportBatchItemFailures',
  'progress',
  'deadlineMargin',
  'deadLetter',
  'maxAttempts',
  'onFailure',
  'ports',
] satisfies (keyof KinesisHandlerOptions)[]

/** The same with its defaults. */
export interface Settings {
  mode: DeaggregateMode
  report: boolean
  progress: ProgressStore
  margin: number
  deadLetter: KinesisHandlerOptions['deadLetter']
  maxAttempts: number
  isPoison: KinesisRecordOptions['isPoison']
  onFailure: KinesisHandlerOptions['onFailure']
  clock: Clock
}

/** Throws TypeError and RangeError for wrong options. */
export function checkHandlerOptions(options: KinesisRecordOptions, keys: readonly string[]): Settings {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, keys)
  const { mode = 'keep', reportBatchItemFailures = true, deadlineMargin = 500, deadLetter, maxAttempts = 3, isPoison, onFailure } = options
  const { progress = memoryProgress(), ports = { clock: systemClock } } = options
  if (!isMode(mode)) throw outOfRange('mode', '"keep", "kcl" or "strict"', mode)
  if (typeof reportBatchItemFailures !== 'boolean') throw wrongType('reportBatchItemFailures', 'true or false', reportBatchItemFailures)
  for (const method of ['get', 'set', 'delete'] as const) {
    if (typeof progress?.[method] !== 'function') throw wrongType('progress', 'a store with get, set and delete', progress)
  }
  checkWhole('deadlineMargin', deadlineMargin, 0, Number.POSITIVE_INFINITY)
  checkWhole('maxAttempts', maxAttempts, 1, Number.POSITIVE_INFINITY)
  for (const [label, value] of Object.entries({ deadLetter, isPoison, onFailure })) {
    if (value !== undefined && typeof value !== 'function') throw wrongType(label, 'a function', value)
  }
  if (deadLetter === undefined && (options.maxAttempts !== undefined || isPoison)) {
    throw wrongType('deadLetter', 'a function that takes what maxAttempts or isPoison give up', deadLetter)
  }
  if (typeof ports?.clock?.sleep !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  return { mode, report: reportBatchItemFailures, progress, margin: deadlineMargin, deadLetter, maxAttempts, isPoison, onFailure, clock: ports.clock }
}

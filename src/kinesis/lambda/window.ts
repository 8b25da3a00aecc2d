// Tumbling windows: a state that Lambda hands from one invocation of a window to the next.
import { checkKeys, isThenable, MillraceError, messageOf, wrongType } from '../../errors.js'
import { LAMBDA_LIMITS } from '../../limits.js'
import { type KinesisWindowEvent, type KinesisWindowResponse, type LambdaContext, readEvent } from './event.js'
import type { KinesisInput } from './input.js'
import { invoke } from './invoke.js'
import type { Job } from './job.js'
import { checkHandlerOptions, HANDLER_KEYS, type KinesisContext, type KinesisRecordOptions } from './options.js'

export interface KinesisWindowContext extends KinesisContext {
  /** ISO 8601. */
  readonly start: string
  readonly end: string
  /** Whether this is the window's last invocation. */
  readonly isFinal: boolean
  /** Whether Lambda ends the window before its time. */
  readonly isTerminatedEarly: boolean
}

export interface KinesisWindow<State extends object> {
  /** The state of a window that begins. */
  initial: () => State
  /** Gives the state with one record more; may change the one that it is given. A state is what JSON keeps of it. */
  onRecord: (state: State, record: KinesisInput, context: KinesisWindowContext) => State | Promise<State>
  /**
   * Called once all records of a window are in its state. Where it fails the handler rejects, and Lambda sends
   * the last event again.
   */
  onWindowEnd: (state: State, context: KinesisWindowContext) => unknown
}

/** Assignable to KinesisStreamTumblingWindowHandler of @types/aws-lambda. */
export type KinesisWindowHandler = (event: KinesisWindowEvent, context?: LambdaContext) => Promise<KinesisWindowResponse>

/**
 * The handler of a mapping with a tumbling window: `onRecord` takes each user record into the window's state,
 * one after the other, and `onWindowEnd` gets the state at the end.
 *
 * The answer always has a state. Where a record fails it is the one before that Kinesis record, which the retry
 * begins with: so each record is in the state once, however often it is handled. To that end the state is made
 * JSON before each Kinesis record: keep it small. A poison record is given up, and left out by the retry. An
 * empty state is taken for a new window.
 *
 * Throws TypeError and RangeError for wrong arguments. The handler rejects with LIMIT_EXCEEDED for a state of
 * more than 1 MB of JSON, with TypeError for one that is no object of JSON, and for an event without a window.
 *
 * @example
 * export const handler = createKinesisWindowHandler({
 *   initial: () => ({ count: 0 }),
 *   onRecord: (state) => ({ count: state.count + 1 }),
 *   onWindowEnd: async ({ count }, { start, end }) => save(start, end, count),
 * })
 */
export function createKinesisWindowHandler<State extends object>(window: KinesisWindow<State>, options: KinesisRecordOptions = {}): KinesisWindowHandler {
  if (typeof window !== 'object' || window === null) throw wrongType('window', 'an object', window)
  checkKeys('window', window, ['initial', 'onRecord', 'onWindowEnd'])
  for (const name of ['initial', 'onRecord', 'onWindowEnd'] as const) {
    if (typeof window[name] !== 'function') throw wrongType(`window.${name}`, 'a function', window[name])
  }
  const settings = checkHandlerOptions(options, [...HANDLER_KEYS, 'isPoison'])
  return async (event, lambda) => {
    const bounds = boundsOf(event)
    const given = event.state ?? {}
    const state = Object.keys(given).length === 0 ? window.initial() : (given as State)
    // Its JSON is {}: a promise would pass for a state.
    if (isThenable(state)) throw wrongType('window.initial', 'to return an object of JSON, not a promise of one', state)
    const reduction: Reduction<State> = { state, before: textOf(state), outer: -1, applied: 0, known: new Uint8Array(0) }
    let ended = !bounds.isFinal
    const work = async (job: Job, base: KinesisContext) => {
      const context: KinesisWindowContext = { ...base, ...bounds }
      if (!(await reduce(job, reduction, window.onRecord, context)) || ended) return
      await window.onWindowEnd(reduction.state, context)
      ended = true
    }
    const response = await invoke(event, lambda, settings, work, (job) => rewind(job, reduction))
    if (response.batchItemFailures.length === 0 && !ended) throw new MillraceError('NOT_DONE', 'onWindowEnd had not ended when the invocation had to answer')
    return { ...response, state: JSON.parse(reduction.before) }
  }
}

interface Reduction<State> {
  state: State
  /**
   * As JSON, before the Kinesis record `outer` (by its index in the event; -1 where none is under way), and how
   * much of that has been applied.
   */
  before: string
  outer: number
  applied: number
  /** Rows that were done from the start. */
  known: Uint8Array
}

/** Takes the records into the state. Whether it took them all. Rejects for a state that cannot be answered. */
async function reduce<State extends object>(
  job: Job,
  reduction: Reduction<State>,
  onRecord: KinesisWindow<State>['onRecord'],
  context: KinesisWindowContext,
): Promise<boolean> {
  reduction.known = job.done.slice()
  for (let record = job.take(); record !== undefined; record = job.take()) {
    const { row } = job
    if (job.outerOf(row) !== reduction.outer) {
      reduction.before = textOf(reduction.state)
      reduction.outer = job.outerOf(row)
      reduction.applied = 0
    }
    if (job.ended()) return false
    const refused = job.refuse(record, row)
    if (refused) {
      if (await refused) continue
      return false
    }
    try {
      const value = onRecord(reduction.state, record, context)
      const next = isThenable(value) ? await job.settled(record, row, value) : value
      if (job.stopped) return false
      if (typeof next !== 'object' || next === null) throw wrongType('the state', 'an object', next)
      reduction.state = next
      reduction.applied++
      job.done[row] = 1
    } catch (cause) {
      // The failed call may have changed the state: what is left is the text, which lacks what else this Kinesis record had.
      if (!(await job.fail(record, row, cause)) || reduction.applied > 0) return false
      reduction.state = JSON.parse(reduction.before)
    }
  }
  reduction.before = textOf(reduction.state)
  reduction.outer = -1
  return true
}

/** The Kinesis record that was under way comes again: of it only what was given up stays done. */
function rewind(job: Job, { outer, known }: Reduction<unknown>): void {
  for (let row = 0; outer >= 0 && row < job.done.length; row++) {
    if (job.outerOf(row) === outer) job.done[row] = job.buried.has(row) ? 1 : known[row]
  }
}

/** The state as Lambda takes it. */
function textOf(state: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(state)
  } catch (cause) {
    throw new TypeError(`"the state" expected an object of JSON: ${messageOf(cause)}`, { cause })
  }
  if (!text?.startsWith('{')) throw wrongType('the state', 'an object of JSON', state)
  const most = LAMBDA_LIMITS.windowStateBytes.value
  const bytes = text.length * 3 <= most ? text.length : new TextEncoder().encode(text).length
  if (bytes > most) throw new MillraceError('LIMIT_EXCEEDED', `the state of a window cannot have more than ${most} bytes of JSON, it has ${bytes}`)
  return text
}

function boundsOf(event: KinesisWindowEvent): Omit<KinesisWindowContext, keyof KinesisContext> {
  const { window, state, isFinalInvokeForWindow = false, isWindowTerminatedEarly = false } = event ?? {}
  if (typeof window !== 'object' || window === null) {
    // An event that is none of Kinesis at all is told so.
    readEvent(event)
    throw wrongType('event.window', 'an object, of a mapping with a tumbling window', window)
  }
  const { start, end } = window
  if (typeof start !== 'string' || typeof end !== 'string') throw wrongType('event.window', 'an object with start and end', window)
  if (typeof (state ?? {}) !== 'object' || Array.isArray(state)) throw wrongType('event.state', 'an object', state)
  return { start, end, isFinal: isFinalInvokeForWindow === true, isTerminatedEarly: isWindowTerminatedEarly === true }
}

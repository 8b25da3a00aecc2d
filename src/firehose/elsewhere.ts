// Records that have no room in the response, settled in another place: what a policy is told, and its time.
import { messageOf } from '../errors.js'
import type { Clock } from '../ports/ports.js'
import { systemClock } from '../ports/system.js'
import type { FirehoseEvent, FirehoseEventRecord } from './event.js'

/** A record whose answer has no room in the response. */
export interface OverflowRecord {
  recordId: string
  /** As it came into the stream. */
  original: Uint8Array
  /** How often it was put into the stream again. */
  rounds: number
  /** Where the source is a Kinesis stream. */
  partitionKey: string | undefined
  /** What `transform` made of it. */
  output: Uint8Array
  source: FirehoseEventRecord
  /** Whether a response with it alone has room for it. */
  fitsAlone: boolean
}

export interface OverflowContext {
  event: FirehoseEvent
  /** Aborted some time before the invocation ends: what is not settled by then has failed. */
  signal: AbortSignal
}

/** For each record undefined, and it is answered Dropped, or why it was not settled, and it is answered ProcessingFailed. */
export type FirehoseOverflow = (records: readonly OverflowRecord[], context: OverflowContext) => Promise<readonly (string | undefined)[]>

/** Milliseconds of the invocation that are kept for the response; of a short one half. */
const MARGIN = 1_000

/** For each record undefined, where it was settled, or why it was not. `remaining`: milliseconds of the invocation. */
export async function settleElsewhere(
  overflow: FirehoseOverflow,
  records: readonly OverflowRecord[],
  event: FirehoseEvent,
  remaining: number | undefined,
  clock: Clock = systemClock,
): Promise<(string | undefined)[]> {
  const over = new AbortController()
  const timer = new AbortController()
  if (remaining !== undefined && Number.isFinite(remaining)) {
    const time = remaining - Math.min(MARGIN, remaining / 2)
    const end = () => over.abort(Object.assign(new Error('the invocation ends'), { name: 'TimeoutError' }))
    clock.sleep(time, timer.signal).then(end, () => {})
  }
  try {
    // A policy that does not look at its signal must not cost the batch.
    const late = new Promise<never>((_, reject) => over.signal.addEventListener('abort', () => reject(over.signal.reason), { once: true }))
    const reasons: unknown = await Promise.race([overflow(records, { event, signal: over.signal }), grace(late, clock, timer.signal)])
    if (!Array.isArray(reasons) || reasons.length !== records.length)
      throw new TypeError(`overflow: expected a reason or undefined for each of ${records.length} records`)
    return Array.from(reasons, (reason: unknown) => (reason === undefined ? undefined : String(reason)))
  } catch (cause) {
    return records.map(() => messageOf(cause))
  } finally {
    timer.abort()
  }
}

/** Who ends by the signal has a tenth of the margin to say what was settled. */
async function grace(late: Promise<never>, clock: Clock, signal: AbortSignal): Promise<never> {
  try {
    return await late
  } catch (reason) {
    await clock.sleep(MARGIN / 10, signal)
    throw reason
  }
}

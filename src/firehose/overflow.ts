// Records that have no room in the response, settled in another place: what a policy is told, and its time.
import { concat } from '../bytes.js'
import { fromBase64 } from '../engine/base64.js'
import { messageOf } from '../errors.js'
import { createDeadline } from '../kinesis/lambda/deadline.js'
import type { LambdaContext } from '../kinesis/lambda/event.js'
import type { Clock } from '../ports/ports.js'
import { unmarked } from './again.js'
import { bodyParts } from './body.js'
import { type Arrived, type FirehoseEvent, type FirehoseEventRecord, placesOf } from './event.js'
import { type Answer, type ResponsePlan, sizeAlone } from './response.js'

/** A record whose answer has no room in the response. */
export interface OverflowRecord {
  recordId: string
  /** As it came into the stream, whatever `transform` has done to its copy. */
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
export const MARGIN = 1_000
/** Of them, for who ends by the signal to say what was settled. */
const GRACE = 100

interface Invocation {
  answers: readonly Answer[]
  arrived: readonly Arrived[]
  /** Bytes of the response. */
  limit: number
  event: FirehoseEvent
  context: LambdaContext | undefined
  clock: Clock
}

interface Left {
  /** Its index. */
  answer: number
  recordId: string
  /** Index in the event of the first one with this recordId. */
  record: number
  /** Of them. */
  times: number
  /** Behind what is told of it. */
  reason: string
}

/** Indices of the plan's overflow that were settled elsewhere, and those that were not, with why. */
export async function settleOverflow(
  overflow: FirehoseOverflow | undefined,
  plan: ResponsePlan,
  invocation: Invocation,
): Promise<{ settled: Set<number>; left: Left[] }> {
  const { answers, arrived } = invocation
  const settled = new Set<number>()
  if (plan.overflow.length === 0) return { settled, left: [] }
  const places = placesOf(arrived)
  const all = plan.overflow.map((answer): Left => {
    const { recordId } = answers[answer]
    const own = places.get(recordId) as number[]
    return { answer, recordId, record: own[0], times: own.length, reason: '' }
  })
  if (!overflow) return { settled, left: all }
  // An answer that is one for several records stands for all of them: what is told of one would lose the others.
  for (const one of all) if (one.times > 1) one.reason = `; its recordId comes ${one.times} times`
  const asked = all.filter(({ times }) => times === 1)
  const reasons = asked.length > 0 ? await ask(overflow, asked, invocation) : []
  for (const [k, reason] of reasons.entries()) {
    if (reason === undefined) settled.add(asked[k].answer)
    else asked[k].reason = `; ${reason}`
  }
  return { settled, left: all.filter(({ answer }) => !settled.has(answer)) }
}

/** For each record undefined, where it was settled, or why it was not. A policy that does not look at its signal does not cost the batch. */
async function ask(overflow: FirehoseOverflow, asked: readonly Left[], invocation: Invocation): Promise<(string | undefined)[]> {
  const { answers, arrived, limit, event, context, clock } = invocation
  const records = asked.map(({ answer, record }) => recordOf(answers[answer], arrived[record], limit))
  const deadline = createDeadline(clock, context, MARGIN)
  const done = new AbortController()
  const late = deadline.reached.then(async () => {
    deadline.end()
    await clock.sleep(GRACE, done.signal)
    throw deadline.signal.reason
  })
  try {
    const reasons: unknown = await Promise.race([overflow(records, { event, signal: deadline.signal }), late])
    if (!Array.isArray(reasons) || reasons.length !== records.length)
      throw new TypeError(`overflow: expected a reason or undefined for each of ${records.length} records`)
    return Array.from(reasons, (reason: unknown) => (reason === undefined ? undefined : String(reason)))
  } catch (cause) {
    return records.map(() => messageOf(cause))
  } finally {
    done.abort()
    deadline.end()
  }
}

/** The original is decoded anew: the user's function had its hands on the other copy. */
function recordOf(answer: Answer, { recordId, text = '', record: source, rounds, partitionKey }: Arrived, limit: number): OverflowRecord {
  const sent = fromBase64(text, 'lenient')
  const original = unmarked(sent)?.data ?? sent
  return { recordId, original, rounds, partitionKey, output: concat(bodyParts(answer.body ?? [])), source, fitsAlone: sizeAlone(answer) <= limit }
}

// Many records in requests of many, each settled on its own: what was refused is tried again alone.
// For PutRecordBatch (Firehose) and PutRecords (Kinesis), which answer record by record.
import { backoff } from '../ports/backoff.js'
import { type Fault, faultOf, recordFault } from '../ports/faults.js'
import type { Clock, Random } from '../ports/ports.js'

/** What became of a record that was put. `uncertain`: it may be in the stream all the same, or twice. */
export type FirehosePutOutcome =
  | { status: 'delivered'; recordId: string; attempts: number; uncertain: boolean }
  | { status: 'failed'; code: string; message: string; attempts: number; uncertain: boolean }

/** A record's part of an answer. */
export interface PutAnswer {
  /** RecordId or SequenceNumber. */
  id: unknown
  ErrorCode?: unknown
  ErrorMessage?: unknown
}

export interface PutAllOptions<T> {
  /** Bytes that a record counts for. */
  size(record: T): number
  /** Of one record, and of one request. */
  limits: { record: number; count: number; bytes: number }
  /** Sends one request; the answers in the records' order. */
  send(records: T[], signal: AbortSignal | undefined): Promise<readonly PutAnswer[] | undefined>
  maxAttempts: number
  /** Requests under way at once. */
  concurrency: number
  clock: Clock
  random: Random
  signal: AbortSignal | undefined
}

/** A record on its way. */
interface Going<T> {
  index: number
  record: T
  attempts: number
  uncertain: boolean
}

/** Puts all records, and gives what became of each, in their order; never rejects for what the service answers. */
export async function putAll<T>(records: readonly T[], options: PutAllOptions<T>): Promise<FirehosePutOutcome[]> {
  const { size, limits, maxAttempts, concurrency, clock, random, signal } = options
  const outcomes: FirehosePutOutcome[] = new Array(records.length)
  let waiting: Going<T>[] = []
  records.forEach((record, index) => {
    const bytes = size(record)
    if (bytes <= limits.record) waiting.push({ index, record, attempts: 0, uncertain: false })
    else
      outcomes[index] = {
        status: 'failed',
        code: 'RECORD_TOO_LARGE',
        message: `expected ${limits.record} bytes at most, got ${bytes}`,
        attempts: 0,
        uncertain: false,
      }
  })
  const fail = ({ index, attempts, uncertain }: Going<T>, code: string, message: string) => {
    outcomes[index] = { status: 'failed', code, message, attempts, uncertain }
  }
  /** Rounds in a row in which nothing was delivered. */
  let idle = 0
  while (waiting.length > 0 && !signal?.aborted) {
    const again: Going<T>[] = []
    const batches = pack(waiting, size, limits)
    let delivered = false
    const work = async () => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const results = signal?.aborted ? batch.map((): undefined => undefined) : await send(batch, options)
        for (const [i, going] of batch.entries()) {
          const result = results[i]
          if (result === undefined) {
            again.push(going)
            continue
          }
          going.attempts++
          if (typeof result === 'string') {
            delivered = true
            outcomes[going.index] = { status: 'delivered', recordId: result, attempts: going.attempts, uncertain: going.uncertain }
            continue
          }
          going.uncertain ||= result.uncertain
          if (signal?.aborted || (result.kind !== 'permanent' && going.attempts < maxAttempts)) again.push(going)
          else fail(going, result.code, result.message)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, batches.length) }, work))
    waiting = again.sort((a, b) => a.index - b.index)
    idle = delivered ? 1 : idle + 1
    if (waiting.length > 0) await clock.sleep(backoff(idle, random), signal).catch(() => {})
  }
  for (const going of waiting) fail(going, 'ABORTED', 'given up: the signal was aborted')
  return outcomes
}

/** What each record of one request came to: its id, or the fault. */
async function send<T>(batch: readonly Going<T>[], { send, signal }: PutAllOptions<T>): Promise<(string | Fault)[]> {
  try {
    const answers = await send(
      batch.map(({ record }) => record),
      signal,
    )
    if (!Array.isArray(answers) || answers.length !== batch.length) return batch.map(() => odd(answers))
    return answers.map((answer: PutAnswer | undefined) => {
      const { id, ErrorCode, ErrorMessage } = answer ?? { id: undefined }
      if (typeof ErrorCode === 'string' && ErrorCode !== '') return faultOfAnswer(ErrorCode, typeof ErrorMessage === 'string' ? ErrorMessage : '')
      return typeof id === 'string' ? id : odd(answer)
    })
  } catch (error) {
    const fault = faultOf(error)
    return batch.map(() => fault)
  }
}

const odd = (answer: unknown): Fault => ({
  kind: 'transient',
  code: 'InvalidResponse',
  message: `expected an answer for each record, got ${Array.isArray(answer) ? `${answer.length}` : typeof answer}`,
  uncertain: true,
  divisible: false,
})

/** Firehose's own word for a stream over its rate is ServiceUnavailableException. */
function faultOfAnswer(code: string, message: string): Fault {
  if (code === 'ServiceUnavailableException') return { kind: 'throttle', code, message, uncertain: false, divisible: false }
  return recordFault(code, message)
}

/** Records in their order, as few requests as take them. */
function pack<T>(waiting: readonly Going<T>[], size: (record: T) => number, { count, bytes: most }: PutAllOptions<T>['limits']): Going<T>[][] {
  const batches: Going<T>[][] = []
  let bytes = 0
  for (const going of waiting) {
    const own = size(going.record)
    const batch = batches.at(-1)
    if (batch && batch.length < count && bytes + own <= most) {
      batch.push(going)
      bytes += own
    } else {
      batches.push([going])
      bytes = own
    }
  }
  return batches
}

/** The list of that name in an answer, each with what is its id there; undefined where there is none. */
export async function answersOf(call: Promise<unknown>, list: string, id: string): Promise<PutAnswer[] | undefined> {
  const answers = ((await call) as Record<string, unknown> | undefined)?.[list]
  return Array.isArray(answers) ? answers.map((answer) => ({ ...answer, id: answer?.[id] })) : undefined
}

// What every handler does around its function: reads the event, runs the records until they are done or the
// time is over, and makes an answer that Lambda takes.
import { MillraceError } from '../../errors.js'
import { createDeadline } from './deadline.js'
import { type KinesisEvent, type KinesisResponse, type LambdaContext, readEvent } from './event.js'
import { Job } from './job.js'
import type { KinesisContext, KinesisFailure, Settings } from './options.js'
import { type Found, leave, resume } from './resume.js'

/** Takes the job's records as far as it can; nothing of a job that is stopped counts. */
export type Work = (job: Job, context: KinesisContext) => Promise<void>

/**
 * Runs one event. `settle` is called once the work has ended or the time is over, before anything is answered
 * or kept. Rejects with TypeError for an event that is no Kinesis event, with what `work` rejects with, and
 * without `report` with NOT_DONE.
 */
export async function invoke(
  event: KinesisEvent,
  lambda: LambdaContext | undefined,
  settings: Settings,
  work: Work,
  settle: (job: Job) => void = () => {},
): Promise<KinesisResponse> {
  const records = readEvent(event)
  const deadline = createDeadline(settings.clock, lambda, settings.margin)
  let failure: KinesisFailure | undefined
  const first = (one: KinesisFailure) => {
    if (one.reason === 'handler' || one.reason === 'deadline') failure ??= one
    return settings.onFailure?.(one)
  }
  const job = new Job(records, { ...settings, onFailure: first }, deadline)
  const context: KinesisContext = { signal: deadline.signal, lambda }
  const found = new Map<string, Found>()
  try {
    const all = async () => {
      await resume(job, settings.progress, found)
      if (!job.stopped) await work(job, context)
    }
    await Promise.race([all(), deadline.reached])
  } finally {
    job.stop()
    deadline.end()
  }
  settle(job)
  const begins = await leave(job, settings, found)
  if (begins.length > 0 && !settings.report) throw notDone(job, failure)
  return { batchItemFailures: begins.map((itemIdentifier) => ({ itemIdentifier })) }
}

function notDone({ done }: Job, failure: KinesisFailure | undefined): MillraceError {
  const left = done.reduce((count, one) => count + 1 - one, 0)
  const { message = 'the time of the invocation is over', sequenceNumber, cause } = failure ?? {}
  return new MillraceError('NOT_DONE', `${left} of ${done.length} user records are not done: ${message}`, { position: { source: sequenceNumber }, cause })
}

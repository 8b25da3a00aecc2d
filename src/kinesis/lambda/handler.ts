// The handlers of a Kinesis event source: record by record, and a batch at once.
import { checkWhole, wrongType } from '../../errors.js'
import { type BatchResult, failedOf } from '../batch-result.js'
import type { KinesisEvent, KinesisResponse, LambdaContext } from './event.js'
import type { KinesisInput } from './input.js'
import { invoke, type Work } from './invoke.js'
import type { Job } from './job.js'
import { checkHandlerOptions, HANDLER_KEYS, type KinesisContext, type KinesisHandlerOptions, type KinesisRecordOptions, type Settings } from './options.js'
import { byKey, inTurn } from './order.js'

/** Assignable to KinesisStreamHandler of @types/aws-lambda. */
export type KinesisHandler = (event: KinesisEvent, context?: LambdaContext) => Promise<KinesisResponse>

export interface KinesisEachOptions extends KinesisRecordOptions {
  /**
   * Records handled at once, of different partition keys; those of one key are always handled in turn. Default
   * 1: all in turn, and nothing after one that fails.
   */
  concurrency?: number | undefined
}

/**
 * A handler for a Lambda that reads a Kinesis stream, record by record: KPL aggregates are opened, others are
 * handled as they are.
 *
 * A record is done once `onRecord` has returned or its promise has resolved. After one that fails nothing of
 * its partition key is handled in this invocation, and the answer names the lowest sequence number of a Kinesis
 * record that is not wholly done: Lambda begins there again. What was done behind it is left out of the retry
 * as far as `progress` remembers, so every record is handled at least once, and in order within its key. The
 * mapping must have ReportBatchItemFailures, or set `reportBatchItemFailures: false`.
 *
 * Throws TypeError and RangeError for wrong options. The handler rejects with TypeError for an event that is
 * not of Kinesis.
 *
 * @example
 * export const handler = createKinesisHandler(async (record, { signal }) => {
 *   await fetch(url, { method: 'POST', body: record.text(), signal })
 * }, { concurrency: 16, deadLetter: (letters) => sendToQueue(letters) })
 */
export function createKinesisHandler(onRecord: (record: KinesisInput, context: KinesisContext) => unknown, options: KinesisEachOptions = {}): KinesisHandler {
  if (typeof onRecord !== 'function') throw wrongType('onRecord', 'a function', onRecord)
  const settings = checkHandlerOptions(options, [...HANDLER_KEYS, 'isPoison', 'concurrency'])
  const { concurrency = 1 } = options
  checkWhole('concurrency', concurrency, 1, Number.POSITIVE_INFINITY)
  return handlerOf(settings, (job, context) => {
    const handle = (record: KinesisInput) => onRecord(record, context)
    return concurrency === 1 ? inTurn(job, handle) : byKey(job, handle, concurrency)
  })
}

/**
 * The same with all user records of an event in one call. `onRecords` returns those that failed; where it
 * throws, all of them have. A factory of its own, since its function has another type: with an option,
 * TypeScript could not say what its argument is.
 *
 * Only a record that was returned counts as tried and becomes a dead letter after `maxAttempts`: of a call that
 * throws nobody knows which record it was.
 *
 * @example
 * export const handler = createKinesisBatchHandler(async (records) => {
 *   const results = await insertAll(records.map((record) => record.json()))
 *   return records.filter((_, i) => results[i].error)
 * })
 */
export function createKinesisBatchHandler(
  onRecords: (records: readonly KinesisInput[], context: KinesisContext) => BatchResult<KinesisInput> | Promise<BatchResult<KinesisInput>>,
  options: KinesisHandlerOptions = {},
): KinesisHandler {
  if (typeof onRecords !== 'function') throw wrongType('onRecords', 'a function', onRecords)
  return handlerOf(checkHandlerOptions(options, HANDLER_KEYS), (job, context) => atOnce(job, (records) => onRecords(records, context)))
}

function handlerOf(settings: Settings, work: Work): KinesisHandler {
  return async (event, lambda) => {
    const response = await invoke(event, lambda, settings, work)
    // A mapping with a window takes no answer without a state, whoever makes use of it.
    const { window, state } = event as { window?: unknown; state?: Record<string, unknown> }
    return window ? { ...response, state: state ?? {} } : response
  }
}

/** All records in one call, but for those that are refused and what follows them of the same key. */
async function atOnce(job: Job, handle: (records: readonly KinesisInput[]) => BatchResult<KinesisInput> | Promise<BatchResult<KinesisInput>>): Promise<void> {
  const rows = new Map<KinesisInput, number>()
  const blocked = new Set<string>()
  for (let record = job.take(); record !== undefined && !job.ended(); record = job.take()) {
    const { row } = job
    const key = record.partitionKey
    if (key !== undefined && blocked.has(key)) continue
    const refused = job.refuse(record, row)
    if (refused === undefined) rows.set(record, row)
    else if (!(await refused) && key !== undefined) blocked.add(key)
  }
  if (rows.size === 0 || job.ended()) return
  const records = [...rows.keys()]
  let failed: Set<KinesisInput>
  try {
    failed = failedOf(await handle(records), records)
  } catch (cause) {
    job.failAll(cause)
    return
  }
  if (job.stopped) return
  for (const [record, row] of rows) if (!failed.has(record)) job.done[row] = 1
  for (const [record, row] of rows) if (failed.has(record)) await job.fail(record, row, new Error('the function returned it as failed'))
}

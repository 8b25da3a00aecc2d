// A delivery stream on this machine: its stages and what they share.
//
//   put -> KPL de-aggregation -> decompression -> messages of logs -> sub-records -> Lambda -> partition
//       -> object: delimiter, prefix, compression or conversion -> store
//
// What is taken in is held in memory, within a limit, until it is stored.
import { inform, isThenable, MillraceError, messageOf } from '../../errors.js'
import { FIREHOSE_LIMITS, KINESIS } from '../../limits.js'
import { destinationOutput } from '../destinations/output.js'
import { createBudget } from './budget.js'
import type { StreamPlan } from './config/stream.js'
import type { DeliveryStream } from './delivery-stream.js'
import { copiesOf, destinationOf } from './elsewhere.js'
import type { ErrorOutputType, Failed } from './failure.js'
import { checkBatch, checkRecord, type Inputs, takenOf, userRecords } from './input.js'
import { createLambdaProcessor, type LambdaProcessor } from './lambda.js'
import { errorOutput, type Output, recordOutput } from './output.js'
import { partitionOf, WHOLE } from './partition.js'
import { type Prepared, prepareRecord } from './prepare.js'
import type { DeliveryObject } from './store.js'
import type { CheckedOptions } from './stream-options.js'
import type { Taken } from './taken.js'
import { createWriter } from './writer.js'

/** The parts of a stream over a checked configuration. */
export function openStream(plan: StreamPlan, options: CheckedOptions): DeliveryStream {
  const { store, clock, random, maxUnpacked, maxActivePartitions, onObject, onStoreFailure, streamArn } = options
  const { processing, output, partitioned } = plan
  const kinesis = plan.sourceArn !== undefined
  const counts = { accepted: 0, acceptedBytes: 0, split: 0, delivered: 0, dropped: 0, failed: 0, backedUp: 0 }
  const objects = { objects: 0, errorObjects: 0, backupObjects: 0, objectBytes: 0 }
  const failures = new Map<string, number>()
  const giveUp = new AbortController()
  /** Puts that were accepted, until the first stage has their records. */
  const entering = new Set<Promise<void>>()
  let closing: Promise<void> | undefined

  const budget = createBudget(options.maxBufferedBytes, relieve)
  const writer = createWriter(store, { clock, random, budget, signal: giveUp.signal, onFailure: onStoreFailure })
  const around = { name: plan.name, version: plan.version, clock, random, budget, writer }
  const told =
    (kind: 'objects' | 'errorObjects' | 'backupObjects', records: 'delivered' | 'failed' | 'backedUp') => (object: DeliveryObject, count: number) => {
      const { body, ...rest } = object
      objects[kind]++
      objects.objectBytes += body.length
      counts[records] += count
      if (onObject) inform(() => onObject({ ...rest, bytes: body.length, records: count }))
    }
  const tellObject = told('objects', 'delivered')
  const errors = errorOutput({ plan: output, lambdaArn: processing.lambda?.arn, table: options.catalogTable, stored: told('errorObjects', 'failed') }, around)
  const destination = destinationOf(plan, options)
  const copies = copiesOf(plan, options, around, giveUp.signal)
  const main = destination
    ? destinationOutput(
        {
          destination,
          fail: (failure, line) => fail({ ...failure, type: destination.errorOutputType, line }),
          delivered(records) {
            counts.delivered += records
          },
          signal: giveUp.signal,
        },
        around,
      )
    : recordOutput(
        {
          plan: output,
          extension: plan.extension,
          delimiter: processing.delimiter,
          conversion: options.conversion,
          fail,
          stored(object, count) {
            tellObject(object, count)
            copies?.add(object)
          },
        },
        around,
      )
  // The others' bucket has what fails, and all of it where that is wanted.
  const backupPlan = destination ? (destination.backupAll ? output : undefined) : plan.backup
  const backup =
    backupPlan &&
    recordOutput({ plan: backupPlan, extension: undefined, delimiter: false, conversion: undefined, fail, stored: told('backupObjects', 'backedUp') }, around)
  const lambda: LambdaProcessor | undefined =
    processing.lambda &&
    options.handler &&
    createLambdaProcessor({
      plan: processing.lambda,
      handler: options.handler,
      timeout: options.handlerTimeout,
      streamArn,
      sourceArn: plan.sourceArn,
      region: options.region,
      clock,
      random,
      budget,
      signal: giveUp.signal,
      onHandlerFailure: options.onHandlerFailure,
      done({ delivered, failed, dropped }) {
        counts.dropped += dropped
        for (const one of failed) fail(one)
        for (const record of delivered) deliver(record)
      },
    })
  const { decompress, split } = processing
  const whole = !(kinesis || decompress || split || lambda || partitioned) && main.addAll !== undefined
  const outputs: readonly Output[] = backup ? [main, backup, errors] : [main, errors]

  function fail(failed: Failed): void {
    failures.set(failed.code, (failures.get(failed.code) ?? 0) + 1)
    errors.add(failed)
  }

  const failNow = (record: Taken, failure: { type: ErrorOutputType; code: string; message: string }) =>
    fail({ record, ...failure, attempts: 1, attemptEnd: clock.now() })

  /** Makes room: where nothing is on its way into the store, what holds most memory goes before its time. */
  function relieve(): void {
    if (writer.active > 0 || (lambda && lambda.active > 0)) return
    const open = outputs.flatMap((one) => one.gathered())
    if (lambda) open.push({ held: lambda.held, end: lambda.end })
    const largest = open.reduce((most, one) => (one.held > most.held ? one : most), { held: 0, end() {} })
    largest.end()
  }

  function deliver(record: Taken): void {
    const partition = partitioned ? partitionOf(record, processing.query, output.prefix) : WHOLE
    if ('failure' in partition) {
      failNow(record, partition.failure)
      return
    }
    if (!main.has(partition.id) && main.active >= maxActivePartitions) {
      // Neither code nor message of a real stream is public, only the error-output-type.
      const message = `The stream has ${maxActivePartitions} active partitions, which is the limit.`
      failNow(record, { type: 'activePartitionExceeded', code: 'DynamicPartitioning.ActivePartitionLimitExceeded', message })
    } else main.add(record, partition)
  }

  function advance(record: Taken, prepared: Prepared): void {
    if ('failure' in prepared) {
      failNow(record, prepared.failure)
      return
    }
    counts.split += prepared.records.length - 1
    for (const one of prepared.records) {
      if (lambda) lambda.add(one)
      else deliver(one)
    }
  }

  /** A promise only where the runtime unpacks by streams. */
  function take(taken: Taken): Promise<void> | undefined {
    counts.accepted++
    counts.acceptedBytes += taken.data.length
    if (!kinesis) return takeOne(taken)
    const records = userRecords(taken)
    counts.split += records.length - 1
    let last: Promise<void> | undefined
    for (const record of records) last = last ? last.then(() => takeOne(record)) : takeOne(record)
    return last
  }

  function takeOne(record: Taken): Promise<void> | undefined {
    backup?.add(record, WHOLE)
    const prepared = prepareRecord(record, processing, maxUnpacked)
    if (isThenable(prepared)) return prepared.then((records) => advance(record, records))
    advance(record, prepared)
    return undefined
  }

  function checkOpen(): void {
    if (closing) throw new MillraceError('CLOSED', `the delivery stream ${plan.name} is closed`)
    if (writer.broken) throw new MillraceError('SERVICE', `nothing can be stored: ${messageOf(writer.broken.error)}`, { cause: writer.broken.error })
  }

  async function putAll(inputs: Inputs, signal: AbortSignal | undefined): Promise<void> {
    checkOpen()
    while (budget.full) {
      await budget.change(signal)
      checkOpen()
    }
    // Until it is held nothing waits from here on, or all that were woken would find the same room.
    if (whole && inputs.bare) {
      enterWhole(inputs)
      return
    }
    const entered = enter(takenOf(inputs, clock.now())).finally(() => entering.delete(entered))
    entering.add(entered)
    await entered
  }

  /** Of records that no stage looks at. */
  function enterWhole(inputs: Inputs): void {
    counts.accepted += inputs.records.length
    counts.acceptedBytes += inputs.bytes
    const arrival = Math.floor(clock.now())
    backup?.addAll?.(inputs, arrival)
    main.addAll?.(inputs, arrival)
  }

  async function enter(records: readonly Taken[]): Promise<void> {
    for (const record of records) {
      const pending = take(record)
      if (pending) await pending
    }
  }

  /** In the order in which records go: what ends one stage is there when the next one is ended. */
  async function flush(): Promise<void> {
    await Promise.all(entering)
    lambda?.end()
    await lambda?.settled()
    main.end()
    backup?.end()
    await writer.settled()
    errors.end()
    await copies?.settled()
    await writer.settled()
  }

  async function end(signal: AbortSignal | undefined): Promise<void> {
    const stop = () => giveUp.abort(signal?.reason)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    writer.closing()
    budget.wake()
    try {
      await flush()
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    const { unwritten } = writer
    if (unwritten.length === 0) {
      const undone = copies?.counts.undone ?? 0
      if (undone > 0)
        throw new MillraceError('NOT_DONE', `${undone} ${undone === 1 ? 'object is stored and was' : 'objects are stored and were'} not copied into Redshift`)
      return
    }
    const [{ key, error }] = unwritten
    const records = unwritten.reduce((sum, one) => sum + one.records, 0)
    const what = `${unwritten.length} ${unwritten.length === 1 ? 'object' : 'objects'} with ${records} records could not be written`
    throw new MillraceError('NOT_DONE', `${what}; the first is ${JSON.stringify(key)}: ${messageOf(error)}`, { cause: error })
  }

  const close = (given: { signal?: AbortSignal | undefined } = {}) => {
    closing ??= end(given.signal)
    return closing
  }
  const most = kinesis ? KINESIS.largeRecordBytes.value : FIREHOSE_LIMITS.recordBytes.value

  return {
    name: plan.name,
    arn: streamArn,
    async put(record, { signal } = {}) {
      await putAll(checkRecord(record, most), signal)
    },
    async putBatch(records, { signal } = {}) {
      await putAll(checkBatch(records, most), signal)
    },
    async flush() {
      if (!closing) checkOpen()
      await flush()
      if (!closing) checkOpen()
    },
    close,
    unwritten: writer.unwritten,
    metrics: () => ({
      ...counts,
      failures: Object.fromEntries(failures),
      ...objects,
      invocations: lambda?.invocations ?? 0,
      storeRetries: writer.retries,
      heldBytes: budget.held,
      ...(copies ? { copied: copies.counts.copied, skipped: copies.counts.skipped } : {}),
      activePartitions: partitioned ? main.active : 0,
    }),
    [Symbol.asyncDispose]: () => close(),
  }
}

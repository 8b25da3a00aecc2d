// The API of Firehose over delivery streams on this machine, for FirehoseClient and any other SDK: requests in, answers out.
// A server is the caller's: `serve` of millrace/node, or any other.
import { MillraceError, messageOf } from '../../../errors.js'
import { checkOptions, checkPorts } from '../../../kinesis/service/service.js'
import { FIREHOSE_LIMITS } from '../../../limits.js'
import { withTimeout } from '../../../ports/timeout.js'
import type { DeliveryStreamConfiguration } from '../config/configuration.js'
import { fromDescription } from '../config/description.js'
import { readStream, type StreamPlan } from '../config/stream.js'
import type { DeliveryMetrics, DeliveryStream } from '../delivery-stream.js'
import { summed } from '../metrics.js'
import { uuid } from '../names.js'
import { openStream } from '../stream.js'
import { type DeliveryStreamOptions, OPTIONS, readOptions } from '../stream-options.js'
import type { UnwrittenObject } from '../writer.js'
import { DESTINATION, describe, extended, type ServedStream, updated } from './served-stream.js'
import {
  failure,
  type Input,
  inputOf,
  listOf,
  numberOf,
  operationOf,
  recordOf,
  type ServiceAnswer,
  ServiceError,
  type ServiceRequest,
  success,
  textOf,
  violation,
} from './wire.js'

/** Options of every stream that is made; `handler` and `table` of those whose configuration wants them. */
export type FirehoseServiceOptions = DeliveryStreamOptions

export interface FirehoseService {
  /**
   * Answers a request of AWS JSON 1.1: a POST with X-Amz-Target. Never rejects. No signature is looked at. While a stream holds all that
   * it may, and for five seconds nothing of it is stored, a put is answered ServiceUnavailableException, as by a stream over its rate.
   */
  handle(request: ServiceRequest, signal?: AbortSignal): Promise<ServiceAnswer>
  /** A new stream, as CreateDeliveryStream makes it. Throws what createDeliveryStream() throws. */
  create(config: DeliveryStreamConfiguration): DeliveryStream
  /** The stream of this name. */
  stream(name: string): DeliveryStream | undefined
  /** Of all streams together, those that are gone too. */
  metrics(): DeliveryMetrics
  /** Objects of all streams that were given up. */
  unwritten(): UnwrittenObject[]
  /** Answers what is under way, then refuses, and closes all streams, those that were deleted too; rejects as DeliveryStream.close(). */
  close(options?: { signal?: AbortSignal | undefined }): Promise<void>
}

/** Bytes of a request's body that a server should take at most: 4 MiB of records as base64, and their JSON. */
export const MOST_REQUEST_BYTES = 8 * 1024 * 1024

/** Milliseconds that a put waits for room. */
const PATIENCE = 5_000
const ACCOUNT = '000000000000'

/**
 * A Firehose on this machine. Knows PutRecord, PutRecordBatch, Create-, Describe-, List- and DeleteDeliveryStream(s), UpdateDestination,
 * Tag-, Untag- and ListTagsForDeliveryStream, and Start- and StopDeliveryStreamEncryption, which encrypts nothing. Streams are active
 * at once. DeleteDeliveryStream delivers what the stream still holds, where AWS throws it away; UpdateDestination delivers by
 * the configuration before it what came before it.
 *
 * @example
 * const firehose = createFirehoseService({ store: directoryStore(nodePorts, 'out') })
 * const server = await serve({ host: '127.0.0.1', port: 4573, mostBytes: 8 << 20 }, firehose.handle)
 */
export function createFirehoseService(options: FirehoseServiceOptions): FirehoseService {
  checkOptions(options, OPTIONS)
  const { clock, random } = checkPorts(options.ports)
  const streams = new Map<string, ServedStream>()
  /** Streams that were deleted or have another configuration now, until they are closed. */
  const leaving = new Map<DeliveryStream, Promise<void>>()
  /** Of those that are closed. */
  let left = summed([])
  const unwritten: UnwrittenObject[] = []
  const underWay = new Set<Promise<unknown>>()
  const failed: unknown[] = []
  let closing: Promise<void> | undefined

  function open(plan: StreamPlan): DeliveryStream {
    const { handler, table, timestamps, ...rest } = options
    const own = { ...rest, ...(plan.processing.lambda ? { handler } : {}), ...(plan.conversion ? { table, timestamps } : {}) }
    return openStream(plan, readOptions(own, plan))
  }

  function leave(stream: DeliveryStream): void {
    const closed = stream
      .close()
      .catch((error: unknown) => void failed.push(error))
      .finally(() => {
        leaving.delete(stream)
        left = summed([left, stream.metrics()])
        unwritten.push(...stream.unwritten)
      })
    leaving.set(stream, closed)
  }

  function create(given: DeliveryStreamConfiguration): ServedStream {
    const config = extended(fromDescription(given) as Record<string, unknown>)
    const plan = readStream(config)
    const { name, version } = plan
    if (streams.has(name)) throw new ServiceError('ResourceInUseException', `Firehose ${name} under accountId ${ACCOUNT} already exists`)
    const stream = open(plan)
    const { Tags } = config as { Tags?: { Key: string; Value?: string }[] }
    const tags = new Map((Tags ?? []).map(({ Key, Value = '' }) => [Key, Value]))
    const encryption = { Status: config.DeliveryStreamEncryptionConfigurationInput ? 'ENABLED' : 'DISABLED' }
    const served: ServedStream = { name, config, stream, version, created: clock.now(), updated: undefined, tags, encryption }
    streams.set(name, served)
    return served
  }

  function find(input: Input): ServedStream {
    const name = textOf(input, 'DeliveryStreamName')
    if (name === undefined) throw violation('deliveryStreamName', 'not be null')
    const found = streams.get(name)
    if (!found) throw new ServiceError('ResourceNotFoundException', `Firehose ${name} under account ${ACCOUNT} not found.`)
    return found
  }

  async function put(input: Input, records: Uint8Array[], signal: AbortSignal | undefined): Promise<string[]> {
    const { stream, config } = find(input)
    if (config.DeliveryStreamType === 'KinesisStreamAsSource')
      throw new ServiceError('InvalidArgumentException', 'This operation is not permitted on KinesisStreamAsSource delivery stream type.')
    try {
      await withTimeout(clock, PATIENCE, signal, (signal) => stream.putBatch(records, { signal }))
    } catch (error) {
      throw new ServiceError('ServiceUnavailableException', `Slow down: ${messageOf(error)}`, 503)
    }
    return records.map(() => uuid(random))
  }

  const operations: Readonly<Record<string, (input: Input, signal: AbortSignal | undefined) => object | Promise<object>>> = {
    async PutRecord(input, signal) {
      const record = recordOf(input.Record, 'record', FIREHOSE_LIMITS.recordBytes.value)
      const [RecordId] = await put(input, [record], signal)
      return { RecordId, Encrypted: false }
    },
    async PutRecordBatch(input, signal) {
      const { recordBytes, putRecordBatchCount, putRecordBatchBytes } = FIREHOSE_LIMITS
      const entries = listOf(input, 'Records', 1, putRecordBatchCount.value)
      const records = entries.map((entry, i) => recordOf(entry, `records.${i + 1}.member`, recordBytes.value))
      if (records.reduce((sum, { length }) => sum + length, 0) > putRecordBatchBytes.value)
        throw new ServiceError('InvalidArgumentException', `Records size exceeds ${putRecordBatchBytes.value / 1024 / 1024} MB limit`)
      const ids = await put(input, records, signal)
      return { FailedPutCount: 0, Encrypted: false, RequestResponses: ids.map((RecordId) => ({ RecordId })) }
    },
    CreateDeliveryStream: (input) => ({ DeliveryStreamARN: create(input).stream.arn }),
    DescribeDeliveryStream: (input) => ({ DeliveryStreamDescription: describe(find(input)) }),
    ListDeliveryStreams(input) {
      const limit = numberOf(input, 'Limit', 1, 10_000, 10)
      const [after, type] = [textOf(input, 'ExclusiveStartDeliveryStreamName') ?? '', textOf(input, 'DeliveryStreamType')]
      const names = [...streams.values()]
        .filter(({ name, config }) => name > after && (type === undefined || (config.DeliveryStreamType ?? 'DirectPut') === type))
        .map(({ name }) => name)
        .sort()
      return { DeliveryStreamNames: names.slice(0, limit), HasMoreDeliveryStreams: names.length > limit }
    },
    DeleteDeliveryStream(input) {
      const { name, stream } = find(input)
      streams.delete(name)
      leave(stream)
      return {}
    },
    UpdateDestination(input) {
      const served = find(input)
      const { name, version, config } = served
      const current = textOf(input, 'CurrentDeliveryStreamVersionId')
      if (current !== String(version)) {
        const message = `Cannot update firehose: ${name} since the current version id: ${version} and specified version id: ${current} do not match`
        throw new ServiceError('ConcurrentModificationException', message)
      }
      const destination = textOf(input, 'DestinationId')
      if (destination !== DESTINATION) throw new ServiceError('InvalidArgumentException', `Destination Id ${destination} not found`)
      const update = input.ExtendedS3DestinationUpdate ?? input.S3DestinationUpdate
      if (typeof update !== 'object' || update === null)
        throw new ServiceError('InvalidArgumentException', 'Expected ExtendedS3DestinationUpdate or S3DestinationUpdate.')
      const changed = updated(config, update as Record<string, unknown>)
      if (JSON.stringify(changed) === JSON.stringify(config)) return {}
      const stream = open({ ...readStream(changed), version: version + 1 })
      leave(served.stream)
      streams.set(name, { ...served, config: changed, stream, version: version + 1, updated: clock.now() })
      return {}
    },
    TagDeliveryStream(input) {
      const { tags } = find(input)
      const given = new Map(tags)
      for (const tag of listOf(input, 'Tags', 1, 50) as Input[]) {
        const key = textOf(tag ?? {}, 'Key')
        if (!key) throw violation('tags.key', 'have length greater than or equal to 1')
        given.set(key, textOf(tag, 'Value') ?? '')
      }
      if (given.size > 50) throw new ServiceError('LimitExceededException', 'A delivery stream cannot have more than 50 tags')
      for (const [key, value] of given) tags.set(key, value)
      return {}
    },
    UntagDeliveryStream(input) {
      const { tags } = find(input)
      for (const key of listOf(input, 'TagKeys', 1, 50)) tags.delete(String(key))
      return {}
    },
    ListTagsForDeliveryStream(input) {
      const after = textOf(input, 'ExclusiveStartTagKey') ?? ''
      const limit = numberOf(input, 'Limit', 1, 50, 50)
      const all = [...find(input).tags].filter(([key]) => key > after).sort(([a], [b]) => (a < b ? -1 : 1))
      return { Tags: all.slice(0, limit).map(([Key, Value]) => ({ Key, Value })), HasMoreTags: all.length > limit }
    },
    StartDeliveryStreamEncryption(input) {
      const { DeliveryStreamEncryptionConfigurationInput: given = { KeyType: 'AWS_OWNED_CMK' } } = input
      find(input).encryption = { ...(given as object), Status: 'ENABLED' }
      return {}
    },
    StopDeliveryStreamEncryption(input) {
      find(input).encryption = { Status: 'DISABLED' }
      return {}
    },
  }

  async function answer(request: ServiceRequest, signal: AbortSignal | undefined): Promise<ServiceAnswer> {
    const requestId = uuid(random)
    try {
      if (closing) throw new ServiceError('ServiceUnavailableException', 'The service is closing.', 503)
      const operation = operationOf(request)
      if (!Object.hasOwn(operations, operation)) throw new ServiceError('UnknownOperationException', `The operation ${operation} is not known here.`)
      return success(requestId, await operations[operation](inputOf(request), signal))
    } catch (error) {
      return failure(requestId, serviceError(error))
    }
  }

  const present = () => [...streams.values()].map(({ stream }) => stream)

  async function end(options: { signal?: AbortSignal | undefined }): Promise<void> {
    await Promise.all(underWay)
    const closed = await Promise.allSettled(present().map((stream) => stream.close(options)))
    await Promise.all(leaving.values())
    for (const one of closed) if (one.status === 'rejected') failed.push(one.reason)
    if (failed.length > 0) throw failed[0]
  }

  return {
    handle(request, signal) {
      const answered = answer(request, signal).finally(() => underWay.delete(answered))
      underWay.add(answered)
      return answered
    },
    create: (config) => create(config).stream,
    stream: (name) => streams.get(name)?.stream,
    metrics: () => summed([left, ...[...leaving.keys(), ...present()].map((stream) => stream.metrics())]),
    unwritten: () => [...unwritten, ...[...leaving.keys(), ...present()].flatMap((stream) => stream.unwritten)],
    close(given = {}) {
      closing ??= end(given)
      return closing
    },
  }
}

/** What is wrong with a configuration is the caller's fault; anything else would be ours. */
function serviceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const ofCaller = error instanceof TypeError || error instanceof RangeError || (error instanceof MillraceError && error.code === 'CONFIG')
  return ofCaller ? new ServiceError('InvalidArgumentException', error.message) : new ServiceError('InternalFailure', messageOf(error), 500)
}

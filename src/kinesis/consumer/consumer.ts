// The consumer: all shards of a stream, parents before children, as one async iterable of batches of
// user records.
import { MillraceError, outOfRange, wrongType } from '../../errors.js'
import { KINESIS } from '../../limits.js'
import type { Clock, Random } from '../../ports/ports.js'
import { type DeaggregateMode, isMode } from '../aggregates/deaggregate.js'
import { randomName } from '../names.js'
import { checkOptions, checkPorts, createService, numbersOf, STREAM_KEYS, type StreamOptions } from '../service/service.js'
import { checkSink, type MetricsSink } from '../telemetry.js'
import type { ConsumerBatch } from './batch.js'
import { type CheckpointStore, memoryCheckpoints } from './checkpoint-store.js'
import { consume } from './consumption.js'
import { createFanOutReader } from './fan-out.js'
import { createLeases } from './leases.js'
import { createShardReader } from './reader.js'
import { asConsumer, checkFanOut, type FanOutOptions } from './registration.js'
import { createDeduplicator } from './seen.js'
import { type ConsumerMetrics, createConsumerTelemetry } from './telemetry.js'

export interface ConsumerOptions extends StreamOptions {
  /** Clock and chance; default: the system's. */
  ports?: { clock: Clock; random: Random } | undefined
  /** Where to begin: the oldest record (default), whatever comes from now on, or a point in time. */
  from?: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP' | Date | undefined
  /** With AT_TIMESTAMP. */
  timestamp?: Date | undefined
  /**
   * When to end: never by itself, but where the stream's last shards are closed (default); or when
   * every shard is read up to its newest record ('now'), or past the records that arrived before a
   * point in time. A batch is never cut: some records that arrived later may come too.
   */
  until?: 'now' | Date | undefined
  /** These shards only, without their children. The iteration throws RangeError for one that the stream does not have. */
  shardIds?: readonly string[] | undefined
  /**
   * What de-aggregation does with aggregates that the KCL drops, those with a hash key outside their
   * shard's range above all: 'kcl' (default) drops them and lists them in `batch.dropped`, 'keep'
   * delivers them too, with the reason. A producer that was surprised by a split sends such an
   * aggregate again, so that with 'keep' its records come twice. 'strict': the iteration throws
   * MillraceError at the first such aggregate, and at one that is damaged; the batch that has it is not yielded.
   */
  mode?: DeaggregateMode | undefined
  /**
   * Leaves out records that have come before, by the ids that `createProducer({ stableIds: true })` gives them; default
   * false. Remembered for each iteration: some 67 million records. Others are not affected.
   */
  deduplicate?: boolean | undefined
  /**
   * Enhanced fan-out: shards are read as a registered consumer, by SubscribeToShard, with 2 MiB a second of each for this
   * consumer alone; default: polled by GetRecords. A batch is then an event, and the next one of its shard is not
   * taken before this one is done with; what the service has sent meanwhile waits in the connection, or comes again. A consumer
   * is for one group, with `checkpoints` for several processes: of two that are not, each takes the other's subscriptions.
   * Each shard holds an event at most, and a connection: a NodeHttpHandler of your own needs as many `maxSockets`. That handler (HTTP/1.1) works
   * with kinesis-local, the SDK's own (HTTP/2) does not: "Protocol error". Over servers of our tests both do.
   */
  fanOut?: FanOutOptions | undefined
  /** Kinesis records a call, 1 to 10,000 (default). This and the next four are those of GetRecords: not with `fanOut`. */
  maxRecords?: number | undefined
  /** Milliseconds between two calls on a shard; default 200, which is the service's 5 a second. */
  pollInterval?: number | undefined
  /** The same after a call that brought nothing; default 1,000. */
  idleInterval?: number | undefined
  /** Calls under way or batches held at once over all shards; default 16. Memory: as many answers of up to 10 MiB. */
  maxRequests?: number | undefined
  /** Bytes a second that are asked of a shard; default 2,097,152, which is what the service gives all its readers together. */
  maxBytesPerSecond?: number | undefined
  /** Failures in a row on a shard, of reading it or of storing its checkpoint, after which the iteration throws; default 20. */
  maxAttempts?: number | undefined
  /**
   * Where it is kept how far each shard is read: fileCheckpoints(), dynamoCheckpoints(), memoryCheckpoints() or your own.
   * `from` then counts only for a stream that has none there yet. Consumers with the same store share the
   * shards by leases in it, so that each record is read by one of them. Default: none, each iteration starts anew.
   */
  checkpoints?: CheckpointStore | undefined
  /**
   * Milliseconds after which what is done with is stored, at the latest; default 1,000. A batch is done with when
   * the loop asks for the next one, in records() a record. 0: after each batch, before the next one is given, tried
   * each second while the store is away.
   * Infinity: by batch.checkpoint() alone, also at the end of a shard, whose children wait for it. After a
   * crash what is not stored comes again.
   */
  checkpointInterval?: number | undefined
  /** Name of this consumer in the store; default: each iteration has another one, by chance. Two at a time must not have the same: LOCKED in one process. */
  workerId?: string | undefined
  /** Milliseconds after its last sign of life in which a consumer's shards are taken over by others; default 10,000. */
  leaseDuration?: number | undefined
  /** Counts and measures; an OpenTelemetry Meter, say. */
  metrics?: MetricsSink | undefined
}

export interface Consumer extends AsyncIterable<ConsumerBatch> {
  /** The user records one by one; where the shard is another consumer's, which reads on from the last checkpoint, the rest of a batch is left to it. */
  records(): AsyncIterable<ConsumerBatch['records'][number]>
  metrics(): ConsumerMetrics
  /**
   * Ends the iteration, and calls under way; what is done with is stored, and the shards are given back, before the loop ends. It throws
   * the store's error where that cannot be done, as after a `break`.
   */
  close(): void
}

const POLLING_KEYS = ['maxRecords', 'pollInterval', 'idleInterval', 'maxRequests', 'maxBytesPerSecond'] as const

const OPTION_KEYS = [
  ...STREAM_KEYS,
  'ports',
  'from',
  'timestamp',
  'until',
  'shardIds',
  'mode',
  'deduplicate',
  'fanOut',
  ...POLLING_KEYS,
  'maxAttempts',
  'checkpoints',
  'checkpointInterval',
  'workerId',
  'leaseDuration',
  'metrics',
] as const

/**
 * A consumer of one stream. Batches of one shard come in order; those of different shards mix, but
 * a child shard's come after its parents'. With `checkpoints` it goes on where its like has stopped: each record
 * comes at least once, and again only what was not stored as done with. Without, each iteration starts
 * anew at `from`.
 *
 * @example
 * const consumer = createConsumer({ streamName: 'flights', until: 'now', clientConfig: { region: 'eu-central-1' } })
 * for await (const { partitionKey, data } of consumer.records()) console.log(partitionKey, new TextDecoder().decode(data))
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  checkOptions(options, OPTION_KEYS)
  const { clock, random } = checkPorts(options.ports)
  const service = createService(options, clock)
  const { whole, time } = numbersOf(options)
  const start = startOf(options)
  const { until, shardIds, mode = 'kcl', deduplicate = false } = options
  if (until !== undefined && until !== 'now' && !isDate(until)) throw wrongType('until', "'now' or a Date", until)
  if (!isMode(mode)) throw wrongType('mode', "'kcl', 'keep' or 'strict'", mode)
  if (typeof deduplicate !== 'boolean') throw wrongType('deduplicate', 'true or false', deduplicate)
  if (shardIds !== undefined && !(Array.isArray(shardIds) && shardIds.every((id) => typeof id === 'string')))
    throw wrongType('shardIds', 'an array of shard ids', shardIds)
  if (shardIds?.length === 0) throw outOfRange('shardIds.length', 'at least 1', 0)
  const { fanOut } = options
  if (fanOut !== undefined) {
    checkFanOut(fanOut)
    for (const key of POLLING_KEYS) if (options[key] !== undefined) throw wrongType(key, 'nothing beside "fanOut"', options[key])
  }
  // A subscription that is not pulled stands still: each shard has its event.
  const maxRequests = fanOut ? Number.POSITIVE_INFINITY : whole('maxRequests', 16, 1)
  const stop = new AbortController()
  const attempts = whole('maxAttempts', 20, 1)
  const missed = (shardId: string, code: string, throttled: boolean) => telemetry.missed(shardId, code, throttled)
  const reading = { service, clock, random, attempts, missed }
  const polling = {
    ...reading,
    limit: whole('maxRecords', KINESIS.getRecordsCount.value, 1, KINESIS.getRecordsCount.value),
    pace: time('pollInterval', 1000 / KINESIS.getRecordsCalls.value, 0),
    idle: time('idleInterval', 1000, 0),
    rate: whole('maxBytesPerSecond', KINESIS.shardReadBytes.value, 1),
  }
  const checkpointInterval = time('checkpointInterval', 1_000, 0)
  const duration = time('leaseDuration', 10_000, 100)
  const { checkpoints: store, workerId } = options
  if (store !== undefined && !(typeof store?.read === 'function' && typeof store.write === 'function' && typeof store.remove === 'function'))
    throw wrongType('checkpoints', 'a store with read, write and remove', store)
  if (workerId !== undefined && (typeof workerId !== 'string' || workerId === '')) throw wrongType('workerId', 'a name', workerId)
  checkSink(options.metrics)
  const telemetry = createConsumerTelemetry(options.metrics, (options.streamARN ?? options.streamName) as string)

  const consumption = (consumerARN?: string) =>
    consume({
      clock,
      openLeases: (signal, changed) => {
        const beginning = {
          latest: start === 'LATEST',
          timestamp: start === 'LATEST' ? clock.now() : typeof start === 'object' ? start.timestamp.getTime() : undefined,
        }
        const worker = workerId ?? randomName(random)
        return createLeases({ store: store ?? alone(), service, clock, random, signal, worker, duration, beginning, shardIds, attempts, changed, telemetry })
      },
      openReader: (hold, from, signal) =>
        consumerARN === undefined
          ? createShardReader(hold.shard, from, { ...polling, signal })
          : createFanOutReader(hold.shard, from, { ...reading, signal, consumerARN, listed: () => hold.shard }),
      mode,
      known: deduplicate ? createDeduplicator() : undefined,
      end: until === undefined ? Number.POSITIVE_INFINITY : until === 'now' ? clock.now() : until.getTime(),
      maxRequests,
      checkpointInterval,
      attempts,
      signal: stop.signal,
      telemetry,
    })
  const handed = () => (fanOut ? asConsumer({ ...fanOut, service, clock, random, signal: stop.signal }, consumption) : consumption())

  const consumer: Consumer = {
    async *[Symbol.asyncIterator]() {
      if (stop.signal.aborted) return
      for await (const { batch } of handed()) yield batch
    },
    async *records() {
      if (stop.signal.aborted) return
      for await (const { batch, alive, done, leave } of handed()) {
        for (const record of batch.records) {
          // Another consumer has the rest.
          if (!alive()) {
            leave()
            break
          }
          // The record is the caller's now, to change as they like.
          const { sequenceNumber, subSequenceNumber } = record
          yield record
          done({ sequenceNumber, subSequenceNumber })
        }
      }
    },
    metrics: () => telemetry.metrics(),
    close() {
      stop.abort(new MillraceError('CLOSED', 'the consumer is closed'))
      service.destroy()
    },
  }
  return consumer
}

/** Without a store nobody else reads, and nothing is kept. */
const alone = (): CheckpointStore => ({ ...memoryCheckpoints(), exclusive: true })

function startOf({ from = 'TRIM_HORIZON', timestamp }: ConsumerOptions): 'TRIM_HORIZON' | 'LATEST' | { timestamp: Date } {
  if (timestamp !== undefined && from !== 'AT_TIMESTAMP') throw wrongType('timestamp', 'nothing, for only AT_TIMESTAMP has one', timestamp)
  if (isDate(from)) return { timestamp: from }
  if (from === 'AT_TIMESTAMP') {
    if (!isDate(timestamp)) throw wrongType('timestamp', 'a Date (from is AT_TIMESTAMP)', timestamp)
    return { timestamp }
  }
  if (from !== 'TRIM_HORIZON' && from !== 'LATEST') throw wrongType('from', "'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP' or a Date", from)
  return from
}

const isDate = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())

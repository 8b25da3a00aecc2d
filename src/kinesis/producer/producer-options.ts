// What a producer can be told, and its bounds.
import { outOfRange, wrongType } from '../../errors.js'
import { KINESIS } from '../../limits.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { DeadLetterSink } from '../dead-letter.js'
import { checkOptions, checkPorts, numbersOf, STREAM_KEYS, type StreamOptions } from '../service/service.js'
import { checkSink, type MetricsSink } from '../telemetry.js'
import type { Ordering } from './lane.js'
import type { OpenSpool } from './spool-port.js'

export interface ProducerOptions extends StreamOptions {
  /** Clock and chance; default: the system's. */
  ports?: { clock: Clock; random: Random } | undefined
  /**
   * Several user records in one Kinesis record, as the KPL packs them; default true. It ends by
   * itself where the stream distributes records as it likes (RecordDistributionStrategy AUTO).
   */
  aggregation?: boolean | undefined
  /**
   * Each record carries an id that is the same whenever it is sent, so that `createConsumer({ deduplicate: true })` gives it
   * once; default false. It lies in the tags of the format, which the KCL and others skip, and costs a byte or two a
   * record. A record alone is then an aggregate of one; only one that has no room for the tag has no id. Without a spool the
   * ids end with the process. None where nothing is aggregated (`aggregation: false`, or AUTO).
   */
  stableIds?: boolean | undefined
  /** Bytes of an aggregate; default 51,200 (KPL), 64 to 10 MiB. */
  aggregationMaxSize?: number | undefined
  /** User records of an aggregate; default 2^32 - 1 (KPL). */
  aggregationMaxCount?: number | undefined
  /**
   * Ends an aggregate below the largest multiple of 25,000 bytes that aggregationMaxSize holds; default true. A
   * provisioned stream is billed by PUT payload units of 25 KB a Kinesis record, begun ones counted whole: 51,200
   * bytes are three of them, 49,999 two. false: where the KPL ends them, byte for byte. AWS says "25KB"; the
   * smaller reading costs nothing where the larger one is meant (KINESIS.payloadUnitBytes).
   */
  wholePayloadUnits?: boolean | undefined
  /** Milliseconds after which the shards and the RecordDistributionStrategy are looked up again while records come; default 60,000. */
  refreshInterval?: number | undefined
  /** Milliseconds that a record may wait for company; default 100 (KPL). */
  maxBufferedTime?: number | undefined
  /**
   * Bytes accepted and not settled at which put waits; default 64 MiB. What holds them counts as well: 64 a record, 256 more for
   * one of put(), which has a receipt of its own, and 512 a Kinesis record: an aggregate, or each record where
   * none are made.
   */
  maxBufferedBytes?: number | undefined
  /**
   * What is sure about the order of records. none (default): nothing. shard: records of one shard are
   * stored in the order they were put for as long as the stream's shards do not change. key: records of
   * one partition key (and explicit hash key) are, whatever fails, throttles or reshards; a shard then has one aggregate under way
   * at a time, 50 KB a round trip unless aggregationMaxSize is raised, and a reshard waits for what is under
   * way. Not even key can order a request that the service still stores after requestTimeout. A record
   * that fails leaves a gap, those behind it go on.
   */
  ordering?: Ordering | undefined
  /**
   * Percent of a shard's limits (1,000 records/s, 1 MiB/s with keys) up to which it is written to; default 100. Less where other
   * producers share the stream. A shard that throttles gets 70 % of its rate, and 5 % of the limit back a second.
   * Infinity: no limit but the service's own. Where the shards are not known: one shard's, growing while nothing is throttled.
   */
  rateLimit?: number | undefined
  /** Takes records that are given up, with the reason and every attempt: a function, such as `take` of what openDeadLetterFile() gives. */
  deadLetter?: DeadLetterSink | undefined
  /**
   * Keeps accepted records on a device until they have settled (fileSpool): put resolves once they are there,
   * and what an earlier run has left is sent first, before any new record, in its order. Nothing in it is given up for
   * its age unless recordTtl is set, which begins anew with each run. default: accepted records live in memory.
   */
  spool?: OpenSpool | undefined
  /** Told what is accepted, sent, settled, retried and throttled, by shard: an OpenTelemetry Meter, or `emfSink({ write })`. Never of payloads or keys. */
  metrics?: MetricsSink | undefined
  /** Records accepted and not settled at which put waits; default 1,000,000. */
  maxBufferedRecords?: number | undefined
  /** Bytes of data and partition key; default 1 MiB, up to 10 MiB where the stream has opted in. */
  maxRecordSize?: number | undefined
  /** Times that a Kinesis record is sent before it fails with the last error; default: no limit but recordTtl. */
  maxAttempts?: number | undefined
  /**
   * Milliseconds after acceptance past which a record is not sent again but fails as EXPIRED; default 300,000, with a
   * `spool` Infinity: it is there so that an outage is survived, and put waits once it is full.
   */
  recordTtl?: number | undefined
  /** Bytes of a PutRecords request, keys counted; default 5 MiB, up to 10 MiB, which the service takes by its newer documents. */
  maxRequestBytes?: number | undefined
  /** PutRecords requests under way at once; default 24 (KPL). */
  maxRequests?: number | undefined
  /** Milliseconds to wait for the answer to a request; default 30,000. */
  requestTimeout?: number | undefined
}

/** Every option with its value. */
export interface ProducerSettings {
  clock: Clock
  random: Random
  ordering: Ordering
  rateLimit: number
  deadLetter: DeadLetterSink | undefined
  spool: OpenSpool | undefined
  metrics: MetricsSink | undefined
  /** Its name or ARN. */
  stream: string
  aggregation: boolean
  stableIds: boolean
  maxSize: number
  maxCount: number
  refreshInterval: number
  linger: number
  maxBytes: number
  maxRecords: number
  maxRecordSize: number
  maxAttempts: number
  recordTtl: number
  maxRequestBytes: number
  maxRequests: number
  requestTimeout: number
}

const OPTION_KEYS = [
  ...STREAM_KEYS,
  'ports',
  'ordering',
  'rateLimit',
  'deadLetter',
  'spool',
  'metrics',
  'aggregation',
  'stableIds',
  'aggregationMaxSize',
  'aggregationMaxCount',
  'wholePayloadUnits',
  'refreshInterval',
  'maxBufferedTime',
  'maxBufferedBytes',
  'maxBufferedRecords',
  'maxRecordSize',
  'maxAttempts',
  'recordTtl',
  'maxRequestBytes',
  'maxRequests',
  'requestTimeout',
] as const

const MIB = 1_048_576
const ORDERINGS: readonly Ordering[] = ['none', 'shard', 'key']

/** Throws TypeError for an unknown option or a wrong type, RangeError beyond a bound. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  checkOptions(options, OPTION_KEYS)
  const { whole, time } = numbersOf(options)
  const { clock, random } = checkPorts(options.ports)
  const { aggregation = true, ordering = 'none', rateLimit = 100, deadLetter, spool, metrics, wholePayloadUnits = true, stableIds = false } = options
  if (typeof aggregation !== 'boolean') throw wrongType('aggregation', 'true or false', aggregation)
  if (!ORDERINGS.includes(ordering)) throw wrongType('ordering', `one of ${ORDERINGS.join(', ')}`, ordering)
  if (spool !== undefined && typeof spool !== 'function') throw wrongType('spool', 'a function that opens a spool', spool)
  checkSink(metrics)
  if (typeof stableIds !== 'boolean') throw wrongType('stableIds', 'true or false', stableIds)
  if (typeof wholePayloadUnits !== 'boolean') throw wrongType('wholePayloadUnits', 'true or false', wholePayloadUnits)
  const maxSize = whole('aggregationMaxSize', 51_200, 64, 10 * MIB)
  if (typeof rateLimit !== 'number') throw wrongType('rateLimit', 'a number of percent', rateLimit)
  if (!(rateLimit >= 1)) throw outOfRange('rateLimit', 'a number of percent from 1', rateLimit)
  if (deadLetter !== undefined && typeof deadLetter !== 'function') throw wrongType('deadLetter', 'a function', deadLetter)
  return {
    clock,
    random,
    ordering,
    rateLimit,
    deadLetter,
    spool,
    metrics,
    stream: options.streamARN ?? (options.streamName as string),
    aggregation,
    stableIds,
    maxSize: wholePayloadUnits ? belowUnit(maxSize) : maxSize,
    maxCount: whole('aggregationMaxCount', 0xffffffff, 1, 0xffffffff),
    refreshInterval: time('refreshInterval', 60_000, 1_000),
    linger: time('maxBufferedTime', 100, 0),
    maxBytes: whole('maxBufferedBytes', 64 * MIB, 1),
    maxRecords: whole('maxBufferedRecords', 1_000_000, 1),
    maxRecordSize: whole('maxRecordSize', KINESIS.recordBytes.value, 64, KINESIS.largeRecordBytes.value),
    maxAttempts: whole('maxAttempts', Number.POSITIVE_INFINITY, 1),
    recordTtl: time('recordTtl', spool ? Number.POSITIVE_INFINITY : 300_000, 100),
    maxRequestBytes: whole('maxRequestBytes', KINESIS.putRecordsBytes.value, MIB, KINESIS.putRecordsLargeBytes.value),
    maxRequests: whole('maxRequests', 24, 1),
    requestTimeout: time('requestTimeout', 30_000, 100),
  }
}

/** The largest size of an aggregate that begins no further payload unit; its key "a" may count too. */
function belowUnit(size: number): number {
  const unit = KINESIS.payloadUnitBytes.value
  return size < unit ? size : size - (size % unit) - 1
}

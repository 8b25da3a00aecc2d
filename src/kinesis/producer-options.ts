// What a producer can be told, and its bounds.
import { wrongType } from '../errors.js'
import { KINESIS } from '../limits.js'
import type { Clock, Random } from '../ports/ports.js'
import { checkOptions, checkPorts, numbersOf, STREAM_KEYS, type StreamOptions } from './service.js'

export interface ProducerOptions extends StreamOptions {
  /** Clock and chance; default: the system's. */
  ports?: { clock: Clock; random: Random }
  /**
   * Several user records in one Kinesis record, as the KPL packs them; default true. It ends by
   * itself where the stream distributes records as it likes (RecordDistributionStrategy AUTO).
   */
  aggregation?: boolean
  /** Bytes of an aggregate; default 51,200 (KPL), 64 to 10 MiB. */
  aggregationMaxSize?: number
  /** User records of an aggregate; default 2^32 - 1 (KPL). */
  aggregationMaxCount?: number
  /** Milliseconds that a record may wait for company; default 100 (KPL). */
  maxBufferedTime?: number
  /** Bytes accepted and not settled, 64 a record included, at which put waits; default 64 MiB. */
  maxBufferedBytes?: number
  /** Records accepted and not settled at which put waits; default 1,000,000. */
  maxBufferedRecords?: number
  /** Bytes of data and partition key; default 1 MiB, up to 10 MiB where the stream has opted in. */
  maxRecordSize?: number
  /** Times that a Kinesis record is sent before it fails with the last error; default: no limit but recordTtl. */
  maxAttempts?: number
  /** Milliseconds after acceptance past which a record is not sent again but fails as EXPIRED; default 300,000. */
  recordTtl?: number
  /** PutRecords requests under way at once; default 24 (KPL). */
  maxRequests?: number
  /** Milliseconds to wait for the answer to a request; default 30,000. */
  requestTimeout?: number
}

/** Every option with its value. */
export interface ProducerSettings {
  clock: Clock
  random: Random
  aggregation: boolean
  maxSize: number
  maxCount: number
  linger: number
  maxBytes: number
  maxRecords: number
  maxRecordSize: number
  maxAttempts: number
  recordTtl: number
  maxRequests: number
  requestTimeout: number
}

const OPTION_KEYS = [
  ...STREAM_KEYS,
  'ports',
  'aggregation',
  'aggregationMaxSize',
  'aggregationMaxCount',
  'maxBufferedTime',
  'maxBufferedBytes',
  'maxBufferedRecords',
  'maxRecordSize',
  'maxAttempts',
  'recordTtl',
  'maxRequests',
  'requestTimeout',
] as const

const MIB = 1_048_576

/** Throws TypeError for an unknown option or a wrong type, RangeError beyond a bound. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  checkOptions(options, OPTION_KEYS)
  const { whole, time } = numbersOf(options)
  const { clock, random } = checkPorts(options.ports)
  const { aggregation = true } = options
  if (typeof aggregation !== 'boolean') throw wrongType('aggregation', 'true or false', aggregation)
  return {
    clock,
    random,
    aggregation,
    maxSize: whole('aggregationMaxSize', 51_200, 64, 10 * MIB),
    maxCount: whole('aggregationMaxCount', 0xffffffff, 1, 0xffffffff),
    linger: time('maxBufferedTime', 100, 0),
    maxBytes: whole('maxBufferedBytes', 64 * MIB, 1),
    maxRecords: whole('maxBufferedRecords', 1_000_000, 1),
    maxRecordSize: whole('maxRecordSize', KINESIS.recordBytes.value, 64, KINESIS.largeRecordBytes.value),
    maxAttempts: whole('maxAttempts', Number.POSITIVE_INFINITY, 1),
    recordTtl: time('recordTtl', 300_000, 100),
    maxRequests: whole('maxRequests', 24, 1),
    requestTimeout: time('requestTimeout', 30_000, 100),
  }
}

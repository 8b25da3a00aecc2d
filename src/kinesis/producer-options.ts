// What a producer can be told, and its bounds.
import { outOfRange, wrongType } from '../errors.js'
import { KINESIS } from '../limits.js'
import type { Clock, Random } from '../ports/ports.js'
import { systemClock, systemRandom } from '../ports/system.js'
import { checkOptions, STREAM_KEYS, type StreamOptions } from './service.js'

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
  const number = (key: keyof ProducerOptions, fallback: number, least: number, most = Number.POSITIVE_INFINITY): number => {
    const value = options[key] ?? fallback
    if (typeof value !== 'number') throw wrongType(key, 'a number', value)
    if (!(value >= least && value <= most)) throw outOfRange(key, `a number from ${least} to ${most}`, value)
    return value
  }
  const { aggregation = true, ports = { clock: systemClock, random: systemRandom } } = options
  if (typeof aggregation !== 'boolean') throw wrongType('aggregation', 'true or false', aggregation)
  return {
    clock: ports.clock,
    random: ports.random,
    aggregation,
    maxSize: number('aggregationMaxSize', 51_200, 64, 10 * MIB),
    maxCount: number('aggregationMaxCount', 0xffffffff, 1, 0xffffffff),
    linger: number('maxBufferedTime', 100, 0),
    maxBytes: number('maxBufferedBytes', 64 * MIB, 1),
    maxRecords: number('maxBufferedRecords', 1_000_000, 1),
    maxRecordSize: number('maxRecordSize', KINESIS.recordBytes.value, 64, KINESIS.largeRecordBytes.value),
    maxAttempts: number('maxAttempts', Number.POSITIVE_INFINITY, 1),
    recordTtl: number('recordTtl', 300_000, 100),
    maxRequests: number('maxRequests', 24, 1),
    requestTimeout: number('requestTimeout', 30_000, 100),
  }
}

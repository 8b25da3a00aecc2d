// One shard, read by GetRecords: iterators, pace, retry. What a reader hands over are the service's
// records, in order, each once.
import { MillraceError } from '../../errors.js'
import { backoff } from '../../ports/backoff.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { ShardDescription } from '../service/listing.js'
import type { KinesisService, StreamRecord } from '../service/service.js'
import { compareSequence } from '../service/shards.js'

/** Where to begin: the service's ShardIteratorType, with its argument. */
export type StartPosition = 'TRIM_HORIZON' | 'LATEST' | { timestamp: Date } | { sequenceNumber: string } | { afterSequenceNumber: string }

export interface Fetched {
  records: StreamRecord[]
  /** Of their data. */
  bytes: number
  /** Undefined where the server does not say. */
  millisBehindLatest: number | undefined
  /** The shard is closed and read to its end. */
  ended: boolean
}

export interface ShardReader {
  readonly shard: ShardDescription
  /** Monotonic milliseconds at which its next call is due. */
  readonly due: number
  /** The next records, perhaps none; waits until they are due. Throws SERVICE for what will not pass. */
  next(): Promise<Fetched>
}

export interface ReaderOptions {
  service: KinesisService
  clock: Clock
  random: Random
  signal: AbortSignal
  /** Failures in a row after which the error is thrown. */
  attempts: number
  /** A call has failed, and is tried again or not. */
  missed(shardId: string, code: string, throttled: boolean): void
}

export interface PollingOptions extends ReaderOptions {
  /** Records a call. */
  limit: number
  /** Milliseconds from one call's start to the next, and at most where there is nothing more to read. */
  pace: number
  idle: number
  /** Bytes a second. */
  rate: number
}

export function createShardReader(shard: ShardDescription, start: StartPosition, options: PollingOptions): ShardReader {
  const { service, clock, random, signal } = options
  let iterator: string | undefined
  let last: string | undefined
  let begun: StartPosition = start
  let notBefore = 0
  /** Milliseconds to the next call; twice as many after each that brought nothing. */
  let quiet = options.pace
  const call = async (): Promise<Fetched> => {
    if (iterator === undefined) {
      const position = last === undefined ? begun : { afterSequenceNumber: last }
      const now = clock.now()
      iterator = await service.shardIterator({ ShardId: shard.ShardId, ...iteratorOf(position) }, signal)
      // Should it expire before the first record, "latest" must not be a later one.
      if (begun === 'LATEST') begun = { timestamp: new Date(now) }
    }
    const started = clock.monotonic()
    const answer = await service.getRecords(iterator, options.limit, signal)
    const all = answer.Records
    // After an expired iterator a server may begin again at the last record.
    const records = behind(all, last)
    if (records.length > 0) last = records[records.length - 1].SequenceNumber
    iterator = answer.NextShardIterator ?? undefined
    // An answer without records may only mean that the next ones lie further on.
    if (all.length > 0 || answer.MillisBehindLatest) quiet = options.pace
    else quiet = Math.min(options.idle, Math.max(2 * quiet, options.idle / 8))
    const bytes = bytesOf(records)
    notBefore = started + Math.max(quiet, (1000 * bytes) / options.rate)
    return { records, bytes, millisBehindLatest: answer.MillisBehindLatest, ended: iterator === undefined }
  }
  return {
    shard,
    get due() {
      return notBefore
    },
    async next() {
      for (let failures = 1; ; failures++) {
        const wait = notBefore - clock.monotonic()
        if (wait > 0) await clock.sleep(wait, signal)
        try {
          return await call()
        } catch (error) {
          if (signal.aborted) throw signal.reason
          if (error instanceof MillraceError) throw error
          if (endure(shard, error, failures, options) === 'ExpiredIteratorException') iterator = undefined
          notBefore = clock.monotonic() + backoff(failures, random, 200)
        }
      }
    },
  }
}

/** The code of a call's error that may pass; throws SERVICE for one that will not, or that has come too often in a row. */
export function endure({ ShardId }: ShardDescription, error: unknown, failures: number, { attempts, missed }: ReaderOptions): string {
  const { kind, code, message } = faultOf(error)
  missed(ShardId, code, kind === 'throttle')
  if ((kind === 'permanent' && code !== 'ExpiredIteratorException' && !isAhead(code, message)) || failures >= attempts)
    throw new MillraceError('SERVICE', `shard ${ShardId}: ${code}: ${message}`, { cause: error })
  return code
}

/** A beginning of now, by a clock that is ahead of the service's: some seconds later it is past. In the words of kinesalite, kinesis-local. */
const isAhead = (code: string, message: string) =>
  code === 'InvalidArgumentException' && /timestamp.* (greater than the currentTimestampInMillis|in the future)/i.test(message)

/** Those that have not come yet. */
export const behind = (records: StreamRecord[], last: string | undefined): StreamRecord[] =>
  last === undefined ? records : records.filter(({ SequenceNumber }) => compareSequence(SequenceNumber, last) > 0)

export const bytesOf = (records: readonly StreamRecord[]): number => records.reduce((sum, { Data }) => sum + Data.length, 0)

/** The same as fields of GetShardIterator. */
export function iteratorOf(position: StartPosition): Record<string, unknown> {
  if (typeof position === 'string') return { ShardIteratorType: position }
  if ('timestamp' in position) return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: position.timestamp }
  if ('sequenceNumber' in position) return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber }
  return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: position.afterSequenceNumber }
}

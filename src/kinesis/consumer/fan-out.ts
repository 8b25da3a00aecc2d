// One shard, read by SubscribeToShard: the service pushes events over one connection for five minutes, then the
// next subscription goes on behind the last event. What a reader hands over are the service's records, in
// order, each once, whichever way they come.
import { MillraceError } from '../../errors.js'
import { KINESIS } from '../../limits.js'
import { backoff } from '../../ports/backoff.js'
import { withTimeout } from '../../ports/timeout.js'
import type { ShardDescription } from '../service/listing.js'
import { readEventRecords } from '../service/records.js'
import type { SubscribeToShardEvent } from '../service/service.js'
import { isOpen } from '../service/shards.js'
import { onAbort } from '../service/signal.js'
import { isNumber } from './checkpoint-store.js'
import { behind, bytesOf, endure, type Fetched, iteratorOf, type ReaderOptions, type ShardReader, type StartPosition } from './reader.js'

export interface FanOutReaderOptions extends ReaderOptions {
  /** Of the registered consumer. */
  consumerARN: string
  /** The shard as it was listed last. */
  listed(): ShardDescription
}

interface Subscription {
  /** The next event; undefined once it is over, or so old that the next one is due. */
  next(): Promise<SubscribeToShardEvent | undefined>
  end(): void
}

/** Milliseconds after which a subscription is renewed: before the service ends it. */
const LIFE = KINESIS.fanOutSubscription.value - 10_000
/** Milliseconds without an event after which the connection counts as dead: the KCL's (ShardConsumer.MAX_TIME_BETWEEN_REQUEST_RESPONSE). */
const SILENCE = 60_000

export function createFanOutReader(shard: ShardDescription, start: StartPosition, options: FanOutReaderOptions): ShardReader {
  const { service, clock, random, signal } = options
  const { ShardId } = shard
  const created = new Date(clock.now())
  let begun = start
  let last: string | undefined
  /** The shard is read up to there, perhaps without a record. */
  let continuation: string | undefined
  let subscription: Subscription | undefined
  let notBefore = clock.monotonic()

  const subscribe = async (): Promise<Subscription> => {
    const wait = notBefore - clock.monotonic()
    if (wait > 0) await clock.sleep(wait, signal)
    signal.throwIfAborted()
    const stop = new AbortController()
    const unlink = onAbort(signal, () => stop.abort(signal.reason))
    const end = () => {
      unlink()
      stop.abort()
    }
    const {
      ShardIteratorType: Type,
      StartingSequenceNumber: SequenceNumber,
      Timestamp,
    } = iteratorOf(continuation === undefined ? begun : { afterSequenceNumber: continuation })
    // Should it not come to its first event, "latest" must not be a later one.
    if (begun === 'LATEST') begun = { timestamp: created }
    try {
      const stream = await service.subscribeToShard(
        { ConsumerARN: options.consumerARN, ShardId, StartingPosition: { Type, SequenceNumber, Timestamp } },
        stop.signal,
      )
      const began = clock.monotonic()
      notBefore = began + KINESIS.fanOutResubscription.value
      return { next: eventsOf(stream[Symbol.asyncIterator](), began), end }
    } catch (error) {
      end()
      throw error
    }
  }

  const eventsOf = (events: AsyncIterator<{ SubscribeToShardEvent?: SubscribeToShardEvent }>, began: number) => {
    let empty = true
    return async (): Promise<SubscribeToShardEvent | undefined> => {
      for (;;) {
        const left = began + LIFE - clock.monotonic()
        if (left <= 0) return undefined
        // Not pulled before the last one is done with: what the service has more waits in the connection.
        const pulled = await withTimeout(clock, Math.min(left, SILENCE), signal, () => events.next()).catch((error: unknown) => {
          if (clock.monotonic() - began < LIFE) throw error
        })
        if (!pulled) return undefined
        if (pulled.done) {
          if (empty) throw Object.assign(new Error('the subscription has ended before its first event'), { name: 'SubscriptionEnded' })
          return undefined
        }
        // What the SDK does not know yet is no event of ours.
        const event = pulled.value?.SubscribeToShardEvent
        if (!event) continue
        empty = false
        return event
      }
    }
  }

  const leave = () => {
    subscription?.end()
    subscription = undefined
  }

  const accept = async (event: SubscribeToShardEvent): Promise<Fetched> => {
    const { ContinuationSequenceNumber, MillisBehindLatest, ChildShards } = event
    const records = behind(readEventRecords(event), last)
    last = records.at(-1)?.SequenceNumber ?? last
    continuation = ContinuationSequenceNumber && isNumber(ContinuationSequenceNumber) ? ContinuationSequenceNumber : (last ?? continuation)
    const idle = records.length === 0 && !MillisBehindLatest
    const ended = (Array.isArray(ChildShards) && ChildShards.length > 0) || (idle && !isOpen(options.listed()) && (await isRead()))
    if (ended) leave()
    return { records, bytes: bytesOf(records), millisBehindLatest: MillisBehindLatest, ended }
  }

  // kinesis-local 0.6.2 never says that a closed shard is at its end; to GetRecords it does. A role that may not
  // ask, as it need not with the service itself, waits for the event.
  const isRead = async (): Promise<boolean> => {
    try {
      const iterator = await service.shardIterator({ ShardId, ...iteratorOf(last === undefined ? begun : { afterSequenceNumber: last }) }, signal)
      const { Records, NextShardIterator } = await service.getRecords(iterator, 1, signal)
      return behind(Records, last).length === 0 && !NextShardIterator
    } catch {
      return false
    }
  }

  return {
    shard,
    // It waits itself; the service paces the events.
    due: 0,
    async next() {
      for (let failures = 1; ; ) {
        try {
          subscription ??= await subscribe()
          const event = await subscription.next()
          if (event) return await accept(event)
          leave()
        } catch (error) {
          leave()
          if (signal.aborted) throw signal.reason
          if (error instanceof MillraceError) throw error
          endure(shard, error, failures, options)
          // One call a second is what the service takes.
          notBefore = Math.max(notBefore, clock.monotonic() + backoff(failures++, random, 2_000, 10_000))
        }
      }
    },
  }
}

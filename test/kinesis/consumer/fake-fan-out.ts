// Enhanced fan-out of a stream in memory: registered consumers, one subscription of each and shard at a time,
// with the service's rules and with faults from a seed.
import type { StreamRecord, SubscribeToShardEvent } from '../../../src/kinesis/service/service.js'
import type { Clock, Random } from '../../../src/ports/ports.js'
import { type createFakeStream, serviceError } from '../fake.js'

export interface FanOutFaults {
  /** Chances per event. */
  reset?: number
  internal?: number
  end?: number
  silence?: number
  /** Chance per SubscribeToShard, and in place of its first event. */
  throttle?: number
  inUse?: number
  /** Never says that a shard is at its end, as kinesis-local does. */
  mute?: boolean
  /** Thrown in place of the next event. */
  next?: Error
}

interface Input {
  ConsumerARN: string
  ConsumerName: string
  StreamARN: string
  ShardId: string
  StartingPosition: { Type: string; SequenceNumber?: string; Timestamp?: Date }
}

interface Subscription {
  /** Monotonic milliseconds of its begin, and of its end where that has come. */
  at: number
  ended?: number
  shardId: string
  position: Input['StartingPosition']
  /** What its next pull throws. */
  broken?: Error
}

/** An exception of the event stream, as the SDK throws it: without a status. */
export const streamError = (name: string, $fault: 'client' | 'server') => Object.assign(new Error(name), { name, $fault, $metadata: {} })

const ARN = 'arn:aws:kinesis:eu-central-1:000000000000:stream/s'
const LIFE = 300_000
/** Milliseconds for which an event may lie there before the service gives a reader up. */
const PATIENCE = 30_000

export function addFanOut(stream: ReturnType<typeof createFakeStream>, clock: Clock, random: Random, activeMs = 3_000) {
  const faults: FanOutFaults = {}
  const consumers = new Map<string, { arn: string; activeAt: number; goneAt: number }>()
  const subscriptions: Subscription[] = []
  const current = new Map<string, Subscription>()
  const chance = (p: number | undefined) => p !== undefined && p > 0 && random.next() < p
  const now = () => clock.monotonic()
  let made = 0

  const status = ({ activeAt, goneAt }: { activeAt: number; goneAt: number }) =>
    goneAt < Number.POSITIVE_INFINITY ? 'DELETING' : now() < activeAt ? 'CREATING' : 'ACTIVE'
  const known = (name: string) => {
    const found = consumers.get(name)
    if (found && now() >= found.goneAt) consumers.delete(name)
    return consumers.get(name)
  }
  const described = (name: string) => {
    const found = known(name)
    if (!found) throw serviceError('ResourceNotFoundException', 400, `consumer ${name} is not found`)
    return { ConsumerName: name, ConsumerARN: found.arn, ConsumerStatus: status(found) }
  }
  const nameOf = (arn: string) => [...consumers].find(([, consumer]) => consumer.arn === arn)?.[0] ?? arn

  const positionOf = (records: readonly StreamRecord[], { Type, SequenceNumber = '0', Timestamp }: Input['StartingPosition']) => {
    const from = BigInt(SequenceNumber)
    const at = {
      TRIM_HORIZON: () => 0,
      LATEST: () => records.length,
      AT_TIMESTAMP: () => records.findIndex((r) => Number(r.ApproximateArrivalTimestamp) >= Number(Timestamp)),
      AT_SEQUENCE_NUMBER: () => records.findIndex((r) => BigInt(r.SequenceNumber) >= from),
      AFTER_SEQUENCE_NUMBER: () => records.findIndex((r) => BigInt(r.SequenceNumber) > from),
    }[Type as 'LATEST']()
    return at < 0 ? records.length : at
  }

  async function* events(
    subscription: Subscription,
    ConsumerARN: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ SubscribeToShardEvent: SubscribeToShardEvent }> {
    const shard = stream.shards.find(({ ShardId }) => ShardId === subscription.shardId) as (typeof stream.shards)[number]
    let at = positionOf(shard.records, subscription.position)
    let quiet = 0
    try {
      for (;;) {
        await clock.sleep(20 + 60 * random.next(), signal)
        if (chance(faults.silence)) await clock.sleep(10 * LIFE, signal)
        if (subscription.broken) throw subscription.broken
        if (faults.next) {
          const error = faults.next
          faults.next = undefined
          throw error
        }
        if (chance(faults.reset)) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
        if (chance(faults.internal)) throw streamError('InternalFailureException', 'server')
        if (chance(faults.end) || now() - subscription.at >= LIFE) return
        const found = known(nameOf(ConsumerARN))
        if (!found || status(found) !== 'ACTIVE') throw streamError('ResourceNotFoundException', 'client')
        const Records = shard.records.slice(at, at + 1 + Math.floor(random.next() * 60))
        at += Records.length
        const done = at === shard.records.length && shard.SequenceNumberRange.EndingSequenceNumber !== undefined && !faults.mute
        if (Records.length === 0 && !done && now() < quiet) continue
        quiet = now() + 4_000
        // Past all that is stored: what comes later in this shard has a greater one.
        const newest = stream.shards.flatMap(({ records }) => records.at(-1)?.SequenceNumber ?? []).reduce((a, b) => (BigInt(a) > BigInt(b) ? a : b), '0')
        const reached = at === shard.records.length ? newest : (Records.at(-1)?.SequenceNumber as string)
        const children = stream.shards.filter((child) => [child.ParentShardId, child.AdjacentParentShardId].includes(shard.ShardId))
        const pushed = now()
        yield {
          SubscribeToShardEvent: {
            Records,
            ...(done ? { ChildShards: children.map(({ ShardId }) => ({ ShardId })) } : { ContinuationSequenceNumber: reached }),
            MillisBehindLatest: shard.records.length - at,
          },
        }
        if (done) return
        if (now() - pushed > PATIENCE) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
      }
    } finally {
      subscription.ended = now()
    }
  }

  Object.assign(stream.handlers, {
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: { StreamARN: ARN, StreamStatus: 'ACTIVE' } }),
    RegisterStreamConsumer({ StreamARN, ConsumerName }: Input) {
      if (StreamARN !== ARN) throw serviceError('ResourceNotFoundException', 400)
      if (known(ConsumerName)) throw serviceError('ResourceInUseException', 400, `consumer ${ConsumerName} exists`)
      consumers.set(ConsumerName, { arn: `${ARN}/consumer/${ConsumerName}:${made++}`, activeAt: now() + activeMs, goneAt: Number.POSITIVE_INFINITY })
      return { Consumer: described(ConsumerName) }
    },
    DescribeStreamConsumer: ({ ConsumerName }: Input) => ({ ConsumerDescription: described(ConsumerName) }),
    DeregisterStreamConsumer({ ConsumerARN }: Input) {
      const found = known(nameOf(ConsumerARN))
      if (!found) throw serviceError('ResourceNotFoundException', 400)
      found.goneAt = now() + activeMs
      return {}
    },
    SubscribeToShard({ ConsumerARN, ShardId, StartingPosition }: Input, signal: AbortSignal) {
      const found = known(nameOf(ConsumerARN))
      if (!found || !stream.shards.some((shard) => shard.ShardId === ShardId)) throw serviceError('ResourceNotFoundException', 400)
      if (status(found) !== 'ACTIVE') throw serviceError('ResourceInUseException', 400)
      if (chance(faults.throttle)) throw serviceError('LimitExceededException', 400)
      const key = `${ConsumerARN} ${ShardId}`
      const before = current.get(key)
      if (before && now() - before.at < 5_000) throw serviceError('ResourceInUseException', 400, `subscribed ${now() - before.at} ms ago`)
      if (before) before.broken = streamError('ResourceInUseException', 'client')
      const subscription: Subscription = { at: now(), shardId: ShardId, position: StartingPosition }
      if (chance(faults.inUse)) subscription.broken = streamError('ResourceInUseException', 'client')
      current.set(key, subscription)
      subscriptions.push(subscription)
      const end = () => {
        subscription.ended = now()
      }
      if (signal.aborted) end()
      signal.addEventListener('abort', end, { once: true })
      return { EventStream: events(subscription, ConsumerARN, signal) }
    },
  })
  return { faults, consumers, subscriptions, streamARN: ARN }
}

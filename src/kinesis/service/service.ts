// The Kinesis operations that the stages use, over whatever client the user gave. Shapes are the
// service's own, cut down to the fields that are read here.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'
import { KINESIS } from '../../limits.js'
import { type AwsClient, type AwsClientConfig, createKinesisClient, loadKinesisPeer } from '../../ports/aws.js'
import { type Calls, checkClientOptions, createCalls } from '../../ports/calls.js'
import type { Clock, Random } from '../../ports/ports.js'
import { systemClock, systemRandom } from '../../ports/system.js'
import { readPage, type ShardDescription, unusable } from './listing.js'
import { readResult } from './records.js'

/** Which stream, and how to reach it. */
export interface StreamOptions {
  /** Name of the stream; or else its ARN. */
  streamName?: string | undefined
  streamARN?: string | undefined
  /**
   * Anything with `send(command)`: a KinesisClient. Give it `maxAttempts: 1`, as failures are retried
   * here, and `requestHandler: new NodeHttpHandler()`: its own handler speaks HTTP/2, which kinesalite
   * answers with "Protocol error".
   */
  client?: AwsClient | undefined
  /** Or what to make a KinesisClient from: region, endpoint, credentials ... */
  clientConfig?: AwsClientConfig | undefined
  /** What holds the command constructors (PutRecordsCommand ...), for fakes; default: the module `@aws-sdk/client-kinesis`. */
  commands?: object | undefined
}

export interface PutRecordsEntry {
  Data: Uint8Array
  PartitionKey: string
  ExplicitHashKey?: string
}

export interface PutRecordsResult {
  ShardId?: string
  SequenceNumber?: string
  ErrorCode?: string
  ErrorMessage?: string
}

export interface StreamRecord {
  SequenceNumber: string
  ApproximateArrivalTimestamp?: Date
  Data: Uint8Array
  /** Absent where the service distributes the records itself. */
  PartitionKey?: string
}

export interface GetRecordsResult {
  Records: StreamRecord[]
  NextShardIterator: string | null | undefined
  MillisBehindLatest: number | undefined
}

export interface SubscribeToShardEvent {
  Records?: StreamRecord[]
  /** Where the next subscription goes on; none at the end of the shard. */
  ContinuationSequenceNumber?: string
  MillisBehindLatest?: number
  /** At the end of the shard. */
  ChildShards?: { ShardId?: string }[]
}

export interface StreamConsumer {
  ConsumerARN: string
  /** CREATING, ACTIVE or DELETING. */
  ConsumerStatus: string
}

export interface KinesisService extends Pick<Calls, 'connect' | 'destroy'> {
  putRecords(records: PutRecordsEntry[]): Promise<{ Records?: PutRecordsResult[] }>
  /**
   * All pages, each shard once: as the last page that has it says. The filter AT_LATEST leaves closed shards out, where
   * the server knows it. Rejects with an InvalidResponse that says what is odd where shards lack their fields, or
   * where the list does not end: 1,000 pages, or ten in a row that bring no new shard.
   */
  listShards(signal?: AbortSignal, filter?: 'AT_LATEST'): Promise<ShardDescription[]>
  /** RecordDistributionStrategy of the stream where the service knows such a thing. */
  distribution(signal?: AbortSignal): Promise<string | undefined>
  /** This and the next: reject with an InvalidResponse that says what is odd where the answer is none. */
  shardIterator(input: Record<string, unknown>, signal?: AbortSignal): Promise<string>
  getRecords(iterator: string, limit: number, signal?: AbortSignal): Promise<GetRecordsResult>
  /** The stream's ARN: the caller's own, or looked up. */
  streamARN(signal?: AbortSignal): Promise<string>
  registerConsumer(StreamARN: string, ConsumerName: string, signal?: AbortSignal): Promise<StreamConsumer>
  /** Rejects with ResourceNotFoundException where the stream has no such consumer. */
  describeConsumer(StreamARN: string, ConsumerName: string, signal?: AbortSignal): Promise<StreamConsumer>
  deregisterConsumer(ConsumerARN: string): Promise<void>
  /** The signal ends the events too, and is to be aborted where this rejects. */
  subscribeToShard(input: Record<string, unknown>, signal: AbortSignal): Promise<AsyncIterable<{ SubscribeToShardEvent?: SubscribeToShardEvent }>>
}

/** Pages of a list of shards: a million of them. */
const PAGES = 1_000
/** Pages in a row without a new shard: a filter may leave some empty, a server that repeats itself never ends. */
const IDLE_PAGES = 10

export const STREAM_KEYS = ['streamName', 'streamARN', 'client', 'clientConfig', 'commands'] as const

/**
 * Checks the options at the public edge; the client is built at the first call. A call that has no
 * answer after `timeout` milliseconds is aborted and rejects with a TimeoutError.
 */
export function createService(options: StreamOptions, clock: Clock, timeout = 30_000): KinesisService {
  const target = checkStream(options)
  const { call, open, connect, destroy } = createCalls(options, { load: loadKinesisPeer, create: createKinesisClient }, clock, timeout)
  const summary = async (signal?: AbortSignal) => {
    const answer = await call<{ StreamDescriptionSummary?: Record<string, unknown> }>('DescribeStreamSummary', target, signal)
    return answer.StreamDescriptionSummary ?? {}
  }
  return {
    connect,
    putRecords: (Records) => call('PutRecords', { ...target, Records }),
    async listShards(signal, filter) {
      const shards = new Map<string, ShardDescription>()
      let input: object = { ...target, ...(filter ? { ShardFilter: { Type: filter } } : {}) }
      for (let pages = 1, idle = 0; ; pages++) {
        const { shards: more, next } = readPage(await call('ListShards', { ...input, MaxResults: KINESIS.listShardsCount.value }, signal))
        const before = shards.size
        for (const shard of more) shards.set(shard.ShardId, shard)
        if (next === undefined) return [...shards.values()]
        idle = shards.size > before ? 0 : idle + 1
        if (pages === PAGES || idle === IDLE_PAGES)
          throw unusable(new RangeError(`"NextToken" expected none at the end of the list, got one after ${pages} pages, the last ${idle} without a new shard`))
        // A token stands for the stream and the filter; StreamName beside it is refused.
        input = { NextToken: next, ...('StreamARN' in target ? target : {}) }
      }
    },
    async distribution(signal) {
      const { RecordDistributionStrategy: strategy } = await summary(signal)
      return typeof strategy === 'string' ? strategy : undefined
    },
    async shardIterator(input, signal) {
      const { ShardIterator } = (await call<{ ShardIterator?: unknown } | undefined>('GetShardIterator', { ...target, ...input }, signal)) ?? {}
      if (typeof ShardIterator !== 'string' || ShardIterator === '') throw unusable(wrongType('ShardIterator', 'text', ShardIterator))
      return ShardIterator
    },
    getRecords: async (ShardIterator, Limit, signal) =>
      readResult(await call('GetRecords', { ShardIterator, Limit, ...('StreamARN' in target ? target : {}) }, signal)),
    async streamARN(signal) {
      if ('StreamARN' in target) return target.StreamARN
      const { StreamARN } = await summary(signal)
      if (typeof StreamARN !== 'string') throw unusable(wrongType('StreamARN', 'an ARN', StreamARN))
      return StreamARN
    },
    async registerConsumer(StreamARN, ConsumerName, signal) {
      return consumerOf((await call<{ Consumer?: unknown }>('RegisterStreamConsumer', { StreamARN, ConsumerName }, signal)).Consumer)
    },
    async describeConsumer(StreamARN, ConsumerName, signal) {
      return consumerOf((await call<{ ConsumerDescription?: unknown }>('DescribeStreamConsumer', { StreamARN, ConsumerName }, signal)).ConsumerDescription)
    },
    async deregisterConsumer(ConsumerARN) {
      await call('DeregisterStreamConsumer', { ConsumerARN })
    },
    async subscribeToShard(input, signal) {
      const { EventStream } = await open<{ EventStream?: AsyncIterable<object> }>('SubscribeToShard', input, signal)
      if (typeof EventStream?.[Symbol.asyncIterator] !== 'function') throw unusable(wrongType('EventStream', 'a stream of events', EventStream))
      return EventStream
    },
    destroy,
  }
}

function consumerOf(answer: unknown): StreamConsumer {
  const { ConsumerARN, ConsumerStatus } = (answer ?? {}) as Partial<StreamConsumer>
  if (typeof ConsumerARN !== 'string' || typeof ConsumerStatus !== 'string') throw unusable(wrongType('Consumer', 'an ARN and a status', answer))
  return { ConsumerARN, ConsumerStatus }
}

function checkStream(options: StreamOptions): { StreamName: string } | { StreamARN: string } {
  const { streamName, streamARN } = options
  if (streamName === undefined && streamARN === undefined) throw wrongType('streamName', 'the name of a stream (or give streamARN)', streamName)
  if (streamARN !== undefined && (typeof streamARN !== 'string' || !streamARN.startsWith('arn:'))) throw wrongType('streamARN', 'an ARN', streamARN)
  if (streamName !== undefined && (typeof streamName !== 'string' || streamName === '')) throw wrongType('streamName', 'the name of a stream', streamName)
  checkClientOptions(options, '@aws-sdk/client-kinesis')
  return streamARN !== undefined ? { StreamARN: streamARN } : { StreamName: streamName as string }
}

/** The ports of a producer or consumer; the system's where there are none. */
export function checkPorts(ports: { clock: Clock; random: Random } | undefined): { clock: Clock; random: Random } {
  if (ports === undefined) return { clock: systemClock, random: systemRandom }
  if (typeof ports?.clock?.sleep !== 'function' || typeof ports.random?.next !== 'function') throw wrongType('ports', 'ports with a clock and random', ports)
  return ports
}

/** The numbers among the options: a whole one, or one of milliseconds, which may have a fraction; Infinity where `most` is. */
export function numbersOf(options: object) {
  const read = (key: string, fallback: number): unknown => {
    const value = (options as Record<string, unknown>)[key]
    return value === undefined ? fallback : value
  }
  return {
    whole(key: string, fallback: number, least: number, most = Number.POSITIVE_INFINITY): number {
      const value = read(key, fallback)
      checkWhole(key, value, least, most)
      return value
    },
    time(key: string, fallback: number, least: number): number {
      const value = read(key, fallback)
      if (typeof value !== 'number') throw wrongType(key, 'a number of milliseconds', value)
      if (!(value >= least)) throw outOfRange(key, `a number of milliseconds from ${least}`, value)
      return value
    },
  }
}

/** For factories: options are an object and hold no unknown key. */
export function checkOptions(options: unknown, allowed: readonly string[]): asserts options is object {
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options)
  checkKeys('options', options, allowed)
}

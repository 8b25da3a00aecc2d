// A front to a local Kinesis that behaves as the service does on a bad day: its limits for each shard, and
// faults from a seed. Behind it stands kinesalite, which stores and answers everything else.
import { forwarder, type HttpAnswer, type HttpRequest, type HttpServer, serve } from '../../ports/node-server.js'
import type { Clock } from '../../ports/ports.js'
import { after, before } from './befall.js'
import { type Faults, planRequest, type RecordFault, type RequestFault } from './plan.js'
import { createPuts } from './puts.js'
import { createQuota, type Quota, SHARD_LIMITS, type ShardLimits } from './quota.js'
import { createReshards } from './reshards.js'
import { createShards, type List } from './shards.js'
import { answer, type Entry, errorAnswer, JSON_11, operationOf, readBody, typeOf, writeBody } from './wire.js'

export interface FrontOptions {
  /** Port of kinesalite on this machine. */
  upstream: number
  host?: string
  /** 0, the default, takes a free one. */
  port?: number
  clock: Clock
  faults?: Faults
  /** Unsigned, 32 bits; default 1. */
  seed?: number
  /** Faults of whole requests for reads and listings too, in a sequence of their own. */
  reads?: boolean
  /** Of each shard; null for none. */
  limits?: ShardLimits | null
  /** Bytes of a PutRecords, data and keys; default 10 MiB. */
  requestBytes?: number
  /** The streams distribute records themselves, as on-demand streams may: RecordDistributionStrategy AUTO. */
  auto?: boolean
  /** Milliseconds that a lost answer leaves the client waiting, and a slow one its second half; default 1,000 and 300. */
  hold?: number
  pause?: number
  onFault?: (fault: FaultEvent) => void
}

export interface FaultEvent {
  operation: string
  /** Index of the request among those that have faults, from 0. */
  request: number
  /** 'limit': the shard's own rate. */
  fault: RequestFault | RecordFault | 'limit'
  /** What was concerned: of a whole request what it stored, else the records that the fault fell on. */
  records: readonly Entry[]
}

export interface Front extends HttpServer {
  readonly endpoint: string
  /** How often each fault fell, records for those of records. */
  readonly counts: ReadonlyMap<FaultEvent['fault'], number>
}

const READS = new Set(['GetRecords', 'GetShardIterator', 'ListShards', 'DescribeStreamSummary', 'DescribeStream'])
const CHANGES = new Set(['CreateStream', 'DeleteStream', 'SplitShard', 'MergeShards'])
const RESHARDS = new Set(['SplitShard', 'MergeShards'])
const MOST_BODY = 16 * 1_048_576
const RATE = 'Rate exceeded for shard '

/** Starts it; rejects where the port is taken. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { clock, faults = {}, seed = 1, auto = false, hold = 1_000, pause = 300, requestBytes = 10 * 1_048_576, host = '127.0.0.1' } = options
  const quota: Quota | undefined = options.limits === null ? undefined : createQuota(clock, options.limits ?? SHARD_LIMITS)
  const upstream = forwarder(options.upstream)
  const shards = createShards(clock)
  const counts = new Map<FaultEvent['fault'], number>()
  const iterators = createIterators()
  let puts = 0
  let reads = 0

  const fell = (event: FaultEvent, times = 1) => {
    counts.set(event.fault, (counts.get(event.fault) ?? 0) + times)
    options.onFault?.(event)
  }

  // A call of our own, in the name of the request.
  const call = async (request: HttpRequest, operation: string, type: string, input: object): Promise<HttpAnswer> =>
    upstream.send({
      ...request,
      method: 'POST',
      headers: { ...request.headers, 'content-type': type, 'x-amz-target': `Kinesis_20131202.${operation}` },
      body: writeBody(type, input),
    })

  const list =
    (request: HttpRequest): List =>
    async (input) =>
      readBody(JSON_11, (await call(request, 'ListShards', JSON_11, input)).body) ?? {}
  const mapOf = (request: HttpRequest, stream: unknown) => shards.of(String(stream), list(request))
  const reshard = createReshards({ send: upstream.send, call, list })

  const delays = { clock, hold, pause }
  const { putRecords, putRecord } = createPuts({ send: upstream.send, call, mapOf, quota, delays, auto, requestBytes, fell })

  const getRecords = async (request: HttpRequest): Promise<HttpAnswer> => {
    const type = typeOf(request)
    const shard = iterators.shardOf(readBody(type, request.body)?.ShardIterator)
    if (quota && shard !== undefined && !quota.read(shard)) {
      fell({ operation: 'GetRecords', request: -1, fault: 'limit', records: [] })
      return errorAnswer(type, 400, 'ProvisionedThroughputExceededException', RATE + shard)
    }
    const given = await upstream.send(request)
    if (shard !== undefined) {
      quota?.given(shard, given.body.length)
      iterators.add(readBody(type, given.body)?.NextShardIterator, shard)
    }
    return given
  }

  const read = async (request: HttpRequest, operation: string): Promise<HttpAnswer> => {
    if (operation === 'GetRecords') return getRecords(request)
    const given = await upstream.send(request)
    const type = typeOf(request)
    if (operation === 'GetShardIterator') {
      const { StreamName, ShardId } = readBody(type, request.body) ?? {}
      iterators.add(readBody(type, given.body)?.ShardIterator, `${StreamName} ${ShardId}`)
    }
    if (operation !== 'DescribeStreamSummary' || !auto || given.status !== 200) return given
    const body = readBody(type, given.body) as { StreamDescriptionSummary?: object }
    return answer(type, 200, { ...body, StreamDescriptionSummary: { ...body.StreamDescriptionSummary, RecordDistributionStrategy: 'AUTO' } })
  }

  const handle = async (request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    const operation = operationOf(request)
    if (operation === 'PutRecords' || operation === 'PutRecord') {
      const index = puts++
      return (operation === 'PutRecords' ? putRecords : putRecord)(request, planRequest(faults, seed, index), index, signal)
    }
    if (CHANGES.has(operation)) shards.forget()
    if (RESHARDS.has(operation)) return reshard(request)
    if (!READS.has(operation)) return upstream.send(request)
    if (!options.reads) return read(request, operation)
    const index = reads++
    // Not the puts' sequence, which then does not hang on when somebody reads.
    const plan = planRequest(faults, ~seed >>> 0, index)
    const half = plan.chance()
    if (plan.fault) fell({ operation, request: index, fault: plan.fault, records: [] })
    return before(typeOf(request), plan.fault) ?? after(await read(request, operation), plan.fault, half, { ...delays, signal })
  }

  // What goes wrong here is no fault from the seed, and must not look like one: a reset would be sent again for ever.
  const answered = (request: HttpRequest, signal: AbortSignal) =>
    handle(request, signal).catch((error: unknown) =>
      errorAnswer(typeOf(request), 500, 'InternalFailure', `the local Kinesis itself has failed: ${error instanceof Error ? error.message : String(error)}`),
    )

  const server = await serve({ host, port: options.port ?? 0, mostBytes: MOST_BODY }, answered)
  return {
    port: server.port,
    endpoint: `http://${host}:${server.port}`,
    counts,
    async close() {
      await server.close()
      upstream.close()
    },
  }
}

/** Which shard an iterator is of: kinesalite's do not say it to anybody else. */
function createIterators() {
  const shards = new Map<string, string>()
  return {
    add(iterator: unknown, shard: string) {
      if (typeof iterator !== 'string') return
      shards.set(iterator, shard)
      // An iterator lives for five minutes, and a shard answers five times a second.
      if (shards.size > 50_000) shards.delete(shards.keys().next().value as string)
    },
    shardOf: (iterator: unknown) => (typeof iterator === 'string' ? shards.get(iterator) : undefined),
  }
}

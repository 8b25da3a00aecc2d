// A front to a local Kinesis that behaves as the service does on a bad day: its limits for each shard, and
// faults from a seed. Behind it stands kinesalite, which stores and answers everything else.
import { NO_SHARD, type ShardMap } from '../../kinesis/shard-map.js'
import { forwarder, type HttpAnswer, type HttpRequest, type HttpServer, serve } from '../../ports/node-server.js'
import type { Clock } from '../../ports/ports.js'
import { type Faults, planRequest, type RecordFault, type RequestFault, type RequestPlan } from './plan.js'
import { createQuota, type Quota, SHARD_LIMITS, type ShardLimits } from './quota.js'
import { createShards } from './shards.js'
import { answer, type Entry, errorAnswer, JSON_11, operationOf, readBody, readEntry, typeOf, writeBody, writeEntry } from './wire.js'

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
const MOST_BODY = 16 * 1_048_576
/** kinesalite takes 7 MiB of base64 or CBOR in a request. */
const UPSTREAM_BYTES = 4 * 1_048_576
const RECORD_BYTES = 1_048_576
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

  const mapOf = (request: HttpRequest, stream: unknown) =>
    shards.of(String(stream), async (input) => readBody(JSON_11, (await call(request, 'ListShards', JSON_11, input)).body) ?? {})

  /** What befalls a request before it is handled; undefined where nothing does. */
  const before = (type: string, fault: RequestFault | undefined): HttpAnswer | undefined => {
    if (fault === 'error') return errorAnswer(type, 500, 'InternalFailure', 'Internal service failure.')
    if (fault === 'unavailable') return errorAnswer(type, 503, 'ServiceUnavailable', 'Service unavailable.')
    if (fault === 'expired') return errorAnswer(type, 400, 'ExpiredTokenException', 'The security token included in the request is expired')
    if (fault === 'throttleAll') return errorAnswer(type, 400, 'ProvisionedThroughputExceededException', 'Rate exceeded for stream.')
    if (fault === 'reset') return { status: 200, headers: {}, body: new Uint8Array(0), cut: -1 }
    return undefined
  }

  /** What befalls the answer. `half` decides between the two forms of a kind. */
  const after = async (given: HttpAnswer, fault: RequestFault | undefined, half: number, signal: AbortSignal): Promise<HttpAnswer> => {
    if (fault === 'resetAfter') return { ...given, cut: -1 }
    if (fault === 'lostAck') {
      await clock.sleep(hold, signal).catch(() => {})
      return { ...given, cut: -1 }
    }
    if (fault === 'slow') return { ...given, pause }
    if (fault === 'truncate') {
      const cut = Math.floor(given.body.length * half)
      return half < 0.5 ? { ...given, cut } : { ...given, body: given.body.subarray(0, cut) }
    }
    return given
  }

  const putRecords = async (request: HttpRequest, plan: RequestPlan, index: number, signal: AbortSignal): Promise<HttpAnswer> => {
    const type = typeOf(request)
    const half = plan.chance()
    const note = (fault: FaultEvent['fault'], records: Entry[]) => fell({ operation: 'PutRecords', request: index, fault, records }, records.length)
    const refused = before(type, plan.fault)
    if (refused && plan.fault) {
      fell({ operation: 'PutRecords', request: index, fault: plan.fault, records: [] })
      return refused
    }
    const input = readBody(type, request.body)
    const entries = Array.isArray(input?.Records) ? input.Records.map(readEntry) : []
    // What is no PutRecords is for kinesalite to say.
    if (!input || entries.length === 0 || entries.length > 500 || !entries.every((entry) => entry !== undefined)) return upstream.send(request)
    const sizes = entries.map(({ Data, PartitionKey = '' }) => Data.length + new TextEncoder().encode(PartitionKey).length)
    if (sizes.some((size) => size > RECORD_BYTES)) return errorAnswer(type, 400, 'ValidationException', 'Record size exceeds 1 MiB, key included')
    if (sizes.reduce((a, b) => a + b) > requestBytes)
      return errorAnswer(type, 400, 'ValidationException', `Records size exceeds ${requestBytes / 1_048_576} MiB`)
    const map = await mapOf(request, input.StreamName)
    if (!map) return upstream.send(request)

    const results: object[] = new Array(entries.length)
    const kept: { entry: Entry; at: number; size: number }[] = []
    const fallen: Record<RecordFault | 'limit', Entry[]> = { throttle: [], internal: [], wrongShard: [], limit: [] }
    for (const [at, entry] of entries.entries()) {
      const fault = plan.record()
      if (auto) entry.ExplicitHashKey = map.shards[Math.floor(plan.chance() * map.shards.length)].StartingHashKey
      else if (fault === 'wrongShard') entry.ExplicitHashKey = elsewhere(map, entry, plan)
      const shard = shardOf(map, entry)
      if (fault) fallen[fault].push(entry)
      if (fault === 'internal') results[at] = { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' }
      else if (fault === 'throttle') results[at] = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: RATE + shard }
      else if (quota && shard !== undefined && !quota.write(`${input.StreamName} ${shard}`, sizes[at])) {
        fallen.limit.push(entry)
        results[at] = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: RATE + shard }
      } else kept.push({ entry, at, size: sizes[at] })
    }
    for (const fault of ['throttle', 'internal', 'wrongShard', 'limit'] as const) if (fallen[fault].length > 0) note(fault, fallen[fault])
    const refusal = await store(request, type, input, kept, results)
    if (refusal) return refusal
    if (plan.fault) fell({ operation: 'PutRecords', request: index, fault: plan.fault, records: kept.map(({ entry }) => entry) })
    let failed = entries.length - kept.length
    if (plan.fault === 'miscount') {
      if (half < 0.5) results.pop()
      else failed = failed === 0 ? 1 : 0
    }
    return after(answer(type, 200, { FailedRecordCount: failed, Records: results }), plan.fault, half, signal)
  }

  /** Stores what is kept, in requests that kinesalite takes; gives its answer where that is no success. */
  const store = async (request: HttpRequest, type: string, input: object, kept: { entry: Entry; at: number; size: number }[], results: object[]) => {
    for (let from = 0; from < kept.length; ) {
      let to = from
      let size = 0
      while (to < kept.length && (to === from || size + kept[to].size <= UPSTREAM_BYTES)) size += kept[to++].size
      const piece = kept.slice(from, to)
      const given = await call(request, 'PutRecords', type, { ...input, Records: piece.map(({ entry }) => writeEntry(type, entry)) })
      const stored = readBody(type, given.body)?.Records
      if (given.status !== 200 || !Array.isArray(stored)) return given
      for (const [i, { at }] of piece.entries()) results[at] = stored[i]
      from = to
    }
    return undefined
  }

  const putRecord = async (request: HttpRequest, plan: RequestPlan, index: number, signal: AbortSignal): Promise<HttpAnswer> => {
    const type = typeOf(request)
    const half = plan.chance()
    const input = readBody(type, request.body)
    const entry = readEntry(input)
    const fault = plan.record()
    const map = input && entry ? await mapOf(request, input.StreamName) : undefined
    const shard = map && entry ? shardOf(map, entry) : undefined
    const note = (fault: FaultEvent['fault'], records: Entry[]) => fell({ operation: 'PutRecord', request: index, fault, records })
    const refused = before(type, plan.fault)
    if (refused && plan.fault) {
      note(plan.fault, [])
      return refused
    }
    if (fault === 'internal') {
      note(fault, [])
      return errorAnswer(type, 500, 'InternalFailure', 'Internal service failure.')
    }
    const limited =
      entry && quota && shard !== undefined && !quota.write(`${input?.StreamName} ${shard}`, entry.Data.length + (entry.PartitionKey?.length ?? 0))
    if (fault === 'throttle' || limited) {
      note(fault === 'throttle' ? fault : 'limit', [])
      return errorAnswer(type, 400, 'ProvisionedThroughputExceededException', RATE + shard)
    }
    const given = await upstream.send(request)
    if (plan.fault && entry) note(plan.fault, [entry])
    return after(given, plan.fault, half, signal)
  }

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
    if (!READS.has(operation)) return upstream.send(request)
    if (!options.reads) return read(request, operation)
    const index = reads++
    // Not the puts' sequence, which then does not hang on when somebody reads.
    const plan = planRequest(faults, ~seed >>> 0, index)
    const half = plan.chance()
    if (plan.fault) fell({ operation, request: index, fault: plan.fault, records: [] })
    return before(typeOf(request), plan.fault) ?? after(await read(request, operation), plan.fault, half, signal)
  }

  const server = await serve({ host, port: options.port ?? 0, mostBytes: MOST_BODY }, handle)
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

function shardOf(map: ShardMap, { PartitionKey = '', ExplicitHashKey }: Entry): string | undefined {
  try {
    const index = map.shardOf(PartitionKey, ExplicitHashKey)
    return index === NO_SHARD ? undefined : map.shards[index].ShardId
  } catch {
    // kinesalite says what is wrong with it
    return undefined
  }
}

/** A hash key in another shard than the record's own, where there is one. */
function elsewhere(map: ShardMap, entry: Entry, plan: RequestPlan): string {
  const others = map.shards.filter(({ ShardId }) => ShardId !== shardOf(map, entry))
  return others.length === 0 ? map.shards[0].StartingHashKey : others[Math.floor(plan.chance() * others.length)].StartingHashKey
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

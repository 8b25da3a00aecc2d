// Puts on a bad day: records that are refused by chance or by their shard's limits, the rest stored, and
// an answer that says so, or does not.
import { NO_SHARD, type ShardMap } from '../../kinesis/shards/shard-map.js'
import type { HttpAnswer, HttpRequest } from '../../ports/node-server.js'
import { after, before, type Delays } from './befall.js'
import type { FaultEvent } from './front.js'
import type { RecordFault, RequestPlan } from './plan.js'
import type { Quota } from './quota.js'
import { answer, type Entry, errorAnswer, readBody, readEntry, typeOf, writeEntry } from './wire.js'

export interface PutsOptions {
  /** To the server behind, as it is. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** A call of our own, in the name of the request. */
  call(request: HttpRequest, operation: string, type: string, input: object): Promise<HttpAnswer>
  /** The open shards of a stream; undefined where it is not there. */
  mapOf(request: HttpRequest, stream: unknown): Promise<ShardMap | undefined>
  quota: Quota | undefined
  delays: Omit<Delays, 'signal'>
  auto: boolean
  requestBytes: number
  fell(event: FaultEvent, times?: number): void
}

export type Put = (request: HttpRequest, plan: RequestPlan, index: number, signal: AbortSignal) => Promise<HttpAnswer>

/** kinesalite takes 7 MiB of base64 or CBOR in a request. */
const UPSTREAM_BYTES = 4 * 1_048_576
const RECORD_BYTES = 1_048_576
const RATE = 'Rate exceeded for shard '

export function createPuts({ send, call, mapOf, quota, delays, auto, requestBytes, fell }: PutsOptions): { putRecords: Put; putRecord: Put } {
  const putRecords: Put = async (request, plan, index, signal) => {
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
    if (!input || entries.length === 0 || entries.length > 500 || !entries.every((entry) => entry !== undefined)) return send(request)
    const sizes = entries.map(({ Data, PartitionKey = '' }) => Data.length + new TextEncoder().encode(PartitionKey).length)
    if (sizes.some((size) => size > RECORD_BYTES)) return errorAnswer(type, 400, 'ValidationException', 'Record size exceeds 1 MiB, key included')
    if (sizes.reduce((a, b) => a + b) > requestBytes)
      return errorAnswer(type, 400, 'ValidationException', `Records size exceeds ${requestBytes / 1_048_576} MiB`)
    const map = await mapOf(request, input.StreamName)
    if (!map) return send(request)

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
    return after(answer(type, 200, { FailedRecordCount: failed, Records: results }), plan.fault, half, { ...delays, signal })
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

  const putRecord: Put = async (request, plan, index, signal) => {
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
    const given = await send(request)
    if (plan.fault && entry) note(plan.fault, [entry])
    return after(given, plan.fault, half, { ...delays, signal })
  }

  return { putRecords, putRecord }
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

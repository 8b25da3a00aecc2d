// Splits and merges as the service takes them. kinesalite takes a shard that is closed too, and opens its
// hash keys a second time: from then on none of them has one shard (mhart/kinesalite#109).
import type { HttpAnswer, HttpRequest } from '../../ports/node-server.js'
import { type List, listAll } from './shards.js'
import { errorAnswer, JSON_11, readBody, typeOf } from './wire.js'

export interface ReshardsOptions {
  /** To the server behind, as it is. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** A call of our own, in the name of the request. */
  call(request: HttpRequest, operation: string, type: string, input: object): Promise<HttpAnswer>
  list(request: HttpRequest): List
}

/** Answers SplitShard and MergeShards, one after the other: what was listed holds until it is acted on. */
export function createReshards({ send, call, list }: ReshardsOptions): (request: HttpRequest) => Promise<HttpAnswer> {
  let last: Promise<unknown> = Promise.resolve()
  const reshard = async (request: HttpRequest): Promise<HttpAnswer> => {
    const type = typeOf(request)
    const { StreamName, ...named } = readBody(type, request.body) ?? {}
    const told = readBody(JSON_11, (await call(request, 'DescribeStreamSummary', JSON_11, { StreamName })).body)
    const status = (told?.StreamDescriptionSummary as { StreamStatus?: string } | undefined)?.StreamStatus
    // What is wrong with it otherwise is for kinesalite to say.
    if (status === undefined) return send(request)
    // One that is under way has closed its shards only when it has ended.
    if (status !== 'ACTIVE') return errorAnswer(type, 400, 'ResourceInUseException', `Stream ${StreamName} is not ACTIVE, instead in state ${status}`)
    const ids = new Set([named.ShardToSplit, named.ShardToMerge, named.AdjacentShardToMerge].filter((id) => id !== undefined).map(numberOf))
    const shards = (await listAll(String(StreamName), list(request))) ?? []
    const closed = shards.find(({ ShardId, SequenceNumberRange }) => ids.has(numberOf(ShardId)) && SequenceNumberRange?.EndingSequenceNumber != null)
    if (!closed) return send(request)
    const message = `Shard ${closed.ShardId} in stream ${StreamName} has already been merged or split, and thus is not eligible for merging or splitting.`
    return errorAnswer(type, 400, 'InvalidArgumentException', message)
  }
  return (request) => {
    const answered = last.then(() => reshard(request))
    last = answered.catch(() => {})
    return answered
  }
}

/** A shard may be named by its number alone. */
const numberOf = (id: unknown) => Number(String(id).split('-').pop())

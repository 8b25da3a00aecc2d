// Shards as ListShards gives them -> disjoint hash key ranges in order.
import { checkKeys, kindOf, outOfRange, wrongType } from '../../errors.js'
import { formatHashKey, MAX_HASH_KEY, parseHashKey } from './hash-key.js'

/** A shard and its hash key range, both ends included, in decimal text. */
export interface ShardRange {
  ShardId: string
  StartingHashKey: string
  EndingHashKey: string
}

/** A `Shard` of ListShards or DescribeStream; what else it has is ignored. */
export interface ListedShard {
  ShardId?: string | undefined
  HashKeyRange?: { StartingHashKey?: string | undefined; EndingHashKey?: string | undefined } | undefined
  SequenceNumberRange?: { EndingSequenceNumber?: string | undefined } | undefined
}

export type ShardList = readonly (ListedShard | ShardRange)[] | { Shards?: readonly ListedShard[] | undefined; NextToken?: string | undefined }

/** A piece of the hash key space: from `start` to the next one's; `shard` < 0 where no shard is open. */
export interface Piece {
  start: bigint
  shard: number
}

interface Open {
  id: string
  start: bigint
  end: bigint
}

/** The open shards in order, and the whole hash key space in pieces. Errors as ShardMap.fromShards says. */
export function readShards(list: ShardList, options: { gaps?: boolean | undefined }): { shards: ShardRange[]; pieces: Piece[] } {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['gaps'])
  if (options.gaps !== undefined && typeof options.gaps !== 'boolean') throw wrongType('options.gaps', 'true or false', options.gaps)
  const open = openShards(list).sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  if (open.length === 0) throw new RangeError('"shards" expected at least one open shard, got none')
  const pieces: Piece[] = []
  let next = 0n
  const gap = (before: string, end: bigint, after: string) => {
    if (!options.gaps)
      throw new RangeError(`"shards" expected an open shard for every hash key, got none for ${next} to ${end} (between ${before} and ${after})`)
    pieces.push({ start: next, shard: -1 })
  }
  open.forEach((shard, i) => {
    const before = open[i - 1]
    if (before && shard.start < next)
      throw new RangeError(`"shards" expected ranges that do not overlap, got ${shard.id} from ${shard.start} and ${before.id} to ${before.end}`)
    if (shard.start > next) gap(before?.id ?? 'the first hash key', shard.start - 1n, shard.id)
    pieces.push({ start: shard.start, shard: i })
    next = shard.end + 1n
  })
  if (next <= MAX_HASH_KEY) gap(open[open.length - 1].id, MAX_HASH_KEY, 'the last hash key')
  const shards = open.map(({ id, start, end }) => ({ ShardId: id, StartingHashKey: formatHashKey(start), EndingHashKey: formatHashKey(end) }))
  return { shards, pieces }
}

function openShards(list: ShardList): Open[] {
  const expected = 'a ListShards response or an array of shards'
  if (typeof list !== 'object' || list === null) throw wrongType('shards', expected, list)
  let items: readonly (ListedShard | ShardRange)[]
  if (Array.isArray(list)) items = list
  else {
    const { Shards, NextToken } = list as Exclude<ShardList, readonly unknown[]>
    if (!Array.isArray(Shards)) throw wrongType('shards', expected, list)
    // A page alone has gaps or, worse, has none by chance.
    if (NextToken) throw new RangeError('"shards" expected all pages of ListShards, got one with a NextToken')
    items = Shards
  }
  const open: Open[] = []
  items.forEach((item, i) => {
    if (typeof item !== 'object' || item === null) throw wrongType(`shards[${i}]`, 'a shard', item)
    const { ShardId, HashKeyRange, SequenceNumberRange } = item as ListedShard
    if (SequenceNumberRange?.EndingSequenceNumber != null) return
    const range = (HashKeyRange ?? item) as Partial<ShardRange>
    if (typeof ShardId !== 'string' || ShardId === '') throw wrongType(`shards[${i}].ShardId`, 'a shard id', ShardId)
    const start = parseHashKey(range.StartingHashKey as string, `shards[${i}].StartingHashKey`)
    const end = parseHashKey(range.EndingHashKey as string, `shards[${i}].EndingHashKey`)
    if (end < start) throw outOfRange(`shards[${i}].EndingHashKey`, `at least its StartingHashKey ${kindOf(start)}`, end)
    open.push({ id: ShardId, start, end })
  })
  return open
}

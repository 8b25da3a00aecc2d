export {
  type AggregatedRecord,
  type AggregateOptions,
  type Aggregates,
  aggregate,
  aggregatePacked,
  NO_OUTER,
  type PackedAggregates,
  type RejectedRecord,
} from './aggregate.js'
export { formatHashKey, MAX_HASH_KEY, parseHashKey } from './hash-key.js'
export type { ListedShard, ShardList, ShardRange } from './shard-list.js'
export { NO_SHARD, ShardMap, whyNoShard } from './shard-map.js'
export type { PackedKeys } from './shard-rows.js'

export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export {
  type AggregatedRecord,
  type AggregateOptions,
  type Aggregates,
  aggregate,
  aggregatePacked,
  NO_OUTER,
  type PackedAggregates,
  type RejectedRecord,
} from './aggregates/aggregate.js'
export {
  type DeaggregateMode,
  type DeaggregateOptions,
  type DeaggregateReason,
  type DroppedAggregate,
  deaggregatePacked,
  deaggregateReason,
  FROM_AGGREGATE,
  type HashKeyRange,
  type PackedUserRecords,
} from './aggregates/deaggregate.js'
export type { KinesisEventRecord, KinesisRecord, KinesisRecords, SplitRecord } from './aggregates/kinesis-record.js'
export { type RecordIds, recordIdsOf } from './aggregates/record-ids.js'
export { type DeaggregatedRecord, deaggregate } from './aggregates/user-records.js'
export type { BatchResult } from './batch-result.js'
export type { ConsumedRecord, ConsumerBatch, Place } from './consumer/batch.js'
export { type Checkpoint, type CheckpointStore, type Lease, memoryCheckpoints } from './consumer/checkpoint-store.js'
export { type Consumer, type ConsumerOptions, createConsumer } from './consumer/consumer.js'
export { type DynamoCheckpointsOptions, dynamoCheckpoints } from './consumer/dynamo-checkpoints.js'
export { fileCheckpoints } from './consumer/file-checkpoints.js'
export type { FanOutOptions } from './consumer/registration.js'
export { createDeduplicator, type Deduplicator } from './consumer/seen.js'
export type { ConsumerMetrics, ShardMetrics } from './consumer/telemetry.js'
export type { DeadLetter, DeadLetterSink } from './dead-letter.js'
export { type DeadLetterFile, openDeadLetterFile } from './dead-letter-file.js'
export { type EmfOptions, type EmfSink, emfSink } from './emf.js'
export type {
  KinesisEvent,
  KinesisResponse,
  KinesisSourceRecord,
  KinesisWindowEvent,
  KinesisWindowResponse,
  LambdaContext,
} from './lambda/event.js'
export { createKinesisBatchHandler, createKinesisHandler, type KinesisEachOptions, type KinesisHandler } from './lambda/handler.js'
export type { KinesisInput } from './lambda/input.js'
export type { KinesisContext, KinesisDeadLetter, KinesisFailure, KinesisHandlerOptions, KinesisRecordOptions } from './lambda/options.js'
export { memoryProgress, type ProgressStore } from './lambda/progress.js'
export { createKinesisWindowHandler, type KinesisWindow, type KinesisWindowContext, type KinesisWindowHandler } from './lambda/window.js'
export type { KclBatchContext, KclContext, KclHandler, KclRecordsHandler, KclShard, KclStart } from './multilang/handler.js'
export type { KclRecord } from './multilang/records.js'
export type { Ordering } from './producer/lane.js'
export type { NdjsonOptions } from './producer/ndjson.js'
export type { ProducerMetrics } from './producer/pipeline-face.js'
export { createProducer, type Producer, type PutOptions } from './producer/producer.js'
export type { ProducerOptions } from './producer/producer-options.js'
export type { BatchOutcomes, BatchReceipt, Delivered, Failed, Outcome, Receipt } from './producer/receipt.js'
export type { ProducerRecord } from './producer/record.js'
export type { SpoolDamage } from './producer/spool/recovery.js'
export { type FileSpoolOptions, fileSpool } from './producer/spool/spool.js'
export type { OpenSpool, Spool, SpooledBatch } from './producer/spool-port.js'
export type { Sent, WritableOptions } from './producer/streams.js'
export type { Attempt } from './service/attempt.js'
export type { StreamOptions } from './service/service.js'
export { formatHashKey, MAX_HASH_KEY, parseHashKey } from './shards/hash-key.js'
export type { ListedShard, ShardList, ShardRange } from './shards/shard-list.js'
export { NO_SHARD, ShardMap, whyNoShard } from './shards/shard-map.js'
export type { PackedKeys } from './shards/shard-rows.js'
export type { MetricsSink } from './telemetry.js'

// What AWS allows, as data: each figure with the page that states it and the day it was read there.
// A stage takes its bounds from here, so that a raised quota is one line.

export interface Limit {
  readonly value: number
  readonly unit: 'bytes' | 'characters' | 'records' | 'records/s' | 'bytes/s' | 'calls/s' | 'ms' | 'shards' | 'consumers' | 'attempts' | 'files' | 'partitions'
  /** Page of docs.aws.amazon.com, or package, that states the figure. */
  readonly source: string
  /** When the source was read. */
  readonly read: string
}

const KIB = 1024
const MIB = 1024 * KIB

const limit = (value: number, unit: Limit['unit'], source: string): Limit => ({ value, unit, source, read: '2026-11' })

const SIZES = 'streams/latest/dev/service-sizes-and-limits.html'
const LARGE = 'streams/latest/dev/large-records.html'
const FAN_OUT = 'streams/latest/dev/enhanced-consumers.html'
const SDK = '@aws-sdk/client-kinesis 3.1143.0, PutRecordsCommand'
const PRICING = 'aws.amazon.com/kinesis/data-streams/pricing'
const FIREHOSE = 'firehose/latest/dev/limits.html'
const FIREHOSE_HTTP = 'firehose/latest/dev/httpdeliveryrequestresponse.html'
const FIREHOSE_TRANSFORM = 'firehose/latest/dev/data-transformation.html'

/** Kinesis Data Streams. */
export const KINESIS = {
  /** Data and partition key together, where the stream has not opted in to large records. */
  recordBytes: limit(MIB, 'bytes', SIZES),
  /** The most that a stream can opt in to. */
  largeRecordBytes: limit(10 * MIB, 'bytes', LARGE),
  partitionKeyCharacters: limit(256, 'characters', SIZES),
  putRecordsCount: limit(500, 'records', SDK),
  /** Partition keys counted, explicit hash keys not. Newer documents say 10 MiB; 5 is safe with both. */
  putRecordsBytes: limit(5 * MIB, 'bytes', SDK),
  putRecordsLargeBytes: limit(10 * MIB, 'bytes', SIZES),
  shardWriteRecords: limit(1000, 'records/s', SIZES),
  shardWriteBytes: limit(MIB, 'bytes/s', SIZES),
  getRecordsCount: limit(10_000, 'records', SIZES),
  getRecordsBytes: limit(10 * MIB, 'bytes', SIZES),
  getRecordsCalls: limit(5, 'calls/s', SIZES),
  shardReadBytes: limit(2 * MIB, 'bytes/s', SIZES),
  iteratorLife: limit(300_000, 'ms', SIZES),
  fanOutConsumers: limit(20, 'consumers', FAN_OUT),
  fanOutSubscription: limit(300_000, 'ms', FAN_OUT),
  /** From a subscription to the next one of the same consumer and shard; sooner is ResourceInUseException. */
  fanOutResubscription: limit(5_000, 'ms', '@aws-sdk/client-kinesis 3.1143.0, SubscribeToShardCommand'),
  listShardsCount: limit(1000, 'shards', '@aws-sdk/client-kinesis 3.1143.0, ListShardsCommand'),
  /** What a provisioned stream is billed by; the page says 25KB, and the smaller reading is the safe one. */
  payloadUnitBytes: limit(25_000, 'bytes', PRICING),
} as const

/** Amazon Data Firehose. */
export const FIREHOSE_LIMITS = {
  /** Before base64. */
  recordBytes: limit(1_024_000, 'bytes', FIREHOSE),
  putRecordBatchCount: limit(500, 'records', FIREHOSE),
  putRecordBatchBytes: limit(4 * MIB, 'bytes', FIREHOSE),
  /** A Lambda's synchronous request, and its response: the transform's hard bound. */
  transformBytes: limit(6_291_456, 'bytes', FIREHOSE_TRANSFORM),
  transformTime: limit(300_000, 'ms', FIREHOSE_TRANSFORM),
  transformRetries: limit(3, 'attempts', FIREHOSE_TRANSFORM),
  /** Of one record, where dynamic partitioning splits it; one with more is not split. */
  subRecordCount: limit(500, 'records', 'firehose/latest/APIReference/API_PutRecordBatch.html'),
  /** Of dynamic partitioning, by default; AWS raises it to 5,000 on request. */
  activePartitions: limit(500, 'partitions', FIREHOSE),
  /** Of a prefix once it is evaluated. */
  prefixCharacters: limit(512, 'characters', 'firehose/latest/dev/s3-prefixes.html'),
  /** Ingestion is billed by records rounded up to this. */
  billedRecordBytes: limit(5 * KIB, 'bytes', FIREHOSE),
  /** Of a request to an HTTP endpoint, before compression. */
  httpEndpointBytes: limit(64 * MIB, 'bytes', FIREHOSE_HTTP),
  httpEndpointCount: limit(10_000, 'records', FIREHOSE_HTTP),
  /** From the request to its whole answer. */
  httpEndpointTime: limit(180_000, 'ms', FIREHOSE_HTTP),
  httpEndpointAnswerBytes: limit(MIB, 'bytes', FIREHOSE_HTTP),
  httpEndpointMessage: limit(8192, 'characters', FIREHOSE_HTTP),
} as const

/** Lambda's event source mappings. */
export const LAMBDA_LIMITS = {
  /** Of a tumbling window, for each shard; the page says 1 MB, and the smaller reading is the safe one. */
  windowStateBytes: limit(1_000_000, 'bytes', 'lambda/latest/dg/services-kinesis-windows.html'),
} as const

const snowball = (page: string, value: number, unit: Limit['unit']): Limit => ({
  value,
  unit,
  source: `snowball/latest/developer-guide/${page}.html`,
  read: '2023-05',
})

/** Snowball Edge, closed to new customers since November 2025; the archives are what MinIO and others extract as well. */
export const SNOWBALL_LIMITS = {
  /** The prefix counted, the bucket not. S3 itself takes 1024. */
  keyBytes: snowball('troubleshooting', 933, 'bytes'),
  /** A larger archive is stored, but not extracted. */
  archiveBytes: snowball('batching-small-files', 100e9, 'bytes'),
  /** Recommended; over 100,000 the import gets slow. */
  archiveFiles: snowball('batching-small-files', 10_000, 'files'),
  /** The page says 5 TB. */
  objectBytes: snowball('limits', 5e12, 'bytes'),
  /** Of a multipart upload; a larger one is a validation error. */
  partBytes: snowball('transfer-limits', 512e6, 'bytes'),
  /** Files and directories in one directory. */
  directoryEntries: snowball('performance', 500_000, 'files'),
  /** Files up to this should be batched, larger ones sent singly. The page says 1 MB. */
  smallFileBytes: snowball('batching-small-files', MIB, 'bytes'),
} as const

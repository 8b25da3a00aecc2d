// The configuration of a delivery stream: the input of CreateDeliveryStream, or what DescribeDeliveryStream gives of one.
import { MillraceError, messageOf, outOfRange, wrongType } from '../../../errors.js'
import { type DataFormatConversionConfiguration, readConversion } from '../../conversion/config.js'
import { COMPRESSION_FORMATS, type CompressionFormat, type ObjectCodec, objectCodec } from '../compression.js'
import { type Prefix, readPrefix } from '../prefix.js'
import { type Zone, zoneOf } from '../zone.js'
import { fromDescription } from './description.js'
import { NO_PROCESSING, type ProcessingPlan, readProcessing } from './processors.js'
import { arn, bucketArn, bucketOf, type Check, flag, isObject, list, object, oneOf, optional, refused, text, unused, whole } from './shape.js'

/** Where objects go, and when. */
export interface OutputPlan {
  bucket: string
  prefix: Prefix
  errorPrefix: Prefix
  /** Bytes of records, before compression, at which an object is written. */
  bytes: number
  /** Milliseconds from an object's first record at which it is written. */
  interval: number
  codec: ObjectCodec
  zone: Zone
}

/** A checked configuration. */
export interface StreamPlan {
  name: string
  /** As given; undefined where it was not. */
  arn: string | undefined
  /** 1 of a new stream, one more with each change. */
  version: number
  /** Of the Kinesis stream that its records come from. */
  sourceArn: string | undefined
  output: OutputPlan
  /** In place of the codec's extension. */
  extension: string | undefined
  /** Whole originals, where S3BackupMode is Enabled. */
  backup: OutputPlan | undefined
  processing: ProcessingPlan
  /** Whether there is a buffer for each partition. */
  partitioned: boolean
  /** Where records go instead, or, of Redshift, where their objects are copied to; then `output` is the S3Configuration of that. */
  destination: { name: DestinationName; config: unknown; path: string } | undefined
  /** DataFormatConversionConfiguration, where it is there and enabled. */
  conversion: DataFormatConversionConfiguration | undefined
}

const ELSEWHERE = 'a local delivery stream does not write there'
const SOURCE = 'a local delivery stream takes what is put into it'
const MIB = 1024 * 1024

const hints = (leastInterval: number) => object({ SizeInMBs: optional(whole(1, 128)), IntervalInSeconds: optional(whole(leastInterval, 900)) })

const s3Members = (leastInterval: number) => ({
  RoleARN: unused,
  BucketARN: bucketArn,
  Prefix: optional(text(0, 1024)),
  ErrorOutputPrefix: optional(text(0, 1024)),
  BufferingHints: optional(hints(leastInterval)),
  CompressionFormat: optional(oneOf(COMPRESSION_FORMATS)),
  EncryptionConfiguration: unused,
  CloudWatchLoggingOptions: unused,
})

const backupMode = optional(oneOf(['Disabled', 'Enabled']))
const plainS3 = object(s3Members(0))
const extendedS3 = object({
  ...s3Members(0),
  ProcessingConfiguration: optional(((value, path) => readProcessing(value, path)) as Check<ProcessingPlan>),
  S3BackupMode: backupMode,
  // Of the backup a real stream takes no interval below a minute.
  S3BackupConfiguration: optional(object(s3Members(60))),
  DataFormatConversionConfiguration: optional(((value, path) => {
    if (!isObject(value)) throw wrongType(path, 'an object', value)
    return value
  }) as Check<DataFormatConversionConfiguration>),
  DynamicPartitioningConfiguration: optional(
    object({ Enabled: optional(flag), RetryOptions: optional(object({ DurationInSeconds: optional(whole(0, 7200)) })) }),
  ),
  FileExtension: optional(text(0, 128, /^(|\.[0-9a-z!\-_.*'()]+)$/, 'an extension such as .json, of at most 128 characters')),
  CustomTimeZone: optional(text(0, 50)),
})

const tag = object({ Key: text(1, 128), Value: optional(text(0, 256)) })
export const streamName: Check<string> = text(1, 64, /^[\w.-]+$/, 'a name of 1 to 64 letters, digits, "_", "." and "-"')

const stream = object({
  DeliveryStreamName: streamName,
  DeliveryStreamARN: optional(arn),
  VersionId: optional(text(1, 50, /^[1-9]\d{0,14}$/, 'the number of a version')),
  DeliveryStreamType: optional(oneOf(['DirectPut', 'KinesisStreamAsSource'])),
  DirectPutSourceConfiguration: unused,
  KinesisStreamSourceConfiguration: optional(object({ KinesisStreamARN: arn, RoleARN: unused })),
  DeliveryStreamEncryptionConfigurationInput: unused,
  Tags: optional(list(tag, 0, 50)),
  S3DestinationConfiguration: optional(plainS3),
  ExtendedS3DestinationConfiguration: optional(extendedS3),
  MSKSourceConfiguration: refused(SOURCE),
  DatabaseSourceConfiguration: refused(SOURCE),
  // Each is checked where it is made from.
  RedshiftDestinationConfiguration: unused,
  ElasticsearchDestinationConfiguration: unused,
  AmazonopensearchserviceDestinationConfiguration: unused,
  AmazonOpenSearchServerlessDestinationConfiguration: unused,
  SplunkDestinationConfiguration: unused,
  HttpEndpointDestinationConfiguration: unused,
  SnowflakeDestinationConfiguration: refused(ELSEWHERE),
  IcebergDestinationConfiguration: refused(ELSEWHERE),
})

type S3 = ReturnType<typeof plainS3>
type ExtendedS3 = ReturnType<typeof extendedS3>

/**
 * Reads a configuration. Throws TypeError or RangeError with the path of what is unknown, of another type or over AWS's
 * bounds, CONFIG where members contradict each other or a prefix or query is wrong. What only AWS can do (roles, keys,
 * logging) is taken and not used.
 */
export function readStream(config: unknown): StreamPlan {
  const given = stream(fromDescription(config), 'config')
  const { ExtendedS3DestinationConfiguration: extended, S3DestinationConfiguration: plain, KinesisStreamSourceConfiguration: source } = given
  const kinesis = given.DeliveryStreamType === 'KinesisStreamAsSource'
  if (kinesis !== (source !== undefined))
    throw new MillraceError('CONFIG', '"config" expected KinesisStreamSourceConfiguration where DeliveryStreamType is KinesisStreamAsSource, and only there')
  const names = ([...S3_NAMES, ...DESTINATION_NAMES] as const).filter((name) => given[name] !== undefined)
  if (names.length !== 1)
    throw new MillraceError(
      'CONFIG',
      `"config" expected one of ${[...S3_NAMES, ...DESTINATION_NAMES].join(', ')}, got ${names.length ? names.join(', ') : 'none'}`,
    )
  const [name] = names
  const path = `config.${name}`
  return {
    name: given.DeliveryStreamName,
    arn: given.DeliveryStreamARN,
    version: Number(given.VersionId ?? 1),
    sourceArn: source?.KinesisStreamARN,
    ...(isElsewhere(name)
      ? elsewhere(name, given[name], path)
      : { ...destination(extended ?? ({ ...plain, ...NO_EXTENSION } as ExtendedS3), path), destination: undefined }),
  }
}

const S3_NAMES = ['ExtendedS3DestinationConfiguration', 'S3DestinationConfiguration'] as const
export const DESTINATION_NAMES = [
  'HttpEndpointDestinationConfiguration',
  'AmazonopensearchserviceDestinationConfiguration',
  'AmazonOpenSearchServerlessDestinationConfiguration',
  'ElasticsearchDestinationConfiguration',
  'SplunkDestinationConfiguration',
  'RedshiftDestinationConfiguration',
] as const
export type DestinationName = (typeof DESTINATION_NAMES)[number]
const isElsewhere = (name: string): name is DestinationName => (DESTINATION_NAMES as readonly string[]).includes(name)

/** Of what a destination has, that which concerns the stream; the rest is for who makes the destination. */
function elsewhere(name: DestinationName, config: unknown, path: string): Omit<StreamPlan, 'name' | 'arn' | 'version' | 'sourceArn'> {
  if (!isObject(config)) throw wrongType(path, 'an object', config)
  const { S3Configuration, ProcessingConfiguration, S3BackupMode, S3BackupConfiguration } = config
  const s3 = plainS3(S3Configuration ?? undefined, `${path}.S3Configuration`)
  const given = {
    ...s3,
    ...NO_EXTENSION,
    ProcessingConfiguration: optional(((value, at) => readProcessing(value, at)) as Check<ProcessingPlan>)(
      ProcessingConfiguration ?? undefined,
      `${path}.ProcessingConfiguration`,
    ),
    // Of Redshift, whose backup is one of its own; the others' is the bucket that has what fails.
    ...(name === 'RedshiftDestinationConfiguration'
      ? {
          S3BackupMode: backupMode(S3BackupMode ?? undefined, `${path}.S3BackupMode`),
          S3BackupConfiguration: optional(object(s3Members(60)))(S3BackupConfiguration ?? undefined, `${path}.S3BackupConfiguration`),
        }
      : {}),
  }
  return { ...destination(given as ExtendedS3, path), destination: { name, config, path } }
}

const NO_EXTENSION = {
  ProcessingConfiguration: undefined,
  S3BackupMode: undefined,
  S3BackupConfiguration: undefined,
  DataFormatConversionConfiguration: undefined,
  DynamicPartitioningConfiguration: undefined,
  FileExtension: undefined,
  CustomTimeZone: undefined,
}

function destination(given: ExtendedS3, path: string): Omit<StreamPlan, 'name' | 'arn' | 'version' | 'sourceArn' | 'destination'> {
  const processing = given.ProcessingConfiguration ?? NO_PROCESSING
  const partitioned = given.DynamicPartitioningConfiguration?.Enabled ?? false
  const conversion = given.DataFormatConversionConfiguration?.Enabled === false ? undefined : given.DataFormatConversionConfiguration
  const zone = zoneOf(given.CustomTimeZone || 'UTC', `${path}.CustomTimeZone`)
  // 128 MiB is the default of a stream with conversion; of one with partitions AWS names none but the least.
  const output = outputOf(given, path, zone, conversion ? 128 : partitioned ? 64 : 5)
  const least = conversion ? 'DataFormatConversionConfiguration' : partitioned ? 'DynamicPartitioningConfiguration' : undefined
  if (least && output.bytes < 64 * MIB) throw outOfRange(`${path}.BufferingHints.SizeInMBs`, `at least 64 beside ${least}`, output.bytes / MIB)
  if (conversion && (given.CompressionFormat ?? 'UNCOMPRESSED') !== 'UNCOMPRESSED')
    throw outOfRange(`${path}.CompressionFormat`, 'UNCOMPRESSED beside DataFormatConversionConfiguration', given.CompressionFormat)
  if (partitioned && output.interval === 0)
    throw outOfRange(`${path}.BufferingHints.IntervalInSeconds`, 'at least 1 beside DynamicPartitioningConfiguration', 0)
  // What is wrong with patterns of times does not hang on the year.
  if (conversion) readConversion(conversion, `${path}.DataFormatConversionConfiguration`, 0)
  checkPartitions(given, path, processing, partitioned, output.prefix)
  const backup = given.S3BackupMode === 'Enabled' ? given.S3BackupConfiguration : undefined
  if (given.S3BackupMode === 'Enabled' && !backup) throw new MillraceError('CONFIG', `"${path}" expected S3BackupConfiguration where S3BackupMode is Enabled`)
  const backupOutput = backup && outputOf(backup, `${path}.S3BackupConfiguration`, zone, 5)
  if (backupOutput) checkNoKeys(backupOutput.prefix, `${path}.S3BackupConfiguration`)
  return {
    output,
    extension: given.FileExtension || undefined,
    backup: backupOutput,
    processing,
    partitioned,
    conversion,
  }
}

function outputOf(given: S3, path: string, zone: Zone, megabytes: number): OutputPlan {
  const { Prefix: text = '', ErrorOutputPrefix: error, BufferingHints: given_ } = given
  const { SizeInMBs, IntervalInSeconds } = given_ ?? { SizeInMBs: undefined, IntervalInSeconds: undefined }
  if ((SizeInMBs === undefined) !== (IntervalInSeconds === undefined))
    throw new MillraceError('CONFIG', `"${path}.BufferingHints" expected SizeInMBs and IntervalInSeconds both, or neither`)
  const prefix = readPrefix(text, 'prefix', `${path}.Prefix`)
  if (error === undefined && text.includes('!{')) throw new MillraceError('CONFIG', `"${path}" expected ErrorOutputPrefix, as Prefix has expressions`)
  const errorPath = `${path}.${error === undefined ? 'Prefix' : 'ErrorOutputPrefix'}`
  const errorPrefix = readPrefix(error ?? text, 'error', errorPath)
  // Of one with partition keys nobody knows yet.
  if (prefix.queryKeys.length + prefix.lambdaKeys.length === 0) checkLength(prefix, `${path}.Prefix`, zone)
  checkLength(errorPrefix, errorPath, zone)
  return {
    bucket: bucketOf(given.BucketARN),
    prefix,
    errorPrefix,
    bytes: (SizeInMBs ?? megabytes) * MIB,
    interval: (IntervalInSeconds ?? 300) * 1000,
    codec: objectCodec((given.CompressionFormat ?? 'UNCOMPRESSED') satisfies CompressionFormat, `${path}.CompressionFormat`),
    zone,
  }
}

/** A Wednesday in September: nothing is longer in words. */
const LONG_TIME = Date.UTC(2026, 8, 30, 22, 22, 22)
/** Bytes of a key as S3 has it, and of the longest name behind a prefix, an extension left out. */
const KEY = { most: 1024, name: 137 }

/** That no object could be written must not be found only once there is one: what fails has nowhere else to go. */
function checkLength(prefix: Prefix, path: string, zone: Zone): void {
  let text: string
  try {
    text = prefix.evaluate({ time: LONG_TIME, zone, randomString: () => 'x'.repeat(11), errorType: 'AmazonOpenSearchService-failed' })
  } catch (error) {
    throw new MillraceError('CONFIG', messageOf(error), { cause: error })
  }
  const bytes = new TextEncoder().encode(text).length
  if (bytes + KEY.name > KEY.most)
    throw new MillraceError('CONFIG', `"${path}" expected at most ${KEY.most - KEY.name} bytes of UTF-8 once evaluated, got ${bytes}`)
}

/** That every key which the prefix asks for is made by something, and nothing is made in vain. */
function checkPartitions(given: ExtendedS3, path: string, { query, split, lambda }: ProcessingPlan, partitioned: boolean, prefix: Prefix): void {
  const fault = (what: string) => new MillraceError('CONFIG', `"${path}" expected ${what}`)
  if (!partitioned) {
    if (query || split) throw fault(`DynamicPartitioningConfiguration beside ${query ? 'MetadataExtraction' : 'RecordDeAggregation'}`)
    checkNoKeys(prefix, path)
    return
  }
  if (!query && !lambda) throw fault('MetadataExtraction or Lambda among the processors beside DynamicPartitioningConfiguration')
  if (given.Prefix === undefined) throw fault('Prefix beside DynamicPartitioningConfiguration')
  if (given.ErrorOutputPrefix === undefined) throw fault('ErrorOutputPrefix beside DynamicPartitioningConfiguration')
  if (prefix.lambdaKeys.length > 0 && !lambda) throw fault('a Lambda processor, as Prefix has partitionKeyFromLambda')
  const missing = prefix.queryKeys.find((key) => !query || (query.keys && !query.keys.includes(key)))
  if (missing !== undefined) throw fault(`a MetadataExtractionQuery that gives ${JSON.stringify(missing)}, as Prefix has it`)
}

function checkNoKeys({ queryKeys, lambdaKeys }: Prefix, path: string): void {
  if (queryKeys.length + lambdaKeys.length > 0)
    throw new MillraceError('CONFIG', `"${path}.Prefix" expected no partition keys without DynamicPartitioningConfiguration`)
}

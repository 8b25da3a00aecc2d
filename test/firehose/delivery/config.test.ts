// The configuration: what is taken, what is refused, and where it says so.
import type { CreateDeliveryStreamInput } from '@aws-sdk/client-firehose'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeliveryStreamConfiguration } from '../../../src/firehose/delivery/config/configuration.js'
import { readStream } from '../../../src/firehose/delivery/config/stream.js'
import { configOf, processing, processor } from './streams.js'

const AT = 'config.ExtendedS3DestinationConfiguration'
const partitions = { DynamicPartitioningConfiguration: { Enabled: true }, Prefix: 'a/', ErrorOutputPrefix: 'e/' }
const query = (text: string) => processor('MetadataExtraction', { MetadataExtractionQuery: text, JsonParsingEngine: 'JQ-1.6' })
const lambda = (more: Record<string, string> = {}) => processor('Lambda', { LambdaArn: 'arn:aws:lambda:x', ...more })

it('the input of the SDK is one', () => {
  const input: CreateDeliveryStreamInput = {
    DeliveryStreamName: 'clicks',
    DeliveryStreamType: 'DirectPut',
    DirectPutSourceConfiguration: { ThroughputHintInMBs: 1 },
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
    Tags: [{ Key: 'team', Value: 'data' }],
    ExtendedS3DestinationConfiguration: {
      RoleARN: 'arn:aws:iam::1:role/r',
      BucketARN: 'arn:aws-cn:s3:::lake.of-data',
      Prefix: 'in/',
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
      CompressionFormat: 'GZIP',
      EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: 'arn:aws:kms:x' } },
      CloudWatchLoggingOptions: { Enabled: true, LogGroupName: 'g', LogStreamName: 's' },
      CustomTimeZone: 'Europe/Berlin',
      FileExtension: '.json.gz',
    },
  }
  const config: DeliveryStreamConfiguration = input
  expect(readStream(config)).toMatchObject({
    name: 'clicks',
    version: 1,
    output: { bucket: 'lake.of-data', bytes: 64 << 20, interval: 60_000 },
    extension: '.json.gz',
    backup: undefined,
    partitioned: false,
  })
})

it('defaults are those of the service', () => {
  expect(readStream(configOf())).toMatchObject({ output: { bytes: 5 << 20, interval: 300_000, codec: { extension: '' } }, version: 1 })
  const { lambda: plan } = readStream(configOf(processing(lambda()))).processing
  expect(plan).toEqual({ arn: 'arn:aws:lambda:x', retries: 3, bytes: 1 << 20, interval: 60_000 })
  expect(readStream(configOf({ ...partitions, ...processing(query('{a:.a}')) })).output.bytes).toBe(64 << 20)
})

it('processing that is not enabled is checked and not done', () => {
  const { ProcessingConfiguration } = processing(processor('AppendDelimiterToRecord'))
  expect(readStream(configOf({ ProcessingConfiguration: { ...ProcessingConfiguration, Enabled: undefined } })).processing.delimiter).toBe(false)
  expect(() => readStream(configOf({ ProcessingConfiguration: { Enabled: false, Processors: [{ Type: 'Nonsense' }] } }))).toThrow(
    `"${AT}.ProcessingConfiguration.Processors[0].Type"`,
  )
})

it('members that are null are absent', () => {
  const config = configOf({ Prefix: null as never, BufferingHints: null as never }, { S3DestinationConfiguration: null as never })
  expect(readStream(config).output.bytes).toBe(5 << 20)
})

describe('what is wrong is told with its path', () => {
  it.each<[unknown, string]>([
    [undefined, '"config" expected an object, got undefined'],
    [[], '"config" expected an object, got an array'],
    [{}, '"config.DeliveryStreamName" expected a name of 1 to 64 letters'],
    [configOf({}, { DeliveryStreamName: 'a b' }), '"config.DeliveryStreamName" expected a name'],
    [
      { DeliveryStreamName: 'x' },
      '"config" expected one of ExtendedS3DestinationConfiguration, S3DestinationConfiguration, HttpEndpointDestinationConfiguration',
    ],
    [configOf({}, { S3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::b' } }), 'got ExtendedS3DestinationConfiguration, S3DestinationConfiguration'],
    [JSON.parse('{"DeliveryStreamName":"x","__proto__":{}}'), '"config" expected one of DeliveryStreamName'],
    [configOf({ Prefixes: 'x' } as object), `"${AT}" expected one of RoleARN, BucketARN`],
    [configOf({ BucketARN: 'lake' }), `"${AT}.BucketARN" expected the ARN of a bucket, arn:aws:s3:::NAME, got "lake"`],
    [configOf({ BucketARN: undefined }), `"${AT}.BucketARN" expected the ARN of a bucket`],
    [configOf({ CompressionFormat: 'SNAPPY' }), `"${AT}.CompressionFormat" expected one of UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY, got "SNAPPY"`],
    [
      configOf({ BufferingHints: { SizeInMBs: 129, IntervalInSeconds: 60 } }),
      `"${AT}.BufferingHints.SizeInMBs" expected a whole number from 1 to 128, got 129`,
    ],
    [configOf({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 901 } }), `"${AT}.BufferingHints.IntervalInSeconds" expected a whole number from 0 to 900`],
    [configOf({ BufferingHints: { SizeInMBs: '5' as never, IntervalInSeconds: 60 } }), `"${AT}.BufferingHints.SizeInMBs" expected a whole number`],
    [configOf({ BufferingHints: { SizeInMBs: 5 } }), `"${AT}.BufferingHints" expected SizeInMBs and IntervalInSeconds both, or neither`],
    [configOf({ CustomTimeZone: 'Mars/Olympus' }), `"${AT}.CustomTimeZone" expected an IANA time zone`],
    [configOf({ FileExtension: 'json' }), `"${AT}.FileExtension" expected an extension such as .json`],
    [configOf({ Prefix: 'a/!{timestamp:yyyy' }), `${AT}.Prefix, byte 2: expected a } that ends the expression`],
    [configOf({ Prefix: '!{timestamp:yyyy}/' }), `"${AT}" expected ErrorOutputPrefix, as Prefix has expressions`],
    [configOf({ Prefix: '!{timestamp:yyyy}/', ErrorOutputPrefix: 'e/!{timestamp:yyyy}/' }), `"${AT}.ErrorOutputPrefix" expected !{firehose:error-output-type}`],
    [configOf({ ErrorOutputPrefix: 'x'.repeat(510) }), `"${AT}.ErrorOutputPrefix" expected at most 512 characters once evaluated`],
    [configOf({ S3BackupMode: 'Enabled' }), `"${AT}" expected S3BackupConfiguration where S3BackupMode is Enabled`],
    [
      configOf({ S3BackupMode: 'Enabled', S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::b', BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 30 } } }),
      `"${AT}.S3BackupConfiguration.BufferingHints.IntervalInSeconds" expected a whole number from 60 to 900`,
    ],
    [
      configOf({}, { SnowflakeDestinationConfiguration: {} } as object),
      '"config.SnowflakeDestinationConfiguration" expected to be absent (a local delivery stream does not write there',
    ],
    [
      configOf({}, { MSKSourceConfiguration: {} } as object),
      '"config.MSKSourceConfiguration" expected to be absent (a local delivery stream takes what is put into it)',
    ],
    [configOf({}, { DeliveryStreamType: 'KinesisStreamAsSource' }), '"config" expected KinesisStreamSourceConfiguration where'],
    [configOf({}, { DeliveryStreamType: 'MSKAsSource' }), '"config.DeliveryStreamType" expected one of DirectPut, KinesisStreamAsSource'],
    [configOf({ ProcessingConfiguration: { Enabled: true, Processors: [] } }), `"${AT}.ProcessingConfiguration.Processors" expected 1 to 5 processors`],
    [configOf(processing(lambda(), lambda())), `"${AT}.ProcessingConfiguration.Processors[1]" expected one Lambda processor at most`],
    [configOf(processing(processor('Lambda'))), `"${AT}.ProcessingConfiguration.Processors[0].Parameters" expected LambdaArn`],
    [configOf(processing(lambda({ NumberOfRetries: '301' }))), 'Parameters[1].ParameterValue" expected a whole number from 0 to 300, got "301"'],
    [configOf(processing(lambda({ BufferSizeInMBs: '3.1' }))), 'Parameters[1].ParameterValue" expected a number from 0.2 to 3, got "3.1"'],
    [configOf(processing(lambda({ Delimiter: 'x' }))), 'Parameters[1].ParameterName" expected one of LambdaArn, NumberOfRetries'],
    [configOf(processing(processor('Decompression', { CompressionFormat: 'ZIP' }))), 'ParameterValue" expected one of GZIP, got "ZIP"'],
    [configOf(processing(processor('CloudWatchLogProcessing', { DataMessageExtraction: 'true' }))), 'expected Decompression beside CloudWatchLogProcessing'],
    [configOf(processing(query('{a:.a}'))), `"${AT}" expected DynamicPartitioningConfiguration beside MetadataExtraction`],
    [configOf({ ...partitions, Prefix: undefined, ...processing(query('{a:.a}')) }), `"${AT}" expected Prefix beside DynamicPartitioningConfiguration`],
    [configOf({ ...partitions, ErrorOutputPrefix: undefined, ...processing(query('{a:.a}')) }), `"${AT}" expected ErrorOutputPrefix beside`],
    [configOf(partitions), `"${AT}" expected MetadataExtraction or Lambda among the processors`],
    [configOf({ ...partitions, ...processing(query('{a:.a')) }), 'Parameters[0].ParameterValue, byte 5: expected , or }'],
    [
      configOf({ ...partitions, Prefix: '!{partitionKeyFromQuery:b}/', ...processing(query('{a:.a}')) }),
      'a MetadataExtractionQuery that gives "b", as Prefix has it',
    ],
    [
      configOf({ ...partitions, Prefix: '!{partitionKeyFromLambda:b}/', ...processing(query('{a:.a}')) }),
      'a Lambda processor, as Prefix has partitionKeyFromLambda',
    ],
    [
      configOf({ Prefix: '!{partitionKeyFromQuery:b}/', ErrorOutputPrefix: 'e/' }),
      `"${AT}.Prefix" expected no partition keys without DynamicPartitioningConfiguration`,
    ],
    [
      configOf({ ...partitions, ...processing(query('{a:.a}')), BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 } }),
      `"${AT}.BufferingHints.SizeInMBs" expected at least 64 beside DynamicPartitioningConfiguration, got 5`,
    ],
    [
      configOf({ ...partitions, ...processing(query('{a:.a}')), BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 } }),
      `"${AT}.BufferingHints.IntervalInSeconds" expected at least 1 beside`,
    ],
    [
      configOf({ ...partitions, ...processing(query('{a:.a}'), processor('RecordDeAggregation', { SubRecordType: 'DELIMITED', Delimiter: '%' })) }),
      'ParameterValue" expected base64 of a delimiter, got "%"',
    ],
    [
      configOf({ DataFormatConversionConfiguration: {}, CompressionFormat: 'GZIP' }),
      `"${AT}.CompressionFormat" expected UNCOMPRESSED beside DataFormatConversionConfiguration`,
    ],
    [configOf({ DataFormatConversionConfiguration: [] as never }), `"${AT}.DataFormatConversionConfiguration" expected an object, got an array`],
    [
      configOf({ DataFormatConversionConfiguration: { OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'ZSTD' } } } } }),
      `"${AT}.DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe.Compression" expected one of SNAPPY, GZIP, UNCOMPRESSED`,
    ],
    [
      configOf({ DataFormatConversionConfiguration: { InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: {}, OpenXJsonSerDe: {} } } } }),
      `"${AT}.DataFormatConversionConfiguration.InputFormatConfiguration.Deserializer" expected either OpenXJsonSerDe or HiveJsonSerDe`,
    ],
  ])('%#: %j', (config, message) => {
    expect(() => readStream(config)).toThrow(message)
  })

  it('whatever it is, it is a configuration or an error of these kinds', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const member = fc.constantFrom(
      'Prefix',
      'BufferingHints',
      'ProcessingConfiguration',
      'S3BackupMode',
      'DynamicPartitioningConfiguration',
      'FileExtension',
      'Tags',
      '__proto__',
    )
    fc.assert(
      fc.property(fc.dictionary(member, value), value, (destination, whole) => {
        for (const config of [whole, { DeliveryStreamDescription: whole }, { Destinations: [whole] }, configOf(destination as object)]) {
          try {
            readStream(config)
          } catch (error) {
            expect(['TypeError', 'RangeError', 'MillraceError']).toContain((error as Error).name)
            expect((error as Error).message).toMatch(/^"?config/)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

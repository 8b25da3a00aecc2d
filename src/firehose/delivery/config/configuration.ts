// The configuration as its author writes it: AWS's own shapes, cut down to what is read here.
import type { DataFormatConversionConfiguration } from '../../conversion/config.js'

export interface S3Configuration {
  RoleARN?: string | undefined
  BucketARN?: string | undefined
  Prefix?: string | undefined
  ErrorOutputPrefix?: string | undefined
  BufferingHints?: { SizeInMBs?: number | undefined; IntervalInSeconds?: number | undefined } | undefined
  CompressionFormat?: string | undefined
  EncryptionConfiguration?: object | undefined
  CloudWatchLoggingOptions?: object | undefined
}

export interface ExtendedS3Configuration extends S3Configuration {
  ProcessingConfiguration?:
    | {
        Enabled?: boolean | undefined
        Processors?:
          | {
              Type?: string | undefined
              Parameters?: { ParameterName?: string | undefined; ParameterValue?: string | undefined }[] | undefined
            }[]
          | undefined
      }
    | undefined
  S3BackupMode?: string | undefined
  S3BackupConfiguration?: S3Configuration | undefined
  DataFormatConversionConfiguration?: DataFormatConversionConfiguration | undefined
  DynamicPartitioningConfiguration?: { Enabled?: boolean | undefined; RetryOptions?: object | undefined } | undefined
  FileExtension?: string | undefined
  CustomTimeZone?: string | undefined
}

/** The input of CreateDeliveryStream; what DescribeDeliveryStream gives is taken as well. */
export interface DeliveryStreamConfiguration {
  DeliveryStreamName?: string | undefined
  DeliveryStreamType?: string | undefined
  ExtendedS3DestinationConfiguration?: ExtendedS3Configuration | undefined
  S3DestinationConfiguration?: S3Configuration | undefined
  /** These as AWS has them, and as the SDK's types do. */
  HttpEndpointDestinationConfiguration?: object | undefined
  AmazonopensearchserviceDestinationConfiguration?: object | undefined
  AmazonOpenSearchServerlessDestinationConfiguration?: object | undefined
  ElasticsearchDestinationConfiguration?: object | undefined
  SplunkDestinationConfiguration?: object | undefined
  RedshiftDestinationConfiguration?: object | undefined
  KinesisStreamSourceConfiguration?: { KinesisStreamARN?: string | undefined; RoleARN?: string | undefined } | undefined
}

// A stream that the service has, as it describes it, and what an update makes of its configuration.
import { isObject } from '../config/shape.js'
import { DESTINATION_NAMES } from '../config/stream.js'
import type { DeliveryStream } from '../delivery-stream.js'
import { ServiceError } from './wire.js'

/** Of the one destination that a stream has. */
export const DESTINATION = 'destinationId-000000000001'

type Members = Record<string, unknown>

export interface ServedStream {
  name: string
  /** The input of CreateDeliveryStream; S3 as its destination always the extended one. */
  config: Members
  stream: DeliveryStream
  version: number
  /** Milliseconds since the epoch. */
  created: number
  updated: number | undefined
  tags: Map<string, string>
  encryption: Members
}

/** An S3 destination with the defaults of the service. */
function described(destination: Members, megabytes: number): Members {
  return {
    BufferingHints: { SizeInMBs: megabytes, IntervalInSeconds: 300 },
    CompressionFormat: 'UNCOMPRESSED',
    EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
    CloudWatchLoggingOptions: { Enabled: false },
    ...destination,
  }
}

const S3_MEMBERS = [
  'RoleARN',
  'BucketARN',
  'Prefix',
  'ErrorOutputPrefix',
  'BufferingHints',
  'CompressionFormat',
  'EncryptionConfiguration',
  'CloudWatchLoggingOptions',
]

/** DeliveryStreamDescription. */
export function describe({ name, config, stream, version, created, updated, encryption }: ServedStream): Members {
  const { DeliveryStreamType = 'DirectPut', KinesisStreamSourceConfiguration: source } = config
  return {
    DeliveryStreamName: name,
    DeliveryStreamARN: stream.arn,
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamEncryptionConfiguration: encryption,
    DeliveryStreamType,
    VersionId: String(version),
    CreateTimestamp: created / 1000,
    ...(updated === undefined ? {} : { LastUpdateTimestamp: updated / 1000 }),
    ...(isObject(source) ? { Source: { KinesisStreamSourceDescription: { ...source, DeliveryStartTimestamp: created / 1000 } } } : {}),
    Destinations: [{ DestinationId: DESTINATION, ...destinationOf(config) }],
    HasMoreDestinations: false,
  }
}

function destinationOf(config: Members): Members {
  const name = DESTINATION_NAMES.find((one) => isObject(config[one]))
  if (name) return { [name.replace(/Configuration$/, 'Description')]: elsewhere(config[name] as Members) }
  const { S3BackupConfiguration, ...destination } = config.ExtendedS3DestinationConfiguration as Members
  const extended = { S3BackupMode: 'Disabled', ...described(destination, sizeOf(destination)) }
  return {
    S3DestinationDescription: Object.fromEntries(Object.entries(extended).filter(([member]) => S3_MEMBERS.includes(member))),
    ExtendedS3DestinationDescription: { ...extended, ...backupOf(S3BackupConfiguration) },
  }
}

const backupOf = (backup: unknown) => (isObject(backup) ? { S3BackupDescription: described(backup, 5) } : {})

/** As the service tells of it: without the password and the access key, which it never gives back. */
function elsewhere({ S3Configuration, S3BackupConfiguration, Password: _, EndpointConfiguration, ...destination }: Members): Members {
  const { AccessKey: __, ...endpoint } = isObject(EndpointConfiguration) ? EndpointConfiguration : {}
  return {
    ...destination,
    ...(EndpointConfiguration === undefined ? {} : { EndpointConfiguration: endpoint }),
    S3DestinationDescription: described(S3Configuration as Members, 5),
    ...backupOf(S3BackupConfiguration),
  }
}

function sizeOf({ DataFormatConversionConfiguration: conversion, DynamicPartitioningConfiguration: partitioning }: Members): number {
  if (isObject(conversion) && conversion.Enabled !== false) return 128
  return isObject(partitioning) && partitioning.Enabled === true ? 64 : 5
}

/** The input of CreateDeliveryStream with S3DestinationConfiguration as the extended one, which has all that it has. */
export function extended(input: Members): Members {
  const { S3DestinationConfiguration: plain, ...rest } = input
  return isObject(plain) && rest.ExtendedS3DestinationConfiguration === undefined ? { ...rest, ExtendedS3DestinationConfiguration: plain } : input
}

/**
 * The configuration with an update, as captures of real streams have it: a member that is given takes the place of the
 * one before; of processing an omitted Enabled stays as it was, and omitted Processors are none.
 */
export function updated(config: Members, update: Members): Members {
  const before = config.ExtendedS3DestinationConfiguration
  if (!isObject(before)) throw new ServiceError('InvalidArgumentException', 'Only the destination of a stream to S3 can be updated here.')
  const { S3BackupUpdate, ...members } = update
  const after: Members = { ...before, ...members }
  if (isObject(S3BackupUpdate)) after.S3BackupConfiguration = { ...(before.S3BackupConfiguration as Members | undefined), ...S3BackupUpdate }
  const processing = members.ProcessingConfiguration
  if (isObject(processing)) {
    const { Enabled = (before.ProcessingConfiguration as Members | undefined)?.Enabled ?? false, Processors = [] } = processing
    after.ProcessingConfiguration = { Enabled, Processors }
  }
  const conversion = members.DataFormatConversionConfiguration
  if (isObject(conversion)) after.DataFormatConversionConfiguration = { ...(before.DataFormatConversionConfiguration as Members | undefined), ...conversion }
  if (before.S3BackupMode === 'Enabled' && after.S3BackupMode !== 'Enabled')
    throw new ServiceError('InvalidArgumentException', 'S3 backup cannot be disabled once it is enabled.')
  if (partitions(before) !== partitions(after))
    throw new ServiceError('InvalidArgumentException', 'Dynamic partitioning cannot be enabled or disabled for an existing delivery stream.')
  return { ...config, ExtendedS3DestinationConfiguration: after }
}

const partitions = ({ DynamicPartitioningConfiguration: given }: Members): boolean => isObject(given) && given.Enabled === true

// What DescribeDeliveryStream tells of a stream, as the input that makes one like it.
import { isObject } from './shape.js'

/** What tells of a stream's life and is no configuration. */
const TOLD = [
  'DeliveryStreamStatus',
  'FailureDescription',
  'DeliveryStreamEncryptionConfiguration',
  'CreateTimestamp',
  'LastUpdateTimestamp',
  'HasMoreDestinations',
]

/** Anything else is given back as it is, for who checks it. */
export function fromDescription(value: unknown): unknown {
  if (!isObject(value)) return value
  const told = Object.hasOwn(value, 'DeliveryStreamDescription') && isObject(value.DeliveryStreamDescription) ? value.DeliveryStreamDescription : value
  if (!Array.isArray(told.Destinations)) return value
  const { Destinations, Source, ...rest } = told
  for (const name of TOLD) delete rest[name]
  const [destination] = Destinations as unknown[]
  if (!isObject(destination)) return { ...rest, Destinations }
  const { DestinationId: _, S3DestinationDescription: plain, ExtendedS3DestinationDescription: extended, ...others } = destination
  const config: Record<string, unknown> = { ...rest }
  // A stream to S3 is described in both ways, the second of which has all of it.
  if (isObject(extended)) config.ExtendedS3DestinationConfiguration = withBackup(extended)
  else if (plain !== undefined) config.S3DestinationConfiguration = plain
  for (const [name, other] of Object.entries(others)) config[name.replace(/Description$/, 'Configuration')] = isObject(other) ? withS3(other) : other
  if (isObject(Source)) {
    const { KinesisStreamSourceDescription: kinesis, DirectPutSourceDescription: direct, ...sources } = Source
    if (isObject(kinesis)) {
      const { DeliveryStartTimestamp: _start, ...source } = kinesis
      config.KinesisStreamSourceConfiguration = source
    }
    if (direct !== undefined) config.DirectPutSourceConfiguration = direct
    for (const [name, other] of Object.entries(sources)) config[name.replace(/Description$/, 'Configuration')] = other
  }
  return config
}

/** What the other destinations call their bucket. */
function withS3({ S3DestinationDescription, ...destination }: Record<string, unknown>): Record<string, unknown> {
  return withBackup(S3DestinationDescription === undefined ? destination : { ...destination, S3Configuration: S3DestinationDescription })
}

function withBackup({ S3BackupDescription, ...destination }: Record<string, unknown>): Record<string, unknown> {
  return S3BackupDescription === undefined ? destination : { ...destination, S3BackupConfiguration: S3BackupDescription }
}

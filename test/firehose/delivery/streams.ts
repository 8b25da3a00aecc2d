// What the tests of delivery streams share.
import type { DeliveryStreamConfiguration, ExtendedS3Configuration } from '../../../src/firehose/delivery/config/configuration.js'

export const NOW = Date.UTC(2026, 10, 27, 9, 8, 7)
export const HOUR = '2026/11/27/09/'

/** A stream `clicks` to the bucket `lake`. */
export const configOf = (destination: ExtendedS3Configuration = {}, more: DeliveryStreamConfiguration = {}): DeliveryStreamConfiguration => ({
  DeliveryStreamName: 'clicks',
  ExtendedS3DestinationConfiguration: { RoleARN: 'arn:aws:iam::1:role/r', BucketARN: 'arn:aws:s3:::lake', ...destination },
  ...more,
})

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const linesOf = (bytes: Uint8Array): Record<string, unknown>[] =>
  textOf(bytes)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

type Processor = { Type: string; Parameters?: { ParameterName: string; ParameterValue: string }[] }

export const processor = (Type: string, parameters: Record<string, string> = {}): Processor => ({
  Type,
  Parameters: Object.entries(parameters).map(([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue })),
})

export const processing = (...Processors: Processor[]) => ({ ProcessingConfiguration: { Enabled: true, Processors } })

// What a delivery stream asks of a destination besides delivering, and what it gives it.

import type { Clock, Random } from '../../ports/ports.js'
import type { Transport } from '../../ports/transport.js'
import type { Destination, FailedDelivery } from '../delivery/record.js'

export interface StreamDestination extends Destination {
  /** What `!{firehose:error-output-type}` stands for where its failures are written. */
  readonly errorOutputType: string
  /** A line of the error object, of a record that deliver() gave back. */
  failureLine(failure: FailedDelivery): string
}

export interface DestinationOptions {
  transport: Transport
  ports: { clock: Clock; random: Random }
  /** Of the stream: an HTTP endpoint is told where its records come from. */
  deliveryStreamArn: string
  /** Sent to OpenSearch beside our own, an Authorization say: AWS signs its requests by the role, which nobody can do here. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** Members that all of them have, for the delivery stream itself to read. */
export const COMMON = [
  'RoleARN',
  'BufferingHints',
  'CloudWatchLoggingOptions',
  'ProcessingConfiguration',
  'S3BackupMode',
  'S3Configuration',
  'S3DestinationDescription',
  'S3BackupDescription',
  'SecretsManagerConfiguration',
] as const

/** Longest that RetryOptions.DurationInSeconds may be. */
export const MOST_RETRY_SECONDS = 7200

export const NO_SECRETS = 'secrets of AWS Secrets Manager are not read here; put the secret itself into the configuration'

/**
 * What FailedDelivery and an error object have in common. Its rawData is what the destination did not take, not what
 * came into the stream: "document data" is the guide's word, and Splunk's own re-ingestion finds its HEC events there.
 */
export const lineOf = ({ record, code, message, attempts, attemptEnd }: FailedDelivery) => ({
  data: record.data,
  code,
  message,
  attempts,
  arrival: record.arrival,
  attemptEnd,
})

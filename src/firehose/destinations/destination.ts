// What a delivery stream asks of a destination and gives it, and what all their configurations have in common.
import { outOfRange, wrongType } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { Transport } from '../../ports/transport.js'
import { type Check, object, optional, unused, whole } from '../delivery/config/shape.js'
import type { ErrorOutputType } from '../delivery/failure.js'
import type { DeliveryRecord, FailedDelivery } from '../delivery/record.js'

/** Where records go that do not end as S3 objects of their own: an HTTP endpoint, OpenSearch, Splunk. */
export interface StreamDestination {
  /** Delivers one buffer, with the destination's own retries; gives those that it could not. Rejects where `signal` was aborted. */
  deliver(records: readonly DeliveryRecord[], signal?: AbortSignal): Promise<FailedDelivery[]>
  /** When a buffer is delivered: at so many bytes of records, or so many milliseconds after its first one. */
  readonly hints: { bytes: number; interval: number }
  /** Whether S3 gets all records and not the failed alone. */
  readonly backupAll: boolean
  /** What `!{firehose:error-output-type}` stands for where its failures are written. */
  readonly errorOutputType: ErrorOutputType
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

/** Members of all of them, which the delivery stream reads, or nobody here. */
export const COMMON = {
  RoleARN: unused,
  CloudWatchLoggingOptions: unused,
  ProcessingConfiguration: unused,
  S3Configuration: unused,
}

const MIB = 1024 * 1024

export const bufferingHints = (mostMBs: number, mostSeconds: number) =>
  optional(object({ SizeInMBs: optional(whole(1, mostMBs)), IntervalInSeconds: optional(whole(0, mostSeconds)) }))

export const hintsOf = (given: { SizeInMBs: number | undefined; IntervalInSeconds: number | undefined } | undefined, seconds = 300) => ({
  bytes: (given?.SizeInMBs ?? 5) * MIB,
  interval: 1000 * (given?.IntervalInSeconds ?? seconds),
})

/** Most that AWS takes is two hours. */
export const retryOptions = optional(object({ DurationInSeconds: optional(whole(0, 7200)) }))

export const endpointUrl =
  (most: number): Check<string> =>
  (value, path) => {
    const expected = `an https:// or http:// URL of at most ${most} characters`
    if (typeof value !== 'string') throw wrongType(path, expected, value)
    if (value.length > most || !/^https?:\/\/\S+$/.test(value) || !URL.canParse(value)) throw outOfRange(path, expected, value)
    return value
  }

/**
 * A secret of at most `most` characters as the header that carries it, its UTF-8 a character a byte: what no header can
 * carry must not fail at the first delivery. No error quotes it.
 */
export const secret =
  (most: number): Check<string> =>
  (value, path) => {
    if (typeof value !== 'string') throw new TypeError(`"${path}" expected text`)
    if (value.length > most || /[^\t\x20-\x7e\x80-\uffff]/.test(value))
      throw new RangeError(`"${path}" expected at most ${most} characters, none of them a control character`)
    return Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join('')
  }

/** Secrets of AWS, which must be off. */
export const noSecrets: Check<undefined> = (value, path) => {
  if (value !== undefined && (value as { Enabled?: unknown }).Enabled !== false)
    throw new TypeError(`"${path}" expected none: AWS Secrets Manager is not read here, put the secret itself into the configuration`)
  return undefined
}

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

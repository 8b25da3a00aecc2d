// Why a record does not reach the destination, and under which error-output-type Firehose files it.
import type { Taken } from './taken.js'

/** What `!{firehose:error-output-type}` becomes. */
export type ErrorOutputType =
  | 'processing-failed'
  | 'format-conversion-failed'
  | 'decompression-failed'
  | 'activePartitionExceeded'
  | 'http-endpoint-failed'
  | 'splunk-failed'
  | 'AmazonOpenSearchService-failed'
  | 'elasticsearch-failed'

export interface Failure {
  type: ErrorOutputType
  /** As error objects have it. */
  code: string
  message: string
}

/** A record that has failed. */
export interface Failed extends Failure {
  record: Taken
  attempts: number
  /** Milliseconds since the epoch. */
  attemptEnd: number
  /** Of the error object, where a destination has made it. */
  line?: string | undefined
}

// createDeliveryStream(): its face.
import type { DeliveryStreamConfiguration } from './config/configuration.js'
import { readStream } from './config/stream.js'
import type { DeliveryInput } from './input.js'
import { openStream } from './stream.js'
import { type DeliveryStreamOptions, readOptions } from './stream-options.js'
import type { UnwrittenObject } from './writer.js'

export interface DeliveryMetrics {
  /** Records that put() took, and their bytes. */
  accepted: number
  acceptedBytes: number
  /** Records more, of those that were split. */
  split: number
  /** Records in stored objects; dropped by the Lambda; in stored error objects; and in stored objects of the backup. */
  delivered: number
  dropped: number
  failed: number
  backedUp: number
  /** Records that have failed by now, stored or not, by error code. */
  failures: Record<string, number>
  /** Stored. */
  objects: number
  errorObjects: number
  backupObjects: number
  /** Bytes of all of them. */
  objectBytes: number
  invocations: number
  /** Puts into the store that failed and were tried again. */
  storeRetries: number
  /** Of a stream to Redshift: objects that were copied, and those that were given up, each with a manifest under errors/. */
  copied?: number
  skipped?: number
  /** Bytes of memory that records hold. */
  heldBytes: number
  activePartitions: number
}

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  /**
   * Takes a record, of at most 1,024,000 bytes (of a Kinesis stream 10 MiB), and copies it; waits while the stream holds
   * `maxBufferedBytes`. Rejects with RangeError or TypeError for what is no such record, CLOSED once the stream closes,
   * SERVICE where nothing can be stored for a reason that no try mends, and the reason of `signal` where that is aborted
   * while it waits.
   */
  put(record: Uint8Array | DeliveryInput, options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Takes 1 to 500 records of 4 MiB at most together, all or none. */
  putBatch(records: readonly (Uint8Array | DeliveryInput)[], options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Writes all that was put before, whatever the buffering hints say; resolves once it is stored. A store that fails is waited for. */
  flush(): Promise<void>
  /**
   * Takes nothing more, writes what is left, and resolves once it is stored. Rejects with NOT_DONE where objects could not be
   * written: one is tried for some 30 seconds more, or until `signal` is aborted, and the others, once it was given up, at least
   * once. `unwritten` has them.
   */
  close(options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Objects that were given up. */
  readonly unwritten: readonly UnwrittenObject[]
  metrics(): DeliveryMetrics
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * A delivery stream of Firehose on this machine, with the configuration that CreateDeliveryStream takes, or that
 * DescribeDeliveryStream gives: S3 with buffering hints, processors, dynamic partitioning, prefixes, compression, record
 * format conversion and backup; or an HTTP endpoint, OpenSearch, Splunk or Redshift. What is taken in ends in an object,
 * in an error object, or was dropped by the Lambda; it is held in memory until it is stored, so what a process that dies
 * has not written is lost. Intervals count from when a record is put, whatever its arrival.
 *
 * Throws TypeError, RangeError or CONFIG, with the path, for a configuration or options that are wrong.
 *
 * @example
 * const stream = createDeliveryStream(JSON.parse(config), { store: directoryStore(nodePorts, 'out') })
 * await stream.put(new TextEncoder().encode('{"a":1}'))
 * await stream.close()
 */
export function createDeliveryStream(config: DeliveryStreamConfiguration, options: DeliveryStreamOptions): DeliveryStream {
  const plan = readStream(config)
  return openStream(plan, readOptions(options, plan))
}

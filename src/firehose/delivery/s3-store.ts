// Objects in S3, by the user's own client or one of the optional peer @aws-sdk/client-s3.
import { wrongType } from '../../errors.js'
import { checkOptions } from '../../kinesis/service/service.js'
import { type AwsClient, type AwsClientConfig, createS3Client, loadS3Peer } from '../../ports/aws.js'
import { checkClientOptions, createCalls } from '../../ports/calls.js'
import type { Clock } from '../../ports/ports.js'
import { systemClock } from '../../ports/system.js'
import type { ObjectStore } from './store.js'

export interface S3StoreOptions {
  /** An S3Client, or anything with `send(command)`. */
  client?: AwsClient | undefined
  /** Or what to make one from: region, endpoint, credentials ... */
  clientConfig?: AwsClientConfig | undefined
  /** What holds PutObjectCommand, for fakes; default: the module `@aws-sdk/client-s3`. */
  commands?: object | undefined
  /** In place of the buckets of the configuration: the one that a local S3 has, say. */
  bucket?: string | undefined
  /** Put before every key. */
  keyPrefix?: string | undefined
  ports?: { clock: Clock } | undefined
}

/** Milliseconds for one object, after which it is tried again. */
const TIMEOUT = 300_000

/** A store in S3. Throws TypeError for wrong options; puts reject with MISSING_PEER where `@aws-sdk/client-s3` is not installed. */
export function s3Store(options: S3StoreOptions = {}): ObjectStore & { close(): void } {
  checkOptions(options, ['client', 'clientConfig', 'commands', 'bucket', 'keyPrefix', 'ports'] satisfies (keyof S3StoreOptions)[])
  const { bucket, keyPrefix = '', ports = { clock: systemClock } } = options
  if (bucket !== undefined && (typeof bucket !== 'string' || bucket === '')) throw wrongType('bucket', 'the name of a bucket', bucket)
  if (typeof keyPrefix !== 'string') throw wrongType('keyPrefix', 'text', keyPrefix)
  if (typeof ports?.clock?.sleep !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  checkClientOptions(options, '@aws-sdk/client-s3')
  const calls = createCalls(options, { load: loadS3Peer, create: createS3Client }, ports.clock, TIMEOUT)
  return {
    async put({ bucket: own, key, body, contentType, contentEncoding }, signal) {
      const input = { Bucket: bucket ?? own, Key: keyPrefix + key, Body: body, ContentType: contentType }
      await calls.call('PutObject', { ...input, ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }) }, signal)
    },
    /** A client that was made here. */
    close: calls.destroy,
  }
}

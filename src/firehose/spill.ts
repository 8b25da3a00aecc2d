// Records that have no room in the response, written to S3 as Firehose would have written them.
import { concat } from '../bytes.js'
import { MillraceError, wrongType } from '../errors.js'
import { checkOptions, checkPorts } from '../kinesis/service/service.js'
import { type AwsClient, type AwsClientConfig, createS3Client, loadS3Peer } from '../ports/aws.js'
import { checkClientOptions, createCalls } from '../ports/calls.js'
import type { Clock, Random } from '../ports/ports.js'
import { randomString } from './delivery/names.js'
import { readPrefix } from './delivery/prefix.js'
import { zoneOf } from './delivery/zone.js'
import { arrivalTime } from './event.js'
import type { FirehoseOverflow } from './overflow.js'

export interface SpillOptions {
  bucket: string
  /** As a Firehose prefix, without partition keys; default `overflow/!{timestamp:yyyy/MM/dd/HH}/`. */
  prefix?: string | undefined
  /** An S3Client; or what to make one from; what holds PutObjectCommand, for fakes. */
  client?: AwsClient | undefined
  clientConfig?: AwsClientConfig | undefined
  commands?: object | undefined
  ports?: { clock: Clock; random: Random } | undefined
}

/**
 * Writes what `transform` made of the records into one S3 object an invocation: what Firehose would have written, in a place
 * of its own. Throws TypeError, or CONFIG for a prefix that is none; needs `@aws-sdk/client-s3`.
 *
 * @example
 * export const handler = createFirehoseTransformer({ transform, overflow: spill({ bucket: 'clicks' }) })
 */
export function spill(options: SpillOptions): FirehoseOverflow {
  checkOptions(options, ['bucket', 'prefix', 'client', 'clientConfig', 'commands', 'ports'] satisfies (keyof SpillOptions)[])
  const { bucket, prefix = 'overflow/!{timestamp:yyyy/MM/dd/HH}/' } = options
  if (typeof bucket !== 'string' || bucket === '') throw wrongType('bucket', 'the name of a bucket', bucket)
  if (typeof prefix !== 'string') throw wrongType('prefix', 'text', prefix)
  checkClientOptions(options, '@aws-sdk/client-s3')
  const { clock, random } = checkPorts(options.ports)
  const place = readPrefix(prefix, 'prefix', 'prefix')
  if (place.queryKeys.length + place.lambdaKeys.length > 0)
    throw new MillraceError('CONFIG', '"prefix" expected no partition keys: an object has records of many')
  const calls = createCalls(options, { load: loadS3Peer, create: createS3Client }, clock, 60_000)
  const one = () => randomString(random)
  return async (records, { event, signal }) => {
    const times = records.map(({ source }) => arrivalTime(source.approximateArrivalTimestamp)).filter((time): time is number => time !== undefined)
    const time = times.length > 0 ? times.reduce((oldest, time) => Math.min(oldest, time)) : clock.now()
    const Key = `${place.evaluate({ time, zone: zoneOf('UTC', 'zone'), randomString: one })}${event.invocationId ?? one()}-${one()}`
    try {
      await calls.call('PutObject', { Bucket: bucket, Key, Body: concat(records.map(({ output }) => output)) }, signal)
      return records.map(() => undefined)
    } catch (error) {
      return records.map(() => `not written to S3: ${(error as Error).name}: ${(error as Error).message}`)
    }
  }
}

// Where millrace snowball pack puts chunks but in a directory: a bucket.
import type { Profile } from '../../snowball/store/profile.js'
import { type S3Store, s3Store } from '../../snowball/store/s3-store.js'
import { type Io, oneOf, UsageError, type Values } from '../command.js'
import { place } from '../figures.js'
import { text } from './options.js'

export const TARGET = ['to', 'profile', 'endpoint', 'region']

const PROFILES = ['s3', 'aws-snowball', 'minio'] as const satisfies readonly Profile[]

/** `output`: directory that holds what the target needs whole before it can be sent. */
export function targetOf(values: Values, output: string, io: Io): S3Store | undefined {
  const to = text(values.to)
  if (to === undefined) {
    const stray = TARGET.find((name) => values[name] !== undefined)
    if (stray !== undefined) throw new UsageError(`--${stray} expected --to s3://BUCKET/PREFIX/ beside it`)
    return undefined
  }
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(to) ?? []
  if (bucket === undefined) throw new UsageError(`--to expected s3://BUCKET/PREFIX/, got ${to}`)
  const endpoint = text(values.endpoint)
  const region = text(values.region)
  return s3Store({
    bucket,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    profile: oneOf(values, 'profile', PROFILES),
    clientConfig: { ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) },
    spool: output,
    ports: io.ports,
    signal: io.signal,
    onOrphan: ({ key, uploadId }) => io.log(`${place(key)}: its upload ${uploadId} could not be aborted, and its parts stay in the bucket`),
  })
}

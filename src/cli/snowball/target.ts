// --to, --endpoint, --region and --profile -> the bucket that pack writes to; --compression -> how.
import type { Compression } from '../../snowball/manifest/manifest.js'
import { checkCompression } from '../../snowball/pack/compress.js'
import { type S3ChunkStore, type S3ChunkStoreOptions, s3ChunkStore } from '../../snowball/store/s3-store.js'
import { type Io, oneOf, UsageError, type Values } from '../command.js'
import { clientConfig } from '../stream.js'
import { text } from './options.js'

/** The options that mean something beside --to only. */
const BESIDE = ['endpoint', 'region', 'profile']
export const TARGET = ['to', ...BESIDE, 'compression']

/** The store that --to names, with `output` for what must be kept on the way; undefined without --to. Throws UsageError. */
export function targetOf(
  values: Values,
  output: string,
  io: Pick<Io, 'ports' | 'signal' | 'log'>,
  onRetry?: S3ChunkStoreOptions['onRetry'],
): S3ChunkStore | undefined {
  const to = text(values.to)
  if (to === undefined) {
    const stray = BESIDE.find((name) => values[name] !== undefined)
    if (stray !== undefined) throw new UsageError(`--${stray} expected --to s3://BUCKET/PREFIX/ beside it`)
    return undefined
  }
  const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(to) ?? []
  if (bucket === undefined) throw new UsageError(`--to expected s3://BUCKET/PREFIX/, got ${JSON.stringify(to)}`)
  const options = {
    bucket,
    prefix: prefix && !prefix.endsWith('/') ? `${prefix}/` : prefix,
    profile: oneOf(values, 'profile', ['s3', 'aws-snowball', 'minio']),
    clientConfig: clientConfig(values),
    spool: output,
    ports: io.ports,
    signal: io.signal,
    onRetry,
    onOrphan: ({ key, uploadId }: { key: string; uploadId: string }) =>
      io.log(`${key}: its upload ${uploadId} could not be aborted; the bucket keeps its parts until somebody does`),
  }
  // its "prefix" is not our --prefix
  return inWords(`--to ${to}`, () => s3ChunkStore(options))
}

/** What --compression says: gzip or zstd, a level behind a colon. Throws UsageError. */
export function compressionOf(values: Values): { compression: Compression; compressionLevel: number | undefined } | undefined {
  const given = text(values.compression)
  if (given === undefined) return undefined
  const [, kind = '', level] = /^([^:]+)(?::(\d{1,3}))?$/.exec(given) ?? [given, given]
  const compressionLevel = level === undefined ? undefined : Number(level)
  return inWords(`--compression ${given}`, () => {
    checkCompression(kind, compressionLevel)
    return { compression: kind, compressionLevel }
  })
}

function inWords<T>(flag: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`)
  }
}

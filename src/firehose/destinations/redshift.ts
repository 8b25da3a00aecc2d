// Delivery to Redshift: the stream's objects in S3 are loaded by COPY, by way of a manifest. Source: developer guide,
// "Understand data delivery" and "Handle data delivery failures"; where the manifests lie is known from who works off
// the failed ones (errors/manifests/yyyy/MM/dd/HH/ behind the prefix).
import { messageOf } from '../../errors.js'
import { unlessAborted } from '../../kinesis/service/signal.js'
import type { Clock, Random } from '../../ports/ports.js'
import { arn, bucketArn, bucketOf, object, oneOf, optional, refused, text, unused } from '../delivery/config/shape.js'
import { datePattern } from '../delivery/date-pattern.js'
import { momentOf, zoneOf } from '../delivery/zone.js'
import { copyStatement, isColumnar, redshiftManifest } from './copy.js'
import { noSecrets, retryOptions } from './destination.js'
import { createRetries } from './retries.js'

/** An object of the stream, in the bucket of the configuration. */
export interface StoredObject {
  key: string
  bytes: number
}

/** What became of objects that were loaded by one statement. */
export interface RedshiftLoad {
  /** `copied`; `skipped`: the duration is over; `written`: there is nobody to run the statement. */
  status: 'copied' | 'skipped' | 'written'
  statement: string
  /** Key of the manifest that the statement names. */
  manifest: string
  /** Key of the same manifest under errors/, for a later load, where they were skipped. */
  errorManifest: string | undefined
  attempts: number
  /** What the last attempt failed with. */
  message: string | undefined
}

export interface RedshiftOptions {
  ports: { clock: Clock; random: Random }
  /** Writes an object into the bucket, with whatever retries that takes. */
  put(key: string, body: Uint8Array): Promise<void>
  /** Runs a statement on the cluster, by a driver or the Data API of the user's; rejects where it fails. */
  query?: ((statement: string, signal: AbortSignal | undefined) => Promise<unknown>) | undefined
  signal?: AbortSignal | undefined
}

export interface RedshiftLoader {
  /**
   * Loads an object that is there. One statement runs at a time; what comes meanwhile goes into the next one together,
   * so only keys wait. Rejects where the signal is aborted or a manifest cannot be written.
   */
  load(object: StoredObject): Promise<RedshiftLoad>
}

const UTC = zoneOf('UTC', 'zone')
const HOUR = datePattern('yyyy/MM/dd/HH/')

const read = object({
  RoleARN: arn,
  ClusterJDBCURL: text(1, 512, /^jdbc:(?:redshift|postgresql):\/\/\S+$/, 'jdbc:redshift://HOST:PORT/DATABASE'),
  CopyCommand: object({ DataTableName: text(1, 512), DataTableColumns: optional(text(0, 204_800)), CopyOptions: optional(text(0, 204_800)) }),
  // Whoever runs the statements has them.
  Username: unused,
  Password: unused,
  RetryOptions: retryOptions,
  S3Configuration: object({
    RoleARN: unused,
    BucketARN: bucketArn,
    Prefix: optional(text(0, 1024, /^(?![\s\S]*!\{)/, 'a prefix without expressions, as Redshift takes none')),
    ErrorOutputPrefix: refused('a stream to Redshift takes none'),
    BufferingHints: unused,
    CompressionFormat: optional(oneOf(['UNCOMPRESSED', 'GZIP'])),
    EncryptionConfiguration: unused,
    CloudWatchLoggingOptions: unused,
  }),
  ProcessingConfiguration: unused,
  S3BackupMode: unused,
  S3BackupConfiguration: unused,
  CloudWatchLoggingOptions: unused,
  SecretsManagerConfiguration: noSecrets,
})

/**
 * From a RedshiftDestinationConfiguration. Throws TypeError or RangeError, with the path below `path`, for what AWS refuses.
 * A statement that fails is run again until the duration (default an hour, its first attempt counted) is over; then the
 * manifest is written under errors/ as well, and the next objects go on.
 */
export function createRedshiftLoader(config: unknown, path: string, { ports, put, query, signal }: RedshiftOptions): RedshiftLoader {
  const { RoleARN, CopyCommand, RetryOptions, S3Configuration } = read(config, path)
  const statementOf = copyStatement(CopyCommand, `${path}.CopyCommand`)
  const bucket = bucketOf(S3Configuration.BucketARN)
  const prefix = S3Configuration.Prefix ?? ''
  const columnar = isColumnar(CopyCommand)

  const loadAll = async (objects: readonly StoredObject[]): Promise<RedshiftLoad> => {
    const body = redshiftManifest(objects.map(({ key, bytes }) => ({ url: `s3://${bucket}/${key}`, contentLength: columnar ? bytes : undefined })))
    const [{ key: first }] = objects
    const name = `manifests/${HOUR(momentOf(ports.clock.now(), UTC))}${first.slice(first.lastIndexOf('/') + 1)}`
    const manifest = prefix + name
    await put(manifest, body)
    const statement = statementOf(`s3://${bucket}/${manifest}`, RoleARN)
    const load = { statement, manifest, errorManifest: undefined, message: undefined }
    if (!query) return { ...load, status: 'written', attempts: 0 }
    const retries = createRetries(RetryOptions?.DurationInSeconds ?? 3600, 'all', ports)
    for (let attempts = 1; ; attempts++) {
      signal?.throwIfAborted()
      try {
        await unlessAborted(Promise.resolve(query(statement, signal)), signal)
        return { ...load, status: 'copied', attempts }
      } catch (error) {
        if (await retries.again(signal)) continue
        const errorManifest = `${prefix}errors/${name}`
        await put(errorManifest, body)
        return { ...load, status: 'skipped', errorManifest, attempts, message: messageOf(error) }
      }
    }
  }

  let waiting: StoredObject[] = []
  /** Of the objects that wait: one statement for all of them. */
  let next: Promise<RedshiftLoad> | undefined
  let running: Promise<unknown> = Promise.resolve()
  return {
    load(object) {
      waiting.push(object)
      if (!next) {
        next = running.then(() => {
          const objects = waiting
          waiting = []
          next = undefined
          return loadAll(objects)
        })
        running = next.catch(() => {})
      }
      return next
    },
  }
}

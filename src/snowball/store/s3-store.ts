// Chunks and large files as objects of a bucket: S3, the adapter of a Snowball Edge, MinIO and what is like them.
import { checkKeys, checkWhole, MillraceError, wrongType } from '../../errors.js'
import { type ClientOptions, checkClientOptions } from '../../ports/calls.js'
import type { Clock, Random, Sha256, Storage } from '../../ports/ports.js'
import { createSlots } from '../../ports/slots.js'
import { systemClock, systemRandom } from '../../ports/system.js'
import { checkWatch } from '../checks.js'
import { isChunk } from '../chunk-names.js'
import { coreSha256 } from '../digest.js'
import { keyFault } from '../keys.js'
import type { Compression, ManifestChunk, ManifestObject } from '../manifest/manifest.js'
import { PART } from '../parts.js'
import { join } from '../paths.js'
import { createExtracted, receiptOf } from './extracted.js'
import { heldInFile, heldInMemory } from './held.js'
import { checkArchives, checkPrefix, compressionOf, headOf, type Profile, rulesOf } from './profile.js'
import { causeOf, createRequests, placeOf, type Retry } from './requests.js'
import type { ChunkStore } from './store.js'
import { createStored, HASH } from './stored.js'
import { type OrphanedUpload, removeObject, type Target } from './target.js'
import { createUpload } from './upload.js'

export interface S3ChunkStoreOptions extends ClientOptions {
  /**
   * An S3Client, or anything with `send(command)`. Make it with `requestChecksumCalculation: 'WHEN_REQUIRED'`,
   * `responseChecksumValidation: 'WHEN_REQUIRED'` and `forcePathStyle: true`: the SDK's defaults send aws-chunked
   * bodies, which a Snowball refuses (CONFIG, where the client's `config` shows it); and with `maxAttempts: 1`, as
   * failures are tried again here.
   */
  client?: ClientOptions['client'] | undefined
  /** Or what to make one from: endpoint, credentials, region (`snow` and `us-east-1` where the profile is aws-snowball or minio). The rest is as above. */
  clientConfig?: ClientOptions['clientConfig'] | undefined
  bucket: string
  /** Where in the bucket, with "/" at its end. Archives are extracted into it. */
  prefix?: string | undefined
  /** What the target is, and with that what it takes and how it extracts. */
  profile: Profile
  /** Parts under way at once, of all uploads together; each has 8 MiB, of objects over 80 GB more. Default 4. */
  partsAtOnce?: number | undefined
  /** Attempts after the first, for a request that was throttled, not answered, or answered by a server's fault: after 0.2 s, then twice as long each time up to 20 s. Default 8, some 45 s in all. */
  retries?: number | undefined
  /** For minio: a directory for archives of 8 MiB and more, each from its first byte until it is stored, as NAME.tmp. */
  spool?: string | undefined
  /** Default clock and chance are the system's; `storage` is needed with `spool`. */
  ports?: { clock?: Clock; random?: Random; storage?: Storage; sha256?: Sha256 } | undefined
  /** Ends what is under way: it rejects with CLOSED. */
  signal?: AbortSignal | undefined
  /** Told of an upload in parts that failed and could not be aborted either: the bucket keeps its parts. */
  onOrphan?: ((orphan: OrphanedUpload) => void) | undefined
  /** Told of each attempt that failed and is made again, before the wait for it. */
  onRetry?: ((retry: Retry) => void) | undefined
}

export interface S3ChunkStore extends ChunkStore {
  readonly prefix: string
  /** Throws RangeError where the target would keep such archives and not extract them. */
  check(archives: { compression?: Compression | undefined; chunkBytes: number }): void
  /**
   * Aborts the uploads of chunks that a killed run has left in parts, and gives how many; undefined where the
   * endpoint cannot list them or may not. Uploads of other keys, large files of ours among them, stay: they may be
   * somebody else's. To be called once, before the first create(): what another run is just sending to the same
   * place would be aborted too. Rejects with IO where there is no such bucket, or no access.
   */
  prepare(): Promise<number | undefined>
  /** Closes a client that was made here. */
  close(): void
}

const OPTIONS = [
  'client',
  'clientConfig',
  'commands',
  'bucket',
  'prefix',
  'profile',
  'partsAtOnce',
  'retries',
  'spool',
  'ports',
  'signal',
  'onOrphan',
  'onRetry',
] satisfies (keyof S3ChunkStoreOptions)[]

/**
 * Chunks go to `prefix` with the metadata that has them extracted, large files to `prefix` and their keys. Below 8 MiB
 * an object is one PUT, else an upload in parts as `aws s3 cp` makes them, so that its ETag is known before. What is
 * stored is checked by its ETag, or its size where the ETag tells nothing. A MinIO extracts only what comes in one
 * PUT, and keeps no archive: of each there is a receipt, NAME.sha256, once it is extracted whole.
 *
 * Throws TypeError and RangeError for wrong options; all else rejects with MISSING_PEER where `@aws-sdk/client-s3`
 * is not installed, with CONFIG for a client that will not do, and with IO.
 *
 * @example
 * const clientConfig = { endpoint: 'http://192.0.2.0:8080', credentials }
 * const store = s3ChunkStore({ profile: 'aws-snowball', bucket: 'photos', prefix: '2026/', clientConfig })
 */
export function s3ChunkStore(options: S3ChunkStoreOptions): S3ChunkStore {
  const { target, prefix, spool, storage } = checked(options)
  const { rules, stored, requests, signal } = target
  const keyOf = (entry: ManifestChunk | ManifestObject) => prefix + (entry.type === 'chunk' ? entry.chunk : entry.key)

  return {
    objects: true,
    prefix,
    check: (archives) => checkArchives(rules, archives),
    async create(name, { bound, object }) {
      const item = { key: prefix + name, ...headOf(rules, prefix, name, object) }
      const position = { source: placeOf(target.bucket, item.key) }
      const fault = keyFault(item.key)
      if (fault) throw new MillraceError('BAD_INPUT', fault, { position })
      if (object) return createUpload(target, item, bound)
      checkArchives(rules, { compression: compressionOf(name), chunkBytes: bound })
      if (!rules.extracts) return createUpload(target, item, bound)
      if (bound < PART) return createExtracted(target, item, heldInMemory(bound, position.source))
      if (spool === undefined || !storage)
        throw new MillraceError(
          'CONFIG',
          `${rules.profile} takes an archive in one PUT: expected "spool", a directory that holds one of 8 MiB and more until its size is known`,
          {
            position,
          },
        )
      return createExtracted(target, item, await heldInFile(storage, join(spool, `${name}.tmp`)))
    },
    async has(entry) {
      const key = keyOf(entry)
      if (rules.extracts && entry.type === 'chunk') return (await stored.head(receiptOf(key), signal))?.Metadata?.[HASH] === entry.sha256
      return stored.holds(key, { sha256: entry.sha256, etag: entry.etag, bytes: entry.type === 'chunk' ? entry.bytes : entry.size }, signal)
    },
    async remove(entry) {
      const key = keyOf(entry)
      await removeObject(target, rules.extracts && entry.type === 'chunk' ? receiptOf(key) : key)
    },
    prepare: () => abortUploads(target, prefix),
    close: requests.destroy,
  }
}

function checked(options: S3ChunkStoreOptions) {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const {
    client,
    clientConfig,
    commands,
    bucket,
    prefix = '',
    profile,
    partsAtOnce = 4,
    retries = 8,
    spool,
    ports = {},
    signal,
    onOrphan = () => {},
    onRetry = () => {},
  } = options
  const rules = rulesOf(profile)
  if (typeof bucket !== 'string' || bucket === '') throw wrongType('bucket', 'the name of a bucket', bucket)
  checkPrefix(rules, prefix)
  checkWhole('partsAtOnce', partsAtOnce, 1, 1000)
  checkWhole('retries', retries, 0, 1000)
  if (typeof ports !== 'object' || ports === null) throw wrongType('ports', 'ports', ports)
  const { clock = systemClock, random = systemRandom, sha256 = coreSha256, storage } = ports
  if (typeof clock?.sleep !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  if (spool !== undefined && (typeof spool !== 'string' || spool === '')) throw wrongType('spool', 'the path of a directory', spool)
  if (spool !== undefined && typeof storage?.create !== 'function') throw wrongType('ports', 'ports with a storage, for the spool', ports)
  if (typeof onOrphan !== 'function') throw wrongType('onOrphan', 'a function', onOrphan)
  if (typeof onRetry !== 'function') throw wrongType('onRetry', 'a function', onRetry)
  checkWatch({ signal })
  checkClientOptions(options, '@aws-sdk/client-s3')
  const requests = createRequests({ client: { client, clientConfig, commands }, bucket, rules, retries, onRetry, clock, random })
  const stored = createStored(requests, bucket, rules, clock, sha256)
  const target: Target = { bucket, requests, stored, rules, slots: createSlots(partsAtOnce), signal, onOrphan }
  return { target, prefix, spool, storage }
}

interface Uploads {
  Uploads?: { Key?: string; UploadId?: string }[]
  IsTruncated?: boolean
  NextKeyMarker?: string
  NextUploadIdMarker?: string
}

/** The device lists without pages; S3 a thousand at a time. */
async function abortUploads({ requests, signal }: Target, prefix: string): Promise<number | undefined> {
  let aborted = 0
  let markers = {}
  for (;;) {
    let page: Uploads
    try {
      page = (await requests.send<Uploads>('ListMultipartUploads', { Prefix: prefix, ...markers }, { what: 'listing uploads', key: '', signal })) ?? {}
    } catch (error) {
      if (['NotImplemented', 'MethodNotAllowed', 'AccessDenied'].includes(causeOf(error))) return undefined
      throw error
    }
    for (const { Key = '', UploadId } of page.Uploads ?? []) {
      if (!Key.startsWith(prefix) || !isChunk(Key.slice(prefix.length)) || UploadId === undefined) continue
      try {
        await requests.send('AbortMultipartUpload', { UploadId }, { what: 'aborting an upload', key: Key, signal })
        aborted++
      } catch (error) {
        if (causeOf(error) !== 'NoSuchUpload') throw error
      }
    }
    const next = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
    if (!page.IsTruncated || next.KeyMarker === undefined || JSON.stringify(next) === JSON.stringify(markers)) return aborted
    markers = next
  }
}

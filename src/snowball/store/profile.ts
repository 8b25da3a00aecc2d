// What the targets differ in. Sources: AWS Snowball Edge Developer Guide (using-adapter, using-adapter-supported-api,
// batching-small-files); MinIO, cmd/api-router.go, cmd/object-handlers.go (PutObjectExtractHandler), cmd/untar.go.
import { MillraceError, outOfRange, wrongType } from '../../errors.js'
import { SNOWBALL_LIMITS } from '../../limits.js'
import type { AwsClient, AwsClientConfig } from '../../ports/aws.js'
import { type Compression, MANIFEST } from '../manifest/manifest.js'

/**
 * `s3`: S3 itself and what is like it. `aws-snowball`: the S3 adapter of a Snowball Edge. `minio`: a MinIO,
 * which extracts an archive while it takes it.
 */
export type Profile = 's3' | 'aws-snowball' | 'minio'

export interface Rules {
  profile: Profile
  client: AwsClientConfig
  /** Compressed archives that the target extracts. */
  compressions: readonly Compression[]
  /** Of an archive, at most. */
  chunkBytes: number
  /** An archive is sent in one PUT, extracted at once, and is itself not there afterwards. */
  extracts: boolean
  /** An ETag that looks like the MD5s that S3 makes is made of them, unless the answer tells of an encryption that prevents it. */
  etags: boolean
  /** Requests must have a plain body: no aws-chunked encoding. */
  plain: boolean
}

// Whole buffers with a length and no trailing checksum, which the SDK sends as aws-chunked; the name of the bucket in the path.
const CLIENT = { requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED', forcePathStyle: true, maxAttempts: 1 }
/** The SDK warns on the console of each streamed request that fails, as it cannot try it again itself. */
const QUIET = Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, () => {}]))
/** Of one PUT: S3's own limit, which proxies before a MinIO may have as well; MinIO itself takes 5 TiB. */
const PUT_BYTES = 5 * 2 ** 30

const RULES: Readonly<Record<Profile, Rules>> = {
  s3: {
    profile: 's3',
    client: CLIENT,
    compressions: ['gzip', 'zstd'],
    chunkBytes: SNOWBALL_LIMITS.archiveBytes.value,
    extracts: false,
    etags: true,
    plain: false,
  },
  'aws-snowball': {
    profile: 'aws-snowball',
    client: { ...CLIENT, region: 'snow' },
    // TAR, ZIP and tar.gz
    compressions: ['gzip'],
    chunkBytes: SNOWBALL_LIMITS.archiveBytes.value,
    extracts: false,
    // "might or might not be an MD5 digest", and a PUT has none
    etags: false,
    plain: true,
  },
  minio: {
    profile: 'minio',
    client: { ...CLIENT, region: 'us-east-1', logger: QUIET },
    compressions: ['gzip', 'zstd'],
    chunkBytes: PUT_BYTES,
    extracts: true,
    // random where it encrypts or runs with --no-compat
    etags: false,
    plain: false,
  },
}

export function rulesOf(profile: unknown): Rules {
  if (typeof profile !== 'string' || !Object.hasOwn(RULES, profile)) throw outOfRange('profile', `one of ${Object.keys(RULES).join(', ')}`, profile)
  return RULES[profile as Profile]
}

/** Throws RangeError where the target would keep such archives, but not extract them. */
export function checkArchives(
  { profile, compressions, chunkBytes: most }: Rules,
  archives: { compression?: Compression | undefined; chunkBytes: number },
): void {
  const { compression, chunkBytes } = archives
  if (compression !== undefined && !compressions.includes(compression))
    throw outOfRange('compression', `${['none', ...compressions].join(' or ')} for ${profile}, which extracts nothing else`, compression)
  if (chunkBytes > most) throw outOfRange('chunkBytes', `at most ${most} bytes for ${profile}, which extracts no larger archive`, chunkBytes)
}

const MINIO_PREFIX = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** The place of chunks and objects in the bucket: empty, or a path that ends with "/". */
export function checkPrefix({ extracts }: Rules, prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string') throw wrongType('prefix', 'a string', prefix)
  if (prefix === '') return
  if (
    !prefix.endsWith('/') ||
    prefix.startsWith('/') ||
    prefix
      .split('/')
      .slice(0, -1)
      .some((part) => part === '' || part === '.' || part === '..')
  )
    throw outOfRange('prefix', 'a path of the form "a/b/", or nothing', prefix)
  // it goes through a header
  if (extracts && !MINIO_PREFIX.test(prefix)) throw outOfRange('prefix', 'printable ASCII for minio; others can stand before the keys of the members', prefix)
}

/**
 * Rejects with CONFIG where a client of the user's has, as far as its `config` shows, an encoding that the
 * target refuses. One that was made here is made right.
 */
export async function checkOwnClient({ plain, profile }: Rules, client: AwsClient): Promise<void> {
  if (!plain) return
  const { requestChecksumCalculation: checksums, forcePathStyle } = ((client as { config?: object }).config ?? {}) as Record<string, unknown>
  const refuse = (name: string, expected: string) => {
    throw new MillraceError('CONFIG', `the client for ${profile} expected ${name} ${expected} in its configuration, got another`)
  }
  if (typeof checksums === 'function' && (await checksums()) !== 'WHEN_REQUIRED') refuse('requestChecksumCalculation', '"WHEN_REQUIRED"')
  if (forcePathStyle === false) refuse('forcePathStyle', 'true')
}

const ARCHIVES: readonly [end: string, type: string, compression?: Compression][] = [
  ['.tar', 'application/x-tar'],
  ['.tar.gz', 'application/gzip', 'gzip'],
  ['.tar.zst', 'application/zstd', 'zstd'],
]

const archiveOf = (name: string) => ARCHIVES.find(([end]) => name.endsWith(end))

export const compressionOf = (name: string): Compression | undefined => archiveOf(name)?.[2]

/** Content type and metadata of what is stored as `name`. */
export function headOf({ extracts }: Rules, prefix: string, name: string, object: boolean): { ContentType: string; Metadata: Record<string, string> } {
  const archive = object ? undefined : archiveOf(name)
  if (!archive) return { ContentType: name === MANIFEST ? 'application/x-ndjson' : 'application/octet-stream', Metadata: {} }
  // MinIO extracts at the bucket's root, wherever the archive is put
  const place: Record<string, string> = extracts && prefix !== '' ? { 'minio-snowball-prefix': prefix.slice(0, -1) } : {}
  return { ContentType: archive[1], Metadata: { 'snowball-auto-extract': 'true', ...place } }
}

// Whether an object is there and is what it should be, by what an endpoint tells of it.
import { MillraceError } from '../../errors.js'
import type { Clock, Sha256 } from '../../ports/ports.js'
import { withTimeout } from '../../ports/timeout.js'
import { hex } from '../digest.js'
import type { Rules } from './profile.js'
import { causeOf, placeOf, type RequestOptions, type Requests, timeoutOf } from './requests.js'
import type { Digest } from './store.js'

/** Metadata with the SHA-256 of what was stored by one PUT; of one in parts it is not known when they begin. */
export const HASH = 'millrace-sha256'

/** As much as is read of an answer to PutObject, CompleteMultipartUpload or HeadObject. */
export interface Answer {
  ETag?: string
  ContentLength?: number
  Metadata?: Record<string, string>
  ServerSideEncryption?: string
  SSECustomerAlgorithm?: string
}

const FORM = /^[0-9a-f]{32}(-\d+)?$/

const etagOf = ({ ETag }: Answer) => (typeof ETag === 'string' ? ETag.replace(/^"|"$/g, '') : '')

/**
 * Undefined where the answer's ETag tells nothing: where the target makes none of MD5s, or none of the parts, as
 * s3rver, and where the object is encrypted by a key of KMS or the client's.
 */
function etagTells({ etags }: Rules, answer: Answer, expected: string): boolean | undefined {
  const etag = etagOf(answer)
  if (etag === expected) return true
  if (!etags || answer.SSECustomerAlgorithm !== undefined || answer.ServerSideEncryption?.startsWith('aws:kms')) return undefined
  return FORM.test(etag) && etag.includes('-') === expected.includes('-') ? false : undefined
}

export interface Stored {
  /** Checks what was stored just now by its ETag, or by its size where that tells nothing. Rejects with IO where it is something else. */
  confirm(key: string, answer: Answer, digest: Digest, signal?: AbortSignal): Promise<void>
  /** Whether the object is there with this content: by its metadata or its ETag, and read where neither tells. */
  holds(key: string, content: Pick<Digest, 'bytes' | 'sha256' | 'etag'>, signal?: AbortSignal): Promise<boolean>
  /** What HeadObject answers; undefined where there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<Answer | undefined>
}

export function createStored(requests: Requests, bucket: string, rules: Rules, clock: Clock, sha256: Sha256): Stored {
  const optionsOf = (key: string, signal: AbortSignal | undefined): RequestOptions => ({ what: 'looking it up', key, signal })

  async function head(key: string, signal?: AbortSignal): Promise<Answer | undefined> {
    try {
      return (await requests.send<Answer | undefined>('HeadObject', {}, optionsOf(key, signal))) ?? {}
    } catch (error) {
      // HeadObject has no body to name the error in; the SDK calls a plain 404 NotFound.
      if (['NotFound', 'NoSuchKey'].includes(causeOf(error))) return undefined
      throw error
    }
  }

  /** SHA-256 of the object; undefined where its body cannot be read to its end. */
  async function hashOf(key: string, bytes: number, signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      return await withTimeout(clock, timeoutOf(bytes), signal, async (ended) => {
        const { Body } = (await requests.open<{ Body?: AsyncIterable<Uint8Array> }>('GetObject', {}, key, ended)) ?? {}
        if (typeof Body?.[Symbol.asyncIterator] !== 'function') return undefined
        const hash = sha256()
        for await (const piece of Body) hash.update(piece)
        return hex(hash.digest())
      })
    } catch (error) {
      if (error instanceof MillraceError) throw error
      return undefined
    }
  }

  return {
    head,
    async confirm(key, answer, { bytes, etag }, signal) {
      const wrong = (what: string) => new MillraceError('IO', what, { position: { source: placeOf(bucket, key) } })
      const tells = etagTells(rules, answer, etag)
      if (tells) return
      if (tells === false) throw wrong(`stored with the ETag ${etagOf(answer)}, expected ${etag}`)
      const found = await head(key, signal)
      if (!found) throw wrong('stored, and then not there: does the endpoint extract archives by itself, as a MinIO (profile minio)?')
      if (found.ContentLength !== bytes) throw wrong(`stored with ${found.ContentLength} bytes, expected ${bytes}`)
    },
    async holds(key, { bytes, sha256: expected, etag }, signal) {
      const found = await head(key, signal)
      if (!found || found.ContentLength !== bytes) return false
      const tells = etagTells(rules, found, etag)
      if (tells !== undefined) return tells
      const told = found.Metadata?.[HASH]
      return (told ?? (await hashOf(key, bytes, signal))) === expected
    },
  }
}

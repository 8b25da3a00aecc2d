// A bucket in memory behind send(command), whose requests can fail before or after they are done, with
// the differences that the targets have: ETags, extraction, what they list.
import { createHash } from 'node:crypto'
import type { Profile } from '../../src/snowball/store/profile.js'
import { sha256 } from '../archive/members.js'

interface StoredObject {
  body: Buffer
  etag: string | undefined
  metadata: Record<string, string>
  type: string | undefined
}

interface Upload {
  key: string
  input: Record<string, unknown>
  parts: Map<number, Buffer>
}

export interface Failure {
  error: Error
  /** The request is done all the same, and its answer lost. */
  done?: boolean
}

type Input = Record<string, unknown> & { Key: string; Body?: unknown }

export interface FakeBucket {
  readonly client: { send(command: object, options?: { abortSignal?: AbortSignal }): Promise<unknown> }
  readonly objects: Map<string, StoredObject>
  readonly uploads: Map<string, Upload>
  /** Names of the requests as they came, with their part. */
  readonly requests: string[]
  /** Archives that were extracted, by the prefix they were extracted to. */
  readonly extracted: { prefix: string | undefined; body: Buffer }[]
  /** Bodies that are held right now, and the most of them at once. */
  readonly load: { now: number; most: number }
  /** Asked before each request; `n` counts the requests of that name, from 1. */
  fail: ((name: string, input: Input, n: number) => Failure | 'hang' | undefined) | undefined
  /** May change an answer. */
  answer: ((name: string, answer: Record<string, unknown>) => object) | undefined
  /** Waited for inside each request. */
  pause: (() => Promise<void>) | undefined
}

export const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex')

export function serviceError(name: string, status: number): Error {
  return Object.assign(new Error(`${name}: injected`), { name, $metadata: { httpStatusCode: status }, $fault: status < 500 ? 'client' : 'server' })
}

export const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

export function fakeBucket(profile: Profile = 's3'): FakeBucket {
  const counts = new Map<string, number>()
  let ids = 0
  const bucket: FakeBucket = {
    objects: new Map(),
    uploads: new Map(),
    requests: [],
    extracted: [],
    load: { now: 0, most: 0 },
    fail: undefined,
    answer: undefined,
    pause: undefined,
    client: {
      async send(command, { abortSignal } = {}) {
        const name = command.constructor.name.replace(/Command$/, '')
        const { input } = command as { input: Input }
        const n = (counts.get(name) ?? 0) + 1
        counts.set(name, n)
        bucket.requests.push(input.PartNumber === undefined ? name : `${name} ${input.PartNumber}`)
        const failure = bucket.fail?.(name, input, n)
        if (failure === 'hang') return new Promise((_, reject) => abortSignal?.addEventListener('abort', () => reject(abortSignal.reason)))
        if (failure && !failure.done) throw failure.error
        bucket.load.most = Math.max(bucket.load.most, ++bucket.load.now)
        try {
          await bucket.pause?.()
          if (abortSignal?.aborted) throw abortSignal.reason
          const answer = await answers(name, input)
          if (failure) throw failure.error
          return bucket.answer ? bucket.answer(name, answer) : answer
        } finally {
          bucket.load.now--
        }
      },
    },
  }
  const upload = ({ UploadId }: Input) => {
    const found = bucket.uploads.get(UploadId as string)
    if (!found) throw serviceError('NoSuchUpload', 404)
    return found
  }
  const store = (key: string, body: Buffer, etag: string | undefined, { Metadata, ContentType }: Record<string, unknown>) =>
    bucket.objects.set(key, { body, etag, metadata: { ...(Metadata as Record<string, string>) }, type: ContentType as string })
  const told = (etag: string | undefined) => (etag === undefined ? {} : { ETag: `"${etag}"` })

  async function answers(name: string, input: Input): Promise<Record<string, unknown>> {
    switch (name) {
      case 'PutObject': {
        const body = await bytesOf(input.Body)
        if (body.length !== input.ContentLength) throw serviceError('IncompleteBody', 400)
        if (input.ContentMD5 !== undefined && Buffer.from(input.ContentMD5 as string, 'base64').toString('hex') !== md5(body))
          throw serviceError('BadDigest', 400)
        if (input.ChecksumSHA256 !== undefined && Buffer.from(input.ChecksumSHA256 as string, 'base64').toString('hex') !== sha256(body))
          throw serviceError('BadDigest', 400)
        const metadata = input.Metadata as Record<string, string> | undefined
        if (profile === 'minio' && metadata?.['snowball-auto-extract'] === 'true') {
          bucket.extracted.push({ prefix: metadata['minio-snowball-prefix'], body })
          return told(md5(Buffer.from(`${ids++}`)))
        }
        const etag = profile === 'aws-snowball' ? undefined : md5(body)
        store(input.Key, body, etag, input)
        return told(etag)
      }
      case 'CreateMultipartUpload': {
        if (profile === 'aws-snowball') bucket.objects.delete(input.Key)
        const UploadId = `upload-${String(++ids).padStart(4, '0')}`
        bucket.uploads.set(UploadId, { key: input.Key, input, parts: new Map() })
        return { UploadId }
      }
      case 'UploadPart': {
        // as the SDK, which reads the body while the request is under way
        const body = await bytesOf(input.Body)
        upload(input).parts.set(input.PartNumber as number, body)
        return told(md5(body))
      }
      case 'CompleteMultipartUpload': {
        const { key, parts, input: begun } = upload(input)
        const named = (input.MultipartUpload as { Parts: { PartNumber: number; ETag: string }[] }).Parts
        const bodies = named.map(({ PartNumber, ETag }, i) => {
          const body = parts.get(PartNumber)
          if (PartNumber !== i + 1) throw serviceError('InvalidPartOrder', 400)
          if (!body || `"${md5(body)}"` !== ETag) throw serviceError('InvalidPart', 400)
          if (i < named.length - 1 && body.length < 5 << 20) throw serviceError('EntityTooSmall', 400)
          return body
        })
        const etag = `${md5(Buffer.concat(bodies.map((body) => Buffer.from(md5(body), 'hex'))))}-${bodies.length}`
        store(key, Buffer.concat(bodies), etag, begun)
        bucket.uploads.delete(input.UploadId as string)
        return told(etag)
      }
      case 'AbortMultipartUpload':
        upload(input)
        bucket.uploads.delete(input.UploadId as string)
        return {}
      case 'ListMultipartUploads': {
        // two a page
        const all = [...bucket.uploads]
          .map(([UploadId, { key: Key }]) => ({ Key, UploadId }))
          .filter(({ Key }) => Key.startsWith(input.Prefix as string))
          .filter(({ UploadId }) => input.UploadIdMarker === undefined || UploadId > (input.UploadIdMarker as string))
        const Uploads = all.slice(0, 2)
        return { Uploads, IsTruncated: all.length > 2, NextKeyMarker: Uploads.at(-1)?.Key, NextUploadIdMarker: Uploads.at(-1)?.UploadId }
      }
      case 'HeadObject': {
        const found = bucket.objects.get(input.Key)
        if (!found) throw serviceError('NotFound', 404)
        return { ...told(found.etag), ContentLength: found.body.length, Metadata: found.metadata }
      }
      case 'GetObject': {
        const found = bucket.objects.get(input.Key)
        if (!found) throw serviceError('NoSuchKey', 404)
        return { Body: pieces(found.body) }
      }
      case 'DeleteObject':
        bucket.objects.delete(input.Key)
        return {}
    }
    throw serviceError('NotImplemented', 501)
  }
  return bucket
}

async function* pieces(body: Buffer) {
  for (let at = 0; at < body.length; at += 100_003) yield body.subarray(at, at + 100_003)
}

async function bytesOf(body: unknown): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body)
  const all: Uint8Array[] = []
  for await (const piece of body as AsyncIterable<Uint8Array>) all.push(Buffer.from(piece))
  return Buffer.concat(all)
}

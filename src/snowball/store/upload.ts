// An object that is sent as it comes: whole where it is small, else in parts, several of them at once.
import { inform, MillraceError } from '../../errors.js'
import { partsOf } from '../parts.js'
import { causeOf, placeOf } from './requests.js'
import type { ChunkSink, Digest } from './store.js'
import { type Answer, HASH } from './stored.js'
import { type Item, removeObject, type Target } from './target.js'

interface Part {
  PartNumber: number
  ETag: string
}

/**
 * Begins the upload of up to `bound` bytes. Holds one part beside those that are under way. Nothing is there under
 * the key until finish() has it there whole; what cannot be undone is told to `onOrphan`.
 */
export function createUpload(target: Target, item: Item, bound: number): ChunkSink {
  const { requests, stored, slots } = target
  const { key, ...head } = item
  const position = { source: placeOf(target.bucket, key) }
  const unusable = (expected: string) => new MillraceError('IO', `expected ${expected}, got none`, { position })
  const planned = partsOf(bound)
  if (!planned) throw new MillraceError('LIMIT_EXCEEDED', `expected an object of at most 10,000 parts, got up to ${bound} bytes`, { position })
  const { partBytes } = planned
  const stop = new AbortController()
  const halt = () => stop.abort(target.signal?.reason)
  if (target.signal?.aborted) halt()
  target.signal?.addEventListener('abort', halt, { once: true })
  const room = Math.min(partBytes, bound)
  let buffer = new Uint8Array(room)
  let filled = 0
  let upload: Promise<string> | undefined
  const pending: Promise<Part | undefined>[] = []
  let failure: { error: unknown } | undefined
  let ended = false

  const fail = (error: unknown) => {
    failure ??= { error }
    stop.abort(error)
    return undefined
  }
  const check = () => {
    if (failure) throw failure.error
  }

  /** Not aborted once it is sent: an upload whose id is not known cannot be ended. */
  async function begin(): Promise<string> {
    const { UploadId } =
      (await requests.send<{ UploadId?: unknown }>('CreateMultipartUpload', head, { what: 'beginning its upload', key, signal: stop.signal, whole: true })) ??
      {}
    if (typeof UploadId !== 'string' || UploadId === '') throw unusable('an UploadId in the answer to CreateMultipartUpload')
    return UploadId
  }

  async function sendPart(Body: Uint8Array, PartNumber: number): Promise<Part> {
    const UploadId = await (upload as Promise<string>)
    const { ETag } =
      (await requests.send<Answer>(
        'UploadPart',
        { UploadId, PartNumber, Body, ContentLength: Body.length },
        { what: `sending its part ${PartNumber}`, key, bytes: Body.length, signal: stop.signal },
      )) ?? {}
    if (typeof ETag !== 'string' || ETag === '') throw unusable(`an ETag in the answer to part ${PartNumber}`)
    return { PartNumber, ETag }
  }

  async function flush(next: number) {
    await slots.take()
    if (failure) {
      slots.give()
      check()
    }
    upload ??= begin()
    // A buffer is sent from, even where its request was given up: it is not filled again.
    pending.push(
      sendPart(buffer.subarray(0, filled), pending.length + 1)
        .catch(fail)
        .finally(slots.give),
    )
    filled = 0
    buffer = new Uint8Array(next)
  }

  async function complete(digest: Digest): Promise<void> {
    const UploadId = await (upload as Promise<string>)
    const Parts = (await Promise.all(pending)) as Part[]
    check()
    const options = { what: 'completing its upload', key, signal: stop.signal }
    let answer: Answer
    try {
      answer = (await requests.send<Answer>('CompleteMultipartUpload', { UploadId, MultipartUpload: { Parts } }, options)) ?? {}
    } catch (error) {
      // An attempt before this one may have done it, its answer lost: then there is no such upload any more.
      if (causeOf(error) === 'NoSuchUpload' && (await stored.holds(key, digest, stop.signal))) return
      throw error
    }
    await confirm(answer, digest)
  }

  async function put(digest: Digest): Promise<void> {
    const Metadata = { ...head.Metadata, [HASH]: digest.sha256 }
    const input = { ...head, Metadata, Body: buffer.subarray(0, filled), ContentLength: filled }
    await confirm((await requests.send<Answer>('PutObject', input, { what: 'sending it', key, bytes: filled, signal: stop.signal })) ?? {}, digest)
  }

  async function confirm(answer: Answer, digest: Digest): Promise<void> {
    try {
      await stored.confirm(key, answer, digest, stop.signal)
    } catch (error) {
      await removeObject(target, key).catch(() => {})
      throw error
    }
  }

  /** Parts that are still under way when an upload is aborted may be kept: they end first. */
  async function undo(): Promise<void> {
    await Promise.all(pending)
    const UploadId = await upload?.catch(() => undefined)
    if (UploadId === undefined) return
    try {
      await requests.send('AbortMultipartUpload', { UploadId }, { what: 'aborting its upload', key, retries: 1 })
    } catch (error) {
      if (causeOf(error) !== 'NoSuchUpload') inform(() => target.onOrphan({ key, uploadId: UploadId, cause: error }))
    }
  }

  return {
    async write(data) {
      for (let at = 0; at < data.length; ) {
        check()
        const piece = data.subarray(at, at + buffer.length - filled)
        if (piece.length === 0) throw new MillraceError('IO', `expected at most ${bound} bytes, got more`, { position })
        buffer.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled === partBytes) await flush(Math.min(partBytes, bound - pending.length * partBytes - partBytes))
      }
    },
    async finish(digest) {
      check()
      try {
        // By the size that it has, as its ETag was made
        if (upload || partsOf(filled)?.parts !== 0) {
          if (filled > 0) await flush(0)
          await complete(digest)
        } else await put(digest)
        ended = true
      } catch (error) {
        fail(error)
        throw error
      } finally {
        target.signal?.removeEventListener('abort', halt)
      }
    },
    async discard() {
      if (ended) return
      ended = true
      // who is just writing must begin no further part
      fail(new MillraceError('CLOSED', 'the upload was discarded', { position }))
      target.signal?.removeEventListener('abort', halt)
      await undo()
    },
  }
}

// What a chunker takes: files whose data are bytes, text, a Blob, or come piece by piece.
import { kindOf, messageOf, wrongType } from '../../errors.js'
import { failure, type Left, left } from '../left.js'

/** As much of a Web ReadableStream as is needed. */
export interface ByteStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<unknown>
    releaseLock(): void
  }
}

/** As much of a Blob or File as is needed. */
export interface BlobLike {
  readonly size: number
  stream(): ByteStream
  arrayBuffer(): Promise<ArrayBuffer>
}

/** What a file holds. Text is stored as UTF-8. A piece of a stream is taken before the next one is asked for. */
export type FileBytes = Uint8Array | string | BlobLike | ByteStream | AsyncIterable<Uint8Array>

export interface ChunkerFile {
  /** With the chunker's `prefix` before it the object's key. */
  key: string
  /** Bytes of `data`. Needed for streams of more than `bufferBytes`. */
  size?: number | undefined
  /** A function is called when the file's turn has come, once. */
  data: FileBytes | (() => FileBytes | Promise<FileBytes>)
}

export const isBlob = (data: unknown): data is BlobLike =>
  typeof (data as BlobLike | null)?.arrayBuffer === 'function' && typeof (data as BlobLike).stream === 'function' && typeof (data as BlobLike).size === 'number'

/** A file of a disk, most likely: a Blob without a name lies in memory, in Node always. */
export const isFile = (data: unknown): boolean => isBlob(data) && typeof (data as { name?: unknown }).name === 'string'

const isStream = (data: unknown): data is ByteStream => typeof (data as ByteStream | null)?.getReader === 'function'
const isIterable = (data: unknown): data is AsyncIterable<Uint8Array> =>
  typeof (data as AsyncIterable<Uint8Array> | null)?.[Symbol.asyncIterator] === 'function'

export const isBytes = (data: unknown): data is FileBytes =>
  data instanceof Uint8Array || typeof data === 'string' || isBlob(data) || isStream(data) || isIterable(data)

export const DATA = 'a Uint8Array, a string, a Blob, a ReadableStream or an async iterable of Uint8Array'

/** Comes piece by piece, of unknown length, and cannot be opened again. */
export const isFlow = (data: unknown): data is ByteStream | AsyncIterable<Uint8Array> =>
  !(data instanceof Uint8Array) && typeof data !== 'string' && !isBlob(data) && (isStream(data) || isIterable(data))

/** The pieces of `data`, each valid until the next is asked for. Who stops early closes what it comes from. */
export async function* piecesOf(data: FileBytes): AsyncGenerator<Uint8Array> {
  if (typeof data === 'string') yield new TextEncoder().encode(data)
  else if (data instanceof Uint8Array) yield data
  else if (isBlob(data)) yield* streamed(data.stream())
  else if (isStream(data)) yield* streamed(data)
  else for await (const piece of data) yield checked(piece)
}

async function* streamed(stream: ByteStream): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      ended = done
      if (done) return
      yield checked(value)
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

function checked(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece
  throw wrongType('data', 'pieces of Uint8Array', piece)
}

/** All of it. Throws Misfit where it is not of `size` bytes, or, where that is not known, of more than `most`. */
export async function wholeOf(data: FileBytes, size: number | undefined, most: number): Promise<Uint8Array> {
  if (!isFlow(data)) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data instanceof Uint8Array ? data : new Uint8Array(await data.arrayBuffer())
    if (size !== undefined && bytes.length !== size) throw misfit(size, bytes.length)
    return bytes
  }
  let buffer = new Uint8Array(size ?? Math.min(most, 1 << 16))
  let filled = 0
  for await (const piece of piecesOf(data)) {
    if (filled + piece.length > (size ?? most)) throw size === undefined ? unsized(most) : misfit(size, 'more')
    if (filled + piece.length > buffer.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(2 * buffer.length, filled + piece.length)))
      larger.set(buffer.subarray(0, filled))
      buffer = larger
    }
    buffer.set(piece, filled)
    filled += piece.length
  }
  if (size !== undefined && filled !== size) throw misfit(size, filled)
  return buffer.subarray(0, filled)
}

/** The pieces of `data`, `size` bytes of them together; throws Misfit where they are not. */
export async function* exactly(data: FileBytes, size: number): AsyncGenerator<Uint8Array> {
  let got = 0
  for await (const piece of piecesOf(data)) {
    got += piece.length
    if (got > size) throw misfit(size, 'more')
    yield piece
  }
  if (got !== size) throw misfit(size, got)
}

/** Reads what nobody wants to its end: who reads an archive gets its next file only then. Never rejects. */
export async function drain(data: unknown): Promise<void> {
  if (!isFlow(data)) return
  try {
    for await (const _ of isStream(data) ? streamed(data) : data);
  } catch {
    // that it failed does not matter any more
  }
}

/** Closes what comes piece by piece and was not read to its end. Never rejects. */
export async function release(data: unknown): Promise<void> {
  if (!isFlow(data)) return
  try {
    if (isStream(data)) {
      const reader = data.getReader()
      await reader.cancel()
      reader.releaseLock()
    } else await data[Symbol.asyncIterator]().return?.()
  } catch {
    // locked, so somebody else closes it
  }
}

/** Data that is not what was said of it. */
export class Misfit extends Error {
  readonly reason: Left['reason']
  constructor(reason: Left['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

export const misfit = (size: number, got: number | 'more') => new Misfit('changed', `expected ${size} bytes, as was said, got ${got}`)
const unsized = (most: number) =>
  new Misfit('too-large', `expected at most ${most} bytes of a file whose size is not given; give its "size", or raise "bufferBytes"`)

/** What an error while a file is read means for it. */
export function readFailure(path: string, error: unknown): Left {
  if (error instanceof Misfit) return left(path, error.reason, error.message)
  if (!(error instanceof Error)) return left(path, 'unreadable', messageOf(error))
  // Of a DOMException the code is a number that says less than its name.
  if (error.name === 'NotFoundError') return left(path, 'vanished', 'was there when it was listed, is gone')
  if (error.name === 'NotReadableError') return left(path, 'unreadable', 'it has changed since it was listed, or may not be read')
  return typeof (error as { code?: unknown }).code === 'string' && error.name === 'Error' ? failure(path, error) : left(path, 'unreadable', messageOf(error))
}

/** Throws unless `files` can be iterated. */
export function checkFiles(files: unknown): asserts files is Iterable<ChunkerFile> | AsyncIterable<ChunkerFile> {
  const given = files as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
  if (typeof files === 'string' || (typeof given?.[Symbol.asyncIterator] !== 'function' && typeof given?.[Symbol.iterator] !== 'function'))
    throw wrongType('files', 'an iterable or async iterable of files', files)
}

export const wrongData = (data: unknown): string => `"data" expected ${DATA}, or a function that gives one, got ${kindOf(data)}`

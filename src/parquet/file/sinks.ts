// Sinks that are no files: bytes in memory, a stream that is read, a stream that is written.
import { concat } from '../../bytes.js'
import { checkWhole, MillraceError, wrongType } from '../../errors.js'
import { type Readable, readable } from '../../ports/readable.js'
import type { ParquetSink } from './sink.js'

/** A sink that has small pieces put together first. */
type PlainSink = Required<Omit<ParquetSink, 'writeAll'>>

/** A sink that keeps the file in memory. */
export interface BytesSink extends PlainSink {
  /** The whole file; throws CLOSED before the sink has closed, and after abort(). */
  bytes(): Uint8Array
}

export function bytesSink(): BytesSink {
  let parts: Uint8Array[] = []
  let whole: Uint8Array | undefined
  let state = 'the file is not finished'
  return {
    write(bytes) {
      parts.push(bytes)
    },
    close() {
      whole = concat(parts)
      parts = []
    },
    abort() {
      parts = []
      state = 'the file was given up'
    },
    bytes() {
      if (!whole) throw new MillraceError('CLOSED', state)
      return whole
    },
  }
}

/** A sink whose file is read while it is written, once: by `for await`, or as a Web stream. */
export interface StreamSink extends PlainSink, Readable {
  /** The same bytes as a Web stream, such as the body of a Response; cancelling it fails the writer. */
  stream(): ReadableStream<Uint8Array>
}

/**
 * The writer waits while `highWaterMark` bytes or more (default 4 MiB) are unread, so reading and
 * writing must go on at the same time. A reader that stops early (break, cancel) rejects the
 * writer's next write with CLOSED; abort() rejects the reader's next read with its reason.
 *
 * @example
 * const sink = streamSink()
 * const writer = createParquetWriter({ schema, sink })
 * // a reader that goes away rejects this; without a catch that ends a Node process
 * writer.writeRows(rows).then(() => writer.close()).catch(console.error)
 * return new Response(sink.stream())
 */
export function streamSink(options: { highWaterMark?: number } = {}): StreamSink {
  const { highWaterMark = 4 * 1024 * 1024 } = options
  checkWhole('options.highWaterMark', highWaterMark, 1, Number.MAX_SAFE_INTEGER)
  const queue: Uint8Array[] = []
  let unread = 0
  let ended = false
  let failure: { reason: unknown } | undefined
  let stopped: MillraceError | undefined
  let taken = false
  // whoever waits: the writer for room, the reader for bytes
  let wakeWriter = () => {}
  let wakeReader = () => {}

  const read = async (): Promise<Uint8Array | undefined> => {
    while (queue.length === 0 && !ended && !failure) await new Promise<void>((wake) => (wakeReader = wake))
    // what was given up is no file, however much of it waits
    if (failure) throw failure.reason
    const bytes = queue.shift()
    unread -= bytes?.length ?? 0
    wakeWriter()
    return bytes
  }
  const stop = () => {
    if (!ended || queue.length > 0) stopped ??= new MillraceError('CLOSED', 'the reader of the stream stopped before the end of the file')
    queue.length = unread = 0
    wakeWriter()
  }
  const take = () => {
    if (taken) throw new MillraceError('CLOSED', 'the stream is read already')
    taken = true
  }

  return {
    async write(bytes) {
      if (stopped) throw stopped
      queue.push(bytes)
      unread += bytes.length
      wakeReader()
      while (unread >= highWaterMark && !stopped && !failure) await new Promise<void>((wake) => (wakeWriter = wake))
      if (stopped) throw stopped
    },
    close() {
      ended = true
      wakeReader()
    },
    abort(reason) {
      failure = { reason: reason ?? new MillraceError('CLOSED', 'the file was given up') }
      wakeReader()
      wakeWriter()
    },
    ...readable({ take, read, stop }),
  }
}

/** What of a Web WritableStream a sink needs. */
export interface WritableTarget {
  getWriter(): {
    write(chunk: Uint8Array): Promise<unknown>
    close(): Promise<unknown>
    abort(reason?: unknown): Promise<unknown>
  }
}

/** A sink into a Web WritableStream, which it locks, closes at the end of the file and aborts where there will be none. */
export function writableSink(stream: WritableTarget): PlainSink {
  if (typeof stream?.getWriter !== 'function') throw wrongType('stream', 'a WritableStream', stream)
  const writer = stream.getWriter()
  // a stream that fails rejects this too, and nobody else looks at it
  ;(writer as { closed?: Promise<unknown> }).closed?.catch(() => {})
  return {
    async write(bytes) {
      await writer.write(bytes)
    },
    async close() {
      await writer.close()
    },
    async abort(reason) {
      await writer.abort(reason)
    },
  }
}

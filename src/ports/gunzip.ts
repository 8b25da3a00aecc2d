// gzip (RFC 1952) unpacked as it comes: node:zlib in Node, Deno, Bun and Lambda, DecompressionStream
// in browsers.
import { MillraceError } from '../errors.js'
import { type Transform, through } from './through.js'

/** As much of node:zlib as is needed. */
interface Zlib {
  createGunzip(options: { chunkSize: number }): Transform
}

// Of 16 KiB, Node's own choice, each piece costs as much again as its unpacking.
const CHUNK = 256 * 1024
/** What DecompressionStream of Node 24 calls a second member. */
const TRAILING = 'ERR_TRAILING_JUNK_AFTER_STREAM_END'

/**
 * Unpacks gzip, cut anywhere. Several members one after the other are one text, as `cat a.gz b.gz`
 * makes them; in browsers, whose DecompressionStream knows one member only, they are CORRUPT. So is
 * what is no gzip, what is cut short, and what does not match its checksum; `source` names it in the
 * error. Each piece that is given must stay as it is until the next one is asked for.
 *
 * @example
 * for await (const bytes of gunzip(fileSource(nodePorts, 'flights.ndjson.gz'))) await writer.writeJson(bytes)
 */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>, source?: string): AsyncGenerator<Uint8Array> {
  try {
    const zlib = typeof process === 'undefined' ? undefined : (process.getBuiltinModule?.('node:zlib') as Zlib | undefined)
    yield* zlib ? through(zlib.createGunzip({ chunkSize: CHUNK }), chunks) : byStream(chunks)
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: string }
    const corrupt = typeof code === 'string' ? code.startsWith('Z_') || code === TRAILING : cause instanceof TypeError
    if (!corrupt) throw cause
    const what = code === 'Z_BUF_ERROR' ? 'expected gzip to its end, got less: it was cut short' : `expected gzip, got other data (${message})`
    throw new MillraceError('CORRUPT', what, { cause, ...(source === undefined ? {} : { position: { source } }) })
  }
}

async function* byStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = chunks[Symbol.asyncIterator]()
  let failure: { error: unknown } | undefined
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await input.next()
        if (done) controller.close()
        // the stream keeps what it is given
        else controller.enqueue(value.slice())
      } catch (error) {
        failure = { error }
        throw error
      }
    },
    async cancel() {
      await input.return?.()
    },
  })
  const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (error) {
    throw failure ? failure.error : error
  } finally {
    await reader.cancel().catch(() => {})
  }
}

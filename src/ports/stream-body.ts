// A request's body that is read while it is sent. The AWS SDK takes a stream of Node's for it.
import { MillraceError } from '../errors.js'

interface NodeStream {
  Readable: {
    from(pieces: AsyncIterable<Uint8Array>, options: { objectMode: boolean }): { on(event: 'error', told: () => void): void; destroy(): void }
  }
}

/**
 * Hands `send` a stream of `pieces` and a signal, which is aborted where `outer` is or the pieces fail; rejects then
 * with the reason or what they failed with, else as `send` does. The pieces are let go in any case. Throws CONFIG
 * outside Node, Deno and Bun.
 */
export async function sendStream<T>(
  pieces: AsyncIterable<Uint8Array>,
  outer: AbortSignal | undefined,
  send: (body: object, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stream = typeof process === 'undefined' ? undefined : (process.getBuiltinModule?.('node:stream') as NodeStream | undefined)
  if (!stream) throw new MillraceError('CONFIG', 'expected a runtime with node:stream, to send a file as it is read, got one without')
  outer?.throwIfAborted()
  const over = new AbortController()
  const stop = () => over.abort(outer?.reason)
  outer?.addEventListener('abort', stop, { once: true })
  async function* guarded() {
    try {
      yield* pieces
    } catch (error) {
      // As an error of the stream it would end the process: the SDK pipes the stream and listens to no error of it.
      over.abort(error)
    }
  }
  const body = stream.Readable.from(guarded(), { objectMode: false })
  body.on('error', () => {})
  try {
    return await send(body, over.signal)
  } catch (error) {
    throw over.signal.aborted ? over.signal.reason : error
  } finally {
    outer?.removeEventListener('abort', stop)
    body.destroy()
  }
}

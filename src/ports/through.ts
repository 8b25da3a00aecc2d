// A transform of node:stream as an async generator.

/** As much of a Transform as is needed. */
export interface Transform extends AsyncIterable<Uint8Array> {
  write(chunk: Uint8Array, done: (error?: Error | null) => void): void
  end(): void
  destroy(error?: Error): void
}

/** What `stream` makes of `chunks`; each is let go once the stream has taken it in. Reading stops where nobody asks any more. */
export async function* through(stream: Transform, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const feed = async () => {
    for await (const chunk of chunks) await new Promise<void>((done, fail) => stream.write(chunk, (error) => (error ? fail(error) : done())))
    stream.end()
  }
  feed().catch((error) => stream.destroy(error))
  try {
    yield* stream
  } finally {
    stream.destroy()
  }
}

// What is read piece by piece, once: as an async iterable and as a Web stream.

// A consumer with lib ES2022 alone has no such name; where it is declared, this adds nothing.
declare global {
  // biome-ignore lint/suspicious/noExplicitAny: as lib.dom.d.ts declares it, else the two would not merge
  interface ReadableStream<R = any> {}
}

export interface Readable extends AsyncIterable<Uint8Array> {
  /** The same bytes as a Web stream, such as the body of a Response. */
  stream(): ReadableStream<Uint8Array>
}

export interface ReadableSource {
  /** Somebody begins; throws where somebody has already. */
  take(): void
  /** The next piece, undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  /** Nobody reads on. */
  stop(): void
}

export function readable({ take, read, stop }: ReadableSource): Readable {
  return {
    async *[Symbol.asyncIterator]() {
      take()
      try {
        for (let bytes = await read(); bytes; bytes = await read()) yield bytes
      } finally {
        stop()
      }
    },
    stream() {
      take()
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const bytes = await read()
            if (bytes) controller.enqueue(bytes)
            else controller.close()
          },
          cancel: stop,
        },
        // what waits, waits in the source
        { highWaterMark: 0 },
      )
    },
  }
}

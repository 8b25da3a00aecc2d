// A chunk that is read while it is made: what fills it waits for who reads it.
import { MillraceError } from '../../errors.js'
import { type Readable, readable } from '../../ports/readable.js'
import type { ManifestMember } from '../manifest/manifest.js'
import type { ChunkSink, Digest } from '../store/store.js'

/** What a chunk is once it has been read. */
export interface ChunkResult extends Digest {
  /** Its files as they stand in the archive, in order. */
  members: ManifestMember[]
}

/**
 * A tar, read once, by `for await` or as a Web stream: pieces of about 1 MiB that are the reader's own. Nothing is
 * read ahead but one piece. One that fails (a large file that is not as long as said, an output that the chunker is
 * stopped by) rejects the reader, so that what came of it does not pass for whole.
 */
export interface Chunk extends Readable {
  /** File name, `.tar` at its end. */
  readonly name: string
  /** The same bytes as a Web stream, such as the body of a request; cancelling it ends the chunker. */
  stream(): ReadableStream<Uint8Array>
  /** Resolves when the chunk has been read to its end. Rejects as its reading does. */
  readonly done: Promise<ChunkResult>
}

export interface Handoff {
  chunk: Chunk
  sink: ChunkSink
  /** Whether somebody reads it. */
  readonly taken: boolean
  /** Resolves when a piece is asked for. Rejects with CLOSED where nobody will. */
  wanted(): Promise<void>
  settle(result: ChunkResult): void
  /** Nobody will read on. */
  stop(): void
}

export function createHandoff(name: string): Handoff {
  let piece: Uint8Array | undefined
  let taken = false
  let asked = false
  let ended = false
  let stopped: MillraceError | undefined
  let failure: { reason: unknown } | undefined
  let wakeReader = () => {}
  let wakeWriter = () => {}
  let resolve: (result: ChunkResult) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const done = new Promise<ChunkResult>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  // who does not look at it learns by reading
  done.catch(() => {})

  const wanted = async () => {
    while (!asked && !stopped) await new Promise<void>((wake) => (wakeWriter = wake))
    if (stopped) throw stopped
  }
  const read = async (): Promise<Uint8Array | undefined> => {
    asked = true
    wakeWriter()
    while (!piece && !ended && !failure) await new Promise<void>((wake) => (wakeReader = wake))
    if (failure) throw failure.reason
    const bytes = piece
    piece = undefined
    return bytes
  }
  const stop = () => {
    if (!ended) stopped ??= new MillraceError('CLOSED', 'it was not read to its end', { position: { source: name } })
    wakeWriter()
  }
  const take = () => {
    if (taken) throw new MillraceError('CLOSED', 'it is read already', { position: { source: name } })
    taken = true
  }

  return {
    get taken() {
      return taken
    },
    wanted,
    stop,
    settle: (result) => resolve(result),
    sink: {
      async write(data) {
        await wanted()
        asked = false
        piece = data.slice()
        wakeReader()
      },
      async finish() {
        // whoever asks once more has all of it
        await wanted()
        ended = true
        wakeReader()
      },
      async discard(reason) {
        failure = { reason }
        reject(reason)
        wakeReader()
      },
    },
    chunk: {
      name,
      done,
      ...readable({ take, read, stop }),
    },
  }
}

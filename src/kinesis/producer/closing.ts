// How a producer comes to its end: all that it has accepted is sent, then the spool and the client are let
// go. Once it is told to stop, nothing more is sent, and no wait is longer than requestTimeout.
import { MillraceError } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'

export interface Closing {
  /** Whether close() was called. */
  readonly begun: boolean
  /** Aborted, with an IO error, where what waits for the spool does so requestTimeout after close() was told to stop. */
  readonly late: AbortSignal
  /** The first call closes; each further one waits for the same end, which its signal may hasten. */
  close(signal: AbortSignal | undefined): Promise<void>
}

export interface Ending {
  /** Sends nothing any more. */
  abandon(): void
  /** Resolves when all that was put has its outcome; rejects then where the spool has failed. */
  finish(): Promise<void>
  release(): Promise<void>
}

export function createClosing(clock: Clock, requestTimeout: number, { abandon, finish, release }: Ending): Closing {
  const late = new AbortController()
  const over = new AbortController()
  let closing: Promise<void> | undefined
  let stopped = false

  const stop = () => {
    if (stopped || over.signal.aborted) return
    stopped = true
    abandon()
    const message = `the spool had not taken what waits for it ${requestTimeout} ms after close() was told to stop: it may be there all the same`
    clock.sleep(requestTimeout, over.signal).then(
      () => late.abort(new MillraceError('IO', message)),
      () => {},
    )
  }

  const close = async () => {
    try {
      await finish()
    } finally {
      await release().finally(() => over.abort())
    }
  }

  return {
    late: late.signal,
    get begun() {
      return closing !== undefined
    },
    close(signal) {
      // First: what is to be given up is not to be sent by the flush.
      if (signal?.aborted) stop()
      signal?.addEventListener('abort', stop, { once: true, signal: over.signal })
      closing ??= close()
      return closing
    },
  }
}

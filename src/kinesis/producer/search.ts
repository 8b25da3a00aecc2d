// Until a stream's shards are known nothing is sent: they are looked for while records wait, whose time runs all the same.
import type { Clock } from '../../ports/ports.js'

export interface Search {
  /** Looks for the shards, unless that is under way. */
  begin(): void
}

export interface SearchOptions {
  clock: Clock
  recordTtl: number
  /** Ends it: its timers and requests. */
  signal: AbortSignal
  /** Rejects for what will not pass. */
  find(signal: AbortSignal): Promise<void>
  /** When the oldest record that waits was accepted; Infinity where none does. */
  oldest(): number
  /** Gives up the records that are too old. */
  expire(): void
  /** The shards are known, nothing waits for them any more, or it was told to end. */
  ended(): void
  failed(error: unknown): void
}

/** Least milliseconds between two looks for what has expired: each one copies what is left. */
const PAUSE = 1_000

export function createSearch({ clock, recordTtl, signal, find, oldest, expire, ended, failed }: SearchOptions): Search {
  let search: AbortController | undefined
  signal.addEventListener('abort', () => search?.abort(signal.reason), { once: true })

  const watch = async (begun: AbortController) => {
    for (let pause = 0; oldest() !== Number.POSITIVE_INFINITY; pause = PAUSE) {
      await clock.sleep(Math.max(oldest() + recordTtl - clock.monotonic() + 1, pause), begun.signal)
      expire()
    }
    begun.abort()
  }

  return {
    begin() {
      if (search) return
      const begun = new AbortController()
      search = begun
      const done = (tell: () => void) => {
        search = undefined
        begun.abort()
        tell()
      }
      watch(begun).catch(() => {})
      find(begun.signal).then(
        () => done(ended),
        (error: unknown) => done(begun.signal.aborted ? ended : () => failed(error)),
      )
    },
  }
}

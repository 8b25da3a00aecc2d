// Where records go that are given up: to whoever injected a sink, with the reason and every attempt,
// before their outcomes settle.
import type { Position } from '../errors.js'
import { backoff } from '../ports/backoff.js'
import type { Clock, Random } from '../ports/ports.js'
import { withTimeout } from '../ports/timeout.js'
import type { Attempt } from './service/attempt.js'

/** A record that was refused, has expired, or was sent too often. Put again, it is its first three members: put() refuses the others. */
export interface DeadLetter {
  partitionKey: string
  /** Decimal. */
  explicitHashKey?: string
  data: Uint8Array
  /** Why, as in the record's outcome. */
  code: string
  message: string
  /** It may be in the stream all the same. */
  uncertain: boolean
  /** How often it was sent. */
  attemptCount: number
  /** Each time, in order; of more than 64 the first 63 and the last. */
  attempts: Attempt[]
  /** Of a bad line of NDJSON, as in its outcome. */
  position?: Position
}

/** One that was never sent. */
export type Refused = Omit<DeadLetter, 'attempts' | 'attemptCount' | 'uncertain'>

/**
 * Takes what is given up, some at a time. When it resolves, the letters are kept: only then do their
 * outcomes settle, and until then they count against the buffer's bounds. One that throws or rejects is
 * called again with the same letters, ten times in all with back-off; then, or where it has not answered
 * within requestTimeout, the outcomes say that nobody has them (`deadLettered: false`).
 */
export type DeadLetterSink = (letters: readonly DeadLetter[]) => void | Promise<void>

const TRIES = 10

/** Whether the sink has taken them. Never rejects. `patience`: milliseconds for each call. */
export async function bury(sink: DeadLetterSink, letters: readonly DeadLetter[], clock: Clock, random: Random, patience: number): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    let call: AbortSignal | undefined
    try {
      await withTimeout(clock, patience, undefined, async (signal) => {
        call = signal
        await sink(letters)
      })
      return true
    } catch {
      // One that does not answer may be at it still.
      if (tries === TRIES || call?.aborted) return false
      await clock.sleep(backoff(tries, random))
    }
  }
}

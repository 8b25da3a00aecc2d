// Options that several functions have alike, and what is asked of them on the way.
import { MillraceError, wrongType } from '../errors.js'

/** Checks what a long work may be told and asked by; the callback is wanted half-way else. */
export function checkWatch({ onProgress, signal }: { onProgress?: unknown; signal?: unknown }): void {
  if (onProgress !== undefined && typeof onProgress !== 'function') throw wrongType('onProgress', 'a function', onProgress)
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.aborted !== 'boolean') throw wrongType('signal', 'an AbortSignal', signal)
}

/** Checks ports whose files are read or written. */
export function checkStorage(ports: { storage?: { open?: unknown } } | null | undefined): void {
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
}

export const interruption = (signal: AbortSignal | undefined, what: string): MillraceError =>
  new MillraceError('CLOSED', `${what} was interrupted`, { cause: signal?.reason })

/** Throws CLOSED where the signal says so; `what` was interrupted then. */
export function interrupted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw interruption(signal, what)
}

// AbortSignals of calls: what they are checked for, and how they end a wait.
import { checkKeys, wrongType } from '../../errors.js'

export interface SignalOptions {
  signal?: AbortSignal | undefined
}

/** The signal of a call, checked: throws TypeError for what is none, and its reason where it is aborted already, unless that may be. */
export function signalOf(options: SignalOptions | undefined, fresh = true): AbortSignal | undefined {
  if (options === undefined) return undefined
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['signal'])
  const { signal } = options
  checkSignal(signal)
  if (fresh) signal?.throwIfAborted()
  return signal
}

/** Throws TypeError for what is no AbortSignal; an EventTarget alone is none. */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && typeof (signal as { throwIfAborted?: unknown } | null)?.throwIfAborted !== 'function')
    throw wrongType('options.signal', 'an AbortSignal', signal)
}

/** Who is to be told, by signal, and the one listener that tells them. */
const waits = new WeakMap<AbortSignal, { stops: Set<() => void>; tell: () => void }>()

/**
 * Calls `stop` when the signal is aborted; what it gives ends that. Each signal has one listener, however many
 * wait: Node prints a warning at the eleventh.
 */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  const known = waits.get(signal)
  const stops = known?.stops ?? new Set()
  stops.add(stop)
  if (!known) {
    const tell = () => {
      for (const each of stops) each()
    }
    waits.set(signal, { stops, tell })
    signal.addEventListener('abort', tell, { once: true })
  }
  return () => {
    if (!stops.delete(stop) || stops.size > 0) return
    signal.removeEventListener('abort', (waits.get(signal) as { tell: () => void }).tell)
    waits.delete(signal)
  }
}

/** What `work` gives, or the signal's reason as soon as it is aborted; `work` itself goes on, and what becomes of it is nobody's then. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    const end = onAbort(signal, stop)
    work.then(resolve, reject).finally(end)
  })
}

// Nothing is taken in before the client has what it signs requests with: what is missing there is one error of the first
// put, not the outcome of each record.

import { unlessAborted } from '../service/signal.js'
import type { Admission } from './admission.js'

/** The admission, behind `connect`, which gives nothing once that is done. What a spool holds waits for it too. */
export function afterConnect(connect: () => Promise<void> | undefined, admission: Admission, spooled: boolean): Admission {
  const behind = async (early: Promise<void>, signal: AbortSignal | undefined, take: () => Promise<void> | undefined) => {
    await unlessAborted(early, signal)
    await take()
  }
  return {
    ...admission,
    one(ticket, index, key, hash, data, signal) {
      const early = connect()
      return early ? behind(early, signal, () => admission.one(ticket, index, key, hash, data, signal)) : admission.one(ticket, index, key, hash, data, signal)
    },
    many(batch, signal) {
      const early = connect()
      return early ? behind(early, signal, () => admission.many(batch, signal)) : admission.many(batch, signal)
    },
    rows(ticket, index, text, rows, from, to, signal) {
      const early = connect()
      if (!early) return admission.rows(ticket, index, text, rows, from, to, signal)
      return behind(early, signal, () => admission.rows(ticket, index, text, rows, from, to, signal))
    },
    open() {
      const early = spooled ? connect() : undefined
      return early ? behind(early, undefined, admission.open) : admission.open()
    },
  }
}

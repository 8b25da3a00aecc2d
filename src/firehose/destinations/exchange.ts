// One request to a destination: its answer, or in which way none came.
import { messageOf } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import { withTimeout } from '../../ports/timeout.js'
import type { Transport, WebRequest, WebResponse } from '../../ports/transport.js'

/** `timeout`: no answer in time; `reset`: the connection broke off; `tls`: no trust; `connect`: anything else. */
export type Silence = { silence: 'timeout' | 'reset' | 'tls' | 'connect'; message: string }

export interface ExchangeOptions {
  transport: Transport
  clock: Clock
  /** Milliseconds until the whole answer must be there. */
  timeout: number
  mostBytes: number
  signal: AbortSignal | undefined
}

const RESET = /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET)$/
const TLS = /^(?:ERR_TLS|ERR_SSL|UNABLE_TO_|EPROTO$)|CERT/

/** Rejects only where `signal` is aborted, with its reason. */
export async function exchange(request: WebRequest, { transport, clock, timeout, mostBytes, signal }: ExchangeOptions): Promise<WebResponse | Silence> {
  try {
    return await withTimeout(clock, timeout, signal, (own) => transport.send(request, { mostBytes, signal: own }))
  } catch (error) {
    signal?.throwIfAborted()
    const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
    const message = messageOf(error)
    if (name === 'TimeoutError') return { silence: 'timeout', message }
    if (typeof code !== 'string') return { silence: 'connect', message }
    return { silence: RESET.test(code) ? 'reset' : TLS.test(code) ? 'tls' : 'connect', message: `${code}: ${message}` }
  }
}

/** The start of a body as text, for a message. */
export function bodyText(body: Uint8Array | undefined, most = 8192): string {
  return new TextDecoder().decode((body ?? new Uint8Array(0)).subarray(0, most))
}

// How a fault looks to a client: what is answered in place of the real answer, and what becomes of that.
import type { HttpAnswer } from '../../ports/node-server.js'
import type { Clock } from '../../ports/ports.js'
import type { RequestFault } from './plan.js'
import { errorAnswer } from './wire.js'

/** The answer to a request of which nothing is stored; undefined where the fault is none of these. */
export function before(type: string, fault: RequestFault | undefined): HttpAnswer | undefined {
  if (fault === 'error') return errorAnswer(type, 500, 'InternalFailure', 'Internal service failure.')
  if (fault === 'unavailable') return errorAnswer(type, 503, 'ServiceUnavailable', 'Service unavailable.')
  if (fault === 'expired') return errorAnswer(type, 400, 'ExpiredTokenException', 'The security token included in the request is expired')
  if (fault === 'throttleAll') return errorAnswer(type, 400, 'ProvisionedThroughputExceededException', 'Rate exceeded for stream.')
  if (fault === 'reset') return { status: 200, headers: {}, body: new Uint8Array(0), cut: -1 }
  return undefined
}

export interface Delays {
  clock: Clock
  /** Milliseconds that a lost answer leaves the client waiting, and a slow one its second half. */
  hold: number
  pause: number
  signal: AbortSignal
}

/** What becomes of the answer to a request that is stored. `half`, from 0 to 1, decides between two forms of a kind, and where it breaks. */
export async function after(given: HttpAnswer, fault: RequestFault | undefined, half: number, { clock, hold, pause, signal }: Delays): Promise<HttpAnswer> {
  if (fault === 'resetAfter') return { ...given, cut: -1 }
  if (fault === 'lostAck') {
    await clock.sleep(hold, signal).catch(() => {})
    return { ...given, cut: -1 }
  }
  if (fault === 'slow') return { ...given, pause }
  if (fault === 'truncate') {
    const cut = Math.floor(given.body.length * half)
    return half < 0.5 ? { ...given, cut } : { ...given, body: given.body.subarray(0, cut) }
  }
  return given
}

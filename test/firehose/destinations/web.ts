// A destination's other side, in simulated time: answers by a script, and keeps what it was sent.
import { createSimulation } from '../../../src/ports/simulated.js'
import type { Transport, WebRequest, WebResponse } from '../../../src/ports/transport.js'

export const bytes = (text: string) => new TextEncoder().encode(text)
export const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data)

export interface Sent extends WebRequest {
  /** Milliseconds since the start. */
  at: number
}

export type Answer = (request: Sent, count: number) => WebResponse | Error | 'never' | Promise<WebResponse>

/** Each answer takes `latency` milliseconds. */
export function world(answer: Answer, { seed = 1, latency = 0 } = {}) {
  const simulation = createSimulation(seed)
  const { clock } = simulation
  const start = clock.monotonic()
  const sent: Sent[] = []
  const transport: Transport = {
    async send(request, { signal, mostBytes }) {
      const one = { ...request, at: clock.monotonic() - start }
      sent.push(one)
      await clock.sleep(latency, signal)
      const given = await answer(one, sent.length - 1)
      if (given === 'never') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      if (given instanceof Error) throw given
      return given.body && given.body.length > mostBytes ? { ...given, body: undefined } : given
    },
  }
  const options = { transport, ports: simulation, deliveryStreamArn: 'arn:aws:firehose:eu-central-1:1:deliverystream/s' }
  return { ...simulation, sent, options, gaps: () => sent.slice(1).map(({ at }, i) => at - sent[i].at) }
}

export const json = (status: number, value: unknown, headers: Record<string, string> = {}): WebResponse => {
  const body = bytes(typeof value === 'string' ? value : JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...headers }, body }
}

export const record = (data: string | Uint8Array, more: object = {}) => {
  const own = typeof data === 'string' ? bytes(data) : data
  return { data: own, original: bytes('as it came'), arrival: 1_700_000_000_000, ...more }
}

export const failing = (code: string | undefined, message = 'no') => Object.assign(new Error(message), { code })

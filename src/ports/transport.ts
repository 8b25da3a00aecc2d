// Requests to any web server, by the runtime's own fetch: Node, Lambda, workers and browsers have it.
import { concat } from '../bytes.js'

export interface WebRequest {
  method: string
  url: string
  headers: Readonly<Record<string, string>>
  body: Uint8Array
}

export interface WebResponse {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  /** Undefined where it is larger than what the caller takes. */
  body: Uint8Array | undefined
}

export interface Transport {
  /**
   * One request and its answer; redirects are not followed. `mostBytes`: of the answer's body. Rejects where no
   * whole answer came, with an Error whose `code` is the system's own (ECONNREFUSED, ECONNRESET ...) where it has one.
   */
  send(request: WebRequest, options: { mostBytes: number; signal: AbortSignal }): Promise<WebResponse>
}

export const systemTransport: Transport = {
  async send({ method, url, headers, body }, { mostBytes, signal }) {
    try {
      const response = await fetch(url, { method, headers, body: body as Uint8Array<ArrayBuffer>, redirect: 'manual', signal })
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await readWhole(response.body, mostBytes) }
    } catch (error) {
      // What went wrong is in the cause: the message is "fetch failed" whatever it was.
      const { cause } = (error ?? {}) as { cause?: unknown }
      if (!(cause instanceof Error)) throw error
      throw Object.assign(new Error(cause.message || String((cause as { code?: unknown }).code), { cause: error }), {
        code: (cause as { code?: unknown }).code,
      })
    }
  },
}

/** As much of a ReadableStream as is needed: who has no such type sees this one. */
interface ByteStream {
  getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> }
}

/** A stream's bytes; undefined where they are more than `most`, and then the rest is not read. */
export async function readWhole(stream: ByteStream | null, most: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  if (stream) {
    const reader = stream.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || !value) break
      size += value.length
      if (size > most) {
        await reader.cancel().catch(() => {})
        return undefined
      }
      parts.push(value)
    }
  }
  return concat(parts)
}

// HTTP on the loopback, both ends: a server whose answers may break off, and a client for the server
// behind it.
import { Agent, createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { concat } from '../bytes.js'

export interface HttpRequest {
  method: string
  path: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: Uint8Array
}

export interface HttpAnswer {
  status: number
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  /** Bytes of the body after which the connection is reset; below 0 nothing at all is answered. */
  cut?: number
  /** Milliseconds between the head and the rest of the body. */
  pause?: number
}

export interface HttpServer {
  readonly port: number
  /** Ends what is under way and resolves when the port is free. */
  close(): Promise<void>
}

const MIB = 1024 * 1024

/**
 * Serves until it is closed. `mostBytes`: of a request's body, beyond which it is answered 413. `mostHeld`: of the bodies of all
 * requests that are not answered yet, beyond which one is answered 503, which clients try again; default 128 MiB. Rejects
 * where the port is taken.
 */
export async function serve(
  { host, port, mostBytes, mostHeld = 128 * MIB }: { host: string; port: number; mostBytes: number; mostHeld?: number },
  handle: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>,
): Promise<HttpServer> {
  let held = 0
  const server = createServer((incoming, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort(new Error('the client has left')))
    let own = 0
    let refusal = 413
    const fits = (bytes: number): boolean => {
      if (own + bytes <= mostBytes && held + bytes <= mostHeld) {
        own += bytes
        held += bytes
        return true
      }
      refusal = own + bytes > mostBytes ? 413 : 503
      held -= own
      own = 0
      return false
    }
    const answer = async () => {
      const body = await bodyOf(incoming, fits)
      const headers: Record<string, string | undefined> = {}
      for (const [name, value] of Object.entries(incoming.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : value
      const request = { method: incoming.method ?? 'POST', path: incoming.url ?? '/', headers, body: body ?? new Uint8Array(0) }
      const given: HttpAnswer = body ? await handle(request, gone.signal) : { status: refusal, headers: {}, body: new Uint8Array(0) }
      if (given.cut !== undefined && given.cut < 0) return void incoming.socket.resetAndDestroy()
      response.writeHead(given.status, { ...given.headers, 'content-length': String(given.body.length) })
      const first = given.cut ?? (given.pause === undefined ? given.body.length : given.body.length >> 1)
      await new Promise<void>((done) => response.write(given.body.subarray(0, first), () => done()))
      if (given.cut !== undefined) return void incoming.socket.resetAndDestroy()
      if (given.pause !== undefined) await new Promise((resolve) => setTimeout(resolve, given.pause))
      response.end(given.body.subarray(first))
    }
    answer()
      .catch(() => incoming.socket.destroy())
      .finally(() => {
        held -= own
      })
  })
  // Longer than any client keeps its side: a connection that is closed just as it is used again would be a fault of nobody's making.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Requests to a port of this machine over kept connections. */
export function forwarder(port: number): { send(request: HttpRequest): Promise<HttpAnswer>; close(): void } {
  const agent = new Agent({ keepAlive: true })
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const { connection, 'transfer-encoding': _, ...rest } = headers
        const outgoing = send({ host: '127.0.0.1', port, method, path, agent, headers: { ...rest, 'content-length': String(body.length) } }, (incoming) => {
          bodyOf(incoming, () => true).then((data) => {
            const { connection, 'transfer-encoding': _, 'keep-alive': __, ...kept } = incoming.headers
            resolve({ status: incoming.statusCode ?? 500, headers: kept as Record<string, string>, body: data as Uint8Array })
          }, reject)
        })
        outgoing.on('error', reject)
        outgoing.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** Heard out whatever it has, as its sender listens only then; undefined, and nothing of it kept, where `fits` refuses a part. */
async function bodyOf(message: IncomingMessage, fits: (bytes: number) => boolean): Promise<Uint8Array | undefined> {
  let parts: Uint8Array[] | undefined = []
  for await (const part of message) {
    if (parts && fits(part.length)) parts.push(part)
    else parts = undefined
  }
  return parts && concat(parts)
}

// createHttpEndpointHandler: the receiving end under the servers that people have: node:http, a Lambda function URL or API
// Gateway, and whatever calls fetch handlers (workers, Deno, Bun, Hono).
import { concat } from '../../bytes.js'
import { fromBase64 } from '../../engine/base64.js'
import { checkWhole, wrongType } from '../../errors.js'
import { checkOptions } from '../../kinesis/service/service.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import type { Clock } from '../../ports/ports.js'
import { systemClock } from '../../ports/system.js'
import { readWhole } from '../../ports/transport.js'
import { type HttpEndpointConsumer, type Received, receive } from './receive.js'

// A consumer with lib ES2022 alone has neither; where they are declared, this adds nothing.
declare global {
  interface Request {}
  interface Response {}
}

export interface HttpEndpointHandlerOptions {
  /** What the delivery stream sends as its AccessKey; several while one takes the place of another. Without it anybody may send. */
  accessKey?: string | readonly string[] | undefined
  /** Bytes of a request's body at most, unpacked and as it comes; default 64 MiB, the most that Firehose sends. */
  maxBodyBytes?: number | undefined
  ports?: { clock: Clock } | undefined
}

/** As much of node:http's IncomingMessage as is read. */
export interface NodeHttpRequest extends AsyncIterable<Uint8Array> {
  method?: string | undefined
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface NodeHttpResponse {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body: Uint8Array): unknown
}

/** An event of a Lambda function URL or of API Gateway (payload 1.0 and 2.0), as much of it as is read. */
export interface LambdaHttpEvent {
  headers?: Readonly<Record<string, string | undefined>> | null | undefined
  body?: string | null | undefined
  isBase64Encoded?: boolean | undefined
  httpMethod?: string | undefined
  requestContext?: { http?: { method?: string | undefined } | undefined } | undefined
}

export interface HttpEndpointHandler {
  /** `export default { fetch: endpoint.web }` in a worker and Bun, `Deno.serve(endpoint.web)`, `app.post('/', (c) => endpoint.web(c.req.raw))`. */
  web(request: Request): Promise<Response>
  /** `createServer(endpoint.node)`; the body must not have been read. */
  node(request: NodeHttpRequest, response: NodeHttpResponse): Promise<void>
  /** `export const handler = endpoint.lambda` */
  lambda(event: LambdaHttpEvent): Promise<{ statusCode: number; headers: Record<string, string>; body: string }>
}

const encoder = new TextEncoder()

/**
 * Receives what a delivery stream sends to an HTTP endpoint. `consumer` gets the records of one request and is to take
 * all of them: the answer is 200 once it has returned, and 500 with its message where it throws, and then Firehose sends the
 * same request again, with the same requestId. Refused as it should be, with a message that tells why: another access key (401),
 * a body that is too large, unpacked as well (413, which Firehose does not try again), and what is no request of
 * Firehose's (400, 405, 415). Throws TypeError or RangeError for wrong options.
 *
 * @example
 * const endpoint = createHttpEndpointHandler(async (records) => void (await store(records)), { accessKey: 'secret' })
 * createServer(endpoint.node).listen(8080)
 */
export function createHttpEndpointHandler(consumer: HttpEndpointConsumer, options: HttpEndpointHandlerOptions = {}): HttpEndpointHandler {
  if (typeof consumer !== 'function') throw wrongType('consumer', 'a function', consumer)
  checkOptions(options, ['accessKey', 'maxBodyBytes', 'ports'] satisfies (keyof HttpEndpointHandlerOptions)[])
  const { accessKey, maxBodyBytes = FIREHOSE_LIMITS.httpEndpointBytes.value, ports } = options
  const keys: readonly unknown[] = accessKey === undefined ? [] : Array.isArray(accessKey) ? accessKey : [accessKey]
  // No key, or an empty one, must not come to mean that anybody may send.
  if (accessKey !== undefined && (keys.length === 0 || !keys.every((key) => typeof key === 'string' && key !== '')))
    throw new TypeError('"accessKey" expected text, or an array of texts, none of them empty')
  checkWhole('maxBodyBytes', maxBodyBytes, 1, Number.POSITIVE_INFINITY)
  if (ports !== undefined && typeof ports?.clock?.now !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  const accessKeys = (keys as string[]).map((key) => encoder.encode(key))
  const handle = (request: Received) => receive(request, { consumer, accessKeys, maxBodyBytes, clock: ports?.clock ?? systemClock })

  return {
    async web(request) {
      const { status, headers, body } = await handle({
        method: request.method,
        header: (name) => request.headers.get(name) ?? undefined,
        body: (most) => readWhole(request.body, most),
      })
      return new Response(body as Uint8Array<ArrayBuffer>, { status, headers })
    },
    async node(request, response) {
      const { status, headers, body } = await handle({
        method: request.method ?? '',
        header(name) {
          const value = request.headers[name]
          return Array.isArray(value) ? value[0] : value
        },
        body: (most) => drain(request, most),
      })
      response.writeHead(status, headers)
      response.end(body)
    },
    async lambda({ headers: given, body: text, isBase64Encoded, httpMethod, requestContext }) {
      const lower = new Map(Object.entries(given ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
      const { status, headers, body } = await handle({
        method: requestContext?.http?.method ?? httpMethod ?? '',
        header: (name) => lower.get(name),
        async body(most) {
          // Base64 is four thirds of what it stands for: what is too large is not decoded first.
          if ((text?.length ?? 0) > (isBase64Encoded ? 4 * Math.ceil(most / 3) : most)) return undefined
          const bytes = isBase64Encoded ? fromBase64(text ?? '', 'lenient') : encoder.encode(text ?? '')
          return bytes.length > most ? undefined : bytes
        },
      })
      return { statusCode: status, headers, body: new TextDecoder().decode(body) }
    },
  }
}

/** All of a request, as its sender listens only once it has been heard out; undefined, and nothing of it kept, where that is more than `most`. */
async function drain(pieces: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array | undefined> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    size += piece.length
    if (size <= most) parts.push(piece)
    else parts = []
  }
  return size <= most ? concat(parts) : undefined
}

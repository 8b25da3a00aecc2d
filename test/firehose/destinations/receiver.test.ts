import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { DestinationOptions } from '../../../src/firehose/destinations/destination.js'
import { createHttpEndpoint as create } from '../../../src/firehose/destinations/http-endpoint.js'
import type { HttpEndpointConsumer, HttpEndpointMeta } from '../../../src/firehose/destinations/receive.js'
import { createHttpEndpointHandler, type HttpEndpointHandlerOptions } from '../../../src/firehose/destinations/receiver.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { systemTransport } from '../../../src/ports/transport.js'
import { bytes, record, text } from './web.js'

const createHttpEndpoint = (config: unknown, options: DestinationOptions) => create(config, 'HttpEndpointDestinationConfiguration', options)
const ports = createSimulation(1)
const REQUEST = '{"requestId":"r","timestamp":1578090901599,"records":[{"data":"aGVsbG8="},{"data":"aGVsbG8gd29ybGQ="}]}'

type Headers = Record<string, string>
type Ask = (headers: Headers, body: Uint8Array, method?: string) => Promise<{ status: number; headers: Headers; body: string }>

const servers: { close(): void; closeAllConnections(): void }[] = []
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

/** The same endpoint by each of its faces. */
const faces: [string, (consumer: HttpEndpointConsumer, options?: HttpEndpointHandlerOptions) => Promise<Ask>][] = [
  [
    'fetch',
    async (consumer, options = {}) => {
      const endpoint = createHttpEndpointHandler(consumer, { ports, ...options })
      return async (headers, body, method = 'POST') => {
        const response = await endpoint.web(
          new Request('https://x/', { method, headers, ...(method === 'GET' ? {} : { body: body as Uint8Array<ArrayBuffer> }) }),
        )
        return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
      }
    },
  ],
  [
    'node:http',
    async (consumer, options = {}) => {
      const { port } = await listen(createHttpEndpointHandler(consumer, { ports, ...options }).node)
      return async (headers, body, method = 'POST') => {
        const outgoing = send({ port, host: '127.0.0.1', method, headers: { ...headers, 'content-length': String(body.length) } })
        outgoing.end(body)
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
        const parts = []
        for await (const part of incoming) parts.push(part)
        return { status: incoming.statusCode as number, headers: incoming.headers as Headers, body: Buffer.concat(parts).toString() }
      }
    },
  ],
  [
    'a function URL',
    async (consumer, options = {}) => {
      const endpoint = createHttpEndpointHandler(consumer, { ports, ...options })
      return async (headers, body, method = 'POST') => {
        const event = { version: '2.0', headers, requestContext: { http: { method } }, body: Buffer.from(body).toString('base64'), isBase64Encoded: true }
        const { statusCode: status, ...reply } = await endpoint.lambda(event)
        return { status, ...reply }
      }
    },
  ],
]

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer(handler)
  servers.push(server)
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address() as AddressInfo
}

describe.each(faces)('an endpoint under %s', (_, open) => {
  const headers = {
    'X-Amz-Firehose-Protocol-Version': '1.0',
    'X-Amz-Firehose-Request-Id': 'r',
    'X-Amz-Firehose-Source-Arn': 'arn:s',
    'Content-Type': 'application/json',
  }

  it('gives the records and what is said of them, and answers as Firehose wants it', async () => {
    const seen: [string[], HttpEndpointMeta][] = []
    const ask = await open(async (records, meta) => void seen.push([records.map(text), meta]))
    const attributes = '{"commonAttributes":{"deployment -context":"pre-prod-gamma","device-types":"","__proto__":"\\u00fc"}}'
    const reply = await ask({ ...headers, 'X-Amz-Firehose-Common-Attributes': attributes }, bytes(REQUEST))
    expect(reply).toMatchObject({ status: 200, body: `{"requestId":"r","timestamp":${ports.clock.now()}}` })
    expect(reply.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': String(reply.body.length) })
    expect(seen).toHaveLength(1)
    expect(seen[0][0]).toEqual(['hello', 'hello world'])
    const { commonAttributes, ...meta } = seen[0][1]
    expect(meta).toEqual({ requestId: 'r', timestamp: 1578090901599, sourceArn: 'arn:s' })
    expect(Object.entries(commonAttributes)).toEqual([
      ['deployment -context', 'pre-prod-gamma'],
      ['device-types', ''],
      ['__proto__', 'ü'],
    ])
  })

  it('unpacks gzip, and none that is larger than the bound', async () => {
    let records = 0
    const ask = await open(
      (given) => {
        records += given.length
      },
      { maxBodyBytes: 1000 },
    )
    const gzip = { ...headers, 'content-encoding': 'gzip' }
    expect(await ask(gzip, gzipSync(REQUEST))).toMatchObject({ status: 200 })
    expect(records).toBe(2)
    const bomb = gzipSync(bytes(`{"requestId":"r","records":[{"data":"${'A'.repeat(1_000_000)}"}]}`))
    expect(bomb.length).toBeGreaterThan(1000)
    expect(await ask(gzip, gzipSync(new Uint8Array(100_000)))).toMatchObject({ status: 413, body: expect.stringContaining('at most 1000 bytes') })
    expect(await ask(gzip, bomb)).toMatchObject({ status: 413 })
    expect(await ask(headers, bytes(REQUEST.padEnd(1001)))).toMatchObject({ status: 413 })
    expect(await ask(headers, bytes(REQUEST.padEnd(1000)))).toMatchObject({ status: 200 })
    expect(await ask(gzip, bytes('hello'))).toMatchObject({ status: 400, body: expect.stringContaining('expected gzip') })
    expect(records).toBe(4)
  })

  it('lets in who has a key', async () => {
    let requests = 0
    const ask = await open(() => void requests++, { accessKey: ['old', 'new-key'] })
    for (const key of [undefined, '', 'ol', 'oldd', 'oldold', 'OLD', 'new-kex', 'new-key-new-key']) {
      const reply = await ask({ ...headers, ...(key === undefined ? {} : { 'x-amz-firehose-access-key': key }) }, bytes(REQUEST))
      expect(reply.status, key).toBe(401)
      expect(JSON.parse(reply.body)).toEqual({
        requestId: 'r',
        timestamp: expect.any(Number),
        errorMessage: expect.stringContaining('expected an access key of this endpoint'),
      })
    }
    expect(requests).toBe(0)
    for (const key of ['old', 'new-key']) expect((await ask({ ...headers, 'x-amz-firehose-access-key': key }, bytes(REQUEST))).status).toBe(200)
    expect(requests).toBe(2)
  })

  it('answers 500 where the consumer throws, with its message cut to what Firehose takes', async () => {
    for (const thrown of [new Error('x'.repeat(10_000)), 'text']) {
      const ask = await open(async () => {
        throw thrown
      })
      const reply = await ask(headers, bytes(REQUEST))
      expect(reply.status).toBe(500)
      const { requestId, errorMessage } = JSON.parse(reply.body)
      expect(requestId).toBe('r')
      expect(errorMessage).toBe(thrown instanceof Error ? 'x'.repeat(8192) : 'threw "text"')
    }
  })

  it.each([
    ['', 400, 'expected a body of JSON in UTF-8'],
    ['{', 400, 'expected a body of JSON in UTF-8'],
    ['null', 400, 'expected a Firehose request as JSON, got null'],
    ['[]', 400, '"requestId" expected text, got undefined'],
    ['{"requestId":5,"records":[]}', 400, '"requestId" expected text, got 5'],
    ['{"requestId":"r2","records":[{"data":""}]}', 400, 'expected the one in X-Amz-Firehose-Request-Id, got another one'],
    ['{"requestId":"r","timestamp":"1","records":[{"data":""}]}', 400, '"timestamp" expected a number of milliseconds, got "1"'],
    ['{"requestId":"r"}', 400, '"records" expected an array, got undefined'],
    ['{"requestId":"r","records":[]}', 400, '"records" expected 1 to 10000 records, got 0'],
    [`{"requestId":"r","records":[${Array(10_001).fill('{}')}]}`, 400, '"records" expected 1 to 10000 records, got 10001'],
    ['{"requestId":"r","records":[{"data":""},null]}', 400, '"records[1].data" expected base64 text, got undefined'],
    ['{"requestId":"r","records":[{"data":{}}]}', 400, '"records[0].data" expected base64 text, got an object'],
    ['{"requestId":"r","records":[{"data":"a!"}]}', 400, '"records[0].data": byte 1: expected base64'],
    ['{"requestId":"r","records":[{"data":"\udc00"}]}', 400, '"records[0].data"'],
  ])('refuses %.60s', async (body, status, message) => {
    const ask = await open(() => expect.unreachable())
    const reply = await ask(headers, bytes(body))
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body).errorMessage).toContain(message)
  })

  it.each<[Headers, string, number, string]>([
    [{ 'content-encoding': 'br' }, 'POST', 415, '"Content-Encoding" expected gzip or none, got "br"'],
    [{ 'x-amz-firehose-common-attributes': '{' }, 'POST', 400, '"X-Amz-Firehose-Common-Attributes" expected JSON'],
    [{ 'x-amz-firehose-common-attributes': 'null' }, 'POST', 400, 'expected {"commonAttributes":{...}}'],
    [{ 'x-amz-firehose-common-attributes': '{"commonAttributes":{"a":1}}' }, 'POST', 400, 'expected text for "a", got 1'],
    [{}, 'PUT', 405, 'expected POST, got "PUT"'],
    [{}, 'GET', 405, 'expected POST, got "GET"'],
  ])('refuses %j %s', async (more, method, status, message) => {
    const ask = await open(() => expect.unreachable())
    const reply = await ask({ ...headers, ...more }, method === 'GET' ? new Uint8Array(0) : bytes(REQUEST), method)
    expect(reply.status).toBe(status)
    expect(JSON.parse(reply.body).errorMessage).toContain(message)
  })

  it('answers whatever comes with a status and JSON', async () => {
    const ask = await open(() => {})
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (body, gzip) => {
        const reply = await ask({ ...headers, ...(gzip ? { 'content-encoding': 'gzip' } : {}) }, gzip ? gzipSync(body) : body)
        expect(reply.status).toBe(400)
        expect(JSON.parse(reply.body)).toMatchObject({ requestId: 'r', errorMessage: expect.any(String) })
      }),
      { numRuns: 30 },
    )
  })
})

it('a REST API of API Gateway, its plain bodies included, is one too', async () => {
  const seen: string[] = []
  const { lambda } = createHttpEndpointHandler((records) => void seen.push(...records.map(text)), { ports, maxBodyBytes: 200 })
  const event = { httpMethod: 'POST', headers: { 'x-AMZ-firehose-REQUEST-id': 'r' }, body: REQUEST, isBase64Encoded: false }
  expect(await lambda(event)).toMatchObject({ statusCode: 200 })
  expect(await lambda({ ...event, body: `${REQUEST}${' '.repeat(200)}` })).toMatchObject({ statusCode: 413 })
  expect(await lambda({ ...event, body: null })).toMatchObject({ statusCode: 400 })
  expect(await lambda({ ...event, isBase64Encoded: true, body: '!' })).toMatchObject({ statusCode: 400 })
  expect(await lambda({ headers: null } as never)).toMatchObject({ statusCode: 405 })
  expect(seen).toEqual(['hello', 'hello world'])
})

it.each([
  [undefined, {}, '"consumer" expected a function, got undefined'],
  [() => {}, { accessKey: '' }, '"accessKey" expected text, or an array of texts, none of them empty'],
  [() => {}, { accessKey: [] }, '"accessKey" expected text'],
  [() => {}, { accessKey: ['a', ''] }, '"accessKey" expected text'],
  [() => {}, { maxBodyBytes: 0 }, '"maxBodyBytes" expected a whole number from 1, got 0'],
  [() => {}, { key: 'x' }, '"options" expected one of accessKey, maxBodyBytes, ports, got "key"'],
  [() => {}, { ports: {} }, '"ports" expected ports with a clock'],
])('refuses wrong options', (consumer, options, message) => {
  expect(() => createHttpEndpointHandler(consumer as never, options as never)).toThrow(message)
})

describe('the sender and the receiver, over real sockets', () => {
  const config = (Url: string, ContentEncoding: string) => ({
    EndpointConfiguration: { Url, AccessKey: 'clé 🔑' },
    RequestConfiguration: { ContentEncoding, CommonAttributes: [{ AttributeName: 'a', AttributeValue: 'ü🏔' }] },
    RetryOptions: { DurationInSeconds: 0 },
  })
  const options = {
    transport: systemTransport,
    ports: { ...ports, clock: { ...ports.clock, sleep: () => new Promise<void>(() => {}) } },
    deliveryStreamArn: 'arn:s',
  }

  it.each(['NONE', 'GZIP'])('agree (%s)', async (encoding) => {
    const seen: Uint8Array[] = []
    let meta: HttpEndpointMeta | undefined
    const endpoint = createHttpEndpointHandler(
      (records, given) => {
        seen.push(...records)
        meta = given
      },
      { accessKey: 'clé 🔑' },
    )
    const { port } = await listen(endpoint.node)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 50 }), async (records) => {
        seen.length = 0
        expect(await createHttpEndpoint(config(`http://127.0.0.1:${port}/`, encoding), options).deliver(records.map((data) => record(data)))).toEqual([])
        expect(seen.map((data) => [...data])).toEqual(records.map((data) => [...data]))
      }),
      { numRuns: 20 },
    )
    expect(meta).toMatchObject({ sourceArn: 'arn:s', commonAttributes: { a: 'ü🏔' } })
  })

  it('tell each other what is wrong', async () => {
    const { port } = await listen(createHttpEndpointHandler(() => Promise.reject(new Error('disk full'))).node)
    const [failure] = await createHttpEndpoint(config(`http://127.0.0.1:${port}/`, 'NONE'), options).deliver([record('x')])
    expect(failure).toMatchObject({ code: 'HttpEndpoint.DestinationException', message: expect.stringMatching(/500: \{.*"errorMessage":"disk full"\}$/) })
  })

  it('name what the sockets do', async () => {
    const codeOf = async (url: string) => (await createHttpEndpoint(config(url, 'NONE'), options).deliver([record('x')]))[0].code
    const { port } = await listen((incoming) => incoming.socket.resetAndDestroy())
    expect(await codeOf(`http://127.0.0.1:${port}/`)).toBe('HttpEndpoint.ConnectionReset')
    const cut = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{', () => response.socket?.resetAndDestroy())
    })
    expect(await codeOf(`http://127.0.0.1:${cut.port}/`)).toBe('HttpEndpoint.ConnectionReset')
    const large = await listen((_, response) => void response.end(new Uint8Array(2 << 20)))
    expect(await codeOf(`http://127.0.0.1:${large.port}/`)).toBe('HttpEndpoint.ResponseTooLarge')
    const moved = await listen((_, response) => void response.writeHead(307, { location: '/' }).end())
    expect(await codeOf(`http://127.0.0.1:${moved.port}/`)).toBe('HttpEndpoint.DestinationException')
    const gone = createServer()
    gone.listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port: free } = gone.address() as AddressInfo
    await new Promise((done) => gone.close(done))
    expect(await codeOf(`http://127.0.0.1:${free}/`)).toBe('HttpEndpoint.ConnectionFailed')
    expect(await codeOf(`https://127.0.0.1:${port}/`)).toMatch(/ConnectionReset|SSLHandshakeFailure/)
  })
})

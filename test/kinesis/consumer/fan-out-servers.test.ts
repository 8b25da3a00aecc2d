// Enhanced fan-out with the real SDK client: over kinesis-local, and over servers of this file that speak HTTP/1.1 and
// HTTP/2 as the service does (kinesis-local's HTTP/2 does not get on with the SDK's).
import { EventEmitter, once } from 'node:events'
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { KinesisClient, ListStreamConsumersCommand, MergeShardsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { EventStreamCodec } from '@smithy/core/event-streams'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../../../src/cli/consume.js'
import { memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { nodePorts } from '../../../src/ports/node.js'
import { runCommand } from '../../cli/io.js'
import { createStream, type KinesisServer, splitShard, startKinesisLocal } from '../../servers.js'

const text = (data: Uint8Array) => new TextDecoder().decode(data)
const bytes = (data: string) => new TextEncoder().encode(data)

describe('kinesis-local', () => {
  let server: KinesisServer
  beforeAll(async () => {
    server = await startKinesisLocal()
  }, 60_000)
  afterAll(() => server?.stop())
  const registered = async (stream: string) => {
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`
    const { Consumers = [] } = await server.client.send(new ListStreamConsumersCommand({ StreamARN }))
    return Consumers.filter(({ ConsumerStatus }) => ConsumerStatus !== 'DELETING')
  }

  test('a consumer that it registers reads through a split and a merge while records are put, closed and resumed in between', async () => {
    const { client } = server
    await createStream(client, 's', 2)
    let id = 0
    const put = async (count: number) => {
      const Records = Array.from({ length: count }, () => ({ PartitionKey: `k${id % 37}`, Data: bytes(String(id++)) }))
      await client.send(new PutRecordsCommand({ StreamName: 's', Records }))
    }
    const checkpoints = memoryCheckpoints()
    const seen = new Map<number, number>()
    const newest = new Map<string, number>()
    const shards = new Set<string>()
    const open = (options: object = {}) =>
      createConsumer({ streamName: 's', client, checkpoints, checkpointInterval: 0, fanOut: { consumerName: 'app' }, ...options })
    /** Reads until `enough` have come, while `meanwhile` goes on. */
    const read = async (enough: number, meanwhile: () => Promise<void>, options: object = {}) => {
      const consumer = open(options)
      const reading = async () => {
        for await (const batch of consumer) {
          shards.add(batch.shardId)
          for (const { partitionKey = '', data } of batch.records) {
            const number = Number(text(data))
            if (!seen.has(number)) expect(number).toBeGreaterThan(newest.get(partitionKey) ?? -1)
            newest.set(partitionKey, Math.max(number, newest.get(partitionKey) ?? -1))
            seen.set(number, (seen.get(number) ?? 0) + 1)
          }
          if (seen.size >= enough) consumer.close()
        }
      }
      await Promise.all([reading(), meanwhile()])
      return consumer.metrics()
    }
    await put(200)
    await read(200, async () => {
      await put(100)
      await splitShard(client, 's', 'shardId-000000000000', { StartingHashKey: '0', EndingHashKey: String(2n ** 127n - 1n) })
      await put(100)
    })
    // All that there is, so that each open shard was read in this round.
    const metrics = await read(500, () => put(100))
    expect(metrics.shards['shardId-000000000001'].checkpoint?.sequenceNumber).toMatch(/^\d+$/)
    // The children of the split are next to each other.
    await client.send(new MergeShardsCommand({ StreamName: 's', ShardToMerge: 'shardId-000000000002', AdjacentShardToMerge: 'shardId-000000000003' }))
    await put(100)
    await read(Number.POSITIVE_INFINITY, async () => {}, { until: 'now', fanOut: { consumerName: 'app', deregister: true } })
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: id }, (_, i) => i))
    // Each batch is stored before the next one comes.
    expect([...seen.values()].filter((times) => times > 1)).toEqual([])
    expect(shards.size).toBe(5)
    expect(await registered('s')).toEqual([])
  }, 120_000)

  test('millrace consume --consumer --deregister', async () => {
    const { client, endpoint } = server
    await createStream(client, 'lines', 1)
    await client.send(new PutRecordsCommand({ StreamName: 'lines', Records: ['a', 'b'].map((line) => ({ PartitionKey: line, Data: bytes(line) })) }))
    const ran = await runCommand(command, { stream: 'lines', endpoint, consumer: 'cli', deregister: true, until: 'now', raw: true })
    expect(ran).toEqual({ code: 0, out: 'a\nb\n', err: ['millrace consume: 2 records; no shard behind'] })
    expect(await registered('lines')).toEqual([])
  }, 30_000)
})

const codec = new EventStreamCodec(
  (input) => Buffer.from(input as Uint8Array).toString('utf8'),
  (input) => new Uint8Array(Buffer.from(input, 'utf8')),
)
type Headers = Parameters<EventStreamCodec['encode']>[0]['headers']
const frame = (headers: Record<string, string>, body: object) => {
  const typed: Headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }]))
  return codec.encode({ headers: typed, body: bytes(JSON.stringify(body)) })
}
const event = (type: string, body: object) => frame({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, body)
const exception = (type: string) => frame({ ':message-type': 'exception', ':exception-type': type, ':content-type': 'application/json' }, { message: type })

type Response = ServerResponse | Http2ServerResponse

/** A stream of one shard with a record in each event, sequence numbers from 1. */
async function startWire(version: 1 | 2, subscribed: (response: Response, send: (record: number) => boolean, since: number) => unknown) {
  const sockets = new Set<{ destroy(): void }>()
  const positions: object[] = []
  const answers: Record<string, object> = {
    ListShards: {
      Shards: [
        {
          ShardId: 'shardId-000000000000',
          HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) },
          SequenceNumberRange: { StartingSequenceNumber: '0' },
        },
      ],
    },
  }
  const serve = async (request: IncomingMessage | Http2ServerRequest, response: Response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const command = String(request.headers['x-amz-target']).split('.')[1]
    if (command !== 'SubscribeToShard') {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(answers[command]))
      return
    }
    const { StartingPosition } = JSON.parse(body)
    positions.push(StartingPosition)
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    const write = (data: Uint8Array) => (response as ServerResponse).write(data)
    write(event('initial-response', {}))
    const send = (record: number) => {
      const Data = Buffer.from(`${record} ${'x'.repeat(50_000)}`).toString('base64')
      return write(
        event('SubscribeToShardEvent', {
          Records: [{ Data, PartitionKey: 'k', SequenceNumber: String(record), ApproximateArrivalTimestamp: 1.5e9 }],
          ContinuationSequenceNumber: String(record),
          MillisBehindLatest: 0,
        }),
      )
    }
    await subscribed(response, send, Number(StartingPosition.SequenceNumber ?? 0))
  }
  const server: Server = version === 1 ? createHttp1(serve) : createHttp2(serve)
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // The second as the SDK's client has it by default.
    requestHandler: version === 1 ? new NodeHttpHandler() : new NodeHttp2Handler({ disableConcurrentStreams: true }),
    maxAttempts: 1,
  })
  return {
    client,
    positions,
    async stop() {
      client.destroy()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each([1, 2] as const)('HTTP/%s', (version) => {
  let wire: Awaited<ReturnType<typeof startWire>> | undefined
  afterEach(() => wire?.stop())
  const fanOut = { consumerARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/app:1' }
  // The five seconds from one subscription to the next, and the back-off, pass a hundred times as fast.
  const ports = { ...nodePorts, clock: { ...nodePorts.clock, sleep: (ms: number, signal?: AbortSignal) => nodePorts.clock.sleep(ms / 100, signal) } }
  const numbers = (consumer: ReturnType<typeof createConsumer>, count: number, each: (number: number) => unknown = () => {}) =>
    (async () => {
      const got: number[] = []
      for await (const { data } of consumer.records()) {
        got.push(Number.parseInt(text(data), 10))
        await each(got.length)
        if (got.length === count) consumer.close()
      }
      return got
    })()
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

  test('an end, exceptions and a reset are followed by a subscription behind the last record', async () => {
    const breaks = [
      (response: Response) => response.end(),
      (response: Response) => response.end(exception('InternalFailureException')),
      (response: Response) => response.end(exception('ResourceInUseException')),
      (response: Response) => ('stream' in response ? response.stream.destroy(new Error('reset')) : response.destroy()),
      () => {},
    ]
    const got = new EventEmitter()
    wire = await startWire(version, async (response, send, since) => {
      const both = once(got, String(since + 2))
      send(since + 1)
      send(since + 2)
      await both
      breaks.shift()?.(response)
    })
    const consumer = createConsumer({ streamName: 's', client: wire.client, fanOut, ports })
    expect(await numbers(consumer, 10, (number) => got.emit(String(number)))).toEqual(upTo(10))
    expect(wire.positions).toEqual([{ Type: 'TRIM_HORIZON' }, ...[2, 4, 6, 8].map((n) => ({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: String(n) }))])
    expect(consumer.metrics().failures).toBe(3)
  }, 30_000)

  test('an exception that will not pass ends the iteration', async () => {
    wire = await startWire(version, (response) => response.end(exception('KMSAccessDeniedException')))
    const consumer = createConsumer({ streamName: 's', client: wire.client, fanOut, ports })
    await expect(numbers(consumer, 1)).rejects.toThrow('shard shardId-000000000000: KMSAccessDeniedException: KMSAccessDeniedException')
    expect(wire.positions).toHaveLength(1)
  }, 30_000)

  test('who is slow holds the server, in the connection; who leaves ends it', async () => {
    let sent = 0
    let closed = false
    let gone: Promise<unknown> | undefined
    wire = await startWire(version, async (response, send) => {
      gone = once(response, 'close').then(() => {
        closed = true
      })
      while (sent < 1_000 && !closed) {
        if (!send(++sent)) await Promise.race([once(response, 'drain'), gone])
      }
    })
    // The clock's own pace: a subscription lives for minutes.
    const consumer = createConsumer({ streamName: 's', client: wire.client, fanOut })
    const got = await numbers(consumer, 3, async () => {
      // Until the server has stood still for a while: 1,000 events are 67 MB.
      for (let before = -1; before !== sent; ) {
        before = sent
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })
    expect(got).toEqual([1, 2, 3])
    expect(sent).toBeLessThan(500)
    await gone
  }, 30_000)
})

// Local servers for the integration tests: kinesalite and dynalite in this process, kinesis-local as a child.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient, SplitShardCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

const require = createRequire(import.meta.url)

export interface KinesisServer {
  endpoint: string
  client: KinesisClient
  stop(): Promise<void>
}

/** Neither server throttles; the SDK's default HTTP/2 handler fails on both. */
export const clientOf = (endpoint: string) =>
  new KinesisClient({
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true } }),
    maxAttempts: 1,
  })

/** In process: strict and fast, no enhanced fan-out, no ARNs, no ListShards filter. */
export async function startKinesalite(): Promise<KinesisServer> {
  const kinesalite = require('kinesalite') as (options: object) => Server
  const server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 1000 })
  return serving(server, clientOf)
}

/** Has it listen on a port of its own, with a client. */
async function serving<C extends { destroy(): void }>(server: Server, clientOf: (endpoint: string) => C) {
  // The default of 5 s closes connections just as a client uses them again: a fault that no test asked for.
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = clientOf(endpoint)
  return {
    endpoint,
    client,
    async stop() {
      client.destroy()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export interface DynamoServer {
  endpoint: string
  client: DynamoDBClient
  stop(): Promise<void>
}

/** In process. It has no throttles, and no ReturnValuesOnConditionCheckFailure. */
export async function startDynalite(createTableMs = 0): Promise<DynamoServer> {
  const dynalite = require('dynalite') as (options: object) => Server
  const server = dynalite({ createTableMs, deleteTableMs: 0 })
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return serving(server, (endpoint) => new DynamoDBClient({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 }))
}

/** As a child process: needs its certificate even for plain HTTP, may ignore SIGTERM. */
export async function startKinesisLocal(): Promise<KinesisServer> {
  const home = dirname(require.resolve('kinesis-local/package.json'))
  const [plain, tls] = [await freePort(), await freePort()]
  const env = {
    ...process.env,
    KINESIS_MOCK_CERT_PATH: join(home, 'server.json'),
    KINESIS_MOCK_PLAIN_PORT: String(plain),
    KINESIS_MOCK_TLS_PORT: String(tls),
    LOG_LEVEL: 'ERROR',
  }
  const child: ChildProcess = spawn(process.execPath, [join(home, 'main.js')], { cwd: home, env, stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${plain}`
  const client = clientOf(endpoint)
  const stop = async () => {
    client.destroy()
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
  }
  for (let tries = 0; ; tries++) {
    try {
      if ((await fetch(`${endpoint}/healthcheck`)).ok) return { endpoint, client, stop }
    } catch (error) {
      if (tries > 200 || child.exitCode !== null) {
        await stop()
        throw error
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export async function createStream(client: KinesisClient, StreamName: string, ShardCount: number): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount }))
  await active(client, StreamName)
}

/** Splits a shard in the middle of its hash key range. */
export async function splitShard(
  client: KinesisClient,
  StreamName: string,
  ShardToSplit: string,
  range: { StartingHashKey?: string; EndingHashKey?: string },
): Promise<void> {
  const NewStartingHashKey = String((BigInt(range.StartingHashKey ?? 0) + BigInt(range.EndingHashKey ?? 0)) / 2n + 1n)
  await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }))
  await active(client, StreamName)
}

async function active(client: KinesisClient, StreamName: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }))
    if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`stream ${StreamName} does not become active`)
}

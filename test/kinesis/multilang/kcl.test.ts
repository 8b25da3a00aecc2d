// `millrace kcl` under the real MultiLangDaemon, over kinesis-local and dynalite; for who has Java:
//   mvn dependency:copy-dependencies -DoutputDirectory=jars    amazon-kinesis-client-multilang 3.1.3 in the pom
//   KCL_JARS=jars npx vitest run test/kinesis/multilang/kcl.test.ts
// Takes some two minutes, most of them the KCL's own waits before it takes a lease; KCL_RECORDS puts more than 4000.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener, request, type Server } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ListShardsCommand } from '@aws-sdk/client-kinesis'
import { expect, it } from 'vitest'
import { createProducer } from '../../../src/kinesis/producer/producer.js'
import { createStream, splitShard, startDynalite, startKinesisLocal } from '../../servers.js'

const { KCL_JARS: jars, KCL_RECORDS: count = '4000' } = process.env
const MAIN = new URL('../../../dist/esm/cli/main.js', import.meta.url).pathname

/** Hands requests on to `target`, their bodies changed; for any HTTP/1.1 or HTTP/2 server. */
function proxy(target: string, change: (body: Buffer, action: string) => Buffer): RequestListener {
  const dropped = ['connection', 'transfer-encoding', 'keep-alive', 'content-length']
  const plain = (headers: IncomingHttpHeaders) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':') && !dropped.includes(name)))
  return async (asked, answer) => {
    const body = change(Buffer.concat(await asked.toArray()), String(asked.headers['x-amz-target']))
    const out = request(target, { method: 'POST', headers: { ...plain(asked.headers), 'content-length': body.length } }, async (came) => {
      answer.writeHead(came.statusCode as number, plain(came.headers))
      answer.end(Buffer.concat(await came.toArray()))
    })
    out.on('error', () => answer.end())
    out.end(body)
  }
}

async function listen(server: Server | Http2Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** dynalite cannot add an index to a table, and knows no table without a throughput: the table of leases gets both at once. */
function forDynalite(body: Buffer, action: string): Buffer {
  if (!action.endsWith('.CreateTable')) return body
  const table = JSON.parse(body.toString())
  const ProvisionedThroughput = { ReadCapacityUnits: 100, WriteCapacityUnits: 100 }
  delete table.BillingMode
  table.ProvisionedThroughput = ProvisionedThroughput
  if (table.KeySchema[0].AttributeName === 'leaseKey') {
    const KeySchema = [
      { AttributeName: 'leaseOwner', KeyType: 'HASH' },
      { AttributeName: 'leaseKey', KeyType: 'RANGE' },
    ]
    table.AttributeDefinitions.push({ AttributeName: 'leaseOwner', AttributeType: 'S' })
    table.GlobalSecondaryIndexes = [{ IndexName: 'LeaseOwnerToLeaseKeyIndex', KeySchema, Projection: { ProjectionType: 'KEYS_ONLY' }, ProvisionedThroughput }]
  }
  return Buffer.from(JSON.stringify(table))
}

const properties = (executable: string, kinesis: string, dynamo: string) => `
executableName = ${executable}
streamName = flights
applicationName = reader
initialPositionInStream = TRIM_HORIZON
regionName = us-east-1
AwsCredentialsProvider = DefaultCredentialsProvider
kinesisEndpoint = ${kinesis}
dynamoDBEndpoint = ${dynamo}
retrievalMode = POLLING
metricsLevel = NONE
idleTimeBetweenReadsInMillis = 250
parentShardPollIntervalMillis = 1000
shutdownGraceMillis = 20000
`

const HANDLER = `
import { appendFileSync } from 'node:fs'
const tell = (what) => appendFileSync('seen.ndjson', JSON.stringify(what) + '\\n')
export default {
  records: (records, { shardId }) => tell({ shardId, records: records.map((r) => [r.json().id, r.partitionKey]) }),
  shardEnded: ({ shardId }) => tell({ shardId, ended: true }),
  shutdownRequested: ({ shardId }) => tell({ shardId, shutdown: true }),
}
`

it.skipIf(!jars)('the real daemon hands over each record once, in order, through a split', { timeout: 600_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kcl-'))
  const kinesis = await startKinesisLocal()
  const dynalite = await startDynalite()
  const dynamo = createServer(proxy(dynalite.endpoint, forDynalite))
  // The KCL speaks HTTP/2 alone, for the fan-out.
  const h2 = createHttp2Server(proxy(kinesis.endpoint, (body) => body) as never)
  const executable = `${process.execPath} ${MAIN} kcl --module handler.mjs`
  writeFileSync(join(dir, 'handler.mjs'), HANDLER)
  writeFileSync(join(dir, 'kcl.properties'), properties(executable, await listen(h2), await listen(dynamo)))

  const half = Number(count) / 2
  const key = (id: number) => `key-${id % 37}${id % 37 === 5 ? '-ü' : ''}`
  const put = async (from: number, to: number) => {
    // A new one for each half: the KCL does not know its new shards for a while, and then does not drop the aggregates
    // that a producer with an old shard map has put twice.
    const producer = createProducer({ streamName: 'flights', client: kinesis.client, ordering: 'key', maxBufferedTime: 50 })
    const lines = Array.from({ length: to - from }, (_, i) => JSON.stringify({ id: from + i, key: key(from + i), pad: 'x'.repeat(i % 80) }))
    const receipt = await producer.putNdjson(Buffer.from(`${lines.join('\n')}\n`), { partitionKey: 'key' })
    await producer.close()
    expect(await receipt.outcomes).toMatchObject({ delivered: to - from, failed: 0 })
  }
  const seen = (): { shardId: string; records?: [number, string][]; ended?: boolean; shutdown?: boolean }[] => {
    const text = existsSync(join(dir, 'seen.ndjson')) ? readFileSync(join(dir, 'seen.ndjson'), 'utf8') : ''
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }
  const handled = () => seen().flatMap(({ records = [] }) => records)

  await createStream(kinesis.client, 'flights', 2)
  await put(0, half)
  const log = openSync(join(dir, 'daemon.log'), 'a')
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
  const args = ['-Dfile.encoding=UTF-8', '-cp', `${resolve(jars as string)}/*`, 'software.amazon.kinesis.multilang.MultiLangDaemon', 'kcl.properties']
  // A group of its own, so that a signal comes to the daemon and to its processors, as from a terminal or from systemd.
  const daemon = spawn('java', args, { cwd: dir, env, detached: true, stdio: ['ignore', log, log] })
  const left = once(daemon, 'exit')
  const until = async (test: () => boolean) => {
    while (!test()) {
      if (daemon.exitCode !== null) throw new Error(`the daemon has ended: ${readFileSync(join(dir, 'daemon.log'), 'utf8').slice(-2000)}`)
      await new Promise((go) => setTimeout(go, 200))
    }
  }
  try {
    await until(() => handled().length >= half)
    const { Shards = [] } = await kinesis.client.send(new ListShardsCommand({ StreamName: 'flights' }))
    await splitShard(kinesis.client, 'flights', Shards[0].ShardId as string, Shards[0].HashKeyRange ?? {})
    await put(half, 2 * half)
    await until(() => handled().length >= 2 * half)
    process.kill(-(daemon.pid as number), 'SIGTERM')
    await left
  } finally {
    if (daemon.exitCode === null && daemon.signalCode === null) process.kill(-(daemon.pid as number), 'SIGKILL')
    for (const server of [dynamo, h2]) server.close()
    await dynalite.stop()
    await kinesis.stop()
  }

  const all = handled()
  expect(all.map(([id]) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: 2 * half }, (_, id) => id))
  const newest = new Map<string, number>()
  for (const [id, partitionKey] of all) {
    expect(partitionKey).toBe(key(id))
    expect(id).toBeGreaterThan(newest.get(partitionKey) ?? -1)
    newest.set(partitionKey, id)
  }
  const shard = (n: number) => `shardId-00000000000${n}`
  expect(seen().filter(({ ended }) => ended)).toEqual([{ shardId: shard(0), ended: true }])
  const asked = seen().filter(({ shutdown }) => shutdown)
  expect(asked.map(({ shardId }) => shardId).sort()).toEqual([1, 2, 3].map(shard))
  rmSync(dir, { recursive: true })
})

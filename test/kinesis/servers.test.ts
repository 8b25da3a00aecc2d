// Producer and consumer over the AWS SDK against local servers: kinesalite in this process, kinesis-local
// as a child. Neither throttles.
import * as sdk from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createConsumer } from '../../src/kinesis/consumer/consumer.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import { createStream, type KinesisServer, splitShard, startKinesalite, startKinesisLocal } from '../servers.js'

const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe.each([
  { server: 'kinesalite', start: startKinesalite, count: 10_000 },
  { server: 'kinesis-local', start: startKinesisLocal, count: 2_000 },
])('$server', ({ start, count }) => {
  let server: KinesisServer
  beforeAll(async () => {
    server = await start()
  }, 60_000)
  afterAll(() => server?.stop())

  test('records in, a split half-way, the same records out', async () => {
    const { client } = server
    await createStream(client, 's', 4)
    const producer = createProducer({ streamName: 's', client, maxBufferedTime: 20 })
    const lines = Array.from({ length: count }, (_, i) => JSON.stringify({ id: i, origin: `airport-${i % 300}`, pad: 'x'.repeat(i % 97) }))
    const ndjson = (from: number, to: number) => new TextEncoder().encode(`${lines.slice(from, to).join('\n')}\n`)
    const first = await producer.putNdjson(ndjson(0, count / 2), { partitionKey: 'origin' })
    await producer.flush()
    const { Shards = [] } = await client.send(new sdk.ListShardsCommand({ StreamName: 's' }))
    await splitShard(client, 's', Shards[1].ShardId as string, Shards[1].HashKeyRange ?? {})
    const second = await producer.putNdjson(ndjson(count / 2, count), { partitionKey: 'origin' })
    await producer.close()
    expect(await first.outcomes).toMatchObject({ delivered: count / 2, failed: 0 })
    expect(await second.outcomes).toMatchObject({ delivered: count / 2, failed: 0 })
    expect(producer.metrics().kinesisRecords).toBeLessThan(count / 50)

    const seen: string[] = []
    const shards = new Set<string>()
    const newest = new Map<string, number>()
    const wrong: unknown[] = []
    for await (const batch of createConsumer({ streamName: 's', client, from: 'TRIM_HORIZON', until: 'now', pollInterval: 0, idleInterval: 10 })) {
      shards.add(batch.shardId)
      for (const { partitionKey, data, aggregated } of batch.records) {
        const { id, origin } = JSON.parse(text(data))
        // No fault, no retry: the order of a key holds, over the split too.
        if (!aggregated || partitionKey !== origin || id <= (newest.get(origin) ?? -1)) wrong.push({ partitionKey, origin, id, aggregated })
        newest.set(origin, id)
        seen.push(text(data))
      }
    }
    expect(wrong).toEqual([])
    expect(shards.size).toBe(6)
    expect(seen.sort()).toEqual(lines.sort())
  })

  test('a client made from a configuration; a stream that is not there', async () => {
    const clientConfig = { endpoint: server.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
    await createStream(server.client, 't', 1)
    await using producer = createProducer({ streamName: 't', clientConfig })
    const { outcome } = await producer.put({ partitionKey: 'k', data: 'hello' })
    expect(await outcome).toMatchObject({ status: 'delivered', subSequenceNumber: 0, attempts: 1 })
    const consumer = createConsumer({ streamName: 't', clientConfig, from: 'TRIM_HORIZON', until: 'now' })
    const records: string[] = []
    for await (const { data, partitionKey } of consumer.records()) records.push(`${partitionKey} ${text(data)}`)
    consumer.close()
    expect(records).toEqual(['k hello'])

    await using nowhere = createProducer({ streamName: 'nowhere', clientConfig })
    const lost = await nowhere.put({ partitionKey: 'k', data: 'hello' })
    expect(await lost.outcome).toMatchObject({ status: 'failed', code: 'ResourceNotFoundException' })
    await expect(createConsumer({ streamName: 'nowhere', clientConfig })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'SERVICE' })
  })
})

test('a real client and the real commands fit without a cast', () => {
  createProducer({ streamName: 's', client: new sdk.KinesisClient({ region: 'us-east-1' }), commands: sdk })
})

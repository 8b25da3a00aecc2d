// The demo's Kinesis: kinesalite in this process, on a free port of the loopback.
import { MillraceError } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import type { Kinesalite, Peers } from './peers.js'

export const STREAM = 'flights'
export const SHARDS = 4

export interface DemoStream {
  endpoint: string
  client: InstanceType<Peers['kinesis']['KinesisClient']>
  /** Splits the widest open shard in the middle, and waits until the stream is active again. */
  split(): Promise<void>
  close(): Promise<void>
}

/** Starts the server and makes the stream; `path` is where it keeps its records. */
export async function startStream(peers: Peers, path: string | undefined, clock: Clock, signal: AbortSignal): Promise<DemoStream> {
  const server: Kinesalite = peers.kinesalite({ path, createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 1000 })
  // Requests that kinesalite has read and not answered.
  let working = 0
  server.on('request', (request, response) => {
    request.on('end', () => {
      working++
      const { end } = response
      response.end = (...args) => {
        working--
        response.end = end
        return end.apply(response, args)
      }
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const port = server.address()?.port
  if (port === undefined) throw new MillraceError('IO', 'kinesalite gave no port')
  const { KinesisClient, CreateStreamCommand, DescribeStreamCommand, SplitShardCommand } = peers.kinesis
  const endpoint = `http://127.0.0.1:${port}`
  const client = new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
    // kinesalite speaks HTTP/1.1; the SDK's default for Kinesis is HTTP/2
    requestHandler: new peers.http.NodeHttpHandler(),
  })
  const shards = async () => {
    for (;;) {
      const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamName: STREAM }), { abortSignal: signal })
      if (StreamDescription?.StreamStatus === 'ACTIVE') return StreamDescription.Shards ?? []
      await clock.sleep(20, signal)
    }
  }
  const close = async () => {
    client.destroy()
    // A write into the database after it was closed ends the process: leveldown 5 has a segmentation fault.
    const limit = clock.monotonic() + 1_000
    while (working > 0 && clock.monotonic() < limit) await clock.sleep(10)
    // It goes on with the creation or the split of a stream after its answer.
    await clock.sleep(50)
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  try {
    await client.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: SHARDS }), { abortSignal: signal })
    await shards()
  } catch (error) {
    await close()
    throw error
  }
  return {
    endpoint,
    client,
    async split() {
      const open = (await shards()).filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined)
      const ranges = open.map((shard) => ({
        id: shard.ShardId,
        from: BigInt(shard.HashKeyRange?.StartingHashKey ?? 0),
        to: BigInt(shard.HashKeyRange?.EndingHashKey ?? 0),
      }))
      const widest = ranges.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a))
      const middle = (widest.from + widest.to + 1n) / 2n
      await client.send(new SplitShardCommand({ StreamName: STREAM, ShardToSplit: widest.id, NewStartingHashKey: String(middle) }), { abortSignal: signal })
      await shards()
    },
    close,
  }
}

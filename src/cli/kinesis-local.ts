import { MillraceError } from '../errors.js'
import { forwarder } from '../ports/node-server.js'
import { missingPeer } from '../ports/peer.js'
import { type Command, textOption, UsageError, wholeOption } from './command.js'
import type { Kinesalite } from './demo/peers.js'
import { type Front, startFront } from './kinesis-local/front.js'
import { parseFaults } from './kinesis-local/plan.js'
import { answer, JSON_11 } from './kinesis-local/wire.js'
import { checkStreamName } from './stream.js'

export const command: Command = {
  summary: 'a Kinesis on this machine with the limits of the real one, and faults on demand',
  help: `Usage: millrace kinesis-local [--port P] [--stream NAME [--shards N]] [--faults LIST] [--seed N]

Serves Kinesis at http://127.0.0.1:P, for any SDK: kinesalite, behind a front with the limits of the
service (a shard takes 1,000 records and 1 MiB a second, and gives 5 answers and 2 MiB a second) and
with faults by chance. Streams live in memory. Runs until it is interrupted; says its address on
stdout and how often each fault fell on stderr. Needs the package kinesalite.

  --port P        default 4567; 0 takes a free one
  --host H        default 127.0.0.1
  --stream NAME   make a stream at the start, of
  --shards N      shards; default 4
  --faults LIST   what goes wrong with puts, each a percentage or a number from 0 to 1:
                  of the records of a PutRecords
                    throttle     ProvisionedThroughputExceededException
                    internal     InternalFailure
                    wrongShard   stored in another shard than its hash key's
                  of the requests, one of these at most
                    error, unavailable   500 and 503, nothing stored
                    throttleAll, expired   the whole request throttled; credentials expired
                    reset        the connection is reset before anything is stored
                    resetAfter   ... after all is stored
                    lostAck      all is stored, no answer for a second, then a reset
                    slow         the answer's second half comes late
                    truncate     the answer breaks off
                    miscount     the answer has a result too few, or a wrong count
  --reads         the faults of requests befall reads and listings too
  --seed N        of the faults; default 1. The n-th put has the same faults in every run
  --unlimited     without the limits of the service
  --auto          the streams have RecordDistributionStrategy AUTO: records go to any shard
  --json          the address, the seed and the faults as one JSON line on stdout

Example: millrace kinesis-local --stream flights --faults throttle=10%,reset=2%,lostAck=2% --seed 7
`,
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    stream: { type: 'string' },
    shards: { type: 'string' },
    faults: { type: 'string' },
    reads: { type: 'boolean' },
    seed: { type: 'string' },
    unlimited: { type: 'boolean' },
    auto: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected no arguments, got ${JSON.stringify(positionals[0])}`)
    const port = wholeOption(values, 'port', 0, 65_535) ?? 4567
    const shards = wholeOption(values, 'shards', 1, 1000) ?? 4
    const seed = wholeOption(values, 'seed', 0, 0xffffffff) ?? 1
    const host = textOption(values, 'host', 'a name or an address of this machine') ?? '127.0.0.1'
    const stream = values.stream as string | undefined
    if (stream !== undefined) checkStreamName(stream)
    if (stream === undefined && values.shards !== undefined) throw new UsageError('--shards needs --stream')
    const faults = parseFaults((values.faults as string | undefined) ?? '')

    const behind = await startKinesalite()
    let front: Front | undefined
    try {
      if (stream !== undefined) await createStream(behind.port, stream, shards)
      front = await startFront({
        upstream: behind.port,
        host,
        port,
        clock: io.ports.clock,
        faults,
        seed,
        reads: values.reads === true,
        auto: values.auto === true,
        ...(values.unlimited ? { limits: null } : {}),
        onFault: () => front && io.progress(told(front.counts)),
      })
      await io.write(values.json ? `${JSON.stringify({ endpoint: front.endpoint, seed, faults })}\n` : `${front.endpoint}\n`)
      io.log(`kinesis-local: seed ${seed}; end it with Ctrl-C`)
      await new Promise<void>((resolve) => {
        if (io.signal.aborted) resolve()
        else io.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      io.progress('')
      io.log(`kinesis-local: ${told(front.counts)}`)
      return 0
    } finally {
      await front?.close()
      await behind.close()
    }
  },
}

const told = (counts: Front['counts']) => (counts.size === 0 ? 'no faults' : [...counts].map(([fault, times]) => `${fault} ${times}`).join(', '))

async function startKinesalite(): Promise<{ port: number; close(): Promise<void> }> {
  // A name in a variable: no bundler shall take the server along.
  const name: string = 'kinesalite'
  const { default: kinesalite } = (await import(name).catch((cause: unknown) => {
    throw missingPeer(name, 'for a Kinesis on this machine', cause)
  })) as { default: (options: object) => Kinesalite }
  const server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 50, shardLimit: 10_000 })
  // The default of 5 s would close a connection just as the front uses it again: a fault that nobody asked for.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return { port: server.address()?.port as number, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function createStream(port: number, StreamName: string, ShardCount: number): Promise<void> {
  const upstream = forwarder(port)
  const { body } = answer(JSON_11, 200, { StreamName, ShardCount })
  const headers = {
    'content-type': JSON_11,
    'x-amz-target': 'Kinesis_20131202.CreateStream',
    'x-amz-date': '20130102T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=none',
  }
  try {
    const { status, body: said } = await upstream.send({ method: 'POST', path: '/', headers, body })
    if (status !== 200) throw new MillraceError('SERVICE', `the stream ${StreamName} could not be made: ${new TextDecoder().decode(said)}`)
  } finally {
    upstream.close()
  }
}

// millrace kcl: a record processor for the MultiLangDaemon of the Kinesis Client Library.
import { kindOf, MillraceError } from '../errors.js'
import type { KclHandler } from '../kinesis/multilang/handler.js'
import { openDaemon } from '../kinesis/multilang/messages.js'
import { HandlerFailed, runProcessor } from '../kinesis/multilang/processor.js'
import { type Command, UsageError, type Values, wholeOption } from './command.js'
import { defaultExport } from './module.js'

const FUNCTIONS = ['records', 'initialize', 'leaseLost', 'shardEnded', 'shutdownRequested']

export const command: Command = {
  summary: 'a record processor for the Kinesis Client Library (Java), which starts one per shard',
  help: `Usage: millrace kcl --module FILE [--checkpoint-interval MS]

Speaks the protocol of the KCL's MultiLangDaemon on stdin and stdout: the daemon shares the shards
of a stream between machines, keeps leases and checkpoints in DynamoDB, and starts this command
once for each shard it has. It opens KPL aggregates itself.

  --module FILE             a module whose default export is a function of a batch of records,
                            export default async (records, { shardId, signal }) => { ... }
                            or an object that has it as records beside any of initialize,
                            leaseLost, shardEnded and shutdownRequested
  --checkpoint-interval MS  milliseconds between checkpoints at least; default 0, one after each
                            batch; never: only those of the module, by checkpoint() of the second
                            argument. At the end of a shard one is made in any case, and but for
                            never at a shutdown too

A record has partitionKey, data (bytes), text(), json(), sequenceNumber, subSequenceNumber, arrival
and shardId. A batch is done when the function has returned. Where it throws, or returns the
records that failed, nothing of the batch is checkpointed and the command ends with 1; the daemon
then ends as well, and whoever starts it again has the records handled again. console.log of the
module goes to stderr, which the daemon passes on. The first SIGINT or SIGTERM is left to the daemon,
which then has the processors finish; the second one ends this at once.

Example: kcl.properties, for the daemon's jars of Maven (amazon-kinesis-client-multilang) in jars/

  executableName = node_modules/.bin/millrace kcl --module handler.js
  streamName = flights
  applicationName = flights-reader
  initialPositionInStream = TRIM_HORIZON
  regionName = us-east-1
  AwsCredentialsProvider = DefaultCredentialsProvider
  shutdownGraceMillis = 20000

The last one is the time to finish in after a SIGTERM, of which the daemon by itself gives none.

java -Dfile.encoding=UTF-8 -cp 'jars/*' software.amazon.kinesis.multilang.MultiLangDaemon kcl.properties
`,
  options: {
    module: { type: 'string' },
    'checkpoint-interval': { type: 'string' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected no arguments, got ${JSON.stringify(positionals[0])}`)
    if (typeof values.module !== 'string') throw new UsageError('expected --module FILE')
    const checkpointInterval = intervalOf(values)
    io.driven()
    const handler = await load(values.module)
    try {
      await runProcessor(handler, {
        daemon: openDaemon(io.stdin(), io.write),
        ports: io.ports,
        checkpointInterval,
        signal: io.signal,
        log: (line) => io.log(`millrace kcl: ${line}`),
      })
    } catch (error) {
      if (error instanceof HandlerFailed && error.cause instanceof Error && error.cause.stack) io.log(error.cause.stack)
      throw error
    }
    return 0
  },
}

function intervalOf(values: Values): number {
  if (values['checkpoint-interval'] === 'never') return Number.POSITIVE_INFINITY
  return wholeOption(values, 'checkpoint-interval', 0) ?? 0
}

async function load(file: string): Promise<KclHandler> {
  const exported = await defaultExport(file)
  const fault = (expected: string, got: unknown) =>
    new MillraceError('BAD_INPUT', `default export: expected ${expected}, got ${kindOf(got)}`, { position: { source: file } })
  if (typeof exported === 'function') return { records: exported as KclHandler['records'] }
  if (typeof exported !== 'object' || exported === null) throw fault('a function, or an object with one as records', exported)
  for (const name of Object.keys(exported)) if (!FUNCTIONS.includes(name)) throw fault(`no other members than ${FUNCTIONS.join(', ')}`, name)
  const handler = exported as Record<string, unknown>
  if (typeof handler.records !== 'function') throw fault('a function as records', handler.records)
  for (const name of FUNCTIONS) if (!['function', 'undefined'].includes(typeof handler[name])) throw fault(`a function as ${name}`, handler[name])
  return exported as KclHandler
}

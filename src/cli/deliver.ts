// millrace deliver: what a Firehose delivery stream would write, from a configuration and records.

import type { StreamPlan } from '../firehose/delivery/config/stream.js'
import { directoryStore } from '../firehose/delivery/directory-store.js'
import { s3Store } from '../firehose/delivery/s3-store.js'
import type { ObjectStore } from '../firehose/delivery/store.js'
import { openStream } from '../firehose/delivery/stream.js'
import { type DeliveryStreamOptions, readOptions } from '../firehose/delivery/stream-options.js'
import { type Command, type Io, oneOf, textOption, UsageError, type Values, wholeOption } from './command.js'
import { check, help as checkHelp, options as checkOptions } from './deliver-check.js'
import { type ConfigFile, named, readConfigs, readOneConfig, readTable, resourceOf } from './deliver-files.js'
import { listen } from './deliver-listen.js'
import { putRecords } from './deliver-records.js'
import { drawDelivery, report } from './deliver-report.js'
import { explain } from './explain.js'
import { count } from './figures.js'
import { clientConfig } from './stream.js'
import { chosenHandler, functionOptions } from './transform.js'

export const command: Command = {
  summary: 'records through a Firehose delivery stream on this machine',
  help: `Usage: millrace deliver --config FILE (--out DIR | --s3) [options] [INPUT...]
       millrace deliver --listen PORT [--config FILE]... (--out DIR | --s3) [options]
       millrace deliver --check --config FILE --schema FILE [options] [INPUT...]

Reads records, one a line, from the files INPUT ("-" is standard input, the default; .gz is unpacked)
and writes the objects that a delivery stream with the configuration FILE would write: prefixes,
partitions, compression, Parquet, the Lambda's outcomes, error objects, backup. FILE is what
aws firehose create-delivery-stream --cli-input-json takes, or what describe-delivery-stream gives,
or a CloudFormation template as JSON (cdk synth writes it to cdk.out): names stand for its resources.
A summary goes to stderr; the exit code is 1 where records went to the error output.

  --config FILE     of the stream; with --listen any number of them
  --resource ID     of a template that has several, the stream of this logical id; --listen serves all
  --out DIR         objects as files, each at the path of its key; where there is more than one
                    bucket, and with --listen, below a directory for each
  --s3              objects into the buckets of the configuration; needs @aws-sdk/client-s3
  --endpoint URL    of S3, for a local server
  --region R        of the stream, and of S3 where the environment does not say
  --handler FILE    the function of the Lambda processor: "handler" or the default export of the module
  --module FILE, --map FILE, --blueprint NAME [--compat]
                    a transformation in its place, as millrace transform takes it
  --schema FILE     the table that records are converted by: the answer of aws glue get-table,
                    DDL (CREATE TABLE), or the JSON of millrace schema
  --timestamps T    what its timestamps are in Parquet, int96 (default) or int64
  --newline         each record keeps the line feed of its line
  --records         a line is {"data": base64,"arrival"?,"partitionKey"?,"sequenceNumber"?,"shardId"?},
                    as millrace consume and replay --json write it: for records that are no text, and
                    for a stream whose source is a Kinesis stream
  --partitions N    active partitions, beyond which records go to the error output (default 500)
  --listen PORT     in place of reading records serve Firehose's API at http://127.0.0.1:PORT, for any
                    SDK, until it is interrupted; 0 takes a free port. Streams are those of --config and
                    what CreateDeliveryStream makes. The address is on stdout
  --host H          default 127.0.0.1
${checkHelp}  --json            the summary, or the address, as one JSON line on stdout

Intervals of the buffering hints count from when a record is read. A store that fails is tried
again, for some 30 seconds more at the end.

Example: millrace deliver --config clicks.json --handler shape.mjs --out lake < clicks.ndjson
`,
  options: {
    config: { type: 'string', multiple: true },
    resource: { type: 'string' },
    out: { type: 'string' },
    s3: { type: 'boolean' },
    endpoint: { type: 'string' },
    region: { type: 'string' },
    ...functionOptions,
    schema: { type: 'string' },
    timestamps: { type: 'string' },
    newline: { type: 'boolean' },
    records: { type: 'boolean' },
    partitions: { type: 'string' },
    listen: { type: 'string' },
    host: { type: 'string' },
    json: { type: 'boolean' },
    ...checkOptions,
  },
  flags: { maxActivePartitions: 'partitions' },
  async run(values, positionals, io) {
    if (values.check) return check(values, positionals, io)
    const port = wholeOption(values, 'listen', 0, 65_535)
    const files = (values.config as string[] | undefined) ?? []
    if (port === undefined && values.host !== undefined) throw new UsageError('--host expected --listen beside it')
    if (port !== undefined && positionals.length > 0) throw new UsageError(`expected no input beside --listen, got ${JSON.stringify(positionals[0])}`)
    const resource = resourceOf(values)
    const configs = port === undefined ? [await readOneConfig(io, values)] : (await Promise.all(files.map((file) => readConfigs(io, file, resource)))).flat()
    const buckets = new Set(configs.flatMap(({ plan }) => [plan.output.bucket, ...(plan.backup ? [plan.backup.bucket] : [])]))
    const options = { ...(await streamOptions(values, io)), store: openStore(values, io, port !== undefined || buckets.size > 1) }
    checkGiven(options, configs)
    if (port !== undefined) return listen(values, io, { port, options, configs: configs.map(({ config }) => config) })

    const [{ file, plan }] = configs
    const checked = fitting(options, plan)
    // What is left to be wrong is the table.
    const stream = await named(plan.conversion ? String(values.schema) : file, () => openStream(plan, readOptions(checked, plan)))
    const started = io.ports.clock.monotonic()
    const endLive = drawDelivery(io, stream.metrics)
    let broken: { error: unknown } | undefined
    let faults = 0
    try {
      faults = await putRecords(io, stream, positionals.length > 0 ? positionals : ['-'], {
        newline: values.newline === true,
        records: values.records === true,
      })
    } catch (error) {
      broken = { error }
    }
    // What was taken is delivered, whatever came then.
    if (io.signal.aborted) io.log('millrace deliver: interrupted; writing what was read, a second signal leaves at once')
    await stream.close().catch((error: unknown) => {
      broken ??= { error }
    })
    endLive()
    const metrics = stream.metrics()
    await report(io, metrics, { milliseconds: io.ports.clock.monotonic() - started, unwritten: stream.unwritten, json: values.json === true })
    if (broken && !io.signal.aborted) throw broken.error
    const failed = Object.keys(metrics.failures).length > 0
    return failed || faults > 0 || stream.unwritten.length > 0 || io.signal.aborted ? 1 : 0
  },
}

/** That there is what each of the configurations wants. */
function checkGiven({ handler, table }: Partial<DeliveryStreamOptions>, configs: readonly ConfigFile[]): void {
  for (const { file, plan } of configs) {
    if (plan.processing.lambda && !handler) throw new UsageError(`expected --handler FILE or --module FILE, the function of the Lambda processor in ${file}`)
    if (plan.conversion && table === undefined) throw new UsageError(`expected --schema FILE, the table of DataFormatConversionConfiguration in ${file}`)
  }
}

/** Of the options, those that this configuration has a use for. */
function fitting({ handler, table, timestamps, ...rest }: DeliveryStreamOptions, plan: StreamPlan): DeliveryStreamOptions {
  if (handler && !plan.processing.lambda) throw new UsageError('--handler, --module, --map and --blueprint expected a Lambda processor in the configuration')
  if (table !== undefined && !plan.conversion) throw new UsageError('--schema expected DataFormatConversionConfiguration in the configuration')
  return { ...rest, handler, ...(plan.conversion ? { table, timestamps } : {}) }
}

async function streamOptions(values: Values, io: Io): Promise<Omit<DeliveryStreamOptions, 'store'>> {
  const schema = textOption(values, 'schema', 'the path of a file')
  const timestamps = oneOf(values, 'timestamps', ['int96', 'int64'])
  const tell = teller(io)
  return {
    handler: await chosenHandler(values, io, ({ reason, message }) => tell(`answered ProcessingFailed: ${reason}: ${message}`)),
    table: schema === undefined ? undefined : await readTable(io, schema),
    timestamps,
    maxActivePartitions: wholeOption(values, 'partitions', 1),
    region: textOption(values, 'region', 'the name of a region such as eu-central-1'),
    onHandlerFailure: ({ records, attempt, retries, message }) =>
      tell(`the function failed: ${message}`, `, for a batch of ${count(records, 'record')}, attempt ${attempt} of ${retries + 1}`),
    onStoreFailure({ bucket, key, error }) {
      const reason = explain(error)
      // A full disk is the same fault in every directory.
      const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown }
      tell(
        `could not be stored and is tried again: ${reason}`,
        `; first ${bucket}/${JSON.stringify(key).slice(1, -1)}`,
        path === undefined ? reason : String(code),
      )
    },
    ports: io.ports,
  }
}

/** Tells each thing once, with where it was seen first; past some of them nothing. */
function teller(io: Io): (what: string, where?: string, kind?: string) => void {
  const told = new Set<string>()
  return (what, where = '', kind = what) => {
    if (told.size >= MOST_TOLD || told.has(kind)) return
    told.add(kind)
    io.log(`millrace deliver: ${what}${where}${told.size === MOST_TOLD ? '; what else there is is not told' : ''}`)
  }
}

const MOST_TOLD = 20

function openStore(values: Values, io: Io, buckets: boolean): ObjectStore {
  const directory = textOption(values, 'out', 'the path of a directory')
  if ((directory === undefined) === (values.s3 !== true)) throw new UsageError('expected either --out DIR or --s3')
  if (directory !== undefined) {
    if (values.endpoint !== undefined) throw new UsageError('--endpoint expected --s3 beside it')
    return directoryStore(io.ports, directory, { buckets })
  }
  // Buckets as parts of the path: a local server has no names for them.
  return s3Store({ clientConfig: { ...clientConfig(values), ...(values.endpoint === undefined ? {} : { forcePathStyle: true }) }, ports: io.ports })
}

import { MillraceError } from '../errors.js'
import type { BadRecord, ParquetRecordOptions, Schema, Table } from '../parquet/index.js'
import { badRecordsHelp, badRecordsTo } from './bad-records.js'
import { type Command, type Io, UsageError, type Values, wholeOption } from './command.js'
import { type Piece, readInputs, sizeOf } from './input.js'
import { meter } from './meter.js'
import { filesHelp, lookupOptions, namesOption, recordsHelp, writerFlags, writerLabels, writerOptions } from './parquet-options.js'
import { checkOutput, type Output, openOutput, rotates } from './parquet-output.js'
import { report } from './parquet-report.js'
import { inferFrom, readTable, SAMPLE, sampleBytes, tellNotes } from './sample.js'

export const command: Command = {
  summary: 'NDJSON to Parquet: one file, several, or a Hive-layout directory',
  help: `Usage: millrace parquet IN... -o OUT [options]

Reads NDJSON (files, .gz as such, "-" for standard input) and writes one Parquet file,
"-o -" to standard output where that is no terminal; with --partition-by a directory
OUT/column=value/part-....parquet. A file has its name only when it is complete. At the end
standard error has the figures of each column.

  -o, --output OUT          the file or directory to write
      --schema FILE         the columns: JSON as millrace schema prints it, DDL, or what
                            Glue's GetTable answers, whose serde, partition columns and
                            case are then the defaults here. Without it the columns are
                            inferred from the first 4 MiB; --unknown says what becomes of
                            those that come later
      --sample-bytes N|all  what they are inferred from; all of standard input, or of a
                            pipe, is held in memory
      --uuid                inferred: strings that are all UUIDs become uuid
      --threads N           threads that encode; 0 or auto for one a core (1). The file is
                            the same for any number
      --partition-by A,B    columns that become directories and are not in the files:
                            strings, integers, booleans, dates or decimals; "" for none
      --max-file-rows N     several files, OUT-00000.parquet and so on, whole one by one, of
      --max-file-bytes B    at most N rows each; or each ends with the batch, of at most
                            2,048 rows, that brings it to B bytes
      --bad-records HOW     fail (default): the first bad record ends the work
                            skip: bad records are left out and counted
                            ${badRecordsHelp}
      --json                the summary as JSON on standard output

${recordsHelp}
${filesHelp}
Example:
  millrace parquet flights.ndjson.gz -o flights --partition-by origin
`,
  options: {
    output: { type: 'string', short: 'o' },
    schema: { type: 'string' },
    'sample-bytes': { type: 'string' },
    uuid: { type: 'boolean' },
    threads: { type: 'string' },
    'partition-by': { type: 'string' },
    'max-file-rows': { type: 'string' },
    'max-file-bytes': { type: 'string' },
    'bad-records': { type: 'string' },
    json: { type: 'boolean' },
    ...writerFlags,
  },
  flags: writerLabels,
  run,
}

async function run(values: Values, inputs: string[], io: Io): Promise<number> {
  if (inputs.length === 0) throw new UsageError('expected at least one input, "-" for standard input')
  const options = await writerOptions(values)
  const asked = outputOf(values, io)
  checkInference(values)
  const how = String(values['bad-records'] ?? 'fail')
  if (how === asked.path) throw new UsageError('--bad-records expected another file than --output')
  await keepInputs(io, [...inputs, ...(typeof values.schema === 'string' ? [values.schema] : [])], { output: asked.path, 'bad-records': how })

  const table = typeof values.schema === 'string' ? await readTable(io, values.schema) : undefined
  const output = fit({ ...asked, partitionBy: partitionsOf(values, table) }, options.compression)
  await checkOutput(io, output)
  const { clock } = io.ports
  const start = clock.monotonic()
  const bad = badRecordsTo(io, how)
  const total = await sizeOf(io, inputs)
  const watch = meter(io, 'parquet', total, () => bad.count)
  const lookup = lookupOptions(values, table ?? {})
  const { schema, pieces, sampled } = table
    ? { schema: table.schema, pieces: watch.watch(readInputs(io, inputs)), sampled: false }
    : await inferred(io, values, inputs, { ...lookup, ...options }, total !== undefined, (pieces) => watch.watch(pieces))

  const onBadRecord = bad.policy as 'fail' | 'skip' | ((bad: BadRecord) => void)
  const writer = await openOutput(io, output, { ...options, ...lookup, schema, onBadRecord })
  try {
    for await (const { source, first, bytes } of pieces) {
      if (first) await writer.startSource(source)
      await writer.writeJson(bytes)
      await bad.flush()
    }
    const { summary, more, where } = await writer.close()
    await bad.flush()
    io.progress('')
    const seconds = Math.round(clock.monotonic() - start) / 1000
    if (values.json) await io.write(`${JSON.stringify({ output: output.path, ...summary, ...more, bytesRead: watch.read, seconds })}\n`)
    else report(io, { where, summary, read: watch.read, seconds, target: bad.target })
  } catch (error) {
    io.progress('')
    await writer.abort(error)
    if (sampled && error instanceof MillraceError && error.code === 'BAD_INPUT' && error.position?.column !== undefined)
      io.log('millrace parquet: the columns were inferred from the beginning; --sample-bytes all takes all of it, --schema FILE says what they are')
    throw error
  } finally {
    await bad.close()
  }
  return 0
}

/** What the command line says of the output, no table asked. */
function outputOf(values: Values, { ports, terminal }: Io): Output {
  const { output: path, threads = '1' } = values
  if (typeof path !== 'string' || path === '') throw new UsageError('expected -o OUT, where to write')
  if (path === '-' && terminal) throw new UsageError('-o - expected standard output to be a file or a pipe, got a terminal: add > FILE, or name one by -o')
  if (path === '-' && values.json) throw new UsageError('--json expected a file as -o: both would go to standard output')
  return {
    path,
    threads:
      threads === '0' || threads === 'auto' ? Math.min(256, ports.threads?.cores ?? 1) : ((wholeOption(values, 'threads', 0, 256) as number | undefined) ?? 1),
    maxRows: wholeOption(values, 'max-file-rows', 1),
    maxBytes: wholeOption(values, 'max-file-bytes', 1),
  }
}

/** Throws UsageError where what is asked for does not go together. */
function fit(output: Output, compression: unknown): Output {
  const { path, partitionBy, threads } = output
  if (path === '-' && partitionBy) throw new UsageError(`-o - expected a directory with --partition-by (${partitionBy.join(', ')})`)
  if (path === '-' && rotates(output)) throw new UsageError('-o - expected the name of files with --max-file-rows and --max-file-bytes')
  if (partitionBy && rotates(output)) throw new UsageError('--partition-by expected no --max-file-rows and no --max-file-bytes')
  if (threads > 1 && (partitionBy || rotates(output))) throw new UsageError('--threads expected 1 where several files are written')
  if (threads > 1 && typeof compression === 'object') throw new UsageError('--threads expected 1 with --compression zstd, for this Node has no zstd of its own')
  return output
}

function partitionsOf(values: Values, table: Table | undefined): string[] | undefined {
  if (values['partition-by'] === '') return undefined
  const names = namesOption(values, 'partition-by') ?? table?.partitionBy ?? []
  return names.length > 0 ? names : undefined
}

function checkInference(values: Values): void {
  if (values.schema === undefined) {
    if (values.dialect === 'dynamodb') throw new UsageError('--dialect dynamodb expected --schema FILE: its types are not inferred')
    return
  }
  for (const name of ['sample-bytes', 'uuid']) if (values[name] !== undefined) throw new UsageError(`--${name} expected no --schema: nothing is inferred`)
}

interface Columns {
  schema: Schema
  pieces: AsyncGenerator<Piece>
  /** Whether there may be more than was looked at. */
  sampled: boolean
}

/** The columns of the inputs, and all pieces of them; files that can be read twice are, rather than to hold much of them. */
async function inferred(
  io: Io,
  values: Values,
  inputs: string[],
  { coercion, format, maxRecordBytes, unknown }: Partial<ParquetRecordOptions>,
  twice: boolean,
  watch: (pieces: AsyncGenerator<Piece>) => AsyncGenerator<Piece>,
): Promise<Columns> {
  const limit = sampleBytes(values['sample-bytes'])
  const onBadRecord = (values['bad-records'] ?? 'fail') === 'fail' ? 'fail' : 'skip'
  const options = { coercion, format, onBadRecord, uuid: values.uuid === true, ...(maxRecordBytes ? { maxRecordBytes } : {}) } as const
  const again = twice && limit > SAMPLE
  const source = again ? meter(io, 'schema', await sizeOf(io, inputs)).watch(readInputs(io, inputs)) : watch(readInputs(io, inputs))
  const { schema, notes, pieces } = await inferFrom(source, options, limit, !again)
  io.progress('')
  tellNotes(io, 'parquet', notes)
  if (typeof unknown === 'object' && !schema.columns.some(({ name }) => name === unknown.rest)) schema.columns.push({ name: unknown.rest, type: 'json' })
  if (!again) return { schema, pieces, sampled: limit !== Number.POSITIVE_INFINITY }
  await pieces.return(undefined)
  return { schema, pieces: watch(readInputs(io, inputs)), sampled: limit !== Number.POSITIVE_INFINITY }
}

/** What is read must not be written over: --bad-records would empty it before it is read. */
async function keepInputs(io: Io, inputs: readonly string[], outputs: Record<string, string>): Promise<void> {
  const resolved = (name: string) => io.ports.storage.resolve(name).catch(() => undefined)
  const read = new Set(await Promise.all(inputs.filter((name) => name !== '-').map(resolved)))
  for (const [option, name] of Object.entries(outputs)) {
    const path = name === '-' ? undefined : await resolved(name)
    if (path !== undefined && read.has(path)) throw new UsageError(`--${option} expected a file that is not read, got ${JSON.stringify(name)}`)
  }
}

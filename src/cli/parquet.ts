import { createHiveWriter } from '../emr/index.js'
import { type BadRecord, createParquetWriter, fileSink, type ParquetWriterOptions, type Schema } from '../parquet/index.js'
import { badRecordsHelp, badRecordsTo } from './bad-records.js'
import { type Command, type Io, UsageError, type Values, wholeOption } from './command.js'
import { count, size } from './figures.js'
import { readInputs } from './input.js'
import { inferFrom, readTable, SAMPLE } from './sample.js'

export const command: Command = {
  summary: 'NDJSON to Parquet, one file or a Hive-layout directory',
  help: `Usage: millrace parquet IN... -o OUT [options]

Reads NDJSON (files, .gz as such, "-" for standard input) and writes one Parquet file,
"-o -" to standard output; with --partition-by a directory OUT/column=value/part-....parquet.
A file has its name only when it is complete.

  -o, --output OUT          the file or directory to write
      --schema FILE         the columns, as millrace schema prints them; without it
                            they are inferred from the first 4 MiB
      --compression CODEC   snappy (default) or none
      --partition-by A,B    columns that become directories and are not in the files:
                            strings, integers or booleans
      --bad-records HOW     fail (default): the first bad record ends the work
                            skip: bad records are left out and counted
                            ${badRecordsHelp}
      --row-group-rows N    rows of a row group (default 131072)
      --json                the summary as JSON on standard output

Example:
  millrace parquet flights.ndjson.gz -o flights --partition-by origin
`,
  options: {
    output: { type: 'string', short: 'o' },
    schema: { type: 'string' },
    compression: { type: 'string' },
    'partition-by': { type: 'string' },
    'bad-records': { type: 'string' },
    'row-group-rows': { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
}

/** What the summary tells, whichever way it is printed. */
interface Done {
  rows: number
  bytes: number
  rowGroups: number
  badRecords: number
  files?: number
  partitions?: number
}

async function run(values: Values, inputs: string[], io: Io): Promise<number> {
  const { output } = values
  if (inputs.length === 0) throw new UsageError('expected at least one input, "-" for standard input')
  if (typeof output !== 'string') throw new UsageError('expected -o OUT, where to write')
  const compression = values.compression ?? 'snappy'
  if (compression !== 'snappy' && compression !== 'none') throw new UsageError(`--compression expected snappy or none, got ${String(compression)}`)
  const rowGroupRows = wholeOption(values, 'row-group-rows', 1)
  const partitionBy = partitionsOf(values['partition-by'])
  if (output === '-' && partitionBy) throw new UsageError('-o - expected a directory with --partition-by')
  if (output === '-' && values.json) throw new UsageError('--json expected a file as -o: both would go to standard output')

  const how = String(values['bad-records'] ?? 'fail')
  if (how === output) throw new UsageError('--bad-records expected another file than --output')
  await keepInputs(io, [...inputs, ...(typeof values.schema === 'string' ? [values.schema] : [])], { output, 'bad-records': how })

  const { clock } = io.ports
  const start = clock.monotonic()
  let pieces = readInputs(io, inputs)
  let schema: Schema
  if (typeof values.schema === 'string') schema = (await readTable(io, values.schema)).schema
  else ({ schema, pieces } = await inferFrom(pieces, { onBadRecord: how === 'fail' ? 'fail' : 'skip' }, SAMPLE))

  const bad = await badRecordsTo(io, how)
  const onBadRecord = bad.policy as 'fail' | 'skip' | ((bad: BadRecord) => void)
  const common = { schema, compression, onBadRecord, ...(rowGroupRows ? { rowGroupRows } : {}) } as const
  const writer = partitionBy ? createHiveWriter({ ...common, directory: output, partitionBy, ports: io.ports }) : await singleFile(io, output, common)
  let read = 0
  let done: Done
  try {
    for await (const { source, first, bytes } of pieces) {
      if (first) await writer.startSource(source)
      await writer.writeJson(bytes)
      await bad.flush()
      read += bytes.length
      const seconds = (clock.monotonic() - start) / 1000
      io.progress(`parquet: ${size(read)} read, ${Math.round(read / 1e6 / Math.max(seconds, 0.001))} MB/s`)
    }
    done = await writer.close()
    await bad.flush()
  } catch (error) {
    await writer.abort(error)
    throw error
  } finally {
    io.progress('')
    await bad.close()
  }
  const seconds = Math.round(clock.monotonic() - start) / 1000
  if (values.json) await io.write(`${JSON.stringify({ output, ...done, bytesRead: read, seconds })}\n`)
  else io.log(summary(output, done, read, seconds, bad.target))
  return 0
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

async function singleFile(io: Io, output: string, options: Omit<ParquetWriterOptions, 'sink'>) {
  const sink = output === '-' ? { write: (bytes: Uint8Array) => io.write(bytes) } : await fileSink(io.ports, output)
  try {
    return createParquetWriter({ ...options, sink })
  } catch (error) {
    if ('abort' in sink) await sink.abort(error)
    throw error
  }
}

function partitionsOf(value: Values[string]): string[] | undefined {
  if (value === undefined) return undefined
  const names = String(value)
    .split(',')
    .map((name) => name.trim())
  if (names.includes('')) throw new UsageError(`--partition-by expected column names between commas, got ${JSON.stringify(value)}`)
  return names
}

function summary(output: string, done: Done, read: number, seconds: number, target: string | undefined): string {
  const where =
    output === '-'
      ? 'standard output'
      : done.files === undefined
        ? output
        : `${output}: ${count(done.partitions ?? 0, 'partition')}, ${count(done.files, 'file')}`
  const speed = seconds > 0 ? `, ${Math.round(read / 1e6 / seconds)} MB/s` : ''
  const left = done.badRecords > 0 ? `; ${count(done.badRecords, 'bad record')} ${target ? `in ${target}` : 'skipped'}` : ''
  return `${where}: ${count(done.rows, 'row')} in ${count(done.rowGroups, 'row group')}, ${size(done.bytes)} from ${size(read)} in ${seconds.toFixed(1)} s${speed}${left}`
}

import { evolveSchema, formatDdl, parseSchema, type Schema, type Table } from '../parquet/index.js'
import { fieldsOf, renamed, schemaOf } from '../parquet/internal.js'
import { type Command, type Io, oneOf, UsageError, type Values, wholeOption } from './command.js'
import { count, place } from './figures.js'
import { readInputs, sizeOf } from './input.js'
import { meter } from './meter.js'
import { inferFrom, readTable, sampleBytes, tellNotes } from './sample.js'

export const command: Command = {
  summary: 'the schema of records, inferred, compared or converted',
  help: `Usage: millrace schema IN... [options]
       millrace schema --convert FILE [--ddl]

Prints the schema of the records in IN (JSON files, .gz read as such, "-" for
standard input) as JSON. It is what millrace parquet takes with --schema. What the
types do not say is told on standard error: columns of nothing but null, values of
several kinds, numbers that are rounded.

      --sample-bytes N|all  what it is inferred from; default the first 4 MiB
      --coercion LEVEL      of the writer: strict (default), hive or openx; under the last
                            two columns of strings and numbers are strings, else json
      --uuid                strings that are all UUIDs become uuid, which Spark cannot
                            read; else they are strings
      --bad-records HOW     fail (default) or skip: what is no JSON object
      --format FORMAT       lines, documents or auto (default): how records follow each
                            other, settled by the first line
      --max-record-bytes B  longest record (16777216)
      --against FILE        compares with the schema of a data set and prints that of
                            both; exit code 1 where they do not fit together
      --convert FILE        prints the schema in FILE: JSON, DDL text, CREATE TABLE or
                            what Glue's GetTable answers
      --ddl                 prints columns as Hive DDL has them

  true, false              boolean
  whole numbers            int64; beyond 64 bits decimal(38,0)
  numbers                  double
  strings                  string; date or timestamp (us) where every one is a
                           yyyy-MM-dd or an ISO 8601 time with a zone and at most 6
                           digits of fraction
  objects, lists           struct, list; map where the keys look like data
  several of these         json

Example:
  millrace schema flights.ndjson > flights.schema.json
  millrace schema --sample-bytes all --against flights.schema.json more.ndjson
`,
  options: {
    'sample-bytes': { type: 'string' },
    coercion: { type: 'string' },
    uuid: { type: 'boolean' },
    'bad-records': { type: 'string' },
    format: { type: 'string' },
    'max-record-bytes': { type: 'string' },
    against: { type: 'string' },
    convert: { type: 'string' },
    ddl: { type: 'boolean' },
  },
  run,
}

async function run(values: Values, inputs: string[], io: Io): Promise<number> {
  const { against, convert } = values
  const print = (schema: Schema) => io.write(values.ddl ? `${formatDdl(schema)}\n` : text(schema))
  if (typeof convert === 'string') {
    if (inputs.length > 0) throw new UsageError(`--convert expected no inputs, got ${JSON.stringify(inputs[0])}`)
    const other = Object.keys(values).find((name) => name !== 'convert' && name !== 'ddl')
    if (other !== undefined) throw new UsageError(`--convert expected no --${other}: nothing is inferred`)
    await print((await readTable(io, convert)).schema)
    return 0
  }
  if (inputs.length === 0) throw new UsageError('expected at least one input, "-" for standard input')
  const limit = sampleBytes(values['sample-bytes'])
  const options = {
    coercion: oneOf(values, 'coercion', ['strict', 'hive', 'openx']),
    onBadRecord: oneOf(values, 'bad-records', ['fail', 'skip']),
    format: oneOf(values, 'format', ['auto', 'lines', 'documents']),
    uuid: values.uuid === true,
    maxRecordBytes: wholeOption(values, 'max-record-bytes', 1),
  }
  const table = typeof against === 'string' ? await readTable(io, against) : undefined
  const { schema, notes, badRecords, pieces } = await inferFrom(
    meter(io, 'schema', await sizeOf(io, inputs)).watch(readInputs(io, inputs)),
    options,
    limit,
    false,
  )
  await pieces.return(undefined)
  io.progress('')
  tellNotes(io, 'schema', notes)
  if (badRecords > 0) io.log(`millrace schema: ${count(badRecords, 'bad record')} skipped`)
  if (!table) {
    await print(schema)
    return 0
  }
  const evolution = compare(table, schema)
  for (const { path, kind, compatible, old, new: now } of evolution.changes)
    io.log(`millrace schema: ${place(path)}: ${kind}: ${[old, now].filter(Boolean).join(' -> ')}${compatible ? '' : ', which does not fit'}`)
  await print(evolution.schema)
  return evolution.compatible ? 0 : 1
}

/** What was inferred is named by its keys. */
function compare({ schema, caseInsensitive = false }: Table, inferred: Schema) {
  const fields = renamed(fieldsOf(inferred), fieldsOf(schema), caseInsensitive)
  return evolveSchema(schema, parseSchema(schemaOf(fields)))
}

function text({ columns }: Schema): string {
  return `{\n  "columns": [\n${columns.map((column) => `    ${JSON.stringify(column)}`).join(',\n')}\n  ]\n}\n`
}

import { type Command, UsageError } from './command.js'
import { readInputs } from './input.js'
import { inferFrom } from './sample.js'

export const command: Command = {
  summary: 'the schema that parquet would infer from NDJSON',
  help: `Usage: millrace schema IN...

Prints the schema of the records in IN (NDJSON files, .gz read as such, "-" for
standard input) as JSON, inferred from the first 4 MiB. It is what millrace parquet
takes with --schema.

  true, false              boolean
  whole numbers            int64; with fractions or beyond 64 bits: double
  strings                  string; timestamp (us) where every one is an ISO 8601
                           time with a zone and at most 6 digits of fraction
  null only                string

A member that is an object or an array, or that changes its kind, is an error: write
the schema by hand and leave that member out.

Example:
  millrace schema flights.ndjson > flights.schema.json
`,
  options: {},
  async run(_values, inputs, io) {
    if (inputs.length === 0) throw new UsageError('expected at least one input, "-" for standard input')
    const { schema, pieces } = await inferFrom(readInputs(io, inputs))
    await pieces.return(undefined)
    const columns = schema.columns.map((column) => `    ${JSON.stringify(column)}`)
    await io.write(`{\n  "columns": [\n${columns.join(',\n')}\n  ]\n}\n`)
    return 0
  },
}

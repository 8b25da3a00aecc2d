// millrace deliver --check: which records the record format conversion of a delivery stream would reject or change.
import { MillraceError } from '../errors.js'
import { type ConversionReport, type Finding, openCheck } from '../firehose/conversion/check.js'
import type { Rejected } from '../firehose/conversion/rejection.js'
import { type Io, oneOf, UsageError, type Values } from './command.js'
import { named, readOneConfig, readTable } from './deliver-files.js'
import { putRecords } from './deliver-records.js'
import { count } from './figures.js'
import { visible } from './places.js'
import { table } from './table.js'
import { functionOptions } from './transform.js'

/** What the command takes for it, beside --config, --schema, --timestamps, --newline, --records and --json. */
export const options = { check: { type: 'boolean' } } as const

/** Its lines in the command's help. */
export const help = `  --check           writes no objects: tells which records the record format conversion of the
                    configuration would reject, and what it would lose or change without a word in
                    the others (fields of no column, digits, times, values of another form). Takes
                    records as they would reach the conversion, and needs --schema. Exit code 1
                    where one would be rejected; with --json a line for each, the report last. Records
                    count from 0
`

/** Gives the exit code. */
export async function check(values: Values, positionals: string[], io: Io): Promise<number> {
  for (const name of ['out', 's3', 'listen', ...Object.keys(functionOptions)])
    if (values[name] !== undefined) throw new UsageError(`--check expected no --${name}: nothing is delivered`)
  if (typeof values.schema !== 'string') throw new UsageError('--check expected --schema FILE, the table that records are converted by')
  const timestamps = oneOf(values, 'timestamps', ['int96', 'int64'])
  const { file, plan } = await readOneConfig(io, values)
  const { conversion } = plan
  if (!conversion) throw new MillraceError('CONFIG', 'expected DataFormatConversionConfiguration, got a stream without', { position: { source: file } })
  const given = await readTable(io, values.schema)
  const onRejected = values.json ? ({ index, ...why }: Rejected) => io.write(`${JSON.stringify({ record: index, ...why })}\n`) : undefined
  // What is left to be wrong is the table.
  const check = await named(values.schema, () => openCheck(conversion, given, { timestamps, onRejected, ports: io.ports }))
  try {
    const put = (record: Uint8Array | { data: Uint8Array }) => check.add(record instanceof Uint8Array ? record : record.data)
    const stream = {
      put,
      async putBatch(records: readonly (Uint8Array | { data: Uint8Array })[]) {
        for (const record of records) await put(record)
      },
    }
    const faults = await putRecords(io, stream, positionals.length > 0 ? positionals : ['-'], {
      newline: values.newline === true,
      records: values.records === true,
    })
    const report = await check.end()
    await io.write(values.json ? `${JSON.stringify(report)}\n` : text(report, io.terminal?.columns ?? 0))
    return report.rejected > 0 || faults > 0 ? 1 : 0
  } finally {
    check.stop()
  }
}

function text({ records, converted, rejected, rejections, losses, more }: ConversionReport, width: number): string {
  const parts = [`${count(records, 'record')}: ${converted.toLocaleString('en-US')} would be converted, ${rejected.toLocaleString('en-US')} rejected`]
  const part = (title: string, findings: readonly Finding[]) => {
    if (findings.length > 0) parts.push('', title, ...findingTable(findings, width))
  }
  part('rejected', rejections)
  part('lost or changed in records that would be converted', losses)
  if (more) parts.push('', 'there are further columns than those told apart here')
  return `${parts.join('\n')}\n`
}

/** What the two columns before it say already. */
const SAID = /^(Data does not match the schema|Encountered malformed JSON)\. (?=.)/

function findingTable(findings: readonly Finding[], width: number): string[] {
  const cells = (of: (finding: Finding) => string) => findings.map(of)
  return table(
    [
      { head: 'records', cells: cells(({ records }) => records.toLocaleString('en-US')), right: true },
      { head: 'first', cells: cells(({ first }) => String(first)), right: true },
      { head: 'what', cells: cells(({ kind }) => kind) },
      { head: 'column', cells: cells(({ column }) => (column === undefined ? '-' : visible(column))), least: 16 },
      { head: 'example', cells: cells(({ example }) => visible(example.replace(SAID, ''))), least: 20 },
    ],
    width,
  )
}

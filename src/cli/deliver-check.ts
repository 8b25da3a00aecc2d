// millrace deliver --check: which records a delivery stream's record format conversion would reject or change.
import { jsonFault, MillraceError } from '../errors.js'
import { type ConversionReport, checkConversion, type Finding } from '../firehose/conversion/check.js'
import { readStream } from '../firehose/delivery/config/stream.js'
import { type Io, UsageError, type Values } from './command.js'
import { count } from './figures.js'
import { readInputs } from './input.js'
import { lineBatches } from './lines.js'
import { visible } from './places.js'
import { readSchemaText } from './sample.js'
import { table } from './table.js'

/** What the command takes for it. */
export const options = {
  check: { type: 'boolean' },
  schema: { type: 'string' },
} as const

/** Their lines in its help. */
export const help = `      --check            writes nothing: tells which records the record format conversion of
                         the configuration would reject, and what it would silently lose or
                         change in the others (fields of no column, digits, forms of values).
                         IN or standard input, a record a line; exit 1 where one is rejected.
                         With --json each of these as a line, and the report as the last one
      --schema FILE      the table that records are converted by: what aws glue get-table
                         prints, DDL, or JSON as millrace schema prints it
`

/** Gives the exit code. `records`: in place of the lines of the inputs. */
export async function check(values: Values, positionals: string[], io: Io, records?: AsyncIterable<Uint8Array>): Promise<number> {
  const { config, schema, json } = values
  if (typeof config !== 'string') throw new UsageError('--check expected --config FILE')
  if (typeof schema !== 'string') throw new UsageError('--check expected --schema FILE, the table that records are converted by')
  const conversion = conversionOf(await readSchemaText(io, config), config)
  const options = json ? { onRejected: ({ index, ...why }: { index: number }) => io.write(`${JSON.stringify({ record: index, ...why })}\n`) } : {}
  const report = await checked(
    checkConversion(records ?? lines(io, positionals.length > 0 ? positionals : ['-']), conversion, await readSchemaText(io, schema), options),
    { config, schema },
  )
  await io.write(json ? `${JSON.stringify(report)}\n` : text(report, io.terminal?.columns ?? 0))
  return report.rejected > 0 ? 1 : 0
}

/** The conversion of a stream's configuration, or the configuration of a conversion alone. */
function conversionOf(text: string, source: string): object {
  const fault = (message: string) => new MillraceError('BAD_INPUT', message, { position: { source } })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fault(`expected a configuration as JSON: ${jsonFault(error)}`)
  }
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'OutputFormatConfiguration')) return value
  let conversion: object | undefined
  try {
    conversion = readStream(value).conversion
  } catch (error) {
    throw fault((error as Error).message)
  }
  if (!conversion) throw fault('expected a delivery stream with DataFormatConversionConfiguration, got one without')
  return conversion
}

/** What is wrong in a file is no wrong argument here. */
async function checked(report: Promise<ConversionReport>, { config, schema }: { config: string; schema: string }): Promise<ConversionReport> {
  try {
    return await report
  } catch (error) {
    const message = (error as Error).message
    if (error instanceof MillraceError ? error.code !== 'CONFIG' : !(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new MillraceError('BAD_INPUT', message, { position: { source: message.startsWith('"options.table') ? schema : config }, cause: error })
  }
}

/** Lines that are not blank. */
async function* lines(io: Io, inputs: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const input of inputs) {
    const pieces = async function* () {
      for await (const { bytes } of readInputs(io, [input])) yield bytes.slice()
    }
    for await (const { bytes, offset, fault } of lineBatches(pieces())) {
      if (fault !== undefined) throw new MillraceError('BAD_INPUT', fault, { position: { source: input, offset } })
      for (let at = 0; at < bytes.length; ) {
        const feed = bytes.indexOf(10, at)
        const end = feed < 0 ? bytes.length : feed
        const line = bytes.subarray(at, end)
        if (line.some((byte) => byte > 0x20)) yield line
        at = end + 1
      }
    }
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

function findingTable(findings: readonly Finding[], width: number): string[] {
  const cells = (of: (finding: Finding) => string) => findings.map(of)
  return table(
    [
      { head: 'records', cells: cells(({ records }) => records.toLocaleString('en-US')), right: true },
      { head: 'first', cells: cells(({ first }) => String(first)), right: true },
      { head: 'what', cells: cells(({ kind }) => kind) },
      { head: 'column', cells: cells(({ column }) => (column === undefined ? '-' : visible(column))), least: 16 },
      { head: 'example', cells: cells(({ example }) => visible(example)), least: 20 },
    ],
    width,
  )
}

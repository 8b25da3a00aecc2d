// What millrace parquet says at its end: what was written, what was not and why, and of each column.
import type { ColumnSummary, ParquetSummary } from '../parquet/index.js'
import type { Io } from './command.js'
import { count, grouped, place, size } from './figures.js'
import { table } from './table.js'

export interface Report {
  /** Where it went, in words. */
  where: string
  summary: ParquetSummary
  read: number
  seconds: number
  /** The file of bad records. */
  target: string | undefined
}

/** Of more columns than this the largest are shown; of reasons the most frequent. */
const COLUMNS = 20
const REASONS = 10

export function report(io: Io, { where, summary, read, seconds, target }: Report): void {
  const { rows, rowGroups, bytes, badRecords, badByReason, columns } = summary
  const speed = seconds > 0 ? `, ${Math.round(read / 1e6 / seconds)} MB/s` : ''
  const left = badRecords > 0 ? `; ${count(badRecords, 'bad record')} ${target ? `in ${target}` : 'skipped'}` : ''
  io.log(`${where}: ${count(rows, 'row')} in ${count(rowGroups, 'row group')}, ${size(bytes)} from ${size(read)} in ${seconds.toFixed(1)} s${speed}${left}`)
  for (const line of reasons(badByReason)) io.log(line)
  if (rows === 0) return
  io.log('')
  const [head, ...lines] = columnTable(columns, io.columns)
  io.log(io.color ? `\x1b[1m${head}\x1b[22m` : head)
  for (const line of lines) io.log(line)
}

function reasons(badByReason: Record<string, number>): string[] {
  const most = Object.entries(badByReason).sort((a, b) => b[1] - a[1])
  const shown = most.slice(0, REASONS)
  const width = Math.max(0, ...shown.map(([, n]) => grouped(n).length))
  const lines = shown.map(([reason, n]) => `  ${grouped(n).padStart(width)}  ${place(reason)}`)
  return most.length > REASONS ? [...lines, `  and ${count(most.length - REASONS, 'more reason')}`] : lines
}

function columnTable(columns: readonly ColumnSummary[], width: number): string[] {
  const total = Math.max(1, sum(columns))
  const shown = [...columns].sort((a, b) => b.compressedBytes - a.compressedBytes).slice(0, COLUMNS)
  const share = (bytes: number) => `${((100 * bytes) / total).toFixed(1)} %`
  const cells = (of: (column: ColumnSummary) => string) => shown.map(of)
  const lines = table(
    [
      { head: 'column', cells: cells(({ column }) => place(column)), least: 16 },
      { head: 'type', cells: cells(({ type }) => type), drop: 4 },
      { head: 'nulls', cells: cells(({ nulls }) => grouped(nulls)), right: true, drop: 3 },
      { head: 'distinct', cells: cells(distinct), right: true, drop: 2 },
      { head: 'encodings', cells: cells(({ encodings }) => encodings.join(', ')), least: 10, drop: 1 },
      { head: 'compressed', cells: cells(({ compressedBytes }) => size(compressedBytes)), right: true },
      { head: 'share', cells: cells(({ compressedBytes }) => share(compressedBytes)), right: true },
    ],
    width,
  )
  if (columns.length <= COLUMNS) return lines
  const rest = sum(columns) - sum(shown)
  return [...lines, `and ${columns.length - COLUMNS} more, ${size(rest)}, ${share(rest)}`]
}

const sum = (columns: readonly ColumnSummary[]) => columns.reduce((bytes, { compressedBytes }) => bytes + compressedBytes, 0)
function distinct({ distinct, distinctAtLeast }: ColumnSummary): string {
  if (distinct !== undefined) return grouped(distinct)
  return distinctAtLeast === undefined ? '-' : `>= ${grouped(distinctAtLeast)}`
}

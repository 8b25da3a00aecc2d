// What the demo found, for a person and for a program.
import type { Verdict } from './check.js'
import { count, megabytes, rate, type Stage } from './meter.js'

export interface Report {
  rows: number
  stages: Stage[]
  /** PUT payload units of the stream, had each record been sent alone, and as they were sent. */
  units: { before: number; after: number; dollarsPerMillion: number }
  files: { ndjsonBytes: number; kinesisRecords: number; kinesisBytes: number; parquetFiles: number; parquetBytes: number; chunks: number; chunkBytes: number }
  peakBytes: number
  seconds: number
  verdict: Verdict
}

/** Equal in every row and every sum. */
export const verified = ({ verdict, rows }: Report): boolean => verdict.differences.length === 0 && verdict.equal === rows && verdict.read === rows

export function table(report: Report): string {
  const { stages, units, files, verdict } = report
  const head = ['stage', 'records', 'MB in', 'MB out', 'seconds', 'MB/s']
  const rows = stages.map((s) => [
    s.name,
    s.unit === 'records' ? count(s.records) : `${count(s.records)} ${s.unit}`,
    megabytes(s.bytesIn),
    s.bytesOut > 0 ? megabytes(s.bytesOut) : '-',
    (s.milliseconds / 1000).toFixed(2),
    rate(s.bytesIn, s.milliseconds),
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)))
  const line = (cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i] + 2))).join('')
  const dollars = (n: number, digits: number) => `$${((n * units.dollarsPerMillion) / 1e6).toFixed(digits)}`
  const perBillion = (n: number) => dollars((n / report.rows) * 1e9, 2)
  return [
    '',
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    '',
    `PUT payload units   ${count(units.before)} one by one, ${count(units.after)} aggregated`,
    `their price         ${dollars(units.before, 6)} -> ${dollars(units.after, 6)}; for a billion such records ${perBillion(units.before)} -> ${perBillion(units.after)}`,
    `                    (provisioned stream, $${units.dollarsPerMillion} a million units)`,
    `NDJSON              ${megabytes(files.ndjsonBytes)} MB`,
    `Kinesis             ${count(files.kinesisRecords)} records, ${megabytes(files.kinesisBytes)} MB`,
    `Parquet             ${count(files.parquetFiles)} files, ${megabytes(files.parquetBytes)} MB`,
    `Snowball            ${count(files.chunks)} tar chunk${files.chunks === 1 ? '' : 's'}, ${megabytes(files.chunkBytes)} MB`,
    `whole run           ${report.seconds.toFixed(1)} s, at most ${megabytes(report.peakBytes)} MB of memory`,
    '',
    ...verdict.differences.slice(0, 20).map((difference) => `DIFFERS ${difference}`),
    ...(verdict.differences.length > 20 ? [`... and ${verdict.differences.length - 20} more`] : []),
    `${verified(report) ? 'verified' : 'NOT VERIFIED'}: ${count(verdict.equal)} of ${count(verdict.expected)} rows, ${count(verdict.origins)} origins, by DuckDB`,
    '',
  ].join('\n')
}

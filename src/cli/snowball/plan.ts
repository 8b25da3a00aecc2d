// millrace snowball plan: what would go where, as NDJSON.

import { createHiddenFile } from '../../parquet/file/sink.js'
import { formatLines } from '../../snowball/lines.js'
import { folderOf, join } from '../../snowball/paths.js'
import type { PlanOptions, PlanProgress } from '../../snowball/plan/options.js'
import type { PlanEnd, PlanLine } from '../../snowball/plan/planned.js'
import { planLines } from '../../snowball/plan/write.js'
import { inputOutput } from '../../snowball/read.js'
import { type Io, UsageError, type Values } from '../command.js'
import { grouped, place, short, size } from '../figures.js'
import { type Done, drawLine, fitting } from '../live.js'
import { table } from '../table.js'
import { isDirectory, planning, text } from './options.js'

export async function planned(path: string, values: Values, io: Io): Promise<number> {
  const output = text(values.output)
  const given = { ...planning(values), ...(await sourceOf(path, values, io)) }
  const start = io.ports.clock.monotonic()
  let progress: PlanProgress = { entries: 0, directories: 0, files: 0, bytes: 0, left: {}, largest: { path: '', entries: 0 } }
  const end = drawLine(
    io,
    () => ({ records: progress.entries, bytes: progress.bytes }),
    (rate, columns) => liveLine(progress, rate, columns),
  )
  try {
    const options = {
      ...given,
      ports: io.ports,
      signal: io.signal,
      onProgress(now: PlanProgress) {
        progress = now
      },
    }
    const last = await write(options, output, io)
    end()
    const { type: _, ...counts } = last
    const { entries, directories, left, largest } = progress
    if (values.json && output !== undefined) await io.write(`${JSON.stringify({ ...counts, entries, directories, left, largest })}\n`)
    else if (!values.json) for (const line of closing(last, progress, (io.ports.clock.monotonic() - start) / 1000, io.columns)) io.log(line)
    return last.failed > 0 ? 1 : 0
  } catch (error) {
    throw inputOutput(error, path)
  } finally {
    end()
  }
}

/** A directory is walked; any other file is a list. */
async function sourceOf(path: string, values: Values, io: Io): Promise<Pick<PlanOptions, 'source' | 'list'>> {
  const source = text(values.source)
  const output = text(values.output)
  if (!(await isDirectory(io, path, 'a list'))) return { list: path, source }
  if (source !== undefined) throw new UsageError('plan takes --source with a list only')
  if (output !== undefined && output !== '-') await keepOut(io, path, output)
  return { source: path }
}

/** A plan that is written where it is made of would be one of its own files. */
async function keepOut({ ports: { storage } }: Io, source: string, output: string): Promise<void> {
  // what is not there is told by whoever comes to it
  const [folder, root] = await Promise.all([output.includes('/') ? folderOf(output) : '.', source].map((path) => storage.resolve(path).catch(() => '')))
  if (folder !== '' && root !== '' && join(folder, '').startsWith(join(root, '')))
    throw new UsageError(`--output expected a file outside of ${source}, which is planned, got ${output}`)
}

/** Writes the plan, and gives its last line. A file appears under its name when it is whole. */
async function write(options: PlanOptions, output: string | undefined, io: Io): Promise<PlanEnd> {
  const file = output === undefined || output === '-' ? undefined : await createHiddenFile(io.ports, output)
  try {
    let last: PlanLine | undefined
    for await (const lines of planLines(options)) {
      const bytes = formatLines(lines)
      await (file ? file.write(bytes) : io.write(bytes))
      last = lines.at(-1)
    }
    await file?.finish()
    await file?.commit()
    return last as PlanEnd
  } catch (error) {
    await file?.discard()
    throw error
  }
}

/** The figures needed most, as many as `columns` hold. */
function liveLine({ entries, files, bytes, directories, left }: PlanProgress, rate: Done, columns: number): string {
  const parts = [
    `${short(rate.records)} entries/s`,
    `${short(files)} files`,
    size(bytes),
    `${short(directories)} directories`,
    ...Object.entries(left).map(([reason, n]) => `${short(n)} ${reason}`),
    `${short(entries)} entries`,
  ]
  return fitting(parts, columns)
}

function closing(end: PlanEnd, { entries, directories, left, largest }: PlanProgress, seconds: number, columns: number): string[] {
  const rows: [string, string, string?][] = [
    ['members', grouped(end.members), size(end.bytes)],
    ['chunks', grouped(end.chunks), end.singles > 0 ? `${grouped(end.singles)} of a single file` : ''],
    ['devices', grouped(end.devices)],
    ...Object.entries(left).map(([reason, n]): [string, string, string] => [reason, grouped(n), 'in no chunk']),
    ['warnings', grouped(end.warnings), 'in the plan'],
    ['directories', grouped(directories), largest.entries > 0 ? `the largest has ${grouped(largest.entries)} entries: ${place(largest.path || '.')}` : ''],
  ]
  const shown = rows.filter(([, n]) => n !== '0')
  const rate = `${grouped(Math.round(entries / Math.max(seconds, 1e-3)))} entries/s`
  return table(
    [
      { head: 'planned', cells: shown.map(([what]) => what) },
      { head: '', cells: shown.map(([, n]) => n), right: true },
      {
        head: `${grouped(entries)} ${entries === 1 ? 'entry' : 'entries'} in ${seconds.toFixed(1)} s, ${rate}`,
        cells: shown.map(([, , more]) => more ?? ''),
        least: 20,
      },
    ],
    columns,
  )
}

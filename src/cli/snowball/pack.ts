// millrace snowball pack: a tree, or what a plan says, into chunks.
import { pack } from '../../snowball/pack/pack.js'
import type { PackProgress, PackSummary } from '../../snowball/pack/tally.js'
import { type Io, type Values, wholeOption } from '../command.js'
import { count, duration, grouped, place, seconds, short, size } from '../figures.js'
import { type Done, drawLine, fitting } from '../live.js'
import { table } from '../table.js'
import { needed, packing } from './options.js'
import { compressionOf, TARGET, targetOf } from './target.js'

/** The options of packing alone. */
export const PACKING = ['jobs', 'no-sync', ...TARGET]

export async function packed(path: string, values: Values, io: Io): Promise<number> {
  const output = needed(values, 'output', 'pack')
  const { clock } = io.ports
  const start = clock.monotonic()
  let progress: PackProgress | undefined
  /** Of a bucket that did not take the last request; until something is done again. */
  let waits = ''
  const end = drawLine(
    io,
    () => ({ records: progress?.members ?? 0, bytes: progress?.bytes ?? 0 }),
    (rate, columns) => {
      const parts = progress ? live(progress, rate, clock.monotonic() - start) : []
      return fitting(waits === '' ? parts : [waits, ...parts], columns)
    },
  )
  const store = targetOf(values, output, io, ({ attempt, message }) => {
    waits = `tries again after ${count(attempt, 'attempt')}: ${message}`
  })
  try {
    const summary = await pack({
      ...(await packing(path, values, io)),
      ...compressionOf(values),
      ...(store ? { store } : {}),
      output,
      concurrency: wholeOption(values, 'jobs', 1),
      sync: !values['no-sync'],
      ports: io.ports,
      signal: io.signal,
      onProgress(now) {
        progress = now
        waits = ''
      },
    })
    end()
    const { failures, ...counts } = summary
    for (const { path, reason, message } of failures) io.log(`${place(path)}: ${reason}: ${message}`)
    if (summary.failed > failures.length) io.log(`... and ${summary.failed - failures.length} more; all are in the manifest`)
    if (values.json) await io.write(`${JSON.stringify(counts)}\n`)
    else for (const line of closing(summary, store !== undefined, clock.monotonic() - start, io.columns)) io.log(line)
    return summary.failed > 0 ? 1 : 0
  } finally {
    end()
    store?.close()
  }
}

/** The figures, those needed most first. */
function live({ chunks, members, bytes, left, planned }: PackProgress, rate: Done, milliseconds: number): string[] {
  const more = planned.whole ? '' : '+'
  return [
    `chunk ${short(Math.min(chunks + 1, planned.chunks))} of ${short(planned.chunks)}${more}`,
    `${short(rate.records)} files/s`,
    `${size(rate.bytes)}/s`,
    ...(planned.whole && bytes > 0 ? [`${duration(((milliseconds / 1000) * Math.max(0, planned.bytes - bytes)) / bytes)} left`] : []),
    `${short(members)} of ${short(planned.members)}${more} files`,
    size(bytes),
    ...Object.entries(left).map(([reason, n]) => `${short(n)} ${reason}`),
  ]
}

function closing({ chunks, objects, members, bytes, reused, left }: PackSummary, stored: boolean, milliseconds: number, columns: number): string[] {
  const each = Math.max(milliseconds / 1000, 1e-3)
  const rows: [string, string, string][] = [
    ['files', grouped(members), `${size(bytes)}, ${grouped(Math.round(members / each))} files/s, ${size(Math.round(bytes / each))}/s`],
    ['chunks', grouped(chunks), ''],
    ['objects', grouped(objects), 'large files, as they are'],
    ['reused', grouped(reused), `of an earlier run, ${stored ? 'found in the bucket' : 'hashed again'}`],
    ...Object.entries(left).map(([reason, n]): [string, string, string] => [reason, grouped(n), 'in no chunk']),
  ]
  const shown = rows.filter(([what, n]) => n !== '0' || what === 'files' || what === 'chunks')
  return table(
    [
      { head: 'packed', cells: shown.map(([what]) => what) },
      { head: '', cells: shown.map(([, n]) => n), right: true },
      { head: `in ${seconds(milliseconds)}`, cells: shown.map(([, , more]) => more), least: 20 },
    ],
    columns,
  )
}

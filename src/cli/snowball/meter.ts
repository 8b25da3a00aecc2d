// The progress and closing lines of work on files.
import type { Io } from '../command.js'
import { count, duration, grouped, size } from '../figures.js'
import { fitting } from '../live.js'
import { table } from '../table.js'

/** Seconds after which what is left is said: sooner it is not known. */
const ETA_AFTER = 1

/** Files and bytes a second: a progress line now and then, a closing line with a table below it. */
export function meter(io: Io, verb: string) {
  const { clock } = io.ports
  const start = clock.monotonic()
  let last = start
  /** Where the bytes began that are told now: a second pass counts from 0 again. */
  let begun = start
  let told = 0
  const since = (from: number) => Math.max((clock.monotonic() - from) / 1000, 1e-3)
  const rates = (files: number, bytes: number, seconds: number) => [`${grouped(Math.round(files / seconds))} files/s`, `${size(Math.round(bytes / seconds))}/s`]
  return {
    /** `what`: where it is, such as the chunk; `total`: bytes at the end, where they are known. */
    tell(files: number, bytes: number, what: string, total = 0) {
      const now = clock.monotonic()
      if (now - last < 100) return
      if (bytes < told) begun = last
      last = now
      told = bytes
      const seconds = since(begun)
      const parts = [`${verb} ${count(files, 'file')}`]
      if (total > 0) parts.push(`${Math.floor((100 * Math.min(bytes, total)) / total)} %`)
      if (total > 0 && bytes > 0 && seconds >= ETA_AFTER) parts.push(`${duration((seconds * Math.max(0, total - bytes)) / bytes)} left`)
      io.progress(fitting([...parts, ...rates(files, bytes, seconds), size(bytes), what], io.columns - 1))
    },
    /** `json`: what goes to stdout in place of the line; `figures`: the row of a table, by the heads of its columns. */
    async done(files: number, bytes: number, what: string, json: object | undefined, figures: Record<string, string> = {}) {
      io.progress('')
      if (json) await io.write(`${JSON.stringify(json)}\n`)
      else {
        const seconds = since(start)
        io.log(`${verb} ${count(files, 'file')}, ${size(bytes)} in ${seconds.toFixed(1)} s (${rates(files, bytes, seconds).join(', ')}): ${what}`)
      }
      const columns = Object.entries(figures).map(([head, cell]) => ({ head, cells: [cell], right: true }))
      if (!json && columns.length > 0) for (const line of table(columns, io.columns)) io.log(line)
    },
  }
}

/** Figures of a table by kinds of problems. */
export const byKind = (kinds: Partial<Record<string, number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(kinds).map(([kind, n]) => [kind, grouped(n ?? 0)]))

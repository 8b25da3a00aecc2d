// The progress and closing lines of work on files.
import type { Io } from '../command.js'
import { count, duration, grouped, size } from '../figures.js'
import { table } from '../table.js'

/** Seconds after which what is left is said: sooner it is not known. */
const ETA_AFTER = 1

/** Files and bytes a second: a progress line now and then, a closing line with a table below it. */
export function meter(io: Io, verb: string) {
  const { clock } = io.ports
  const start = clock.monotonic()
  let last = start
  const taken = () => Math.max((clock.monotonic() - start) / 1000, 1e-3)
  const rates = (files: number, bytes: number) => {
    const seconds = taken()
    return `${count(files, 'file')}, ${size(bytes)} in ${seconds.toFixed(1)} s (${Math.round(files / seconds)} files/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s)`
  }
  return {
    /** `what`: where it is, such as the chunk; `total`: bytes at the end, where they are known. */
    tell(files: number, bytes: number, what: string, total = 0) {
      const now = clock.monotonic()
      if (now - last < 100) return
      last = now
      const parts = [`${verb} ${rates(files, bytes)}`]
      if (total > 0) parts.push(`${Math.floor((100 * Math.min(bytes, total)) / total)} %`)
      if (total > 0 && bytes > 0 && taken() >= ETA_AFTER) parts.push(`${duration((taken() * Math.max(0, total - bytes)) / bytes)} left`)
      io.progress([...parts, what].join(', '))
    },
    /** `json`: what goes to stdout in place of the line; `figures`: the row of a table, by the heads of its columns. */
    async done(files: number, bytes: number, what: string, json: object | undefined, figures: Record<string, string> = {}) {
      io.progress('')
      if (json) await io.write(`${JSON.stringify(json)}\n`)
      else io.log(`${verb} ${rates(files, bytes)}: ${what}`)
      const columns = Object.entries(figures).map(([head, cell]) => ({ head, cells: [cell], right: true }))
      if (!json && columns.length > 0) for (const line of table(columns, io.columns)) io.log(line)
    },
  }
}

/** Figures of a table by kinds of problems. */
export const byKind = (kinds: Partial<Record<string, number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(kinds).map(([kind, n]) => [kind, grouped(n ?? 0)]))

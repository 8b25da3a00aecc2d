// The progress and closing lines of work on files.
import type { Io } from '../command.js'
import { count, size } from '../figures.js'

/** Files and bytes a second: a progress line now and then, a closing line. */
export function meter(io: Io, verb: string) {
  const { clock } = io.ports
  const start = clock.monotonic()
  let last = start
  const rates = (files: number, bytes: number) => {
    const seconds = Math.max((clock.monotonic() - start) / 1000, 1e-3)
    return `${count(files, 'file')}, ${size(bytes)} in ${seconds.toFixed(1)} s (${Math.round(files / seconds)} files/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s)`
  }
  return {
    tell(files: number, bytes: number, what: string) {
      const now = clock.monotonic()
      if (now - last < 100) return
      last = now
      io.progress(`${verb} ${rates(files, bytes)}, ${what}`)
    },
    async done(files: number, bytes: number, what: string, json: object | undefined) {
      io.progress('')
      if (json) await io.write(`${JSON.stringify(json)}\n`)
      else io.log(`${verb} ${rates(files, bytes)}: ${what}`)
    },
  }
}

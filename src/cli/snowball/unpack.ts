// millrace snowball unpack: chunks back into files.

import { unpack } from '../../snowball/unpack/unpack.js'
import type { Io, Values } from '../command.js'
import { count } from '../figures.js'
import { meter } from './meter.js'
import { needed } from './options.js'

export async function unpacked(output: string, values: Values, io: Io): Promise<number> {
  const directory = needed(values, 'directory', 'unpack')
  const rate = meter(io, 'unpacked')
  const summary = await unpack({
    output,
    directory,
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, files, bytes }) => rate.tell(files, bytes, chunk),
  })
  for (const { chunk, name, message } of summary.problems) io.log(`${chunk}: ${JSON.stringify(name)}: ${message}`)
  await rate.done(summary.files, summary.bytes, count(summary.problems.length, 'problem'), values.json ? summary : undefined)
  return summary.problems.length > 0 ? 1 : 0
}

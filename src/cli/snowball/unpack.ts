// millrace snowball unpack: chunks back into files.

import { unpack } from '../../snowball/unpack/unpack.js'
import type { Io, Values } from '../command.js'
import { count, grouped, size } from '../figures.js'
import { meter } from './meter.js'
import { needed } from './options.js'

export async function unpacked(output: string, values: Values, io: Io, keys: readonly string[]): Promise<number> {
  const directory = needed(values, 'directory', 'unpack')
  const rate = meter(io, 'unpacked')
  const summary = await unpack({
    output,
    directory,
    keys: keys.length > 0 ? keys : undefined,
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, files, bytes }) => rate.tell(files, bytes, chunk),
  })
  const { files, bytes, problems, problemCount } = summary
  for (const { chunk, name, message } of problems) io.log(`${chunk === '' ? '' : `${chunk}: `}${JSON.stringify(name)}: ${message}`)
  if (problemCount > problems.length) io.log(`... and ${grouped(problemCount - problems.length)} more`)
  const figures = { files: grouped(files), size: size(bytes), problems: grouped(problemCount) }
  await rate.done(files, bytes, count(problemCount, 'problem'), values.json ? summary : undefined, figures)
  return problemCount > 0 ? 1 : 0
}

// millrace snowball verify: chunks against their manifest, and the tree.

import { verify } from '../../snowball/manifest/verify.js'
import type { Io, Values } from '../command.js'
import { count } from '../figures.js'
import { meter } from './meter.js'
import { text } from './options.js'

export async function verified(output: string, values: Values, io: Io): Promise<number> {
  const rate = meter(io, 'verified')
  const summary = await verify({
    output,
    source: text(values.source),
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, members, bytes }) => rate.tell(members, bytes, chunk),
  })
  for (const { where, message } of summary.problems) io.log(`${where}: ${message}`)
  if (summary.problemCount > summary.problems.length) io.log(`... and ${summary.problemCount - summary.problems.length} more`)
  await rate.done(
    summary.members,
    summary.bytes,
    `${count(summary.chunks, 'chunk')}, ${count(summary.problemCount, 'problem')}`,
    values.json ? summary : undefined,
  )
  return summary.problemCount > 0 ? 1 : 0
}

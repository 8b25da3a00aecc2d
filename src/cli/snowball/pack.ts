// millrace snowball pack: a tree, or what a plan says, into chunks.

import { pack } from '../../snowball/pack/pack.js'
import type { Io, Values } from '../command.js'
import { count } from '../figures.js'
import { meter } from './meter.js'
import { needed, packing } from './options.js'

export async function packed(path: string, values: Values, io: Io): Promise<number> {
  const output = needed(values, 'output', 'pack')
  const rate = meter(io, 'packed')
  const summary = await pack({
    ...(await packing(path, values, io)),
    output,
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, members, bytes, failed }) => rate.tell(members, bytes, `${chunk}${failed > 0 ? `, ${failed} failed` : ''}`),
  })
  const { failures, ...counts } = summary
  for (const { path, reason, message } of failures) io.log(`${path}: ${reason}: ${message}`)
  if (summary.failed > failures.length) io.log(`... and ${summary.failed - failures.length} more; all are in the manifest`)
  const rest = [
    count(summary.chunks, 'chunk'),
    summary.reused > 0 && `${summary.reused} of them kept`,
    `${summary.skipped} skipped`,
    `${summary.failed} failed`,
  ]
  await rate.done(summary.members, summary.bytes, rest.filter(Boolean).join(', '), values.json ? counts : undefined)
  return summary.failed > 0 ? 1 : 0
}

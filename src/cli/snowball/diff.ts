// millrace snowball diff: two manifests, their differences as NDJSON.

import { type Difference, diff } from '../../snowball/verify/diff.js'
import type { Io, Values } from '../command.js'
import { grouped } from '../figures.js'
import { table } from '../table.js'

const BATCH = 1000

export async function compared(from: string, values: Values, io: Io, [to]: readonly string[]): Promise<number> {
  const counts: Record<Difference['type'], number> = { added: 0, removed: 0, changed: 0, moved: 0 }
  let lines: string[] = []
  let found = 0
  for await (const difference of diff({ from, to, ports: io.ports, signal: io.signal })) {
    counts[difference.type]++
    found++
    if (lines.push(`${JSON.stringify(difference)}\n`) < BATCH) continue
    await io.write(lines.join(''))
    lines = []
    io.progress(`found ${grouped(found)} differences`)
  }
  io.progress('')
  if (values.json) lines.push(`${JSON.stringify({ type: 'end', ...counts })}\n`)
  await io.write(lines.join(''))
  if (!values.json) {
    const columns = Object.entries(counts).map(([head, n]) => ({ head, cells: [grouped(n)], right: true }))
    for (const line of table(columns, io.columns)) io.log(line)
  }
  return found > 0 ? 1 : 0
}

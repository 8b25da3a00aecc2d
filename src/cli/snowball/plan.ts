// millrace snowball plan: what would go where, as NDJSON.

import { plan } from '../../snowball/plan/plan.js'
import { inputOutput } from '../../snowball/read.js'
import type { Io, Values } from '../command.js'
import { planOptions } from './options.js'

export async function planned(source: string, values: Values, io: Io): Promise<number> {
  let failed = 0
  try {
    for await (const item of plan({ ...planOptions(source, values), ports: io.ports })) {
      if (item.type === 'chunk') {
        const { members, ...chunk } = item
        const lines = [{ ...chunk, members: members.length }, ...members.map((member) => ({ type: 'member', chunk: item.chunk, ...member }))]
        await io.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      } else {
        if (item.type === 'failed') failed++
        await io.write(`${JSON.stringify(item)}\n`)
      }
    }
  } catch (error) {
    throw inputOutput(error, source)
  }
  return failed > 0 ? 1 : 0
}

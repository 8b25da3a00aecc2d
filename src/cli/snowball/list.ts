// millrace snowball list: members as NDJSON.

import { list } from '../../snowball/unpack/list.js'
import type { Io, Values } from '../command.js'

export async function listed(output: string, _: Values, io: Io): Promise<number> {
  let lines: string[] = []
  for await (const { chunk, kind, name, size, dataAt } of list({ output, ports: io.ports })) {
    io.signal.throwIfAborted()
    const place = chunk === '' ? { object: true } : { chunk }
    lines.push(`${JSON.stringify({ ...place, ...(kind === 'file' ? {} : { kind }), key: name, size, ...(chunk === '' ? {} : { offset: dataAt }) })}\n`)
    if (lines.length === 1000) {
      await io.write(lines.join(''))
      lines = []
    }
  }
  await io.write(lines.join(''))
  return 0
}

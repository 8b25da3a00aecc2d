// A kernel of lines over one record, each byte a character.
import { type TransformEngine, transformBytes } from '../../src/engine/transform.js'
import { DROPPED, OK } from '../../src/engine/transform-core.js'

/** The output, '' where the record was dropped, or the reason and position. */
export function runLines(engine: TransformEngine, kernel: number, record: string, options = 0): string | [number, number] {
  let out: string | [number, number] = [-1, -1]
  transformBytes(
    [Buffer.from(record, 'latin1')],
    { kernel, options, delimiter: Buffer.from('\n') },
    (_, status, output, reason, position) => {
      out = status === OK ? Buffer.from(output as Uint8Array).toString('latin1') : status === DROPPED ? '' : [reason, position]
    },
    engine,
  )
  return out
}

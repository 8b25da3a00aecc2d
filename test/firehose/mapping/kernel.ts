// The mapping kernel alone, and beside the oracle.
import { isDeepStrictEqual } from 'node:util'
import { type TransformEngine, transformBytes } from '../../../src/engine/transform.js'
import { BAD_INPUT, DROPPED, KERNEL_MAPPING, OK } from '../../../src/engine/transform-core.js'
import { compileMapping } from '../../../src/firehose/mapping/compile.js'
import type { FirehoseMapping } from '../../../src/firehose/mapping/mapping.js'
import { compact, type Mapped, mapped } from './oracle.js'

const encoder = new TextEncoder()

/** What becomes of each record. */
export function runMapping(engine: TransformEngine, mapping: FirehoseMapping, records: readonly Uint8Array[]): Mapped[] {
  const { program } = compileMapping(mapping)
  const out: Mapped[] = []
  transformBytes(
    records,
    { kernel: KERNEL_MAPPING, options: program, delimiter: encoder.encode('\n') },
    (i, status, output, _reason, _position, metadata) => {
      if (status === OK) out[i] = { output: Buffer.from(output as Uint8Array).toString(), metadata }
      else if (status === DROPPED || status === BAD_INPUT) out[i] = status === DROPPED ? 'dropped' : 'failed'
      else throw new Error(`status ${status}`)
    },
    engine,
  )
  return out
}

/** Of the white space in edited values, and so of the quotes of their cells, the oracle knows nothing. */
export const bare = ({ format }: FirehoseMapping, text: string): string => (format === 'csv' ? text.replace(/[ \t\r\n"]/g, '') : compact(text))

/** The records of which kernel and oracle make something else. */
export function differences(engine: TransformEngine, mapping: FirehoseMapping, records: readonly Uint8Array[]): object[] {
  const plain = (m: Mapped) => (typeof m === 'string' ? m : { ...m, output: bare(mapping, m.output) })
  return runMapping(engine, mapping, records).flatMap((ours, i) => {
    const want = mapped(records[i], mapping)
    return isDeepStrictEqual(plain(ours), plain(want)) ? [] : [{ record: Buffer.from(records[i]).toString(), ours, want }]
  })
}

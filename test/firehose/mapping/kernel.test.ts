import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TransformEngine, transformBytes } from '../../../src/engine/transform.js'
import { BAD_INPUT, DROPPED, KERNEL_MAPPING, OK } from '../../../src/engine/transform-core.js'
import { compileMapping } from '../../../src/firehose/mapping/compile.js'
import type { FirehoseMapping } from '../../../src/firehose/mapping/mapping.js'
import { transformBuilds } from '../../builds.js'
import { mappingsAndRecords } from './generate.js'
import { compact, mapped } from './oracle.js'

const encoder = new TextEncoder()

function run(engine: TransformEngine, mapping: FirehoseMapping, ...records: (string | Uint8Array)[]) {
  const { program } = compileMapping(mapping)
  const out: { output: string; metadata: string | undefined; reason: number; position: number }[] = []
  const work = { kernel: KERNEL_MAPPING, options: program, delimiter: encoder.encode('\n') }
  transformBytes(
    records.map((r) => (typeof r === 'string' ? encoder.encode(r) : r)),
    work,
    (i, status, output, reason, position, metadata) => {
      const text = status === OK ? Buffer.from(output as Uint8Array).toString() : status === DROPPED ? 'dropped' : status === BAD_INPUT ? 'failed' : `${status}`
      out[i] = { output: text, metadata, reason, position }
    },
    engine,
  )
  return out
}

describe.each(transformBuilds)('%s', (_, engine) => {
  const texts = (mapping: FirehoseMapping, ...records: (string | Uint8Array)[]) => run(engine, mapping, ...records).map(({ output }) => output)

  it('copies what no part of the mapping names byte for byte', () => {
    const record = '{ "a" : 1.50e+3,\t"b":[ 1 , {"c" : "\\u0061" } ], "d":"é\ud83d\ude00\\ud800" }'
    expect(texts({}, record)).toEqual([`${record}\n`])
    expect(texts({ add: { x: 1 }, redact: ['/b/1/c'] }, record)).toEqual(['{ "a" : 1.50e+3,\t"b":[ 1 , {"c" : null } ], "d":"é\ud83d\ude00\\ud800" ,"x":1}\n'])
  })

  it('does with generated mappings and records what the oracle does', () => {
    fc.assert(
      fc.property(mappingsAndRecords, ({ mapping, records }) => {
        const ours = run(engine, mapping, ...records)
        records.forEach((record, i) => {
          const want = mapped(record, mapping)
          const { output, metadata } = ours[i]
          const got = output === 'dropped' || output === 'failed' ? output : { output, metadata }
          // of the white space in edited values, and so of the quotes of their cells, the oracle knows nothing
          const bare = mapping.format === 'csv' ? (text: string) => text.replace(/[ \t\r\n"]/g, '') : compact
          const plain = (m: typeof want) => (typeof m === 'string' ? m : { ...m, output: bare(m.output) })
          expect(plain(got)).toEqual(plain(want))
        })
      }),
      { numRuns: 2000 },
    )
  })
})

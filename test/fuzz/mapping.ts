// Differential fuzz of the mapping kernel against the oracle, on both builds: a case is a mapping and up to eight records.
import fc from 'fast-check'
import type { TransformEngine } from '../../src/engine/transform.js'
import { mappingsAndRecords } from '../firehose/mapping/generate.js'
import { differences } from '../firehose/mapping/kernel.js'

export function mappingDifference(builds: [string, TransformEngine][], seed: number): object | undefined {
  const [{ mapping, records }] = fc.sample(mappingsAndRecords, { seed, numRuns: 1 })
  for (const [build, engine] of builds) {
    const [first] = differences(engine, mapping, records)
    if (first) return { what: `the mapping kernel (${build}) and the oracle differ`, mapping, ...first }
  }
  return undefined
}

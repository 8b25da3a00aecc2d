// The de-aggregation in mode kcl beside the KCL's own class (Kcl.java). Needs Java 11 and the class path of
// software.amazon.kinesis:amazon-kinesis-client with what it depends on, and of javax.xml.bind:jaxb-api, which it
// needs for its own log of what it cannot read.
import { spawnSync } from 'node:child_process'
import { deaggregate } from '../../src/kinesis/aggregates/user-records.js'
import { randomAggregates } from './aggregates.js'

/** Batches of a run of Java. */
const BATCHES = 20_000

const base64 = (data: string | Uint8Array) => Buffer.from(data as Uint8Array).toString('base64')

/** Compares the Kinesis records of the cases from `seed` on; gives how many those were, and the first one that differs. */
export function kclDifference(classPath: string, seed: number): { cases: number; difference?: object } {
  const inputs = Array.from({ length: BATCHES }, (_, i) => {
    const { records, ranges } = randomAggregates(seed + i)
    return records.map((record, k) => ({ seed: seed + i, record, range: ranges[k] }))
  }).flat()
  const input = inputs.flatMap(({ record, range }) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(record.length)
    return [size, record, Buffer.from(range.map((k) => k.toString(16).padStart(32, '0')).join(''), 'hex')]
  })
  const java = spawnSync('java', ['-cp', classPath, 'test/fuzz/Kcl.java'], {
    input: Buffer.concat(input),
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  if (java.status !== 0) throw new Error(`java ended with ${java.status ?? java.error}`)
  const theirs = java.stdout.toString().split('\n')
  const ours: string[][] = inputs.map(() => [])
  const opened = deaggregate(
    inputs.map(({ record }, i) => ({ Data: record, PartitionKey: 'outer', SequenceNumber: String(i) })),
    { mode: 'kcl', range: inputs.map(({ range: [StartingHashKey, EndingHashKey] }) => ({ StartingHashKey, EndingHashKey })) },
  )
  for (const { sequenceNumber, aggregated, subSequenceNumber, partitionKey = '', explicitHashKey, data } of opened) {
    const hash = explicitHashKey === undefined ? '-' : base64(explicitHashKey)
    ours[Number(sequenceNumber)].push([aggregated, subSequenceNumber, base64(partitionKey), hash, base64(data)].join(','))
  }
  const at = inputs.findIndex((_, i) => ours[i].join(';') !== theirs[i])
  if (at < 0) return { cases: inputs.length }
  const { seed: own, record, range } = inputs[at]
  return {
    cases: at,
    difference: { what: 'the KCL differs', seed: own, record: record.toString('hex'), range: String(range), ours: ours[at], theirs: theirs[at] },
  }
}

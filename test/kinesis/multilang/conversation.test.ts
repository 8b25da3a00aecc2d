// What the MultiLangDaemon of amazon-kinesis-client-multilang 3.1.3 and `millrace kcl` said to each other over
// kinesis-local and dynalite, one shard through a split and one to the daemon's end ("> " the daemon,
// "< " millrace). Taken down in a run like that of kcl.test.ts, of 60 records that our producer had aggregated.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openDaemon } from '../../../src/kinesis/multilang/messages.js'
import { runProcessor } from '../../../src/kinesis/multilang/processor.js'
import type { KclRecord } from '../../../src/kinesis/multilang/records.js'
import { createSimulation } from '../../../src/ports/simulated.js'

const shards = readFileSync(new URL('conversation.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n\n')
  .map((lines) => lines.split('\n'))

describe.each(shards.map((lines, i) => ({ i, lines })))('the recorded conversation of shard $i', ({ i, lines }) => {
  it.each([{ size: 1 << 20 }, { size: 1 }, { size: 1000 }])('is held again, in pieces of $size bytes', async ({ size }) => {
    const left = [...lines]
    const told: unknown[] = []
    const seen: KclRecord[] = []
    async function* input() {
      for (let line = left[0]; line !== undefined; line = left[0]) {
        if (!line.startsWith('> ')) throw new Error(`the daemon waits for ${line}`)
        left.shift()
        const bytes = new TextEncoder().encode(`${line.slice(2)}\n`)
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
    }
    const write = async (text: string) => expect(text).toBe(`\n${left.shift()?.slice(2)}\n`)
    const simulation = createSimulation(1)
    const handler = {
      initialize: () => told.push('initialize'),
      records: (batch: readonly KclRecord[]) => void seen.push(...batch),
      shardEnded: () => told.push('shardEnded'),
      shutdownRequested: () => told.push('shutdownRequested'),
      leaseLost: () => told.push('leaseLost'),
    }
    const options = { ports: simulation, checkpointInterval: 0, signal: new AbortController().signal, log: () => {} }
    await simulation.run(runProcessor(handler, { ...options, daemon: openDaemon(input(), write) }))
    expect(left).toEqual([])
    expect(told).toEqual(i === 0 ? ['initialize', 'shardEnded'] : ['initialize', 'shutdownRequested', 'leaseLost'])

    const ids = seen.map((record) => (record.json() as { id: number }).id)
    expect(ids.length).toBeGreaterThan(10)
    expect(seen.filter(({ aggregated }) => aggregated).length).toBeGreaterThan(10)
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
    expect(new Set(ids).size).toBe(ids.length)
    for (const [at, { partitionKey }] of seen.entries()) expect(partitionKey).toBe(`key-${ids[at] % 37}${ids[at] % 37 === 5 ? '-ü' : ''}`)
  })
})

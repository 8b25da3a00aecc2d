import { describe, expect, it } from 'vitest'
import { putRecords, ROW_WORDS } from '../../src/engine/batch.js'
import { builds } from '../builds.js'

describe.each(builds)('putRecords (%s)', (_, engine) => {
  const read = (records: { partitionKey: string; explicitHashKey?: string; data: Uint8Array }[]) =>
    engine.scope(() => {
      const { heap, table } = putRecords(engine, records)
      // What comes next must not lie in what was placed.
      const next = engine.reserve(1 << 16)
      engine.bytes().fill(0xee, next, next + (1 << 16))
      const text = (at: number, size: number) => Buffer.from(engine.bytes().subarray(heap + at, heap + at + size)).toString()
      return records.map((_, i) => {
        const at = (table >> 2) + i * ROW_WORDS
        const row = engine.words().subarray(at, at + ROW_WORDS)
        return {
          partitionKey: text(row[0], row[1]),
          ...(row[3] === 0xffffffff ? {} : { explicitHashKey: text(row[2], row[3]) }),
          data: text(row[4], row[5]),
          source: row[6],
        }
      })
    })

  it.each<[string, (i: number) => string]>([
    ['distinct keys', (i) => `key ${i}`],
    ['keys that come again', (i) => `key ${i % 5}`],
    ['keys past ASCII', (i) => `ключ ${i}`],
    ['keys past ASCII that come again', (i) => `ключ ${i % 3}`],
    ['keys past ASCII here and there', (i) => (i % 1999 === 0 ? `é${i}` : `e${i % 100}`)],
  ])('%s', (_, key) => {
    const records = Array.from({ length: 6000 }, (_, i) => ({
      partitionKey: key(i),
      ...(i % 3 === 0 ? { explicitHashKey: String(i) } : {}),
      data: Buffer.from(`data ${i}`),
    }))
    const placed = read(records)
    expect(placed).toEqual(records.map((record, source) => ({ ...record, data: String(record.data), source })))
  })
})

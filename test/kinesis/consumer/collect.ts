// What the tests of one consumer in simulated time read.
import { expect } from 'vitest'
import type { ConsumerBatch } from '../../../src/kinesis/consumer/batch.js'

export const text = (data: Uint8Array) => new TextDecoder().decode(data)

/** All user records, by the number that is their data; checks that those of a key come in the order in which they were put. */
export async function collect(batches: AsyncIterable<ConsumerBatch>, each: (batch: ConsumerBatch) => unknown = () => {}): Promise<number[]> {
  const ids: number[] = []
  const last = new Map<string, number>()
  for await (const batch of batches) {
    for (const { partitionKey, data } of batch.records) {
      const id = Number(text(data))
      expect(id).toBeGreaterThan(last.get(partitionKey as string) ?? -1)
      last.set(partitionKey as string, id)
      ids.push(id)
    }
    await each(batch)
  }
  return ids
}

export const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
export const sorted = (ids: number[]) => [...ids].sort((a, b) => a - b)

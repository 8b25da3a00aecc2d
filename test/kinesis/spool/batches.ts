// Packed records for the spool's tests, and back.
import type { Spool } from '../../../src/kinesis/producer/spool-port.js'
import type { RecordBatch } from '../../../src/types.js'

const ABSENT = 0xffffffff

/** One row a text, which is its data; its key is `k` and its length. */
export function batchOf(texts: readonly string[]): RecordBatch {
  const table = new Uint32Array(8 * texts.length)
  const parts: Buffer[] = []
  let at = 0
  texts.forEach((text, row) => {
    const [key, data] = [Buffer.from(`k${text.length}`), Buffer.from(text)]
    table.set([at, key.length, 0, ABSENT, at + key.length, data.length], 8 * row)
    parts.push(key, data)
    at += key.length + data.length
  })
  return { count: texts.length, table, heap: new Uint8Array(Buffer.concat(parts)) }
}

/** Key, explicit hash key and data of a row as one text. */
export function textOf({ table, heap }: RecordBatch, row: number): string {
  const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize] = table.subarray(8 * row, 8 * row + 6)
  const text = (at: number, size: number) => (size > 1000 ? `${size} bytes` : Buffer.from(heap.subarray(at, at + size)).toString())
  return `${text(keyAt, keySize)} ${hashSize === ABSENT ? '-' : text(hashAt, hashSize)} ${text(dataAt, dataSize)}`
}

export function dataOf({ table, heap }: RecordBatch, row: number): string {
  const [dataAt, dataSize] = table.subarray(8 * row + 4, 8 * row + 6)
  return Buffer.from(heap.subarray(dataAt, dataAt + dataSize)).toString()
}

/** All that a spool gives back: numbers and data. */
export async function drain(spool: Spool): Promise<[number, string][]> {
  const seen: [number, string][] = []
  for await (const { numbers, records } of spool.replay()) {
    if (numbers.length !== records.count) throw new Error(`${numbers.length} numbers for ${records.count} records`)
    for (let row = 0; row < records.count; row++) seen.push([numbers[row], dataOf(records, row)])
  }
  return seen
}

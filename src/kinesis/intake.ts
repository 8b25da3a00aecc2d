// The record table on the host's side: accepted records as packed rows, each with the ticket that
// its outcome goes to. A pack is filled, aggregated once, and kept until its rows have settled.
import type { RecordBatch } from '../types.js'
import type { Ticket } from './receipt.js'

/** Words of a row of the record table (assembly/record/batch.ts). */
const ROW = 8
const ABSENT = 0xffffffff

export interface Pack extends RecordBatch {
  readonly tickets: Ticket[]
  /** Index within the ticket. */
  readonly indices: number[]
  /** Monotonic milliseconds at acceptance. */
  readonly since: number[]
  /** How often the record was sent before it came into this pack. */
  readonly attempts: number[]
  readonly uncertain: boolean[]
  /** Payload and keys. */
  readonly bytes: number
  /** Bytes that one row counts for against the buffer's limit. */
  size(row: number): number
  dataSize(row: number): number
  /** One new row; `key` and `hash` as text. */
  add(key: string, hash: string | undefined, data: Uint8Array, ticket: Ticket, index: number, since: number): void
  /** Row of another pack, taken over with its ticket and history. */
  move(from: Pack, row: number, attempts: number, uncertain: boolean): void
}

const encoder = new TextEncoder()

/** A row's fixed cost in the buffer's account: its table row, ticket and history. */
export const ROW_BYTES = 64

/** An empty pack with room for so much; it grows. */
export function createPack(rows = 64, bytes = 16_384): Pack {
  let table = new Uint32Array(ROW * rows)
  let heap = new Uint8Array(bytes)
  let count = 0
  let top = 0
  const tickets: Ticket[] = []
  const indices: number[] = []
  const since: number[] = []
  const attempts: number[] = []
  const uncertain: boolean[] = []
  const room = (bytes: number) => {
    if (top + bytes > heap.length) {
      const more = new Uint8Array(Math.max(2 * heap.length, top + bytes))
      more.set(heap.subarray(0, top))
      heap = more
    }
    if (ROW * (count + 1) > table.length) {
      const more = new Uint32Array(2 * table.length)
      more.set(table)
      table = more
    }
  }
  const note = (ticket: Ticket, index: number, arrived: number, sent: number, doubt: boolean) => {
    tickets.push(ticket)
    indices.push(index)
    since.push(arrived)
    attempts.push(sent)
    uncertain.push(doubt)
    count++
  }
  // Writes text at the top of the heap and gives its size in UTF-8.
  const write = (text: string) => {
    const { written } = encoder.encodeInto(text, heap.subarray(top))
    top += written
    return written
  }
  const copy = (source: Uint8Array, at: number, size: number) => {
    heap.set(source.subarray(at, at + size), top)
    top += size
    return top - size
  }
  return {
    get count() {
      return count
    },
    get table() {
      return table
    },
    get heap() {
      return heap
    },
    get bytes() {
      return top
    },
    tickets,
    indices,
    since,
    attempts,
    uncertain,
    size(row) {
      const at = ROW * row
      const hash = table[at + 3]
      return table[at + 1] + table[at + 5] + (hash === ABSENT ? 0 : hash) + ROW_BYTES
    },
    dataSize: (row) => table[ROW * row + 5],
    add(key, hash, data, ticket, index, arrived) {
      room(3 * key.length + (hash?.length ?? 0) + data.length)
      const at = ROW * count
      table[at] = top
      table[at + 1] = write(key)
      table[at + 2] = top
      table[at + 3] = hash === undefined ? ABSENT : write(hash)
      table[at + 5] = data.length
      table[at + 4] = copy(data, 0, data.length)
      note(ticket, index, arrived, 0, false)
    },
    move(from, row, sent, doubt) {
      const source = ROW * row
      const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize] = from.table.subarray(source, source + 6)
      const hashBytes = hashSize === ABSENT ? 0 : hashSize
      room(keySize + hashBytes + dataSize)
      const at = ROW * count
      table[at] = copy(from.heap, keyAt, keySize)
      table[at + 1] = keySize
      table[at + 2] = copy(from.heap, hashAt, hashBytes)
      table[at + 3] = hashSize
      table[at + 4] = copy(from.heap, dataAt, dataSize)
      table[at + 5] = dataSize
      note(from.tickets[row], from.indices[row], from.since[row], sent, doubt)
    },
  }
}

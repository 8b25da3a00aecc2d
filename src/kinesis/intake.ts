// The record table on the host's side: accepted records as packed rows, each with the ticket that
// its outcome goes to. A pack is filled, aggregated once, and kept until its rows have settled.
import type { RecordBatch } from '../types.js'
import type { Past } from './attempt.js'
import type { Ticket } from './receipt.js'

/** Words of a row of the record table (assembly/record/batch.ts). */
const ROW = 8
const ABSENT = 0xffffffff

export interface Pack extends RecordBatch {
  readonly tickets: Ticket[]
  /** Index within the ticket. */
  readonly indices: Uint32Array
  /** Monotonic milliseconds at acceptance. */
  readonly since: Float64Array
  /** In the order of acceptance, over all packs. */
  readonly numbers: Float64Array
  /** Payload and keys. */
  readonly bytes: number
  /** A new one, empty, with room for as much as this one has come to hold; this one gets no more rows. */
  next(): Pack
  /** So many rows need nothing of it any more. When none does, and it gets none, its arrays are another's. */
  leave(rows: number): void
  /** How it fared before it came into this pack. */
  past(row: number): Past | undefined
  /** Bytes that one row counts for against the buffer's limit. */
  size(row: number): number
  dataSize(row: number): number
  data(row: number): Uint8Array
  key(row: number): string
  hash(row: number): string | undefined
  /** One new row; `key` and `hash` as text. */
  add(key: string, hash: string | undefined, data: Uint8Array, ticket: Ticket, index: number, since: number, number: number): void
  /** As many new rows, their keys in one text; `data` and `hashes` by index from `from` on. */
  addAll(
    records: readonly { partitionKey: string }[],
    from: number,
    to: number,
    hashes: readonly (string | undefined)[],
    data: readonly Uint8Array[],
    ticket: Ticket,
    index: number,
    since: number,
    number: number,
  ): void
  /** Rows [from, to) of a table over `text`, all there is of it in one piece; what lies behind its end is in `side`. */
  append(table: Uint32Array, from: number, to: number, text: Uint8Array, side: Uint8Array, ticket: Ticket, index: number, since: number, number: number): void
  /** All rows of another pack, whose tickets and times they keep. */
  absorb(from: Pack, numberOf: (row: number) => number): void
  /** Row of another pack, taken over with its ticket. */
  move(from: Pack, row: number, past: Past | undefined): void
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A row's fixed cost in the buffer's account: its table row, ticket and history. */
export const ROW_BYTES = 64

interface Arrays {
  table: Uint32Array
  indices: Uint32Array
  since: Float64Array
  numbers: Float64Array
  heap: Uint8Array
}

// Arrays of packs that are done with. Megabytes outside of V8's heap for each thousand records would be what
// the garbage collector runs for: a quarter of the time from NDJSON to requests.
const spares: Arrays[] = []
const SPARES = 4
const SPARE_BYTES = 4 * 1_048_576

/** An empty pack with room for so much; it grows. */
export function createPack(rows = 64, bytes = 16_384): Pack {
  const found = rows > 64 ? spares.findIndex((spare) => spare.indices.length >= rows && spare.heap.length >= bytes) : -1
  const own = found < 0 ? undefined : spares.splice(found, 1)[0]
  let room = own?.indices.length ?? Math.max(1, rows)
  let table = own?.table ?? new Uint32Array(ROW * room)
  let indices = own?.indices ?? new Uint32Array(room)
  let since = own?.since ?? new Float64Array(room)
  let numbers = own?.numbers ?? new Float64Array(room)
  let heap = own?.heap ?? new Uint8Array(bytes)
  /** Rows that are not settled, nor in another pack by now. */
  let live = 0
  let sealed = false
  let count = 0
  let top = 0
  const tickets: Ticket[] = []
  let pasts: Map<number, Past> | undefined
  const make = (size: number, more = 1) => {
    if (top + size > heap.length) {
      const larger = new Uint8Array(Math.max(2 * heap.length, top + size))
      larger.set(heap.subarray(0, top))
      heap = larger
    }
    if (count + more <= room) return
    room = Math.max(2 * room, count + more)
    table = grown(table, new Uint32Array(ROW * room))
    indices = grown(indices, new Uint32Array(room))
    since = grown(since, new Float64Array(room))
    numbers = grown(numbers, new Float64Array(room))
  }
  const note = (ticket: Ticket, index: number, arrived: number, number: number) => {
    tickets.push(ticket)
    indices[count] = index
    since[count] = arrived
    numbers[count] = number
    count++
    live++
  }
  // Writes text at the top of the heap and gives its size in UTF-8.
  const write = (text: string) => {
    const { written } = encoder.encodeInto(text, heap.subarray(top))
    top += written
    return written
  }
  // Gives where it lies.
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
    get indices() {
      return indices
    },
    get since() {
      return since
    },
    get numbers() {
      return numbers
    },
    tickets,
    next() {
      sealed = true
      return createPack(count + (count >> 3), top + (top >> 3))
    },
    leave(gone) {
      live -= gone
      if (live > 0 || !sealed || spares.length === SPARES || heap.length > SPARE_BYTES) return
      sealed = false
      spares.push({ table, indices, since, numbers, heap })
    },
    past: (row) => pasts?.get(row),
    size(row) {
      const at = ROW * row
      const hash = table[at + 3]
      return table[at + 1] + table[at + 5] + (hash === ABSENT ? 0 : hash) + ROW_BYTES
    },
    dataSize: (row) => table[ROW * row + 5],
    data: (row) => heap.subarray(table[ROW * row + 4], table[ROW * row + 4] + table[ROW * row + 5]),
    key: (row) => decoder.decode(heap.subarray(table[ROW * row], table[ROW * row] + table[ROW * row + 1])),
    hash(row) {
      const [at, size] = table.subarray(ROW * row + 2, ROW * row + 4)
      return size === ABSENT ? undefined : decoder.decode(heap.subarray(at, at + size))
    },
    add(key, hash, data, ticket, index, arrived, number) {
      make(3 * key.length + (hash?.length ?? 0) + data.length)
      const at = ROW * count
      table[at] = top
      table[at + 1] = write(key)
      table[at + 2] = top
      table[at + 3] = hash === undefined ? ABSENT : write(hash)
      table[at + 5] = data.length
      table[at + 4] = copy(data, 0, data.length)
      note(ticket, index, arrived, number)
    },
    addAll(records, from, to, hashes, data, ticket, index, arrived, number) {
      let keys = ''
      let bytes = 0
      for (let i = from; i < to; i++) {
        keys += records[i].partitionKey
        bytes += data[i - from].length + (hashes[i - from]?.length ?? 0)
      }
      make(6 * keys.length + bytes, to - from)
      let key = top
      const ascii = write(keys) === keys.length
      for (let i = from, at = ROW * count; i < to; i++, at += ROW) {
        const { partitionKey } = records[i]
        // Where a character may take several bytes the keys are written anew, one by one: that is rare.
        table[at] = ascii ? key : top
        table[at + 1] = ascii ? partitionKey.length : write(partitionKey)
        key += partitionKey.length
        const hash = hashes[i - from]
        table[at + 2] = top
        table[at + 3] = hash === undefined ? ABSENT : write(hash)
        table[at + 4] = top
        table[at + 5] = data[i - from].length
        heap.set(data[i - from], top)
        top += data[i - from].length
        note(ticket, index++, arrived, number++)
      }
    },
    append(rows, from, to, text, side, ticket, index, arrived, number) {
      const first = rows[ROW * from + 4]
      const end = rows[ROW * to - 4] + rows[ROW * to - 3]
      let keys = 0
      for (let row = from; row < to; row++) if (rows[ROW * row] >= text.length) keys += rows[ROW * row + 1]
      make(end - first + keys, to - from)
      const shift = copy(text, first, end - first) - first
      for (let row = from, at = ROW * count; row < to; row++, at += ROW) {
        const source = ROW * row
        table[at] = rows[source] < text.length ? rows[source] + shift : copy(side, rows[source] - text.length, rows[source + 1])
        table[at + 1] = rows[source + 1]
        table[at + 2] = rows[source + 3] === ABSENT ? 0 : rows[source + 2] + shift
        table[at + 3] = rows[source + 3]
        table[at + 4] = rows[source + 4] + shift
        table[at + 5] = rows[source + 5]
        note(ticket, index++, arrived, number++)
      }
    },
    absorb(from, numberOf) {
      make(from.bytes, from.count)
      const shift = copy(from.heap, 0, from.bytes)
      for (let row = 0, at = ROW * count, source = 0; row < from.count; row++, at += ROW, source += ROW) {
        for (let word = 0; word < 6; word++) table[at + word] = from.table[source + word]
        table[at] += shift
        table[at + 2] += shift
        table[at + 4] += shift
        note(from.tickets[row], from.indices[row], from.since[row], numberOf(row))
      }
    },
    move(from, row, past) {
      const source = ROW * row
      const rows = from.table
      const hashBytes = rows[source + 3] === ABSENT ? 0 : rows[source + 3]
      make(rows[source + 1] + hashBytes + rows[source + 5])
      const at = ROW * count
      table[at] = copy(from.heap, rows[source], rows[source + 1])
      table[at + 1] = rows[source + 1]
      table[at + 2] = copy(from.heap, rows[source + 2], hashBytes)
      table[at + 3] = rows[source + 3]
      table[at + 4] = copy(from.heap, rows[source + 4], rows[source + 5])
      table[at + 5] = rows[source + 5]
      if (past) {
        pasts ??= new Map()
        pasts.set(count, past)
      }
      note(from.tickets[row], from.indices[row], from.since[row], from.numbers[row])
      from.leave(1)
    },
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

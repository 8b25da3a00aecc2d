// The record table on the host's side: accepted records as packed rows, each with the ticket that
// its outcome goes to. A pack is filled, aggregated once, and kept until its rows have settled.
import { NO_HASH, ROW_WORDS } from '../../engine/batch.js'
import type { Past } from '../service/attempt.js'
import type { Pack } from './pack.js'
import type { Ticket } from './receipt.js'
import { type Arrays, giveSpare, takeSpare } from './spares.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A row's fixed cost in the buffer's account: its table row, and its place in a receipt of many. */
export const ROW_BYTES = 64

/** An empty pack with room for so much; it grows. */
export function createPack(rows = 64, bytes = 16_384): Pack {
  const own = rows > 64 ? takeSpare(rows, bytes) : undefined
  let room = own?.indices.length ?? Math.max(1, rows)
  let table = own?.table ?? new Uint32Array(ROW_WORDS * room)
  let owners = own?.owners ?? new Uint32Array(room)
  let indices = own?.indices ?? new Uint32Array(room)
  let since = own?.since ?? new Float64Array(room)
  let numbers = own?.numbers ?? new Float64Array(room)
  let heap = own?.heap ?? new Uint8Array(bytes)
  /** Rows that are not settled, nor in another pack by now. */
  let live = 0
  let sealed = false
  let count = 0
  let top = 0
  /** Of the rows' tickets. */
  let ticketBytes = 0
  const tickets: Ticket[] = []
  let pasts: Map<number, Past> | undefined
  const moveInto = (spare: Arrays | undefined) => {
    if (!spare) return
    spare.table.set(table.subarray(0, ROW_WORDS * count))
    spare.owners.set(owners.subarray(0, count))
    spare.indices.set(indices.subarray(0, count))
    spare.since.set(since.subarray(0, count))
    spare.numbers.set(numbers.subarray(0, count))
    spare.heap.set(heap.subarray(0, top))
    room = spare.indices.length
    table = spare.table
    owners = spare.owners
    indices = spare.indices
    since = spare.since
    numbers = spare.numbers
    heap = spare.heap
  }
  const make = (size: number, more = 1) => {
    if ((top + size > heap.length || count + more > room) && count + more > 64) moveInto(takeSpare(count + more, top + size))
    if (top + size > heap.length) {
      const larger = new Uint8Array(Math.max(2 * heap.length, top + size))
      larger.set(heap.subarray(0, top))
      heap = larger
    }
    if (count + more <= room) return
    room = Math.max(2 * room, count + more)
    table = grown(table, new Uint32Array(ROW_WORDS * room))
    owners = grown(owners, new Uint32Array(room))
    indices = grown(indices, new Uint32Array(room))
    since = grown(since, new Float64Array(room))
    numbers = grown(numbers, new Float64Array(room))
  }
  // Neighbours mostly come from one put.
  const owner = (ticket: Ticket, rows = 1) => {
    if (tickets[tickets.length - 1] !== ticket) tickets.push(ticket)
    ticketBytes += rows * ticket.bytes
    return tickets.length - 1
  }
  const note = (ticket: Ticket, index: number, arrived: number, number: number) => {
    owners[count] = owner(ticket)
    indices[count] = index
    since[count] = arrived
    numbers[count] = number
    count++
    live++
  }
  // Writes text at the top of the heap and gives its size in UTF-8.
  const write = (text: string) => {
    const room = heap.subarray(top)
    const written =
      typeof Buffer === 'undefined' ? encoder.encodeInto(text, room).written : Buffer.from(heap.buffer, heap.byteOffset + top, room.length).write(text, 'utf8')
    top += written
    return written
  }
  // The rest of what `note` does, for rows [count, count + more) of one ticket.
  const noteAll = (ticket: Ticket, index: number, arrived: number, number: number, more: number) => {
    const end = count + more
    owners.fill(owner(ticket, more), count, end)
    since.fill(arrived, count, end)
    for (let row = count; row < end; row++) {
      indices[row] = index++
      numbers[row] = number++
    }
    count = end
    live += more
  }
  const recycle = (gone: number) => {
    live -= gone
    if (live > 0 || !sealed) return
    sealed = false
    giveSpare({ table, owners, indices, since, numbers, heap })
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
    get weight() {
      return top + ROW_BYTES * count + ticketBytes
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
    get owners() {
      return owners
    },
    get pasts() {
      return pasts !== undefined
    },
    next() {
      sealed = true
      return createPack(count + (count >> 3), top + (top >> 3))
    },
    leave: recycle,
    past: (row) => pasts?.get(row),
    size: (row) => textSize(table, row) + ROW_BYTES + tickets[owners[row]].bytes,
    textSize: (row) => textSize(table, row),
    data: (row) => heap.subarray(table[ROW_WORDS * row + 4], table[ROW_WORDS * row + 4] + table[ROW_WORDS * row + 5]),
    key: (row) => decoder.decode(heap.subarray(table[ROW_WORDS * row], table[ROW_WORDS * row] + table[ROW_WORDS * row + 1])),
    hash(row) {
      const [at, size] = table.subarray(ROW_WORDS * row + 2, ROW_WORDS * row + 4)
      return size === NO_HASH ? undefined : decoder.decode(heap.subarray(at, at + size))
    },
    add(key, hash, data, ticket, index, arrived, number) {
      make(3 * key.length + (hash?.length ?? 0) + data.length)
      const at = ROW_WORDS * count
      table[at] = top
      table[at + 1] = write(key)
      table[at + 2] = top
      table[at + 3] = hash === undefined ? NO_HASH : write(hash)
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
      const rows = table
      const bytesOf = heap
      for (let i = from, at = ROW_WORDS * count; i < to; i++, at += ROW_WORDS) {
        const { partitionKey } = records[i]
        // Where a character may take several bytes the keys are written anew, one by one: that is rare.
        rows[at] = ascii ? key : top
        rows[at + 1] = ascii ? partitionKey.length : write(partitionKey)
        key += partitionKey.length
        const hash = hashes[i - from]
        const own = data[i - from]
        rows[at + 2] = top
        rows[at + 3] = hash === undefined ? NO_HASH : write(hash)
        rows[at + 4] = top
        rows[at + 5] = own.length
        bytesOf.set(own, top)
        top += own.length
      }
      noteAll(ticket, index, arrived, number, to - from)
    },
    append(rows, from, to, text, side, ticket, index, arrived, number) {
      const first = rows[ROW_WORDS * from + 4]
      const end = rows[ROW_WORDS * to - 4] + rows[ROW_WORDS * to - 3]
      let keys = 0
      if (side.length > 0) for (let row = from; row < to; row++) if (rows[ROW_WORDS * row] >= text.length) keys += rows[ROW_WORDS * row + 1]
      make(end - first + keys, to - from)
      const shift = copy(text, first, end - first) - first
      const own = table
      const length = text.length
      for (let source = ROW_WORDS * from, at = ROW_WORDS * count; source < ROW_WORDS * to; source += ROW_WORDS, at += ROW_WORDS) {
        const key = rows[source]
        own[at] = key < length ? key + shift : copy(side, key - length, rows[source + 1])
        own[at + 1] = rows[source + 1]
        own[at + 2] = rows[source + 3] === NO_HASH ? 0 : rows[source + 2] + shift
        own[at + 3] = rows[source + 3]
        own[at + 4] = rows[source + 4] + shift
        own[at + 5] = rows[source + 5]
      }
      noteAll(ticket, index, arrived, number, to - from)
    },
    number(first) {
      for (let row = 0; row < count; row++) numbers[row] = first + row
    },
    absorb(from) {
      make(from.bytes, from.count)
      const shift = copy(from.heap, 0, from.bytes)
      for (let row = 0, at = ROW_WORDS * count, source = 0; row < from.count; row++, at += ROW_WORDS, source += ROW_WORDS) {
        for (let word = 0; word < 6; word++) table[at + word] = from.table[source + word]
        table[at] += shift
        table[at + 2] += shift
        table[at + 4] += shift
        note(from.tickets[from.owners[row]], from.indices[row], from.since[row], from.numbers[row])
      }
    },
    prepend(from) {
      const more = from.count
      make(from.bytes, more)
      table.copyWithin(ROW_WORDS * more, 0, ROW_WORDS * count)
      owners.copyWithin(more, 0, count)
      indices.copyWithin(more, 0, count)
      since.copyWithin(more, 0, count)
      numbers.copyWithin(more, 0, count)
      const shift = copy(from.heap, 0, from.bytes)
      const end = count + more
      live += more
      for (let row = 0, at = 0; row < more; row++, at += ROW_WORDS) {
        for (let word = 0; word < 6; word++) table[at + word] = from.table[at + word]
        table[at] += shift
        table[at + 2] += shift
        table[at + 4] += shift
        owners[row] = owner(from.tickets[from.owners[row]])
        indices[row] = from.indices[row]
        since[row] = from.since[row]
        numbers[row] = from.numbers[row]
      }
      count = end
      from.discard()
    },
    discard() {
      sealed = true
      recycle(live)
    },
    move(from, row, past) {
      const source = ROW_WORDS * row
      const rows = from.table
      const hashBytes = rows[source + 3] === NO_HASH ? 0 : rows[source + 3]
      make(rows[source + 1] + hashBytes + rows[source + 5])
      const at = ROW_WORDS * count
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
      note(from.tickets[from.owners[row]], from.indices[row], from.since[row], from.numbers[row])
      from.leave(1)
    },
  }
}

/** What some rows of a pack count for against the buffer's limit. */
export function sizeOfRows({ table, tickets, owners }: Pack, rows: ArrayLike<number>, from: number, to: number): number {
  let bytes = ROW_BYTES * (to - from)
  for (let i = from; i < to; i++) bytes += textSize(table, rows[i]) + tickets[owners[rows[i]]].bytes
  return bytes
}

function textSize(table: Uint32Array, row: number): number {
  const at = ROW_WORDS * row
  const hash = table[at + 3]
  return table[at + 1] + table[at + 5] + (hash === NO_HASH ? 0 : hash)
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

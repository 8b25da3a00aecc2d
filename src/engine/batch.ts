// User records -> the record table (assembly/record/batch.ts) in an engine's arena: one pass over the
// objects, the keys joined and written in pieces, the data copied by set().
import { outOfRange, wrongType } from '../errors.js'
import type { RecordBatch, UserRecord } from '../types.js'
import { ABSENT, ROW_SIZE } from './core.js'
import type { Engine } from './engine.js'
import { writeText } from './text.js'

export const ROW_WORDS: number = ROW_SIZE / 4
/** hashSize of a record without an explicit hash key, as a Uint32Array gives it. */
export const NO_HASH: number = ABSENT >>> 0

/** Addresses of a record table and of the heap that its offsets count from. */
export interface Placed {
  heap: number
  table: number
}

/** Keys that are joined and written together: see text.ts. */
const PIECE = 2048
/** After so many records it is clear whether keys come again: then a look-up (15 ns) spares a write. */
const SAMPLE = 256

const encoder = new TextEncoder()

/** A packed batch, checked: no row reaches past the heap. Throws TypeError, RangeError. */
export function putBatch(e: Engine, batch: RecordBatch): Placed {
  const { count, table, heap } = batch
  if (!(table instanceof Uint32Array)) throw wrongType('batch.table', 'a Uint32Array', table)
  if (!(heap instanceof Uint8Array)) throw wrongType('batch.heap', 'a Uint8Array', heap)
  if (!Number.isInteger(count) || count < 0 || count * ROW_WORDS > table.length)
    throw outOfRange('batch.count', `an integer from 0 to ${Math.floor(table.length / ROW_WORDS)}, what the table holds`, count)
  const size = heap.length
  for (let i = 0, at = 0; i < count; i++, at += ROW_WORDS) {
    const hash = table[at + 3] === NO_HASH ? 0 : table[at + 2] + table[at + 3]
    if (table[at] + table[at + 1] > size || hash > size || table[at + 4] + table[at + 5] > size)
      throw outOfRange(`batch.table[${at}]`, `a row within the heap of ${size} bytes`, `row ${i}`)
  }
  const rows = e.reserve(count * ROW_SIZE)
  const bytes = e.put(heap)
  e.words().set(table.subarray(0, count * ROW_WORDS), rows >> 2)
  return { heap: bytes, table: rows }
}

/** Objects as rows; `source` is the index of the object. Throws TypeError for a field of the wrong type. */
export function putRecords(e: Engine, records: readonly UserRecord[]): Placed {
  const count = records.length
  const table = e.reserve(count * ROW_SIZE)
  // Offsets count from the table: it lies below all that they point to.
  const heap = table
  let size = 0
  let hashes: string[] | undefined
  let repeated = true
  for (let from = 0; from < count; from += PIECE) {
    const to = Math.min(from + PIECE, count)
    const words = e.words()
    let keys = ''
    let seen: Map<string, number> | undefined = repeated ? new Map() : undefined
    for (let i = from, at = (table >> 2) + from * ROW_WORDS; i < to; i++, at += ROW_WORDS) {
      const record = records[i]
      if (typeof record !== 'object' || record === null) throw wrongType(`records[${i}]`, 'a record', record)
      const { partitionKey, explicitHashKey, data } = record
      if (typeof partitionKey !== 'string') throw wrongType(`records[${i}].partitionKey`, 'a string', partitionKey)
      if (!(data instanceof Uint8Array)) throw wrongType(`records[${i}].data`, 'a Uint8Array', data)
      const known = seen?.get(partitionKey)
      words[at] = known ?? keys.length
      words[at + 1] = partitionKey.length
      words[at + 2] = 0
      words[at + 3] = NO_HASH
      words[at + 5] = data.length
      words[at + 6] = i
      words[at + 7] = 0
      if (known === undefined) {
        seen?.set(partitionKey, keys.length)
        keys += partitionKey
      }
      if (i === SAMPLE && seen && seen.size > SAMPLE / 4) {
        seen = undefined
        repeated = false
      }
      size += data.length
      if (explicitHashKey !== undefined && explicitHashKey !== null) {
        hashes ??= []
        hashes[i] = hashText(explicitHashKey, i)
      }
    }
    putKeys(e, records, from, to, keys, heap, table)
  }
  const block = e.reserve(size)
  const bytes = e.bytes()
  const words = e.words()
  for (let i = 0, at = (table >> 2) + 4, to = block; i < count; i++, at += ROW_WORDS) {
    const { data } = records[i]
    bytes.set(data, to)
    words[at] = to - heap
    to += data.length
  }
  if (hashes) putHashes(e, hashes, heap, table)
  return { heap, table }
}

/** Writes the keys of records[from, to), joined in `keys`, and turns their rows to where they lie. */
function putKeys(e: Engine, records: readonly UserRecord[], from: number, to: number, keys: string, heap: number, table: number): void {
  // Written as a whole with 8 bytes to spare, text of another length than its own is not ASCII.
  const room = keys.length + 8
  let block = e.reserve(room)
  const ascii = writeText(e, keys, block, room) === keys.length
  if (!ascii) {
    let length = 0
    for (let i = from; i < to; i++) length += records[i].partitionKey.length
    block = e.reserve(length * 3)
  }
  const words = e.words()
  for (let i = from, at = (table >> 2) + from * ROW_WORDS, end = block; i < to; i++, at += ROW_WORDS) {
    if (ascii) words[at] += block - heap
    else {
      words[at] = end - heap
      words[at + 1] = encoder.encodeInto(records[i].partitionKey, e.bytes().subarray(end)).written
      end += words[at + 1]
    }
  }
}

function hashText(key: unknown, i: number): string {
  if (typeof key === 'bigint') return key.toString()
  if (typeof key !== 'string') throw wrongType(`records[${i}].explicitHashKey`, 'a decimal integer from 0 to 2^128 - 1', key)
  return key
}

// `hashes` has holes where a record has none.
function putHashes(e: Engine, hashes: readonly string[], heap: number, table: number): void {
  let size = 0
  hashes.forEach((text) => {
    size += text.length * 3
  })
  let to = e.reserve(size)
  const words = e.words()
  const bytes = e.bytes()
  hashes.forEach((text, i) => {
    const at = (table >> 2) + i * ROW_WORDS
    words[at + 2] = to - heap
    words[at + 3] = encoder.encodeInto(text, bytes.subarray(to, to + text.length * 3)).written
    to += words[at + 3]
  })
}

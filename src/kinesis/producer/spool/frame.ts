// The frames of a spool's files. A file is frames one behind the other and nothing else: no header to
// lose, no footer to miss. Its name says the rest (segment.ts), and is in every checksum: a piece of
// one spool file that lies as payload in another is no frame there.
//
//    0  u32  "MRS2"
//    4  u32  kind: 1 records, 2 settled
//    8  u64  number of the first record (below 2^53)
//   16  u32  count of records
//   20  u32  bytes of the body
//   24  u32  CRC32C of the body
//   28  u32  CRC32C of the file's name and bytes 0 to 27
//   32       body, then zeros to a multiple of 8, so that frames begin at multiples of 8
//
//   records  count x { u32 place of the key, u32 its bytes, and so of the explicit hash key (bytes 0xffffffff:
//            none) and of the data }, then the bytes that the places count in, as they lie in the producer's
//            memory, where a key may be part of its data
//   settled  a bit a record, lowest first, 1 where it has settled: the state of all of them, not what is new
//
// All numbers little-endian. No clock is in it, so none can jump.
import { crc32c } from '../../../engine/digest.js'
import { outOfRange } from '../../../errors.js'
import type { RecordBatch } from '../../../types.js'

export const HEADER = 32
export const RECORDS = 1
export const SETTLED = 2
/** Bytes of a record besides its key, hash key and data. */
export const ROW_BYTES = 24
/** Bytes of a body: the largest record of the service (10 MiB) and more. */
export const MAX_BODY = 16 * 1_048_576

const MAGIC = 0x3253524d
const OLD_MAGIC = 0x3153524d
const HIGH = 4_294_967_296
const WORDS = 8
const ABSENT = 0xffffffff
/** Words of a row of a frame: the first ones of the record table's. */
const FIELD_WORDS = ROW_BYTES / 4

export interface FrameHeader {
  kind: number
  first: number
  count: number
  /** Bytes of the body, and its CRC32C. */
  size: number
  crc: number
}

/** Bytes that a body takes in the file. */
export const padded = (size: number): number => Math.ceil(size / 8) * 8

/** Bytes to encode frames into, one behind the other; grows to what a single record needs. */
export interface FrameBuffer {
  bytes: Uint8Array
  words: Uint32Array
  top: number
}

export function createFrameBuffer(size: number): FrameBuffer {
  const words = new Uint32Array(padded(size) / 4)
  return { words, bytes: new Uint8Array(words.buffer), top: 0 }
}

/** Bytes of row `row` in a frame, without its header, at most. */
function sizeOf(table: Uint32Array, row: number): number {
  const at = WORDS * row
  const hash = table[at + 3] === ABSENT ? 0 : table[at + 3]
  const key = table[at + 1]
  if (key > 0xffff || hash > 0xff) throw outOfRange('batch.table', 'keys below 65,536 and hash keys below 256 bytes', Math.max(key, hash))
  const size = ROW_BYTES + key + hash + table[at + 5]
  if (size > MAX_BODY) throw outOfRange('batch.table', `records of at most ${MAX_BODY} bytes`, size)
  return size
}

/** Bytes that a batch takes on the device, a frame's header more or less. Throws RangeError for a record that no frame holds. */
export function spooledSize({ table, count }: RecordBatch): number {
  let size = HEADER
  for (let row = 0; row < count; row++) size += sizeOf(table, row)
  return size
}

/**
 * One frame of the rows from `from` on: of all of them where there is room; of as many as there is room for, at least one,
 * where the buffer is empty. Gives the row behind the last one; `from` where there is no room.
 */
export function encodeRecords(target: FrameBuffer, batch: RecordBatch, from: number, first: number, seed: number): number {
  const { table, heap, count } = batch
  const room = Math.min(target.bytes.length - target.top - HEADER - 8, MAX_BODY)
  let size = 0
  let to = from
  for (; to < count; to++) {
    const more = sizeOf(table, to)
    if (size + more > room) break
    size += more
  }
  if (to < count && target.top > 0) return from
  if (to === from) {
    size = sizeOf(table, from)
    Object.assign(target, createFrameBuffer(size + HEADER + 8))
    to = from + 1
  }
  const rows = ROW_BYTES * (to - from)
  const { low, high } = stretchOf(table, from, to)
  const dense = high - low <= size - rows && high <= heap.length
  const used = dense ? copyStretch(target, batch, from, to, low, high) : copyFields(target, batch, from, to)
  finish(target, { kind: RECORDS, first, count: to - from, size: rows + used }, seed)
  return to
}

/** Where in the heap the fields of rows [from, to) begin and end. */
function stretchOf(table: Uint32Array, from: number, to: number): { low: number; high: number } {
  let low = ABSENT
  let high = 0
  for (let at = WORDS * from; at < WORDS * to; at += WORDS) {
    const [key, data] = [table[at], table[at + 4]]
    if (key < low) low = key
    if (data < low) low = data
    if (key + table[at + 1] > high) high = key + table[at + 1]
    if (data + table[at + 5] > high) high = data + table[at + 5]
    if (table[at + 3] === ABSENT) continue
    if (table[at + 2] < low) low = table[at + 2]
    if (table[at + 2] + table[at + 3] > high) high = table[at + 2] + table[at + 3]
  }
  return { low, high }
}

// The producer's heap has these rows and little else there: it goes as it is.
function copyStretch({ bytes, words, top }: FrameBuffer, { table, heap }: RecordBatch, from: number, to: number, low: number, high: number): number {
  const body = top + HEADER
  for (let at = WORDS * from, word = body / 4; at < WORDS * to; at += WORDS, word += FIELD_WORDS) {
    words[word] = table[at] - low
    words[word + 1] = table[at + 1]
    words[word + 2] = table[at + 3] === ABSENT ? 0 : table[at + 2] - low
    words[word + 3] = table[at + 3]
    words[word + 4] = table[at + 4] - low
    words[word + 5] = table[at + 5]
  }
  bytes.set(heap.subarray(low, high), body + ROW_BYTES * (to - from))
  return high - low
}

// Rows that lie far from one another, or share their bytes: field by field.
function copyFields({ bytes, words, top }: FrameBuffer, { table, heap }: RecordBatch, from: number, to: number): number {
  const start = top + HEADER + ROW_BYTES * (to - from)
  let end = start
  for (let at = WORDS * from, word = (top + HEADER) / 4; at < WORDS * to; at += WORDS, word += FIELD_WORDS) {
    for (let field = 0; field < FIELD_WORDS; field += 2) {
      const size = table[at + field + 1]
      words[word + field] = end - start
      words[word + field + 1] = size
      if (size === ABSENT) continue
      bytes.set(heap.subarray(table[at + field], table[at + field] + size), end)
      end += size
    }
  }
  return end - start
}

/** The frame that says which of the records from `first` on have settled; false where there is no room. */
export function encodeSettled(target: FrameBuffer, bits: Uint8Array, first: number, count: number, seed: number): boolean {
  if (target.top + HEADER + padded(bits.length) > target.bytes.length) {
    if (target.top > 0) return false
    Object.assign(target, createFrameBuffer(HEADER + bits.length))
  }
  target.bytes.set(bits, target.top + HEADER)
  finish(target, { kind: SETTLED, first, count, size: bits.length }, seed)
  return true
}

function finish(target: FrameBuffer, { kind, first, count, size }: Omit<FrameHeader, 'crc'>, seed: number): void {
  const { bytes, words, top } = target
  const body = top + HEADER
  const end = body + padded(size)
  bytes.fill(0, body + size, end)
  const at = top / 4
  words[at] = MAGIC
  words[at + 1] = kind
  words[at + 2] = first % HIGH
  words[at + 3] = Math.floor(first / HIGH)
  words[at + 4] = count
  words[at + 5] = size
  words[at + 6] = crc32c(bytes.subarray(body, body + size))
  words[at + 7] = crc32c(bytes.subarray(top, top + 28), seed)
  target.top = end
}

/** Whether the file begins with a whole header of the format's first version, whose bodies were others. */
export const isOld = (head: Uint32Array, seed: number): boolean => head[0] === OLD_MAGIC && head[7] === crc32c(new Uint8Array(head.buffer, 0, 28), seed)

/** The header at `at`, a multiple of 8, with HEADER bytes behind it; undefined where there is none. */
export function readHeader(bytes: Uint8Array, words: Uint32Array, at: number, seed: number): FrameHeader | undefined {
  const word = at / 4
  if (words[word] !== MAGIC) return undefined
  const [, kind, low, high, count, size, crc, check] = words.subarray(word, word + 8)
  if (check !== crc32c(bytes.subarray(at, at + 28), seed)) return undefined
  // A checksum holds by chance once in 4 billion times; lengths must be sound all the same.
  if (high >= 1 << 21 || size > MAX_BODY || count === 0) return undefined
  if (kind === RECORDS ? ROW_BYTES * count > size : kind !== SETTLED || Math.ceil(count / 8) !== size) return undefined
  return { kind, first: high * HIGH + low, count, size, crc }
}

/** The rows of a frame of records, over its body; undefined where one reaches beyond it. */
export function decodeRecords(body: Uint8Array, count: number): RecordBatch | undefined {
  const heap = body.subarray(ROW_BYTES * count)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const table = new Uint32Array(WORDS * count)
  for (let row = 0; row < count; row++) {
    for (let field = 0; field < FIELD_WORDS; field += 2) {
      const at = view.getUint32(ROW_BYTES * row + 4 * field, true)
      const size = view.getUint32(ROW_BYTES * row + 4 * field + 4, true)
      const none = field === 2 && size === ABSENT
      if (at + (none ? 0 : size) > heap.length) return undefined
      table[WORDS * row + field] = at
      table[WORDS * row + field + 1] = size
    }
  }
  return { count, table, heap }
}

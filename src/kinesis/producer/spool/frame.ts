// The frames of a spool's files. A file is frames one behind the other and nothing else: no header to
// lose, no footer to miss. Its name says the rest (segment.ts), and is in every checksum: a piece of
// one spool file that lies as payload in another is no frame there.
//
//    0  u32  "MRS1"
//    4  u32  kind: 1 records, 2 settled
//    8  u64  number of the first record (below 2^53)
//   16  u32  count of records
//   20  u32  bytes of the body
//   24  u32  CRC32C of the body
//   28  u32  CRC32C of the file's name and bytes 0 to 27
//   32       body, then zeros to a multiple of 8, so that frames begin at multiples of 8
//
//   records  count x { u32 bytes of the key | bytes of the explicit hash key (255: none) << 16,
//            u32 bytes of the data }, then for each record its key, hash key and data
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
export const ROW_BYTES = 8
/** Bytes of a body: the largest record of the service (10 MiB) and more. */
export const MAX_BODY = 16 * 1_048_576

const MAGIC = 0x3153524d
const HIGH = 4_294_967_296
const WORDS = 8
const ABSENT = 0xffffffff
const NO_HASH = 255
/** Bytes that are copied one by one. */
const SHORT = 40

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

/** Bytes of row `row` in a frame, without its header. */
function sizeOf(table: Uint32Array, row: number): number {
  const at = WORDS * row
  const hash = table[at + 3]
  const key = table[at + 1]
  if (key > 0xffff || (hash !== ABSENT && hash >= NO_HASH))
    throw outOfRange('batch.table', `keys below 65,536 and hash keys below ${NO_HASH} bytes`, Math.max(key, hash))
  const size = ROW_BYTES + key + (hash === ABSENT ? 0 : hash) + table[at + 5]
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
 * One frame of as many rows from `from` on as there is room for, at least one where the buffer is empty.
 * Gives the row behind the last one; `from` where there is no room.
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
  if (to === from) {
    if (target.top > 0) return from
    size = sizeOf(table, from)
    Object.assign(target, createFrameBuffer(size + HEADER + 8))
    to = from + 1
  }
  const body = target.top + HEADER
  const { bytes, words } = target
  let word = body / 4
  let at = body + ROW_BYTES * (to - from)
  // What lies in the heap as it will in the frame, however many rows, is one copy.
  let start = 0
  let end = 0
  const flush = () => {
    // A key alone: a view of so few bytes costs more than they do.
    if (end - start <= SHORT) while (start < end) bytes[at++] = heap[start++]
    else {
      bytes.set(heap.subarray(start, end), at)
      at += end - start
    }
  }
  for (let row = from; row < to; row++) {
    const cell = WORDS * row
    const key = table[cell]
    const hash = table[cell + 3]
    const data = table[cell + 4]
    words[word++] = table[cell + 1] | ((hash === ABSENT ? NO_HASH : hash) << 16)
    words[word++] = table[cell + 5]
    if (key !== end) {
      flush()
      start = key
    }
    end = key + table[cell + 1]
    if (hash !== ABSENT && hash > 0) {
      if (table[cell + 2] !== end) {
        flush()
        start = table[cell + 2]
      }
      end = table[cell + 2] + hash
    }
    if (table[cell + 5] > 0) {
      if (data !== end) {
        flush()
        start = data
      }
      end = data + table[cell + 5]
    }
  }
  flush()
  finish(target, { kind: RECORDS, first, count: to - from, size }, seed)
  return to
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

/** The rows of a frame of records, over its body; undefined where the sizes do not add up. */
export function decodeRecords(body: Uint8Array, count: number): RecordBatch | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const table = new Uint32Array(WORDS * count)
  let at = ROW_BYTES * count
  for (let row = 0; row < count; row++) {
    const cell = WORDS * row
    const sizes = view.getUint32(ROW_BYTES * row, true)
    const hash = sizes >>> 16
    table[cell] = at
    table[cell + 1] = sizes & 0xffff
    at += sizes & 0xffff
    table[cell + 2] = at
    table[cell + 3] = hash === NO_HASH ? ABSENT : hash
    at += hash === NO_HASH ? 0 : hash
    table[cell + 4] = at
    table[cell + 5] = view.getUint32(ROW_BYTES * row + 4, true)
    at += table[cell + 5]
    if (at > body.length) return undefined
  }
  return at === body.length ? { count, table, heap: body } : undefined
}

// Keys in their forms -> the rows that the core's shardMany reads, in an engine's arena.
import { NO_HASH, putBatch, ROW_WORDS } from '../../engine/batch.js'
import { BAD_INPUT, ROW_SIZE } from '../../engine/core.js'
import type { Engine } from '../../engine/engine.js'
import { putText } from '../../engine/text.js'
import { outOfRange, wrongType } from '../../errors.js'
import type { RecordBatch } from '../../types.js'

/** Partition keys, packed: UTF-8 one behind the other, and the offset at which each one ends. */
export interface PackedKeys {
  heap: Uint8Array
  ends: Uint32Array
}

/** Addresses for shardMany. */
export interface Rows {
  heap: number
  table: number
  stride: number
}

const KEY_ROW = 8
/** More than 256 characters take. */
const KEY_BYTES = 1088
const HASH_DIGITS = 39

const encoder = new TextEncoder()

/** keys[from, to) alone. */
export function putKeys(e: Engine, keys: readonly string[], from: number, to: number): Rows {
  const table = e.reserve(KEY_ROW * (to - from))
  return { heap: putText(e, keys, from, to, table >> 2, KEY_ROW / 4, 'keys'), table, stride: KEY_ROW }
}

/** keys[from, to) with explicit hash keys, where they are not undefined. */
export function putRecords(e: Engine, keys: readonly string[], explicit: readonly (string | bigint | undefined)[], from: number, to: number): Rows {
  const table = e.reserve(ROW_SIZE * (to - from))
  const heap = putText(e, keys, from, to, table >> 2, ROW_WORDS, 'keys')
  const texts = explicit.slice(from, to).map((key, i) => {
    if (key === undefined || typeof key === 'string') return key ?? ''
    if (typeof key !== 'bigint') throw wrongType(`explicitHashKeys[${from + i}]`, 'a decimal integer from 0 to 2^128 - 1', key)
    return key.toString()
  })
  const hashes = (table >> 2) + 2
  const block = putText(e, texts, 0, texts.length, hashes, ROW_WORDS, 'explicitHashKeys')
  const words = e.words()
  for (let i = 0, at = hashes; i < texts.length; i++, at += ROW_WORDS) {
    words[at] += block - heap
    if (explicit[from + i] === undefined) words[at + 1] = NO_HASH
  }
  return { heap, table, stride: ROW_SIZE }
}

/**
 * One record in one block: addresses of its row (its offsets count from 0) and of room for its hash key
 * and its shard. Undefined for a key that is longer than any that the service takes.
 */
export function putOne(e: Engine, key: string, explicit: string | undefined): { row: number; hash: number; shard: number } | undefined {
  const row = e.reserve(ROW_SIZE + 32 + KEY_BYTES + HASH_DIGITS)
  const text = row + ROW_SIZE + 32
  const { read, written } = encoder.encodeInto(key, e.bytes().subarray(text, text + KEY_BYTES))
  if (read < key.length) return undefined
  const words = e.words()
  const at = row >> 2
  words[at] = text
  words[at + 1] = written
  words[at + 2] = text + written
  words[at + 3] = NO_HASH
  if (explicit !== undefined) words[at + 3] = encoder.encodeInto(explicit, e.bytes().subarray(text + written)).written
  return { row, hash: row + ROW_SIZE, shard: row + ROW_SIZE + 16 }
}

/** Packed keys or records, checked: no row reaches past the heap. */
export function putPacked(e: Engine, batch: RecordBatch | PackedKeys): Rows {
  if (!('ends' in batch)) return { ...putBatch(e, batch), stride: ROW_SIZE }
  const { heap, ends } = batch
  const table = e.reserve(KEY_ROW * ends.length)
  const at = e.reserve(4 * ends.length)
  e.words().set(ends, at >> 2)
  if (e.core.keyRows(at, ends.length, heap.length, table) === BAD_INPUT) {
    const report = e.core.report() >> 2
    const [start, record] = e.words().subarray(report + 2, report + 4)
    throw outOfRange(`batch.ends[${record}]`, `an offset of ${start} to ${heap.length}`, ends[record])
  }
  return { heap: e.put(heap), table, stride: KEY_ROW }
}

// Keys in their forms -> the rows that the core's shardMany reads, in an engine's arena.
import { ABSENT, ROW_SIZE } from '../engine/core.js'
import type { Engine } from '../engine/engine.js'
import { putText } from '../engine/text.js'
import { outOfRange, wrongType } from '../errors.js'
import type { RecordBatch } from '../types.js'

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
const NONE = ABSENT >>> 0
const ROW_WORDS = ROW_SIZE / 4

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
    if (explicit[from + i] === undefined) words[at + 1] = NONE
  }
  return { heap, table, stride: ROW_SIZE }
}

/** Packed keys or records, checked: no row reaches past the heap. */
export function putPacked(e: Engine, batch: RecordBatch | PackedKeys): Rows {
  const heap = e.put(batch.heap)
  if (!('ends' in batch)) return { heap, table: putTable(e, batch), stride: ROW_SIZE }
  const { ends } = batch
  const table = e.reserve(KEY_ROW * ends.length)
  const words = e.words()
  let start = 0
  for (let i = 0, at = table >> 2; i < ends.length; i++, at += 2) {
    const end = ends[i]
    if (end < start || end > batch.heap.length) throw outOfRange(`batch.ends[${i}]`, `an offset of ${start} to ${batch.heap.length}`, end)
    words[at] = start
    words[at + 1] = end - start
    start = end
  }
  return { heap, table, stride: KEY_ROW }
}

function putTable(e: Engine, { count, table, heap }: RecordBatch): number {
  const size = heap.length
  for (let i = 0, at = 0; i < count; i++, at += ROW_WORDS) {
    const hash = table[at + 3] === NONE ? 0 : table[at + 2] + table[at + 3]
    if (table[at] + table[at + 1] > size || hash > size) throw outOfRange(`batch.table[${at}]`, `keys within the heap of ${size} bytes`, table[at])
  }
  const rows = e.reserve(ROW_SIZE * count)
  e.words().set(table.subarray(0, ROW_WORDS * count), rows >> 2)
  return rows
}

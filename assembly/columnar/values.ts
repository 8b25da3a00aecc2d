// The values of an open page as its encoding wants them (parquet-format Encodings.md). They are
// staged as u16 indices while there is a dictionary, else in PLAIN form, booleans as bytes of 0 or 1.
import { splitBytes } from "./bytesplit";
import {
  BYTE_STREAM_SPLIT, Chunk, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, isBytes, PLAIN, RLE, RLE_DICTIONARY,
} from "./chunk";
import { deltaBound, deltaIntegers, deltaLengths, deltaStrings } from "./delta";
import { indexWidth, putBits, putIndices, putStrings } from "./encode";
import { levelsBound, putLevels } from "./levels";

/** Bytes that putValues writes at most; PLAIN pages of more than a bit a value are written as they are staged. */
export function valuesBound(c: Chunk, encoding: u32): usize {
  if (encoding == RLE_DICTIONARY) return (<usize>c.pageValues << 1) + 128;
  if (encoding == RLE || encoding == PLAIN) return levelsBound(c.pageValues, 1) + 16;
  if (encoding == BYTE_STREAM_SPLIT) return c.plainSize;
  if (encoding == DELTA_BINARY_PACKED) return deltaBound(c.pageValues, c.width);
  return c.plainSize + 2 * deltaBound(c.pageValues, 4);
}

/** Bytes that putValues needs beside. */
export function scratchSize(c: Chunk, encoding: u32): usize {
  return encoding == DELTA_LENGTH_BYTE_ARRAY || encoding == DELTA_BYTE_ARRAY ? <usize>c.pageValues << 3 : 0;
}

/** Encodes the values of the open page into `cap` bytes, valuesBound of them at least; gives the end. */
export function putValues(c: Chunk, encoding: u32, dst: usize, cap: usize, scratch: usize): usize {
  const count = c.pageValues;
  if (encoding == RLE_DICTIONARY) return putIndices(c.indices, count, indexWidth(c.entryCount), dst);
  const values = c.plain + c.head;
  if (encoding == RLE) {
    const end = putLevels(values, count, 1, dst + 4);
    store<u32>(dst, <u32>(end - dst - 4));
    return end;
  }
  if (encoding == PLAIN) return putBits(values, count, dst);
  if (encoding == BYTE_STREAM_SPLIT) return dst + <usize>splitBytes(values, count, c.width, dst, cap);
  if (encoding == DELTA_BINARY_PACKED) return dst + <usize>deltaIntegers(values, count, c.width, dst, cap);
  if (encoding == DELTA_LENGTH_BYTE_ARRAY) return dst + <usize>deltaLengths(values, count, scratch, dst, cap);
  return dst + <usize>deltaStrings(values, count, isBytes(c) ? 0 : c.width, scratch, dst, cap);
}

/** Bytes that `count` packed values, or references to byte arrays, take in PLAIN form. */
export function plainSize(c: Chunk, values: usize, count: u32): usize {
  if (!isBytes(c)) return <usize>count * <usize>c.width;
  let sum = <usize>count << 2;
  for (const end = values + (<usize>count << 3); values < end; values += 8) sum += <usize>load<u32>(values, 4);
  return sum;
}

/** How many of the first values take at most `room` bytes in PLAIN form. */
export function fitting(c: Chunk, values: usize, count: u32, room: usize): u32 {
  if (!isBytes(c)) return min(count, <u32>(room / <usize>c.width));
  for (let i: u32 = 0; i < count; i++) {
    const size = <usize>load<u32>(values + (<usize>i << 3), 4) + 4;
    if (size > room) return i;
    room -= size;
  }
  return count;
}

/** Stages values that take `bytes` in PLAIN form; there is room for them and 64 bytes more. */
export function stagePlain(c: Chunk, values: usize, count: u32, bytes: usize): void {
  const dst = c.plain + c.head + c.plainSize;
  if (isBytes(c)) putStrings(values, count, dst);
  else memory.copy(dst, values, bytes);
  c.plainSize += bytes;
}

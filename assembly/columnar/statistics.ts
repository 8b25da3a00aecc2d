// Minimum and maximum of a column chunk, in the order that column_orders declares
// (parquet-format, ColumnOrder): signed for integers, unsigned bytes for strings, NaN left out.
// A string bound keeps its first BOUND bytes: cutting is monotone, so the least of the cut values
// is the cut of the least one; whether a value was cut is kept beside it.
import { compareBytes } from "../bytes";
import { BOUND, Chunk } from "./chunk";
import { TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_INT32, TYPE_STRING } from "./columns";

export function resetStatistics(c: Chunk): void {
  c.seen = 0;
  c.minInt = i64.MAX_VALUE;
  c.maxInt = i64.MIN_VALUE;
  c.minDouble = Infinity;
  c.maxDouble = -Infinity;
}

/** Takes `count` packed numbers or booleans into account. */
export function observeFixed(c: Chunk, values: usize, count: u32): void {
  if (count == 0) return;
  c.seen = 1;
  if (c.type == TYPE_DOUBLE) {
    let low = c.minDouble, high = c.maxDouble;
    for (const end = values + (<usize>count << 3); values < end; values += 8) {
      const v = load<f64>(values);
      // both comparisons are false for NaN
      if (v < low) low = v;
      if (v > high) high = v;
    }
    c.minDouble = low;
    c.maxDouble = high;
    return;
  }
  let low = c.minInt, high = c.maxInt;
  if (c.type == TYPE_BOOLEAN) {
    for (const end = values + <usize>count; values < end; values++) {
      const v = <i64>load<u8>(values);
      low = min(low, v);
      high = max(high, v);
    }
  } else if (c.type == TYPE_INT32) {
    for (const end = values + (<usize>count << 2); values < end; values += 4) {
      const v = <i64>load<i32>(values);
      low = min(low, v);
      high = max(high, v);
    }
  } else {
    for (const end = values + (<usize>count << 3); values < end; values += 8) {
      const v = load<i64>(values);
      low = min(low, v);
      high = max(high, v);
    }
  }
  c.minInt = low;
  c.maxInt = high;
}

/** Takes one string into account. */
export function observeString(c: Chunk, at: usize, size: usize): void {
  const cut = min(size, BOUND);
  const long = u32(size > BOUND);
  if (!c.seen) {
    c.seen = 1;
    keepMin(c, at, cut, long);
    keepMax(c, at, cut, long);
    return;
  }
  let order = compareBytes(at, cut, c.min, <usize>c.minSize);
  if (order < 0) keepMin(c, at, cut, long);
  else if (order == 0) c.minLong |= long;
  order = compareBytes(at, cut, c.max, <usize>c.maxSize);
  if (order > 0) keepMax(c, at, cut, long);
  else if (order == 0) c.maxLong |= long;
}

function keepMin(c: Chunk, at: usize, size: usize, long: u32): void {
  memory.copy(c.min, at, size);
  c.minSize = <u32>size;
  c.minLong = long;
}

function keepMax(c: Chunk, at: usize, size: usize, long: u32): void {
  memory.copy(c.max, at, size);
  c.maxSize = <u32>size;
  c.maxLong = long;
}

/** Takes the entries of a dictionary into account. */
export function observeEntries(c: Chunk): void {
  if (c.type != TYPE_STRING) return observeFixed(c, c.entries, c.entryCount);
  const end = c.entries + c.entriesSize;
  for (let at = c.entries; at < end; ) {
    const size = <usize>load<u32>(at);
    observeString(c, at + 4, size);
    at += 4 + size;
  }
}

/**
 * Cuts the last, possibly incomplete, character off a bound of `size` bytes; gives the new size.
 * Bytes that are no UTF-8 are left as they are.
 */
export function wholeCharacters(at: usize, size: usize): usize {
  let start = size;
  for (let back = 0; back < 4 && start > 0; back++) {
    start--;
    const lead = load<u8>(at + start);
    if ((lead & 0xc0) == 0x80) continue;
    const need: usize = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return start + need <= size ? size : start;
  }
  return size;
}

/**
 * Makes the `size` bytes at `at`, whole characters, the least text that is above every text that
 * begins with them: the last character that has a successor is raised and what follows is dropped.
 * Gives the new size, 0 when there is no such text. There must be room for one byte more.
 */
export function roundUp(at: usize, size: usize): usize {
  while (size > 0) {
    let start = size - 1;
    while (start > 0 && (load<u8>(at + start) & 0xc0) == 0x80) start--;
    const width = size - start;
    if (width > 4) return 0;
    let code: u32 = load<u8>(at + start);
    if (width == 1) {
      if (code >= 0x80) return 0;
    } else {
      code &= 0x7f >> <u32>width;
      for (let i: usize = 1; i < width; i++) code = (code << 6) | (load<u8>(at + start + i) & 0x3f);
    }
    code++;
    // the surrogates are no characters
    if (code == 0xd800) code = 0xe000;
    if (code <= 0x10ffff) return start + putCharacter(at + start, code);
    size = start;
  }
  return 0;
}

function putCharacter(dst: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(dst, <u8>code);
    return 1;
  }
  if (code < 0x800) {
    store<u8>(dst, <u8>(0xc0 | (code >> 6)));
    store<u8>(dst, <u8>(0x80 | (code & 63)), 1);
    return 2;
  }
  if (code < 0x10000) {
    store<u8>(dst, <u8>(0xe0 | (code >> 12)));
    store<u8>(dst, <u8>(0x80 | ((code >> 6) & 63)), 1);
    store<u8>(dst, <u8>(0x80 | (code & 63)), 2);
    return 3;
  }
  store<u8>(dst, <u8>(0xf0 | (code >> 18)));
  store<u8>(dst, <u8>(0x80 | ((code >> 12) & 63)), 1);
  store<u8>(dst, <u8>(0x80 | ((code >> 6) & 63)), 2);
  store<u8>(dst, <u8>(0x80 | (code & 63)), 3);
  return 4;
}

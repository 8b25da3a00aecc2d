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

/**
 * Takes strings {address, size} into account. Most lie strictly between the bounds, and their first
 * bytes tell: what both bounds begin with (L bytes, up to 16) must be there, and the 8 bytes behind
 * it lie between those of the bounds. Behind a short bound zeros stand, which is its order.
 */
export function observeStrings(c: Chunk, values: usize, count: u32): void {
  if (count == 0) return;
  const end = values + (<usize>count << 3);
  if (!c.seen) observeString(c, <usize>load<u32>(values), <usize>load<u32>(values, 4));
  const min = c.min, max = c.max;
  while (values < end) {
    // once for every change of a bound
    const shared = sharedBytes(min, max, 16);
    const first = load<u64>(min), second = load<u64>(min, 8);
    const firstMask: u64 = shared >= 8 ? -1 : ~(<u64>-1 << (<u64>shared << 3));
    const secondMask: u64 = shared >= 16 ? -1 : shared <= 8 ? 0 : ~(<u64>-1 << (<u64>(shared - 8) << 3));
    const low = bswap(load<u64>(min + shared)), high = bswap(load<u64>(max + shared));
    for (; values < end; values += 8) {
      const at = <usize>load<u32>(values), size = <usize>load<u32>(values, 4);
      // of a string that ends within the key, zeros behind it: what order is between them is the same
      const key = bswap(load<u64>(at + shared)) & (size >= shared + 8 ? -1 : size <= shared ? 0 : <u64>-1 << (64 - (<u64>(size - shared) << 3)));
      const differ = ((load<u64>(at) ^ first) & firstMask) | ((load<u64>(at, 8) ^ second) & secondMask);
      if (differ != 0 || size < shared || key <= low || key >= high) {
        if (observeString(c, at, size)) {
          values += 8;
          break;
        }
      }
    }
  }
}

function sharedBytes(a: usize, b: usize, most: usize): usize {
  let i: usize = 0;
  while (i < most && load<u8>(a + i) == load<u8>(b + i)) i++;
  return i;
}

/** Takes one string into account; whether a bound changed. */
export function observeString(c: Chunk, at: usize, size: usize): bool {
  const cut = min(size, BOUND);
  const long = u32(size > BOUND);
  if (!c.seen) {
    c.seen = 1;
    keepMin(c, at, cut, long);
    keepMax(c, at, cut, long);
    return true;
  }
  let changed = false;
  let order = compareBytes(at, cut, c.min, <usize>c.minSize);
  if (order < 0) {
    keepMin(c, at, cut, long);
    changed = true;
  } else if (order == 0) c.minLong &= long;
  order = compareBytes(at, cut, c.max, <usize>c.maxSize);
  if (order > 0) {
    keepMax(c, at, cut, long);
    changed = true;
  } else if (order == 0) c.maxLong |= long;
  return changed;
}

function keepMin(c: Chunk, at: usize, size: usize, long: u32): void {
  memory.fill(c.min, 0, BOUND + 32);
  memory.copy(c.min, at, size);
  c.minSize = <u32>size;
  c.minLong = long;
}

function keepMax(c: Chunk, at: usize, size: usize, long: u32): void {
  memory.fill(c.max, 0, BOUND + 32);
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

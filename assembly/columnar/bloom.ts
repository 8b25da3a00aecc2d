// The split-block bloom filter (parquet-format BloomFilter.md): blocks of 32 bytes, eight words of
// which each takes one bit a value. A value's hash is the XXH64 of its PLAIN form, byte arrays
// without their size.
//
// Nobody knows beforehand how many different values a chunk will have. So a filter begins at its
// largest, a power of two, and is folded at the end: block i of half as many is blocks 2i and
// 2i + 1 in one, because the block is chosen by the top bits of the hash.
import { xxHash64 } from "../codec/xxhash";

export const BLOOM_BLOCK: usize = 32;

const SALTS: usize = memory.data<u32>([0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31], 16);

/** Enters `count` values of `width` bytes, or byte arrays {u32 size, bytes} where that is 0, into a filter of `size` bytes. */
export function bloomInsert(filter: usize, size: usize, values: usize, count: u32, width: u32): void {
  const blocks = <u64>(size / BLOOM_BLOCK);
  for (; count > 0; count--) {
    let bytes = <usize>width;
    if (width == 0) {
      bytes = <usize>load<u32>(values);
      values += 4;
    }
    const hash = xxHash64(values, bytes);
    values += bytes;
    enter(filter + <usize>((hash >> 32) * blocks >> 32) * BLOOM_BLOCK, <u32>hash);
  }
}

// @ts-ignore: decorator
@inline
function enter(block: usize, hash: u32): void {
  if (ASC_FEATURE_SIMD) {
    const x = i32x4.splat(hash);
    v128.store(block, v128.or(v128.load(block), bitsOf(i32x4.mul(x, v128.load(SALTS)))));
    v128.store(block, v128.or(v128.load(block, 16), bitsOf(i32x4.mul(x, v128.load(SALTS, 16)))), 16);
    return;
  }
  for (let i: usize = 0; i < BLOOM_BLOCK; i += 4) store<u32>(block + i, load<u32>(block + i) | (<u32>1 << ((hash * load<u32>(SALTS + i)) >> 27)));
}

/** 2 to the power of each lane's top five bits; no shift differs by lane, but the exponent of a float does. */
// @ts-ignore: decorator
@inline
function bitsOf(product: v128): v128 {
  return i32x4.trunc_sat_f32x4_u(i32x4.shl(i32x4.add(i32x4.shr_u(product, 27), i32x4.splat(127)), 23));
}

/**
 * Folds a filter while fewer than `rate` of the values that are not in it would be taken for being
 * there; gives its new size. A block lets through the product of how full its words are.
 */
export function bloomFold(filter: usize, size: usize, rate: f64): usize {
  while (size > BLOOM_BLOCK) {
    const half = size >> 1;
    let sum: f64 = 0;
    for (let at: usize = 0; at < half; at += BLOOM_BLOCK) {
      let through: f64 = 1;
      for (let i: usize = 0; i < BLOOM_BLOCK; i += 4) {
        const from = filter + (at << 1) + i;
        through *= <f64>popcnt(load<u32>(from) | load<u32>(from, 32)) / 32;
      }
      sum += through;
    }
    if (sum > rate * <f64>(half / BLOOM_BLOCK)) break;
    for (let at: usize = 0; at < half; at += 8) {
      const from = filter + ((at & ~31) << 1) + (at & 31);
      store<u64>(filter + at, load<u64>(from) | load<u64>(from, 32));
    }
    size = half;
  }
  return size;
}

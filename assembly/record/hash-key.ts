// The 128-bit hash key of a record: 16 bytes big-endian (as MD5 leaves it), or decimal text from 0 to
// 2^128 - 1, as explicit hash keys and the ends of hash key ranges are written in the Kinesis API.
import { compareBytes, storeBE64 } from "../bytes";

/** Not a decimal integer. */
export const HASH_MALFORMED: i32 = -3;
/** A decimal integer, but not of 0 to 2^128 - 1. */
export const HASH_RANGE: i32 = -4;

/** Digits of 2^128 - 1. */
const DIGITS: usize = 39;
const LARGEST: usize = memory.data<u8>([
  51, 52, 48, 50, 56, 50, 51, 54, 54, 57, 50, 48, 57, 51, 56, 52, 54, 51, 52,
  54, 51, 51, 55, 52, 54, 48, 55, 52, 51, 49, 55, 54, 56, 50, 49, 49, 52, 53, 53, // 340282366920938463463374607431768211455
]);
const limbs: usize = memory.data(16, 16);

/**
 * Reads decimal text to 16 big-endian bytes at dst. Takes what java.math.BigInteger takes in ASCII (the
 * KPL and the KCL parse with it): an optional sign, leading zeros; no white space.
 * Gives 0, HASH_MALFORMED or HASH_RANGE.
 */
export function parseHashKey(src: usize, len: usize, dst: usize): i32 {
  let end = src + len, negative = false;
  if (len > 1) {
    const sign = load<u8>(src);
    negative = sign == 45;
    if (negative || sign == 43) src++;
  }
  if (src == end) return HASH_MALFORMED;
  for (let at = src; at < end; at++) if (<u32>load<u8>(at) - 48 > 9) return HASH_MALFORMED;
  while (src < end && load<u8>(src) == 48) src++;
  const digits = end - src;
  if (digits > DIGITS || (digits == DIGITS && compareBytes(src, DIGITS, LARGEST, DIGITS) > 0) || (negative && digits > 0)) return HASH_RANGE;
  let high: u64 = 0, low: u64 = 0;
  while (src < end) {
    // Nine digits at a time: high:low * 10^n + their value, in 32-bit limbs.
    let factor: u64 = 1, value: u64 = 0;
    for (const stop = min<usize>(src + 9, end); src < stop; src++, factor *= 10) value = value * 10 + <u64>(load<u8>(src) - 48);
    const p0 = (low & 0xffffffff) * factor + value;
    const p1 = (low >> 32) * factor + (p0 >> 32);
    const p2 = (high & 0xffffffff) * factor + (p1 >> 32);
    const p3 = (high >> 32) * factor + (p2 >> 32);
    low = (p1 << 32) | (p0 & 0xffffffff);
    high = (p3 << 32) | (p2 & 0xffffffff);
  }
  storeBE64(dst, high);
  storeBE64(dst + 8, low);
  return 0;
}

/** Writes the 16 big-endian bytes at src as decimal text to dst (room for 45 bytes); gives its length, 1 to 39. */
export function formatHashKey(src: usize, dst: usize): usize {
  for (let i: usize = 0; i < 16; i += 4) store<u32>(limbs + i, bswap(load<u32>(src + i)));
  // Divide by 10^9 until nothing is left: nine digits a turn, the last ones first, ending at dst + 45.
  let at = dst + 45, first = limbs;
  while (first < limbs + 16) {
    if (load<u32>(first) == 0) {
      first += 4;
      continue;
    }
    let rest: u64 = 0;
    for (let limb = first; limb < limbs + 16; limb += 4) {
      rest = (rest << 32) | <u64>load<u32>(limb);
      const quotient = rest / 1000000000;
      store<u32>(limb, <u32>quotient);
      rest -= quotient * 1000000000;
    }
    let part = <u32>rest;
    at -= 9;
    for (let i: usize = 9; i > 0; ) {
      const tenth = part / 10;
      store<u8>(at + --i, 48 + part - tenth * 10);
      part = tenth;
    }
  }
  while (at < dst + 45 && load<u8>(at) == 48) at++;
  if (at == dst + 45) store<u8>(--at, 48);
  const size = dst + 45 - at;
  memory.copy(dst, at, size);
  return size;
}

// JSON numbers of any length as what they say, not as doubles: compared, and taken apart for whole numbers and times.

import { isDigit } from "../../codec/json";

/** The number last read is 0.d1d2d3... x 10^magnitude; `first` is the address of d1, 0 for zero. */
export let negative: bool = false;
export let first: usize = 0;
export let magnitude: i64 = 0;
/** Behind the last digit, where the exponent or the end is. */
export let digitsEnd: usize = 0;

/** Takes the valid number in [p, end) apart. */
export function takeApart(p: usize, end: usize): void {
  negative = load<u8>(p) == 0x2d;
  if (negative) p++;
  first = 0;
  magnitude = 0;
  let behind = false;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == 0x2e) behind = true;
    else if (!isDigit(c)) break;
    else if (first != 0) {
      if (!behind) magnitude++;
    } else if (c != 0x30) {
      first = p;
      if (!behind) magnitude++;
    } else if (behind) magnitude--;
  }
  digitsEnd = p;
  if (p < end) {
    const sign: u32 = load<u8>(++p);
    if (sign == 0x2d || sign == 0x2b) p++;
    let power: i64 = 0;
    // Past 10^12 no text that fits in memory brings the value back.
    for (; p < end; p++) if (power < 1000000000000) power = power * 10 + (load<u8>(p) - 0x30);
    magnitude += sign == 0x2d ? -power : power;
  }
}

/** The valid numbers in [p, end) and [q, qEnd), compared exactly: -1, 0, 1. */
export function compareNumbers(p: usize, end: usize, q: usize, qEnd: usize): i32 {
  takeApart(q, qEnd);
  const sign: i32 = first == 0 ? 0 : negative ? -1 : 1, top = magnitude, stop = digitsEnd;
  q = first;
  takeApart(p, end);
  const own: i32 = first == 0 ? 0 : negative ? -1 : 1;
  if (own != sign) return own < sign ? -1 : 1;
  if (own == 0) return 0;
  if (magnitude != top) return (magnitude < top ? -1 : 1) * own;
  for (p = first; p < digitsEnd || q < stop; p++, q++) {
    if (p < digitsEnd && load<u8>(p) == 0x2e) p++;
    if (q < stop && load<u8>(q) == 0x2e) q++;
    const a: i32 = p < digitsEnd ? load<u8>(p) : 0x30, b: i32 = q < stop ? load<u8>(q) : 0x30;
    if (a != b) return (a < b ? -1 : 1) * own;
  }
  return 0;
}

// JSON numbers (RFC 8259 section 6) -> int64 and double, exactly.
//
// A double is what ECMAScript's JSON.parse gives, bit for bit: nearest, ties to even; 1e400 is
// Infinity, -0 is -0, 1e-400 is 0. Three steps, each only where the one before does not decide:
//   Clinger (1990): up to 2^53 times or over 10^22 is one correctly rounded operation
//   Eisel-Lemire (Lemire 2021, arXiv 2101.11408; Mushtak and Lemire 2022: no fallback for 19 digits)
//   more than 19 digits whose 19-digit neighbours round apart: exact, in decimal.ts
//
// An int64 is any JSON number whose value is a whole number in range, however it is spelt: `1.0`
// and `1e3` are integers in JSON, which has but one number type; `1.5` is not, `1e19` is too large.

import { compareToMidpoint } from "./decimal";
import { power10, powersOfFive } from "./powers";

const MINUS: u32 = 0x2d, DOT: u32 = 0x2e;

// @ts-ignore: decorator
@inline
export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** End of the JSON number at `p`, or 0 where the text is none; then `numberStop` is the odd byte. */
export function skipNumber(p: usize): usize {
  if (load<u8>(p) == MINUS) p++;
  if (load<u8>(p) == 0x30) p++;
  else {
    const first = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  if (load<u8>(p) == DOT) {
    const first = ++p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign: u32 = load<u8>(p);
    if (sign == MINUS || sign == 0x2b) p++;
    const first = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  return p;
}

export let numberStop: usize = 0;

function stopAt(p: usize): usize {
  numberStop = p;
  return 0;
}

// The parts of the number last taken apart: first 19 significant digits x 10^exponent, `digits`
// significant digits in all, trailing zeros not counted.
let significand: u64 = 0;
let exponent: i64 = 0;
let digits: i32 = 0;

/** Takes the valid JSON number in [p, end), sign skipped, apart. */
function takeApart(p: usize, end: usize): void {
  let w: u64 = 0, taken: i32 = 0, zeros: i32 = 0, count: i32 = 0;
  let point: i64 = 0, behind = false, power: i64 = 0;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == DOT) {
      behind = true;
    } else if (isDigit(c)) {
      if (behind) point--;
      if (c == 0x30) {
        if (count > 0) zeros++;
        continue;
      }
      // Zeros count only once a further digit stands behind them.
      count += zeros + 1;
      for (; zeros > 0 && taken < 19; zeros--, taken++) w *= 10;
      if (taken < 19) {
        w = w * 10 + (c - 0x30);
        taken++;
      }
      zeros = 0;
    } else {
      const sign: u32 = load<u8>(++p);
      if (sign == MINUS || sign == 0x2b) p++;
      // Past 10^12 no text that fits in memory can bring the value back into range.
      for (; p < end; p++) if (power < 1000000000000) power = power * 10 + (load<u8>(p) - 0x30);
      if (sign == MINUS) power = -power;
    }
  }
  significand = w;
  digits = count;
  exponent = power + point + zeros + (count - taken);
}

/** The double nearest to the valid JSON number in [p, end). */
export function doubleOf(p: usize, end: usize): f64 {
  const negative = load<u8>(p) == MINUS;
  if (negative) p++;
  takeApart(p, end);
  // Beyond +-400 the answer is 0 or Infinity for every 19-digit significand.
  const power = <i32>max<i64>(-400, min<i64>(400, exponent));
  let value = scaled(significand, power);
  if (digits > 19) {
    const above = scaled(significand + 1, power);
    if (value != above) {
      const order = compareToMidpoint(p, end, exponent, reinterpret<u64>(value));
      if (order > 0 || (order == 0 && (reinterpret<u64>(value) & 1))) value = above;
    }
  }
  return negative ? -value : value;
}

/** significand x 10^power, correctly rounded. */
// @ts-ignore: decorator
@inline
export function scaled(w: u64, power: i32): f64 {
  if (w <= 9007199254740992 && power >= -22 && power <= 22)
    return power < 0 ? <f64><i64>w / power10(-power) : <f64><i64>w * power10(power);
  return eiselLemire(w, power);
}

/** High word of the 128-bit product. */
function highOf(a: u64, b: u64): u64 {
  const al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
  const lh = al * bh, hl = ah * bl;
  return ah * bh + (lh >> 32) + (hl >> 32) + ((((al * bl) >> 32) + (lh & 0xffffffff) + (hl & 0xffffffff)) >> 32);
}

function eiselLemire(w: u64, power: i32): f64 {
  if (w == 0 || power < -342) return 0;
  if (power > 308) return Infinity;
  const zeros = clz(w);
  w <<= zeros;
  const entry = powersOfFive() + (<usize>(power + 342) << 4);
  const factor = load<u64>(entry);
  let upper = highOf(w, factor), lower = w * factor;
  if ((upper & 0x1ff) == 0x1ff) {
    const more = highOf(w, load<u64>(entry, 8));
    lower += more;
    if (more > lower) upper++;
  }
  const top = upper >> 63;
  const shift = top + 9;
  let mantissa = upper >> shift;
  // log2(5^power) + power, biased
  let exponent2 = ((217706 * power) >> 16) + 63 + <i32>top - <i32>zeros + 1023;
  if (exponent2 <= 0) {
    if (1 - exponent2 >= 64) return 0;
    mantissa >>= 1 - exponent2;
    mantissa += mantissa & 1;
    // A carry into bit 52 is the exponent field's 1 already.
    return reinterpret<f64>(mantissa >> 1);
  }
  // Exactly half-way is possible only for small powers: then to even.
  if (lower <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << shift == upper) mantissa &= ~1;
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= 0x20000000000000) {
    mantissa = 0x10000000000000;
    exponent2++;
  }
  if (exponent2 >= 0x7ff) return Infinity;
  return reinterpret<f64>((mantissa & 0xfffffffffffff) | ((<u64>exponent2) << 52));
}

export const INTEGER: i32 = 0;
const NOT_INTEGER: i32 = 1;
export const INTEGER_RANGE: i32 = 2;
export let integer: i64 = 0;

/** The valid JSON number in [p, end) as an int64 in `integer`: INTEGER, NOT_INTEGER or INTEGER_RANGE. */
export function integerOf(p: usize, end: usize): i32 {
  const negative = load<u8>(p) == MINUS;
  takeApart(negative ? p + 1 : p, end);
  let w = significand;
  integer = 0;
  if (w == 0) return INTEGER;
  // digits - 19 of them are not in w; the last one is not 0, so it decides whether a fraction is left
  if (exponent - max(0, digits - 19) < 0) return NOT_INTEGER;
  if (digits > 19 || exponent > 18) return INTEGER_RANGE;
  for (; exponent > 0; exponent--) {
    if (w > 922337203685477580) return INTEGER_RANGE;
    w *= 10;
  }
  if (w > <u64>i64.MAX_VALUE + (negative ? 1 : 0)) return INTEGER_RANGE;
  integer = negative ? -(<i64>w) : <i64>w;
  return INTEGER;
}

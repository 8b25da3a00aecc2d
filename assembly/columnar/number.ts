// JSON numbers (RFC 8259 section 6) -> double and float, correctly rounded; whole numbers and
// decimals are exact.ts's.
//
// A double is what ECMAScript's JSON.parse gives, bit for bit: nearest, ties to even; 1e400 is
// Infinity, -0 is -0, 1e-400 is 0. Three steps, each only where the one before does not decide:
//   Clinger (1990): up to 2^53 times or over 10^22 is one correctly rounded operation
//   Eisel-Lemire (Lemire 2021, arXiv 2101.11408; Mushtak and Lemire 2022: no fallback for 19 digits)
//   more than 19 digits whose 19-digit neighbours round apart: exact, in decimal.ts
//
// A float is the nearest to the decimal text, not to the double between: 1 + 2^-24 + 2^-60 would
// else be rounded twice, down to 1. Only a double that lies half-way between two floats can hide
// on which side the text is.

import { isDigit } from "../codec/json";
import { compareTo } from "./decimal";
import { power10, powersOfFive } from "./powers";

const MINUS: u32 = 0x2d, DOT: u32 = 0x2e;

// The parts of the number last taken apart: first 19 significant digits x 10^exponent, `digits`
// significant digits in all, trailing zeros not counted.
export let significand: u64 = 0;
export let exponent: i64 = 0;
export let digits: i32 = 0;

/** Takes the valid JSON number in [p, end), sign skipped, apart. */
export function takeApart(p: usize, end: usize): void {
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
      const order = compareTo(p, end, exponent + 19, reinterpret<u64>(value), 1);
      if (order > 0 || (order == 0 && (reinterpret<u64>(value) & 1))) value = above;
    }
  }
  return negative ? -value : value;
}

// The lowest exponent field of a double that is a normal float, 2^-126.
const FLOAT_MIN: i32 = 897;

/** Whether the double lies half-way between two floats, or is too small to tell here. */
// @ts-ignore: decorator
@inline
export function floatInDoubt(bits: u64): bool {
  return (bits & 0x1fffffff) == 0x10000000 || (<i32>(bits >> 52) & 0x7ff) < FLOAT_MIN;
}

/** The float nearest to the valid JSON number in [p, end). */
export function floatOf(p: usize, end: usize): f32 {
  let bits = reinterpret<u64>(doubleOf(p, end));
  const field = <i32>(bits >> 52) & 0x7ff;
  // Bits that a float of this size lacks; from 54 on all is far below half of the smallest.
  const lost = field >= FLOAT_MIN ? 29 : min(29 + FLOAT_MIN - field, 54);
  const mantissa = (bits & 0xfffffffffffff) | 0x10000000000000;
  if (field < 0x7ff && lost < 54 && (mantissa & ((<u64>1 << lost) - 1)) == <u64>1 << (lost - 1)) {
    // One ulp of the double to the text's side decides the rounding; on the spot it is to even.
    const magnitude = bits & 0x7fffffffffffffff;
    bits += <u64><i64>compareTo(load<u8>(p) == MINUS ? p + 1 : p, end, exponent + min(digits, 19), magnitude, 0);
  }
  return <f32>reinterpret<f64>(bits);
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
export function highOf(a: u64, b: u64): u64 {
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
  // Without the lowest of the four partial products and the carries the upper word is at most 4 too
  // small, which matters only next to a boundary: 1 number in 64 takes the whole product.
  const wl = w & 0xffffffff, wh = w >> 32, fl = factor & 0xffffffff, fh = factor >> 32;
  let upper = wh * fh + ((wl * fh) >> 32) + ((wh * fl) >> 32), lower: u64 = 2;
  const margin = upper & 0x1ff;
  if (margin - 1 >= 0x1fa) {
    upper = highOf(w, factor);
    lower = w * factor;
    if ((upper & 0x1ff) == 0x1ff) {
      const more = highOf(w, load<u64>(entry, 8));
      lower += more;
      if (more > lower) upper++;
    }
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

// The short cuts for numbers as they mostly are: digits eight or sixteen at a time, straight into
// the column. What they do not take, well-formed or not, number.ts and codec/json.ts decide.
import { scaled } from "./number";
import { power10, wholePower10 } from "./powers";

const MINUS: u32 = 0x2d, DOT: u32 = 0x2e;

/** Digits at the head of the 8 bytes `text ^ 0x3030303030303030` (0 to 8). */
// @ts-ignore: decorator
@inline
export function leadingDigits(t: u64): usize {
  // A carry out of a byte that is no digit only spoils later bytes; the lowest flag stays right.
  return <usize>(ctz(((t + 0x7676767676767676) | t) & 0x8080808080808080) >> 3);
}

/** Value of 8 digits, first one in the lowest byte. */
// @ts-ignore: decorator
@inline
export function eightDigits(t: u64): u64 {
  t = t * 10 + (t >> 8);
  return ((t & 0x000000ff000000ff) * 0x000f424000000064 + ((t >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

/** Plain whole numbers of up to 20 digits as u64 and up to 19 as i64: one to `slot`; gives the byte behind it, or 0. */
// @ts-ignore: decorator
@inline
function scanWhole(p: usize, slot: usize, signed: bool): usize {
  const negative = signed && load<u8>(p) == MINUS;
  p += <usize>negative;
  let t = load<u64>(p) ^ 0x3030303030303030;
  let n = leadingDigits(t);
  // No digit, or a zero in front of others: skipNumber() finds the fault.
  if (n == 0 || (n > 1 && <u8>t == 0)) return 0;
  let w: u64;
  if (n < 8) {
    w = eightDigits(t << ((8 - <u64>n) << 3));
  } else {
    w = eightDigits(t);
    t = load<u64>(p, 8) ^ 0x3030303030303030;
    n = leadingDigits(t);
    if (n == 8) {
      w = w * 100000000 + eightDigits(t);
      p += 8;
      t = load<u64>(p, 8) ^ 0x3030303030303030;
      n = leadingDigits(t);
      // The last few of the range are exact.ts's.
      if (signed ? n > 2 && (n > 3 || w >= 9223372036854775) : n > 3 && (n > 4 || w >= 1844674407370955)) return 0;
    }
    if (n > 0) w = w * wholePower10(n) + eightDigits(t << ((8 - <u64>n) << 3));
    n += 8;
  }
  p += n;
  const c: u32 = load<u8>(p);
  if (c == DOT || (c | 0x20) == 0x65) return 0;
  store<i64>(slot, negative ? -(<i64>w) : <i64>w);
  return p;
}

// @ts-ignore: decorator
@inline
export function scanInteger(p: usize, slot: usize): usize {
  return scanWhole(p, slot, true);
}

export function scanUnsigned(p: usize, slot: usize): usize {
  return scanWhole(p, slot, false);
}

// Shuffles: row w drops byte w (a point); 16 bytes from address n of SLIDE on move n bytes to the end.
const DROP: usize = memory.data<u8>([
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255,
], 16);
const SLIDE: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
], 16);
// '0', 9, the weights that join digits to pairs, pairs to fours, fours to eights, '.' - '0', and the low bytes.
const WEIGHTS: usize = memory.data<u16>([
  0x3030, 0x3030, 0x3030, 0x3030, 0x3030, 0x3030, 0x3030, 0x3030, 0x0909, 0x0909, 0x0909, 0x0909, 0x0909, 0x0909, 0x0909, 0x0909,
  10, 10, 10, 10, 10, 10, 10, 10, 100, 1, 100, 1, 100, 1, 100, 1, 10000, 1, 10000, 1, 10000, 1, 10000, 1,
  0xfefe, 0xfefe, 0xfefe, 0xfefe, 0xfefe, 0xfefe, 0xfefe, 0xfefe, 255, 255, 255, 255, 255, 255, 255, 255,
], 16);

/** The first `digits` figures of `v`, byte `whole` left out, as one number below 10^16. */
// @ts-ignore: decorator
@inline
function join(v: v128, whole: usize, digits: usize): u64 {
  const line = i8x16.swizzle(i8x16.swizzle(v, v128.load(DROP + (whole << 4))), v128.load(SLIDE + digits));
  const pairs = i16x8.add(i16x8.mul(v128.and(line, v128.load(WEIGHTS, 96)), v128.load(WEIGHTS, 32)), i16x8.shr_u(line, 8));
  const fours = i32x4.dot_i16x8_s(pairs, v128.load(WEIGHTS, 48));
  const eights = i64x2.extract_lane(i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), v128.load(WEIGHTS, 64)), 0);
  return (<u64>eights & 0xffffffff) * 100000000 + (<u64>eights >> 32);
}

/**
 * Doubles of up to 15 characters, sign and point included, no exponent, in one register; those of 16 to 20
 * with a point among the first 16 in one and a word; else as scanLong().
 *
 * The next value's place hangs on this one's size, so nothing else may stand between the load and it: the
 * sign counts as a figure of no worth. And digits are as random as branches can be: the conditions are
 * joined by `&`, the sign is a bit, for V8 makes branches of f64 selects.
 */
// @ts-ignore: decorator
@inline
export function scanDouble(p: usize, slot: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const minus = u32(load<u8>(p) == MINUS);
    const v = i8x16.sub(v128.load(p), v128.load(WEIGHTS));
    const isFigure = i8x16.le_u(v, v128.load(WEIGHTS, 16));
    const figures = <u32>i8x16.bitmask(isFigure) | minus;
    // Adding one sets the bit behind the leading figures, where the point may stand.
    const point = <u32>i8x16.bitmask(i8x16.eq(v, v128.load(WEIGHTS, 80))) & (figures + 1);
    const size = <usize>ctz(~(figures | point));
    const whole = <usize>ctz(~figures), digits = size - <usize>(point != 0);
    const next = p + size;
    const leading = u32(whole == <usize>minus + 1) | u32(load<u8>(p + <usize>minus) != 0x30);
    // Not `.5`, `5.`, `05`, nor `5e0`; a significand of 15 digits is below 2^53.
    if (u32(whole != <usize>minus) & (u32(digits > whole) | u32(point == 0)) & leading) {
      if (u32(size < 16) & u32((load<u8>(next) | 0x20) != 0x65)) {
        const w = <f64><i64>join(v128.and(v, isFigure), whole, digits) / power10(<i32>(digits - whole));
        store<u64>(slot, reinterpret<u64>(w) | (<u64>minus << 63));
        return next;
      }
      if (u32(size == 16) & u32(point != 0)) {
        const t = load<u64>(next) ^ 0x3030303030303030;
        const n = leadingDigits(t);
        if (n <= 4 && (load<u8>(next + n) | 0x20) != 0x65) {
          const w = join(v128.and(v, isFigure), whole, 15) * wholePower10(n) + eightDigits((t << ((7 - <u64>n) << 3)) << 8);
          store<u64>(slot, reinterpret<u64>(scaled(w, <i32>(whole - 15 - n))) | (<u64>minus << 63));
          return next + n;
        }
      }
    }
  }
  return scanLong(p, slot);
}

/** The plain number last read: its digits as one whole number, how many there are and stand behind the point, its sign. */
export let plainHigh: u64 = 0;
export let plainLow: u64 = 0;
export let plainDigits: usize = 0;
export let plainPlaces: usize = 0;
export let plainNegative: bool = false;

/** A number of up to 38 digits, no exponent: the byte behind it, or 0. */
export function scanPlain(p: usize): usize {
  plainNegative = load<u8>(p) == MINUS;
  p += <usize>plainNegative;
  plainHigh = 0;
  if (ASC_FEATURE_SIMD) {
    const v = i8x16.sub(v128.load(p), v128.load(WEIGHTS));
    const figures = i8x16.bitmask(i8x16.le_u(v, v128.load(WEIGHTS, 16)));
    const point = i8x16.bitmask(i8x16.eq(v, v128.load(WEIGHTS, 80))) & (figures + 1);
    const size = <usize>ctz(~(figures | point));
    const whole = <usize>ctz(~figures), digits = size - <usize>(point != 0);
    const next = p + size;
    if (size < 16 && whole != 0 && (digits > whole || point == 0) && (whole == 1 || load<u8>(p) != 0x30) && (load<u8>(next) | 0x20) != 0x65) {
      plainLow = join(v, whole, digits);
      plainPlaces = digits - whole;
      plainDigits = digits;
      return next;
    }
  }
  plainLow = 0;
  const whole = plainRun(p, 0);
  if (whole == 0 || (whole > 1 && load<u8>(p) == 0x30)) return 0;
  p += whole;
  plainPlaces = 0;
  if (load<u8>(p) == DOT) {
    plainPlaces = plainRun(p + 1, whole);
    if (plainPlaces == 0) return 0;
    p += plainPlaces + 1;
  }
  plainDigits = whole + plainPlaces;
  return plainDigits > 38 || (load<u8>(p) | 0x20) == 0x65 ? 0 : p;
}

/** Appends the digits at `p` to the plain number of `before` digits; gives how many, more than fit where there are more. */
function plainRun(p: usize, before: usize): usize {
  const first = p;
  while (true) {
    const t = load<u64>(p) ^ 0x3030303030303030;
    const n = leadingDigits(t);
    if (n > 0) {
      p += n;
      if (before + (p - first) > 38) break;
      const factor = wholePower10(n), low = (plainLow & 0xffffffff) * factor, middle = (plainLow >> 32) * factor + (low >> 32);
      const sum = (middle << 32) | (low & 0xffffffff);
      plainLow = sum + eightDigits(t << ((8 - <u64>n) << 3));
      plainHigh = plainHigh * factor + (middle >> 32) + (plainLow < sum ? 1 : 0);
    }
    if (n < 8) break;
  }
  return p - first;
}

/** Doubles of at most 19 digits without an exponent: one to `slot`; gives the byte behind it, or 0. */
function scanLong(p: usize, slot: usize): usize {
  const negative = load<u8>(p) == MINUS;
  p += <usize>negative;
  const first = p;
  let w: u64 = 0, n: usize = 0;
  let t = load<u64>(p) ^ 0x3030303030303030;
  n = leadingDigits(t);
  if (n == 0 || (n > 1 && <u8>t == 0)) return 0;
  while (n == 8) {
    w = w * 100000000 + eightDigits(t);
    p += 8;
    if (p - first > 16) return 0;
    t = load<u64>(p) ^ 0x3030303030303030;
    n = leadingDigits(t);
  }
  if (n > 0) w = w * wholePower10(n) + eightDigits(t << ((8 - <u64>n) << 3));
  p += n;
  let digits = p - first, power: i32 = 0;
  if (load<u8>(p) == DOT) {
    const behind = ++p;
    do {
      t = load<u64>(p) ^ 0x3030303030303030;
      n = leadingDigits(t);
      digits += n;
      if (digits > 19) return 0;
      p += n;
      if (n == 8) w = w * 100000000 + eightDigits(t);
      else if (n > 0) w = w * wholePower10(n) + eightDigits(t << ((8 - <u64>n) << 3));
    } while (n == 8);
    if (p == behind) return 0;
    power = <i32>(behind - p);
  } else if (digits > 19) return 0;
  if ((load<u8>(p) | 0x20) == 0x65) return 0;
  const value = scaled(w, power);
  store<f64>(slot, negative ? -value : value);
  return p;
}

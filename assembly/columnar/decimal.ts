// The last word on a decimal: is it above or below a double, or the midpoint of two neighbouring
// ones? Both sides as big integers, compared. ~5 us; about one in 10^16/10^18 of
// random long numbers comes here, and every number that was made to be half-way.
//
// A midpoint has at most 767 significant digits (David Gay), so 768 digits and "is anything
// behind them" decide. Largest integer: 769 digits or 54 bits x 5^1093, under 2,700 bits.

const LIMBS: usize = 128;
const LEFT: usize = memory.data(128 * 4, 16);
const RIGHT: usize = memory.data(128 * 4, 16);
const KEPT: i32 = 768;

/**
 * Compares the unsigned JSON number in [p, end), which is 0.d... x 10^`top`, with the double `bits`
 * or, with `half` = 1, the midpoint between it and the next one: -1, 0, 1.
 */
export function compareTo(p: usize, end: usize, top: i64, bits: u64, half: u64): i32 {
  memory.fill(LEFT, 0, LIMBS << 2);
  memory.fill(RIGHT, 0, LIMBS << 2);
  let taken: i32 = 0, part: u32 = 0, scale: u32 = 1, rest = false;
  for (; p < end; p++) {
    const digit: u32 = <u32>load<u8>(p) - 0x30;
    if (digit > 9) {
      if (digit == 0x2e - 0x30) continue;
      break;
    }
    if (taken == 0 && digit == 0) continue;
    if (taken == KEPT) {
      rest = rest || digit != 0;
      continue;
    }
    taken++;
    part = part * 10 + digit;
    scale *= 10;
    if (scale == 1000000000) {
      multiplyAdd(LEFT, scale, part);
      part = 0;
      scale = 1;
    }
  }
  multiplyAdd(LEFT, scale, part);
  // One unit in a further place stands for whatever was cut off.
  if (rest) {
    multiplyAdd(LEFT, 10, 1);
    taken++;
  }
  const power5 = <i32>top - taken;
  const field = <i32>((bits >> 52) & 0x7ff);
  const mantissa = field == 0 ? bits : (bits & 0xfffffffffffff) | 0x10000000000000;
  const double = (mantissa << 1) | half;
  store<u32>(RIGHT, <u32>double);
  store<u32>(RIGHT, <u32>(double >> 32), 4);
  timesPowerOfFive(power5 >= 0 ? LEFT : RIGHT, abs(power5));
  // left x 2^power5 against right x 2^(exponent - 1)
  const shift = power5 - (max(field, 1) - 1076);
  shiftLeft(shift >= 0 ? LEFT : RIGHT, <usize>abs(shift));
  for (let i = LIMBS; i > 0; i--) {
    const a = load<u32>(LEFT + ((i - 1) << 2)), b = load<u32>(RIGHT + ((i - 1) << 2));
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}

function multiplyAdd(at: usize, factor: u32, add: u32): void {
  let carry: u64 = add;
  for (let i: usize = 0; i < LIMBS; i++) {
    carry += <u64>load<u32>(at + (i << 2)) * factor;
    store<u32>(at + (i << 2), <u32>carry);
    carry >>= 32;
  }
}

function timesPowerOfFive(at: usize, power: i32): void {
  for (; power >= 13; power -= 13) multiplyAdd(at, 1220703125, 0);
  for (; power > 0; power--) multiplyAdd(at, 5, 0);
}

function shiftLeft(at: usize, bits: usize): void {
  const limbs = bits >> 5;
  memory.copy(at + (limbs << 2), at, (LIMBS - limbs) << 2);
  memory.fill(at, 0, limbs << 2);
  multiplyAdd(at, 1 << (<u32>bits & 31), 0);
}

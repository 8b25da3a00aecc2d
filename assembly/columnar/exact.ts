// JSON numbers -> whole numbers of a decimal unit, exactly: integers (scale 0), decimals of up to 38
// digits (their scale) and epoch times (nanoseconds), whatever the spelling: 1.0, 1e2 and 100 are one
// number in JSON. Linear in the text: 5,000 digits or an exponent of 10^12 cost no more than reading them.

import { isDigit } from "../codec/json";
import { digits, exponent, highOf, significand, takeApart } from "./number";
import { wholePower10 } from "./powers";

/** What becomes of digits behind the last place. */
export const REFUSE: u32 = 0;
/** Away from zero from a half on (java.math.RoundingMode.HALF_UP). */
export const ROUND: u32 = 1;
/** Cut off, towards zero; `dropped` says whether there was anything. */
export const CUT: u32 = 2;

export const EXACT: i32 = 0;
/** There are digits behind the last place. */
export const BROKEN: i32 = 1;
/** More digits than allowed. */
export const LARGE: i32 = 2;

/** The magnitude that scaled() found, below 10^38. */
export let high: u64 = 0;
export let low: u64 = 0;
/** Digits before the point of the number last read, 0 or less below 1. */
export let wholeDigits: i64 = 0;
/** Whether the number last read is no whole one. */
export let fractional: bool = false;
export let dropped: bool = false;

/**
 * The valid number in [p, end), sign skipped, as a whole number of 10^-`scale`, at most `most` (<= 38)
 * digits: EXACT, BROKEN or LARGE.
 */
export function scaledTo(p: usize, end: usize, scale: i64, most: i32, ending: u32): i32 {
  takeApart(p, end);
  high = 0;
  low = 0;
  dropped = false;
  fractional = false;
  wholeDigits = 0;
  if (digits == 0) return EXACT;
  // The place of the last digit that is not 0.
  const last = exponent - max(0, digits - 19), places = last + scale;
  wholeDigits = last + digits;
  fractional = last < 0;
  if (places < 0 && ending == REFUSE) return BROKEN;
  const keep = wholeDigits + scale;
  if (keep > most) return LARGE;
  dropped = places < 0;
  if (keep < 0) return EXACT;
  const next = gather(p, end, min<i32>(<i32>keep, digits));
  if (places > 0) timesPower10(<i32>places);
  if (ending == ROUND && places < 0 && next >= 5) {
    low++;
    if (low == 0) high++;
    // 9.995 to 2 places has become 10.00, a digit more.
    if (keep == most && isPower10(most)) return LARGE;
  }
  return EXACT;
}

/** Sets high and low to the number of the two words times 10^`n`, which is below 10^38. */
export function setExact(h: u64, l: u64, n: i32): void {
  high = h;
  low = l;
  timesPower10(n);
}

/** high and low, negated or not, as 16 bytes big-endian to `slot`. */
export function putWide(slot: usize, negative: bool): void {
  const l = negative ? 0 - low : low;
  store<u64>(slot, bswap<u64>(negative ? ~high + (l == 0 ? 1 : 0) : high));
  store<u64>(slot, bswap<u64>(l), 8);
}

/** The first `n` significant digits into high and low; gives the digit behind them. */
function gather(p: usize, end: usize, n: i32): u32 {
  if (n == digits && n <= 19) {
    low = significand;
    return 0;
  }
  let taken: i32 = 0, head: u64 = 0, tail: u64 = 0;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (!isDigit(c)) {
      if (c == 0x2e) continue;
      break;
    }
    const digit = c - 0x30;
    if (taken == 0 && digit == 0) continue;
    if (taken == n) {
      join(head, tail, n - 19);
      return digit;
    }
    if (taken < 19) head = head * 10 + digit;
    else tail = tail * 10 + digit;
    taken++;
  }
  join(head, tail, n - 19);
  return 0;
}

/** head x 10^n + tail, n of the latter's digits. */
function join(head: u64, tail: u64, n: i32): void {
  low = head;
  if (n <= 0) return;
  timesPower10(n);
  low += tail;
  if (low < tail) high++;
}

function timesPower10(n: i32): void {
  for (; n > 0; n -= 18) {
    const factor = wholePower10(min(n, 18));
    const carry = highOf(low, factor);
    low *= factor;
    high = high * factor + carry;
  }
}

function isPower10(n: i32): bool {
  const h = high, l = low;
  high = 0;
  low = 1;
  timesPower10(n);
  const is = high == h && low == l;
  high = h;
  low = l;
  return is;
}

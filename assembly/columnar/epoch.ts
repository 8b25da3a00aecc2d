// Moments into columns, and numbers that count from the epoch into moments.
//
// A number counts seconds, ms, us or ns as the column says (`param`), or by its magnitude: below
// 10^12 seconds, from there on milliseconds, as OpenX tells them apart. A fraction is kept where the
// number counts something coarser than the column does, digits past the column's unit are cut off,
// towards the past, as in text; where the number counts the column's unit or a finer one, strict
// takes whole numbers alone.
// int64: ms and us of any date that text can name, ns from 1677-09-21 to 2262-04-11.
// INT96: u64 nanoseconds of the day, u32 Julian day (parquet.thrift, Type.INT96); the day that
// begins at noon before 1970-01-01 is 2,440,588.

import { COERCE_STRICT, coercion } from "./coerce";
import { CUT, dropped, EXACT, fractional, high, low, scaledTo, wholeDigits } from "./exact";
import { wholePower10 } from "./powers";
import { nanos, seconds, setTime } from "../codec/calendar";
import { JSON_FRACTION, JSON_RANGE } from "../codec/json";

/** What numbers count (columns.ts, TYPE_TIMESTAMP). */
export const TIME_MS: u32 = 0;
export const TIME_US: u32 = 1;
export const TIME_NS: u32 = 2;
export const TIME_S: u32 = 3;
export const TIME_AUTO: u32 = 4;
/** Nothing: the text of a number is read as other text is. */
export const TIME_TEXT: u32 = 5;

const DAY: i64 = 86400;
const JULIAN: i64 = 2440588;
const BILLION: u64 = 1000000000;

/** Reads the valid number in [p, end) into time.ts's seconds and nanos; 0 or the reason why not. */
export function epochOf(p: usize, end: usize, unit: u32, counts: u32): i32 {
  const negative = load<u8>(p) == 0x2d;
  if (negative) p++;
  let status = EXACT;
  if (counts == TIME_AUTO) {
    status = scaledTo(p, end, 9, 28, CUT);
    counts = wholeDigits > 12 ? TIME_MS : TIME_S;
    if (counts == TIME_MS) status = scaledTo(p, end, 6, 28, CUT);
  } else status = scaledTo(p, end, counts == TIME_S ? 9 : 6 - 3 * <i64>counts, 28, CUT);
  if (fractional && counts != TIME_S && counts >= unit && coercion == COERCE_STRICT) return JSON_FRACTION;
  if (status != EXACT) return JSON_RANGE;
  // 28 digits: high is below 2^30, so both steps divide 64 bits.
  let rest = (high << 32) | (low >> 32);
  let whole = (rest / BILLION) << 32;
  rest = ((rest % BILLION) << 32) | (low & 0xffffffff);
  whole += rest / BILLION;
  rest %= BILLION;
  if (<i64>whole < 0) return JSON_RANGE;
  if (negative) {
    if (dropped) rest++;
    if (rest == 0) setTime(-(<i64>whole), 0);
    else setTime(-(<i64>whole) - 1, <u32>(BILLION - rest));
  } else setTime(<i64>whole, <u32>rest);
  return 0;
}

/** seconds and nanos as int64 of the unit to `slot`; false where it does not hold them. */
export function putTime(slot: usize, unit: u32): bool {
  const kept = <usize>(unit * 3 + 3), scale = <i64>wholePower10(kept);
  if (seconds > i64.MAX_VALUE / scale || seconds < i64.MIN_VALUE / scale - 1) return false;
  // Within one second of the range: what wraps changes its sign.
  const value = seconds * scale + <i64>(<u64>nanos / wholePower10(9 - kept));
  store<i64>(slot, value);
  return (value < 0) == (seconds < 0);
}

/** Days since the epoch of the moment last read. */
export function dayOf(): i64 {
  return (seconds >= 0 ? seconds : seconds - DAY + 1) / DAY;
}

/** seconds and nanos as INT96 to `slot`; false where no reader's int32 holds the day. */
export function putInt96(slot: usize): bool {
  const day = dayOf();
  if (day + JULIAN < 0 || day + JULIAN > i32.MAX_VALUE) return false;
  store<u64>(slot, <u64>(seconds - day * DAY) * BILLION + nanos);
  store<u32>(slot, <u32>(day + JULIAN), 8);
  return true;
}

/** scanInteger()'s int64 at `slot` from what it counts to the unit of the column; false: epochOf() decides. */
export function convertEpoch(slot: usize, unit: u32, counts: u32): bool {
  const value = load<i64>(slot);
  if (counts == TIME_AUTO) counts = value > -1000000000000 && value < 1000000000000 ? TIME_S : TIME_MS;
  const from = counts == TIME_S ? 0 : <i32>counts * 3 + 3, to = <i32>unit * 3 + 3;
  if (from <= to) {
    const factor = <i64>wholePower10(to - from), product = value * factor;
    // Below 2^31 times up to 10^9 fits; else ask by the way back, which is exact.
    if (value != <i64><i32>value && product / factor != value) return false;
    store<i64>(slot, product);
  } else {
    const factor = <i64>wholePower10(from - to);
    store<i64>(slot, (value >= 0 ? value : value - factor + 1) / factor);
  }
  return true;
}

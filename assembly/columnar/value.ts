// A value that the scan's short cuts do not take: null, escapes, exponents, long numbers, white
// space that the prediction did not expect, other forms of a time, and whatever does not fit its
// column. Cold. The level (coerce.ts) decides what fits.
//
// From text: strings, binary, UUIDs, dates and times as their files say; decimals, a number in
// text; other numbers and booleans so only in openx. Exact hive takes booleans in text, not decimals.
// From a number: every numeric type; timestamps (epoch.ts); dates, whole days since the epoch in
// the years 0 to 9999, so that 20240131 is no date; times, whole units since midnight.
// JSON columns take any value but null, as it stands.

import { base64Decode } from "../codec/base64";
import { hexBytes, uuidBytes } from "./binary";
import { booleanOf, COERCE_OPENX, COERCE_STRICT, coercion, compactText, exact, isNumber } from "./coerce";
import {
  COLUMN_NULLABLE, COLUMN_PARAM, COLUMN_TYPE, COLUMN_UNIT, COLUMN_WIDTH, TYPE_BINARY, TYPE_BOOLEAN, TYPE_DATE, TYPE_DECIMAL, TYPE_DOUBLE,
  TYPE_FLOAT, TYPE_INT32, TYPE_INT64, TYPE_INT96, TYPE_JSON, TYPE_STRING, TYPE_TIME, TYPE_TIMESTAMP, TYPE_UNSIGNED, TYPE_UUID,
} from "./columns";
import { dayOf, epochOf, putInt96, putTime, TIME_TEXT } from "./epoch";
import { loneSurrogate, unescape, unescapedSize } from "../codec/unescape";
import { BROKEN, EXACT, high, low, putWide, REFUSE, ROUND, scaledTo } from "./exact";
import { doubleOf, floatOf } from "./number";
import { fitsPattern } from "./patterns";
import { wholePower10 } from "./powers";
import { blame } from "./row";
import {
  JSON_BASE64, JSON_CLOCK, JSON_DATE, JSON_FRACTION, JSON_HEX, JSON_NULL, JSON_NUMBER, JSON_PRECISION, JSON_RANGE, JSON_SCALE, JSON_SURROGATE,
  JSON_TIME, JSON_TYPE, JSON_UUID, skipValue,
} from "../codec/json";
import { scanClock, scanDate, scanTime } from "./time";

const MINUS: u32 = 0x2d, PLUS: u32 = 0x2b, QUOTE: u32 = 0x22;
// 0000-01-01 and 9999-12-31.
const FIRST_DAY: i64 = -719528;
const LAST_DAY: i64 = 2932896;

/** Where the next bytes that are not in the text as they are go. */
export let scratchTop: usize = 0;

export function setScratch(to: usize): void {
  scratchTop = to;
}

/** What oddValue() made of a value: 1 stored, 0 null or a fault of the column. */
export let present: u32 = 0;

/** Stores the value at `p` as number `at` of the column's values; gives the byte behind it, or 0. */
export function oddValue(column: usize, p: usize, at: u32, values: usize): usize {
  const type = load<u32>(column, COLUMN_TYPE), slot = values + <usize>at * load<u32>(column, COLUMN_WIDTH);
  const c: u32 = load<u8>(p);
  present = 0;
  let next: usize = 0;
  let reason: i32 = 0;
  if (c == QUOTE && type != TYPE_JSON) {
    next = unescape(p + 1, scratchTop);
    if (next == 0) return 0;
    reason = fromText(column, type, slot, scratchTop, unescapedSize);
  } else {
    next = skipValue(p);
    if (next == 0) return 0;
    if (c == 0x6e) return load<u32>(column, COLUMN_NULLABLE) ? next : blame(column, p, JSON_NULL, next);
    if (type == TYPE_JSON) refer(slot, p, next - p);
    else reason = fromOther(column, type, slot, p, next, c);
  }
  if (reason != 0) return blame(column, p, reason, next);
  present = 1;
  return next;
}

// @ts-ignore: decorator
@inline
function refer(slot: usize, p: usize, size: usize): void {
  store<u64>(slot, <u64>p | (<u64>size << 32));
}

/** The unescaped text at scratchTop; 0 or the reason why not. */
function fromText(column: usize, type: u32, slot: usize, text: usize, size: usize): i32 {
  if (type == TYPE_STRING) {
    if (loneSurrogate) return JSON_SURROGATE;
    refer(slot, text, size);
    scratchTop += size;
    return 0;
  }
  if (type == TYPE_TIMESTAMP || type == TYPE_INT96) {
    if (fitsPattern(text, size) || scanTime(text, size)) return putMoment(column, type, slot) ? 0 : JSON_TIME;
    // A number counts as a number does, where text may be one.
    if (coercion != COERCE_OPENX || !isNumber(text, text + size)) return JSON_TIME;
  } else if (type == TYPE_DATE) {
    if (!scanDate(text, size)) return JSON_DATE;
    store<i32>(slot, <i32>dayOf());
    return 0;
  } else if (type == TYPE_TIME) {
    if (!scanClock(text, size)) return JSON_CLOCK;
    return putTime(slot, load<u32>(column, COLUMN_UNIT)) ? 0 : JSON_CLOCK;
  } else if (type == TYPE_UUID) {
    return uuidBytes(text, size, slot) ? 0 : JSON_UUID;
  } else if (type == TYPE_BINARY) {
    return putBinary(column, slot, text, size);
  } else {
    if (coercion != COERCE_OPENX && (exact ? type != TYPE_BOOLEAN : type != TYPE_DECIMAL)) return JSON_TYPE;
    if (type == TYPE_BOOLEAN) {
      const truth = booleanOf(text, size);
      store<u8>(slot, truth);
      return truth < 0 ? JSON_TYPE : 0;
    }
    if (!isNumber(text, text + size)) return JSON_NUMBER;
  }
  const first = text + <usize>(load<u8>(text) == PLUS);
  return fromNumber(column, type, slot, first, text + size);
}

/** Base64 or hex text, outside of the scratch or at its top, as bytes; 0 or the reason why not. */
export function putBinary(column: usize, slot: usize, text: usize, size: usize): i32 {
  if (load<u32>(column, COLUMN_PARAM)) {
    if (!hexBytes(text, size, scratchTop)) return JSON_HEX;
    size >>= 1;
  } else {
    const made = base64Decode(text, size, scratchTop, size, true);
    if (made < 0) return JSON_BASE64;
    size = made;
  }
  refer(slot, scratchTop, size);
  scratchTop += size;
  return 0;
}

/** The valid value in [p, next) that is no text and not null, `c` its first byte. */
function fromOther(column: usize, type: u32, slot: usize, p: usize, next: usize, c: u32): i32 {
  if (type == TYPE_STRING) {
    if (coercion == COERCE_STRICT) return JSON_TYPE;
    if (c != 0x7b && c != 0x5b) {
      refer(slot, p, next - p);
      return 0;
    }
    if (coercion != COERCE_OPENX) return JSON_TYPE;
    const end = compactText(p, next, scratchTop);
    refer(slot, scratchTop, end - scratchTop);
    scratchTop = end;
    return 0;
  }
  if (c == 0x74 || c == 0x66) {
    if (type != TYPE_BOOLEAN) return JSON_TYPE;
    store<u8>(slot, c == 0x74 ? 1 : 0);
    return 0;
  }
  if (c == 0x7b || c == 0x5b || type == TYPE_BOOLEAN || type == TYPE_UUID || type == TYPE_BINARY) return JSON_TYPE;
  return fromNumber(column, type, slot, p, next);
}

/** The valid number in [p, end); 0 or the reason why not. */
function fromNumber(column: usize, type: u32, slot: usize, p: usize, end: usize): i32 {
  if (type == TYPE_DOUBLE) {
    store<f64>(slot, doubleOf(p, end));
    return 0;
  }
  if (type == TYPE_FLOAT) {
    store<f32>(slot, floatOf(p, end));
    return 0;
  }
  const param = load<u32>(column, COLUMN_PARAM), unit = load<u32>(column, COLUMN_UNIT);
  if (type == TYPE_TIMESTAMP || type == TYPE_INT96) {
    if (param == TIME_TEXT) return (fitsPattern(p, end - p) || scanTime(p, end - p)) && putMoment(column, type, slot) ? 0 : JSON_TYPE;
    const reason = epochOf(p, end, type == TYPE_INT96 ? 2 : unit, param);
    return reason != 0 ? reason : putMoment(column, type, slot) ? 0 : JSON_RANGE;
  }
  const negative = load<u8>(p) == MINUS;
  if (negative) p++;
  if (type == TYPE_DECIMAL) return putDecimal(param, slot, p, end, negative);
  const status = scaledTo(p, end, 0, 20, REFUSE);
  if (status != EXACT) return status == BROKEN ? JSON_FRACTION : JSON_RANGE;
  if (type == TYPE_UNSIGNED) {
    if (high != 0 || (negative && low != 0) || (param == 32 && low >> 32 != 0)) return JSON_RANGE;
    if (param == 32) store<u32>(slot, <u32>low);
    else store<u64>(slot, low);
    return 0;
  }
  if (high != 0 || low > <u64>i64.MAX_VALUE + (negative ? 1 : 0)) return JSON_RANGE;
  const value = negative ? -(<i64>low) : <i64>low;
  if (type == TYPE_INT64) {
    store<i64>(slot, value);
    return 0;
  }
  if (type == TYPE_INT32) {
    if (!fitsWhole(value, param)) return JSON_RANGE;
  } else if (type == TYPE_DATE) {
    if (exact) return JSON_TYPE;
    if (value < FIRST_DAY || value > LAST_DAY) return JSON_RANGE;
  } else {
    const day = 86400 * <i64>wholePower10(unit * 3 + 3);
    if (value < 0 || value >= day) return JSON_RANGE;
    if (unit != 0) {
      store<i64>(slot, value);
      return 0;
    }
  }
  store<i32>(slot, <i32>value);
  return 0;
}

/** Whether an int32 column of `param` (columns.ts) holds the value. */
// @ts-ignore: decorator
@inline
export function fitsWhole(value: i64, param: u32): bool {
  const bits = <u64>(param & 127), bias = param & 128 ? 0 : (<u64>1 << (bits - 1));
  return (<u64>value + bias) >> bits == 0;
}

function putMoment(column: usize, type: u32, slot: usize): bool {
  return type == TYPE_INT96 ? putInt96(slot) : putTime(slot, load<u32>(column, COLUMN_UNIT));
}

/** The unsigned number in [p, end) as a decimal of `param`. */
function putDecimal(param: u32, slot: usize, p: usize, end: usize, negative: bool): i32 {
  const precision = param >> 8;
  const status = scaledTo(p, end, param & 255, precision, coercion == COERCE_STRICT ? REFUSE : ROUND);
  if (status != EXACT) return status == BROKEN ? JSON_SCALE : JSON_PRECISION;
  const value = negative ? -(<i64>low) : <i64>low;
  if (precision <= 9) store<i32>(slot, <i32>value);
  else if (precision <= 18) store<i64>(slot, value);
  else putWide(slot, negative);
  return 0;
}

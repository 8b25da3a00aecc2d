// A value that the scan's short cuts do not take: null, escapes, exponents, long numbers, white
// space that the prediction did not expect, and whatever does not fit its column. Cold.
import { COLUMN_NULLABLE, COLUMN_TYPE, COLUMN_UNIT, TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_INT32, TYPE_STRING, TYPE_TIMESTAMP } from "./columns";
import { loneSurrogate, unescape, unescapedSize } from "./escape";
import { doubleOf, INTEGER, integer, INTEGER_RANGE, integerOf } from "./number";
import { blame } from "./row";
import { JSON_FRACTION, JSON_NULL, JSON_RANGE, JSON_SURROGATE, JSON_TIME, JSON_TYPE, skipValue } from "./skip";
import { scanTime, time } from "./time";

/** Where the next unescaped string goes. */
export let scratchTop: usize = 0;

export function setScratch(to: usize): void {
  scratchTop = to;
}

/** What oddValue() made of a value: 1 stored, 0 null or a fault of the column. */
export let present: u32 = 0;

/** Stores the value at `p` as number `at` of the column's values; gives the byte behind it, or 0. */
export function oddValue(column: usize, p: usize, at: u32, values: usize): usize {
  const type = load<u32>(column, COLUMN_TYPE);
  const c: u32 = load<u8>(p);
  present = 0;
  if (c == 0x22 && (type == TYPE_STRING || type == TYPE_TIMESTAMP)) {
    const next = unescape(p + 1, scratchTop);
    if (next == 0) return 0;
    if (type == TYPE_TIMESTAMP) {
      if (!scanTime(scratchTop, unescapedSize, load<u32>(column, COLUMN_UNIT))) return blame(column, p, JSON_TIME, next);
      store<i64>(values + (<usize>at << 3), time);
    } else {
      if (loneSurrogate) return blame(column, p, JSON_SURROGATE, next);
      store<u64>(values + (<usize>at << 3), <u64>scratchTop | (<u64>unescapedSize << 32));
      scratchTop += unescapedSize;
    }
    present = 1;
    return next;
  }
  const next = skipValue(p);
  if (next == 0) return 0;
  if (c == 0x6e) {
    if (!load<u32>(column, COLUMN_NULLABLE)) return blame(column, p, JSON_NULL, next);
    return next;
  }
  if (c == 0x74 || c == 0x66) {
    if (type != TYPE_BOOLEAN) return blame(column, p, JSON_TYPE, next);
    store<u8>(values + at, c == 0x74 ? 1 : 0);
  } else {
    if ((c != 0x2d && c - 0x30 > 9) || type == TYPE_STRING || type == TYPE_BOOLEAN) return blame(column, p, JSON_TYPE, next);
    if (type == TYPE_DOUBLE) {
      store<f64>(values + (<usize>at << 3), doubleOf(p, next));
    } else {
      const verdict = integerOf(p, next);
      if (verdict != INTEGER) return blame(column, p, verdict == INTEGER_RANGE ? JSON_RANGE : JSON_FRACTION, next);
      if (type == TYPE_INT32) {
        if (integer != <i64><i32>integer) return blame(column, p, JSON_RANGE, next);
        store<i32>(values + (<usize>at << 2), <i32>integer);
      } else store<i64>(values + (<usize>at << 3), integer);
    }
  }
  present = 1;
  return next;
}

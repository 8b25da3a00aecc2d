// A value in the form that nearly all have: no white space, no escape, no exponent, what the column
// wants. Anything else is value.ts's, which is cold.
import { COLUMN_UNIT, TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_INT32, TYPE_INT64, TYPE_STRING, TYPE_TIMESTAMP } from "./columns";
import { scanDouble, scanInteger } from "./digits";
import { plainEnd } from "./skip";
import { scanUsualTime } from "./time";

/** Stores the value at `p` as number `at` of the column's values; gives the byte behind it, or 0 where it takes a closer look. */
// @ts-ignore: decorator
@inline
export function usualValue(column: usize, type: u32, p: usize, values: usize, at: u32): usize {
  let next: usize = 0;
  if (type == TYPE_STRING) {
    if (load<u8>(p) == 0x22) {
      const stop = plainEnd(p + 1);
      store<u64>(values + (<usize>at << 3), <u64>(p + 1) | (<u64>(stop - p - 1) << 32));
      if (load<u8>(stop) == 0x22) next = stop + 1;
    }
  } else if (type == TYPE_DOUBLE) {
    next = scanDouble(p, values + (<usize>at << 3));
  } else if (type == TYPE_BOOLEAN) {
    const isTrue = load<u32>(p) == 0x65757274;
    store<u8>(values + at, isTrue ? 1 : 0);
    if (isTrue || (load<u8>(p) == 0x66 && load<u32>(p, 1) == 0x65736c61)) next = p + 5 - <usize>isTrue;
  } else if (type == TYPE_TIMESTAMP && load<u8>(p) == 0x22) {
    next = scanUsualTime(p + 1, load<u32>(column, COLUMN_UNIT), values + (<usize>at << 3));
  } else if (type == TYPE_INT32 || type == TYPE_INT64 || type == TYPE_TIMESTAMP) {
    // Eight bytes for an int32 too: what lies behind the last one is the column's own.
    const slot = values + (<usize>at << (type == TYPE_INT32 ? 2 : 3));
    next = scanInteger(p, slot);
    if (type == TYPE_INT32 && load<i64>(slot) != <i64>load<i32>(slot)) next = 0;
  }
  return next;
}

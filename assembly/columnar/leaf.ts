// A value in the form that nearly all have: no white space, no escape, no exponent, what the column
// wants. Anything else is value.ts's, which is cold. The types that most columns have are taken on
// the spot, the others by a call. What is inline is written down: left to the optimizer, a second
// caller takes scanInteger() and scanUsualTime() out of the loop over flat rows, which costs it 7 %.
import {
  COLUMN_PARAM, COLUMN_UNIT, TYPE_BINARY, TYPE_BOOLEAN, TYPE_DATE, TYPE_DECIMAL, TYPE_DOUBLE, TYPE_FLOAT, TYPE_INT32, TYPE_INT64,
  TYPE_INT96, TYPE_STRING, TYPE_TIMESTAMP, TYPE_UNSIGNED, TYPE_UUID,
} from "./columns";
import { plainDigits, plainHigh, plainLow, plainNegative, plainPlaces, scanDouble, scanInteger, scanPlain, scanUnsigned } from "./digits";
import { COERCE_HIVE, coercion, exact } from "./coerce";
import { convertEpoch, putInt96, TIME_NS, TIME_S, TIME_TEXT } from "./epoch";
import { putWide, setExact } from "./exact";
import { floatInDoubt } from "./number";
import { power10, wholePower10 } from "./powers";
import { plainEnd } from "../codec/json";
import { setTime } from "../codec/calendar";
import { scanUsualDate, scanUsualTime } from "./time";
import { uuidBytes } from "./binary";
import { fitsWhole, putBinary } from "./value";

const QUOTE: u32 = 0x22;

/** Stores the value at `p` as number `at` of the column's values; gives the byte behind it, or 0 where it takes a closer look. */
// @ts-ignore: decorator
@inline
export function usualValue(column: usize, type: u32, p: usize, values: usize, at: u32): usize {
  let next: usize = 0;
  if (type == TYPE_STRING) {
    if (load<u8>(p) == QUOTE) {
      const stop = plainEnd(p + 1);
      store<u64>(values + (<usize>at << 3), <u64>(p + 1) | (<u64>(stop - p - 1) << 32));
      if (load<u8>(stop) == QUOTE) next = stop + 1;
    }
  } else if (type == TYPE_DOUBLE) {
    next = scanDouble(p, values + (<usize>at << 3));
  } else if (type == TYPE_BOOLEAN) {
    const isTrue = load<u32>(p) == 0x65757274;
    store<u8>(values + at, isTrue ? 1 : 0);
    if (isTrue || (load<u8>(p) == 0x66 && load<u32>(p, 1) == 0x65736c61)) next = p + 5 - <usize>isTrue;
  } else if (type == TYPE_TIMESTAMP && load<u8>(p) == QUOTE) {
    next = scanUsualTime(p + 1, load<u32>(column, COLUMN_UNIT), values + (<usize>at << 3));
  } else if (type == TYPE_INT32 || type == TYPE_INT64 || type == TYPE_TIMESTAMP) {
    // Eight bytes for an int32 too: what lies behind the last one is the column's own.
    const slot = values + (<usize>at << (type == TYPE_INT32 ? 2 : 3));
    next = scanInteger(p, slot);
    if (type != TYPE_INT64) next = settled(column, type, p, slot, next);
  } else {
    next = rarerValue(column, type, p, values, at);
  }
  return next;
}

/** usualValue() once more, by a call: of nested leaves. */
export function nestedValue(column: usize, type: u32, p: usize, values: usize, at: u32): usize {
  return usualValue(column, type, p, values, at);
}

/** Makes the whole number at `slot` what an int32 or timestamp column keeps; `next` again, or 0 where it does not fit. */
// @ts-ignore: decorator
@inline
function settled(column: usize, type: u32, p: usize, slot: usize, next: usize): usize {
  const param = load<u32>(column, COLUMN_PARAM);
  if (type == TYPE_INT32) return load<i64>(slot) == <i64>load<i32>(slot) && (param == 32 || fitsWhole(load<i64>(slot), param)) ? next : 0;
  const unit = load<u32>(column, COLUMN_UNIT);
  if (param == unit) return next;
  if (param == TIME_TEXT) return 0;
  if (next == 0) return param >= TIME_S ? usualEpoch(p, unit, slot) : 0;
  return convertEpoch(slot, unit, param) ? next : 0;
}

function rarerValue(column: usize, type: u32, p: usize, values: usize, at: u32): usize {
  const param = load<u32>(column, COLUMN_PARAM);
  if (type == TYPE_DECIMAL) return usualDecimal(param, p, values, at);
  if (type == TYPE_UNSIGNED) {
    const slot = values + (<usize>at << (param == 32 ? 2 : 3));
    const next = scanUnsigned(p, slot);
    return param == 32 && load<u32>(slot, 4) != 0 ? 0 : next;
  }
  if (type == TYPE_FLOAT) {
    const next = scanPlain(p);
    if (next == 0 || plainDigits > 15) return 0;
    // 15 digits over 10^14 at most: the double is rounded once, and says whether the float is as well.
    const value = <f64><i64>plainLow / power10(<i32>plainPlaces);
    store<f32>(values + (<usize>at << 2), <f32>(plainNegative ? -value : value));
    return plainLow != 0 && floatInDoubt(reinterpret<u64>(value)) ? 0 : next;
  }
  if (type == TYPE_INT96) return usualInt96(column, param, p, values + <usize>at * 12);
  if (load<u8>(p) != QUOTE) return 0;
  if (type == TYPE_DATE) return scanUsualDate(p + 1, values + (<usize>at << 2));
  if (type == TYPE_UUID) {
    return load<u8>(p, 37) == QUOTE && uuidBytes(p + 1, 36, values + (<usize>at << 4)) ? p + 38 : 0;
  }
  if (type == TYPE_BINARY) {
    const stop = plainEnd(p + 1);
    if (load<u8>(stop) == QUOTE && putBinary(column, values + (<usize>at << 3), p + 1, stop - p - 1) == 0) return stop + 1;
  }
  return 0;
}

/** A time that microseconds hold, which are the column's unit here. */
function usualInt96(column: usize, param: u32, p: usize, slot: usize): usize {
  if (param == TIME_NS) return 0;
  const next = nestedValue(column, TYPE_TIMESTAMP, p, slot, 0);
  if (next == 0) return 0;
  // with more digits of fraction it may have lost some
  if (load<u8>(p) == QUOTE) {
    if (next - p > 28) return 0;
  } else for (let at = p; at < next; at++) if (load<u8>(at) == 0x2e) return 0;
  const micros = load<i64>(slot), rest = micros % 1000000;
  setTime(micros / 1000000 - (rest < 0 ? 1 : 0), <u32>(rest < 0 ? rest + 1000000 : rest) * 1000);
  return putInt96(slot) ? next : 0;
}

/** A decimal of up to 38 digits, plain or in quotes, that no digit has to be taken from. */
function usualDecimal(param: u32, p: usize, values: usize, at: u32): usize {
  const quoted = load<u8>(p) == QUOTE;
  if (quoted && exact && coercion == COERCE_HIVE) return 0;
  let next = scanPlain(p + <usize>quoted);
  if (next == 0 || (quoted && load<u8>(next) != QUOTE)) return 0;
  next += <usize>quoted;
  const precision = <usize>(param >> 8), scale = <usize>(param & 255);
  if (plainPlaces > scale) return 0;
  const digits = plainDigits - plainPlaces + scale;
  if (digits > 18) {
    // Zeros in front count as digits here: 0.5 has one too many for decimal(38,38).
    if (digits > precision || precision < 19) return 0;
    setExact(plainHigh, plainLow, <i32>(scale - plainPlaces));
    putWide(values + (<usize>at << 4), plainNegative);
    return next;
  }
  const value = <i64>(plainLow * wholePower10(scale - plainPlaces));
  if (precision < 18 && <u64>value >= wholePower10(precision)) return 0;
  const signed = plainNegative ? -value : value;
  if (precision <= 9) store<i32>(values + (<usize>at << 2), <i32>signed);
  else if (precision <= 18) store<i64>(values + (<usize>at << 3), signed);
  else {
    store<i64>(values + (<usize>at << 4), signed >> 63);
    store<u64>(values + (<usize>at << 4), bswap<u64>(signed), 8);
  }
  return next;
}

/** Seconds with a fraction, 1700000000.123, as int64 of the unit. */
function usualEpoch(p: usize, unit: u32, slot: usize): usize {
  const next = scanPlain(p);
  const kept = <usize>(unit * 3 + 3), whole = plainDigits - plainPlaces;
  // By magnitude it is seconds as well.
  if (next == 0 || plainDigits > 18 || whole > 12 || whole + kept > 18) return 0;
  let value = <i64>plainLow;
  if (plainPlaces <= kept) value *= <i64>wholePower10(kept - plainPlaces);
  else {
    const over = <i64>wholePower10(plainPlaces - kept);
    value = (value + (plainNegative ? over - 1 : 0)) / over;
  }
  store<i64>(slot, plainNegative ? -value : value);
  return next;
}

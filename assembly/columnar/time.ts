// Dates and times in text as columns take them: those of codec/calendar.ts, and by the level of coercion
// what java.sql.Timestamp.valueOf() takes, in hive and openx: `yyyy-[M]M-[d]d [H]H:[m]m:[s]s[.f]`
// with 1 to 9 digits of fraction. openx takes this form and `yyyy-MM-ddTHH:MM[:SS[.f]]Z` alone, exact
// only with seconds; exact hive takes this form alone, and times of patterns (patterns.ts) before it.
// Fraction digits past the unit are cut off, towards the past, as Date does.
// February 30 is refused at every level: where Java rolls over it makes a time that nobody wrote.

import { COERCE_HIVE, COERCE_OPENX, COERCE_STRICT, coercion, exact } from "./coerce";
import { eightDigits, leadingDigits } from "./digits";
import { clock, date, dateDays, daysOf, fraction, isDay, iso, seconds, setTime, two } from "../codec/calendar";
import { isDigit } from "../codec/json";
import { wholePower10 } from "./powers";

// The unit of a column (columns.ts), 0 ms and 1 us, in powers of 1,000 past a millisecond.
const UNIT_NS: u32 = 2;

// What scanUsualTime() may take: anything, `T` with `Z` and a blank without, a blank without alone, nothing.
const ANY: u32 = 0, PAIRED: u32 = 1, BLANK: u32 = 2, NOTHING: u32 = 3;
let usual: u32 = ANY;

/** To be called when the level is set; `patterns`: whether these come first. */
export function setUsual(patterns: bool): void {
  usual = patterns ? NOTHING : coercion == COERCE_OPENX ? PAIRED : exact ? BLANK : ANY;
}

// @ts-ignore: decorator
@inline
function isUsual(t: u32, zulu: bool): bool {
  return usual == PAIRED ? zulu == (t == 0x54) : usual == BLANK && t == 0x20 && !zulu;
}

/** The usual `yyyy-MM-dd"` as days to `slot`; gives the byte behind the quote, or 0, which is no verdict. */
export function scanUsualDate(p: usize, slot: usize): usize {
  if (load<u8>(p, 10) != 0x22 || !date(p)) return 0;
  store<i32>(slot, dateDays);
  return p + 11;
}

/**
 * The usual `yyyy-MM-dd(T| )HH:MM:SS[.f...][Z]"` to `slot`, in ms or us; gives the byte behind the
 * quote, or 0, which is no verdict. Eight bytes as one word: exclusive or with `00:00:00` leaves
 * digits and zeros, one multiplication joins the pairs.
 */
// @ts-ignore: decorator
@inline
export function scanUsualTime(p: usize, unit: u32, slot: usize): usize {
  if (!date(p)) return 0;
  const t: u32 = load<u8>(p, 10);
  const x = load<u64>(p, 11) ^ 0x30303a30303a3030;
  if ((t != 0x54 && t != 0x20) || (((x + 0x76767f76767f7676) | x) & 0x8080808080808080) != 0) return 0;
  const y = x * 10 + (x >> 8);
  const hour = y & 0xff, minute = (y >> 24) & 0xff, second = (y >> 48) & 0xff;
  if (hour > 23 || minute > 59 || second > 59 || unit == UNIT_NS) return 0;
  const kept = <usize>(unit * 3 + 3);
  let fraction: u64 = 0;
  p += 19;
  if (load<u8>(p) == 0x2e) {
    const t = load<u64>(p, 1) ^ 0x3030303030303030;
    const n = leadingDigits(t), m = min(n, kept);
    if (n == 0 || n == 8) return 0;
    fraction = eightDigits(t << ((8 - <u64>m) << 3)) * wholePower10(kept - m);
    p += n + 1;
  }
  const zulu = load<u8>(p) == 0x5a;
  p += <usize>zulu;
  if (load<u8>(p) != 0x22 || (usual != ANY && !isUsual(t, zulu))) return 0;
  const whole = <i64>dateDays * 86400 + <i64>(hour * 3600 + minute * 60 + second);
  store<i64>(slot, whole * <i64>wholePower10(kept) + <i64>fraction);
  return p + 1;
}

/** A timestamp, the `size` bytes at `p` whole, in a form of the level. Reads up to 16 bytes past them. */
export function scanTime(p: usize, size: usize): bool {
  if (coercion == COERCE_OPENX) {
    if (size > 10 && load<u8>(p, 10) == 0x54) return load<u8>(p + size - 1) == 0x5a && (!exact || isWhole(p, size)) && iso(p, size);
    return sqlTime(p, p + size);
  }
  if (exact) return sqlTime(p, p + size);
  return iso(p, size) || (coercion == COERCE_HIVE && sqlTime(p, p + size));
}

/** Whether `yyyy-MM-ddT..Z` has seconds, 1 to 9 digits of fraction or none, and an hour below 24. */
function isWhole(p: usize, size: usize): bool {
  if (size < 20 || load<u8>(p, 16) != 0x3a || load<u16>(p, 11) == 0x3432) return false;
  return size == 20 || (load<u8>(p, 19) == 0x2e && size - 22 <= 8);
}

/** A date, the same way: `yyyy-MM-dd`; in hive and openx also with short parts, or, not exact, a timestamp's. */
export function scanDate(p: usize, size: usize): bool {
  if (size == 10 && date(p)) {
    setTime(<i64>dateDays * 86400, 0);
    return true;
  }
  if (coercion == COERCE_STRICT) return false;
  return sqlDate(p, p + size) == p + size || (!exact && (iso(p, size) || sqlTime(p, p + size)));
}

/** A time of day, the same way: `HH:mm[:ss[.f...]]`. */
export function scanClock(p: usize, size: usize): bool {
  setTime(0, 0);
  return clock(p, p + size) == p + size && seconds < 86400;
}

// One or two digits, at the byte before partEnd; 100 where there are none.
let partEnd: usize = 0;

function part(p: usize, end: usize): i32 {
  let value: i32 = 100;
  if (p < end && isDigit(load<u8>(p))) {
    value = load<u8>(p++) - 0x30;
    if (p < end && isDigit(load<u8>(p))) value = value * 10 + (load<u8>(p++) - 0x30);
  }
  partEnd = p;
  return value;
}

/** `yyyy-[M]M-[d]d` into `seconds`; gives the byte behind, or 0. */
function sqlDate(p: usize, end: usize): usize {
  if (end - p < 8 || load<u8>(p, 4) != 0x2d) return 0;
  const high = two(p), low = two(p + 2), month = part(p + 5, end);
  if (high > 99 || low > 99 || load<u8>(partEnd) != 0x2d) return 0;
  const year = high * 100 + low, day = part(partEnd + 1, end);
  if (month > 12 || day > 31 || !isDay(year, month, day)) return 0;
  setTime(<i64>daysOf(year, month, day) * 86400, 0);
  return partEnd;
}

/** `yyyy-[M]M-[d]d [H]H:[m]m:[s]s[.f]`, the whole of [p, end). */
function sqlTime(p: usize, end: usize): bool {
  p = sqlDate(p, end);
  if (p == 0 || p == end || load<u8>(p) != 0x20) return false;
  const hour = part(p + 1, end);
  if (partEnd >= end || load<u8>(partEnd) != 0x3a) return false;
  const minute = part(partEnd + 1, end);
  if (partEnd >= end || load<u8>(partEnd) != 0x3a) return false;
  const second = part(partEnd + 1, end);
  p = partEnd;
  if (hour > 23 || minute > 59 || second > 59) return false;
  setTime(seconds + hour * 3600 + minute * 60 + second, 0);
  if (p < end && load<u8>(p) == 0x2e) {
    const first = p + 1;
    p = fraction(first, end);
    if (p == first || p - first > 9) return false;
  }
  return p == end;
}

// Dates and times in text, proleptic Gregorian, years 0 to 9999.
//
//   yyyy-MM-dd                                     midnight
//   yyyy-MM-dd(T|t| )HH:MM[:SS[(.|,)f...]][zone]   zone: Z, z, +HH:MM, +HHMM, +HH (or -)
//
// ISO 8601-1:2019 / RFC 3339 and the Hive and Spark form `yyyy-MM-dd HH:mm:ss[.f]`. Without a zone
// the time is UTC. Fraction digits past the unit are cut off, towards the past, as Date does.
// 24:00:00 is the end of the day; a 61st second is refused, as by Date: no int64 would hold it.
//
// What java.sql.Timestamp.valueOf() takes beside, in hive and openx: `yyyy-[M]M-[d]d [H]H:[m]m:[s]s[.f]`
// with 1 to 9 digits of fraction. openx takes this form and `yyyy-MM-ddTHH:MM[:SS[.f]]Z` alone, exact
// only with seconds; exact hive takes this form alone, and times of patterns (patterns.ts) before it.
// February 30 is refused at every level: where Java rolls over it makes a time that nobody wrote.

import { COERCE_HIVE, COERCE_OPENX, COERCE_STRICT, coercion, exact } from "./coerce";
import { eightDigits, leadingDigits } from "./digits";
import { isDigit } from "../codec/json";
import { wholePower10 } from "./powers";

// The unit of a column (columns.ts), 0 ms and 1 us, in powers of 1,000 past a millisecond.
const UNIT_NS: u32 = 2;

/** The time last read: whole seconds since the epoch or midnight, and the rest. */
export let seconds: i64 = 0;
export let nanos: u32 = 0;

/** Sets the time as if it had been read. */
export function setTime(whole: i64, rest: u32): void {
  seconds = whole;
  nanos = rest;
}

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

// The last date seen, as text and as days: rows in a stream share it. At first "1970-01-01": zeros
// would be ten NUL bytes, which are no date.
let dateHead: u64 = 0x2d31302d30373931;
let dateTail: u32 = 0x3130;
let dateDays: i32 = 0;

// @ts-ignore: decorator
@inline
function two(p: usize): i32 {
  const tens: u32 = <u32>load<u8>(p) - 0x30, ones: u32 = <u32>load<u8>(p, 1) - 0x30;
  return tens <= 9 && ones <= 9 ? <i32>(tens * 10 + ones) : 100;
}

/** Days since 1970-01-01 (H. Hinnant, days_from_civil), for years 0 to 9999. */
export function daysOf(year: i32, month: i32, day: i32): i32 {
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yoe = y - era * 400;
  const doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

export function isDay(year: i32, month: i32, day: i32): bool {
  if (month < 1 || month > 12 || day < 1) return false;
  if (month == 2) return day <= ((year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28);
  return day <= 30 + ((month + (month >> 3)) & 1);
}

/** Reads the ten bytes `yyyy-MM-dd` at `p` into dateDays. */
// @ts-ignore: decorator
@inline
function date(p: usize): bool {
  return (load<u64>(p) == dateHead && load<u16>(p, 8) == dateTail) || otherDate(p);
}

function otherDate(p: usize): bool {
  const high = two(p), low = two(p + 2), month = two(p + 5), day = two(p + 8);
  if (high > 99 || low > 99 || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return false;
  const year = high * 100 + low;
  if (!isDay(year, month, day)) return false;
  dateHead = load<u64>(p);
  dateTail = load<u16>(p, 8);
  dateDays = daysOf(year, month, day);
  return true;
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
  nanos = 0;
  if (size == 10 && date(p)) {
    seconds = <i64>dateDays * 86400;
    return true;
  }
  if (coercion == COERCE_STRICT) return false;
  return sqlDate(p, p + size) == p + size || (!exact && (iso(p, size) || sqlTime(p, p + size)));
}

/** A time of day, the same way: `HH:mm[:ss[.f...]]`. */
export function scanClock(p: usize, size: usize): bool {
  seconds = 0;
  return clock(p, p + size) == p + size && seconds < 86400;
}

function iso(p: usize, size: usize): bool {
  if (size < 10 || !date(p)) return false;
  const end = p + size;
  p += 10;
  seconds = <i64>dateDays * 86400;
  nanos = 0;
  if (p == end) return true;
  const t: u32 = load<u8>(p);
  if ((t | 0x20) != 0x74 && t != 0x20) return false;
  p = clock(p + 1, end);
  return p == end || (p != 0 && zone(p, end));
}

/** Adds `HH:MM[:SS[(.|,)f...]]` to `seconds`; gives the byte behind, or 0. */
function clock(p: usize, end: usize): usize {
  if (end - p < 5 || load<u8>(p, 2) != 0x3a) return 0;
  const hour = two(p), minute = two(p + 3);
  let second: i32 = 0;
  nanos = 0;
  let any: u32 = 0;
  p += 5;
  if (p < end && load<u8>(p) == 0x3a) {
    if (end - p < 3) return 0;
    second = two(p + 1);
    p += 3;
    if (p < end && (load<u8>(p) | 2) == 0x2e) {
      const first = p + 1;
      p = fraction(first, end);
      if (p == first) return 0;
      any = nanos;
      // 24:00:00.0000000001 is no end of a day.
      for (let i = first + 9; i < p; i++) any |= load<u8>(i) - 0x30;
    }
  }
  if (minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute | second | any) != 0)) return 0;
  seconds += hour * 3600 + minute * 60 + second;
  return p;
}

/** Digits as nanoseconds; those past nine are read and cut off. */
function fraction(p: usize, end: usize): usize {
  const first = p;
  nanos = 0;
  for (; p < end && isDigit(load<u8>(p)); p++) if (p - first < 9) nanos = nanos * 10 + (load<u8>(p) - 0x30);
  if (p - first < 9) nanos *= <u32>wholePower10(9 - (p - first));
  return p;
}

/** Takes the offset off `seconds`. */
function zone(p: usize, end: usize): bool {
  const z: u32 = load<u8>(p++);
  if (z != 0x2b && z != 0x2d) return (z | 0x20) == 0x7a && p == end;
  const left = end - p, colon = left == 5;
  if (left != 2 && left != 4 && !(colon && load<u8>(p, 2) == 0x3a)) return false;
  const h = two(p), m = left == 2 ? 0 : two(p + (colon ? 3 : 2));
  if (h > 23 || m > 59) return false;
  const offset = h * 3600 + m * 60;
  seconds -= z == 0x2b ? offset : -offset;
  return true;
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
  seconds = <i64>daysOf(year, month, day) * 86400;
  nanos = 0;
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
  seconds += hour * 3600 + minute * 60 + second;
  if (p < end && load<u8>(p) == 0x2e) {
    const first = p + 1;
    p = fraction(first, end);
    if (p == first || p - first > 9) return false;
  }
  return p == end;
}

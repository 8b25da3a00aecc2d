// Dates and times in text, ISO 8601-1:2019 and RFC 3339, proleptic Gregorian, years 0 to 9999.
//
//   yyyy-MM-dd                                     midnight
//   yyyy-MM-dd(T|t| )HH:MM[:SS[(.|,)f...]][zone]   zone: Z, z, +HH:MM, +HHMM, +HH (or -)
//
// Also the Hive and Spark form `yyyy-MM-dd HH:mm:ss[.f]`. Without a zone the time is UTC. Digits past
// nanoseconds are cut off. 24:00:00 is the end of the day; a 61st second is refused, as by Date.

import { isDigit } from "./json";

/** The time last read: whole seconds since the epoch or midnight, and the rest. */
export let seconds: i64 = 0;
export let nanos: u32 = 0;

/** Sets the time as if it had been read. */
export function setTime(whole: i64, rest: u32): void {
  seconds = whole;
  nanos = rest;
}

// The last date seen, as text and as days: rows in a stream share it. At first "1970-01-01": zeros
// would be ten NUL bytes, which are no date.
let dateHead: u64 = 0x2d31302d30373931;
let dateTail: u32 = 0x3130;
/** Days since the epoch of the date last read. */
export let dateDays: i32 = 0;

// @ts-ignore: decorator
@inline
export function two(p: usize): i32 {
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

/** The date of dateOf(): month and day as one number, the month from bit 8 on. */
export let yearOf: i32 = 0;
export let monthDay: i32 = 0;

/** The date so many days after 1970-01-01 (H. Hinnant, civil_from_days), for years 0 to 9999. */
export function dateOf(days: i32): void {
  const z = days + 719468;
  const era = (z >= 0 ? z : z - 146096) / 146097;
  const doe = z - era * 146097;
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const mp = (5 * doy + 2) / 153;
  const month = mp < 10 ? mp + 3 : mp - 9;
  yearOf = yoe + era * 400 + (month <= 2 ? 1 : 0);
  monthDay = (month << 8) | (doy - (153 * mp + 2) / 5 + 1);
}

export function isDay(year: i32, month: i32, day: i32): bool {
  if (month < 1 || month > 12 || day < 1) return false;
  if (month == 2) return day <= ((year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28);
  return day <= 30 + ((month + (month >> 3)) & 1);
}

/** Reads the ten bytes `yyyy-MM-dd` at `p` into dateDays. */
// @ts-ignore: decorator
@inline
export function date(p: usize): bool {
  return (load<u64>(p) == dateHead && load<u16>(p, 8) == dateTail) || otherDate(p);
}

export function otherDate(p: usize): bool {
  const high = two(p), low = two(p + 2), month = two(p + 5), day = two(p + 8);
  if (high > 99 || low > 99 || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return false;
  const year = high * 100 + low;
  if (!isDay(year, month, day)) return false;
  dateHead = load<u64>(p);
  dateTail = load<u16>(p, 8);
  dateDays = daysOf(year, month, day);
  return true;
}

/** The `size` bytes at `p` whole, a date or a time, into seconds and nanos. */
export function iso(p: usize, size: usize): bool {
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
export function clock(p: usize, end: usize): usize {
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
export function fraction(p: usize, end: usize): usize {
  const first = p;
  nanos = 0;
  for (; p < end && isDigit(load<u8>(p)); p++) if (p - first < 9) nanos = nanos * 10 + (load<u8>(p) - 0x30);
  for (let n = p - first; n < 9; n++) nanos *= 10;
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

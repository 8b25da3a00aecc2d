// Timestamps in text -> int64 in ms, us or ns since 1970-01-01T00:00:00Z, proleptic Gregorian.
//
//   yyyy-MM-dd                                     midnight
//   yyyy-MM-dd(T|t| )HH:MM[:SS[(.|,)f...]][zone]   zone: Z, z, +HH:MM, +HHMM, +HH (or -)
//
// ISO 8601-1:2019 / RFC 3339 and the Hive and Spark form `yyyy-MM-dd HH:mm:ss[.f]`. Without a zone
// the time is UTC. Fraction digits past the unit are cut off, towards the past, as Date does.
// 24:00:00 is the end of the day; a 61st second is refused, as by Date: no int64 would hold it.
// ns reach from 1677-09-21 to 2262-04-11; outside an int64 the time is refused.

import { eightDigits, leadingDigits } from "./digits";
import { isDigit } from "./number";
import { wholePower10 } from "./powers";

// The unit of a column (columns.ts), 0 ms and 1 us, in powers of 1,000 past a millisecond.
const UNIT_NS: u32 = 2;

export let time: i64 = 0;

// The last date seen, as text and as days: rows in a stream share it. At first "1970-01-01": zeros
// would be ten NUL bytes, which are no date.
let dateHead: u64 = 0x2d31302d30373931;
let dateTail: u32 = 0x3130;
let dateDays: i64 = 0;

// @ts-ignore: decorator
@inline
function two(p: usize): i32 {
  const tens: u32 = <u32>load<u8>(p) - 0x30, ones: u32 = <u32>load<u8>(p, 1) - 0x30;
  return tens <= 9 && ones <= 9 ? <i32>(tens * 10 + ones) : 100;
}

/** Days since 1970-01-01 (H. Hinnant, days_from_civil), for years 0 to 9999. */
function daysOf(year: i32, month: i32, day: i32): i32 {
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yoe = y - era * 400;
  const doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

function monthDays(year: i32, month: i32): i32 {
  if (month == 2) return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1);
}

function date(p: usize): bool {
  const high = two(p), low = two(p + 2), month = two(p + 5), day = two(p + 8);
  if (high > 99 || low > 99 || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return false;
  const year = high * 100 + low;
  if (month < 1 || month > 12 || day < 1 || day > monthDays(year, month)) return false;
  dateHead = load<u64>(p);
  dateTail = load<u16>(p, 8);
  dateDays = <i64>daysOf(year, month, day);
  return true;
}

/**
 * The usual `yyyy-MM-dd(T| )HH:MM:SS[.f...][Z]"` to `slot`; gives the byte behind the quote, or 0,
 * which is no verdict. Eight bytes as one word: exclusive or with `00:00:00` leaves digits and
 * zeros, one multiplication joins the pairs.
 */
export function scanUsualTime(p: usize, unit: u32, slot: usize): usize {
  if ((load<u64>(p) != dateHead || load<u16>(p, 8) != dateTail) && !date(p)) return 0;
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
  if (load<u8>(p) == 0x5a) p++;
  if (load<u8>(p) != 0x22) return 0;
  const seconds = dateDays * 86400 + <i64>(hour * 3600 + minute * 60 + second);
  store<i64>(slot, seconds * <i64>wholePower10(kept) + <i64>fraction);
  return p + 1;
}

/** Reads the `size` bytes at `p` whole; the result is in `time`. Reads up to 16 bytes past them. */
export function scanTime(p: usize, size: usize, unit: u32): bool {
  if (size < 10) return false;
  if ((load<u64>(p) != dateHead || load<u16>(p, 8) != dateTail) && !date(p)) return false;
  const end = p + size;
  p += 10;
  let seconds = dateDays * 86400;
  let fraction: u64 = 0;
  if (p < end) {
    const t: u32 = load<u8>(p);
    if (((t | 0x20) != 0x74 && t != 0x20) || end - p < 6 || load<u8>(p, 3) != 0x3a) return false;
    const hour = two(p + 1), minute = two(p + 4);
    p += 6;
    let second: i32 = 0;
    let any: i32 = 0;
    if (p < end && load<u8>(p) == 0x3a) {
      if (end - p < 3) return false;
      second = two(p + 1);
      p += 3;
      if (p < end && (load<u8>(p) | 2) == 0x2e) {
        const first = ++p, kept = <usize>(unit * 3 + 3);
        for (; p < end && isDigit(load<u8>(p)); p++) {
          any |= load<u8>(p) - 0x30;
          if (p - first < kept) fraction = fraction * 10 + (load<u8>(p) - 0x30);
        }
        if (p == first) return false;
        if (p - first < kept) fraction *= wholePower10(kept - (p - first));
      }
    }
    if (minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute | second | any) != 0)) return false;
    seconds += hour * 3600 + minute * 60 + second;
    if (p < end) {
      const z: u32 = load<u8>(p++);
      if (z == 0x2b || z == 0x2d) {
        const left = end - p;
        const colon = left == 5;
        if (left != 2 && left != 4 && !(colon && load<u8>(p, 2) == 0x3a)) return false;
        const h = two(p), m = left == 2 ? 0 : two(p + (colon ? 3 : 2));
        if (h > 23 || m > 59) return false;
        const offset = h * 3600 + m * 60;
        seconds -= z == 0x2b ? offset : -offset;
      } else if ((z | 0x20) != 0x7a || p != end) return false;
    }
  }
  const scale = <i64>wholePower10(unit * 3 + 3);
  if (unit == UNIT_NS) {
    // i64 holds -9223372037 s + f to 9223372036 s + 0.854775807
    if (seconds < -9223372037 || seconds > 9223372036) return false;
    if (seconds == -9223372037 && fraction < 145224192) return false;
    if (seconds == 9223372036 && fraction > 854775807) return false;
  }
  time = seconds * scale + <i64>fraction;
  return true;
}

// The time of a line of Apache's logs, 07/Mar/2004:16:10:02 -0800, and what it is in ISO 8601.
import { monthOf, twoDigits } from "./line";
import { put, putBytes, putTwo } from "./text";

let year: u32 = 0, month: u32 = 0, day: u32 = 0, hour: u32 = 0, minute: u32 = 0, second: u32 = 0;
/** Minutes east of UTC. */
let zone: i32 = 0;
let zoneAt: usize = 0;

function daysOf(month: u32, year: u32): u32 {
  if (month == 2) return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Reads the time at `p`; gives the byte behind it, or 0 where it is none or not one of the years 0 to 9999 in UTC. The zone may be missing. */
export function readTime(p: usize): usize {
  if (load<u8>(p, 2) != 0x2f || load<u8>(p, 6) != 0x2f || load<u8>(p, 11) != 0x3a || load<u8>(p, 14) != 0x3a || load<u8>(p, 17) != 0x3a) return 0;
  const century = twoDigits(p + 7), rest = twoDigits(p + 9);
  day = twoDigits(p);
  month = monthOf(p + 3);
  hour = twoDigits(p + 12);
  minute = twoDigits(p + 15);
  second = twoDigits(p + 18);
  year = century * 100 + rest;
  if (month == 0 || century > 99 || rest > 99 || day == 0 || day > daysOf(month, year) || hour > 23 || minute > 59 || second > 59) return 0;
  p += 20;
  zone = 0;
  zoneAt = 0;
  const sign: u32 = load<u8>(p, 1);
  if (load<u8>(p) != 0x20 || (sign != 0x2b && sign != 0x2d)) return p;
  const hours = twoDigits(p + 2), minutes = twoDigits(p + 4);
  if (hours > 23 || minutes > 59) return 0;
  zoneAt = p + 1;
  zone = <i32>(hours * 60 + minutes);
  if (sign == 0x2d) zone = -zone;
  // the only years that another one can be next to
  const shifted = <i32>(hour * 60 + minute) - zone;
  if (year == 9999 && month == 12 && day == 31 && shifted >= 1440) return 0;
  if (year == 0 && month == 1 && day == 1 && shifted < 0) return 0;
  return p + 6;
}

/** `"@timestamp"` with its offset and, where there is one, `"timezone"` and `"@timestamp_utc"`, a comma before each. */
export function putTimes(d: usize): usize {
  d = put(d, ',"@timestamp":"');
  d = putIso(d, year, month, day, hour, minute);
  if (zoneAt == 0) {
    store<u8>(d, 0x22);
    return d + 1;
  }
  d = putBytes(d, zoneAt, zoneAt + 3);
  store<u8>(d++, 0x3a);
  d = putBytes(d, zoneAt + 3, zoneAt + 5);
  d = put(d, '","timezone":"');
  d = putBytes(d, zoneAt, zoneAt + 5);
  d = put(d, '","@timestamp_utc":"');
  let minutes = <i32>(hour * 60 + minute) - zone, y = year, m = month, n = day;
  if (minutes < 0) {
    minutes += 1440;
    if (--n == 0) {
      if (--m == 0) {
        m = 12;
        y--;
      }
      n = daysOf(m, y);
    }
  } else if (minutes >= 1440) {
    minutes -= 1440;
    if (++n > daysOf(m, y)) {
      n = 1;
      if (++m > 12) {
        m = 1;
        y++;
      }
    }
  }
  d = putIso(d, y, m, n, <u32>minutes / 60, <u32>minutes % 60);
  return put(d, 'Z"');
}

/** 23 bytes; seconds are the same in every zone. */
function putIso(d: usize, y: u32, m: u32, n: u32, hours: u32, minutes: u32): usize {
  putTwo(d, y / 100);
  putTwo(d + 2, y % 100);
  store<u8>(d, 0x2d, 4);
  putTwo(d + 5, m);
  store<u8>(d, 0x2d, 7);
  putTwo(d + 8, n);
  store<u8>(d, 0x54, 10);
  putTwo(d + 11, hours);
  store<u8>(d, 0x3a, 13);
  putTwo(d + 14, minutes);
  store<u8>(d, 0x3a, 16);
  putTwo(d + 17, second);
  store<u32>(d, 0x3030302e, 19);
  return d + 23;
}

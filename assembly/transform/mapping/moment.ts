// Times of a record: read from ISO 8601 text or from a number that counts from the epoch, written as text or number.
import { dateOf, iso, monthDay, nanos, seconds, setTime, yearOf } from "../../codec/calendar";
import { digitsEnd, first, magnitude, negative, takeApart } from "./decimal";
import { hasRoom, out, taken } from "./sink";
import { putTwo } from "../text";
import { CAST_MS, CAST_S, CAST_SQL } from "./edits";

/**
 * The valid number in [p, end) as a time: seconds since the epoch below 10^12, from there on
 * milliseconds, as OpenX tells them apart; false beyond 15 digits before the point.
 */
function epoch(p: usize, end: usize): bool {
  takeApart(p, end);
  if (magnitude > 15) return false;
  let whole: i64 = 0, rest: u64 = 0, more = false;
  let place = magnitude;
  if (first != 0) {
    for (p = first; p < digitsEnd; p++) {
      const c: u32 = load<u8>(p);
      if (c == 0x2e) continue;
      place--;
      if (place >= 0) whole = whole * 10 + (c - 0x30);
      else if (place >= -9) rest += (c - 0x30) * power10(9 + place);
      else more = more || c != 0x30;
    }
    for (; place > 0; place--) whole *= 10;
  }
  if (whole >= 1000000000000) {
    more = more || rest % 1000 != 0;
    rest = <u64>(whole % 1000) * 1000000 + rest / 1000;
    whole /= 1000;
  }
  if (!negative) setTime(whole, <u32>rest);
  else {
    // towards the past, as text is cut
    if (more) rest++;
    if (rest == 0) setTime(-whole, 0);
    else setTime(-whole - 1, <u32>(1000000000 - rest));
  }
  return true;
}

function power10(n: i64): u64 {
  let power: u64 = 1;
  for (; n > 0; n--) power *= 10;
  return power;
}

/** Writes the time that [p, end) is, a number or the text of a string, as `kind` has it; false where it is none. */
export function putMoment(p: usize, end: usize, text: bool, kind: u32): bool {
  if (!(text ? iso(p, end - p) : epoch(p, end))) return false;
  const ms = nanos / 1000000;
  if (kind == CAST_MS || kind == CAST_S) {
    putInteger(kind == CAST_S ? seconds : seconds * 1000 + ms);
    return true;
  }
  let day = seconds / 86400;
  if (day * 86400 > seconds) day--;
  const second = <u32>(seconds - day * 86400);
  // the years 0 to 9999
  if (day < -719528 || day > 2932896) return false;
  if (!hasRoom(26)) return true;
  dateOf(<i32>day);
  let d = out;
  store<u8>(d, 0x22);
  d = putTwo(putTwo(d + 1, yearOf / 100), yearOf % 100);
  store<u8>(d, 0x2d);
  d = putTwo(d + 1, <u32>monthDay >> 8);
  store<u8>(d, 0x2d);
  d = putTwo(d + 1, <u32>monthDay & 0xff);
  store<u8>(d, kind == CAST_SQL ? 0x20 : 0x54);
  d = putTwo(d + 1, second / 3600);
  store<u8>(d, 0x3a);
  d = putTwo(d + 1, second / 60 % 60);
  store<u8>(d, 0x3a);
  d = putTwo(d + 1, second % 60);
  store<u16>(d, <u16>(0x302e | (ms / 100 << 8)));
  d = putTwo(d + 2, ms % 100);
  if (kind == CAST_SQL) {
    store<u8>(d, 0x22);
    taken(25);
  } else {
    store<u16>(d, 0x225a);
    taken(26);
  }
  return true;
}

function putInteger(value: i64): void {
  if (!hasRoom(20)) return;
  let size: usize = 0;
  let left: u64 = value < 0 ? 0 - <u64>value : <u64>value;
  if (value < 0) store<u8>(out + size++, 0x2d);
  let count: usize = 1;
  for (let rest = left / 10; rest > 0; rest /= 10) count++;
  for (let i = count; i > 0; i--, left /= 10) store<u8>(out + size + i - 1, <u8>(0x30 + left % 10));
  taken(size + count);
}

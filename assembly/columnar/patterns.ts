// Times in text by patterns of the caller, as Joda-Time's DateTimeFormat reads them: each pattern is
// compiled by the host (src/firehose/conversion/patterns.ts) into steps, tried in order, and fits only
// where it ends with the text. What a pattern does not name is that of 1970-01-01T00:00:00Z.
//
// Steps, bytes; a pattern ends with END, the patterns with a further END:
//   NUMBER   most digits, field, least u16, most u16, modulus     k: 1 to 24, modulus 24
//   PIVOT    most digits, first year i32      two digits are a year of the hundred from there on
//   FRACTION most digits                      cut to milliseconds, which is all that Joda keeps
//   TEXT     field, base, period, count, then size and bytes of each, in lower case
//   OFFSET                                    Z, +HH, +HH:MM, +HHMM, each with seconds
//   MILLIS                                    milliseconds since the epoch, a fraction cut off
import { daysOf, isDay, setTime } from "../codec/calendar";
import { isDigit } from "../codec/json";

const END: u32 = 0, NUMBER: u32 = 1, PIVOT: u32 = 2, FRACTION: u32 = 3, TEXT: u32 = 4, OFFSET: u32 = 5, MILLIS: u32 = 6;
// Fields. None: text that says nothing.
const NONE: u32 = 0, YEAR: u32 = 1, MONTH: u32 = 2, DAY: u32 = 3, DAY_OF_YEAR: u32 = 4, WEEKDAY: u32 = 5, ERA: u32 = 6, HOUR: u32 = 7, HALF_HOUR: u32 = 8,
  HALF: u32 = 9, MINUTE: u32 = 10, SECOND: u32 = 11, MILLI: u32 = 12, ZONE: u32 = 13;
const FIELDS: usize = memory.data(14 * 4, 4);

let patterns: usize = 0;

/** Sets the patterns for all that is scanned from now on; 0: there are none. */
export function setPatterns(at: usize): void {
  patterns = at;
}

/** Whether a pattern fits the `size` bytes at `p`, whose time is then time.ts's. */
export function fitsPattern(p: usize, size: usize): bool {
  if (patterns == 0) return false;
  for (let step = patterns; load<u8>(step) != END; step = behind(step)) if (fits(step, p, p + size)) return true;
  return false;
}

// @ts-ignore: decorator
@inline
function get(field: u32): i32 {
  return load<i32>(FIELDS + (<usize>field << 2));
}

// @ts-ignore: decorator
@inline
function set(field: u32, value: i32): void {
  store<i32>(FIELDS + (<usize>field << 2), value);
}

function fits(step: usize, p: usize, end: usize): bool {
  memory.fill(FIELDS, 0, 14 << 2);
  set(YEAR, 1970);
  set(MONTH, 1);
  set(DAY, 1);
  set(ERA, 1);
  set(HOUR, -1);
  for (let op: u32 = load<u8>(step); op != END; step = next(step), op = load<u8>(step)) {
    if (op == MILLIS) return millis(p, end);
    p = op == TEXT ? text(step, p, end) : op == OFFSET ? offset(p, end) : digits(step, op, p, end);
    if (p == 0) return false;
  }
  return p == end && put();
}

/** The step behind. */
function next(step: usize): usize {
  const op: u32 = load<u8>(step);
  if (op == NUMBER) return step + 8;
  if (op == PIVOT) return step + 6;
  if (op == FRACTION) return step + 2;
  if (op != TEXT) return step + 1;
  let at = step + 5;
  for (let i: u32 = load<u8>(step, 4); i > 0; i--) at += 1 + <usize>load<u8>(at);
  return at;
}

/** The pattern behind. */
function behind(step: usize): usize {
  while (load<u8>(step) != END) step = next(step);
  return step + 1;
}

function digits(step: usize, op: u32, p: usize, end: usize): usize {
  const first = p, last = min(end, p + <usize>load<u8>(step, 1));
  let value: i32 = 0, scale: i32 = 100, fraction: i32 = 0;
  for (; p < last && isDigit(load<u8>(p)); p++) {
    const digit = <i32>load<u8>(p) - 0x30;
    // beyond every field's most: further digits could only wrap it
    if (value <= 99999999) value = value * 10 + digit;
    fraction += digit * scale;
    scale /= 10;
  }
  if (p == first) return 0;
  if (op == FRACTION) {
    set(MILLI, fraction);
    return p;
  }
  if (op == PIVOT) {
    if (p - first == 2) {
      const from = load<i32>(step, 2), within = from % 100;
      value += from - within + (value < within ? 100 : 0);
    }
    set(YEAR, value);
    return value <= 999999 ? p : 0;
  }
  if (value < <i32>load<u16>(step, 3) || (value > <i32>load<u16>(step, 5) && load<u8>(step, 2) != YEAR) || value > 999999) return 0;
  const modulus = <i32>load<u8>(step, 7);
  set(load<u8>(step, 2), modulus ? value % modulus : value);
  return p;
}

/** One of the words, whatever the case of its ASCII letters. */
function text(step: usize, p: usize, end: usize): usize {
  const count = <i32>load<u8>(step, 4);
  let word = step + 5;
  for (let i: i32 = 0; i < count; i++) {
    const size = <usize>load<u8>(word);
    let n: usize = 0;
    for (; n < size && p + n < end; n++) {
      const c: u32 = load<u8>(p + n);
      if ((c - 0x41 < 26 ? c | 0x20 : c) != <u32>load<u8>(word + 1 + n)) break;
    }
    if (n == size) {
      set(load<u8>(step, 1), i % <i32>load<u8>(step, 3) + <i32>load<u8>(step, 2));
      return p + size;
    }
    word += 1 + size;
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function pair(p: usize, end: usize): i32 {
  if (p + 2 > end || !isDigit(load<u8>(p)) || !isDigit(load<u8>(p, 1))) return -1;
  return (<i32>load<u8>(p) - 0x30) * 10 + <i32>load<u8>(p, 1) - 0x30;
}

function offset(p: usize, end: usize): usize {
  if (p >= end) return 0;
  const sign: u32 = load<u8>(p++);
  if ((sign | 0x20) == 0x7a) return p;
  if (sign != 0x2b && sign != 0x2d) return 0;
  let part = pair(p, end);
  if (part < 0 || part > 23) return 0;
  let seconds = part * 3600;
  p += 2;
  const colons = p < end && load<u8>(p) == 0x3a;
  for (let unit = 60; unit > 0; unit /= 60) {
    const at = p + <usize>colons;
    if (at >= end || (colons && load<u8>(p) != 0x3a)) break;
    part = pair(at, end);
    if (part < 0) break;
    if (part > 59) return 0;
    seconds += part * unit;
    p = at + 2;
  }
  set(ZONE, sign == 0x2b ? seconds : -seconds);
  return p;
}

function millis(p: usize, end: usize): bool {
  const negative = p < end && load<u8>(p) == 0x2d;
  if (negative) p++;
  const first = p;
  let value: i64 = 0;
  for (; p < end && isDigit(load<u8>(p)); p++) {
    // beyond it no column holds the time
    if (value > 9000000000000000) return false;
    value = value * 10 + (load<u8>(p) - 0x30);
  }
  if (p == first) return false;
  if (p < end) {
    if (load<u8>(p++) != 0x2e || p == end) return false;
    for (; p < end; p++) if (!isDigit(load<u8>(p))) return false;
  }
  if (negative) value = -value;
  const seconds = (value >= 0 ? value : value - 999) / 1000;
  setTime(seconds, <u32>(value - seconds * 1000) * 1000000);
  return true;
}

/** Makes the fields the time read; false where there is no such day. */
function put(): bool {
  const year = get(ERA) ? get(YEAR) : 1 - get(YEAR), ordinal = get(DAY_OF_YEAR);
  if (ordinal ? !isDay(year, 2, 29) && ordinal == 366 : !isDay(year, get(MONTH), get(DAY))) return false;
  let days = ordinal ? daysOf(year, 1, 1) + ordinal - 1 : daysOf(year, get(MONTH), get(DAY));
  // Joda sets it last, within the week that begins on Monday; day 0 was a Thursday
  if (get(WEEKDAY)) days += get(WEEKDAY) - 1 - (((days + 3) % 7 + 7) % 7);
  const hour = get(HOUR) >= 0 ? get(HOUR) : get(HALF) * 12 + get(HALF_HOUR);
  setTime(<i64>days * 86400 + hour * 3600 + get(MINUTE) * 60 + get(SECOND) - get(ZONE), <u32>get(MILLI) * 1000000);
  return true;
}

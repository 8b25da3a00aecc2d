// Lines of syslog to JSON and CSV, of either form:
//
//   RFC 5424   [<PRI>]VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]
//   RFC 3164   [<PRI>]TIMESTAMP [<FAC.SEV> ][HOSTNAME ][PROGRAM[[PID]]:][ MESSAGE]
//
// VERSION is one to three digits and a space, by which the forms are told apart. `-` is a field that is not there. What TIMESTAMP of
// RFC 3164 has: `Jan 12 06:30:00`, a day of one digit or two, and behind the seconds `.`, `,` or `:` and digits; or as rsyslog writes its
// files a time of RFC 3339. A HOSTNAME that ends in `:` is the program of a line without host; a line without `:` behind a program is
// all message. <FAC.SEV> is what AWS's blueprint takes.
import { isDigit } from "../codec/json";
import { fault, OUTPUT_FULL } from "../memory";
import { lineEnd, monthOf, nextLine, tokenEnd, twoDigits } from "./line";
import { DROPPED } from "./outcome";
import { JSON_GROWTH, put, putBytes, putCsv, putJson } from "./text";

/** Reasons for a line that is none; no number of them is one of JSON. */
export const SYSLOG_PRIORITY: i32 = 111;
export const SYSLOG_TIME: i32 = 112;
export const SYSLOG_HOST: i32 = 113;
export const SYSLOG_FIELD: i32 = 114; // of the five behind the version
export const SYSLOG_STRUCTURED: i32 = 115;

/** The names of the fields and what is around them, at most. */
const FRAME: usize = 256;

// The fields of the line in hand, in the order of a row: where each begins and ends, u32; not there where it ends where it begins.
const FIELDS: usize = memory.data(72, 16);
const TIMESTAMP: usize = 0, HOSTNAME: usize = 1, PROGRAM: usize = 2, PROCESS: usize = 3, MESSAGE: usize = 4, FACILITY: usize = 5, SEVERITY: usize = 6, ID: usize = 7, STRUCTURED: usize = 8;
const COUNT: usize = 9;

// @ts-ignore: decorator
@inline
function set(field: usize, from: usize, to: usize): void {
  store<u32>(FIELDS + 8 * field, <u32>from);
  store<u32>(FIELDS + 8 * field, <u32>to, 4);
}

// @ts-ignore: decorator
@inline
function fieldAt(field: usize): usize {
  return load<u32>(FIELDS + 8 * field);
}

// @ts-ignore: decorator
@inline
function fieldEnd(field: usize): usize {
  return load<u32>(FIELDS + 8 * field, 4);
}

export function syslog(p: usize, end: usize, dst: usize, room: usize, csv: bool): i32 {
  if (!nextLine(p, end)) return DROPPED;
  if ((lineEnd - p) * JSON_GROWTH + FRAME > room) return OUTPUT_FULL;
  memory.fill(FIELDS, 0, 8 * COUNT);
  facility = -1;
  if (load<u8>(p) == 0x3c) {
    p = readPriority(p + 1);
    if (p == 0) return fault(faultAt, 0, SYSLOG_PRIORITY);
  }
  let q = p;
  while (isDigit(load<u8>(q)) && q < p + 4) q++;
  const reason = q > p && q < p + 4 && load<u8>(q) == 0x20 ? scan5424(q + 1) : scan3164(p);
  if (reason != 0) return fault(faultAt, 0, reason);
  return <i32>((csv ? putRow(dst) : putObject(dst)) - dst);
}

let faultAt: usize = 0;

function bad(at: usize, reason: i32): i32 {
  faultAt = at;
  return reason;
}

let facility: i32 = 0, severity: i32 = 0;

/** `34>` behind the `<`: 0 to 191; gives the byte behind it, or 0. */
function readPriority(p: usize): usize {
  let value: u32 = 0, q = p;
  for (; isDigit(load<u8>(q)) && q < p + 3; q++) value = value * 10 + load<u8>(q) - 0x30;
  if (q == p || value > 191 || load<u8>(q) != 0x3e) {
    faultAt = value > 191 ? p : q;
    return 0;
  }
  facility = value >> 3;
  severity = value & 7;
  return q + 1;
}

/** A field of RFC 5424 and the space behind it; gives where the next begins, or 0. */
function readField(p: usize, field: usize): usize {
  const q = tokenEnd(p);
  if (q == p || load<u8>(q) != 0x20) {
    faultAt = q;
    return 0;
  }
  if (q > p + 1 || load<u8>(p) != 0x2d) set(field, p, q);
  return q + 1;
}

function scan5424(p: usize): i32 {
  const nil = load<u8>(p) == 0x2d && load<u8>(p, 1) == 0x20;
  if (!nil && isoEnd(p) == 0) return bad(p, SYSLOG_TIME);
  p = readField(p, TIMESTAMP);
  if (p != 0) p = readField(p, HOSTNAME);
  if (p != 0) p = readField(p, PROGRAM);
  if (p != 0) p = readField(p, PROCESS);
  if (p != 0) p = readField(p, ID);
  if (p == 0) return SYSLOG_FIELD;
  if (load<u8>(p) == 0x2d) p++;
  else {
    const start = p;
    while (load<u8>(p) == 0x5b) {
      p = elementEnd(p + 1);
      if (load<u8>(p) != 0x5d) return bad(p, SYSLOG_STRUCTURED);
      p++;
    }
    if (p == start) return bad(p, SYSLOG_STRUCTURED);
    set(STRUCTURED, start, p);
  }
  if (p == lineEnd) return 0;
  if (load<u8>(p) != 0x20) return bad(p, SYSLOG_STRUCTURED);
  p++;
  // MSG-UTF8 begins with a byte order mark
  if ((load<u32>(p) & 0xffffff) == 0xbfbbef) p += 3;
  set(MESSAGE, p, lineEnd);
  return 0;
}

/** The `]` of an element of structured data, or the line end; a backslash stands before `"`, `\` and `]` in quotes. */
function elementEnd(p: usize): usize {
  let quoted = false;
  for (; p < lineEnd; p++) {
    const c: u32 = load<u8>(p);
    if (c == 0x22) quoted = !quoted;
    else if (quoted) {
      if (c == 0x5c && p + 1 < lineEnd) p++;
    } else if (c == 0x5d) return p;
  }
  return lineEnd;
}

/** End of a time of RFC 3339 at `p`, which a space or the line end follows; or 0. */
function isoEnd(p: usize): usize {
  const t: u32 = load<u8>(p, 10);
  if (load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d || (t != 0x54 && t != 0x74) || load<u8>(p, 13) != 0x3a || load<u8>(p, 16) != 0x3a) return 0;
  const month = twoDigits(p + 5), day = twoDigits(p + 8);
  if (twoDigits(p) > 99 || twoDigits(p + 2) > 99 || month - 1 > 11 || day - 1 > 30 || !isClock(p + 11)) return 0;
  p += 19;
  if (load<u8>(p) == 0x2e) {
    const first = ++p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return 0;
  }
  const c: u32 = load<u8>(p);
  if (c == 0x5a || c == 0x7a) p++;
  else {
    if ((c != 0x2b && c != 0x2d) || twoDigits(p + 1) > 23 || load<u8>(p, 3) != 0x3a || twoDigits(p + 4) > 59) return 0;
    p += 6;
  }
  return load<u8>(p) == 0x20 || p == lineEnd ? p : 0;
}

/** `06:30:00`, up to second 60. */
function isClock(p: usize): bool {
  return twoDigits(p) < 24 && load<u8>(p, 2) == 0x3a && twoDigits(p + 3) < 60 && load<u8>(p, 5) == 0x3a && twoDigits(p + 6) < 61;
}

/** End of `Jan 12 06:30:00` or `Jan  2 06:30:00.123` at `p`, or 0. */
function bsdEnd(p: usize): usize {
  if (monthOf(p) == 0 || load<u8>(p, 3) != 0x20) return 0;
  p += 4;
  if (load<u8>(p) == 0x20) p++;
  let day = <u32>load<u8>(p) - 0x30;
  if (day > 9) return 0;
  p++;
  const next = <u32>load<u8>(p) - 0x30;
  if (next < 10) {
    day = day * 10 + next;
    p++;
  }
  if (day - 1 > 30 || load<u8>(p) != 0x20 || !isClock(p + 1)) return 0;
  p += 9;
  const c: u32 = load<u8>(p);
  if (c == 0x2e || c == 0x2c || c == 0x3a) {
    const first = ++p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return 0;
  }
  return load<u8>(p) == 0x20 ? p : 0;
}

function scan3164(p: usize): i32 {
  const time = isDigit(load<u8>(p)) ? isoEnd(p) : bsdEnd(p);
  if (time == 0 || time == lineEnd) return bad(p, SYSLOG_TIME);
  set(TIMESTAMP, p, time);
  p = time + 1;
  if (load<u8>(p) == 0x3c) p = readPair(p);
  const q = tokenEnd(p);
  if (q == p) return bad(p, SYSLOG_HOST);
  if (load<u8>(q - 1) != 0x3a) {
    set(HOSTNAME, p, q);
    if (q == lineEnd) return 0;
    p = q + 1;
  }
  readTag(p);
  return 0;
}

/** `<4.6> ` at `p`, where it is there: gives the byte behind it. */
function readPair(p: usize): usize {
  let q = p + 1;
  while (isDigit(load<u8>(q))) q++;
  const dot = q++;
  while (isDigit(load<u8>(q))) q++;
  if (dot == p + 1 || dot > p + 3 || load<u8>(dot) != 0x2e || q != dot + 2 || load<u16>(q) != 0x203e) return p;
  const first = <u32>load<u8>(p, 1) - 0x30;
  facility = dot == p + 2 ? first : first * 10 + load<u8>(p, 2) - 0x30;
  severity = load<u8>(dot, 1) - 0x30;
  return q + 2;
}

/** `program[pid]: message`, or all of it message. */
function readTag(p: usize): void {
  let q = p;
  while (load<u8>(q) != 0x20 && load<u8>(q) != 10 && load<u8>(q) != 0x3a && load<u8>(q) != 0x5b) q++;
  const end = q;
  if (load<u8>(q) == 0x5b) {
    do q++;
    while (load<u8>(q) != 0x5d && load<u8>(q) != 0x20 && load<u8>(q) != 10);
    if (load<u8>(q) == 0x5d) q++;
  }
  if (end == p || load<u8>(q) != 0x3a || (q > end && load<u8>(q - 1) != 0x5d)) {
    set(MESSAGE, p, lineEnd);
    return;
  }
  set(PROGRAM, p, end);
  if (q > end) set(PROCESS, end + 1, q - 1);
  q++;
  if (load<u8>(q) == 0x20) q++;
  set(MESSAGE, q, lineEnd);
}

function member(d: usize, name: string, field: usize): usize {
  const p = fieldAt(field), end = fieldEnd(field);
  return p == end ? d : put(putJson(put(d, name), p, end), '"');
}

function putObject(d: usize): usize {
  const start = d;
  d = member(d, ',"timestamp":"', TIMESTAMP);
  d = member(d, ',"hostname":"', HOSTNAME);
  d = member(d, ',"program":"', PROGRAM);
  d = member(d, ',"processid":"', PROCESS);
  d = put(putJson(put(d, ',"message":"'), fieldAt(MESSAGE), fieldEnd(MESSAGE)), '"');
  if (facility >= 0) d = putSmall(put(putSmall(put(d, ',"facility":'), facility), ',"severity":'), severity);
  d = member(d, ',"msgid":"', ID);
  d = member(d, ',"structureddata":"', STRUCTURED);
  store<u8>(start, 0x7b);
  return put(d, "}");
}

/** Of 0 to 99. */
function putSmall(d: usize, value: u32): usize {
  if (value > 9) store<u8>(d++, 0x30 + value / 10);
  store<u8>(d, 0x30 + value % 10);
  return d + 1;
}

function putRow(d: usize): usize {
  for (let field: usize = 0; field < COUNT; field++) {
    if (field > 0) store<u8>(d++, 0x2c);
    if (field == FACILITY || field == SEVERITY) {
      if (facility >= 0) d = putSmall(d, field == FACILITY ? facility : severity);
    } else d = putCsv(d, fieldAt(field), fieldEnd(field));
  }
  return d;
}

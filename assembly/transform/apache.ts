// Lines of Apache's access logs, common and combined (mod_log_config), to JSON and CSV.
//
//   host ident authuser [07/Mar/2004:16:10:02 -0800] "request" status bytes ["referer" "agent"] [extra]
//
// Host, ident: anything without a space. Authuser: anything up to ` [` and a time. Quoted text ends at the first quote that no backslash
// escapes, and is taken as Apache wrote it, its escapes left. Status: three digits. Bytes: digits, or `-`, which is 0. What follows and
// is not two quoted texts, or follows them, is `extra`.
import { isDigit } from "../codec/json";
import { fault, OUTPUT_FULL } from "../memory";
import { lineEnd, nextLine, quotedEnd, tokenEnd } from "./line";
import { putTimes, readTime } from "./log-time";
import { DROPPED } from "./outcome";
import { JSON_GROWTH, put, putBytes, putCsv, putJson } from "./text";

/** Reasons for a line that is none; no number of them is one of JSON. */
export const APACHE_HOST: i32 = 101;
export const APACHE_IDENT: i32 = 102;
export const APACHE_USER: i32 = 103;
export const APACHE_TIME: i32 = 104;
export const APACHE_REQUEST: i32 = 105;
export const APACHE_STATUS: i32 = 106;
export const APACHE_BYTES: i32 = 107;
/** The names of the fields and what is around them, at most; of a time too. */
const FRAME: usize = 512;

// Where the fields of the line in hand begin and end.
let host: usize = 0, ident: usize = 0, user: usize = 0, time: usize = 0, timeEnd: usize = 0, request: usize = 0, requestEnd: usize = 0;
let status: usize = 0, bytes: usize = 0, bytesEnd: usize = 0, referer: usize = 0, refererEnd: usize = 0, agent: usize = 0, agentEnd: usize = 0, extra: usize = 0;

export function apache(p: usize, end: usize, dst: usize, room: usize, csv: bool): i32 {
  if (!nextLine(p, end)) return DROPPED;
  if ((lineEnd - p) * JSON_GROWTH + FRAME > room) return OUTPUT_FULL;
  const reason = scan(p);
  if (reason != 0) return fault(host, 0, reason);
  return <i32>((csv ? putRow(dst) : putObject(dst)) - dst);
}

/** Finds the fields; else gives the reason, and `host` is where the fault is. */
function scan(p: usize): i32 {
  const start = p;
  let q = tokenEnd(p);
  if (q == p || load<u8>(q) != 0x20) return bad(q, APACHE_HOST);
  ident = q + 1;
  q = tokenEnd(ident);
  if (q == ident || load<u8>(q) != 0x20) return bad(q, APACHE_IDENT);
  user = q + 1;
  q = tokenEnd(user);
  if (q == user) return bad(q, APACHE_USER);
  // a user's name may have spaces in it
  let behind: usize = 0;
  let first: usize = 0;
  for (; load<u8>(q) != 10; q = tokenEnd(q + 1)) {
    if (load<u8>(q, 1) != 0x5b) continue;
    if (first == 0) first = q + 2;
    behind = readTime(q + 2);
    if (behind != 0 && load<u8>(behind) == 0x5d) break;
    behind = 0;
  }
  if (behind == 0) return bad(first == 0 ? lineEnd : first, APACHE_TIME);
  time = q + 2;
  timeEnd = behind;
  if (load<u16>(behind, 1) != 0x2220) return bad(behind + 1, APACHE_REQUEST);
  request = behind + 3;
  requestEnd = quotedEnd(request);
  if (load<u8>(requestEnd) != 0x22) return bad(requestEnd, APACHE_REQUEST);
  status = requestEnd + 2;
  if (load<u8>(requestEnd, 1) != 0x20) return bad(requestEnd + 1, APACHE_STATUS);
  for (let i: usize = 0; i < 3; i++) if (!isDigit(load<u8>(status + i))) return bad(status + i, APACHE_STATUS);
  if (load<u8>(status, 3) != 0x20) return bad(status + 3, APACHE_STATUS);
  bytes = status + 4;
  q = bytes;
  if (load<u8>(q) == 0x2d) q++;
  else while (isDigit(load<u8>(q))) q++;
  if (q == bytes || (load<u8>(q) != 0x20 && load<u8>(q) != 10)) return bad(q, APACHE_BYTES);
  bytesEnd = q;
  host = start;
  extra = 0;
  referer = 0;
  if (q + 1 < lineEnd) scanRest(q + 1);
  return 0;
}

function bad(at: usize, reason: i32): i32 {
  host = at;
  return reason;
}

function scanRest(p: usize): void {
  extra = p;
  if (load<u8>(p) != 0x22) return;
  const end = quotedEnd(p + 1);
  if (load<u16>(end) != 0x2022 || load<u8>(end, 2) != 0x22) return;
  const last = quotedEnd(end + 3);
  if (load<u8>(last) != 0x22 || (load<u8>(last, 1) != 0x20 && load<u8>(last, 1) != 10)) return;
  referer = p + 1;
  refererEnd = end;
  agent = end + 3;
  agentEnd = last;
  extra = last + 2 < lineEnd ? last + 2 : 0;
}

/** A number of JSON, which begins with no 0 but that of 0. */
function putNumber(d: usize, p: usize, end: usize): usize {
  while (p + 1 < end && load<u8>(p) == 0x30) p++;
  return load<u8>(p) == 0x2d ? put(d, "0") : putBytes(d, p, end);
}

function putObject(d: usize): usize {
  d = putJson(put(d, '{"host":"'), host, ident - 1);
  d = putJson(put(d, '","ident":"'), ident, user - 1);
  d = putJson(put(d, '","authuser":"'), user, time - 2);
  d = putJson(put(d, '","request":"'), request, requestEnd);
  d = putNumber(put(d, '","response":'), status, status + 3);
  d = putNumber(put(d, ',"bytes":'), bytes, bytesEnd);
  let space = request;
  while (space < requestEnd && load<u8>(space) != 0x20) space++;
  if (space < requestEnd) d = put(putJson(put(d, ',"verb":"'), request, space), '"');
  d = putTimes(d);
  if (referer != 0) {
    d = putJson(put(d, ',"referer":"'), referer, refererEnd);
    d = put(putJson(put(d, '","agent":"'), agent, agentEnd), '"');
  }
  if (extra != 0) d = put(putJson(put(d, ',"extra":"'), extra, lineEnd), '"');
  return put(d, "}");
}

// @ts-ignore: decorator
@inline
function comma(d: usize): usize {
  store<u8>(d, 0x2c);
  return d + 1;
}

function putRow(d: usize): usize {
  d = comma(putCsv(d, host, ident - 1));
  d = comma(putCsv(d, ident, user - 1));
  d = comma(putCsv(d, user, time - 2));
  d = comma(putBytes(d, time, timeEnd));
  d = comma(putCsv(d, request, requestEnd));
  d = comma(putBytes(d, status, status + 3));
  d = comma(load<u8>(bytes) == 0x2d ? put(d, "0") : putBytes(d, bytes, bytesEnd));
  if (referer != 0) d = putCsv(d, referer, refererEnd);
  d = comma(d);
  if (referer != 0) d = putCsv(d, agent, agentEnd);
  d = comma(d);
  return extra != 0 ? putCsv(d, extra, lineEnd) : d;
}

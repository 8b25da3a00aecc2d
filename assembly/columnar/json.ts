// NDJSON -> a column batch in one pass: no tokens, no tree, no copy of strings.
//
// In: RFC 8259 objects, as lines or as documents (frame.ts). Lines: one or more a line (`{..}{..}`),
// LF or CRLF, blank lines skipped; a line feed ends a record wherever it stands, so a bad line never
// takes the next one with it. The rows do not depend on where the text was cut into calls.
// Verdict of a record = JSON.parse of its text with fatal UTF-8, but for: more than MAX_DEPTH
// levels, and a record that is no object, are refused. Duplicate keys: the last one wins.
// Members that no column wants are checked and skipped; absent ones are null.
// What a column takes: value.ts. Structs, lists and maps: nested.ts.
//
// Out: rows in the columns, or BAD_INPUT with the columns as they were before the bad record and
//   consumed   offset of its first byte         produced   rows in the batch
//   position   offset of the fault              record     = produced
//   detail     reason | node << 8               + end      offset behind the record and its line feed
// node: the index of a leaf column, or of a group (groups.ts) + count.
// Without SCAN_FINAL the last line waits for its line feed, a document for its end: consumed says
// what was taken.
//
// The byte behind the text is made a line feed (of documents: 0) during the call and put back: the
// sentinel that spares every loop a bounds check.
//
// The scan's own state:
//   0         4       8      12     16        20             24     28        32
//   | columns | count | root | rest | options | scratch used | rows | objects | frame: 32 |
// root: the record's group      rest: the column that takes members which no other wants, or 0

import { tell } from "../memory";
import { setCoercion } from "./coerce";
import { FORMAT_AUTO, FORMAT_DOCUMENTS, formatChanged, nextDocument, passRecord, settleFormat, startFrame } from "./frame";
import { forgetPredictions } from "./keys";
import { endItem } from "./dynamodb";
import { setPatterns } from "./patterns";
import { FRAME, PATTERNS, PLAIN, SCAN_FINAL, SCAN_FIRST, SCAN_STATE, scanRecords, settle } from "./records";
import { startRows } from "./row";
import { setBlankFeed } from "../codec/json";
import { setUsual } from "./time";

/** From this bit of the flags on stands the level of coercion, COERCE_* (coerce.ts). */
export const SCAN_COERCION: u32 = 8;

/**
 * Makes the state for `count` column descriptors and the groups at `root`, whose objects are open; once for many sources.
 * `patterns`: how text is read as a time before all else (patterns.ts), or 0.
 */
export function scanInit(state: usize, columns: usize, count: u32, root: usize, rest: usize, options: u32, patterns: usize): void {
  memory.fill(state, 0, SCAN_STATE);
  store<u32>(state, <u32>columns);
  store<u32>(state, count, 4);
  store<u32>(state, <u32>root, 8);
  store<u32>(state, <u32>rest, 12);
  store<u32>(state, options, 16);
  store<u32>(state, <u32>patterns, PATTERNS);
}

/** What follows is a new source in `format`, FORMAT_*. */
export function scanSource(state: usize, format: u32): void {
  startFrame(state + FRAME, format);
  endItem(state + PLAIN);
}

/**
 * Passes over a record that is too long to be held, of which [src, src + len) is a piece, the first
 * one where `first`. Gives the bytes taken; the report's produced is 1 where the record has ended.
 */
export function scanPass(state: usize, src: usize, len: usize, first: u32): i32 {
  endItem(state + PLAIN);
  const next = passRecord(state + FRAME, src, src + len, first != 0);
  const taken = next == 0 ? len : next - src;
  tell(taken, next == 0 ? 0 : 1);
  return <i32>taken;
}

/** The format of the source that [src, src + len) is of, FORMAT_*: settled where it was auto and the text tells. */
export function scanSettle(state: usize, src: usize, len: usize, flags: u32): u32 {
  const behind = load<u8>(src + len);
  store<u8>(src + len, 0);
  const format = formatOf(state + FRAME, src, len, flags);
  store<u8>(src + len, behind);
  return format;
}

function markSize(src: usize, len: usize, flags: u32): usize {
  return flags & SCAN_FIRST && len >= 3 && (load<u32>(src) & 0xffffff) == 0xbfbbef ? 3 : 0;
}

function formatOf(frame: usize, src: usize, len: usize, flags: u32): u32 {
  const final = (flags & SCAN_FINAL) != 0;
  // A lone 0xef may become a byte order mark.
  if (flags & SCAN_FIRST && !final && len < 3 && load<u8>(src) == 0xef) return FORMAT_AUTO;
  return settleFormat(frame, src + markSize(src, len, flags), src + len, final);
}

/**
 * Scans records of [src, src + len) until `capacity` rows are in the batch, the text ends, a record
 * is bad or a leaf below a list or map has no more room: OUTPUT_FULL, the rows before that record in
 * the batch, its start in consumed and the leaf in detail. `scratch` has `room` bytes: as many as the
 * text of the batch, five times as many where there is a map or a rest column. Strings point into
 * the text or into scratch. Gives the rows in the batch.
 */
export function scanRows(state: usize, src: usize, len: usize, scratch: usize, room: usize, capacity: u32, flags: u32): i32 {
  const end = src + len, frame = state + FRAME;
  const behind = load<u8>(end);
  setCoercion(flags >> SCAN_COERCION);
  const patterns: usize = load<u32>(state, PATTERNS);
  setPatterns(patterns);
  setUsual(patterns != 0);
  store<u8>(end, 0);
  const mark = markSize(src, len, flags);
  const format = formatOf(frame, src, len, flags);
  let result: i32 = 0;
  if (format == FORMAT_AUTO) {
    startRows(load<u32>(state, 8), load<u32>(state), load<u32>(state, 4), capacity);
    settle(state, 0, scratch);
    tell(nextDocument(frame, src + mark, end) - src, 0);
  } else {
    // What was predicted of documents may hold a line feed.
    if (formatChanged(frame, format)) forgetPredictions(load<u32>(state, 8));
    const documents = format == FORMAT_DOCUMENTS;
    setBlankFeed(documents);
    if (!documents) store<u8>(end, 10);
    result = scanRecords(state, src, mark, end, scratch, (scratch + room) & ~7, capacity, flags, documents);
  }
  store<u8>(end, behind);
  return result;
}

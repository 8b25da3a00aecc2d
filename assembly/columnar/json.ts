// NDJSON -> a column batch in one pass: no tokens, no tree, no copy of strings.
//
// In: RFC 8259 objects, as lines or as documents (frame.ts). Lines: one or more a line (`{..}{..}`),
// LF or CRLF, blank lines skipped; a line feed ends a record wherever it stands, so a bad line never
// takes the next one with it. The rows do not depend on where the text was cut into calls.
// Verdict of a record = JSON.parse of its text with fatal UTF-8, but for: more than MAX_DEPTH
// levels, and a record that is no object, are refused. Duplicate keys: the last one wins.
// Members that no column wants are checked and skipped; absent ones are null.
//   boolean    true, false        string     a string without lone surrogates
//   int32/64   any number that is whole and in range (number.ts)      double  any number
//   timestamp  a string (time.ts), or a whole number in the column's unit
//
// Out: rows in the columns, or BAD_INPUT with the columns as they were before the bad record and
//   consumed   offset of its first byte         produced   rows in the batch
//   position   offset of the fault              record     = produced
//   detail     reason | column << 8             + end      offset behind the record and its line feed
// Without SCAN_FINAL the last line waits for its line feed, a document for its end: consumed says
// what was taken.
//
// The byte behind the text is made a line feed (of documents: 0) during the call and put back: the
// sentinel that spares every loop a bounds check.
//
// The scan's own state, behind which stand the key table and the predictions of keys.ts:
//   0         4       8      12      16            20             24
//   | columns | count | keys | slots | predictions | scratch used | rows | - | frame: 32 |

import { validUtf8 } from "../codec/utf8";
import { fault, report, tell } from "../memory";
import { setCoercion } from "./coerce";
import { COLUMN_COUNT, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_SIZE, COLUMN_TYPE, COLUMN_VALUES } from "./columns";
import {
  arrayOpen, closeDocument, endOfBroken, FORMAT_AUTO, FORMAT_DOCUMENTS, formatChanged, FRAME_SIZE, lineEnd, nextDocument, passRecord,
  separatorFault, settleFormat, skipBlankLines, startFrame,
} from "./frame";
import { END, enterKeys, initPredictions, keySlots, keysSize, matches, member, memberNode, predictedNode, predictedSize, predictionOf, predictionsSize } from "./keys";
import { usualValue } from "./leaf";
import { fillMissing, firstFault, forget, ROW_FAULT, ROW_SEEN, setRows, startRows, undo } from "./row";
import { failAt, faultAt, faultReason, JSON_ARRAY_ENDS, JSON_MISSING, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_TRAILING, JSON_UTF8, setBlankFeed, skipBlank, skipValue } from "./skip";
import { oddValue, present, scratchTop, setScratch } from "./value";

/** No more text follows: the last line is a record without its line feed. */
export const SCAN_FINAL: u32 = 1;
/** The text may open with a byte order mark. */
export const SCAN_FIRST: u32 = 2;
/** Add to the rows in the batch (after a bad record); scratch goes on where it was. */
export const SCAN_APPEND: u32 = 4;
/** From this bit on stands the level of coercion (coerce.ts). */
export const SCAN_COERCION: u32 = 8;

const FRAME: usize = 32;
const STATE: usize = FRAME + FRAME_SIZE;
// UTF-8 is checked ahead in pieces of this size, while they are on their way into the cache.
const PIECE: usize = 16384;

/** Bytes that the state of a scan over `count` columns takes. */
export function scanSize(count: u32): usize {
  return STATE + keysSize(count) + predictionsSize(count);
}

/** Makes the state for `count` column descriptors with distinct names; once for many sources. */
export function scanInit(state: usize, columns: usize, count: u32): void {
  memory.fill(state, 0, scanSize(count));
  const slots = keySlots(count);
  store<u32>(state, <u32>columns);
  store<u32>(state, count, 4);
  store<u32>(state, <u32>(state + STATE), 8);
  store<u32>(state, slots, 12);
  store<u32>(state, <u32>(state + STATE + keysSize(count)), 16);
  enterKeys(state + STATE, slots, columns, count);
  initPredictions(load<u32>(state, 16), count);
}

/** What follows is a new source in `format`, FORMAT_*. */
export function scanSource(state: usize, format: u32): void {
  startFrame(state + FRAME, format);
}

/**
 * Passes over a record that is too long to be held, of which [src, src + len) is a piece, the first
 * one where `first`. Gives the bytes taken; the report's produced is 1 where the record has ended.
 */
export function scanPass(state: usize, src: usize, len: usize, first: u32): i32 {
  const next = passRecord(state + FRAME, src, src + len, first != 0);
  const taken = next == 0 ? len : next - src;
  tell(taken, next == 0 ? 0 : 1);
  return <i32>taken;
}

/**
 * Scans records of [src, src + len) until `capacity` rows are in the batch, the text ends or a
 * record is bad. `scratch` has room for as many bytes as the text of the batch; strings point
 * into the text or into scratch. Gives the rows in the batch.
 */
export function scanRows(state: usize, src: usize, len: usize, scratch: usize, capacity: u32, flags: u32): i32 {
  const end = src + len, frame = state + FRAME;
  const behind = load<u8>(end);
  setCoercion(flags >> SCAN_COERCION);
  store<u8>(end, 0);
  const first = (flags & SCAN_FIRST) != 0, final = (flags & SCAN_FINAL) != 0;
  const mark: usize = first && len >= 3 && (load<u32>(src) & 0xffffff) == 0xbfbbef ? 3 : 0;
  // A lone 0xef may become a byte order mark.
  const waits = first && !final && len < 3 && load<u8>(src) == 0xef;
  const format = waits ? FORMAT_AUTO : settleFormat(frame, src + mark, end, final);
  let result: i32 = 0;
  if (format == FORMAT_AUTO) {
    startRows(load<u32>(state), load<u32>(state, 4), capacity);
    settle(state, 0, scratch);
    tell(nextDocument(frame, src + mark, end) - src, 0);
  } else {
    // What was predicted of documents may hold a line feed.
    if (formatChanged(frame, format)) initPredictions(load<u32>(state, 16), load<u32>(state, 4));
    const documents = format == FORMAT_DOCUMENTS;
    setBlankFeed(documents);
    if (!documents) store<u8>(end, 10);
    result = scan(state, src, mark, end, scratch, capacity, flags, documents);
  }
  store<u8>(end, behind);
  return result;
}

function scan(state: usize, src: usize, mark: usize, end: usize, scratch: usize, capacity: u32, flags: u32, documents: bool): i32 {
  const frame = state + FRAME;
  const columns: usize = load<u32>(state), count = load<u32>(state, 4);
  const keys: usize = load<u32>(state, 8), slots = load<u32>(state, 12), predictions: usize = load<u32>(state, 16);
  const final = (flags & SCAN_FINAL) != 0;
  let row: u32 = 0;
  if (flags & SCAN_APPEND) {
    row = load<u32>(state, 24);
    setScratch(scratch + load<u32>(state, 20));
  } else {
    startRows(columns, count, capacity);
    setScratch(scratch);
  }
  let p = src + mark, valid = src, bad = false;

  while (row < capacity) {
    if (documents) p = nextDocument(frame, p, end);
    else if (load<u8>(p) != 0x7b) p = skipBlankLines(p, end);
    if (p >= end) {
      if (!documents || !final || !arrayOpen(frame)) break;
      failAt(p, JSON_ARRAY_ENDS);
      return refuse(state, src, p, p, row, scratch, 0);
    }
    const start = p, top = scratchTop, stamp = (row + 1) << 1;
    let node: i32 = 0, seen: u32 = 0, faults: u32 = 0;
    if (documents) {
      if (separatorFault != 0) p = 0;
    } else if (load<u8>(p) != 0x7b) p = failAt(p, JSON_NOT_OBJECT);
    while (p != 0) {
      const prediction = predictionOf(predictions, node);
      if (matches(prediction, p)) {
        p += predictedSize(prediction);
        node = predictedNode(prediction);
      } else {
        p = member(prediction, p, node == 0, scratchTop, keys, slots, count);
        if (p == 0) break;
        node = memberNode;
      }
      if (<u32>node > count) {
        if (node == END) break;
        p = skipValue(skipBlank(p));
        continue;
      }
      const column = columns + <usize>(node - 1) * COLUMN_SIZE;
      if ((load<u32>(column, ROW_SEEN) & ~1) == stamp) {
        if (load<u32>(column, ROW_FAULT) != 0) faults--;
        forget(column, row);
        seen--;
      }
      const at = load<u32>(column, COLUMN_COUNT), type = load<u32>(column, COLUMN_TYPE);
      const values: usize = load<u32>(column, COLUMN_VALUES);
      const next = usualValue(column, type, p, values, at);
      seen++;
      if (next != 0) {
        p = next;
        store<u32>(column, at + 1, COLUMN_COUNT);
        store<u32>(column, stamp | 1, ROW_SEEN);
        continue;
      }
      let kept: u32 = 0;
      if (load<u32>(p) == 0x6c6c756e && load<u32>(column, COLUMN_NULLABLE)) {
        p += 4;
      } else {
        p = oddValue(column, skipBlank(p), at, values);
        if (p == 0) break;
        kept = present;
        if (load<u32>(column, ROW_FAULT) != 0) faults++;
      }
      store<u32>(column, at + kept, COLUMN_COUNT);
      store<u32>(column, stamp | kept, ROW_SEEN);
      if (kept == 0 && load<u32>(column, COLUMN_NULLABLE)) store<u8>(load<u32>(column, COLUMN_LEVELS) + row, 0);
    }

    let next = p, column: u32 = 0;
    if (documents) {
      if (p == 0 && faultAt >= end) {
        if (!final) {
          undo(columns, count, stamp);
          setScratch(top);
          p = start;
          break;
        }
        failAt(end, JSON_TEXT_ENDS);
      }
    } else if (p != 0) {
      next = skipBlank(p);
      const c: u32 = load<u8>(next);
      if (c == 10) {
        if (next >= end && !final) {
          undo(columns, count, stamp);
          setScratch(top);
          p = start;
          break;
        }
        next = min(next + 1, end);
      } else if (c != 0x7b) next = failAt(next, JSON_TRAILING);
    }
    // The record is whole; is its text UTF-8?
    if (next != 0 && valid < p) {
      valid = validUtf8(valid, max(p, min(valid + PIECE, end)));
      if (valid < p) {
        failAt(valid, JSON_UTF8);
        bad = true;
      }
    }
    if (next == 0) {
      // No telling where the record would have ended: its line goes with it, or what frame.ts says.
      if (documents) next = endOfBroken(frame, start, faultAt, end, final);
      else {
        next = lineEnd(start);
        next = next < end || final ? min(next + 1, end) : 0;
      }
      if (next == 0) {
        undo(columns, count, stamp);
        setScratch(top);
        p = start;
        break;
      }
      bad = true;
    } else {
      if (documents) closeDocument(frame);
      if (!bad && faults > 0) {
        column = firstFault(columns, count);
        bad = true;
      } else if (!bad && seen != count) {
        column = fillMissing(columns, count, stamp);
        if (column != count) {
          failAt(p - 1, JSON_MISSING);
          bad = true;
        }
      }
    }
    if (bad) {
      undo(columns, count, stamp);
      setScratch(top);
      return refuse(state, src, start, next, row, scratch, column);
    }
    row++;
    p = next;
  }
  settle(state, row, scratch);
  tell(p - src, row);
  return row;
}

/** Reports the bad record in [start, next), of which faultAt and faultReason tell. */
function refuse(state: usize, src: usize, start: usize, next: usize, row: u32, scratch: usize, column: u32): i32 {
  settle(state, row, scratch);
  tell(start - src, row);
  store<u32>(report(), <u32>(next - src), 20);
  return fault(faultAt - src, row, faultReason | (<i32>column << 8));
}

/** Leaves the batch so that SCAN_APPEND can go on with it. */
function settle(state: usize, rows: u32, scratch: usize): void {
  setRows(load<u32>(state), load<u32>(state, 4), rows);
  store<u32>(state, <u32>(scratchTop - scratch), 20);
  store<u32>(state, rows, 24);
}

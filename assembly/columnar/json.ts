// NDJSON -> a column batch in one pass: no tokens, no tree, no copy of strings.
//
// In: text of lines, RFC 8259 objects, one or more a line (`{..}{..}`), LF or CRLF, blank lines
// skipped. A line feed ends a record wherever it stands, so a bad line never takes the next one
// with it, and the rows do not depend on where the text was cut into calls.
// Verdict of a record = JSON.parse of its line with fatal UTF-8, but for: more than MAX_DEPTH
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
// Without SCAN_FINAL the last line waits for its line feed: consumed says what was taken.
//
// The byte behind the text is made a line feed during the call and put back: the sentinel that
// spares every loop a bounds check.
//
// The scan's own state, behind which stand the key table and the predictions of keys.ts:
//   0         4       8      12      16            20             24
//   | columns | count | keys | slots | predictions | scratch used | rows |

import { validUtf8 } from "../codec/utf8";
import { fault, report, tell } from "../memory";
import { COLUMN_COUNT, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_SIZE, COLUMN_TYPE, COLUMN_VALUES } from "./columns";
import { END, enterKeys, initPredictions, keySlots, keysSize, matches, member, memberNode, predictedNode, predictedSize, predictionOf, predictionsSize } from "./keys";
import { usualValue } from "./leaf";
import { fillMissing, firstFault, forget, ROW_FAULT, ROW_SEEN, setRows, startRows, undo } from "./row";
import { failAt, faultAt, faultReason, JSON_MISSING, JSON_NOT_OBJECT, JSON_TRAILING, JSON_UTF8, skipBlank, skipValue } from "./skip";
import { oddValue, present, scratchTop, setScratch } from "./value";

/** No more text follows: the last line is a record without its line feed. */
export const SCAN_FINAL: u32 = 1;
/** The text may open with a byte order mark. */
export const SCAN_FIRST: u32 = 2;
/** Add to the rows in the batch (after a bad record); scratch goes on where it was. */
export const SCAN_APPEND: u32 = 4;

const STATE: usize = 32;
// UTF-8 is checked ahead in pieces of this size, while they are on their way into the cache.
const PIECE: usize = 16384;

/** Bytes that the state of a scan over `count` columns takes. */
export function scanSize(count: u32): usize {
  return STATE + keysSize(count) + predictionsSize(count);
}

/** Makes the state for `count` column descriptors with distinct names; once for many scanRows(). */
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

/**
 * Scans records of [src, src + len) until `capacity` rows are in the batch, the text ends or a
 * record is bad. `scratch` has room for as many bytes as the text of the batch; strings point
 * into the text or into scratch. Gives the rows in the batch.
 */
export function scanRows(state: usize, src: usize, len: usize, scratch: usize, capacity: u32, flags: u32): i32 {
  const end = src + len;
  const behind = load<u8>(end);
  store<u8>(end, 10);
  const result = scan(state, src, end, scratch, capacity, flags);
  store<u8>(end, behind);
  return result;
}

function scan(state: usize, src: usize, end: usize, scratch: usize, capacity: u32, flags: u32): i32 {
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
  let p = src, valid = src, bad = false;
  if (flags & SCAN_FIRST && end - p >= 3 && (load<u32>(p) & 0xffffff) == 0xbfbbef) p += 3;

  while (row < capacity) {
    if (load<u8>(p) != 0x7b) p = skipBlankLines(p, end);
    if (p >= end) break;
    const start = p, top = scratchTop, stamp = (row + 1) << 1;
    let node: i32 = 0, seen: u32 = 0, faults: u32 = 0;
    if (load<u8>(p) != 0x7b) {
      failAt(p, JSON_NOT_OBJECT);
      p = 0;
    }
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
    if (p != 0) {
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
      // No telling where the record would have ended: its line goes with it.
      next = lineEnd(start);
      if (next >= end && !final) {
        undo(columns, count, stamp);
        setScratch(top);
        p = start;
        break;
      }
      next = min(next + 1, end);
      bad = true;
    } else if (!bad) {
      if (faults > 0) {
        column = firstFault(columns, count);
        bad = true;
      } else if (seen != count) {
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
      settle(state, row, scratch);
      tell(start - src, row);
      store<u32>(report(), <u32>(next - src), 20);
      return fault(faultAt - src, row, faultReason | (<i32>column << 8));
    }
    row++;
    p = next;
  }
  settle(state, row, scratch);
  tell(p - src, row);
  return row;
}

/** Leaves the batch so that SCAN_APPEND can go on with it. */
function settle(state: usize, rows: u32, scratch: usize): void {
  setRows(load<u32>(state), load<u32>(state, 4), rows);
  store<u32>(state, <u32>(scratchTop - scratch), 20);
  store<u32>(state, rows, 24);
}

function skipBlankLines(p: usize, end: usize): usize {
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c != 10 && c != 0x20 && c != 0x0d && c != 0x09) break;
  }
  return p;
}

/** The line feed at or after `p`: there is one, the sentinel. */
function lineEnd(p: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const feed = i8x16.splat(10);
    for (;; p += 16) {
      const found = i8x16.bitmask(i8x16.eq(v128.load(p), feed));
      if (found) return p + ctz(found);
    }
  }
  while (load<u8>(p) != 10) p++;
  return p;
}

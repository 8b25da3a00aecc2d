// Record after record into the columns: the loop that the time goes into, and what becomes of a bad one.
// See json.ts for its state and what it reports.

import { validUtf8 } from "../codec/utf8";
import { fault, OUTPUT_FULL, report, tell } from "../memory";
import { COLUMN_COUNT, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_SIZE, COLUMN_TYPE, COLUMN_VALUES } from "./columns";
import { bytesBefore, endItem, isOther, itemOf, PLAIN_SIZE, recordSize } from "./dynamodb";
import {
  arrayOpen, closeDocument, endOfBroken, FRAME_SIZE, lineEnd, nextDocument, separatorFault, skipBlankLines,
} from "./frame";
import { GROUP_COUNT, GROUP_PREDICTIONS, SEEN, TYPE_STRUCT } from "./groups";
import { END, keyBefore, matches, nextMember, nextNode, predictedMember, predictedNode, predictedSize, predictionOf, startSteps, step } from "./keys";
import { usualValue } from "./leaf";
import { startMapsOfRow } from "./map";
import { objects, scanGroup, startNested } from "./nested";
import { noteMember, putRest, startRest } from "./rest";
import { blame, faults, fillMissing, firstFault, forget, fullColumn, setRows, startRow, startRows, takeBack, undo } from "./row";
import {
  failAt, faultAt, faultReason, JSON_ARRAY_ENDS, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_TRAILING, JSON_UNKNOWN, JSON_UTF8, openLevels, skipBlank, skipValue,
} from "../codec/json";
import { oddValue, present, scratchTop, setScratch } from "./value";

/** No more text follows: the last line is a record without its line feed. */
export const SCAN_FINAL: u32 = 1;
/** The text may open with a byte order mark. */
export const SCAN_FIRST: u32 = 2;
/** Add to the rows in the batch (after a bad record); scratch goes on where it was. */
export const SCAN_APPEND: u32 = 4;

/** Of scanInit(): members that no column wants are faults. */
export const SCAN_REFUSE: u32 = 1;
/** Of scanInit(): records are DynamoDB-typed JSON, which is made plain in place. */
export const SCAN_DYNAMODB: u32 = 2;

/** The frame within the state. */
export const FRAME: usize = 32;
/** What became of a DynamoDB record, within the state. */
export const PLAIN: usize = FRAME + FRAME_SIZE;
/** Address of the patterns of times, within the state. */
export const PATTERNS: usize = PLAIN + PLAIN_SIZE;
/** Bytes of the state of a scan. */
export const SCAN_STATE: usize = PATTERNS + 8;
// UTF-8 is checked ahead in pieces of this size, while they are on their way into the cache.
const PIECE: usize = 16384;

/** scanRows() of json.ts, the sentinel in place; `mark`: the size of a byte order mark, `documents`: how they are framed. */
export function scanRecords(state: usize, src: usize, mark: usize, end: usize, scratch: usize, spareEnd: usize, capacity: u32, flags: u32, documents: bool): i32 {
  const frame = state + FRAME, plain = state + PLAIN;
  const typed = (load<u32>(state, 16) & SCAN_DYNAMODB) != 0;
  const columns: usize = load<u32>(state), count = load<u32>(state, 4), root: usize = load<u32>(state, 8);
  const predictions: usize = load<u32>(root, GROUP_PREDICTIONS), members = load<u32>(root, GROUP_COUNT);
  const refuses = (load<u32>(state, 16) & SCAN_REFUSE) != 0;
  const final = (flags & SCAN_FINAL) != 0;
  let row: u32 = 0;
  if (flags & SCAN_APPEND) {
    row = load<u32>(state, 24);
    setScratch(scratch + load<u32>(state, 20));
    startNested(load<u32>(state, 28), refuses);
  } else {
    startRows(root, columns, count, capacity);
    setScratch(scratch);
    startNested(0, refuses);
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
    const start = p - bytesBefore(plain), top = scratchTop, stamp = (row + 1) << 1;
    let node: i32 = 0, seen: u32 = 0;
    startSteps();
    startRow();
    startMapsOfRow();
    startRest(spareEnd);
    if (documents) {
      if (separatorFault != 0) p = 0;
    } else if (load<u8>(p) != 0x7b) p = failAt(p, JSON_NOT_OBJECT);
    if (typed && p != 0) p = itemOf(plain, p);
    while (p != 0) {
      const prediction = predictionOf(predictions, node);
      let member: usize;
      if (matches(prediction, p)) {
        p += predictedSize(prediction);
        node = predictedNode(prediction);
        member = predictedMember(prediction);
      } else {
        p = step(root, prediction, p, node == 0, scratchTop);
        if (p == 0) break;
        node = nextNode;
        member = nextMember;
      }
      if (<u32>node > members) {
        if (node == END) break;
        p = scanUnknown(state, prediction, p);
        continue;
      }
      const type = load<u32>(member, COLUMN_TYPE);
      if ((load<u32>(member, SEEN) & ~1) == stamp) {
        if (type >= TYPE_STRUCT) {
          takeBack(member, 0);
          store<u32>(member, 0, SEEN);
        } else forget(member, row);
        seen--;
      }
      if (type >= TYPE_STRUCT) {
        p = scanGroup(member, p, 0);
        if (p == 0) break;
        seen++;
        store<u32>(member, stamp, SEEN);
        continue;
      }
      const at = load<u32>(member, COLUMN_COUNT);
      const values: usize = load<u32>(member, COLUMN_VALUES);
      const next = usualValue(member, type, p, values, at);
      seen++;
      if (next != 0) {
        p = next;
        store<u32>(member, at + 1, COLUMN_COUNT);
        store<u32>(member, stamp | 1, SEEN);
        continue;
      }
      let kept: u32 = 0;
      if (load<u32>(p) == 0x6c6c756e && load<u32>(member, COLUMN_NULLABLE)) {
        p += 4;
      } else {
        openLevels(1);
        p = oddValue(member, skipBlank(p), at, values);
        if (p == 0) break;
        kept = present;
      }
      store<u32>(member, at + kept, COLUMN_COUNT);
      store<u32>(member, stamp | kept, SEEN);
      if (kept == 0 && load<u32>(member, COLUMN_NULLABLE)) store<u8>(<usize>load<u32>(member, COLUMN_LEVELS) + row, 0);
    }

    if (p != 0 && seen != members) fillMissing(root, stamp, p - 1);
    if (fullColumn != 0) {
      undo(root, columns, count, stamp);
      setScratch(top);
      settle(state, row, scratch);
      tell(start - src, row);
      store<u32>(report(), <u32>((fullColumn - columns) / COLUMN_SIZE), 16);
      return OUTPUT_FULL;
    }
    if (typed) {
      if (isOther(plain)) bad = true;
      if (bad || p != 0) p = start + recordSize(plain);
    }
    let next = p, subject: u32 = 0;
    if (documents) {
      if (p == 0 && faultAt >= end) {
        if (!final) {
          undo(root, columns, count, stamp);
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
          undo(root, columns, count, stamp);
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
        undo(root, columns, count, stamp);
        setScratch(top);
        p = start;
        break;
      }
      bad = true;
    } else {
      if (documents) closeDocument(frame);
      if (!bad && faults > 0) {
        subject = firstFault(root, columns, count);
        bad = true;
      }
    }
    if (bad) {
      undo(root, columns, count, stamp);
      setScratch(top);
      return refuse(state, src, start, next, row, scratch, subject);
    }
    if (load<u32>(state, 12) != 0) putRest(load<u32>(state, 12), row);
    row++;
    p = next;
    if (typed) endItem(plain);
  }
  settle(state, row, scratch);
  tell(p - src, row);
  return row;
}

/** A member of the record that no column wants, behind the text that led there from the node of `prediction`. */
function scanUnknown(state: usize, prediction: usize, p: usize): usize {
  const key = keyBefore(prediction, p), rest: usize = load<u32>(state, 12);
  if (load<u32>(state, 16) & SCAN_REFUSE) blame(load<u32>(state, 8), key, JSON_UNKNOWN, p);
  openLevels(1);
  p = skipValue(skipBlank(p));
  if (rest != 0 && p != 0) noteMember(key, p);
  return p;
}

/** Reports the bad record in [start, next), of which faultAt and faultReason tell. */
function refuse(state: usize, src: usize, start: usize, next: usize, row: u32, scratch: usize, subject: u32): i32 {
  settle(state, row, scratch);
  endItem(state + PLAIN);
  tell(start - src, row);
  store<u32>(report(), <u32>(next - src), 20);
  return fault(faultAt - src, row, faultReason | (<i32>subject << 8));
}

/** Leaves the batch so that SCAN_APPEND can go on with it. */
export function settle(state: usize, rows: u32, scratch: usize): void {
  setRows(load<u32>(state), load<u32>(state, 4), rows);
  store<u32>(state, <u32>(scratchTop - scratch), 20);
  store<u32>(state, rows, 24);
  store<u32>(state, objects, 28);
}

// Where one record ends and the next begins.
//
// lines      a line feed ends a record wherever it stands (NDJSON)
// documents  RFC 8259 texts one after the other, with any white space or none between them and line
//            feeds inside them; each text is an object or an array of objects, which are the records
// auto       settled at the start of each source: documents where it begins with `[` or where its
//            first line ends inside a document that is well-formed so far; else lines
//
// In documents every fault of JSON.parse is one here, but faults of one text leave the others alone.
// A malformed document ends (the first of these)
//   - behind the bracket that closes it, if strings and brackets are counted from its first byte;
//   - before a `{` behind the fault that opens a line and is indented no deeper than the document's
//     own line (of one that did not open its line: not at all), at any depth: a bracket may be missing;
//   - before a `{` behind the fault and behind a `}`: JSON has a comma there;
//   - in what may be a string, or what a missing quote made one, before the `{` of `}{"`;
//   - where it began with no bracket: with its line, or before the next `{` or `[`, or `,` or `]` of
//     the array around it.
// A line feed ends a string there: JSON has none in strings. Time is linear in the text.
//
// The frame, 32 bytes in the scan's state:
//   0        4       8        12      16       20       24            28
//   | format | place | column | depth | inside | indent | last format | before |
// column: blanks since the line began, or MIDLINE
// depth, inside, indent, before (the last byte that is no white space): of the document passed over

import { failAt, faultAt, JSON_NOT_OBJECT, JSON_SEPARATOR, openLevels, setBlankFeed, skipValue } from "../codec/json";

export const FORMAT_AUTO: u32 = 0;
export const FORMAT_LINES: u32 = 1;
export const FORMAT_DOCUMENTS: u32 = 2;

export const FRAME_SIZE: usize = 32;
const FORMAT: usize = 0, PLACE: usize = 4, COLUMN: usize = 8, DEPTH: usize = 12, INSIDE: usize = 16, INDENT: usize = 20, LAST: usize = 24, BEFORE: usize = 28;

// Where in an array of objects the text is: in none, behind `[`, behind `,`, behind an object.
const OUTSIDE: u32 = 0, OPENED: u32 = 1, WANTED: u32 = 2, BEHIND: u32 = 3;

const MIDLINE: u32 = 0xffffffff;

// Where passOver() is: in no string, in one, behind its backslash; at the first byte.
const PLAIN: u32 = 0, STRING: u32 = 1, ESCAPE: u32 = 2, FIRST: u32 = 3;

// @ts-ignore: decorator
@inline
function isBlank(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}

/** A new source begins, in one of FORMAT_*. */
export function startFrame(frame: usize, format: u32): void {
  store<u32>(frame, format, FORMAT);
  store<u32>(frame, OUTSIDE, PLACE);
  store<u32>(frame, 0, COLUMN);
}

/**
 * The format of the source whose text begins at `p`, settled where it was auto; FORMAT_AUTO where
 * that takes more text. The byte at `end` is the sentinel of documents.
 */
export function settleFormat(frame: usize, p: usize, end: usize, final: bool): u32 {
  let format = load<u32>(frame, FORMAT);
  if (format != FORMAT_AUTO) return format;
  while (p < end && (isBlank(load<u8>(p)) || load<u8>(p) == 10)) p++;
  if (p >= end) return final ? FORMAT_LINES : FORMAT_AUTO;
  if (load<u8>(p) == 0x5b) format = FORMAT_DOCUMENTS;
  else {
    setBlankFeed(true);
    openLevels(0);
    let stop = skipValue(p);
    const cut = stop == 0 && faultAt >= end;
    if (stop == 0) stop = faultAt;
    while (p < stop && load<u8>(p) != 10) p++;
    if (p < stop) format = FORMAT_DOCUMENTS;
    else if (cut && !final) return FORMAT_AUTO;
    else format = FORMAT_LINES;
  }
  store<u32>(frame, format, FORMAT);
  return format;
}

/** Whether `format` is another one than that of the source before. */
export function formatChanged(frame: usize, format: u32): bool {
  const changed = load<u32>(frame, LAST) != format;
  store<u32>(frame, format, LAST);
  return changed;
}

/** What stands where an object should begin: a reason, or 0 for an object. */
export let separatorFault: i32 = 0;

/** From behind a document to the first byte of the next one, or of what should be one; or `end`. */
export function nextDocument(frame: usize, p: usize, end: usize): usize {
  let place = load<u32>(frame, PLACE), column = load<u32>(frame, COLUMN);
  separatorFault = 0;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == 10) column = 0;
    else if (isBlank(c)) {
      if (column != MIDLINE) column++;
    } else {
      if (c == 0x7b && place != BEHIND) break;
      if (c == 0x5b && place == OUTSIDE) place = OPENED;
      else if (c == 0x2c && place == BEHIND) place = WANTED;
      else if (c == 0x5d && (place == BEHIND || place == OPENED)) place = OUTSIDE;
      else {
        separatorFault = place == BEHIND ? JSON_SEPARATOR : JSON_NOT_OBJECT;
        failAt(p, separatorFault);
        break;
      }
      column = MIDLINE;
    }
  }
  store<u32>(frame, place, PLACE);
  store<u32>(frame, column, COLUMN);
  return p;
}

/** A document has ended well, with its bracket. */
// @ts-ignore: decorator
@inline
export function closeDocument(frame: usize): void {
  store<u32>(frame, MIDLINE, COLUMN);
  if (load<u32>(frame, PLACE) != OUTSIDE) store<u32>(frame, BEHIND, PLACE);
}

/** At the end of all text: whether an array is still open; it is told once. */
export function arrayOpen(frame: usize): bool {
  const open = load<u32>(frame, PLACE) != OUTSIDE;
  store<u32>(frame, OUTSIDE, PLACE);
  return open;
}

/** Gets ready to pass over the malformed document whose first byte comes next. */
function startPass(frame: usize): void {
  const column = load<u32>(frame, COLUMN);
  store<u32>(frame, column == MIDLINE ? 0 : column, INDENT);
  store<u32>(frame, 0, DEPTH);
  store<u32>(frame, FIRST, INSIDE);
}

/**
 * Goes on passing over a malformed document, of which [p, end) is the next piece and `fault` the
 * first byte that cannot be right; gives where it ends, or 0 where the piece ends first.
 */
function passOver(frame: usize, p: usize, fault: usize, end: usize): usize {
  let depth = load<i32>(frame, DEPTH), inside = load<u32>(frame, INSIDE), column = load<u32>(frame, COLUMN);
  let before = load<u32>(frame, BEFORE), place = load<u32>(frame, PLACE), next: usize = 0;
  const indent = load<u32>(frame, INDENT), array = place != OUTSIDE;
  if (array && inside != FIRST) place = BEHIND;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == 10) {
      inside = PLAIN;
      column = 0;
      if (depth > 0) continue;
      next = p + 1;
      break;
    }
    if (inside == FIRST) {
      inside = PLAIN;
      // `[,{}]` and `[{},]`: what they are in an array they are here
      if (array) place = c == 0x2c && place != BEHIND ? WANTED : c == 0x5d ? OUTSIDE : BEHIND;
      if (array && place != BEHIND) {
        column = MIDLINE;
        next = p + 1;
        break;
      }
    } else if (inside != PLAIN) {
      if (c == 0x7b && before == 0x7d && p + 1 < end && load<u8>(p, 1) == 0x22) {
        next = p;
        break;
      }
      inside = inside == ESCAPE ? STRING : c == 0x5c ? ESCAPE : c == 0x22 ? PLAIN : STRING;
      before = c;
      continue;
    } else if (isBlank(c)) {
      if (column != MIDLINE) column++;
      continue;
    } else if (
      depth > 0
        ? c == 0x7b && p >= fault && (column <= indent || before == 0x7d)
        : c == 0x7b || c == 0x5b || (array && (c == 0x2c || c == 0x5d))
    ) {
      // the comma that was taken for one of an object's own
      if (array && depth > 0 && before == 0x2c) place = WANTED;
      next = p;
      break;
    }
    column = MIDLINE;
    before = c;
    if (c == 0x22) inside = STRING;
    else if (c == 0x7b || c == 0x5b) depth++;
    else if ((c == 0x7d || c == 0x5d) && --depth <= 0) {
      next = p + 1;
      break;
    }
  }
  store<i32>(frame, depth, DEPTH);
  store<u32>(frame, inside, INSIDE);
  store<u32>(frame, column, COLUMN);
  store<u32>(frame, before, BEFORE);
  if (next != 0) store<u32>(frame, place, PLACE);
  return next;
}

/**
 * Where the malformed document at `start` ends, `fault` being the first byte that cannot be right;
 * 0 where that takes more text.
 */
export function endOfBroken(frame: usize, start: usize, fault: usize, end: usize, final: bool): usize {
  const column = load<u32>(frame, COLUMN);
  startPass(frame);
  const next = passOver(frame, start, fault, end);
  if (next != 0) return next;
  if (!final) {
    store<u32>(frame, column, COLUMN);
    return 0;
  }
  store<u32>(frame, OUTSIDE, PLACE);
  return end;
}

/** The end of a record too long to be held, of which [p, end) is the next piece; 0 where it goes on behind. */
export function passRecord(frame: usize, p: usize, end: usize, first: bool): usize {
  if (load<u32>(frame) == FORMAT_DOCUMENTS) {
    if (first) startPass(frame);
    return passOver(frame, p, first ? end : p, end);
  }
  const behind = load<u8>(end);
  store<u8>(end, 10);
  const next = lineEnd(p) + 1;
  store<u8>(end, behind);
  return next <= end ? next : 0;
}

export function skipBlankLines(p: usize, end: usize): usize {
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c != 10 && c != 0x20 && c != 0x0d && c != 0x09) break;
  }
  return p;
}

/** The line feed at or after `p`: there is one, the sentinel. */
export function lineEnd(p: usize): usize {
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

// JSON text (RFC 8259) walked over and judged, nothing kept: white space, strings, any value.
//
// In lines a line feed ends a record, so it is white space nowhere in here, and it is the sentinel
// that stops every loop (json.ts puts one behind the text); in documents it is white space and the
// sentinel is a 0, which JSON has nowhere. UTF-8 is judged elsewhere.
// Every function takes and gives an address; 0 is a fault, told in faultAt and faultReason.

/** Reasons for a bad record; the host words them. */
export const JSON_SYNTAX: i32 = 1; // not JSON at this byte
export const JSON_LINE_ENDS: i32 = 2; // the line ends inside the record
export const JSON_CONTROL: i32 = 3; // a control character inside a string
export const JSON_ESCAPE: i32 = 4; // no such escape
export const JSON_DEPTH: i32 = 5; // more than MAX_DEPTH levels
export const JSON_UTF8: i32 = 6; // not UTF-8
export const JSON_NOT_OBJECT: i32 = 7; // a record that is no object
export const JSON_TRAILING: i32 = 8; // something behind the record
export const JSON_MISSING: i32 = 9; // required column: no such member
export const JSON_NULL: i32 = 10; // required column: null
export const JSON_TYPE: i32 = 11; // a value of another type
export const JSON_FRACTION: i32 = 12; // integer column: not a whole number
export const JSON_RANGE: i32 = 13; // integer column: out of range
export const JSON_TIME: i32 = 14; // timestamp column: no such form, or out of range
export const JSON_SURROGATE: i32 = 15; // string column: \ud800-\udfff alone, which has no UTF-8
export const JSON_NUMBER: i32 = 16; // numeric column: text that is no number
export const JSON_SCALE: i32 = 17; // decimal column: more digits behind the point than its scale
export const JSON_PRECISION: i32 = 18; // decimal column: more digits than its precision
export const JSON_DATE: i32 = 19; // date column: no such form
export const JSON_CLOCK: i32 = 20; // time column: no such form, or none of the day
export const JSON_UUID: i32 = 21; // uuid column: no such form
export const JSON_BASE64: i32 = 22; // binary column: not base64
export const JSON_HEX: i32 = 23; // binary column: not hex
export const JSON_UNKNOWN: i32 = 50; // a member that no column wants, where that is refused
export const JSON_TEXT_ENDS: i32 = 60; // the text ends inside the document
export const JSON_SEPARATOR: i32 = 61; // neither `,` nor `]` behind an object of an array
export const JSON_ARRAY_ENDS: i32 = 62; // the text ends inside an array
export const JSON_TYPED: i32 = 63; // no AttributeValue of DynamoDB
export const JSON_NO_ITEM: i32 = 64; // no item of DynamoDB, and none in it

/** Levels of nesting, the record itself being the first. JSON.parse has no such limit. */
export const MAX_DEPTH: usize = 256;

const CLOSERS: usize = memory.data(256);

let open: usize = 1;

/** Levels that are open around the next values to be skipped: 1 in the record itself. */
// @ts-ignore: decorator
@inline
export function openLevels(levels: u32): void {
  open = levels;
}

export let faultAt: usize = 0;
export let faultReason: i32 = 0;

// The line feed where it is white space, else a space once more.
let blankFeed: u32 = 0x20;

export function setBlankFeed(blank: bool): void {
  blankFeed = blank ? 10 : 0x20;
}

export function failAt(p: usize, reason: i32): usize {
  faultAt = p;
  if (load<u8>(p) == 10) {
    if (blankFeed == 10) reason = reason == JSON_LINE_ENDS ? JSON_CONTROL : reason;
    else if (reason == JSON_SYNTAX) reason = JSON_LINE_ENDS;
  }
  faultReason = reason;
  return 0;
}

// @ts-ignore: decorator
@inline
export function skipBlank(p: usize): usize {
  let c: u32 = load<u8>(p);
  while (c <= 0x20 && (c == 0x20 || c == 0x09 || c == 0x0d || c == blankFeed)) c = load<u8>(++p);
  return p;
}

// 16 times 0x02, 0x20 and 0x5c: constants from memory cost one load each, v128.const more (Node 24).
const PLAIN: usize = memory.data<u64>([
  0x0202020202020202, 0x0202020202020202, 0x2020202020202020, 0x2020202020202020, 0x5c5c5c5c5c5c5c5c, 0x5c5c5c5c5c5c5c5c,
]);

/** The first quote, backslash or control character at or after `p`. */
// @ts-ignore: decorator
@inline
export function plainEnd(p: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const two = v128.load(PLAIN), space = v128.load(PLAIN, 16), backslash = v128.load(PLAIN, 32);
    while (true) {
      const v = v128.load(p);
      // Of all bytes only controls and the quote (0x22 ^ 2 = 0x20) are at most 0x20 here.
      const stops = i8x16.bitmask(v128.or(i8x16.eq(v, backslash), i8x16.le_u(v128.xor(v, two), space)));
      if (stops) {
        p += ctz(stops);
        break;
      }
      p += 16;
    }
  } else {
    let c: u32 = load<u8>(p);
    while (c >= 0x20 && c != 0x22 && c != 0x5c) c = load<u8>(++p);
  }
  return p;
}

// @ts-ignore: decorator
@inline
function hexDigit(c: u32): i32 {
  if (c - 0x30 < 10) return c - 0x30;
  c |= 0x20;
  return c - 0x61 < 6 ? c - 0x57 : -1;
}

/** The code unit of the four hex digits at `p`, or -1; then faultAt is the first that is none. */
export function hexUnit(p: usize): i32 {
  let unit: i32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const digit = hexDigit(load<u8>(p + i));
    if (digit < 0) {
      failAt(p + i, load<u8>(p + i) == 10 ? JSON_LINE_ENDS : JSON_ESCAPE);
      return -1;
    }
    unit = (unit << 4) | digit;
  }
  return unit;
}

/** From the byte behind the opening quote to the byte behind the closing one. */
export function skipString(p: usize): usize {
  while (true) {
    p = plainEnd(p);
    const c: u32 = load<u8>(p);
    if (c == 0x22) return p + 1;
    if (c != 0x5c) return failAt(p, c == 10 ? JSON_LINE_ENDS : JSON_CONTROL);
    const e: u32 = load<u8>(p, 1);
    if (e == 0x75) {
      if (hexUnit(p + 2) < 0) return 0;
      p += 6;
    } else {
      if (escaped(e) == 0) return failAt(p + 1, e == 10 ? JSON_LINE_ENDS : JSON_ESCAPE);
      p += 2;
    }
  }
}

/** What the two-character escape stands for, or 0. */
export function escaped(e: u32): u32 {
  switch (e) {
    case 0x22: case 0x2f: case 0x5c: return e;
    case 0x62: return 8;
    case 0x66: return 12;
    case 0x6e: return 10;
    case 0x72: return 13;
    case 0x74: return 9;
    default: return 0;
  }
}

/** `"key" :` and the blank around; gives the address of the value. */
function skipKey(p: usize): usize {
  p = skipBlank(p);
  if (load<u8>(p) != 0x22) return failAt(p, JSON_SYNTAX);
  p = skipString(p + 1);
  if (p == 0) return 0;
  p = skipBlank(p);
  if (load<u8>(p) != 0x3a) return failAt(p, JSON_SYNTAX);
  return skipBlank(p + 1);
}

const MINUS: u32 = 0x2d, DOT: u32 = 0x2e;

// @ts-ignore: decorator
@inline
export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** End of the JSON number at `p`, or 0 where the text is none; then `numberStop` is the odd byte. */
export function skipNumber(p: usize): usize {
  if (load<u8>(p) == MINUS) p++;
  if (load<u8>(p) == 0x30) p++;
  else {
    const first = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  if (load<u8>(p) == DOT) {
    const first = ++p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign: u32 = load<u8>(p);
    if (sign == MINUS || sign == 0x2b) p++;
    const first = p;
    while (isDigit(load<u8>(p))) p++;
    if (p == first) return stopAt(p);
  }
  return p;
}

export let numberStop: usize = 0;

function stopAt(p: usize): usize {
  numberStop = p;
  return 0;
}

/** true, false or null; the first byte that differs is the fault. */
function skipWord(p: usize, word: u32, size: usize): usize {
  for (let i: usize = 0; i < size; i++, word >>= 8) if (load<u8>(p + i) != <u8>word) return failAt(p + i, JSON_SYNTAX);
  return p + size;
}

/** Any value, from its first byte to the byte behind it. Not recursive. */
export function skipValue(p: usize): usize {
  let depth: usize = 0;
  while (true) {
    const c: u32 = load<u8>(p);
    if (c == 0x22) {
      p = skipString(p + 1);
    } else if (c == 0x7b || c == 0x5b) {
      if (depth + open >= MAX_DEPTH) return failAt(p, JSON_DEPTH);
      const closer = c + 2;
      p = skipBlank(p + 1);
      if (load<u8>(p) == closer) p++;
      else {
        store<u8>(CLOSERS + depth++, closer);
        if (c == 0x7b) {
          p = skipKey(p);
          if (p == 0) return 0;
        }
        continue;
      }
    } else if (c == 0x74) {
      p = skipWord(p, 0x65757274, 4);
    } else if (c == 0x66) {
      p = skipWord(p + 1, 0x65736c61, 4);
    } else if (c == 0x6e) {
      p = skipWord(p, 0x6c6c756e, 4);
    } else {
      p = skipNumber(p);
      if (p == 0) return failAt(numberStop, JSON_SYNTAX);
    }
    if (p == 0) return 0;
    for (;;) {
      if (depth == 0) return p;
      p = skipBlank(p);
      const next: u32 = load<u8>(p);
      const closer: u32 = load<u8>(CLOSERS + depth - 1);
      if (next == 0x2c) {
        p = closer == 0x7d ? skipKey(p + 1) : skipBlank(p + 1);
        if (p == 0) return 0;
        break;
      }
      if (next != closer) return failAt(p, JSON_SYNTAX);
      p++;
      depth--;
    }
  }
}

// The value that an edit puts in place of another. Null stays null, but where a text of the mapping's is put.
import { failAtValue, full, hasRoom, last, noRoom, out, put, putByte, putWord, taken } from "./sink";
import {
  CAST_BOOLEAN, CAST_INT, CAST_KEEP, CAST_NULL, CAST_NUMBER, CAST_STRING, EDIT_HASH, EDIT_KIND, EDIT_ON_CAST, EDIT_TEXT, EDIT_TEXT_AT, EDIT_TEXT_SIZE,
} from "./edits";
import { at, header, HEADER_SALT, NODE_EDIT } from "./program";
import { digitsEnd, first, magnitude, negative, takeApart } from "./decimal";
import { isDigit, skipNumber } from "../../codec/json";
import { putMoment } from "./moment";
import { JSON_GROWTH, putJson } from "../text";
import { takeText, textAt, textSize } from "./text";
import { sha256Final, sha256Init, sha256Update } from "../../codec/sha256";

const NULL: u32 = 0x6c6c756e;
const TRUE: u32 = 0x65757274;
// "fals"
const FALSE: u32 = 0x736c6166;

/** Zeros at most that an exponent may append to a whole number. */
const ZEROS_MAX: i64 = 64;

/** Puts what the edit of `node` makes of the valid value in [p, end). */
export function putEdited(node: usize, p: usize, end: usize): void {
  const edit = at(load<u32>(node, NODE_EDIT));
  const kind = load<u32>(edit, EDIT_KIND);
  if (kind == EDIT_TEXT) put(at(load<u32>(edit, EDIT_TEXT_AT)), load<u32>(edit, EDIT_TEXT_SIZE));
  else if (load<u8>(p) == 0x6e) putWord(NULL);
  else if (kind == EDIT_HASH) putHash(p, end);
  else if (kind == CAST_STRING) putString(p, end);
  else if (!cast(kind, p, end) && !full) {
    const otherwise = load<u32>(edit, EDIT_ON_CAST);
    if (otherwise == CAST_KEEP) put(p, end - p);
    else if (otherwise == CAST_NULL) putWord(NULL);
    else failAtValue(p, node);
  }
}

const state: usize = memory.data(104, 16);

/** SHA-256 of the salt and of the value's text, in lower-case hex. */
function putHash(p: usize, end: usize): void {
  if (!takeText(p, end, out, last)) {
    noRoom();
    return;
  }
  if (!hasRoom(66)) return;
  sha256Init(state);
  sha256Update(state, at(header(HEADER_SALT)), header(HEADER_SALT + 4));
  sha256Update(state, textAt, textSize);
  sha256Final(state, state);
  store<u8>(out, 0x22);
  for (let i: usize = 0; i < 32; i++) {
    const byte: u32 = load<u8>(state + i);
    store<u16>(out + 1 + (i << 1), hex(byte >> 4) | (hex(byte & 15) << 8));
  }
  store<u8>(out, 0x22, 65);
  taken(66);
}

function hex(digit: u32): u32 {
  return digit + (digit < 10 ? 0x30 : 0x57);
}

/** Strings stay; of anything else the JSON becomes a string. */
function putString(p: usize, end: usize): void {
  const c: u32 = load<u8>(p);
  if (c == 0x22) {
    put(p, end - p);
    return;
  }
  putByte(0x22);
  if (c == 0x7b || c == 0x5b) putEscaped(p, end);
  else put(p, end - p);
  putByte(0x22);
}

/** The bytes [p, end), which are UTF-8, as they stand between the quotes of a JSON string. */
export function putEscaped(p: usize, end: usize): void {
  // room for the worst, which only control characters come to
  if (hasRoom((end - p) * JSON_GROWTH)) taken(putJson(out, p, end) - out);
}

/** False, and nothing put, where the value cannot be one of `kind`. */
function cast(kind: u32, p: usize, end: usize): bool {
  const text = load<u8>(p) == 0x22;
  if (text) {
    if (!takeText(p, end, out, last)) {
      noRoom();
      return false;
    }
    p = textAt;
    end = p + textSize;
    // unescaped it lies in the output, where the byte behind is ours and stops the scan
    if (p == out) store<u8>(end, 0);
  }
  const c: u32 = load<u8>(p);
  if (kind == CAST_BOOLEAN) return putBoolean(p, end);
  const number = end > p && (c == 0x2d || isDigit(c)) && (!text || skipNumber(p) == end);
  if (kind == CAST_NUMBER) {
    if (number) put(p, end - p);
    return number;
  }
  if (kind == CAST_INT) return number && putWhole(p, end);
  return (text || number) && putMoment(p, end, text, kind);
}

/** true and false, also as text, and 1 and 0. */
function putBoolean(p: usize, end: usize): bool {
  const size = end - p, word = load<u32>(p);
  if ((size == 4 && word == TRUE) || (size == 1 && <u8>word == 0x31)) {
    putWord(TRUE);
    return true;
  }
  if ((size == 5 && word == FALSE && load<u8>(p, 4) == 0x65) || (size == 1 && <u8>word == 0x30)) {
    putWord(FALSE);
    putByte(0x65);
    return true;
  }
  return false;
}

/** A number without a fraction as digits alone: 1.0 and 10e-1 are 1. What is digits already stays, however long. */
function putWhole(p: usize, end: usize): bool {
  takeApart(p, end);
  if (digitsEnd == end && first != 0) {
    let digit = first;
    while (digit < end && isDigit(load<u8>(digit))) digit++;
    if (digit == end && magnitude == <i64>(end - first)) {
      put(p, end - p);
      return true;
    }
  }
  if (first == 0) {
    putByte(0x30);
    return true;
  }
  let left = magnitude;
  for (let d = first; d < digitsEnd; d++) {
    const c: u32 = load<u8>(d);
    if (c == 0x2e) continue;
    if (left <= 0 && c != 0x30) return false;
    left--;
  }
  if (magnitude <= 0 || left > ZEROS_MAX) return false;
  let zeros = left;
  if (negative) putByte(0x2d);
  left = magnitude;
  for (let d = first; d < digitsEnd && left > 0; d++) {
    const c: u32 = load<u8>(d);
    if (c == 0x2e) continue;
    putByte(c);
    left--;
  }
  for (; zeros > 0; zeros--) putByte(0x30);
  return true;
}

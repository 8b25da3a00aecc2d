// The condition that a record must meet, in postfix order: 16 bytes an instruction, 16 a constant.
//   instruction  0    4      8           12         constant  0      4      8      12
//                | op | node | constants | count |            | type | text | size | failures |
// type: the first byte of the JSON value, `"` of a string, `0` of a number; text: of a string what it
// stands for. failures: for `contains`, Knuth, Morris and Pratt's table, u16 a byte.
import { compareBytes, equalBytes } from "../../bytes";
import { compareNumbers } from "./decimal";
import { at, header, HEADER_WHERE, NODE, NODE_END, nodes, valueOf } from "./program";
import { takeText, textAt, textSize } from "./text";

export const WHERE_AND: u32 = 0;
export const WHERE_OR: u32 = 1;
export const WHERE_NOT: u32 = 2;
export const WHERE_EXISTS: u32 = 3;
export const WHERE_EQUALS: u32 = 4;
export const WHERE_LESS: u32 = 5;
export const WHERE_AT_MOST: u32 = 6;
export const WHERE_GREATER: u32 = 7;
export const WHERE_AT_LEAST: u32 = 8;
export const WHERE_PREFIX: u32 = 9;
export const WHERE_CONTAINS: u32 = 10;

const NO: i32 = 0;
const YES: i32 = 1;
/** `scratch` is too small for a text. */
export const NO_ROOM: i32 = -1;

/** Whether the record just walked over meets the condition: 1, 0 or NO_ROOM. */
export function meets(scratch: usize, last: usize): i32 {
  let p = at(header(HEADER_WHERE));
  const count = header(HEADER_WHERE + 4);
  if (count == 0) return YES;
  // one bit a verdict, the last one lowest
  let stack: u64 = 0;
  for (const end = p + (<usize>count << 4); p < end; p += 16) {
    const op = load<u32>(p);
    if (op == WHERE_NOT) stack ^= 1;
    else if (op == WHERE_AND) stack = (stack >> 1) & (stack | ~<u64>1);
    else if (op == WHERE_OR) stack = (stack >> 1) | (stack & 1);
    else {
      const verdict = holds(op, p, scratch, last);
      if (verdict == NO_ROOM) return NO_ROOM;
      stack = (stack << 1) | <u64>verdict;
    }
  }
  return <i32>(stack & 1);
}

function holds(op: u32, instruction: usize, scratch: usize, last: usize): i32 {
  const node = nodes + <usize>load<u32>(instruction, 4) * NODE;
  const value = valueOf(node);
  if (value == 0) return NO;
  if (op == WHERE_EXISTS) return YES;
  const end: usize = load<u32>(node, NODE_END);
  const type = typeOf(load<u8>(value));
  if (type == 0x22 && !takeText(value, end, scratch, last)) return NO_ROOM;
  let constant = at(load<u32>(instruction, 8));
  for (let left = load<u32>(instruction, 12); left > 0; left--, constant += 16) {
    if (load<u32>(constant) == type && compares(op, type, value, end, constant)) return YES;
  }
  return NO;
}

function typeOf(c: u32): u32 {
  return c == 0x2d || c - 0x30 < 10 ? 0x30 : c;
}

function compares(op: u32, type: u32, value: usize, end: usize, constant: usize): bool {
  const text = at(load<u32>(constant, 4)), size: usize = load<u32>(constant, 8);
  if (op == WHERE_EQUALS) {
    if (type == 0x22) return textSize == size && equalBytes(textAt, text, size);
    // true, false and null are told apart by their first letters
    return type != 0x30 || (end - value == size && equalBytes(value, text, size)) || compareNumbers(value, end, text, text + size) == 0;
  }
  if (op == WHERE_PREFIX) return type == 0x22 && textSize >= size && equalBytes(textAt, text, size);
  if (op == WHERE_CONTAINS) return type == 0x22 && contains(textAt, textSize, text, size, at(load<u32>(constant, 12)));
  let order: i32;
  // the order of UTF-8's bytes is that of code points
  if (type == 0x22) order = compareBytes(textAt, textSize, text, size);
  else if (type == 0x30) order = compareNumbers(value, end, text, text + size);
  else return false;
  if (op == WHERE_LESS) return order < 0;
  if (op == WHERE_AT_MOST) return order <= 0;
  if (op == WHERE_GREATER) return order > 0;
  return order >= 0;
}

function contains(text: usize, size: usize, wanted: usize, wantedSize: usize, failures: usize): bool {
  if (wantedSize > size) return false;
  if (wantedSize == 0) return true;
  let matched: usize = 0;
  for (const end = text + size; text < end; text++) {
    const c = load<u8>(text);
    while (matched > 0 && c != load<u8>(wanted + matched)) matched = load<u16>(failures + ((matched - 1) << 1));
    if (c == load<u8>(wanted + matched) && ++matched == wantedSize) return true;
  }
  return false;
}

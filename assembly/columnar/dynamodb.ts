// DynamoDB-typed JSON -> plain JSON, in place: `{"S":"x"}` becomes `     "x" `, `{"N":"5"}` `      5  `.
// What goes is overwritten with spaces (line feeds stay), so that every value stays where it was.
//
// Descriptor of an AttributeValue (DynamoDB's low-level API) -> what the scan finds
//   S -> the string             BOOL -> true, false                   M  -> an object
//   N -> the number's text      NULL (true only) -> null              L  -> an array
//   B -> the base64 string      SS, BS -> array of strings            NS -> array of numbers
//
// A record is an item, `{"id":{"N":"5"},...}`, or holds one:
//   {"Item":{...}}                            export of a table to S3
//   {...,"NewImage":{...}}                    incremental export; a stream's record
//   {...,"dynamodb":{...,"NewImage":{...}}}   the same as events of Lambda and Kinesis carry it
// An item is taken for what holds one only where its first value is no AttributeValue.
//
// What became of the record in hand, in the scan's state, should it be scanned again:
//   0      4        8      12
//   | done | reason | size | - |
// done: 0 nothing yet, 1 + the bytes in front of its item, or FAILED | the bytes in front of the fault
// size: bytes of the record with all that is around its item

import { equalBytes } from "../bytes";
import { validUtf8 } from "../codec/utf8";
import { B, BS, BOOL, isTyped, L, M, N, NS, NULL, S, SS, typeKey, typeValue } from "../codec/typed-json";
import { failAt, faultAt, faultReason, JSON_NO_ITEM, JSON_TYPED, JSON_UTF8, openLevels, skipBlank, skipNumber, skipValue } from "../codec/json";

export const PLAIN_SIZE: usize = 16;
const FAILED: u32 = 0x80000000;

function blank(p: usize, end: usize): void {
  for (; p < end; p++) if (load<u8>(p) != 10) store<u8>(p, 0x20);
}

/** A number in quotes -> without; gives the byte behind, or 0. */
function untypeNumber(p: usize): usize {
  if (load<u8>(p) != 0x22) return failAt(p, JSON_TYPED);
  const end = skipNumber(p + 1);
  if (end == 0 || load<u8>(end) != 0x22) return failAt(p, JSON_TYPED);
  store<u8>(p, 0x20);
  store<u8>(end, 0x20);
  return end + 1;
}

/** The AttributeValue at `p`; gives the byte behind it, or 0. */
function untypeValue(p: usize): usize {
  if (!isTyped(p)) return failAt(p, JSON_TYPED);
  const key = typeKey, value = typeValue;
  let end: usize;
  if (key == N) end = untypeNumber(value);
  else if (key == M) end = untypeMembers(value);
  else if (key == L || key == SS || key == NS || key == BS) end = untypeElements(value, key);
  else {
    if (key == NULL) store<u32>(value, 0x6c6c756e);
    end = skipValue(value);
  }
  if (end == 0) return 0;
  const close = skipBlank(end);
  if (load<u8>(close) != 0x7d) return failAt(close, JSON_TYPED);
  store<u8>(close, 0x20);
  blank(p, value);
  return close + 1;
}

function untypeElements(p: usize, key: u32): usize {
  p = skipBlank(p + 1);
  if (load<u8>(p) == 0x5d) return p + 1;
  while (true) {
    if (key == L) p = untypeValue(p);
    else if (key == NS) p = untypeNumber(p);
    else p = load<u8>(p) == 0x22 ? skipValue(p) : failAt(p, JSON_TYPED);
    if (p == 0) return 0;
    p = skipBlank(p);
    if (load<u8>(p) == 0x5d) return p + 1;
    p = skipBlank(p + 1);
  }
}

/** The object of AttributeValues at `p`; gives the byte behind it, or 0. */
function untypeMembers(p: usize): usize {
  p = skipBlank(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    p = untypeValue(valueOf(p));
    if (p == 0) return 0;
    p = skipBlank(p);
    if (load<u8>(p) == 0x7d) return p + 1;
    p = skipBlank(p + 1);
  }
}

/** From a key to its value. */
function valueOf(p: usize): usize {
  return skipBlank(skipBlank(skipValue(p)) + 1);
}

/** The object that is the value of member `name` of the object at `p`, or 0; the last one, as JSON has it. */
function objectIn(p: usize, name: usize, size: usize): usize {
  let found: usize = 0;
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x7d) {
    const value = valueOf(p);
    if (load<u8>(p + size + 1) == 0x22 && equalBytes(p + 1, name, size)) found = load<u8>(value) == 0x7b ? value : 0;
    p = skipBlank(skipValue(value));
    if (load<u8>(p) == 0x2c) p = skipBlank(p + 1);
  }
  return found;
}

const ITEM: usize = memory.data<u8>([0x49, 0x74, 0x65, 0x6d]);
const NEW_IMAGE: usize = memory.data<u8>([0x4e, 0x65, 0x77, 0x49, 0x6d, 0x61, 0x67, 0x65]);
const DYNAMODB: usize = memory.data<u8>([0x64, 0x79, 0x6e, 0x61, 0x6d, 0x6f, 0x64, 0x62]);

/** Whether the object at `p` is an item. */
function isItem(p: usize): bool {
  const first = skipBlank(p + 1);
  if (load<u8>(first) == 0x7d) return true;
  const value = valueOf(first);
  if (!isTyped(value)) return false;
  // `{"Item":{"M":{"S":"x"}}}`: an export of an item whose one attribute is called M
  return typeKey != M || load<u32>(first, 1) != load<u32>(ITEM) || load<u8>(first, 5) != 0x22 || !isTyped(typeValue);
}

/** Makes the well-formed object in [p, end) plain; gives where its item's object begins, or 0. */
function untype(p: usize, end: usize): usize {
  let item = p;
  if (!isItem(p)) {
    item = objectIn(p, ITEM, 4);
    if (item == 0) {
      const event = objectIn(p, DYNAMODB, 8);
      item = objectIn(event == 0 ? p : event, NEW_IMAGE, 8);
    }
    if (item == 0) return failAt(valueOf(skipBlank(p + 1)), JSON_NO_ITEM);
  }
  const behind = untypeMembers(item);
  if (behind == 0) return 0;
  blank(p, item);
  blank(behind, end);
  return item;
}

/** The record of this `plain` state is settled. */
// @ts-ignore: decorator
@inline
export function endItem(plain: usize): void {
  store<u32>(plain, 0);
}

/** Bytes in front of the item of a record that has been made plain before. */
// @ts-ignore: decorator
@inline
export function bytesBefore(plain: usize): usize {
  const done = load<u32>(plain);
  return done == 0 || done & FAILED ? 0 : done - 1;
}

/** Bytes of the record that itemOf() was last given whole. */
// @ts-ignore: decorator
@inline
export function recordSize(plain: usize): usize {
  return load<u32>(plain, 8);
}

/** Whether the record that itemOf() refused is JSON, so that its end is known. */
// @ts-ignore: decorator
@inline
export function isOther(plain: usize): bool {
  return (load<u32>(plain) & FAILED) != 0;
}

/**
 * Makes the record whose object is at `p` plain, once; gives where its item's object begins. 0 is a
 * fault, or a record that has not come whole (faultAt is then the sentinel).
 */
export function itemOf(plain: usize, p: usize): usize {
  const done = load<u32>(plain);
  if (done & FAILED) return failAt(p + (done & ~FAILED), load<i32>(plain, 4));
  if (done != 0) return p;
  openLevels(0);
  const end = skipValue(p);
  if (end == 0) return 0;
  const valid = validUtf8(p, end);
  const item = valid < end ? failAt(valid, JSON_UTF8) : untype(p, end);
  store<u32>(plain, item == 0 ? FAILED | <u32>(faultAt - p) : 1 + <u32>(item - p));
  store<i32>(plain, faultReason, 4);
  store<u32>(plain, <u32>(end - p), 8);
  return item;
}

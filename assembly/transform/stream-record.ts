// A DynamoDB stream record as a row: its `Keys`, `NewImage` and `OldImage` made plain, all else as it is, without the blank between.
//
// These three are members of the record (incremental export) or of its `dynamodb` (events of Lambda and Kinesis); an `Item` (export) is
// made plain too, and what is nothing but an item. Of the types: the sets become arrays, N a number with all its digits, B stays base64.
import { equalBytes } from "../bytes";
import { failAt, faultAt, JSON_NO_ITEM, JSON_TYPED, skipBlank, skipNumber, skipString, skipValue } from "../codec/json";
import { BS, isTyped, L, M, N, NS, NULL, SS, typeKey, typeValue } from "../codec/typed-json";
import { fault, OUTPUT_FULL } from "../memory";
import { nextObject, objectAt, objectEnd, valueOf } from "./document";

const KEYS: usize = memory.data<u8>([0x4b, 0x65, 0x79, 0x73]);
const ITEM: usize = memory.data<u8>([0x49, 0x74, 0x65, 0x6d]);
const NEW_IMAGE: usize = memory.data<u8>([0x4e, 0x65, 0x77, 0x49, 0x6d, 0x61, 0x67, 0x65]);
const OLD_IMAGE: usize = memory.data<u8>([0x4f, 0x6c, 0x64, 0x49, 0x6d, 0x61, 0x67, 0x65]);
const DYNAMODB: usize = memory.data<u8>([0x64, 0x79, 0x6e, 0x61, 0x6d, 0x6f, 0x64, 0x62]);

let out: usize = 0;
let found: bool = false;

export function streamRecord(p: usize, end: usize, dst: usize, room: usize): i32 {
  const status = nextObject(p, end);
  if (status != 0) return status;
  if (objectEnd - objectAt + 64 > room) return OUTPUT_FULL;
  out = dst;
  found = false;
  const first = skipBlank(objectAt + 1);
  const isItem = load<u8>(first) == 0x22 && !isImage(first) && isTyped(valueOf(first));
  if ((isItem ? putItem(objectAt) : putRecord(objectAt, true)) == 0) return fault(faultAt, 0, JSON_TYPED);
  if (!isItem && !found) return fault(objectAt, 0, JSON_NO_ITEM);
  return <i32>(out - dst);
}

// @ts-ignore: decorator
@inline
function putByte(c: u32): void {
  store<u8>(out++, c);
}

// @ts-ignore: decorator
@inline
function isNamed(key: usize, name: usize, size: usize): bool {
  return load<u8>(key + size + 1) == 0x22 && equalBytes(key + 1, name, size);
}

function isImage(key: usize): bool {
  return isNamed(key, KEYS, 4) || isNamed(key, NEW_IMAGE, 8) || isNamed(key, OLD_IMAGE, 8) || isNamed(key, ITEM, 4);
}

/** The object at `p` with what is in it made plain; gives the byte behind it, or 0. */
function putRecord(p: usize, outer: bool): usize {
  putByte(0x7b);
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x7d) {
    const value = valueOf(p), isObject = load<u8>(value) == 0x7b;
    const key = p;
    putPlain(key);
    putByte(0x3a);
    if (isObject && isImage(key)) {
      found = true;
      p = putItem(value);
    } else if (isObject && outer && isNamed(key, DYNAMODB, 8)) p = putRecord(value, false);
    else p = putPlain(value);
    if (p == 0) return 0;
    p = nextMember(p);
  }
  putByte(0x7d);
  return p + 1;
}

/** From behind a member or element to the next one, or to what closes them. */
function nextMember(p: usize): usize {
  p = skipBlank(p);
  if (load<u8>(p) != 0x2c) return p;
  putByte(0x2c);
  return skipBlank(p + 1);
}

/** The value at `p` as it is, without the blank in it; gives the byte behind it. */
function putPlain(p: usize): usize {
  const end = skipValue(p);
  while (p < end) {
    const c: u32 = load<u8>(p);
    if (c == 0x22) {
      const behind = skipString(p + 1);
      memory.copy(out, p, behind - p);
      out += behind - p;
      p = behind;
    } else {
      if (c > 0x20) putByte(c);
      p++;
    }
  }
  return end;
}

/** The object of AttributeValues at `p`; gives the byte behind it, or 0. */
function putItem(p: usize): usize {
  putByte(0x7b);
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x7d) {
    putPlain(p);
    putByte(0x3a);
    p = putValue(valueOf(p));
    if (p == 0) return 0;
    p = nextMember(p);
  }
  putByte(0x7d);
  return p + 1;
}

/** The AttributeValue at `p`. Not deeper than nextObject() lets it be. */
function putValue(p: usize): usize {
  if (!isTyped(p)) return failAt(p, JSON_TYPED);
  const key = typeKey, value = typeValue;
  let end: usize;
  if (key == N) end = putNumber(value);
  else if (key == M) end = putItem(value);
  else if (key == L || key == SS || key == NS || key == BS) end = putElements(value, key);
  else if (key == NULL) {
    store<u32>(out, 0x6c6c756e);
    out += 4;
    end = skipValue(value);
  } else end = putPlain(value);
  if (end == 0) return 0;
  end = skipBlank(end);
  return load<u8>(end) == 0x7d ? end + 1 : failAt(end, JSON_TYPED);
}

/** Text that is a number, without its quotes. */
function putNumber(p: usize): usize {
  if (load<u8>(p) != 0x22) return failAt(p, JSON_TYPED);
  const end = skipNumber(p + 1);
  if (end == 0 || load<u8>(end) != 0x22) return failAt(p, JSON_TYPED);
  memory.copy(out, p + 1, end - p - 1);
  out += end - p - 1;
  return end + 1;
}

/** A list, or a set of strings, numbers or binaries. */
function putElements(p: usize, key: u32): usize {
  putByte(0x5b);
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x5d) {
    if (key == L) p = putValue(p);
    else if (key == NS) p = putNumber(p);
    else p = load<u8>(p) == 0x22 ? putPlain(p) : failAt(p, JSON_TYPED);
    if (p == 0) return 0;
    p = nextMember(p);
  }
  putByte(0x5d);
  return p + 1;
}

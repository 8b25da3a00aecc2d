// One AggregatedRecord: its tables and its records, with indices not yet resolved, since a table may
// stand behind the records that use it. Repeated scalars: the last one wins; tags are read and dropped.
//
// Table entries go to 8 bytes {offset from heap, size} each; rows leave here with the key index in
// keyAt, and in hashAt that of the explicit hash key (hashSize ABSENT where the record has none).
import { BAD_INPUT, OUTPUT_FULL } from "../memory";
import { ABSENT, ROW_DATA, ROW_HASH, ROW_ITEM, ROW_KEY, ROW_SIZE, ROW_SOURCE } from "./batch";
import { readBytes, readVarint, skipField, wireValue } from "./protobuf";

let keysSeen: u32 = 0, hashesSeen: u32 = 0;

/** Entries in the tables of the message last read. */
export function keysFound(): u32 {
  return keysSeen;
}

export function hashesFound(): u32 {
  return hashesSeen;
}

/** How many records a message has, and how long its tables are, at least up to its first fault. */
export function counted(at: usize, end: usize): u32 {
  let records: u32 = 0;
  keysSeen = 0;
  hashesSeen = 0;
  while (at < end) {
    at = readVarint(at, end);
    if (at == 0) break;
    const tag = <u32>wireValue();
    at = skipField(tag, at, end, 0);
    if (at == 0) break;
    if (tag == 0x1a) {
      records++;
      // with less it lacks what it requires: millions of empty ones are no reason to reserve 32 bytes for each
      if (wireValue() < 4) break;
    } else if (tag == 0x0a) keysSeen++;
    else if (tag == 0x12) hashesSeen++;
  }
  return records;
}

/** Reads a message; gives the number of rows, BAD_INPUT or OUTPUT_FULL. */
export function collect(heap: usize, at: usize, end: usize, source: u32, row: usize, cap: u32, keys: usize, hashes: usize, entries: u32): i32 {
  let records: u32 = 0, keyCount: u32 = 0, hashCount: u32 = 0;
  while (at < end) {
    let tag: u32 = load<u8>(at);
    if (tag < 0x80) at++;
    else {
      at = readVarint(at, end);
      if (at == 0) return BAD_INPUT;
      tag = <u32>wireValue();
    }
    if (tag == 0x1a) {
      at = readBytes(at, end);
      if (at == 0) return BAD_INPUT;
      const size = <usize>wireValue();
      if (records == cap) return OUTPUT_FULL;
      if (!plainRecord(heap, at, at + size, row) && !anyRecord(heap, at, at + size, row)) return BAD_INPUT;
      store<u32>(row, source, ROW_SOURCE);
      store<u32>(row, records++, ROW_ITEM);
      row += ROW_SIZE;
      at += size;
    } else if (tag == 0x0a || tag == 0x12) {
      at = readBytes(at, end);
      if (at == 0) return BAD_INPUT;
      const key = tag == 0x0a;
      const index = key ? keyCount++ : hashCount++;
      if (index == entries) return OUTPUT_FULL;
      const entry = (key ? keys : hashes) + (<usize>index << 3);
      store<u32>(entry, <u32>(at - heap));
      store<u32>(entry, <u32>wireValue(), 4);
      at += <usize>wireValue();
    } else {
      at = skipField(tag, at, end, 0);
      if (at == 0) return BAD_INPUT;
    }
  }
  keysSeen = keyCount;
  hashesSeen = hashCount;
  return <i32>records;
}

/**
 * Where in a message the field begins that makes it malformed, or record number `item` (from 0), whichever comes
 * first; `row` is room for one. For the word about a fault, not for the way of a good record.
 */
export function locate(heap: usize, at: usize, end: usize, item: u32, row: usize): usize {
  let records: u32 = 0;
  while (at < end) {
    const field = at;
    at = readVarint(at, end);
    if (at == 0) return field;
    const tag = <u32>wireValue();
    at = skipField(tag, at, end, 0);
    if (at == 0) return field;
    if (tag == 0x1a && (records++ == item || !anyRecord(heap, at - <usize>wireValue(), at, row))) return field;
  }
  return end;
}

/** The record as the KPL writes it: 08 index, perhaps 10 index, 1a size and data to the end. */
// @ts-ignore: decorator
@inline
function plainRecord(heap: usize, at: usize, end: usize, row: usize): bool {
  if (at + 4 > end || load<u8>(at) != 0x08) return false;
  let index: u32 = load<u8>(at, 1);
  at += 2;
  if (index >= 0x80) {
    const high: u32 = load<u8>(at++);
    if (high >= 0x80) return false;
    index = (index & 0x7f) | high << 7;
  }
  let hash: u32 = 0, hashSize = ABSENT;
  if (load<u8>(at) == 0x10) {
    hash = load<u8>(at, 1);
    at += 2;
    if (hash >= 0x80) {
      const high: u32 = load<u8>(at++);
      if (high >= 0x80) return false;
      hash = (hash & 0x7f) | high << 7;
    }
    hashSize = 0;
  }
  if (at >= end || load<u8>(at) != 0x1a) return false;
  let size: u32 = load<u8>(at, 1);
  at += 2;
  for (let shift: u32 = 7; (size >> shift) != 0; shift += 7) {
    const high: u32 = load<u8>(at++);
    size = (size & ((1 << shift) - 1)) | high << shift;
    if (shift == 28) return false;
  }
  if (at > end || size != <u32>(end - at)) return false;
  store<u32>(row, index, ROW_KEY);
  store<u32>(row, hash, ROW_HASH);
  store<u32>(row, hashSize, ROW_HASH + 4);
  store<u32>(row, <u32>(at - heap), ROW_DATA);
  store<u32>(row, size, ROW_DATA + 4);
  return true;
}

/** Any record that protobuf-java accepts: fields in any order, repeated, unknown. */
function anyRecord(heap: usize, at: usize, end: usize, row: usize): bool {
  let hasKey = false, hasData = false;
  store<u32>(row, 0, ROW_HASH);
  store<u32>(row, ABSENT, ROW_HASH + 4);
  while (at < end) {
    at = readVarint(at, end);
    if (at == 0) return false;
    const tag = <u32>wireValue();
    if (tag == 0x08 || tag == 0x10) {
      at = readVarint(at, end);
      if (at == 0) return false;
      store<u32>(row + (tag == 0x08 ? ROW_KEY : ROW_HASH), <u32>wireValue());
      if (tag == 0x08) hasKey = true;
      else store<u32>(row, 0, ROW_HASH + 4);
    } else if (tag == 0x1a || tag == 0x22) {
      at = readBytes(at, end);
      if (at == 0) return false;
      const size = <usize>wireValue();
      if (tag == 0x22) {
        if (!hasTagKey(at, at + size)) return false;
      } else {
        store<u32>(row, <u32>(at - heap), ROW_DATA);
        store<u32>(row, <u32>size, ROW_DATA + 4);
        hasData = true;
      }
      at += size;
    } else {
      at = skipField(tag, at, end, 1);
      if (at == 0) return false;
    }
  }
  return hasKey && hasData;
}

/** Whether this is a Tag message: its key is required. */
function hasTagKey(at: usize, end: usize): bool {
  let found = false;
  while (at < end) {
    at = readVarint(at, end);
    if (at == 0) return false;
    const tag = <u32>wireValue();
    if (tag == 0x0a) found = true;
    at = skipField(tag, at, end, 2);
    if (at == 0) return false;
  }
  return found;
}

// The dictionary of a column chunk: distinct values in the order of their first sight, held in the
// very bytes of the dictionary page (PLAIN: fixed width, or u32 size and bytes), and an
// open-addressed table over them, at most half full.
//
//   slot of a fixed width, u32:  entry index + 1, 0 empty
//   byte array's slot, u64:      | entry address (offset in entries, never 0) 32 | hash 16 | index 16 |
//
// A slot of 8 bytes keeps eight probes in a cache line; the 16 bits of hash spare nearly every
// compare with another byte array.
import { Chunk, DICTIONARY_ENTRIES, freeBlock, isBytes, nextCapacity, takeBlock, Writer } from "./chunk";
import { firstWord, hashBytes, hashFixed, same, secondWord } from "./hash";

const FIRST_SLOTS: u32 = 1024;
/** Slots of a full dictionary. */
const MOST_SLOTS: u32 = DICTIONARY_ENTRIES << 1;
// A half full table has no such cluster unless the values were chosen to make one: then the
// dictionary counts as full, and the work stays linear.
const PROBES: u32 = 256;

// So many values are looked up at once where they hash to: hashes, slots and entries in a loop of their
// own each, without a branch on what is found, so that the misses of the cache overlap. That was more
// than half of the time that dictionaries took (nested rows 4 %, then 4 % more, from text to pages).
// What is not there goes through the probing below, in order, so entries stay in that of their first sight.
const AHEAD: u32 = 32;
const HASHES: usize = memory.data(128, 16);
/** So that the looks are not left out. */
const TOUCHED: usize = memory.data(4);

/** Why lookUp stopped before the end. */
const STOP_ENTRIES: u32 = 1; // no room for the bytes of an entry
const STOP_SLOTS: u32 = 2; // the table is half full
const STOP_FULL: u32 = 3;
let stoppedBy: u32 = 0;
/** Bytes of the entry that there was no room for. */
let stoppedAt: usize = 0;

// @ts-ignore: decorator
@inline
function slotShift(c: Chunk): usize {
  return isBytes(c) ? 3 : 2;
}

/** Empties the dictionary. */
export function resetDictionary(c: Chunk): void {
  c.entriesSize = 0;
  c.entryCount = 0;
  // as large as the row groups before needed it
  memory.fill(c.slots, 0, <usize>c.slotCount << slotShift(c));
}

/** Gives the dictionary's memory back; its entries are gone. */
export function dropDictionary(w: Writer, c: Chunk): void {
  freeBlock(w, c.entries);
  freeBlock(w, c.slots);
  c.entries = c.slots = 0;
  c.entriesCap = 0;
  c.slotCount = 0;
  c.entriesSize = 0;
  c.entryCount = 0;
}

/** Whether a dictionary that stopped lookUp may grow. */
export function mayGrow(w: Writer, c: Chunk): bool {
  if (stoppedBy == STOP_SLOTS) return c.slotCount < MOST_SLOTS;
  return stoppedBy == STOP_ENTRIES && c.entriesSize + stoppedAt <= w.dictionaryBytes;
}

/** Makes the room that lookUp lacked; false when the writer wants a block for it first. */
export function growDictionary(w: Writer, c: Chunk): bool {
  if (stoppedBy == STOP_SLOTS) {
    const count = max(FIRST_SLOTS, min(MOST_SLOTS, c.slotCount << 2));
    const block = takeBlock(w, <usize>count << slotShift(c));
    if (!block) return false;
    freeBlock(w, c.slots);
    c.slots = block;
    c.slotCount = count;
    rehash(c);
    return true;
  }
  const cap = nextCapacity(c.entriesSize + stoppedAt, c.entriesCap, w.dictionaryBytes);
  // 16 bytes: entries are compared in whole words
  const block = takeBlock(w, cap + 16);
  if (!block) return false;
  memory.copy(block, c.entries, c.entriesSize);
  freeBlock(w, c.entries);
  c.entries = block;
  c.entriesCap = cap;
  return true;
}

/**
 * Writes the index of each of `count` packed values to `indices` (u16), adding new ones. Gives how
 * many were done: fewer than `count` where the dictionary must grow (mayGrow) or is full. To look
 * the same values up again does no harm.
 */
export function lookUp(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  if (count > 0 && !c.slotCount) {
    stoppedBy = STOP_SLOTS;
    return 0;
  }
  if (isBytes(c)) return lookUpBytes(c, values, count, indices);
  if (c.width == 4) return lookUp4(c, values, count, indices);
  if (c.width == 8) return lookUp8(c, values, count, indices);
  return c.width == 12 ? lookUp12(c, values, count, indices) : lookUp16(c, values, count, indices);
}

// One loop, compiled for each width.
function lookUp4(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  return lookUpFixed(c, values, count, indices, 4);
}

function lookUp8(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  return lookUpFixed(c, values, count, indices, 8);
}

function lookUp12(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  return lookUpFixed(c, values, count, indices, 12);
}

function lookUp16(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  return lookUpFixed(c, values, count, indices, 16);
}

/** Looks `count` values up where they hash to: writes the indices of those that are there, gives a bit for each of the others. */
// @ts-ignore: decorator
@inline
function lookAheadFixed(values: usize, count: u32, slots: usize, mask: u32, entries: usize, indices: usize, width: usize): u32 {
  const end = HASHES + (<usize>count << 2);
  let v = values;
  for (let at = HASHES; at < end; at += 4, v += width) store<u32>(at, hashFixed(firstWord(v, width), secondWord(v, width), width));
  let touched: u32 = 0;
  for (let at = HASHES; at < end; at += 4) touched ^= load<u32>(slots + (<usize>(load<u32>(at) & mask) << 2));
  store<u32>(TOUCHED, touched);
  let missed: u32 = 0, bit: u32 = 1;
  v = values;
  for (let at = HASHES; at < end; at += 4, v += width, indices += 2, bit <<= 1) {
    const index = load<u32>(slots + (<usize>(load<u32>(at) & mask) << 2));
    const entry = entries + <usize>(index - u32(index != 0)) * width;
    store<u16>(indices, <u16>(index - 1));
    let there = u32(index != 0) & u32(firstWord(entry, width) == firstWord(v, width));
    if (width > 8) there &= u32(secondWord(entry, width) == secondWord(v, width));
    missed |= select<u32>(0, bit, there);
  }
  return missed;
}

// @ts-ignore: decorator
@inline
function lookUpFixed(c: Chunk, values: usize, count: u32, indices: usize, width: usize): u32 {
  const entries = c.entries, slots = c.slots, mask = c.slotCount - 1;
  for (let from: u32 = 0; from < count; from += AHEAD) {
    let missed = lookAheadFixed(values + <usize>from * width, min(AHEAD, count - from), slots, mask, entries, indices + (<usize>from << 1), width);
    for (; missed != 0; missed &= missed - 1) {
      const k = <u32>ctz(missed), i = from + k;
      const value = values + <usize>i * width;
      const first = firstWord(value, width), second = secondWord(value, width);
      const home = load<u32>(HASHES + (<usize>k << 2));
      let at = home & mask;
      let index: u32 = 0;
      for (;;) {
        index = load<u32>(slots + (<usize>at << 2));
        if (index == 0) {
          if (!canAdd(c, width)) return i;
          const entry = entries + c.entriesSize;
          if (width == 4) store<u32>(entry, <u32>first);
          else store<u64>(entry, first);
          if (width == 12) store<u32>(entry, <u32>second, 8);
          if (width == 16) store<u64>(entry, second, 8);
          c.entriesSize += width;
          index = ++c.entryCount;
          store<u32>(slots + (<usize>at << 2), index);
          break;
        }
        const entry = entries + <usize>(index - 1) * width;
        if (firstWord(entry, width) == first && secondWord(entry, width) == second) break;
        at = (at + 1) & mask;
        if (((at - home) & mask) > PROBES) return hopeless(i);
      }
      store<u16>(indices + (<usize>i << 1), <u16>(index - 1));
    }
  }
  return count;
}

/** As lookAheadFixed(), of byte arrays of up to 32 bytes; a bit for each longer one too. */
// @ts-ignore: decorator
@inline
function lookAheadBytes(values: usize, count: u32, slots: usize, mask: u32, entries: usize, indices: usize): u32 {
  const end = HASHES + (<usize>count << 2);
  let v = values;
  for (let at = HASHES; at < end; at += 4, v += 8) store<u32>(at, hashBytes(load<u32>(v), load<u32>(v, 4)));
  if (!entries) return <u32>-1 >> (32 - count);
  let touched: u32 = 0;
  for (let at = HASHES; at < end; at += 4) touched ^= load<u32>(slots + (<usize>(load<u32>(at) & mask) << 3));
  for (let at = HASHES; at < end; at += 4) touched ^= load<u32>(entries + <usize>load<u32>(slots + (<usize>(load<u32>(at) & mask) << 3), 4));
  store<u32>(TOUCHED, touched);
  let missed: u32 = 0, bit: u32 = 1;
  v = values;
  for (let at = HASHES; at < end; at += 4, v += 8, indices += 2, bit <<= 1) {
    const slot = load<u64>(slots + (<usize>(load<u32>(at) & mask) << 3));
    const entry = entries + <usize>(slot >> 32);
    const bytes = <usize>load<u32>(v), size = <usize>load<u32>(v, 4);
    store<u16>(indices, <u16>slot);
    let there = u32(slot != 0) & u32(<usize>load<u32>(entry - 4) == size);
    if (size <= 16) {
      const low: u64 = size >= 8 ? -1 : size == 0 ? 0 : <u64>-1 >> (64 - (<u64>size << 3));
      const off = max<usize>(size, 8) - 8;
      there &= u32((((load<u64>(entry) ^ load<u64>(bytes)) | (load<u64>(entry + off) ^ load<u64>(bytes + off))) & low) == 0);
    } else if (ASC_FEATURE_SIMD && size <= 32) {
      const off = there ? size - 16 : 0;
      there &= u32(!v128.any_true(v128.or(v128.xor(v128.load(entry), v128.load(bytes)), v128.xor(v128.load(entry + off), v128.load(bytes + off)))));
    } else there = 0;
    missed |= select<u32>(0, bit, there);
  }
  return missed;
}

function lookUpBytes(c: Chunk, values: usize, count: u32, indices: usize): u32 {
  const entries = c.entries, slots = c.slots, mask = c.slotCount - 1;
  for (let from: u32 = 0; from < count; from += AHEAD) {
    let missed = lookAheadBytes(values + (<usize>from << 3), min(AHEAD, count - from), slots, mask, entries, indices + (<usize>from << 1));
    for (; missed != 0; missed &= missed - 1) {
      const k = <u32>ctz(missed), i = from + k;
      const bytes = <usize>load<u32>(values + (<usize>i << 3));
      const size = <usize>load<u32>(values + (<usize>i << 3), 4);
      const home = load<u32>(HASHES + (<usize>k << 2));
      const tag = <u64>(home >> 16) << 16;
      let at = home & mask;
      let index: u32 = 0;
      for (;;) {
        const slot = load<u64>(slots + (<usize>at << 3));
        if (slot == 0) {
          if (!canAdd(c, size + 4)) return i;
          const entry = entries + c.entriesSize;
          store<u32>(entry, <u32>size);
          memory.copy(entry + 4, bytes, size);
          index = c.entryCount++;
          store<u64>(slots + (<usize>at << 3), <u64>(c.entriesSize + 4) << 32 | tag | <u64>index);
          c.entriesSize += size + 4;
          break;
        }
        if ((slot & 0xffff0000) == tag) {
          const entry = entries + <usize>(slot >> 32);
          if (<usize>load<u32>(entry - 4) == size && same(entry, bytes, size)) {
            index = <u32>slot & 0xffff;
            break;
          }
        }
        at = (at + 1) & mask;
        if (((at - home) & mask) > PROBES) return hopeless(i);
      }
      store<u16>(indices + (<usize>i << 1), <u16>index);
    }
  }
  return count;
}

function hopeless(done: u32): u32 {
  stoppedBy = STOP_FULL;
  return done;
}

/** Whether there is room for an entry of `size` bytes more. */
function canAdd(c: Chunk, size: usize): bool {
  stoppedAt = size;
  if (c.entryCount == DICTIONARY_ENTRIES) stoppedBy = STOP_FULL;
  else if (c.entriesSize + size > c.entriesCap) stoppedBy = STOP_ENTRIES;
  else if (c.entryCount << 1 >= c.slotCount) stoppedBy = STOP_SLOTS;
  else return true;
  return false;
}

/** Enters every value anew. */
function rehash(c: Chunk): void {
  memory.fill(c.slots, 0, <usize>c.slotCount << slotShift(c));
  const mask = c.slotCount - 1;
  let offset: usize = 0;
  for (let index: u32 = 0; index < c.entryCount; index++) {
    if (isBytes(c)) {
      const length = <usize>load<u32>(c.entries + offset);
      offset += 4;
      const hash = hashBytes(c.entries + offset, length);
      let at = hash & mask;
      while (load<u64>(c.slots + (<usize>at << 3)) != 0) at = (at + 1) & mask;
      store<u64>(c.slots + (<usize>at << 3), <u64>offset << 32 | <u64>(hash >> 16) << 16 | <u64>index);
      offset += length;
    } else {
      const width = <usize>c.width;
      const entry = c.entries + <usize>index * width;
      const hash = hashFixed(firstWord(entry, width), secondWord(entry, width), width);
      let at = hash & mask;
      while (load<u32>(c.slots + (<usize>at << 2)) != 0) at = (at + 1) & mask;
      store<u32>(c.slots + (<usize>at << 2), index + 1);
    }
  }
}

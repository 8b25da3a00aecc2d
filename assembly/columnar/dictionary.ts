// The dictionary of a column chunk: distinct values in the order of their first sight, held in the
// very bytes of the dictionary page (PLAIN: fixed width, or u32 size and bytes), and an
// open-addressed table over them, at most half full.
//
//   number's slot, u32:  entry index + 1, 0 empty
//   string's slot, u64:  | entry address (offset in entries, never 0) 32 | hash 16 | index 16 |
//
// A slot of 8 bytes keeps eight probes in a cache line; the 16 bits of hash spare nearly every
// compare with another string.
import { Chunk, DICTIONARY_ENTRIES } from "./chunk";
import { TYPE_INT32, TYPE_STRING } from "./columns";

const FIRST_SLOTS: u32 = 1024;
// A half full table has no such cluster unless the values were chosen to make one: then the
// dictionary counts as full, and the work stays linear.
const PROBES: u32 = 256;
const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xd6e8feb86659fd93;

/** Most entries of a dictionary of `bytes`: a power of two, as the table is, and no more than a u16 can index. */
export function entryLimit(bytes: usize): u32 {
  let limit: u32 = FIRST_SLOTS >> 1;
  while (limit < DICTIONARY_ENTRIES && <usize>limit << 5 <= bytes) limit <<= 1;
  return limit;
}

/** Bytes of the table over so many entries. */
export function slotBytes(type: u32, entries: u32): usize {
  return <usize>entries * 2 * (type == TYPE_STRING ? 8 : 4);
}

export function resetDictionary(c: Chunk): void {
  c.entriesSize = 0;
  c.entryCount = 0;
  c.slotMask = FIRST_SLOTS - 1;
  clearSlots(c);
}

function clearSlots(c: Chunk): void {
  memory.fill(c.slots, 0, (<usize>c.slotMask + 1) << (c.type == TYPE_STRING ? 3 : 2));
}

/**
 * Writes the index of each of `count` packed values to `indices` (u16), adding new ones. Gives how
 * many were done: fewer than `count` when the dictionary may grow no more (`limit` bytes).
 */
export function lookUp(c: Chunk, values: usize, count: u32, indices: usize, limit: usize): u32 {
  if (c.type == TYPE_STRING) return lookUpStrings(c, values, count, indices, limit);
  if (c.type == TYPE_INT32) return lookUp32(c, values, count, indices, limit);
  return lookUp64(c, values, count, indices, limit);
}

// @ts-ignore: decorator
@inline
function hash64(value: u64): u32 {
  const h = value * K1;
  return <u32>((h ^ (h >> 29)) * K2 >> 32);
}

function lookUp64(c: Chunk, values: usize, count: u32, indices: usize, limit: usize): u32 {
  const entries = c.entries, slots = c.slots;
  for (let i: u32 = 0; i < count; i++) {
    const value = load<u64>(values + (<usize>i << 3));
    const home = hash64(value);
    let at = home & c.slotMask;
    let index: u32 = 0;
    for (;;) {
      index = load<u32>(slots + (<usize>at << 2));
      if (index == 0) {
        if (full(c, 8, limit)) return i;
        store<u64>(entries + c.entriesSize, value);
        c.entriesSize += 8;
        index = ++c.entryCount;
        store<u32>(slots + (<usize>at << 2), index);
        if (c.entryCount << 1 > c.slotMask) rehash(c);
        break;
      }
      if (load<u64>(entries + (<usize>(index - 1) << 3)) == value) break;
      at = (at + 1) & c.slotMask;
      if (((at - home) & c.slotMask) > PROBES) return i;
    }
    store<u16>(indices + (<usize>i << 1), <u16>(index - 1));
  }
  return count;
}

function lookUp32(c: Chunk, values: usize, count: u32, indices: usize, limit: usize): u32 {
  const entries = c.entries, slots = c.slots;
  for (let i: u32 = 0; i < count; i++) {
    const value = load<u32>(values + (<usize>i << 2));
    const home = hash64(<u64>value);
    let at = home & c.slotMask;
    let index: u32 = 0;
    for (;;) {
      index = load<u32>(slots + (<usize>at << 2));
      if (index == 0) {
        if (full(c, 4, limit)) return i;
        store<u32>(entries + c.entriesSize, value);
        c.entriesSize += 4;
        index = ++c.entryCount;
        store<u32>(slots + (<usize>at << 2), index);
        if (c.entryCount << 1 > c.slotMask) rehash(c);
        break;
      }
      if (load<u32>(entries + (<usize>(index - 1) << 2)) == value) break;
      at = (at + 1) & c.slotMask;
      if (((at - home) & c.slotMask) > PROBES) return i;
    }
    store<u16>(indices + (<usize>i << 1), <u16>(index - 1));
  }
  return count;
}

function lookUpStrings(c: Chunk, values: usize, count: u32, indices: usize, limit: usize): u32 {
  const entries = c.entries, slots = c.slots;
  for (let i: u32 = 0; i < count; i++) {
    const bytes = <usize>load<u32>(values + (<usize>i << 3));
    const size = <usize>load<u32>(values + (<usize>i << 3), 4);
    const home = hashBytes(bytes, size);
    const tag = <u64>(home >> 16) << 16;
    let at = home & c.slotMask;
    let index: u32 = 0;
    for (;;) {
      const slot = load<u64>(slots + (<usize>at << 3));
      if (slot == 0) {
        if (full(c, size + 4, limit)) return i;
        const entry = entries + c.entriesSize;
        store<u32>(entry, <u32>size);
        memory.copy(entry + 4, bytes, size);
        index = c.entryCount++;
        store<u64>(slots + (<usize>at << 3), <u64>(c.entriesSize + 4) << 32 | tag | <u64>index);
        c.entriesSize += size + 4;
        if (c.entryCount << 1 > c.slotMask) rehash(c);
        break;
      }
      if ((slot & 0xffff0000) == tag) {
        const entry = entries + <usize>(slot >> 32);
        if (<usize>load<u32>(entry - 4) == size && same(entry, bytes, size)) {
          index = <u32>slot & 0xffff;
          break;
        }
      }
      at = (at + 1) & c.slotMask;
      if (((at - home) & c.slotMask) > PROBES) return i;
    }
    store<u16>(indices + (<usize>i << 1), <u16>index);
  }
  return count;
}

// @ts-ignore: decorator
@inline
function full(c: Chunk, more: usize, limit: usize): bool {
  return c.entriesSize + more > limit || c.entryCount == c.entryLimit;
}

/** Doubles the table and enters every value anew. */
function rehash(c: Chunk): void {
  if (c.entryCount == c.entryLimit) return;
  c.slotMask = (c.slotMask << 1) | 1;
  clearSlots(c);
  const mask = c.slotMask;
  let offset: usize = 0;
  for (let index: u32 = 0; index < c.entryCount; index++) {
    if (c.type == TYPE_STRING) {
      const size = <usize>load<u32>(c.entries + offset);
      offset += 4;
      const hash = hashBytes(c.entries + offset, size);
      let at = hash & mask;
      while (load<u64>(c.slots + (<usize>at << 3)) != 0) at = (at + 1) & mask;
      store<u64>(c.slots + (<usize>at << 3), <u64>offset << 32 | <u64>(hash >> 16) << 16 | <u64>index);
      offset += size;
    } else {
      const hash = c.type == TYPE_INT32 ? hash64(<u64>load<u32>(c.entries + (<usize>index << 2))) : hash64(load<u64>(c.entries + (<usize>index << 3)));
      let at = hash & mask;
      while (load<u32>(c.slots + (<usize>at << 2)) != 0) at = (at + 1) & mask;
      store<u32>(c.slots + (<usize>at << 2), index + 1);
    }
  }
}

// @ts-ignore: decorator
@inline
function mix(h: u64, word: u64): u64 {
  h = (h ^ word) * K1;
  return h ^ (h >> 32);
}

/**
 * Reads in whole words: up to 7 bytes behind the string, which no hash depends on. From 32 bytes
 * on in four chains, for one alone waits for its multiplications: 115 bytes took 28 ns, now 9.
 */
// @ts-ignore: decorator
@inline
function hashBytes(at: usize, size: usize): u32 {
  let h: u64 = <u64>size * K2;
  if (size < 8) {
    // a shift of 64 would be one of 0: the empty string has no first word
    h = mix(h, size == 0 ? 0 : load<u64>(at) << (64 - (<u64>size << 3)));
  } else {
    const end = at + size;
    if (size >= 32) {
      let a = h, b: u64 = K1, c: u64 = K2, d: u64 = 1;
      for (const last = end - 32; at < last; at += 32) {
        a = mix(a, load<u64>(at));
        b = mix(b, load<u64>(at, 8));
        c = mix(c, load<u64>(at, 16));
        d = mix(d, load<u64>(at, 24));
      }
      at = end - 32;
      a = mix(a, load<u64>(at));
      b = mix(b, load<u64>(at, 8));
      c = mix(c, load<u64>(at, 16));
      d = mix(d, load<u64>(at, 24));
      h = mix(mix(a, b), mix(c, d));
    } else {
      h = mix(h, load<u64>(at));
      if (size > 16) h = mix(h, load<u64>(at, 8)) ^ load<u64>(end - 16) * K2;
      h = mix(h, load<u64>(end - 8));
    }
  }
  return <u32>(h * K2 >> 32);
}

// @ts-ignore: decorator
@inline
function same(a: usize, b: usize, size: usize): bool {
  if (size < 8) return size == 0 || (load<u64>(a) ^ load<u64>(b)) << (64 - (<u64>size << 3)) == 0;
  if (ASC_FEATURE_SIMD) {
    if (size >= 16) {
      const last = a + size - 16;
      const delta = b - a;
      for (; a < last; a += 16) if (v128.any_true(v128.xor(v128.load(a), v128.load(a + delta)))) return false;
      return !v128.any_true(v128.xor(v128.load(last), v128.load(last + delta)));
    }
  }
  const last = a + size - 8;
  const delta = b - a;
  while (a < last) {
    if (load<u64>(a) != load<u64>(a + delta)) return false;
    a += 8;
  }
  return load<u64>(last) == load<u64>(last + delta);
}

// From the text between two values to the column that the next value goes to.
//
// Rows repeat themselves: behind the value of `ts` stands `,"user":` in nearly every row, so the
// scan keeps, for each column, the literal text last seen behind its value and where it led, and
// compares it, all of it, before it believes it. Key order, spacing, escaped keys and absent
// members are thus all one 32-byte compare once seen; a miss is parsed and looked up, and learnt.
// Two literals are kept for each column: an optional member that comes and goes stays predicted.
//
// Nodes: 0 the start of a record; 1..n the columns; n+1..n+STRANGERS members that no column wants,
// by the hash of their key; END the closing brace.
//
// One prediction, 64 bytes:      two for each node, the second at + 64
//   0      4      8      12     16        48
//   | mask | size | node | -    | literal | - |
// mask: one bit a byte of the literal   literal: up to 32 bytes, blank included

import { equalBytes } from "../bytes";
import { COLUMN_NAME, COLUMN_NAME_SIZE, COLUMN_SIZE } from "./columns";
import { loneSurrogate, unescape, unescapedSize } from "./escape";
import { failAt, JSON_SYNTAX, plainEnd, skipBlank } from "./skip";

export const END: i32 = -1;
const STRANGERS: u32 = 32;
const PREDICTION: usize = 64;
const NODE_SIZE: usize = 128;
const LITERAL: usize = 16;
const LITERAL_MAX: usize = 32;

/** Bytes that the predictions of `count` columns take. */
// @ts-ignore: decorator
@inline
export function predictionsSize(count: u32): usize {
  return <usize>(count + 1 + STRANGERS) * NODE_SIZE;
}

// @ts-ignore: decorator
@inline
export function predictionOf(predictions: usize, node: i32): usize {
  return predictions + <usize>node * NODE_SIZE;
}

// @ts-ignore: decorator
@inline
export function predictedSize(prediction: usize): usize {
  return load<u32>(prediction, 4);
}

// @ts-ignore: decorator
@inline
export function predictedNode(prediction: usize): i32 {
  return load<i32>(prediction, 8);
}

/** Before anything is learnt: `{}` from the start, `}` from anywhere else, which are true as well. */
export function initPredictions(predictions: usize, count: u32): void {
  for (let node: i32 = 0; node <= <i32>(count + STRANGERS); node++) {
    const prediction = predictionOf(predictions, node);
    const size: u32 = node == 0 ? 2 : 1;
    store<u32>(prediction, size == 2 ? 3 : 1);
    store<u32>(prediction, size, 4);
    store<i32>(prediction, END, 8);
    store<u64>(prediction, size == 2 ? 0x7d7b : 0x7d, LITERAL);
    copy(prediction + PREDICTION, prediction);
  }
}

/** Whether the literal of `prediction` stands at `p`. Reads 32 bytes. */
// @ts-ignore: decorator
@inline
export function matches(prediction: usize, p: usize): bool {
  const mask = load<u32>(prediction);
  if (ASC_FEATURE_SIMD) {
    const low = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(prediction, LITERAL)));
    const high = i8x16.bitmask(i8x16.eq(v128.load(p, 16), v128.load(prediction, LITERAL + 16)));
    return ((low | (high << 16)) & mask) == mask;
  }
  return equalBytes(p, prediction + LITERAL, load<u32>(prediction, 4));
}

// One slot of the key table, 32 bytes; open addressing, at most half full:
//   0      8      16     20       24
//   | head | tail | size | node | name address |
// head: the first 8 bytes, zeros behind a shorter name; tail: the last 8, or 0. With the size they
// are all of a name of up to 16 bytes.
const SLOT: usize = 32;

export function keySlots(count: u32): u32 {
  let slots: u32 = 4;
  while (slots < count * 2) slots <<= 1;
  return slots;
}

/** Bytes of the key table of `count` columns. */
export function keysSize(count: u32): usize {
  return <usize>keySlots(count) * SLOT;
}

// @ts-ignore: decorator
@inline
function headOf(key: usize, size: usize): u64 {
  return size >= 8 ? load<u64>(key) : load<u64>(key) & ((<u64>1 << (<u64>size << 3)) - 1);
}

// @ts-ignore: decorator
@inline
function tailOf(key: usize, size: usize): u64 {
  return size >= 8 ? load<u64>(key + size - 8) : 0;
}

// @ts-ignore: decorator
@inline
function hashOf(head: u64, tail: u64, key: usize, size: usize): u32 {
  let h = (head ^ rotl<u64>(tail, 29) ^ (<u64>size << 56)) * 0x9e3779b97f4a7c15;
  // Long names often differ only in the middle (metrics_0001_mean): 1,000 such keys a row took 40 times as long.
  for (let i: usize = 8; i + 8 < size; i += 8) h = (rotl<u64>(h, 29) ^ load<u64>(key + i)) * 0x9e3779b97f4a7c15;
  return <u32>((h ^ (h >> 29)) >> 32);
}

/** Enters the columns' names in the zeroed table at `keys`. */
export function enterKeys(keys: usize, slots: u32, columns: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    const name: usize = load<u32>(column, COLUMN_NAME), size: usize = load<u32>(column, COLUMN_NAME_SIZE);
    const head = headOf(name, size), tail = tailOf(name, size);
    let slot = hashOf(head, tail, name, size) & (slots - 1);
    while (load<u32>(keys + <usize>slot * SLOT, 20) != 0) slot = (slot + 1) & (slots - 1);
    const at = keys + <usize>slot * SLOT;
    store<u64>(at, head);
    store<u64>(at, tail, 8);
    store<u32>(at, <u32>size, 16);
    store<u32>(at, i + 1, 20);
    store<u32>(at, <u32>name, 24);
  }
}

/** The node of a key; reads 8 bytes of a short one. */
function nodeOf(key: usize, size: usize, keys: usize, slots: u32, count: u32): i32 {
  const head = headOf(key, size), tail = tailOf(key, size);
  const hash = hashOf(head, tail, key, size);
  let slot = hash & (slots - 1), at = keys + <usize>slot * SLOT;
  while (load<u32>(at, 20) != 0) {
    if (load<u64>(at) == head && load<u64>(at, 8) == tail && load<u32>(at, 16) == <u32>size) {
      if (size <= 16 || equalBytes(load<u32>(at, 24), key, size)) return load<i32>(at, 20);
    }
    slot = (slot + 1) & (slots - 1);
    at = keys + <usize>slot * SLOT;
  }
  return <i32>(count + 1 + ((hash >> 16) & (STRANGERS - 1)));
}

/** Where the text last read by member() led. */
export let memberNode: i32 = 0;

/**
 * Reads from behind the value of the node of `prediction` (`first`: from the record's brace) to the
 * next value, or past the closing brace; learns what it read. 0 is a fault.
 */
export function member(
  prediction: usize, p: usize, first: bool, scratch: usize, keys: usize, slots: u32, count: u32,
): usize {
  const second = prediction + PREDICTION;
  if (matches(second, p)) {
    memberNode = predictedNode(second);
    return p + predictedSize(second);
  }
  const start = p;
  if (first) {
    p = skipBlank(p + 1);
    if (load<u8>(p) == 0x7d) memberNode = END;
    else p = key(p, scratch, keys, slots, count);
  } else {
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x2c) p = key(skipBlank(p + 1), scratch, keys, slots, count);
    else if (c == 0x7d) memberNode = END;
    else return failAt(p, JSON_SYNTAX);
  }
  if (p == 0) return 0;
  if (memberNode == END) p++;
  const size = p - start;
  if (size <= LITERAL_MAX) {
    copy(second, prediction);
    store<u32>(prediction, size == 32 ? 0xffffffff : (1 << <u32>size) - 1);
    store<u32>(prediction, <u32>size, 4);
    store<i32>(prediction, memberNode, 8);
    copy32(prediction + LITERAL, start);
  }
  return p;
}

/** `"key" :` and the blank behind; gives the address of the value. */
function key(p: usize, scratch: usize, keys: usize, slots: u32, count: u32): usize {
  if (load<u8>(p) != 0x22) return failAt(p, JSON_SYNTAX);
  const start = p + 1;
  let end = plainEnd(start);
  if (load<u8>(end) == 0x22) {
    memberNode = nodeOf(start, end - start, keys, slots, count);
    end++;
  } else {
    end = unescape(start, scratch);
    if (end == 0) return 0;
    // A lone surrogate has become U+FFFD, which a column may be called.
    memberNode = loneSurrogate ? <i32>count + 1 : nodeOf(scratch, unescapedSize, keys, slots, count);
  }
  p = skipBlank(end);
  if (load<u8>(p) != 0x3a) return failAt(p, JSON_SYNTAX);
  return skipBlank(p + 1);
}

// @ts-ignore: decorator
@inline
function copy32(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  } else memory.copy(to, from, 32);
}

// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  copy32(to + LITERAL, from + LITERAL);
}

// From the text between two values of an object to the member that the next value is.
//
// Rows repeat themselves: behind the value of `ts` stands `,"user":` in nearly every row, so the
// scan keeps, for each member, the literal text last seen behind its value and where it led, and
// compares it, all of it, before it believes it. Key order, spacing, escaped keys and absent
// members are thus all one 32-byte compare once seen; a miss is parsed and looked up, and learnt.
// Two literals are kept for each member: an optional one that comes and goes stays predicted.
//
// Nodes of an object: 0 its start; 1..n its members; n+1..n+strangers those that no column wants, by
// the hash of their key; END the closing brace.
//
// One prediction, 64 bytes:      two for each node, the second at + 64
//   0      4      8      12       16        48
//   | mask | size | node | member | literal | - |
// mask: one bit a byte of the literal   literal: up to 32 bytes, blank included
// member: address of its descriptor (columns.ts, groups.ts)

import { equalBytes } from "../bytes";
import { COLUMN_NAME, COLUMN_NAME_SIZE, COLUMN_TYPE } from "./columns";
import { GROUP_COUNT, GROUP_FOLD, GROUP_GROUPS, GROUP_KEYS, GROUP_PREDICTIONS, GROUP_SIZE, GROUP_SLOTS, GROUP_STRANGERS, memberOf, TYPE_STRUCT } from "./groups";
import { loneSurrogate, unescape, unescapedSize } from "../codec/unescape";
import { failAt, JSON_SYNTAX, plainEnd, skipBlank } from "../codec/json";

export const END: i32 = -1;
const PREDICTION: usize = 64;
const NODE_SIZE: usize = 128;
const LITERAL: usize = 16;
const LITERAL_MAX: usize = 32;

/** Bytes of the key table and the predictions of a struct of `count` members and `strangers`, a power of two. */
export function objectSize(count: u32, strangers: u32): usize {
  return <usize>keySlots(count) * SLOT + <usize>(count + 1 + strangers) * NODE_SIZE;
}

/** Makes key table and predictions of the struct `group`, its members and `strangers` set, in objectSize() bytes at `at`. */
export function openObject(group: usize, at: usize): void {
  const count = load<u32>(group, GROUP_COUNT), strangers = load<u32>(group, GROUP_STRANGERS);
  memory.fill(at, 0, objectSize(count, strangers));
  const slots = keySlots(count);
  store<u32>(group, <u32>at, GROUP_KEYS);
  store<u32>(group, slots, GROUP_SLOTS);
  store<u32>(group, <u32>(at + <usize>slots * SLOT), GROUP_PREDICTIONS);
  enterKeys(group, count);
  initPredictions(load<u32>(group, GROUP_PREDICTIONS), count + strangers);
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

// @ts-ignore: decorator
@inline
export function predictedMember(prediction: usize): usize {
  return load<u32>(prediction, 12);
}

/** Forgets what all objects from the record's group `root` on have learnt. */
export function forgetPredictions(root: usize): void {
  for (let group = root; group < <usize>load<u32>(root, GROUP_GROUPS); group += GROUP_SIZE) {
    if (load<u32>(group, COLUMN_TYPE) == TYPE_STRUCT) initPredictions(load<u32>(group, GROUP_PREDICTIONS), load<u32>(group, GROUP_COUNT) + load<u32>(group, GROUP_STRANGERS));
  }
}

/** Before anything is learnt: `{}` from the start, `}` from anywhere else, which are true as well. */
function initPredictions(predictions: usize, last: u32): void {
  for (let node: i32 = 0; node <= <i32>last; node++) {
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
    const low = <u32>i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(prediction, LITERAL)));
    if (mask <= 0xffff) return (low & mask) == mask;
    const high = <u32>i8x16.bitmask(i8x16.eq(v128.load(p, 16), v128.load(prediction, LITERAL + 16)));
    return ((low | (high << 16)) & mask) == mask;
  }
  return equalBytes(p, prediction + LITERAL, load<u32>(prediction, 4));
}

// One slot of the key table, 32 bytes; open addressing, at most half full:
//   0      8      16     20     24             28
//   | head | tail | size | node | name address | member |
// head: the first 8 bytes, zeros behind a shorter name; tail: the last 8, or 0. With the size they
// are all of a name of up to 16 bytes.
const SLOT: usize = 32;

function keySlots(count: u32): u32 {
  let slots: u32 = 4;
  while (slots < count * 2) slots <<= 1;
  return slots;
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

function enterKeys(group: usize, count: u32): void {
  const keys: usize = load<u32>(group, GROUP_KEYS), slots = load<u32>(group, GROUP_SLOTS);
  for (let i: u32 = 0; i < count; i++) {
    const member = memberOf(group, i);
    const name: usize = load<u32>(member, COLUMN_NAME), size: usize = load<u32>(member, COLUMN_NAME_SIZE);
    const head = headOf(name, size), tail = tailOf(name, size);
    let slot = hashOf(head, tail, name, size) & (slots - 1);
    while (load<u32>(keys + <usize>slot * SLOT, 20) != 0) slot = (slot + 1) & (slots - 1);
    const at = keys + <usize>slot * SLOT;
    store<u64>(at, head);
    store<u64>(at, tail, 8);
    store<u32>(at, <u32>size, 16);
    store<u32>(at, i + 1, 20);
    store<u32>(at, <u32>name, 24);
    store<u32>(at, <u32>member, 28);
  }
}

/** Of a key of any length; reads 8 bytes of a short one. */
export function keyHash(key: usize, size: usize): u32 {
  return hashOf(headOf(key, size), tailOf(key, size), key, size);
}

/** Notes in nextNode and nextMember whose key it is; reads 8 bytes of a short one. */
function find(group: usize, key: usize, size: usize): void {
  const keys: usize = load<u32>(group, GROUP_KEYS), slots = load<u32>(group, GROUP_SLOTS);
  const head = headOf(key, size), tail = tailOf(key, size);
  const hash = hashOf(head, tail, key, size);
  let slot = hash & (slots - 1), at = keys + <usize>slot * SLOT;
  while (load<u32>(at, 20) != 0) {
    if (load<u64>(at) == head && load<u64>(at, 8) == tail && load<u32>(at, 16) == <u32>size) {
      if (size <= 16 || equalBytes(load<u32>(at, 24), key, size)) {
        nextNode = load<i32>(at, 20);
        nextMember = load<u32>(at, 28);
        return;
      }
    }
    slot = (slot + 1) & (slots - 1);
    at = keys + <usize>slot * SLOT;
  }
  nextNode = <i32>(load<u32>(group, GROUP_COUNT) + 1 + ((hash >> 16) & (load<u32>(group, GROUP_STRANGERS) - 1)));
  nextMember = 0;
}

/** How keys are read before they are looked up, bits of GROUP_FOLD; names are given in that form. */
export const FOLD_CASE: u32 = 1;
export const FOLD_DOTS: u32 = 2;

/** The key with A-Z as a-z, dots as underscores, or both, at `to`. */
export function foldTo(to: usize, key: usize, size: usize, fold: u32): void {
  for (let i: usize = 0; i < size; i++) {
    let c: u32 = load<u8>(key + i);
    if (fold & FOLD_CASE && c - 0x41 < 26) c |= 0x20;
    if (fold & FOLD_DOTS && c == 0x2e) c = 0x5f;
    store<u8>(to + i, c);
  }
}

/** Where the text last read by step() led; the member's descriptor, 0 where no column wants it. */
export let nextNode: i32 = 0;
export let nextMember: usize = 0;

// The text that step() last read: what no prediction may hold.
let stepFrom: usize = 0;
let stepTo: usize = 0;

/** A record begins: what was read before may have stood at the same addresses. */
export function startSteps(): void {
  stepTo = 0;
}

/** The quote of the key in the text that led to `p` from the node of `prediction`. */
export function keyBefore(prediction: usize, p: usize): usize {
  return skipBlank(skipBlank(stepTo == p ? stepFrom : p - predictedSize(prediction)) + 1);
}

/**
 * Reads from behind the value of the node of `prediction` (`first`: from the object's brace) to the
 * next value, or past the closing brace; learns what it read. 0 is a fault.
 */
export function step(group: usize, prediction: usize, p: usize, first: bool, scratch: usize): usize {
  const second = prediction + PREDICTION;
  stepFrom = p;
  if (matches(second, p)) {
    nextNode = predictedNode(second);
    nextMember = predictedMember(second);
    stepTo = p + predictedSize(second);
    return stepTo;
  }
  const start = p;
  if (first) {
    p = skipBlank(p + 1);
    if (load<u8>(p) == 0x7d) nextNode = END;
    else p = key(group, p, scratch);
  } else {
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x2c) p = key(group, skipBlank(p + 1), scratch);
    else if (c == 0x7d) nextNode = END;
    else return failAt(p, JSON_SYNTAX);
  }
  if (p == 0) return 0;
  if (nextNode == END) p++;
  stepTo = p;
  const size = p - start;
  if (size <= LITERAL_MAX) {
    copy(second, prediction);
    store<u32>(prediction, size == 32 ? 0xffffffff : (1 << <u32>size) - 1);
    store<u32>(prediction, <u32>size, 4);
    store<i32>(prediction, nextNode, 8);
    store<u32>(prediction, <u32>nextMember, 12);
    copy32(prediction + LITERAL, start);
  }
  return p;
}

/** `"key" :` and the blank behind; gives the address of the value. */
function key(group: usize, p: usize, scratch: usize): usize {
  if (load<u8>(p) != 0x22) return failAt(p, JSON_SYNTAX);
  let start = p + 1, end = plainEnd(start), size = end - start;
  let lone = false;
  if (load<u8>(end) == 0x22) end++;
  else {
    end = unescape(start, scratch);
    if (end == 0) return 0;
    start = scratch;
    size = unescapedSize;
    lone = loneSurrogate;
  }
  if (lone) {
    // A lone surrogate has become U+FFFD, which a column may be called.
    nextNode = <i32>load<u32>(group, GROUP_COUNT) + 1;
    nextMember = 0;
  } else {
    const fold = load<u32>(group, GROUP_FOLD);
    if (fold) {
      foldTo(scratch, start, size, fold);
      start = scratch;
    }
    find(group, start, size);
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

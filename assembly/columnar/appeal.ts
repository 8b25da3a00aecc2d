// The appeal of a dictionary that failed an early trial. 4,096 values that are all different are what
// unique values look like, and what 5,000 sensors look like that report in turn. So the dictionary is
// kept until the first page without it closes: if values behind those of the trial are among them, it
// may pay after all, and the page is coded by it. It is tried by a seventh of the values; if none is
// known, that took some 20 us a column and row group.
//
// When a share h of what follows is among d different values, all are some d / h: of those that come in
// turn as of those that are drawn.
import { NO_MEMORY, reserve } from "../memory";
import { growStage, PAD } from "./buffers";
import { Chunk, ENCODING_SMALLEST_PACKED, isBytes, WANTS, Writer } from "./chunk";
import { chooseEncoding } from "./choose";
import { dropDictionary, growDictionary, lookUp, mayGrow } from "./dictionary";
import { firstWord, hashBytes, hashFixed, same, secondWord } from "./hash";
import { costOf, TRIAL } from "./trial";

/** States of a chunk's appeal. */
export const NONE: u32 = 0;
export const OPEN: u32 = 1;
export const CLOSED: u32 = 2;

/** Every so many values is looked for; prime, for who reports in turn does so by round numbers. */
const STEP: u32 = 7;
/** Fewer known ones tell nothing. */
const LEAST: u32 = 16;

/**
 * Settles the appeal before the open page, the first of its chunk, closes: by the dictionary, if that
 * pays. `last`: no more values follow. 0, WANTS (call again when the block is there) or NO_MEMORY.
 */
export function settleAppeal(w: Writer, c: Chunk, last: bool): i32 {
  const values = packedValues(c);
  if (!values) return NO_MEMORY;
  if (willPay(w, c, values, last)) {
    if (!growStage(w, c, c.pageEntries)) return WANTS;
    let done = lookUp(c, values, c.pageValues, c.indices);
    while (done < c.pageValues && mayGrow(w, c)) {
      if (!growDictionary(w, c)) return WANTS;
      done = lookUp(c, values, c.pageValues, c.indices);
    }
    if (done == c.pageValues) {
      c.dictionary = 1;
      c.coded = done;
      c.codedBytes = <u64>c.plainSize;
      c.plainSize = 0;
      c.trial = (done / TRIAL + 1) * TRIAL;
      c.appeal = CLOSED;
      return 0;
    }
  }
  endAppeal(w, c);
  return 0;
}

/** The rest of the chunk is without dictionary, for good. */
export function endAppeal(w: Writer, c: Chunk): void {
  dropDictionary(w, c);
  c.appeal = CLOSED;
}

/** The open page's values as lookUp() takes them. */
function packedValues(c: Chunk): usize {
  let at = c.plain + c.head;
  if (!isBytes(c)) return at;
  const references = reserve((<usize>c.pageValues << 3) + PAD);
  if (!references) return 0;
  for (let i: u32 = 0; i < c.pageValues; i++) {
    const size = <usize>load<u32>(at);
    store<u64>(references + (<usize>i << 3), <u64>(at + 4) | <u64>size << 32);
    at += size + 4;
  }
  return references;
}

function willPay(w: Writer, c: Chunk, values: usize, last: bool): bool {
  let tried: u64 = 0, known: u64 = 0;
  for (let i = c.coded; i < c.pageValues; i += STEP) {
    tried++;
    known += u64(knows(c, values + <usize>i * <usize>c.width));
  }
  if (known < LEAST) return false;
  const entries = max(<u64>c.entryCount, <u64>c.entryCount * tried / known);
  // the row group will have some four pages
  const count = last ? <u64>c.pageValues : <u64>c.pageValues << 2;
  const cost = costOf(w, c, entries, count), plain = <u64>c.plainSize * count / <u64>c.pageValues;
  if (cost >= plain - (plain >> 2)) return false;
  if (c.encoding < ENCODING_SMALLEST_PACKED) return true;
  // of those who want the smallest, the first page's other encodings are to be beaten too
  const share = chooseEncoding(c);
  return cost < <u64>(<f64>plain * share);
}

/** Whether the packed value is an entry. */
function knows(c: Chunk, value: usize): bool {
  return isBytes(c) ? knowsBytes(c, load<u32>(value), load<u32>(value, 4)) : knowsFixed(c, value);
}

function knowsFixed(c: Chunk, value: usize): bool {
  const mask = c.slotCount - 1, width = <usize>c.width;
  const first = firstWord(value, width), second = secondWord(value, width);
  let at = hashFixed(first, second, width) & mask, index = load<u32>(c.slots + (<usize>at << 2));
  while (index != 0) {
    const entry = c.entries + <usize>(index - 1) * width;
    if (firstWord(entry, width) == first && secondWord(entry, width) == second) return true;
    at = (at + 1) & mask;
    index = load<u32>(c.slots + (<usize>at << 2));
  }
  return false;
}

function knowsBytes(c: Chunk, bytes: usize, size: usize): bool {
  const mask = c.slotCount - 1, hash = hashBytes(bytes, size);
  let at = hash & mask, slot = load<u64>(c.slots + (<usize>at << 3));
  while (slot != 0) {
    const entry = c.entries + <usize>(slot >> 32);
    if (<u32>(slot >> 16 & 0xffff) == hash >> 16 && <usize>load<u32>(entry - 4) == size && same(entry, bytes, size)) return true;
    at = (at + 1) & mask;
    slot = load<u64>(c.slots + (<usize>at << 3));
  }
  return false;
}

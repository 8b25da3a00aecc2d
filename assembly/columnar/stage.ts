// A column's part of a batch goes into its open page, as much of it as fits; full pages are closed.
// A page ends where a row ends (parquet-format README: with a page index, and always in V2, a page
// begins with a row), so what is cut is cut back to the last beginning of a row; a row that is
// larger than a page is one alone. Every column begins with a dictionary; where that does not pay,
// or is full, the rest of the chunk is without. Pages that are already coded stay so.
import { NO_MEMORY, reserve } from "../memory";
import { endAppeal, NONE, OPEN, settleAppeal } from "./appeal";
import { growPlain, growStage, headRoom, PAD } from "./buffers";
import { Chunk, isBytes, WANTS, Writer } from "./chunk";
import { growDictionary, lookUp, mayGrow } from "./dictionary";
import { countLevel, findLevel, rowEnd, rowStart } from "./levels";
import { closePage, queueDictionary } from "./page";
import { observe } from "./statistics";
import { fails, FIRST_LOOK, pays, TRIAL } from "./trial";
import { fitting, plainSize, stagePlain } from "./values";

/** Puts all of the batch that is left into pages. 0, WANTS (call again when the block is there) or NO_MEMORY. */
export function stage(w: Writer, c: Chunk): i32 {
  let status = 0;
  while (status == 0) {
    if (c.failing || (c.dictionary != 0 && c.coded >= c.trial && fails(w, c))) {
      c.failing = 1;
      status = giveUpDictionary(w, c);
    } else if (c.left == 0) break;
    else {
      // a batch ends with a row
      let take = min(c.left, w.pageEntries - c.pageEntries);
      if (c.maxRep > 0 && take < c.left) take = rowStart(c.reps, take);
      if (c.dictionary) take = min(take, untilTrial(c, take));
      if (take == 0) status = c.pageEntries > 0 ? endPage(w, c) : stageLongRow(w, c);
      else if (!growStage(w, c, c.pageEntries + take)) status = WANTS;
      else status = c.dictionary ? stageIndices(w, c, take) : stageValues(w, c, take);
    }
  }
  return status;
}

// @ts-ignore: decorator
@inline
function present(c: Chunk, entries: u32): u32 {
  return c.maxDef > 0 ? countLevel(c.defs, entries, c.maxDef) : entries;
}

/** The most entries, not past `most`, that are whole rows and have no more than `values` values. */
function cut(c: Chunk, most: u32, values: u32): u32 {
  const entries = c.maxDef > 0 ? findLevel(c.defs, most, c.maxDef, values) : min(most, values);
  return c.maxRep > 0 && entries < c.left ? rowStart(c.reps, entries) : entries;
}

function stageIndices(w: Writer, c: Chunk, take: u32): i32 {
  let values = present(c, take);
  const got = lookUp(c, c.values, values, c.indices + (<usize>c.pageValues << 1));
  if (got < values) {
    if (mayGrow(w, c)) return growDictionary(w, c) ? 0 : WANTS;
    c.failing = 1;
    take = cut(c, take, got);
    values = present(c, take);
  }
  count(c, plainSize(c, c.values, values), values);
  return take == 0 ? 0 : advance(w, c, take, values);
}

/** Counts values that became indices. */
function count(c: Chunk, bytes: usize, values: u32): void {
  c.coded += values;
  c.codedBytes += <u64>bytes;
  c.plainBytes += <u64>bytes;
}

function stageValues(w: Writer, c: Chunk, take: u32): i32 {
  let values = present(c, take);
  let bytes = plainSize(c, c.values, values);
  if (c.plainSize + bytes > c.plainCap) {
    if (c.plainCap < w.pageBytes) return growPlain(w, c, c.plainSize + bytes) ? 0 : WANTS;
    take = cut(c, take, fitting(c, c.values, values, c.plainCap - c.plainSize));
    if (take == 0) return c.pageEntries > 0 ? endPage(w, c) : stageLongRow(w, c);
    values = present(c, take);
    bytes = plainSize(c, c.values, values);
  }
  observe(c.pageBounds, c, c.values, values);
  stagePlain(c, c.values, values, bytes);
  c.plainBytes += <u64>bytes;
  return advance(w, c, take, values);
}

/** Stages the levels of `take` entries, whose `values` values are staged, and leaves them behind. */
function advance(w: Writer, c: Chunk, take: u32, values: u32): i32 {
  let rows = take;
  if (c.maxDef > 0) memory.copy(c.stagedDefs + <usize>c.pageEntries, c.defs, <usize>take);
  if (c.maxRep > 0) {
    memory.copy(c.stagedReps + <usize>c.pageEntries, c.reps, <usize>take);
    rows = countLevel(c.reps, take, 0);
  }
  c.pageEntries += take;
  c.pageValues += values;
  c.pageRows += rows;
  leave(c, take, values);
  return c.pageEntries == w.pageEntries ? endPage(w, c) : 0;
}

/** Closes the open page, unless an appeal makes it one of indices that has room yet. */
function endPage(w: Writer, c: Chunk): i32 {
  if (c.appeal == OPEN) {
    const status = settleAppeal(w, c, false);
    if (status != 0 || (c.dictionary && c.pageEntries < w.pageEntries)) return status;
  }
  return closePage(w, c);
}

function leave(c: Chunk, entries: u32, values: u32): void {
  c.defs += <usize>entries;
  c.reps += <usize>entries;
  c.values += <usize>values * <usize>c.width;
  c.left -= entries;
}

/** A page of the one row, or of a column without rows within rows the one value, that no page has room for. */
function stageLongRow(w: Writer, c: Chunk): i32 {
  const entries = c.maxRep > 0 ? rowEnd(c.reps, c.left) : 1;
  const values = present(c, entries);
  const bytes = plainSize(c, c.values, values);
  const defs = c.stagedDefs, reps = c.stagedReps, indices = c.indices, plain = c.plain, head = c.head;
  if (c.appeal == OPEN) endAppeal(w, c);
  const longHead = headRoom(w, c, entries);
  const room = reserve(longHead + max(bytes, <usize>values << 1) + PAD);
  if (!room) return NO_MEMORY;
  let status = 0;
  if (c.dictionary) {
    if (lookUp(c, c.values, values, room) < values) {
      if (mayGrow(w, c)) return growDictionary(w, c) ? 0 : WANTS;
      c.failing = 1;
      return 0;
    }
    c.indices = room;
    count(c, bytes, values);
  } else {
    c.plain = room;
    c.head = longHead;
    observe(c.pageBounds, c, c.values, values);
    stagePlain(c, c.values, values, bytes);
    c.plainBytes += <u64>bytes;
  }
  c.stagedDefs = c.defs;
  c.stagedReps = c.reps;
  c.pageEntries = entries;
  c.pageValues = values;
  c.pageRows = 1;
  status = closePage(w, c);
  c.stagedDefs = defs;
  c.stagedReps = reps;
  c.indices = indices;
  c.plain = plain;
  c.head = head;
  leave(c, entries, values);
  return status;
}

/** The fewest entries of `take` that are whole rows and bring the dictionary to its trial. */
function untilTrial(c: Chunk, take: u32): u32 {
  const values = c.trial - c.coded;
  if (take < values) return take;
  let entries = c.maxDef > 0 ? min(take, findLevel(c.defs, take, c.maxDef, values - 1) + 1) : values;
  if (c.maxRep > 0) while (entries < take && load<u8>(c.reps + <usize>entries) != 0) entries++;
  return entries;
}

/**
 * The rest of the chunk is without dictionary. One that paid stays that of the pages so far, the
 * open one among them; else the open page, and there is no other, is staged anew.
 */
export function giveUpDictionary(w: Writer, c: Chunk): i32 {
  let status = 0;
  if (c.dictionaryPages > 0 || pays(c)) {
    status = closePage(w, c);
    if (status == 0 && c.dictionaryPages > 0) status = queueDictionary(w, c);
    if (status < 0) return status;
  } else {
    status = restage(w, c);
    if (status != 0) return status;
  }
  c.dictionary = c.failing = 0;
  // at an early trial the values had no chance yet to come again
  if (c.appeal == NONE && c.size == 0 && c.coded >= FIRST_LOOK && c.coded < TRIAL) c.appeal = OPEN;
  else endAppeal(w, c);
  return 0;
}

/** The open page's indices become values again. */
function restage(w: Writer, c: Chunk): i32 {
  const width = <usize>c.width, size = <usize>c.pageEntries, pageValues = c.pageValues;
  if (size == 0) return 0;
  // all that went through the dictionary is in this page
  if (c.plainCap < w.pageBytes && <u64>c.plainCap < c.codedBytes && !growPlain(w, c, <usize>min(c.codedBytes, <u64>w.pageBytes))) return WANTS;
  const values = reserve(<usize>pageValues * width + PAD);
  const defs = reserve(size), reps = reserve(size);
  const starts = isBytes(c) ? reserve(<usize>c.entryCount << 2) : 1;
  if (!values || !defs || !reps || !starts) return NO_MEMORY;
  if (isBytes(c)) {
    let at = c.entries;
    for (let i: u32 = 0; i < c.entryCount; i++) {
      store<usize>(starts + (<usize>i << 2), at);
      at += 4 + <usize>load<u32>(at);
    }
  }
  for (let i: u32 = 0; i < pageValues; i++) {
    const index = <usize>load<u16>(c.indices + (<usize>i << 1));
    const to = values + <usize>i * width;
    if (isBytes(c)) {
      const entry = load<usize>(starts + (index << 2));
      store<usize>(to, entry + 4);
      store<u32>(to, load<u32>(entry), 4);
    } else {
      const entry = c.entries + index * width;
      store<u64>(to, load<u64>(entry));
      if (width > 8) store<u64>(to, load<u64>(entry, 8), 8);
    }
  }
  memory.copy(defs, c.stagedDefs, size);
  memory.copy(reps, c.stagedReps, size);

  const batchValues = c.values, batchDefs = c.defs, batchReps = c.reps, left = c.left;
  c.values = values;
  c.defs = defs;
  c.reps = reps;
  c.left = <u32>size;
  c.plainBytes -= c.codedBytes;
  c.pageEntries = c.pageValues = c.pageRows = 0;
  c.dictionary = c.failing = 0;
  const status = stage(w, c);
  c.values = batchValues;
  c.defs = batchDefs;
  c.reps = batchReps;
  c.left = left;
  return status;
}

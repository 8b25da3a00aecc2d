// A row group in the making: column batches go in, finished pages come out. Every column begins
// with a dictionary; where that does not pay, or is full, the rest of the chunk is PLAIN. Pages
// that are already dictionary-coded stay so: no page mixes the two.
//
// The caller marks the arena before append or finish, takes the queued pages and rewinds; what a
// chunk keeps between calls lies in the blocks that openWriter took.
import { NO_MEMORY, reserve } from "../memory";
import { BOUND, Chunk, chunkOf, descriptor, isString, strideOf, Writer } from "./chunk";
import { COLUMN_COUNT, COLUMN_ENCODE, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_ROWS, COLUMN_TYPE, COLUMN_VALUES, TYPE_BOOLEAN } from "./columns";
import { entryLimit, lookUp, resetDictionary, slotBytes } from "./dictionary";
import { indexWidth, levelsBound, putStrings, stopped } from "./encode";
import { closePage, PLAIN, queueDataPage, queueDictionary } from "./page";
import { observeEntries, observeFixed, observeString, observeStrings, resetStatistics } from "./statistics";

/** Values after which a dictionary must have paid; in a column where it did not the last time, fewer. */
const TRIAL: u32 = 16384;
/** Values after which a dictionary that saves next to nothing is hopeless. */
const EARLY_TRIAL: u32 = 4096;
const SHORT_TRIAL: u32 = 2048;

/**
 * A writer over `count` column descriptors, whose encoder part says {-, logical type}: pages of at
 * most `pageRows` rows (a multiple of 8) and `pageBytes` of PLAIN values, dictionaries of at most
 * `dictionaryBytes`. Gives its address, or 0 when memory cannot grow.
 */
export function openWriter(columns: usize, count: u32, codec: u32, pageRows: u32, pageBytes: usize, dictionaryBytes: usize): usize {
  const w = changetype<Writer>(reserve(offsetof<Writer>()));
  if (!changetype<usize>(w)) return 0;
  w.columns = columns;
  w.count = count;
  w.codec = codec;
  w.pageRows = pageRows;
  w.pageBytes = pageBytes;
  w.dictionaryBytes = dictionaryBytes;
  w.head = (levelsBound(pageRows) + 16 + 15) & ~15;
  w.body = reserve(w.head + (<usize>pageRows << 1) + 128);
  w.bits = reserve(<usize>(pageRows >> 3) + 64 + levelsBound(pageRows));
  if (!w.body || !w.bits) return 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = descriptor(w, i);
    const c = changetype<Chunk>(reserve(offsetof<Chunk>()));
    if (!changetype<usize>(c)) return 0;
    store<usize>(at, changetype<usize>(c), COLUMN_ENCODE);
    c.type = load<u32>(at, COLUMN_TYPE);
    c.nullable = load<u32>(at, COLUMN_NULLABLE);
    c.logical = load<u32>(at, COLUMN_ENCODE + 4);
    c.column = i;
    c.levels = reserve(<usize>pageRows);
    c.min = reserve(BOUND + 32);
    c.max = reserve(BOUND + 32);
    const boolean = c.type == TYPE_BOOLEAN;
    c.plain = reserve(w.head + (boolean ? <usize>pageRows : pageBytes));
    c.indices = boolean ? 1 : reserve(<usize>pageRows << 1);
    c.entries = boolean ? 1 : reserve(dictionaryBytes);
    c.entryLimit = entryLimit(dictionaryBytes);
    c.slots = boolean ? 1 : reserve(slotBytes(c.type, c.entryLimit));
    if (!c.levels || !c.min || !c.max || !c.plain || !c.indices || !c.entries || !c.slots) return 0;
    c.trial = EARLY_TRIAL;
    c.entryCount = 0;
    c.dictionary = boolean ? 0 : 1;
  }
  resetRowGroup(changetype<usize>(w));
  return changetype<usize>(w);
}

/** Empties the chunks for the next row group, and the queue. */
export function resetRowGroup(writer: usize): void {
  const w = changetype<Writer>(writer);
  w.first = w.last = 0;
  w.pages = 0;
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    c.pageRows = c.pageValues = 0;
    c.plainSize = 0;
    c.rows = c.nulls = c.values = 0;
    c.valueBytes = c.plainTotal = c.fileTotal = 0;
    c.dictionaryPages = c.plainPages = c.dictionaryPageSize = 0;
    resetStatistics(c);
    if (c.type != TYPE_BOOLEAN) {
      c.dictionary = 1;
      resetDictionary(c);
    }
  }
}

/**
 * Appends the batch that the descriptors hold to the open row group. Gives how many pages are
 * queued, or NO_MEMORY, after which the row group is lost.
 */
export function appendBatch(writer: usize): i32 {
  const w = changetype<Writer>(writer);
  for (let i: u32 = 0; i < w.count; i++) {
    const at = descriptor(w, i);
    const c = chunkOf(w, i);
    const rows = load<u32>(at, COLUMN_ROWS);
    c.rows += rows;
    c.nulls += rows - load<u32>(at, COLUMN_COUNT);
    let status = append(w, c, load<usize>(at, COLUMN_VALUES), load<usize>(at, COLUMN_LEVELS), rows);
    if (status == 0 && c.dictionary && c.values >= c.trial && fails(c)) status = giveUpDictionary(w, c);
    if (status < 0) return status;
  }
  return <i32>w.pages;
}

/** Closes all open pages and queues the dictionaries behind them. Pages queued, or NO_MEMORY. */
export function finishRowGroup(writer: usize): i32 {
  const w = changetype<Writer>(writer);
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    let status = 0;
    if (c.dictionary && c.dictionaryPages == 0 && !pays(c)) status = giveUpDictionary(w, c);
    if (status == 0) status = closePage(w, c);
    if (status == 0 && c.dictionaryPages > 0) {
      observeEntries(c);
      status = queueDictionary(w, c);
    }
    if (status < 0) return status;
  }
  return <i32>w.pages;
}

/** First node of the queue of finished pages, which is empty afterwards: {next, column, address, size}. */
export function takePages(writer: usize): usize {
  const w = changetype<Writer>(writer);
  const first = w.first;
  w.first = w.last = 0;
  w.pages = 0;
  return first;
}

/** Bytes of the row group so far, uncompressed, open pages and dictionaries included. */
export function rowGroupBytes(writer: usize): f64 {
  const w = changetype<Writer>(writer);
  let sum: u64 = 0;
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    sum += c.plainTotal + <u64>c.plainSize + <u64>c.pageValues;
    if (c.dictionary) sum += <u64>c.entriesSize + <u64>c.pageValues;
  }
  return <f64>sum;
}

/** Whether the dictionary and its indices take clearly less than the values themselves would. */
function pays(c: Chunk): bool {
  return cost(c) < c.valueBytes - (c.valueBytes >> 2);
}

/** The trial of a dictionary, when its time has come. */
function fails(c: Chunk): bool {
  if (c.trial != EARLY_TRIAL) return !pays(c);
  c.trial = TRIAL;
  return c.values >= TRIAL ? !pays(c) : cost(c) > c.valueBytes - (c.valueBytes >> 3);
}

// @ts-ignore: decorator
@inline
function cost(c: Chunk): u64 {
  return <u64>c.entriesSize + (<u64>c.values * <u64>indexWidth(c.entryCount) >> 3);
}

function append(w: Writer, c: Chunk, values: usize, levels: usize, rows: u32): i32 {
  const stride = isString(c.type) ? <usize>8 : strideOf(c.type);
  for (let row: u32 = 0; row < rows; ) {
    let take = min(rows - row, w.pageRows - c.pageRows);
    const want = c.nullable ? present(levels + <usize>row, take) : take;
    const got = c.dictionary ? appendIndices(w, c, values, want) : appendPlain(w, c, values, want);
    if (got < want) take = c.nullable ? rowsOf(levels + <usize>row, take, got) : got;
    if (c.nullable) memory.copy(c.levels + <usize>c.pageRows, levels + <usize>row, <usize>take);
    c.pageRows += take;
    c.pageValues += got;
    row += take;
    values += <usize>got * stride;
    let status = 0;
    if (got < want && c.dictionary) {
      // full: the pages so far keep it, unless it has not paid yet
      status = c.dictionaryPages > 0 || pays(c) ? closePage(w, c) : 0;
      if (status == 0) status = giveUpDictionary(w, c);
    } else if (got < want && c.pageRows == 0) {
      // one value longer than a page: a page of its own, with the nulls before it
      take = c.nullable ? rowsOf(levels + <usize>row, rows - row, 1) : 1;
      status = appendLong(w, c, values, levels + <usize>row, take);
      row += take;
      values += stride;
    } else if (got < want || c.pageRows == w.pageRows) status = closePage(w, c);
    if (status < 0) return status;
  }
  return 0;
}

function appendIndices(w: Writer, c: Chunk, values: usize, count: u32): u32 {
  const got = lookUp(c, values, count, c.indices + (<usize>c.pageValues << 1), w.dictionaryBytes);
  c.values += got;
  c.valueBytes += plainBytes(c, values, got);
  return got;
}

function plainBytes(c: Chunk, values: usize, count: u32): u64 {
  if (!isString(c.type)) return <u64>count * <u64>strideOf(c.type);
  let sum: u64 = <u64>count << 2;
  for (const end = values + (<usize>count << 3); values < end; values += 8) sum += <u64>load<u32>(values, 4);
  return sum;
}

function appendPlain(w: Writer, c: Chunk, values: usize, count: u32): u32 {
  const dst = c.plain + w.head + c.plainSize;
  if (isString(c.type)) {
    const got = putStrings(values, count, dst, w.pageBytes - c.plainSize);
    c.plainSize = load<usize>(stopped()) - c.plain - w.head;
    observeStrings(c, values, got);
    return got;
  }
  const stride = strideOf(c.type);
  const got = c.type == TYPE_BOOLEAN ? count : min(count, <u32>((w.pageBytes - c.plainSize) / stride));
  memory.copy(dst, values, <usize>got * stride);
  c.plainSize += <usize>got * stride;
  observeFixed(c, values, got);
  return got;
}

/** A page of `rows` rows of which only the last one has a value, of any length. */
function appendLong(w: Writer, c: Chunk, values: usize, levels: usize, rows: u32): i32 {
  const from = <usize>load<u32>(values), size = <usize>load<u32>(values, 4);
  const block = reserve(w.head + 4 + size);
  if (block == 0) return NO_MEMORY;
  store<u32>(block + w.head, <u32>size);
  memory.copy(block + w.head + 4, from, size);
  observeString(c, from, size);
  if (c.nullable) memory.copy(c.levels, levels, <usize>rows);
  c.pageRows = rows;
  const status = queueDataPage(w, c, block + w.head, 4 + size, PLAIN);
  c.pageRows = 0;
  return status;
}

/**
 * The rest of the chunk is PLAIN. A page still open is turned into PLAIN as well, and where no
 * dictionary page was closed before, the chunk has none.
 */
function giveUpDictionary(w: Writer, c: Chunk): i32 {
  const rows = c.pageRows, count = c.pageValues;
  c.dictionary = 0;
  if (c.dictionaryPages == 0) c.trial = SHORT_TRIAL;
  if (rows == 0) return 0;
  c.pageRows = c.pageValues = 0;
  const stride = isString(c.type) ? <usize>8 : strideOf(c.type);
  const values = reserve(<usize>count * stride);
  const levels = reserve(<usize>rows);
  const starts = isString(c.type) ? reserve(<usize>c.entryCount << 2) : 1;
  if (values == 0 || levels == 0 || starts == 0) return NO_MEMORY;
  memory.copy(levels, c.levels, <usize>rows);
  if (isString(c.type)) {
    let at = c.entries;
    for (let i: u32 = 0; i < c.entryCount; i++) {
      store<usize>(starts + (<usize>i << 2), at);
      at += 4 + <usize>load<u32>(at);
    }
  }
  for (let i: u32 = 0; i < count; i++) {
    const index = <usize>load<u16>(c.indices + (<usize>i << 1));
    const to = values + <usize>i * stride;
    if (isString(c.type)) {
      const entry = load<usize>(starts + (index << 2));
      store<usize>(to, entry + 4);
      store<u32>(to, load<u32>(entry), 4);
    } else if (stride == 4) store<u32>(to, load<u32>(c.entries + (index << 2)));
    else store<u64>(to, load<u64>(c.entries + (index << 3)));
  }
  return append(w, c, values, levels, rows);
}

function present(levels: usize, rows: u32): u32 {
  let count: u32 = 0;
  const end = levels + <usize>rows;
  for (; levels + 8 <= end; levels += 8) count += <u32>popcnt(load<u64>(levels));
  for (; levels < end; levels++) count += load<u8>(levels);
  return count;
}

/** The fewest rows that hold `count` values. */
function rowsOf(levels: usize, rows: u32, count: u32): u32 {
  let row: u32 = 0;
  for (; row < rows && count > 0; row++) count -= load<u8>(levels + <usize>row);
  return row;
}

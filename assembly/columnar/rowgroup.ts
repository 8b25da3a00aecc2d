// A row group in the making: column batches go in, finished pages come out.
//
// The host calls appendBatch and finishRowGroup within a scope, takes the queued pages and leaves
// the scope; when the kernel gave a size, it reserves so many bytes that stay (outside of all
// scopes), hands them to grantBlock and calls again. What a chunk keeps lies in such blocks.
import { reserve } from "../memory";
import { NONE, OPEN, settleAppeal } from "./appeal";
import { headRoom } from "./buffers";
import {
  Chunk, chunkOf, COLUMN_BLOOM, COLUMN_BLOOM_RATE, COLUMN_ENCODING, descriptor, ENCODING_AUTO, ENCODING_SMALLEST_PACKED, PAGES_READY, PHYSICAL_BOOLEAN, PLAIN,
  READY, RLE_DICTIONARY, Writer,
} from "./chunk";
import {
  COLUMN_COUNT, COLUMN_ENCODE, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_MAX_DEF, COLUMN_MAX_REP, COLUMN_ORDER, COLUMN_PHYSICAL, COLUMN_REPS, COLUMN_ROWS,
  COLUMN_TEXT, COLUMN_VALUES, COLUMN_WIDTH,
} from "./columns";
import { resetDictionary } from "./dictionary";
import { levelWidth } from "./levels";
import { closePage, queueChunk, queueDictionary } from "./page";
import { giveUpDictionary, stage } from "./stage";
import { BOUNDS_SIZE, resetBounds } from "./statistics";
import { FIRST_LOOK, pays } from "./trial";

/**
 * A writer over `count` column descriptors, each with its wish in COLUMN_ENCODING: data pages of
 * `version` 1 or 2 with at most `pageEntries` entries and `pageBytes` of values in PLAIN form,
 * dictionaries of at most `dictionaryBytes`. Gives its address, or 0 when memory cannot grow.
 */
export function openWriter(
  columns: usize, count: u32, codec: u32, version: u32, pageIndex: u32, pageEntries: u32, pageBytes: usize, dictionaryBytes: usize,
): usize {
  const w = changetype<Writer>(reserve(offsetof<Writer>()));
  const chunks = reserve(<usize>count * (offsetof<Chunk>() + 2 * BOUNDS_SIZE));
  const used = reserve(65536);
  if (!changetype<usize>(w) || !chunks || !used) return 0;
  memory.fill(changetype<usize>(w), 0, offsetof<Writer>());
  memory.fill(chunks, 0, <usize>count * (offsetof<Chunk>() + 2 * BOUNDS_SIZE));
  w.columns = columns;
  w.count = count;
  w.codec = codec;
  w.version = version;
  w.pageIndex = pageIndex;
  w.pageEntries = pageEntries;
  w.pageBytes = pageBytes;
  w.dictionaryBytes = dictionaryBytes;
  w.used = used;
  const bounds = chunks + <usize>count * offsetof<Chunk>();
  for (let i: u32 = 0; i < count; i++) {
    const at = descriptor(w, i);
    const c = changetype<Chunk>(chunks + <usize>i * offsetof<Chunk>());
    store<usize>(at, changetype<usize>(c), COLUMN_ENCODE);
    c.column = i;
    c.physical = load<u32>(at, COLUMN_PHYSICAL);
    c.width = load<u32>(at, COLUMN_WIDTH);
    c.order = load<u32>(at, COLUMN_ORDER);
    c.text = load<u32>(at, COLUMN_TEXT);
    c.maxDef = load<u32>(at, COLUMN_MAX_DEF);
    c.maxRep = load<u32>(at, COLUMN_MAX_REP);
    c.wish = load<u32>(at, COLUMN_ENCODING);
    c.bloomSize = load<u32>(at, COLUMN_BLOOM);
    c.bloomRate = load<f32>(at, COLUMN_BLOOM_RATE);
    if (c.bloomSize > 0) {
      c.bloom = reserve(c.bloomSize);
      if (!c.bloom) return 0;
    }
    c.head = headRoom(w, c, pageEntries);
    c.bounds = bounds + <usize>i * 2 * BOUNDS_SIZE;
    c.pageBounds = pageIndex ? c.bounds + BOUNDS_SIZE : c.bounds;
  }
  resetRowGroup(changetype<usize>(w));
  return changetype<usize>(w);
}

/** Empties the chunks for the next row group, and the queue. */
export function resetRowGroup(writer: usize): void {
  const w = changetype<Writer>(writer);
  w.first = w.last = w.queued = 0;
  w.at = w.going = 0;
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    c.left = 0;
    c.pageEntries = c.pageValues = c.pageRows = 0;
    c.plainSize = 0;
    c.chunkEntries = c.chunkNulls = c.chunkRows = c.coded = 0;
    c.codedBytes = c.plainBytes = c.size = 0;
    c.dictionaryPages = 0;
    resetBounds(c.bounds);
    resetBounds(c.pageBounds);
    c.failing = 0;
    c.encoding = c.wish == ENCODING_AUTO || c.wish == RLE_DICTIONARY ? PLAIN : c.wish;
    c.dictionary = u32((c.wish >= ENCODING_SMALLEST_PACKED || c.wish == RLE_DICTIONARY) && c.physical != PHYSICAL_BOOLEAN);
    if (c.bloom) memory.fill(c.bloom, 0, c.bloomSize);
    resetDictionary(c);
    c.trial = FIRST_LOOK;
    c.appeal = NONE;
  }
}

/**
 * Appends the batch that the descriptors hold to the open row group. 0 when that is done;
 * PAGES_READY or the size of a block that is wanted: call again; NO_MEMORY, after which the row
 * group is lost.
 */
export function appendBatch(writer: usize): i32 {
  const w = changetype<Writer>(writer);
  for (; w.at < w.count; w.at++) {
    const c = chunkOf(w, w.at);
    if (!w.going) begin(w, c);
    const status = stage(w, c);
    if (status != 0) return status < 0 ? status : <i32>w.wanted;
    w.going = 0;
    if (ready(w)) return PAGES_READY;
  }
  w.at = 0;
  return 0;
}

function begin(w: Writer, c: Chunk): void {
  const at = descriptor(w, w.at);
  const entries = load<u32>(at, COLUMN_ENTRIES);
  c.values = load<usize>(at, COLUMN_VALUES);
  c.defs = load<usize>(at, COLUMN_LEVELS);
  c.reps = load<usize>(at, COLUMN_REPS);
  c.left = entries;
  c.chunkEntries += entries;
  c.chunkNulls += entries - load<u32>(at, COLUMN_COUNT);
  c.chunkRows += load<u32>(at, COLUMN_ROWS);
  w.going = 1;
}

/** Closes all open pages and queues what else the chunks have. Gives what appendBatch gives. */
export function finishRowGroup(writer: usize): i32 {
  const w = changetype<Writer>(writer);
  for (; w.at < w.count; w.at++) {
    const c = chunkOf(w, w.at);
    let status = 0;
    if (c.appeal == OPEN) status = settleAppeal(w, c, true);
    if (status == 0 && c.dictionary && c.dictionaryPages == 0 && !pays(c)) status = giveUpDictionary(w, c);
    if (status == 0) status = closePage(w, c);
    if (status == 0 && c.dictionary && c.dictionaryPages > 0) status = queueDictionary(w, c);
    if (status == 0) status = queueChunk(w, c);
    if (status != 0) return status < 0 ? status : <i32>w.wanted;
    if (ready(w)) return PAGES_READY;
  }
  w.at = 0;
  return 0;
}

/** Whether the pages of the column at hand, which is then left, should be taken before the next one: the arena stays small. */
function ready(w: Writer): bool {
  if (w.queued < READY) return false;
  w.at++;
  return true;
}

/** First node of the queue of finished pages (page.ts), which is empty afterwards. */
export function takePages(writer: usize): usize {
  const w = changetype<Writer>(writer);
  const first = w.first;
  w.first = w.last = w.queued = 0;
  return first;
}

/** Bytes of the row group so far, uncompressed, open pages and dictionaries included. */
export function rowGroupBytes(writer: usize): f64 {
  const w = changetype<Writer>(writer);
  let sum: u64 = 0;
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    const levels = levelWidth(c.maxDef) + levelWidth(c.maxRep);
    sum += c.size + <u64>c.plainSize + (<u64>c.pageEntries * <u64>levels >> 3);
    if (c.dictionary) sum += <u64>c.entriesSize + (<u64>c.pageValues << 1);
  }
  return <f64>sum;
}

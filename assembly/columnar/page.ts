// Finished pages (parquet-format README, "Data Pages"), without their headers: they wait in the
// writer's queue, each one block of the arena, until the host takes them.
//   V1: [u32 size, repetition levels] [u32 size, definition levels] values, compressed as one
//   V2: repetition levels, definition levels, then values, which alone are compressed
//
//   node, u32 each
//   0      4        8      12       16      20     24         28     32         36     40         44
//   | next | column | kind | values | nulls | rows | encoding | body | bodySize | size | repBytes | defBytes |
//   48: bounds as putBounds writes them
// values counts level entries, of a dictionary page its entries; size is that before compression.
// After the pages of a column comes one of kind CHUNK: values, nulls, rows and bounds of the chunk,
// at 24 how many different values (-1: unknown), at 28 a u64: bytes of all values in PLAIN form, at 36
// address and size of its bloom filter.
import { lz4Bound, lz4Compress } from "../codec/lz4";
import { snappyBound, snappyCompress } from "../codec/snappy";
import { NO_MEMORY, reserve, rewind, SLACK } from "../memory";
import { bloomFold, bloomInsert } from "./bloom";
import { chooseEncoding } from "./choose";
import { Chunk, CODEC_LZ4, CODEC_NONE, CODEC_SNAPPY, ENCODING_SMALLEST_PACKED, isBytes, PHYSICAL_BOOLEAN, PLAIN, RLE, RLE_DICTIONARY, Writer } from "./chunk";
import { levelsBound, levelWidth, putLevels } from "./levels";
import { BOUNDS_OUT, mergeBounds, observeEntries, putBounds, resetBounds } from "./statistics";
import { putValues, scratchSize, valuesBound } from "./values";

export const PAGE_DATA: u32 = 0;
export const PAGE_DICTIONARY: u32 = 2;
export const PAGE_CHUNK: u32 = 9;

const BOUNDS_AT: usize = 48;
const NODE: usize = BOUNDS_AT + BOUNDS_OUT;

/** Closes the open page of `c`, if it has entries: encodes, compresses and queues it. 0 or NO_MEMORY. */
export function closePage(w: Writer, c: Chunk): i32 {
  if (c.pageEntries == 0) return 0;
  // nulls alone need no dictionary, and readers no empty one
  const coded = c.dictionary != 0 && c.entryCount > 0;
  if (!coded && c.pageValues > 0 && c.physical != PHYSICAL_BOOLEAN) {
    if (c.encoding >= ENCODING_SMALLEST_PACKED) chooseEncoding(c);
    if (c.bloom) bloomInsert(c.bloom, c.bloomSize, c.plain + c.head, c.pageValues, isBytes(c) ? 0 : c.width);
  }
  const encoding = coded ? RLE_DICTIONARY : c.pageValues == 0 ? PLAIN : c.physical != PHYSICAL_BOOLEAN ? c.encoding : w.version == 2 && c.wish != PLAIN ? RLE : PLAIN;
  const repWidth = levelWidth(c.maxRep), defWidth = levelWidth(c.maxDef);
  const levelsMost = levelsBound(c.pageEntries, repWidth) + levelsBound(c.pageEntries, defWidth) + 8;
  // of nulls alone there may be no block of values: nothing may be laid in front of them
  const staged = encoding == PLAIN && c.physical != PHYSICAL_BOOLEAN && c.pageValues > 0;
  const valuesMost = staged ? c.plainSize : valuesBound(c, encoding);
  const node = reserve(NODE + bound(w, levelsMost + valuesMost));
  if (node == 0) return NO_MEMORY;
  const payload = node + NODE;
  // without a codec what is encoded here is the body itself
  const direct = w.codec == CODEC_NONE && !staged;
  const levels = direct ? payload : reserve(levelsMost + (staged ? 0 : valuesMost));
  const scratch = staged ? levels : reserve(scratchSize(c, encoding));
  if (levels == 0 || scratch == 0) return NO_MEMORY;

  const sizes: usize = w.version == 2 ? 0 : 4;
  let end = levels;
  if (repWidth) end = putSized(c.stagedReps, c.pageEntries, repWidth, end, sizes);
  const repBytes = end - levels;
  if (defWidth) end = putSized(c.stagedDefs, c.pageEntries, defWidth, end, sizes);
  const levelBytes = end - levels;
  let values = end;
  if (staged) values = c.plain + c.head;
  // the width of no indices is written all the same
  else if (coded || c.pageValues > 0) end = putValues(c, encoding, values, valuesMost, scratch);
  const size = staged ? c.plainSize : end - values;

  let packed = levelBytes + size;
  if (w.version == 2) {
    if (!direct) {
      memory.copy(payload, levels, levelBytes);
      // of nulls alone there are no values, and not every reader takes a compressed nothing
      packed = levelBytes + (size == 0 ? 0 : pack(w, values, size, payload + levelBytes));
    }
  } else if (!direct) {
    let from = levels;
    if (staged) {
      // the levels move up against the values, into the room before them
      from = values - levelBytes;
      memory.copy(from, levels, levelBytes);
    }
    packed = pack(w, from, levelBytes + size, payload);
  }
  rewind((payload + packed + SLACK + 15) & ~15);

  queue(w, c, node, PAGE_DATA, c.pageEntries, encoding, packed, levelBytes + size);
  store<u32>(node, c.pageEntries - c.pageValues, 16);
  store<u32>(node, c.pageRows, 20);
  if (w.version == 2) {
    store<usize>(node, repBytes, 40);
    store<usize>(node, levelBytes - repBytes, 44);
  }
  if (w.pageIndex) {
    if (coded) observeUsed(w, c);
    putBounds(c.pageBounds, c, node + BOUNDS_AT);
    mergeBounds(c.bounds, c, c.pageBounds);
    resetBounds(c.pageBounds);
  }
  if (coded) c.dictionaryPages++;
  c.size += <u64>(levelBytes + size);
  c.pageEntries = c.pageValues = c.pageRows = 0;
  c.plainSize = 0;
  return 0;
}

/** Levels behind `head` bytes of their size. */
function putSized(levels: usize, count: u32, width: u32, dst: usize, head: usize): usize {
  const end = putLevels(levels, count, width, dst + head);
  if (head) store<u32>(dst, <u32>(end - dst - head));
  return end;
}

/** The bounds of a dictionary page's values: those of the entries that it uses. */
function observeUsed(w: Writer, c: Chunk): void {
  const used = w.used;
  memory.fill(used, 0, <usize>c.entryCount);
  const end = c.indices + (<usize>c.pageValues << 1);
  for (let at = c.indices; at < end; at += 2) store<u8>(used + <usize>load<u16>(at), 1);
  observeEntries(c.pageBounds, c, used);
}

/** Queues the dictionary page; the chunk's pages that use it are all closed. */
export function queueDictionary(w: Writer, c: Chunk): i32 {
  const node = reserve(NODE + bound(w, c.entriesSize));
  if (node == 0) return NO_MEMORY;
  if (!w.pageIndex) {
    memory.fill(w.used, 1, <usize>c.entryCount);
    observeEntries(c.bounds, c, w.used);
  }
  if (c.bloom) bloomInsert(c.bloom, c.bloomSize, c.entries, c.entryCount, isBytes(c) ? 0 : c.width);
  const packed = pack(w, c.entries, c.entriesSize, node + NODE);
  rewind((node + NODE + packed + SLACK + 15) & ~15);
  queue(w, c, node, PAGE_DICTIONARY, c.entryCount, PLAIN, packed, c.entriesSize);
  c.size += <u64>c.entriesSize;
  return 0;
}

/** Queues what there is to know of the chunk, whose pages are all queued. */
export function queueChunk(w: Writer, c: Chunk): i32 {
  const node = reserve(NODE);
  if (node == 0) return NO_MEMORY;
  // -1: some values are in PLAIN pages
  const distinct = c.dictionary ? c.entryCount : <u32>-1;
  queue(w, c, node, PAGE_CHUNK, c.chunkEntries, distinct, 0, 0);
  store<u32>(node, c.chunkNulls, 16);
  store<u32>(node, c.chunkRows, 20);
  store<u64>(node, c.plainBytes, 28);
  if (c.bloom) {
    store<usize>(node, c.bloom, 36);
    store<usize>(node, bloomFold(c.bloom, c.bloomSize, <f64>c.bloomRate), 40);
  }
  putBounds(c.bounds, c, node + BOUNDS_AT);
  return 0;
}

function queue(w: Writer, c: Chunk, node: usize, kind: u32, values: u32, encoding: u32, packed: usize, size: usize): void {
  memory.fill(node, 0, BOUNDS_AT + 4);
  store<u32>(node, c.column, 4);
  store<u32>(node, kind, 8);
  store<u32>(node, values, 12);
  store<u32>(node, encoding, 24);
  store<usize>(node, node + NODE, 28);
  store<usize>(node, packed, 32);
  store<usize>(node, size, 36);
  if (w.last) store<usize>(w.last, node);
  else w.first = node;
  w.last = node;
  w.queued += packed;
}

function bound(w: Writer, size: usize): usize {
  return w.codec == CODEC_SNAPPY ? snappyBound(size) : w.codec == CODEC_LZ4 ? lz4Bound(size) : size;
}

/** Compresses `size` bytes to `dst`, which has room for their bound; gives the compressed size. */
function pack(w: Writer, src: usize, size: usize, dst: usize): usize {
  if (w.codec == CODEC_SNAPPY) return <usize>snappyCompress(src, size, dst, bound(w, size));
  if (w.codec == CODEC_LZ4) return <usize>lz4Compress(src, size, dst, bound(w, size));
  memory.copy(dst, src, size);
  return size;
}

// The state of a page encoder: one Writer, and one Chunk a column, in the arena of the engine that
// fills the columns. Their buffers begin small and grow: where one is too small the kernel stops
// between two pages and says how many bytes it wants, the host reserves them outside of any scope,
// hands them over (grantBlock) and calls again. Blocks that a buffer has outgrown wait in a list.
//
//   block   | size u32 | next u32 | - 8 | payload ...
import { COLUMN_ENCODE, COLUMN_SIZE } from "./columns";

/** u32 of the descriptor's encoder part: Parquet's code of the encoding to use, or ENCODING_AUTO. */
export const COLUMN_ENCODING: usize = COLUMN_ENCODE + 4;
/** u32, of the encoder's part too: bytes of a bloom filter at its largest, 0 for none. */
export const COLUMN_BLOOM: usize = COLUMN_ENCODE + 8;
/** f32: the rate of false positives that it may have. */
export const COLUMN_BLOOM_RATE: usize = COLUMN_ENCODE + 12;

/** Encodings (parquet.thrift, Encoding). */
export const PLAIN: u32 = 0;
export const RLE: u32 = 3;
export const DELTA_BINARY_PACKED: u32 = 5;
export const DELTA_LENGTH_BYTE_ARRAY: u32 = 6;
export const DELTA_BYTE_ARRAY: u32 = 7;
export const RLE_DICTIONARY: u32 = 8;
export const BYTE_STREAM_SPLIT: u32 = 9;
export const ENCODING_AUTO: u32 = 0xff;
/** As auto, but without dictionary what the first page's values are smallest in, as they are or after a codec. */
export const ENCODING_SMALLEST: u32 = 0xfe;
export const ENCODING_SMALLEST_PACKED: u32 = 0xfd;

/** Physical types (parquet.thrift, Type). */
export const PHYSICAL_BOOLEAN: u32 = 0;
export const PHYSICAL_INT32: u32 = 1;
export const PHYSICAL_INT64: u32 = 2;
export const PHYSICAL_FLOAT: u32 = 4;
export const PHYSICAL_DOUBLE: u32 = 5;
export const PHYSICAL_BYTES: u32 = 6;
export const PHYSICAL_FIXED: u32 = 7;

export const CODEC_NONE: u32 = 0;
export const CODEC_SNAPPY: u32 = 1;
export const CODEC_LZ4: u32 = 2;

/** What a kernel gives that stopped between two pages for want of a block. */
export const WANTS: i32 = 1;
/** What appendBatch and finishRowGroup give between two columns when pages of so many bytes wait: take them and call again. */
export const PAGES_READY: i32 = 1;
export const READY: usize = 256 * 1024;

/** Most entries of a dictionary: indices are staged as u16. */
export const DICTIONARY_ENTRIES: u32 = 65536;

// @ts-ignore: decorator
@unmanaged
export class Writer {
  columns: usize; // the column descriptors
  count: u32;
  codec: u32;
  version: u32; // of data pages
  pageIndex: u32; // whether every page has bounds of its own
  pageEntries: u32; // most entries of a page, a single longer row aside
  pageBytes: usize; // most bytes of a page's values, a single longer row aside
  dictionaryBytes: usize;
  at: u32; // column that appendBatch or finishRowGroup goes on with
  going: u32; // whether its cursors are set
  wanted: usize; // bytes of the block that there was not
  free: usize; // blocks that nobody uses
  used: usize; // a byte an entry of a dictionary: whether the page at hand has it
  first: usize; // queue of finished pages, see page.ts
  last: usize;
  queued: usize; // bytes of the queue
}

// @ts-ignore: decorator
@unmanaged
export class Chunk {
  column: u32;
  physical: u32;
  width: u32; // bytes of a packed value; 8, a reference, of byte arrays
  order: u32;
  text: u32; // whether byte arrays are UTF-8
  maxDef: u32;
  maxRep: u32;
  encoding: u32; // of pages without dictionary; ENCODING_SMALLEST and more: not chosen yet
  wish: u32; // COLUMN_ENCODING
  // the batch at hand
  values: usize;
  defs: usize;
  reps: usize;
  left: u32; // entries that are in no page yet
  // the open page
  dictionary: u32; // its values are dictionary indices
  failing: u32; // the dictionary is to be given up before anything else
  pageEntries: u32;
  pageValues: u32;
  pageRows: u32;
  stageCap: u32; // entries that fit
  indices: usize; // u16 a value; begins the block that the two below are in
  stagedDefs: usize;
  stagedReps: usize;
  plain: usize; // block of `head` bytes for levels and, from there on, PLAIN values (booleans: u8)
  plainCap: usize;
  plainSize: usize;
  head: usize;
  // the dictionary: entries in PLAIN form, and an open-addressed table of them
  entries: usize;
  entriesCap: usize;
  entriesSize: usize;
  entryCount: u32;
  slots: usize;
  slotCount: u32;
  trial: u32; // values after which the dictionary must have paid
  appeal: u32; // whether it is kept for a second look, see appeal.ts
  // the chunk so far
  chunkEntries: u32;
  chunkNulls: u32;
  chunkRows: u32;
  coded: u32; // values that went through the dictionary
  codedBytes: u64; // what those would take in PLAIN form
  plainBytes: u64; // what all values take in PLAIN form
  dictionaryPages: u32;
  size: u64; // of all finished pages, uncompressed
  bounds: usize; // of the chunk, see statistics.ts
  pageBounds: usize; // of the open page, or those of the chunk where pages need none
  bloom: usize; // filter of bloomSize bytes, where one is wanted
  bloomSize: usize;
  bloomRate: f32;
}

// @ts-ignore: decorator
@inline
export function descriptor(writer: Writer, column: u32): usize {
  return writer.columns + <usize>column * COLUMN_SIZE;
}

// @ts-ignore: decorator
@inline
export function chunkOf(writer: Writer, column: u32): Chunk {
  return changetype<Chunk>(load<usize>(descriptor(writer, column), COLUMN_ENCODE));
}

// @ts-ignore: decorator
@inline
export function isBytes(c: Chunk): bool {
  return c.physical == PHYSICAL_BYTES;
}

/** Bytes of a block's head. */
const BLOCK: usize = 16;

/** A block with room for `size` bytes out of the list; 0, with `wanted` set, where none is fit. */
export function takeBlock(w: Writer, size: usize): usize {
  let slot = changetype<usize>(w) + offsetof<Writer>("free");
  for (let block = load<usize>(slot); block; block = load<usize>(slot)) {
    const have = load<usize>(block) - BLOCK;
    // a much larger one is kept for who needs it
    if (have >= size && have >> 3 <= size) {
      store<usize>(slot, load<usize>(block, 4));
      return block + BLOCK;
    }
    slot = block + 4;
  }
  w.wanted = size + BLOCK;
  return 0;
}

export function freeBlock(w: Writer, payload: usize): void {
  if (!payload) return;
  store<usize>(payload - BLOCK, w.free, 4);
  w.free = payload - BLOCK;
}

/** Takes `size` bytes at `block`, reserved for the writer's lifetime. */
export function grantBlock(writer: usize, block: usize, size: usize): void {
  const w = changetype<Writer>(writer);
  store<usize>(block, size);
  freeBlock(w, block + BLOCK);
}

/** The next capacity of a buffer that needs `need`: four times what it had, and no more than `limit` where that is enough. */
export function nextCapacity(need: usize, have: usize, limit: usize): usize {
  return max(need, min(limit, max(have << 2, 4096)));
}

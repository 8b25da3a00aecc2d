// The state of a writer: one Writer, and one Chunk a column, in the arena of the writer's own
// engine from openWriter until the file is done. All buffers are taken once, at their largest;
// memory that is never touched is never backed by the system.
import { COLUMN_ENCODE, COLUMN_SIZE, TYPE_BOOLEAN, TYPE_INT32, TYPE_STRING } from "./columns";

/** What the values of a column mean, beyond their physical type: the second word of the column descriptor's encoder part. */
export const LOGICAL_NONE: u32 = 0;
export const LOGICAL_STRING: u32 = 1;
export const LOGICAL_MILLIS: u32 = 2;
export const LOGICAL_MICROS: u32 = 3;
export const LOGICAL_NANOS: u32 = 4;

export const CODEC_NONE: u32 = 0;
export const CODEC_SNAPPY: u32 = 1;

/** Bytes of a bound in the statistics; longer minima and maxima are cut (and the maximum rounded up). */
export const BOUND: usize = 64;
/** Most entries of a dictionary: indices are staged as u16. */
export const DICTIONARY_ENTRIES: u32 = 65536;

// @ts-ignore: decorator
@unmanaged
export class Writer {
  columns: usize; // the column descriptors
  count: u32;
  codec: u32;
  pageRows: u32; // most rows of a page
  pageBytes: usize; // most bytes of a page's values, a single longer value aside
  dictionaryBytes: usize;
  body: usize; // where a page's encoded body is put together: `head` bytes, then room for values
  head: usize; // bytes in front of values, for definition levels
  bits: usize; // a page's levels as bits
  first: usize; // queue of finished pages: {next, column, address, size}
  last: usize;
  pages: u32;
}

// @ts-ignore: decorator
@unmanaged
export class Chunk {
  type: u32;
  logical: u32;
  nullable: u32;
  column: u32;
  // the open page
  dictionary: u32; // its values are dictionary indices
  pageRows: u32;
  pageValues: u32;
  levels: usize; // u8 a row
  indices: usize; // u16 a value
  plain: usize; // PLAIN values, `head` bytes of room before them
  plainSize: usize;
  // the dictionary: entries in PLAIN form, and an open-addressed table of them
  entries: usize;
  entriesSize: usize;
  entryCount: u32;
  entryLimit: u32;
  slots: usize;
  slotMask: u32;
  trial: u32; // values after which the dictionary must have paid
  // the chunk so far
  rows: u32;
  nulls: u32;
  values: u32; // dictionary-coded
  valueBytes: u64; // what those would take in PLAIN form
  dictionaryPages: u32;
  plainPages: u32;
  dictionaryPageSize: u32; // the dictionary page in the file, header included; 0 without one
  plainTotal: u64; // uncompressed size of all pages, headers included
  fileTotal: u64; // compressed size of all pages, headers included
  // statistics: numbers by value, strings by their first BOUND bytes
  seen: u32;
  minLong: u32; // the value of the bound goes on behind BOUND bytes
  maxLong: u32;
  minSize: u32;
  maxSize: u32;
  minInt: i64;
  maxInt: i64;
  minDouble: f64;
  maxDouble: f64;
  min: usize;
  max: usize;
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

/** Bytes of one packed value in a column batch and, booleans and strings aside, in PLAIN form. */
// @ts-ignore: decorator
@inline
export function strideOf(type: u32): usize {
  return type == TYPE_BOOLEAN ? 1 : type == TYPE_INT32 ? 4 : 8;
}

// @ts-ignore: decorator
@inline
export function isString(type: u32): bool {
  return type == TYPE_STRING;
}

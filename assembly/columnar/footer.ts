// The file's metadata (FileMetaData of parquet.thrift): a row group's part is encoded when the row
// group is written; the host keeps those bytes and puts them between the two ends below.
//
//   "PAR1" column chunks... FileMetaData u32 length "PAR1"
//   FileMetaData = putFooter, putRowGroup..., putFooterEnd
import { OUTPUT_FULL } from "../memory";
import { BOUND, Chunk, chunkOf, descriptor, isString, LOGICAL_MICROS, LOGICAL_MILLIS, LOGICAL_NANOS, LOGICAL_STRING, Writer } from "./chunk";
import { COLUMN_NAME, COLUMN_NAME_SIZE, TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_INT32, TYPE_STRING } from "./columns";
import { DATA_PAGE, DICTIONARY_PAGE, PLAIN, RLE, RLE_DICTIONARY } from "./page";
import { roundUp, wholeCharacters } from "./statistics";
import { putBinary, putBool, putI16, putI32, putI64, putList, putStop, putStruct, putText, THRIFT_BINARY, THRIFT_I32, THRIFT_STRUCT } from "./thrift";

/** Metadata of a column besides its name: a dozen fields of at most 12 bytes, two bounds and the encodings. */
const COLUMN_BOUND: usize = 512;

function physical(type: u32): i32 {
  if (type == TYPE_BOOLEAN) return 0;
  if (type == TYPE_INT32) return 1;
  if (type == TYPE_DOUBLE) return 5;
  return type == TYPE_STRING ? 6 : 2;
}

function namesSize(w: Writer): usize {
  let size: usize = 0;
  for (let i: u32 = 0; i < w.count; i++) size += <usize>load<u32>(descriptor(w, i), COLUMN_NAME_SIZE);
  return size;
}

/** Everything up to the row groups: version, schema, row count, and the head of their list. */
export function putFooter(writer: usize, rows: f64, groups: u32, dst: usize, cap: usize): i32 {
  const w = changetype<Writer>(writer);
  if (cap < 128 + namesSize(w) + <usize>w.count * 64) return OUTPUT_FULL;
  const start = dst;
  dst = putI32(dst, 1, 1); // version
  dst = putList(dst, 1, THRIFT_STRUCT, w.count + 1);
  dst = putText3(dst);
  dst = putStop(putI32(dst, 1, <i32>w.count)); // num_children of the root
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    dst = putI32(dst, 1, physical(c.type));
    dst = putI32(dst, 2, c.nullable ? 1 : 0); // repetition_type: OPTIONAL or REQUIRED
    dst = putBinary(dst, 1, load<usize>(descriptor(w, i), COLUMN_NAME), <usize>load<u32>(descriptor(w, i), COLUMN_NAME_SIZE));
    dst = putStop(putLogical(dst, c.logical));
  }
  dst = putI64(dst, 1, <i64>rows);
  dst = putList(dst, 1, THRIFT_STRUCT, groups);
  return <i32>(dst - start);
}

/** Name of the root of the schema: field 4, first in its struct. */
function putText3(dst: usize): usize {
  store<u64>(dst, 0x616d656863730648); // 0x48: delta 4, binary; 6 bytes "schema"
  return dst + 8;
}

/** converted_type (field 6) for readers before format 2.4 and logicalType (field 10); after field 4. */
function putLogical(dst: usize, logical: u32): usize {
  if (logical == LOGICAL_STRING) {
    dst = putI32(dst, 2, 0); // UTF8
    return putStop(putStop(putStruct(putStruct(dst, 4), 1)));
  }
  if (logical == LOGICAL_MILLIS) dst = putI32(dst, 2, 9);
  else if (logical == LOGICAL_MICROS) dst = putI32(dst, 2, 10);
  else if (logical != LOGICAL_NANOS) return dst;
  // nanoseconds have no converted type
  dst = putStruct(putStruct(dst, logical == LOGICAL_NANOS ? 6 : 4), 8);
  dst = putBool(dst, 1, true); // isAdjustedToUTC
  dst = putStruct(dst, 1); // unit: MILLIS 1, MICROS 2, NANOS 3
  dst = putStruct(dst, logical - LOGICAL_MILLIS + 1);
  return putStop(putStop(putStop(putStop(dst))));
}

/**
 * The metadata of a finished row group that begins at byte `offset` of the file, its chunks in the
 * order of the columns, each one's dictionary page first.
 */
export function putRowGroup(writer: usize, offset: f64, ordinal: u32, dst: usize, cap: usize): i32 {
  const w = changetype<Writer>(writer);
  if (cap < 128 + namesSize(w) + <usize>w.count * COLUMN_BOUND) return OUTPUT_FULL;
  const start = dst;
  dst = putList(dst, 1, THRIFT_STRUCT, w.count);
  let at = <i64>offset;
  let plain: u64 = 0;
  for (let i: u32 = 0; i < w.count; i++) {
    const c = chunkOf(w, i);
    dst = putI64(dst, 2, 0); // file_offset: deprecated, 0 as the format says
    dst = putStruct(dst, 1);
    dst = putColumn(dst, w, c, at);
    dst = putStop(putStop(dst));
    at += <i64>c.fileTotal;
    plain += c.plainTotal;
  }
  dst = putI64(dst, 1, <i64>plain); // total_byte_size
  dst = putI64(dst, 1, <i64>chunkOf(w, 0).rows);
  dst = putI64(dst, 2, <i64>offset); // file_offset
  dst = putI64(dst, 1, at - <i64>offset); // total_compressed_size
  if (ordinal < 32768) dst = putI16(dst, 1, <i32>ordinal);
  return <i32>(putStop(dst) - start);
}

function putColumn(dst: usize, w: Writer, c: Chunk, at: i64): usize {
  const dictionary = c.dictionaryPages > 0;
  dst = putI32(dst, 1, physical(c.type));
  const levels = c.nullable || dictionary;
  dst = putList(dst, 1, THRIFT_I32, u32(levels) + 1 + u32(dictionary));
  dst = putCode(dst, PLAIN); // of the values, or of the dictionary
  if (levels) dst = putCode(dst, RLE);
  if (dictionary) dst = putCode(dst, RLE_DICTIONARY);
  dst = putList(dst, 1, THRIFT_BINARY, 1);
  dst = putText(dst, load<usize>(descriptor(w, c.column), COLUMN_NAME), <usize>load<u32>(descriptor(w, c.column), COLUMN_NAME_SIZE));
  dst = putI32(dst, 1, <i32>w.codec);
  dst = putI64(dst, 1, <i64>c.rows); // num_values: nulls are counted
  dst = putI64(dst, 1, <i64>c.plainTotal);
  dst = putI64(dst, 1, <i64>c.fileTotal);
  dst = putI64(dst, 2, at + <i64>c.dictionaryPageSize); // data_page_offset
  if (dictionary) dst = putI64(dst, 2, at); // dictionary_page_offset
  dst = putStruct(dst, dictionary ? 1 : 3);
  dst = putStatistics(dst, c);
  // encoding_stats: a reader may prune by the dictionary when all data pages use it
  dst = putList(dst, 1, THRIFT_STRUCT, u32(dictionary) * 2 + u32(c.plainPages > 0));
  if (dictionary) {
    dst = putPages(dst, DICTIONARY_PAGE, PLAIN, 1);
    dst = putPages(dst, DATA_PAGE, RLE_DICTIONARY, c.dictionaryPages);
  }
  if (c.plainPages > 0) dst = putPages(dst, DATA_PAGE, PLAIN, c.plainPages);
  return dst;
}

function putCode(dst: usize, code: i32): usize {
  store<u8>(dst, <u8>(code << 1));
  return dst + 1;
}

function putPages(dst: usize, kind: i32, encoding: i32, count: u32): usize {
  return putStop(putI32(putI32(putI32(dst, 1, kind), 1, encoding), 1, <i32>count));
}

const VALUES: usize = memory.data(160, 16);

/** null_count, max_value, min_value and whether they are exact; bounds only where there are values that order. */
function putStatistics(dst: usize, c: Chunk): usize {
  dst = putI64(dst, 3, <i64>c.nulls);
  if (!c.seen) return putStop(dst);
  let maxSize: usize, minSize: usize;
  const low = VALUES, high = VALUES + 80;
  if (isString(c.type)) {
    memory.copy(low, c.min, BOUND);
    memory.copy(high, c.max, BOUND);
    minSize = c.minLong ? wholeCharacters(low, <usize>c.minSize) : <usize>c.minSize;
    maxSize = <usize>c.maxSize;
    if (c.maxLong) {
      maxSize = roundUp(high, wholeCharacters(high, maxSize));
      if (maxSize == 0) return putStop(dst);
    }
  } else if (c.type == TYPE_DOUBLE) {
    if (!(c.minDouble <= c.maxDouble)) return putStop(dst);
    minSize = maxSize = 8;
    // either zero may stand for the other: -0 as a minimum, +0 as a maximum
    store<f64>(low, c.minDouble == 0 ? -0.0 : c.minDouble);
    store<f64>(high, c.maxDouble == 0 ? 0.0 : c.maxDouble);
  } else {
    minSize = maxSize = c.type == TYPE_BOOLEAN ? 1 : c.type == TYPE_INT32 ? 4 : 8;
    store<i64>(low, c.minInt);
    store<i64>(high, c.maxInt);
  }
  dst = putBinary(dst, 2, high, maxSize);
  dst = putBinary(dst, 1, low, minSize);
  dst = putBool(dst, 1, !(isString(c.type) && c.maxLong));
  return putStop(putBool(dst, 1, !(isString(c.type) && c.minLong)));
}

/** What follows the row groups: created_by and the order that the statistics are in. */
export function putFooterEnd(writer: usize, createdBy: usize, size: usize, dst: usize, cap: usize): i32 {
  const w = changetype<Writer>(writer);
  if (cap < 64 + size + <usize>w.count * 3) return OUTPUT_FULL;
  const start = dst;
  dst = putBinary(dst, 2, createdBy, size);
  dst = putList(dst, 1, THRIFT_STRUCT, w.count);
  // ColumnOrder: TYPE_ORDER
  for (let i: u32 = 0; i < w.count; i++) dst = putStop(putStop(putStruct(dst, 1)));
  return <i32>(putStop(dst) - start);
}

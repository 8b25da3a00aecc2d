// Pages (parquet-format README, "Data Pages"; DataPageHeader and DictionaryPageHeader of
// parquet.thrift), version 1: [u32 size, definition levels] values, compressed as one.
// A finished page waits, header and bytes in one block, in the writer's queue of nodes:
//   0      4        8         12     16
//   | next | column | address | size | ...
import { snappyBound, snappyCompress } from "../codec/snappy";
import { NO_MEMORY, reserve, rewind, SLACK } from "../memory";
import { Chunk, CODEC_SNAPPY, Writer } from "./chunk";
import { TYPE_BOOLEAN } from "./columns";
import { indexWidth, putBits, putIndices, putLevels } from "./encode";
import { putI32, putStop, putStruct } from "./thrift";

export const DATA_PAGE: i32 = 0;
export const DICTIONARY_PAGE: i32 = 2;
export const PLAIN: i32 = 0;
export const RLE: i32 = 3;
export const RLE_DICTIONARY: i32 = 8;

const NODE: usize = 16;
/** Room for a page header: five varints of at most 5 bytes and a dozen single ones. */
const HEADER: usize = 64;
const SCRATCH: usize = memory.data(64, 8);

/** Closes the open page of `c`, if it has rows: encodes, compresses and queues it. 0 or NO_MEMORY. */
export function closePage(w: Writer, c: Chunk): i32 {
  if (c.pageRows == 0) return 0;
  let values = w.body + w.head;
  let end: usize;
  // nulls alone need no dictionary, and readers no empty one
  const coded = c.dictionary != 0 && c.entryCount > 0;
  if (coded) end = putIndices(c.indices, c.pageValues, indexWidth(c.entryCount), values);
  else if (c.type == TYPE_BOOLEAN) end = putBits(c.plain + w.head, c.pageValues, values);
  else {
    values = c.plain + w.head;
    end = values + c.plainSize;
  }
  const encoding = coded ? RLE_DICTIONARY : PLAIN;
  const status = queueDataPage(w, c, values, end - values, encoding);
  c.pageRows = c.pageValues = 0;
  c.plainSize = 0;
  return status;
}

/** Queues a data page of the open page's levels and `size` bytes of values, `w.head` bytes of room before them. */
export function queueDataPage(w: Writer, c: Chunk, values: usize, size: usize, encoding: i32): i32 {
  let start = values;
  if (c.nullable) {
    // encoded behind the room and moved up against the values
    const levels = w.bits + <usize>(w.pageRows >> 3) + 64;
    const length = putLevels(c.levels, c.pageRows, w.bits, levels) - levels;
    start = values - length - 4;
    store<u32>(start, <u32>length);
    memory.copy(start + 4, levels, length);
  }
  if (encoding == PLAIN) c.plainPages++;
  else c.dictionaryPages++;
  return queue(w, c, DATA_PAGE, start, values + size - start, c.pageRows, encoding);
}

/** Queues the dictionary page; the chunk's data pages are all closed. */
export function queueDictionary(w: Writer, c: Chunk): i32 {
  const before = c.fileTotal;
  const status = queue(w, c, DICTIONARY_PAGE, c.entries, c.entriesSize, c.entryCount, PLAIN);
  c.dictionaryPageSize = <u32>(c.fileTotal - before);
  return status;
}

function queue(w: Writer, c: Chunk, kind: i32, body: usize, size: usize, values: u32, encoding: i32): i32 {
  const bound = w.codec == CODEC_SNAPPY ? snappyBound(size) : size;
  const node = reserve(NODE + HEADER + bound);
  if (node == 0) return NO_MEMORY;
  const payload = node + NODE + HEADER;
  let packed = size;
  if (w.codec == CODEC_SNAPPY) packed = <usize>snappyCompress(body, size, payload, bound);
  else memory.copy(payload, body, size);
  rewind((payload + packed + SLACK + 15) & ~15);

  const header = putHeader(SCRATCH, kind, size, packed, values, encoding) - SCRATCH;
  memory.copy(payload - header, SCRATCH, header);
  store<usize>(node, 0);
  store<u32>(node, c.column, 4);
  store<usize>(node, payload - header, 8);
  store<usize>(node, header + packed, 12);
  if (w.last) store<usize>(w.last, node);
  else w.first = node;
  w.last = node;
  w.pages++;
  c.plainTotal += <u64>(header + size);
  c.fileTotal += <u64>(header + packed);
  return 0;
}

function putHeader(dst: usize, kind: i32, size: usize, packed: usize, values: u32, encoding: i32): usize {
  dst = putI32(dst, 1, kind);
  dst = putI32(dst, 1, <i32>size); // uncompressed_page_size
  dst = putI32(dst, 1, <i32>packed); // compressed_page_size
  // data_page_header is field 5, dictionary_page_header field 7
  dst = putStruct(dst, kind == DATA_PAGE ? 2 : 4);
  dst = putI32(dst, 1, <i32>values);
  dst = putI32(dst, 1, encoding);
  if (kind == DATA_PAGE) {
    dst = putI32(dst, 1, RLE); // definition levels
    dst = putI32(dst, 1, RLE); // repetition levels: none in a flat schema
  }
  return putStop(putStop(dst));
}

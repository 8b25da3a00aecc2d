// The encoding of a chunk whose dictionary does not pay, where the smallest is wanted: its first
// page's first values are encoded by each way that their type has, and where pages are compressed
// compressed by Snappy, which is quick and finds what other codecs find. PLAIN stays unless another
// is smaller by a sixteenth.
import { snappyBound, snappyCompress } from "../codec/snappy";
import { mark, reserve, rewind } from "../memory";
import {
  BYTE_STREAM_SPLIT, Chunk, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, ENCODING_SMALLEST_PACKED, isBytes, PHYSICAL_BYTES, PHYSICAL_DOUBLE,
  PHYSICAL_FIXED, PHYSICAL_FLOAT, PHYSICAL_INT32, PHYSICAL_INT64, PLAIN,
} from "./chunk";
import { putValues, scratchSize, valuesBound } from "./values";

/** Values that are tried: 64 KB of doubles; of byte arrays no more than begin in so many bytes. */
const SAMPLE: u32 = 8192;
const SAMPLE_BYTES: usize = 524288;

/** Sets the chunk's encoding by the values staged in its open page; gives the share of their bytes that it leaves. */
export function chooseEncoding(c: Chunk): f64 {
  const physical = c.physical;
  const packed = c.wish == ENCODING_SMALLEST_PACKED;
  const pageValues = c.pageValues, pageSize = c.plainSize;
  c.encoding = PLAIN;
  cutToSample(c);
  const all = <f64>c.plainSize;
  let least = measure(c, PLAIN, packed);
  least -= least >> 4;
  if (physical == PHYSICAL_INT32 || physical == PHYSICAL_INT64) least = attempt(c, DELTA_BINARY_PACKED, packed, least);
  if (physical == PHYSICAL_BYTES) least = attempt(c, DELTA_LENGTH_BYTE_ARRAY, packed, least);
  if (physical == PHYSICAL_BYTES || physical == PHYSICAL_FIXED) least = attempt(c, DELTA_BYTE_ARRAY, packed, least);
  // of integers and fixed lengths, too, by its specification, but not every reader knows that
  if (packed && (physical == PHYSICAL_FLOAT || physical == PHYSICAL_DOUBLE)) least = attempt(c, BYTE_STREAM_SPLIT, packed, least);
  c.pageValues = pageValues;
  c.plainSize = pageSize;
  return <f64>least / all;
}

function cutToSample(c: Chunk): void {
  const most = min(c.pageValues, SAMPLE);
  c.pageValues = most;
  c.plainSize = <usize>most * <usize>c.width;
  if (!isBytes(c)) return;
  const values = c.plain + c.head;
  let count: u32 = 0;
  let size: usize = 0;
  for (; count < most && size < SAMPLE_BYTES; count++) size += 4 + <usize>load<u32>(values + size);
  c.pageValues = count;
  c.plainSize = size;
}

/** The size by `encoding` if it is below `least`, and the chunk's encoding is then that. */
function attempt(c: Chunk, encoding: u32, packed: bool, least: usize): usize {
  const size = measure(c, encoding, packed);
  if (size >= least) return least;
  c.encoding = encoding;
  return size;
}

/** Bytes that the open page's values take; more than any size where memory is short. */
function measure(c: Chunk, encoding: u32, packed: bool): usize {
  const start = mark();
  let size = <usize>-1;
  let values = c.plain + c.head;
  let length = c.plainSize;
  if (encoding != PLAIN) {
    const bound = valuesBound(c, encoding);
    values = reserve(bound);
    const scratch = reserve(scratchSize(c, encoding));
    length = values && scratch ? putValues(c, encoding, values, bound, scratch) - values : <usize>-1;
  }
  if (!packed) size = length;
  else if (length != <usize>-1) {
    const packedAt = reserve(snappyBound(length));
    if (packedAt) size = <usize>snappyCompress(values, length, packedAt, snappyBound(length));
  }
  rewind(start);
  return size;
}

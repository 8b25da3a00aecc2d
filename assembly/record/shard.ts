// Partition key -> hash key -> shard, for a batch. Kinesis: the hash key of a record is its explicit hash
// key, or the MD5 of its partition key (UTF-8) as a big-endian number; the shard is the one whose hash
// key range holds it.
//
// A shard map divides the whole key space 0 .. 2^128 - 1 into ranges, each with the index of its shard, or
// UNCOVERED where no shard is open. One block that may be copied anywhere (src/kinesis/shards/shard-map.ts
// makes it), little-endian:
//   0       4      8        12       16
//   | count | bits | starts | shards | prefix u16 x (2^bits + 1) .. | starts {high u64, low u64} x count | shards i32 x count |
//   starts, shards: where those arrays begin, from the block; the first range starts at 0
//   prefix: for each value of a hash key's top `bits` bits (4 to 16) the last range that starts at or
//           before its smallest hash key, so that the search is between that entry and the next: one or
//           two ranges in an even split, whatever their number
import { fault } from "../memory";
import { loadBE64 } from "../bytes";
import { md5Many } from "../codec/md5";
import { ABSENT, ROW_HASH, ROW_SIZE } from "./batch";
import { parseHashKey } from "./hash-key";

/** No open shard's range holds the hash key. */
export const UNCOVERED: i32 = -1;
/** The partition key has not 1 to 256 characters. */
export const KEY_LENGTH: i32 = -2;
export const KEY_LIMIT: usize = 256;

const UNWANTED: usize = memory.data(16, 16);

/**
 * For each row of the table its hash key (16 bytes, big-endian) to hashes and its shard's index to out
 * (i32): or UNCOVERED, or why it has no hash key: KEY_LENGTH, HASH_MALFORMED, HASH_RANGE.
 * Rows are records (stride ROW_SIZE), or keys alone: {offset u32, size u32} (any other stride).
 * Where a map of one range makes hash keys needless, hashes may be 0: none are computed (25 of 130 ns
 * a record of an aggregation), explicit ones are checked all the same.
 * Gives count; BAD_INPUT if a row has no hash key (the report names the first), after all others are done.
 */
export function shardMany(map: usize, heap: usize, table: usize, stride: usize, count: usize, hashes: usize, out: usize): i32 {
  const wanted = hashes != 0, step: usize = wanted ? 16 : 0;
  if (wanted) md5Many(heap, table, stride, count, hashes);
  else hashes = UNWANTED;
  const prefix = map + 16, shift = 16 - load<u32>(map, 4);
  const starts = map + load<usize>(map, 8), shards = map + load<usize>(map, 12);
  let result = <i32>count;
  for (let i: usize = 0; i < count; i++, table += stride, hashes += step) {
    let bad: i32 = fits(heap + load<usize>(table), load<usize>(table, 4)) ? 0 : KEY_LENGTH;
    if (stride == ROW_SIZE && load<u32>(table, ROW_HASH + 4) != ABSENT && bad == 0) {
      bad = parseHashKey(heap + load<usize>(table, ROW_HASH), load<usize>(table, ROW_HASH + 4), hashes);
    }
    if (bad < 0) {
      store<i32>(out + (i << 2), bad);
      if (result >= 0) result = fault(load<usize>(table + (bad == KEY_LENGTH ? 0 : ROW_HASH)), <u32>i, bad);
      continue;
    }
    const top = <u32>bswap(load<u16>(hashes)) >> shift, entry = prefix + (top << 1);
    let first = <usize>load<u16>(entry), last = <usize>load<u16>(entry, 2);
    while (first < last) {
      const high = loadBE64(hashes);
      const middle = (first + last + 1) >> 1, start = starts + (middle << 4), startHigh = load<u64>(start);
      if (startHigh < high || (startHigh == high && load<u64>(start, 8) <= loadBE64(hashes + 8))) first = middle;
      else last = middle - 1;
    }
    store<i32>(out + (i << 2), load<i32>(shards + (first << 2)));
  }
  return result;
}

/**
 * Rows of keys that lie one behind the other, from the u32 offset at which each one ends. Gives `count`, or
 * BAD_INPUT at the first end before its key's start or past `size`.
 */
export function keyRows(ends: usize, count: usize, size: usize, table: usize): i32 {
  let start: usize = 0;
  for (let i: usize = 0; i < count; i++, table += 8) {
    const end = load<usize>(ends + (i << 2));
    if (end < start || end > size) return fault(start, <u32>i, 0);
    store<u32>(table, start);
    store<u32>(table, end - start, 4);
    start = end;
  }
  return <i32>count;
}

/** Whether a key has 1 to KEY_LIMIT characters: Unicode code points, so bytes that do not continue one. */
// @ts-ignore: decorator
@inline
function fits(key: usize, size: usize): bool {
  return size - 1 < KEY_LIMIT || (size > KEY_LIMIT && characters(key, size) <= KEY_LIMIT);
}

function characters(key: usize, size: usize): usize {
  if (size > 4 * KEY_LIMIT) return size;
  let count: usize = 0;
  for (const end = key + size; key < end; key++) count += <usize>((load<u8>(key) & 0xc0) != 0x80);
  return count;
}

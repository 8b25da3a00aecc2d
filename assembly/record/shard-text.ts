// What shardMany found, as text: one line "key TAB hash key in decimal TAB shard index LF" a row.
import { OUTPUT_FULL } from "../memory";
import { formatHashKey } from "./hash-key";

/** Beside its key a line takes at most 39 + 10 digits, two tabs and LF; formatHashKey needs 45 to work in. */
const ROOM: usize = 64;

/**
 * Writes the rows ({offset, size} of keys, 16-byte hash keys, i32 shards) whose shard is not negative.
 * Gives the bytes written, or OUTPUT_FULL where `cap` is not the keys' bytes and 64 more a row.
 */
export function shardText(heap: usize, table: usize, count: usize, hashes: usize, shards: usize, dst: usize, cap: usize): i32 {
  const end = dst + cap;
  let at = dst;
  for (let i: usize = 0; i < count; i++, table += 8, hashes += 16, shards += 4) {
    const shard = load<i32>(shards);
    if (shard < 0) continue;
    const key = heap + load<usize>(table), size = load<usize>(table, 4);
    if (at + size + ROOM > end) return OUTPUT_FULL;
    // Eight bytes at a time into the room that is there.
    for (let o: usize = 0; o < size; o += 8) store<u64>(at + o, load<u64>(key + o));
    at += size;
    store<u8>(at, 9);
    at += 1 + formatHashKey(hashes, at + 1);
    store<u8>(at, 9);
    at = putNumber(at + 1, shard);
    store<u8>(at++, 10);
  }
  return <i32>(at - dst);
}

function putNumber(dst: usize, value: u32): usize {
  let size: usize = 1;
  for (let rest = value; rest >= 10; rest /= 10) size++;
  for (let at = dst + size; at > dst; value /= 10) store<u8>(--at, 48 + (value % 10));
  return dst + size;
}

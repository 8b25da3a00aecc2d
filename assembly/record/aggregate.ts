// KPL aggregation: a batch of user records to Kinesis records, byte for byte as the Kinesis Producer
// Library writes them (awslabs/amazon-kinesis-producer: aggregation-format.md, kinesis_record.cc).
//
//   F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf
//   AggregatedRecord { repeated string partition_key_table = 1; repeated string explicit_hash_key_table = 2; repeated Record records = 3 }
//   Record { required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2; required bytes data = 3 }
//
// In field order; each table without duplicates, first-seen order; explicit hash keys as decimal
// without leading zeros; index 0 written out; field 2 left out where the record has no such key.
// One user record alone is sent raw, under its own key. The key of two or more is "a". The explicit
// hash key is always that of the first user record, so the service places the whole where it belongs.
import { copyLoose, putVarint, varintSize } from "../bytes";
import { md5, md5Many } from "../codec/md5";
import { NO_MEMORY, OUTPUT_FULL, report, tell } from "../memory";
import {
  BODY_SIZE, COUNT, FIRST, FIRST_HASH, HASH_INDEX, KEY_INDEX, NEXT_HASH, NEXT_KEY, OUTER_OF, OVERHEAD, PLAN_OUTER, PLAN_RECORD, crowded, plan, PREFIX, recordSize, SHARD, SIZE,
} from "./aggregate-plan";
import { ABSENT, ROW_DATA, ROW_HASH, ROW_ITEM, ROW_KEY, ROW_SIZE, ROW_SOURCE } from "./batch";
import { formatHashKey, parseHashKey } from "./hash-key";

export const MAGIC: u32 = 0xc29a89f3;
/** Room that formatHashKey asks for; it writes at most 39 bytes. */
const HASH_ROOM: usize = 45;

/**
 * Plans a batch (see aggregate-plan.ts). Gives the number of outer records; the report has the bytes of
 * all their data (consumed), the room that aggregateRows needs for their keys (produced) and whether
 * crowded tables had to be hashed by MD5 (detail). hashes: as shardMany left them, or 0 where it had none to leave.
 * NO_MEMORY: together more than 2 GiB.
 */
export function aggregatePlan(
  heap: usize, table: usize, shards: usize, hashes: usize, count: u32, shardCount: u32, maxSize: u32, maxCount: u32, recordLimit: u32, at: usize,
): i32 {
  const made = plan(heap, table, shards, hashes, count, shardCount, maxSize, maxCount, recordLimit, at);
  let data: u64 = 0, keys: u64 = 0;
  for (let outer = at + <usize>count * PLAN_RECORD, end = outer + <usize>made * PLAN_OUTER; outer < end; outer += PLAN_OUTER) {
    const row = table + <usize>load<u32>(outer, FIRST) * ROW_SIZE;
    const raw = load<u32>(outer, COUNT) == 1;
    store<u32>(outer, <u32>data + 4);
    store<u32>(outer, raw ? 0 : load<u32>(outer, SIZE), BODY_SIZE);
    data += raw ? <u64>load<u32>(row, ROW_DATA + 4) : <u64>load<u32>(outer, SIZE) + OVERHEAD;
    keys += HASH_ROOM + (raw ? <u64>load<u32>(row, ROW_KEY + 4) : 1);
  }
  if (data + keys > 0x7fffffff) return NO_MEMORY;
  tell(<usize>data, <usize>keys);
  store<i32>(report(), crowded() ? 1 : 0, 16);
  return <i32>made;
}

/**
 * What the outer records of a plan are, without their data:
 *   | row[made], 32 bytes each | shard u32[made] | outer of each user record u32[count], ABSENT if left out |
 * to `out`. The rows are a record table over a heap that is all data, `dataSize` bytes, in the order
 * of the rows, and then the bytes that this writes to dst; source is the first user record, item the
 * number of them. Gives the bytes at dst.
 */
export function aggregateRows(heap: usize, table: usize, hashes: usize, count: u32, at: usize, made: u32, dataSize: u32, dst: usize, cap: usize, out: usize): i32 {
  const shards = out + <usize>made * ROW_SIZE, assigned = shards + (<usize>made << 2);
  let outer = at + <usize>count * PLAN_RECORD, d = dst;
  for (let id: usize = 0; id < <usize>made; id++, outer += PLAN_OUTER) {
    const row = out + id * ROW_SIZE, first = load<u32>(outer, FIRST), user = table + <usize>first * ROW_SIZE;
    const raw = load<u32>(outer, COUNT) == 1;
    const keySize: usize = raw ? load<usize>(user, ROW_KEY + 4) : 1;
    if (d + keySize + HASH_ROOM > dst + cap) return OUTPUT_FULL;
    if (raw) memory.copy(d, heap + load<usize>(user, ROW_KEY), keySize);
    else store<u8>(d, 0x61);
    store<u32>(row, dataSize + <u32>(d - dst), ROW_KEY);
    store<u32>(row, <u32>keySize, ROW_KEY + 4);
    d += keySize;
    const hashSize = formatHashKey(hashes != 0 ? hashes + (<usize>first << 4) : hashKeyOf(heap, user), d);
    store<u32>(row, dataSize + <u32>(d - dst), ROW_HASH);
    store<u32>(row, <u32>hashSize, ROW_HASH + 4);
    d += hashSize;
    store<u32>(row, load<u32>(outer) - 4, ROW_DATA);
    store<u32>(row, raw ? load<u32>(user, ROW_DATA + 4) : load<u32>(outer, SIZE) + OVERHEAD, ROW_DATA + 4);
    store<u32>(row, first, ROW_SOURCE);
    store<u32>(row, load<u32>(outer, COUNT), ROW_ITEM);
    store<u32>(shards + (id << 2), load<u32>(outer, SHARD));
  }
  for (let i: usize = 0; i < <usize>count; i++) store<u32>(assigned + (i << 2), load<u32>(at + i * PLAN_RECORD, OUTER_OF));
  return <i32>(d - dst);
}

const HASH_KEY: usize = memory.data(16, 16);

/** The hash key of a record that shardMany has found good: its explicit one, or the MD5 of its key. */
function hashKeyOf(heap: usize, row: usize): usize {
  if (load<u32>(row, ROW_HASH + 4) != ABSENT) parseHashKey(heap + load<usize>(row, ROW_HASH), load<usize>(row, ROW_HASH + 4), HASH_KEY);
  else md5(heap + load<usize>(row, ROW_KEY), load<usize>(row, ROW_KEY + 4), HASH_KEY);
  return HASH_KEY;
}

/**
 * The data of the outer records [from, to), one behind the other, to dst; gives its size. Some at a time
 * keep what is written, hashed and copied out in the second-level cache; at least a dozen fill the
 * lanes of the MD5.
 */
export function aggregateWrite(heap: usize, table: usize, count: u32, at: usize, from: u32, to: u32, dst: usize, cap: usize): i32 {
  const outers = at + <usize>count * PLAN_RECORD, first = outers + <usize>from * PLAN_OUTER, end = outers + <usize>to * PLAN_OUTER;
  const digests = outers + <usize>count * PLAN_OUTER + (<usize>from << 4);
  let d = dst;
  for (let outer = first; outer < end; outer += PLAN_OUTER) {
    const row = table + <usize>load<u32>(outer, FIRST) * ROW_SIZE;
    const raw = load<u32>(outer, COUNT) == 1;
    const size: usize = raw ? load<usize>(row, ROW_DATA + 4) : load<usize>(outer, SIZE) + OVERHEAD;
    if (size > dst + cap - d) return OUTPUT_FULL;
    if (raw) memory.copy(d, heap + load<usize>(row, ROW_DATA), size);
    else writeBody(heap, table, at, outer, d);
    d += size;
  }
  if (from == to) return 0;
  const base = dst - (load<usize>(first) - 4);
  md5Many(base, first, PLAN_OUTER, to - from, digests);
  for (let outer = first, digest = digests; outer < end; outer += PLAN_OUTER, digest += 16) {
    if (load<u32>(outer, COUNT) != 1) memory.copy(base + load<usize>(outer) + load<usize>(outer, BODY_SIZE), digest, 16);
  }
  return <i32>(d - dst);
}

// Front to back: copyLoose writes up to 15 bytes ahead, which the next piece or the MD5 replaces.
function writeBody(heap: usize, table: usize, at: usize, outer: usize, d: usize): void {
  store<u32>(d, MAGIC);
  d += 4;
  for (let i = load<u32>(outer, FIRST) + 1; i != 0; i = load<u32>(at + <usize>(i - 1) * PLAN_RECORD, NEXT_KEY)) {
    const row = table + <usize>(i - 1) * ROW_SIZE;
    d = putBytes(d, 0x0a, heap + load<usize>(row, ROW_KEY), load<u32>(row, ROW_KEY + 4));
  }
  for (let i = load<u32>(outer, FIRST_HASH); i != 0; i = load<u32>(at + <usize>(i - 1) * PLAN_RECORD, NEXT_HASH)) {
    const row = table + <usize>(i - 1) * ROW_SIZE, skip = load<u32>(at + <usize>(i - 1) * PLAN_RECORD, PREFIX);
    d = putBytes(d, 0x12, heap + load<usize>(row, ROW_HASH) + skip, load<u32>(row, ROW_HASH + 4) - skip);
  }
  for (let i = load<u32>(outer, FIRST) + 1; i != 0;) {
    const row = table + <usize>(i - 1) * ROW_SIZE, record = at + <usize>(i - 1) * PLAN_RECORD;
    const keyIndex = load<u32>(record, KEY_INDEX), hashIndex = load<u32>(record, HASH_INDEX), dataSize = load<u32>(row, ROW_DATA + 4);
    store<u8>(d, 0x1a);
    d = putVarint(d + 1, recordSize(keyIndex, dataSize) + (hashIndex == ABSENT ? 0 : 1 + varintSize(hashIndex)));
    store<u8>(d, 0x08);
    d = putVarint(d + 1, keyIndex);
    if (hashIndex != ABSENT) {
      store<u8>(d, 0x10);
      d = putVarint(d + 1, hashIndex);
    }
    d = putBytes(d, 0x1a, heap + load<usize>(row, ROW_DATA), dataSize);
    i = load<u32>(record);
  }
}

// @ts-ignore: decorator
@inline
function putBytes(d: usize, tag: u8, src: usize, size: u32): usize {
  store<u8>(d, tag);
  d = putVarint(d + 1, size);
  copyLoose(d, src, size);
  return d + size;
}

// Who goes into which aggregate: a greedy fill per shard in arrival order, with every size exact
// before a byte is written. A user record that does not fit closes its shard's open aggregate and
// begins the next one, so records of one shard keep their order.
//
// The plan, a block of the caller's, aggregatePlanSize(count, shards) bytes, u32 little-endian:
//   | record[count] | outer[count] | digest[count] | open[shards] | slots |
// record, 32 bytes; a link is index + 1, 0 ends its chain:
//   0      4         8          12      16         20          24       32
//   | next | nextKey | nextHash | outer | keyIndex | hashIndex | prefix | - |
//   next: the same aggregate's next record     nextKey, nextHash: its next record that adds to that table
//   prefix: sign and leading zeros of the explicit hash key, which are not written
// outer, 64 bytes; its first two words are an md5Many row:
//   0        4          8       12     16        20         24          28     32     36     40       44      48
//   | bodyAt | bodySize | first | last | lastKey | lastHash | firstHash | size | keys | hashes | count | shard | - |
//   body: the protobuf, `size` bytes (bodySize 0 where raw)     keys, hashes: entries in the tables
// digest: of each body     open: index + 1 of each shard's open outer
// slots: open addressing over the tables of all outers: {hash, (record + 1) << 1 | kind}
import { equalBytes, varintSize } from "../bytes";
import { md5 } from "../codec/md5";
import { ABSENT, ROW_DATA, ROW_HASH, ROW_KEY, ROW_SIZE } from "./batch";

export const PLAN_RECORD: usize = 32;
export const NEXT_KEY: usize = 4, NEXT_HASH: usize = 8, OUTER_OF: usize = 12, KEY_INDEX: usize = 16, HASH_INDEX: usize = 20, PREFIX: usize = 24;
export const PLAN_OUTER: usize = 64;
export const BODY_SIZE: usize = 4, FIRST: usize = 8, LAST: usize = 12, LAST_KEY: usize = 16, LAST_HASH: usize = 20, FIRST_HASH: usize = 24;
export const SIZE: usize = 28, KEYS: usize = 32, HASHES: usize = 36, COUNT: usize = 40, SHARD: usize = 44;
/** Around the protobuf: 4 bytes of magic, 16 of MD5. */
export const OVERHEAD: u32 = 20;

const KEY: u32 = 0, HASH: u32 = 1;
const CROWDED: u32 = 0xffffffff;
const DIGEST: usize = memory.data(16, 16);

/** Bytes of plan that `count` records over `shards` shards need; 0 where that is more than the core can have. */
export function aggregatePlanSize(count: u32, shards: u32): usize {
  const size = <u64>count * (PLAN_RECORD + PLAN_OUTER + 16) + <u64>shards * 4 + slotCount(count) * 8 + 16;
  return size < 0x7fff0000 ? <usize>size : 0;
}

// A power of two, at most two thirds full: a record has one key and perhaps one explicit hash key.
function slotCount(count: u32): u64 {
  return <u64>1 << (64 - clz<u64>(<u64>count * 3));
}

let base: usize = 0, heap: usize = 0, rows: usize = 0, slots: usize = 0, mask: u32 = 0;
/** Address of the records' hash keys where each is the MD5 of its key, else 0. */
let digests: usize = 0;
/** Slots passed over so far, and whether texts are hashed by MD5. */
let passed: u64 = 0, strong: bool = false;

/**
 * Assigns records (rows at `table`, offsets from `heapAt`; of each the shard, an i32 at `shards`, and
 * the hash key, 16 bytes at `hashes`, as shardMany leaves them) to
 * outers of at most `maxSize` bytes and `maxCount` user records; a record that is larger alone goes
 * alone. Left out (outer ABSENT) are rows whose shard is not 0 .. shardCount - 1, or whose key and data
 * are larger than `recordLimit`. Explicit hash keys must be decimal, as shardMany has checked. hashes may
 * be 0. Gives the number of outers.
 *
 * The tables are hashed by eight bytes a multiplication, which a hostile sender can make collide; where
 * more slots are passed over than chance explains, all is planned again with the MD5 of each text.
 */
export function plan(heapAt: usize, table: usize, shards: usize, hashes: usize, count: u32, shardCount: u32, maxSize: u32, maxCount: u32, recordLimit: u32, at: usize): u32 {
  strong = false;
  const made = fill(heapAt, table, shards, hashes, count, shardCount, maxSize, maxCount, recordLimit, at);
  if (made != CROWDED) return made;
  strong = true;
  return fill(heapAt, table, shards, hashes, count, shardCount, maxSize, maxCount, recordLimit, at);
}

/** Whether the last plan had to hash by MD5. */
// @ts-ignore: decorator
@inline
export function crowded(): bool {
  return strong;
}

function fill(heapAt: usize, table: usize, shards: usize, hashes: usize, count: u32, shardCount: u32, maxSize: u32, maxCount: u32, recordLimit: u32, at: usize): u32 {
  const outers = at + <usize>count * PLAN_RECORD;
  const open = outers + <usize>count * (PLAN_OUTER + 16);
  base = at;
  heap = heapAt;
  rows = table;
  slots = (open + (<usize>shardCount << 2) + 15) & ~15;
  mask = <u32>(slotCount(count) - 1);
  memory.fill(open, 0, <usize>shardCount << 2);
  memory.fill(slots, 0, (<usize>mask + 1) << 3);
  digests = hashes;
  passed = 0;
  // at most two thirds full, so five steps a search are to be expected, if no one chose the texts
  const patience = (<u64>count << 5) + 4096;
  for (let row = table, end = table + <usize>count * ROW_SIZE; row < end; row += ROW_SIZE) if (load<u32>(row, ROW_HASH + 4) != ABSENT) digests = 0;
  const limit = max(maxSize, OVERHEAD) - OVERHEAD;
  let made: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (passed > patience && !strong && digests == 0) return CROWDED;
    const record = at + <usize>i * PLAN_RECORD, row = table + <usize>i * ROW_SIZE;
    v128zero(record);
    v128zero(record + 16);
    store<u32>(record, ABSENT, OUTER_OF);
    store<u32>(record, ABSENT, HASH_INDEX);
    const shard = load<u32>(shards + (<usize>i << 2));
    if (shard >= shardCount || <u64>load<u32>(row, ROW_KEY + 4) + <u64>load<u32>(row, ROW_DATA + 4) > <u64>recordLimit) continue;
    const hasHash = load<u32>(row, ROW_HASH + 4) != ABSENT;
    if (hasHash) store<u32>(record, prefixSize(heapAt + load<usize>(row, ROW_HASH), load<usize>(row, ROW_HASH + 4)), PREFIX);
    const keySize = load<u32>(row, ROW_KEY + 4), dataSize = load<u32>(row, ROW_DATA + 4);
    const hashSize = hasHash ? load<u32>(row, ROW_HASH + 4) - load<u32>(record, PREFIX) : 0;
    const keyText = digests != 0 ? load<u64>(digests + (<usize>i << 4)) : hashOf(heapAt + load<usize>(row, ROW_KEY), keySize);
    const hashText = hasHash ? hashOf(heapAt + load<usize>(row, ROW_HASH) + load<usize>(record, PREFIX), hashSize) : 0;

    let id = load<u32>(open + (<usize>shard << 2)) - 1, fresh = id == -1;
    let outer = outers + <usize>id * PLAN_OUTER;
    let keySlot: usize = 0, hashSlot: usize = 0, size: u64 = 0;
    if (!fresh) {
      keySlot = find(keyText, id, i, KEY);
      if (hasHash) hashSlot = find(hashText, id, i, HASH);
      size = <u64>load<u32>(outer, SIZE) + added(outer, keySlot, keySize, hashSlot, hashSize, dataSize);
      fresh = size > <u64>limit || load<u32>(outer, COUNT) >= maxCount;
    }
    if (fresh) {
      id = made++;
      outer = outers + <usize>id * PLAN_OUTER;
      memory.fill(outer, 0, PLAN_OUTER);
      store<u32>(open + (<usize>shard << 2), id + 1);
      store<u32>(outer, i, FIRST);
      store<u32>(outer, shard, SHARD);
      keySlot = find(keyText, id, i, KEY);
      if (hasHash) hashSlot = find(hashText, id, i, HASH);
      size = added(outer, keySlot, keySize, hashSlot, hashSize, dataSize);
    } else store<u32>(at + <usize>load<u32>(outer, LAST) * PLAN_RECORD, i + 1);

    store<u32>(outer, i, LAST);
    store<u32>(outer, <u32>min<u64>(size, 0xffffffff), SIZE);
    store<u32>(outer, load<u32>(outer, COUNT) + 1, COUNT);
    store<u32>(record, id, OUTER_OF);
    store<u32>(record, indexIn(keySlot, KEY_INDEX, load<u32>(outer, KEYS)), KEY_INDEX);
    if (load<u32>(keySlot, 4) == 0) {
      take(keySlot, keyText, id, i, KEY);
      if (load<u32>(outer, KEYS) != 0) store<u32>(at + <usize>load<u32>(outer, LAST_KEY) * PLAN_RECORD, i + 1, NEXT_KEY);
      store<u32>(outer, i, LAST_KEY);
      store<u32>(outer, load<u32>(outer, KEYS) + 1, KEYS);
    }
    if (!hasHash) continue;
    // the key may just have taken the free slot that this search had ended at
    if (hashSlot == keySlot) hashSlot = find(hashText, id, i, HASH);
    store<u32>(record, indexIn(hashSlot, HASH_INDEX, load<u32>(outer, HASHES)), HASH_INDEX);
    if (load<u32>(hashSlot, 4) == 0) {
      take(hashSlot, hashText, id, i, HASH);
      if (load<u32>(outer, HASHES) != 0) store<u32>(at + <usize>load<u32>(outer, LAST_HASH) * PLAN_RECORD, i + 1, NEXT_HASH);
      else store<u32>(outer, i + 1, FIRST_HASH);
      store<u32>(outer, i, LAST_HASH);
      store<u32>(outer, load<u32>(outer, HASHES) + 1, HASHES);
    }
  }
  return made;
}

// @ts-ignore: decorator
@inline
function v128zero(at: usize): void {
  store<u64>(at, 0);
  store<u64>(at, 0, 8);
}

// BigInteger takes a sign; one digit stays, also of zero.
function prefixSize(text: usize, size: usize): u32 {
  let skip: usize = 0;
  const sign = load<u8>(text);
  if (size > 1 && (sign == 43 || sign == 45)) skip = 1;
  while (skip + 1 < size && load<u8>(text + skip) == 48) skip++;
  return <u32>skip;
}

/** Bytes of protobuf that one more record means: its table entries and itself. */
function added(outer: usize, keySlot: usize, keySize: u32, hashSlot: usize, hashSize: u32, dataSize: u32): u64 {
  let size: u64 = 0;
  if (load<u32>(keySlot, 4) == 0) size = 1 + varintSize(keySize) + <u64>keySize;
  let inner: u64 = recordSize(indexIn(keySlot, KEY_INDEX, load<u32>(outer, KEYS)), dataSize);
  if (hashSlot != 0) {
    if (load<u32>(hashSlot, 4) == 0) size += 1 + varintSize(hashSize) + <u64>hashSize;
    inner += 1 + varintSize(indexIn(hashSlot, HASH_INDEX, load<u32>(outer, HASHES)));
  }
  return size + 1 + varintSize(inner) + inner;
}

/** Size of a Record message without an explicit hash key. */
// @ts-ignore: decorator
@inline
export function recordSize(keyIndex: u32, dataSize: u32): u64 {
  return 2 + varintSize(keyIndex) + varintSize(dataSize) + <u64>dataSize;
}

/** The table index that the slot's record has, or `next` where the slot is free. */
// @ts-ignore: decorator
@inline
function indexIn(slot: usize, field: usize, next: u32): u32 {
  const entry = load<u32>(slot, 4);
  return entry == 0 ? next : load<u32>(base + <usize>((entry >> 1) - 1) * PLAN_RECORD + field);
}

// @ts-ignore: decorator
@inline
function take(slot: usize, text: u64, id: u32, record: u32, kind: u32): void {
  store<u32>(slot, mix(text, id, kind));
  store<u32>(slot, (record + 1) << 1 | kind, 4);
}

/** The slot that holds record i's text for table `kind` of outer `id`, or the free one where it belongs. */
function find(text: u64, id: u32, i: u32, kind: u32): usize {
  const hash = mix(text, id, kind);
  const size = textSize(i, kind), at = textAt(i, kind);
  let n = hash & mask;
  while (true) {
    const slot = slots + (<usize>n << 3), entry = load<u32>(slot, 4);
    if (entry == 0) return slot;
    if (load<u32>(slot) == hash && (entry & 1) == kind) {
      const other = (entry >> 1) - 1;
      if (load<u32>(base + <usize>other * PLAN_RECORD, OUTER_OF) == id && textSize(other, kind) == size && equalBytes(textAt(other, kind), at, size)) return slot;
    }
    n = (n + 1) & mask;
    passed++;
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function textAt(i: u32, kind: u32): usize {
  const row = rows + <usize>i * ROW_SIZE;
  return kind == KEY ? heap + load<usize>(row, ROW_KEY) : heap + load<usize>(row, ROW_HASH) + load<usize>(base + <usize>i * PLAN_RECORD, PREFIX);
}

// @ts-ignore: decorator
@inline
function textSize(i: u32, kind: u32): usize {
  const row = rows + <usize>i * ROW_SIZE;
  return kind == KEY ? load<usize>(row, ROW_KEY + 4) : load<usize>(row, ROW_HASH + 4) - load<usize>(base + <usize>i * PLAN_RECORD, PREFIX);
}

/** 64 bits of a text's content, eight bytes a step. */
function hashOf(at: usize, size: usize): u64 {
  if (strong) {
    md5(at, size, DIGEST);
    return load<u64>(DIGEST);
  }
  let h: u64 = <u64>size;
  let i: usize = 0;
  for (; i + 8 <= size; i += 8) {
    h = (h ^ load<u64>(at + i)) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  if (i < size) {
    // the last 1 to 7 bytes; SLACK allows to load eight
    h = (h ^ load<u64>(at + i) << ((8 - (<u64>size - i)) << 3)) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  return h;
}

// @ts-ignore: decorator
@inline
function mix(text: u64, id: u32, kind: u32): u32 {
  const h = (text ^ (<u64>id << 1 | <u64>kind)) * 0xd6e8feb86659fd93;
  return <u32>(h >> 32) ^ <u32>h;
}

// KPL de-aggregation of a batch of Kinesis records, as the KCL does it (amazon-kinesis-client,
// retrieval/AggregatorUtil.java; see aggregate.ts for the format), plus a mode that loses nothing, and one
// that stops at the first Kinesis record which any of these lines but the first is about (strict).
//
//                                                    | kcl                       | keep
//   other magic, or shorter than it                  | raw                       | raw
//   magic, at most 16 bytes behind it; wrong MD5     | raw                       | raw, with the reason
//   not a protobuf AggregatedRecord                  | raw                       | raw, with the reason
//   no records in it                                 | nothing                   | raw, with the reason
//   an index outside its table, or an explicit       | the records before it,    | all; that one with the reason (without a
//     hash key that is no integer                    |   not those after it      |   key of its own: the outer record's)
//   a hash key outside the shard's range             | nothing of the aggregate  | all; that one with the reason
// The range never touches a raw record. The hash key is the explicit one, else the MD5 of the key
// as Java reads it (repair.ts).
//
// Rows (batch.ts) point into the heap of the input: nothing is copied. Linear in the input.
import { loadBE64 } from "../bytes";
import { md5Many } from "../codec/md5";
import { validUtf8 } from "../codec/utf8";
import { fault, NO_MEMORY, OUTPUT_FULL, tell, tellSpare } from "../memory";
import { MAGIC } from "./aggregate";
import { OVERHEAD } from "./aggregate-plan";
import { ABSENT, ROW_DATA, ROW_HASH, ROW_ITEM, ROW_KEY, ROW_SIZE, ROW_SOURCE } from "./batch";
import { collect, counted, hashesFound, keysFound, locate } from "./deaggregate-parse";
import { HASH_RANGE, parseHashKey } from "./hash-key";
import { md5Repaired } from "./repair";

// Reasons. A row's status is its reason, with AGGREGATED where it came out of an aggregate; an outer
// record's outcome is the first reason found in it, likewise.
export const AGGREGATED: u8 = 0x80;
export const TRUNCATED: u8 = 1; // the magic and at most 16 bytes: no room for an MD5
export const BAD_CHECKSUM: u8 = 2;
export const BAD_PROTOBUF: u8 = 3;
export const NO_RECORDS: u8 = 4;
export const BAD_KEY_INDEX: u8 = 5;
export const BAD_HASH_INDEX: u8 = 6;
export const BAD_HASH_KEY: u8 = 7;
export const OUT_OF_RANGE: u8 = 8;

/** Flags of deaggregate: lose what the KCL loses; check the MD5; stop at the first reason. */
export const AS_KCL: u32 = 1;
export const VERIFY: u32 = 2;
export const STRICT: u32 = 4;

/** Bytes of scratch for each outer record and for each entry of the longest table. */
export const SCRATCH_OUTER: usize = 24;
export const SCRATCH_ENTRY: usize = 48;

function isAggregate(data: usize, size: u32): bool {
  return size > OVERHEAD && load<u32>(data) == MAGIC;
}

/**
 * How many rows `count` outer records can become at most; the report's `produced` is the length of the
 * longest table in them. One quick look at each field's length.
 */
export function deaggregateSize(heap: usize, table: usize, count: u32): i32 {
  let rows: u64 = 0, entries: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = table + <usize>i * ROW_SIZE;
    const data = heap + load<usize>(row, ROW_DATA), size = load<u32>(row, ROW_DATA + 4);
    let own: u32 = 1;
    if (isAggregate(data, size)) {
      own = max<u32>(counted(data + 4, data + size - 16), 1);
      entries = max(entries, max(keysFound(), hashesFound()));
    }
    rows += own;
  }
  if (rows * ROW_SIZE > 0x7fffffff) return NO_MEMORY;
  tell(count, entries);
  return <i32>rows;
}

/**
 * Writes the user records of `count` outer records (rows at `table`, offsets from `heap`) to `rows`
 * (room for `cap`), a status byte each to `status`, and an outcome byte for each outer record to
 * `outcomes`. `ranges`: 0, or 32 bytes (first and last hash key, big-endian) every `rangeStride`
 * bytes an outer record (0: one for all). `scratch`: count * SCRATCH_OUTER + entries * SCRATCH_ENTRY.
 * Gives the number of rows; with STRICT also BAD_INPUT: the report has the outer record, the byte of its data
 * where the fault is, the reason, and as spare word the length of the table that an index is outside of.
 */
export function deaggregate(
  heap: usize, table: usize, count: u32, flags: u32, ranges: usize, rangeStride: usize, rows: usize, cap: u32, status: usize, outcomes: usize, scratch: usize, entries: u32,
): i32 {
  const digests = scratch + (<usize>count << 3);
  const keys = digests + (<usize>count << 4), hashes = keys + <usize>entries * 24;
  let candidates: usize = 0;
  if (flags & VERIFY) {
    for (let i: u32 = 0; i < count; i++) {
      const row = table + <usize>i * ROW_SIZE;
      const size = load<u32>(row, ROW_DATA + 4);
      if (!isAggregate(heap + load<usize>(row, ROW_DATA), size)) continue;
      store<u32>(scratch + (candidates << 3), load<u32>(row, ROW_DATA) + 4);
      store<u32>(scratch + (candidates++ << 3), size - OVERHEAD, 4);
    }
    md5Many(heap, scratch, 8, candidates, digests);
  }
  let made: u32 = 0, digest = digests;
  for (let i: u32 = 0; i < count; i++) {
    const outer = table + <usize>i * ROW_SIZE;
    const data = heap + load<usize>(outer, ROW_DATA), size = load<u32>(outer, ROW_DATA + 4);
    let outcome: u8 = 0;
    const first = rows + <usize>made * ROW_SIZE;
    if (isAggregate(data, size)) {
      let good = true;
      if (flags & VERIFY) {
        const trailer = data + size - 16;
        good = load<u64>(trailer) == load<u64>(digest) && load<u64>(trailer, 8) == load<u64>(digest, 8);
        digest += 16;
      }
      if (!good) outcome = BAD_CHECKSUM;
      else {
        const found = collect(heap, data + 4, data + size - 16, i, first, cap - made, keys, hashes, entries);
        if (found == OUTPUT_FULL) return OUTPUT_FULL;
        if (found < 0) outcome = BAD_PROTOBUF;
        else if (found == 0) {
          outcome = NO_RECORDS;
          if (flags & AS_KCL) {
            store<u8>(outcomes + i, AGGREGATED | outcome);
            continue;
          }
        } else {
          memory.fill(status + made, AGGREGATED, found);
          const range: usize = ranges == 0 ? 0 : ranges + <usize>i * rangeStride;
          const kept = resolve(heap, outer, first, status + made, found, keys, hashes, range, flags);
          if (flags & STRICT && reason != 0) return stop(heap, outer, i, reason, first);
          made += kept;
          store<u8>(outcomes + i, AGGREGATED | reason);
          continue;
        }
      }
    } else if (size >= 4 && load<u32>(data) == MAGIC) outcome = TRUNCATED;
    if (flags & STRICT && outcome != 0) return stop(heap, outer, i, outcome, first);
    if (made == cap) return OUTPUT_FULL;
    memory.copy(first, outer, ROW_SIZE);
    store<u32>(first, i, ROW_SOURCE);
    store<u32>(first, 0, ROW_ITEM);
    store<u8>(status + made, outcome);
    store<u8>(outcomes + i, outcome);
    made++;
  }
  tell(count, made);
  return <i32>made;
}

// The report of STRICT; `row` may be written over.
function stop(heap: usize, outer: usize, record: u32, why: u8, row: usize): i32 {
  const start = load<usize>(outer, ROW_DATA), size = load<usize>(outer, ROW_DATA + 4);
  let at = size - 16; // the MD5, or where a record is missing
  if (why == TRUNCATED) at = size;
  else if (why != BAD_CHECKSUM && why != NO_RECORDS) {
    const data = heap + start;
    at = locate(heap, data + 4, data + size - 16, why == BAD_PROTOBUF ? u32.MAX_VALUE : culprit, row) - data;
  }
  tellSpare(why == BAD_KEY_INDEX ? keysFound() : hashesFound());
  return fault(at, record, why);
}

// The first reason in an aggregate, and the number of the user record that has it.
let reason: u8 = 0, culprit: u32 = 0;

// Turns table indices into keys. Gives how many of the rows stay; leaves the first reason in `reason`, its record in `culprit`.
function resolve(heap: usize, outer: usize, first: usize, status: usize, found: u32, keys: usize, hashes: usize, range: usize, flags: u32): u32 {
  const keyCount = keysFound(), hashCount = hashesFound();
  const keyVerdicts = keys + (<usize>keyCount << 3), hashVerdicts = hashes + (<usize>hashCount << 3);
  if (range != 0) judgeKeys(heap, keys, keyCount, keyVerdicts, range);
  judgeHashes(heap, hashes, hashCount, hashVerdicts, range);
  reason = 0;
  for (let n: u32 = 0; n < found; n++) {
    const row = first + <usize>n * ROW_SIZE;
    let why: u8 = 0;
    const key = load<u32>(row, ROW_KEY);
    if (key < keyCount) {
      store<u64>(row, load<u64>(keys + (<usize>key << 3)), ROW_KEY);
      if (range != 0) why = load<u8>(keyVerdicts + (<usize>key << 4));
    } else {
      why = BAD_KEY_INDEX;
      store<u64>(row, load<u64>(outer, ROW_KEY), ROW_KEY);
    }
    if (load<u32>(row, ROW_HASH + 4) != ABSENT) {
      const hash = load<u32>(row, ROW_HASH);
      if (hash < hashCount) {
        store<u64>(row, load<u64>(hashes + (<usize>hash << 3)), ROW_HASH);
        if (why != BAD_KEY_INDEX) why = load<u8>(hashVerdicts + (<usize>hash << 4));
      } else {
        store<u32>(row, ABSENT, ROW_HASH + 4);
        if (why != BAD_KEY_INDEX) why = BAD_HASH_INDEX;
      }
    }
    if (why == 0) continue;
    if (reason == 0) {
      reason = why;
      culprit = n;
    }
    if (flags & AS_KCL) return why == OUT_OF_RANGE ? 0 : n;
    store<u8>(status + n, AGGREGATED | why);
  }
  return found;
}

// A verdict is the first byte of 16 an entry: 0 or the reason.
function judgeKeys(heap: usize, keys: usize, count: u32, verdicts: usize, range: usize): void {
  md5Many(heap, keys, 8, count, verdicts);
  for (const end = verdicts + (<usize>count << 4); verdicts < end; verdicts += 16, keys += 8) {
    const key = heap + load<usize>(keys), size = load<usize>(keys, 4);
    if (validUtf8(key, key + size) != key + size) md5Repaired(key, size, verdicts);
    store<u8>(verdicts, inside(verdicts, range) ? 0 : OUT_OF_RANGE);
  }
}

function judgeHashes(heap: usize, hashes: usize, count: u32, verdicts: usize, range: usize): void {
  for (let i: usize = 0; i < <usize>count; i++, verdicts += 16) {
    const bad = parseHashKey(heap + load<usize>(hashes + (i << 3)), load<usize>(hashes + (i << 3), 4), verdicts);
    let why: u8 = 0;
    if (bad != 0) why = bad == HASH_RANGE ? OUT_OF_RANGE : BAD_HASH_KEY;
    else if (range != 0 && !inside(verdicts, range)) why = OUT_OF_RANGE;
    store<u8>(verdicts, why);
  }
}

function inside(hashKey: usize, range: usize): bool {
  const high = loadBE64(hashKey), low = loadBE64(hashKey + 8);
  const firstHigh = loadBE64(range), lastHigh = loadBE64(range + 16);
  return (high > firstHigh || (high == firstHigh && low >= loadBE64(range + 8))) && (high < lastHigh || (high == lastHigh && low <= loadBE64(range + 24)));
}

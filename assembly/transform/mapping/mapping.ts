// The kernel of declarative mappings: one JSON object of a record, read, judged, turned away or written anew.
import { fault, NO_MEMORY, OUTPUT_FULL } from "../../memory";
import { DROPPED, takeTo } from "../outcome";
import { failedAt, failedNode, full, openSink, out } from "./sink";
import { faultAt, faultReason, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_UTF8, setBlankFeed, skipBlank } from "../../codec/json";
import { FLAG_CSV, header, HEADER_FLAGS, HEADER_META, HEADER_OUTPUTS, HEADER_SIZE, NODE, nodes, openProgram, startItem } from "./program";
import { meets, NO_ROOM } from "./where";
import { callOver, memoryLost, noteMetadata, openMetadata, sameMetadata } from "./metadata";
import { openSplices, splicesLost, startSplices } from "./splices";
import { scanRecord } from "./scan";
import { validUtf8 } from "../../codec/utf8";
import { writeCsv } from "./csv";
import { writeRecord } from "./write";

/** Reasons for a record that fails, beside those of JSON; with the field's node << 8. */
export const MAP_CAST: i32 = 80; // a value that cannot be what it is to be cast to
export const MAP_METADATA: i32 = 81; // a partition key or a part of the routing: no text, and no default
export const MAP_DIFFERS: i32 = 82; // other metadata than the records before it in one
export const MAP_SIZE: i32 = 83; // an output that is out of all proportion to the record

/** The metadata's entry of the record at hand, 0 while it has none. */
export let recordMetadata: u32 = 0;

/** Opens the program at `address` for a call; false where memory cannot grow. */
export function openMapping(address: usize): bool {
  return openProgram(address) && openSplices() && openMetadata();
}

/** Before the first item of a record. */
export function startMapped(): void {
  recordMetadata = 0;
}

/** A kernel (outcome.ts): one JSON object. */
export function mapItem(p: usize, end: usize, dst: usize, room: usize): i32 {
  store<u8>(end, 0);
  setBlankFeed(true);
  const start = skipBlank(p);
  if (start >= end) return fault(start, 0, JSON_TEXT_ENDS);
  if (load<u8>(start) != 0x7b) return fault(start, 0, JSON_NOT_OBJECT);
  startItem(end - start);
  startSplices();
  const behind = scanRecord(start);
  if (splicesLost) return NO_MEMORY;
  if (behind == 0) return fault(faultAt, 0, faultAt >= end ? JSON_TEXT_ENDS : faultReason);
  const wrong = validUtf8(start, behind);
  if (wrong != behind) return fault(wrong, 0, JSON_UTF8);
  takeTo(skipBlank(behind));

  const last = dst + room;
  const verdict = meets(dst, last);
  if (verdict == NO_ROOM) return OUTPUT_FULL;
  if (verdict == 0) return DROPPED;
  if (header(HEADER_META + 4) != 0) {
    const entry = noteMetadata(start, dst, last);
    if (entry == 0) return memoryLost ? NO_MEMORY : callOver ? OUTPUT_FULL : failure(MAP_METADATA);
    if (recordMetadata != 0 && !sameMetadata(entry, recordMetadata)) return fault(start, 0, MAP_DIFFERS);
    recordMetadata = entry;
  }
  openSink(dst, room);
  if (header(HEADER_FLAGS) & FLAG_CSV) writeCsv();
  else writeRecord();
  if (failedAt != 0) return failure(MAP_CAST);
  if (full) return <u64>room > most(behind - start) ? fault(start, 0, MAP_SIZE) : OUTPUT_FULL;
  return <i32>(out - dst);
}

/**
 * Bytes that the output of `size` bytes of text may have: what the mapping puts in and each of its outputs once, and 16 times the text,
 * for hashes of short values and names joined by flattening, which else grow with the square of the record.
 */
function most(size: usize): u64 {
  return (16 + <u64>header(HEADER_OUTPUTS + 4)) * <u64>size + <u64>header(HEADER_SIZE) + 4096;
}

function failure(reason: i32): i32 {
  return fault(failedAt, 0, reason | <i32>((failedNode - nodes) / NODE << 8));
}

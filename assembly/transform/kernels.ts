// The kernels by number: outcome.ts says what one is.
import { OUTPUT_FULL } from "../memory";
import { mapItem, openMapping, recordMetadata, startMapped } from "./mapping/mapping";
import { apache } from "./apache";
import { jsonRow } from "./json-row";
import { takeTo } from "./outcome";
import { streamRecord } from "./stream-record";
import { syslog } from "./syslog";

/** The record as it is. */
export const KERNEL_IDENTITY: i32 = 0;
/** A declarative mapping; options: the address of its program. */
export const KERNEL_MAPPING: i32 = 3;
/** Lines of Apache's access logs to JSON, or with the option CSV to that. */
export const KERNEL_APACHE: i32 = 1;
/** Lines of syslog, RFC 3164 and 5424, in the same way. */
export const KERNEL_SYSLOG: i32 = 2;
/** JSON objects to rows of CSV. */
export const KERNEL_JSON_ROW: i32 = 4;
/** DynamoDB stream records to JSON objects. */
export const KERNEL_STREAM_RECORD: i32 = 5;

export const CSV: usize = 1;

/** `options`: bits, or the address of what the kernel goes by. */
export function runKernel(kernel: i32, options: usize, p: usize, end: usize, dst: usize, room: usize): i32 {
  switch (kernel) {
    case KERNEL_MAPPING: return mapItem(p, end, dst, room);
    case KERNEL_APACHE: return apache(p, end, dst, room, options == CSV);
    case KERNEL_SYSLOG: return syslog(p, end, dst, room, options == CSV);
    case KERNEL_JSON_ROW: return jsonRow(p, end, dst, room);
    case KERNEL_STREAM_RECORD: return streamRecord(p, end, dst, room);
    default: return identity(p, end, dst, room);
  }
}

function identity(p: usize, end: usize, dst: usize, room: usize): i32 {
  const size = end - p;
  if (size > room) return OUTPUT_FULL;
  memory.copy(dst, p, size);
  takeTo(end);
  return <i32>size;
}

/** Before the records of a call; false where memory cannot grow. */
export function openKernel(kernel: i32, options: usize): bool {
  return kernel != KERNEL_MAPPING || openMapping(options);
}

/** Before the items of a record. */
export function startRecord(kernel: i32): void {
  if (kernel == KERNEL_MAPPING) startMapped();
}

/** What is to be said of the record at hand beside its output: the entry of its metadata, or 0. */
export function noteOf(kernel: i32): u32 {
  return kernel == KERNEL_MAPPING ? recordMetadata : 0;
}

// The kernels by number: outcome.ts says what one is.
import { OUTPUT_FULL } from "../memory";
import { apache } from "./apache";
import { jsonRow } from "./json-row";
import { takeTo } from "./outcome";
import { streamRecord } from "./stream-record";
import { syslog } from "./syslog";

/** The record as it is. */
export const KERNEL_IDENTITY: i32 = 0;
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

// One crossing a batch: records in, what a kernel makes of them out, base64 on both sides or on neither.
//
// A row of the record table, little-endian u32:
//   0        4      8        12    16     20       24         28
//   | source | size | status | out | size | reason | position | note |
//   source: offset of the record's text or bytes from `heap`    status: OK, SAME, DROPPED, BAD_INPUT, ASK_HOST
//   out: offset of the output in dst                 reason, position: of BAD_INPUT, the position in the decoded record
import { base64Decode, base64Encode } from "../codec/base64";
import { equalBytes } from "../bytes";
import { BAD_INPUT, NO_MEMORY, OUTPUT_FULL, report, SLACK, tell } from "../memory";
import { KERNEL_IDENTITY, noteOf, openKernel, runKernel, startRecord } from "./kernels";
import { ASK_HOST, DROPPED, OK, SAME, taken } from "./outcome";

export const RECORD_ROW: usize = 32;

/** Flag: sources are base64 texts, and outputs become such. A text that is not canonical is ASK_HOST. */
export const TEXTS: u32 = 1;
/** Flag beside TEXTS: the host has decoded the texts; up to SLACK bytes behind each are the kernel's. A size of NOT_CANONICAL: it could not. */
export const DECODED: u32 = 16;
export const NOT_CANONICAL: u32 = 0xffffffff;
/** Flags: what begins like gzip, a KPL aggregate, an envelope of CloudWatch Logs is ASK_HOST. */
export const GZIP: u32 = 2;
export const AGGREGATES: u32 = 4;
export const LOGS: u32 = 8;

/**
 * Runs the kernel over `count` rows. `delimiter` is put behind each output that does not end with it.
 * `work` holds one record decoded and, of texts, its output. Gives the rows done, reported with the
 * bytes of `dst`; where that is fewer than `count`, dst was full, or of no row at all: dst or work is too
 * small for the first one.
 */
export function transformRecords(
  heap: usize, table: usize, count: u32, kernel: i32, options: usize, delimiter: usize, delimiterSize: usize, flags: u32, work: usize, workSize: usize, dst: usize, cap: usize,
): i32 {
  if (!openKernel(kernel, options)) return NO_MEMORY;
  const last = dst + cap;
  let d = dst, done: u32 = 0;
  for (; done < count; done++) {
    const row = table + <usize>done * RECORD_ROW;
    const src = heap + <usize>load<u32>(row), size = <usize>load<u32>(row, 4);
    if (<u32>size == NOT_CANONICAL) {
      store<i32>(row, ASK_HOST, 8);
      continue;
    }
    if (size + 2 * SLACK > workSize) break;
    let len = size, from = work;
    if (flags & TEXTS) {
      if (flags & DECODED) from = src;
      else {
        const got = base64Decode(src, size, work, workSize - SLACK, false);
        if (got < 0) {
          store<i32>(row, ASK_HOST, 8);
          continue;
        }
        len = got;
      }
      if (mustOpen(from, len, flags)) {
        store<i32>(row, ASK_HOST, 8);
        continue;
      }
      if (kernel == KERNEL_IDENTITY && delimiterSize == 0) {
        store<i32>(row, len == 0 ? DROPPED : SAME, 8);
        continue;
      }
    } else memory.copy(work, src, size);
    // of texts the output becomes text in dst, of bytes it is made there
    let out = d, end = last;
    if (flags & TEXTS) {
      out = (work + len + SLACK + 15) & ~15;
      end = work + workSize;
    }
    const made = transform(kernel, options, from, from + len, out, end, delimiter, delimiterSize);
    if (made == OUTPUT_FULL) break;
    if (made <= 0) {
      store<i32>(row, made == 0 ? DROPPED : made, 8);
      if (made == BAD_INPUT) {
        store<u32>(row, load<u32>(report(), 16), 20);
        store<u32>(row, load<u32>(report(), 8) - <u32>from, 24);
      }
      continue;
    }
    let written = made;
    if (flags & TEXTS) {
      written = base64Encode(out, made, d, last - d);
      if (written < 0) break;
    }
    store<i32>(row, OK, 8);
    store<u32>(row, noteOf(kernel), 28);
    store<u32>(row, <u32>(d - dst), 12);
    store<u32>(row, written, 16);
    d += written;
  }
  tell(done, d - dst);
  return done;
}

/** All items of one record; gives the bytes written to [out, last), or why there are none. */
function transform(kernel: i32, options: usize, p: usize, end: usize, out: usize, last: usize, delimiter: usize, delimiterSize: usize): i32 {
  startRecord(kernel);
  const start = out, least = delimiterSize + SLACK;
  do {
    if (out + least > last) return OUTPUT_FULL;
    const size = runKernel(kernel, options, p, end, out, last - out - least);
    if (size >= 0) {
      out += size;
      if (<usize>size < delimiterSize || !equalBytes(out - delimiterSize, delimiter, delimiterSize)) {
        memory.copy(out, delimiter, delimiterSize);
        out += delimiterSize;
      }
    } else if (size != DROPPED) return size;
    p = taken;
  } while (p < end);
  return <i32>(out - start);
}

/** Whether the host must look into the record: the magic numbers of open.ts, on the host's side. */
function mustOpen(p: usize, len: usize, flags: u32): bool {
  const four = load<u32>(p);
  if (flags & GZIP && (four & 0xffffff) == 0x088b1f && len > 2) return true;
  if (flags & AGGREGATES && four == 0xc29a89f3 && len > 4) return true;
  return (flags & LOGS) != 0 && four == load<u32>(ENVELOPE) && len > 16 && equalBytes(p, ENVELOPE, 16);
}

// {"messageType":"
const ENVELOPE: usize = memory.data<u8>([0x7b, 0x22, 0x6d, 0x65, 0x73, 0x73, 0x61, 0x67, 0x65, 0x54, 0x79, 0x70, 0x65, 0x22, 0x3a, 0x22]);

// The kernels by number: outcome.ts says what one is.
import { OUTPUT_FULL } from "../memory";
import { mapItem, openMapping, recordMetadata, startMapped } from "./mapping/mapping";
import { takeTo } from "./outcome";

/** The record as it is. */
export const KERNEL_IDENTITY: i32 = 0;
/** A declarative mapping; options: the address of its program. */
export const KERNEL_MAPPING: i32 = 16;

/** `options`: bits, or the address of what the kernel goes by. */
export function runKernel(kernel: i32, options: usize, p: usize, end: usize, dst: usize, room: usize): i32 {
  switch (kernel) {
    case KERNEL_MAPPING: return mapItem(p, end, dst, room);
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
export function startBatch(kernel: i32, options: usize): bool {
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

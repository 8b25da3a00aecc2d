// The arena: one bump allocator from __heap_base upward, and the report block.
//
//   0        static data        __heap_base        top                memory.size << 16
//   |--------|------------------|------------------|------------------|
//            tables, report     reserved blocks    free, grown on demand
//
// A caller takes mark(), reserves what the batch needs, calls kernels, reads the result and
// rewinds. There is no free(): what outlives a batch is reserved before the first mark or lives in
// an instance of its own. Every block is followed by SLACK readable bytes, so kernels may load 16
// bytes at a time from the last byte of any buffer without leaving memory.

/** Status codes: what a kernel returns instead of a size. The host knows them by name from the generated core.ts. */
export const OUTPUT_FULL: i32 = -1; // dst is too small: grow and call again
export const BAD_INPUT: i32 = -2; // the report says where and why
export const NO_MEMORY: i32 = -3; // the arena cannot grow any more
export const INPUT_ENDS: i32 = -4; // src ends inside an item: refill and call again

/** Readable bytes behind every block, the widest load of any kernel. */
export const SLACK: usize = 64;

// The report block, 32 bytes, little-endian:
//   0          4          8          12         16         20        32
//   | consumed | produced | position | record   | detail   | spare   |
//   consumed: units of src taken      produced: units written to dst
//   position: byte offset in src of the fault     record: index of the faulty record
//   detail: the kernel's own reason code
const REPORT: usize = memory.data(32, 16);

/** Address of the report block. */
export function report(): usize {
  return REPORT;
}

// @ts-ignore: decorator
@inline
export function tell(consumed: usize, produced: usize): void {
  store<u32>(REPORT, <u32>consumed);
  store<u32>(REPORT, <u32>produced, 4);
}

/** Beside tell(): the first spare word. */
// @ts-ignore: decorator
@inline
export function tellSpare(value: usize): void {
  store<u32>(REPORT, <u32>value, 20);
}

// @ts-ignore: decorator
@inline
export function fault(position: usize, record: u32, detail: i32): i32 {
  store<u32>(REPORT, <u32>position, 8);
  store<u32>(REPORT, record, 12);
  store<i32>(REPORT, detail, 16);
  return BAD_INPUT;
}

let top: usize = (__heap_base + 15) & ~15;

/** The arena's current end; give it back to rewind(). */
export function mark(): usize {
  return top;
}

/** Forgets every block reserved since mark() returned `to`. */
export function rewind(to: usize): void {
  top = to;
}

/** A 16-byte aligned block of `size` bytes with SLACK behind it, or 0 when memory cannot grow. */
export function reserve(size: usize): usize {
  const start = top;
  // u64: start + size may pass 2^32
  const end: u64 = ((<u64>start + <u64>size + 15) & ~15) + <u64>SLACK;
  const have: u64 = (<u64>memory.size()) << 16;
  if (end > have) {
    const want = <i32>((end - have + 0xffff) >> 16);
    // Grow by half again where that is possible: growing is cheap, but it detaches every view.
    const more = <i32>(have >> 17);
    if (memory.grow(max(want, more)) < 0 && memory.grow(want) < 0) return 0;
  }
  top = <usize>end;
  return start;
}

// What becomes of a record, and what a kernel of one record is.
//
//   kernel(p, end, dst, room): i32
//
// takes the next item (a line, a JSON value, all there is) of the record's bytes [p, end) and writes what
// it becomes to dst, at most `room` bytes. It gives the bytes written, or
//   DROPPED      nothing comes of this item           OUTPUT_FULL  `room` is too small: called again with more
//   BAD_INPUT    fault(address, 0, reason) was called, and the whole record fails
//   ASK_HOST     the host must see to this record
// and calls takeTo() with the address where the next item begins (not after BAD_INPUT and ASK_HOST).
// The bytes are the kernel's own copy, with SLACK bytes behind `end` that it may read and write (sentinels);
// `dst` has SLACK writable bytes behind `room`.

export const OK: i32 = 0;
/** The output is the very text that came in. */
export const SAME: i32 = 1;
export const DROPPED: i32 = -5;
export const ASK_HOST: i32 = -6;

export let taken: usize = 0;

// @ts-ignore: decorator
@inline
export function takeTo(p: usize): void {
  taken = p;
}

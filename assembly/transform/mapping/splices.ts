// What is to be written otherwise than it stands: stretches of the record's text, in its order.
//
// A splice, 16 bytes:  0       4     8      12
//                      | start | end | kind | node |
// One inside another's stretch does not count: the outer one replaces it all.
import { reserve } from "../../memory";

/** A value that becomes another by the node's edit. */
export const SPLICE_VALUE: u32 = 0;
/** A key that becomes another. */
export const SPLICE_KEY: u32 = 1;
/** A member that goes, with one comma. */
export const SPLICE_GONE: u32 = 2;

export const SPLICE: usize = 16;

export let splices: usize = 0;
export let spliceCount: u32 = 0;
let capacity: u32 = 0;
/** Memory could not grow. */
export let splicesLost: bool = false;

/** Makes room for those of most records; false where memory cannot grow. */
export function openSplices(): bool {
  capacity = 256;
  splices = reserve(<usize>capacity * SPLICE);
  return splices != 0;
}

export function startSplices(): void {
  spliceCount = 0;
  splicesLost = false;
}

/** Notes a splice and gives its index; its end is settled later. */
export function addSplice(start: usize, end: usize, kind: u32, node: usize): u32 {
  if (spliceCount == capacity) {
    const more = reserve(<usize>capacity * 2 * SPLICE);
    if (more == 0) {
      splicesLost = true;
      return spliceCount - 1;
    }
    memory.copy(more, splices, <usize>capacity * SPLICE);
    splices = more;
    capacity *= 2;
  }
  const s = splices + <usize>spliceCount * SPLICE;
  store<u32>(s, <u32>start);
  store<u32>(s, <u32>end, 4);
  store<u32>(s, kind, 8);
  store<u32>(s, <u32>node, 12);
  return spliceCount++;
}

// @ts-ignore: decorator
@inline
export function endSplice(index: u32, end: usize): void {
  store<u32>(splices + <usize>index * SPLICE, <u32>end, 4);
}

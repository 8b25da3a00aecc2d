// What Snappy and LZ4 share: where to look for a match, and how long it is.
//
// A place is found by its 5 bytes: one of 4 saves a byte or none, and looking at it costs as much as
// at any other (pages of 8-byte numbers and of short strings: 3 to 8 % faster, no larger).

/** Bytes that must be left from a match on: matchSize compares 16 at once. */
export const MATCH_MARGIN: usize = 16;

/** The top `64 - shift` bits of the hash of the first 5 of 8 bytes. */
// @ts-ignore: decorator
@inline
export function matchSlot(bytes: u64, shift: u64): usize {
  return <usize>((bytes << 24) * 0x9e3779b185ebca87 >> shift);
}

/** How many bytes from `a` equal those from `b`; the first 4 do, and `end` is MATCH_MARGIN or more behind `b`. */
// @ts-ignore: decorator
@inline
export function matchSize(a: usize, b: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
    if (equal != 0xffff) return <usize>ctz(~equal);
    return longMatch(a, b, 16, end);
  }
  return longMatch(a, b, 4, end);
}

function longMatch(a: usize, b: usize, done: usize, end: usize): usize {
  const most = end - b;
  for (; done < most; done += 8) {
    const differ = load<u64>(a + done) ^ load<u64>(b + done);
    if (differ != 0) return min(most, done + (<usize>ctz(differ) >> 3));
  }
  return most;
}

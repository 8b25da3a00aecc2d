// XXH64 with seed 0 (xxHash fast digest algorithm, specification 0.1.1): the hash of Parquet's bloom filters.
const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** The hash of `size` bytes at `at`. */
export function xxHash64(at: usize, size: usize): u64 {
  const end = at + size;
  let h: u64 = P5;
  if (size >= 32) {
    let a: u64 = P1 + P2, b: u64 = P2, c: u64 = 0, d: u64 = 0 - P1;
    do {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
      at += 32;
    } while (at + 32 <= end);
    h = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    h = merge(merge(merge(merge(h, a), b), c), d);
  }
  h += <u64>size;
  for (; at + 8 <= end; at += 8) h = rotl(h ^ round(0, load<u64>(at)), 27) * P1 + P4;
  if (at + 4 <= end) {
    h = rotl(h ^ <u64>load<u32>(at) * P1, 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) h = rotl(h ^ <u64>load<u8>(at) * P5, 11) * P1;
  h = (h ^ (h >> 33)) * P2;
  h = (h ^ (h >> 29)) * P3;
  return h ^ (h >> 32);
}

// @ts-ignore: decorator
@inline
function round(lane: u64, word: u64): u64 {
  return rotl(lane + word * P2, 31) * P1;
}

// @ts-ignore: decorator
@inline
function merge(h: u64, lane: u64): u64 {
  return (h ^ round(0, lane)) * P1 + P4;
}

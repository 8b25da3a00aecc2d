// UTF-8 validation (RFC 3629; Unicode 15 table 3-7): no overlong forms, no surrogates, nothing
// above U+10FFFF. The verdict of TextDecoder with fatal: true, and the place where it falls.

/**
 * Address of the first byte of [p, end) that does not belong to a complete, well-formed sequence;
 * `end` where all do. Reads up to 16 bytes past `end`.
 */
export function validUtf8(p: usize, end: usize): usize {
  while (true) {
    p = skipAscii(p, end);
    // One run of non-ASCII text, sequence by sequence.
    for (;;) {
      if (p >= end) return end;
      const a: u32 = load<u8>(p);
      if (a < 0x80) break;
      const size = sequenceSize(p, a);
      if (size == 0 || p + size > end) return p;
      p += size;
    }
  }
}

function skipAscii(p: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    for (; p + 64 <= end; p += 64) {
      const low = v128.or(v128.load(p), v128.load(p, 16)), up = v128.or(v128.load(p, 32), v128.load(p, 48));
      if (i8x16.bitmask(v128.or(low, up))) break;
    }
  }
  for (; p + 8 <= end; p += 8) if (load<u64>(p) & 0x8080808080808080) break;
  while (p < end && load<u8>(p) < 0x80) p++;
  return p;
}

/** Bytes of the well-formed sequence of two bytes or more that lead byte `a` opens at `p`, or 0. */
function sequenceSize(p: usize, a: u32): usize {
  const b: u32 = load<u8>(p, 1);
  if (a < 0xc2) return 0;
  if (a < 0xe0) return (b & 0xc0) == 0x80 ? 2 : 0;
  if ((load<u8>(p, 2) & 0xc0) != 0x80) return 0;
  if (a < 0xf0) {
    const from: u32 = a == 0xe0 ? 0xa0 : 0x80, to: u32 = a == 0xed ? 0x9f : 0xbf;
    return b >= from && b <= to ? 3 : 0;
  }
  if (a > 0xf4 || (load<u8>(p, 3) & 0xc0) != 0x80) return 0;
  const from: u32 = a == 0xf0 ? 0x90 : 0x80, to: u32 = a == 0xf4 ? 0x8f : 0xbf;
  return b >= from && b <= to ? 4 : 0;
}

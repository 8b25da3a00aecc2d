// UTF-8 validation (RFC 3629; Unicode 15 table 3-7): no overlong forms, no surrogates, nothing
// above U+10FFFF. The verdict of TextDecoder with fatal: true, and the place where it falls.
//
// SIMD: three lookups by nibble, of the byte before and of this one, leave a bit for each way two
// bytes can be wrong together; what must be a third or fourth byte is told from the lead two or
// three back (Keiser and Lemire 2021, Validating UTF-8 in less than one instruction per byte).

// Bits of the tables: 01 too short, 02 too long, 04 overlong of 3, 08 too large, 10 surrogate,
// 20 overlong of 2, 40 too large or overlong of 4, 80 two continuations (right only in 3 and 4).
const TABLES: usize = memory.data<u8>([
  0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x80, 0x80, 0x80, 0x80, 0x21, 0x01, 0x15, 0x49, // high nibble of the byte before
  0xe7, 0xa3, 0x83, 0x83, 0x8b, 0xcb, 0xcb, 0xcb, 0xcb, 0xcb, 0xcb, 0xcb, 0xcb, 0xdb, 0xcb, 0xcb, // its low nibble
  0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0xe6, 0xae, 0xba, 0xba, 0x01, 0x01, 0x01, 0x01, // high nibble of this byte
], 16);

/**
 * Address of the first byte of [p, end) that does not belong to a complete, well-formed sequence;
 * `end` where all do. Reads up to 16 bytes past `end`.
 */
export function validUtf8(p: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    // The lookups read three bytes back, and what lies before the text is not ours to judge by.
    const from = p + 3;
    while (p < from) {
      if (p >= end) return end;
      const size = sequenceSize(p);
      if (size == 0 || p + size > end) return p;
      p += size;
    }
    let open = false;
    for (; p + 64 <= end; p += 64) {
      const any = i8x16.bitmask(v128.or(v128.or(v128.load(p), v128.load(p, 16)), v128.or(v128.load(p, 32), v128.load(p, 48))));
      if (any == 0 && !open) continue;
      const errors = v128.or(v128.or(errorsOf(p), errorsOf(p + 16)), v128.or(errorsOf(p + 32), errorsOf(p + 48)));
      if (v128.any_true(errors)) break;
      open = load<u8>(p, 63) >= 0xc0 || load<u8>(p, 62) >= 0xe0 || load<u8>(p, 61) >= 0xf0;
    }
    // Back to the start of the sequence in hand: it was not judged whole.
    while ((load<u8>(p - 1) & 0xc0) == 0x80) p--;
    if (load<u8>(p - 1) >= 0xc0) p--;
  }
  while (p < end) {
    if (p + 8 <= end && (load<u64>(p) & 0x8080808080808080) == 0) {
      p += 8;
      continue;
    }
    const size = sequenceSize(p);
    if (size == 0 || p + size > end) return p;
    p += size;
  }
  return end;
}

/** A bit set wherever the 16 bytes at `p`, read after the three before them, are wrong. */
// @ts-ignore: decorator
@inline
function errorsOf(p: usize): v128 {
  const v = v128.load(p), before = v128.load(p - 1);
  const pairs = v128.and(
    v128.and(
      i8x16.swizzle(v128.load(TABLES), i8x16.shr_u(before, 4)),
      i8x16.swizzle(v128.load(TABLES, 16), v128.and(before, i8x16.splat(15))),
    ),
    i8x16.swizzle(v128.load(TABLES, 32), i8x16.shr_u(v, 4)),
  );
  const third = i8x16.sub_sat_u(v128.load(p - 2), i8x16.splat(0x60)), fourth = i8x16.sub_sat_u(v128.load(p - 3), i8x16.splat(0x70));
  return v128.xor(v128.and(v128.or(third, fourth), i8x16.splat(-128)), pairs);
}

/** Bytes of the well-formed sequence at `p`, or 0. */
function sequenceSize(p: usize): usize {
  const a: u32 = load<u8>(p), b: u32 = load<u8>(p, 1);
  if (a < 0x80) return 1;
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

// Bytes out of text: hex digits (RFC 4648 section 8, either case) and UUIDs (RFC 9562 section 4, the
// 36 characters of 8-4-4-4-12 or the 32 digits alone). Base64 is codec/base64.ts's.

// Hex digits 0 to f by what is left of '0' and, in lower case, of 'a'.
// @ts-ignore: decorator
@inline
function nibble(c: u32): u32 {
  if (c - 0x30 < 10) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 16;
}

/** The nibbles of 16 characters; those that are no hex digits have bit 7 set. */
// @ts-ignore: decorator
@inline
function nibbles(v: v128): v128 {
  const figure = i8x16.sub(v, i8x16.splat(0x30));
  const letter = i8x16.sub(v128.or(v, i8x16.splat(0x20)), i8x16.splat(0x61));
  const bad = v128.andnot(i8x16.gt_u(letter, i8x16.splat(5)), i8x16.lt_u(figure, i8x16.splat(10)));
  return v128.or(v128.bitselect(figure, i8x16.add(letter, i8x16.splat(10)), i8x16.lt_u(figure, i8x16.splat(10))), bad);
}

/** 16 bytes of 32 nibbles. */
// @ts-ignore: decorator
@inline
function pack(first: v128, second: v128): v128 {
  const low = v128.and(v128.or(i16x8.shl(first, 4), i16x8.shr_u(first, 8)), i16x8.splat(0xff));
  const high = v128.and(v128.or(i16x8.shl(second, 4), i16x8.shr_u(second, 8)), i16x8.splat(0xff));
  return i8x16.narrow_i16x8_u(low, high);
}

/** `size` hex digits at `p` to size / 2 bytes at `to`, which may be `p`; false where they are none. Writes up to 16 bytes. */
export function hexBytes(p: usize, size: usize, to: usize): bool {
  if (size & 1) return false;
  const end = p + size;
  if (ASC_FEATURE_SIMD) {
    for (; p + 32 <= end; p += 32, to += 16) {
      const first = nibbles(v128.load(p)), second = nibbles(v128.load(p, 16));
      if (i8x16.bitmask(v128.or(first, second))) return false;
      v128.store(to, pack(first, second));
    }
  }
  for (; p < end; p += 2) {
    const byte = (nibble(load<u8>(p)) << 8) | nibble(load<u8>(p, 1));
    if (byte & 0x1010) return false;
    store<u8>(to++, <u8>((byte >> 4) | byte));
  }
  return true;
}

/** The UUID of `size` characters at `p` as 16 bytes to `slot`; false where it is none. */
export function uuidBytes(p: usize, size: usize, slot: usize): bool {
  if (size == 32) return hexBytes(p, size, slot);
  if (size != 36 || load<u8>(p, 8) != 0x2d || load<u8>(p, 13) != 0x2d || load<u8>(p, 18) != 0x2d || load<u8>(p, 23) != 0x2d) return false;
  if (ASC_FEATURE_SIMD) {
    const first = nibbles(i8x16.shuffle(v128.load(p), v128.load(p, 2), 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 28, 29, 30, 31));
    const second = nibbles(i8x16.shuffle(v128.load(p, 19), v128.load(p, 20), 0, 1, 2, 3, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
    if (i8x16.bitmask(v128.or(first, second))) return false;
    v128.store(slot, pack(first, second));
    return true;
  }
  return hexBytes(p, 8, slot) && hexBytes(p + 9, 4, slot + 4) && hexBytes(p + 14, 4, slot + 6) && hexBytes(p + 19, 4, slot + 8) && hexBytes(p + 24, 12, slot + 10);
}

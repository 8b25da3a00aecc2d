// Base64, RFC 4648 section 4, byte to byte; 16 characters an instruction stream (the nibble
// look-ups of W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2 Instructions").
//
// Strict: what section 3 of the RFC calls canonical: "+/" alphabet, right padding, zero trailing
//   bits, nothing else.
// Lenient: what real events hold and decoders in use accept: also "-" and "_" (section 5), ASCII
//   white space anywhere, no padding or too much of it at the end, trailing bits of any value. Still
//   refused, where Buffer would silently drop it: any other byte, characters after padding, and one
//   character alone at the end, whose 6 bits make no byte.
import { BAD_INPUT, fault, OUTPUT_FULL, tell } from "../memory";

/** Report detail: a byte that cannot stand at this position. */
export const BASE64_BYTE: i32 = 1;
/** Report detail: the text ends inside a group of four. */
export const BASE64_ENDS: i32 = 2;
/** Report detail: the last character before the padding has bits that no byte takes (position: that character). */
export const BASE64_BITS: i32 = 3;

const ALPHABET: usize = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90,
  97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117,
  118, 119, 120, 121, 122, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 43, 47,
]);

// Per byte: the sextet; URL + sextet for "-" and "_"; or one of the marks.
const URL: u32 = 0x40;
const SPACE: u32 = 0x80;
const PAD: u32 = 0x81;
const VALUE: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 128, 128, 255, 128, 128, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  128, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 62, 255, 126, 255, 63,
  52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 255, 255, 255, 129, 255, 255,
  255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 255, 255, 255, 255, 127,
  255, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
  41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
]);

// v128 constants live in memory: Node 24 would rematerialise each v128.const at each use.
const ENCODE: usize = memory.data<u8>([
  1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, // bytes b1 b0 b2 b1 of each group of three
  0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0,
  0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0x3f, 0,
  0xf0, 0x03, 0x3f, 0, 0xf0, 0x03, 0x3f, 0, 0xf0, 0x03, 0x3f, 0, 0xf0, 0x03, 0x3f, 0,
  0x10, 0, 0, 1, 0x10, 0, 0, 1, 0x10, 0, 0, 1, 0x10, 0, 0, 1,
  71, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 237, 240, 65, 0, 0, // what to add, by class of the sextet
], 16);
const DECODE: usize = memory.data<u8>([
  0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a, // faults by low nibble
  0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, // and by high nibble
  0, 16, 19, 4, 191, 191, 185, 185, 0, 0, 0, 0, 0, 0, 0, 0, // what to add, by high nibble ("/": one less)
  0, 0x10, 1, 0, 0, 0x10, 1, 0, 0, 0x10, 1, 0, 0, 0x10, 1, 0, // 2^12 and 1
  2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255,
], 16);

/** src[0, len) as padded base64 to dst; needs 4 * ceil(len / 3) bytes there. Gives the size. */
export function base64Encode(src: usize, len: usize, dst: usize, cap: usize): i32 {
  if ((<u64>len + 2) / 3 * 4 > <u64>cap) return OUTPUT_FULL;
  const end = src + len;
  let s = src, d = dst;
  if (ASC_FEATURE_SIMD) {
    const spread = v128.load(ENCODE), first = v128.load(ENCODE, 16), third = v128.load(ENCODE, 32);
    const others = v128.load(ENCODE, 48), shifts = v128.load(ENCODE, 64), add = v128.load(ENCODE, 80);
    const c51 = i8x16.splat(51), c26 = i8x16.splat(26), c13 = i8x16.splat(13);
    for (; s + 12 <= end; s += 12, d += 16) {
      const x = i8x16.swizzle(v128.load(s), spread);
      const sextets = v128.or(
        v128.or(v128.and(i16x8.shr_u(x, 10), first), v128.and(i16x8.shr_u(x, 6), third)),
        i16x8.mul(v128.and(x, others), shifts),
      );
      const kind = v128.or(i8x16.sub_sat_u(sextets, c51), v128.and(i8x16.gt_s(c26, sextets), c13));
      v128.store(d, i8x16.add(sextets, i8x16.swizzle(add, kind)));
    }
  }
  for (; s + 3 <= end; s += 3, d += 4) {
    const bits = <u32>load<u8>(s) << 16 | <u32>load<u8>(s, 1) << 8 | <u32>load<u8>(s, 2);
    store<u32>(d, letter(bits >> 18) | letter(bits >> 12) << 8 | letter(bits >> 6) << 16 | letter(bits) << 24);
  }
  if (s < end) {
    const two = s + 2 == end;
    const bits = <u32>load<u8>(s) << 16 | (two ? <u32>load<u8>(s, 1) << 8 : 0);
    store<u32>(d, letter(bits >> 18) | letter(bits >> 12) << 8 | (two ? letter(bits >> 6) : 61) << 16 | 61 << 24);
    d += 4;
  }
  tell(len, d - dst);
  return <i32>(d - dst);
}

// @ts-ignore: decorator
@inline
function letter(sextet: u32): u32 {
  return load<u8>(ALPHABET + (sextet & 63));
}

/**
 * The bytes that src[0, len) stands for, to dst, which may be src itself or lie before it. Needs
 * floor(3 * (len - padding) / 4) bytes there, of the padding at most two characters counted.
 * BAD_INPUT: the report has the position of the first bad byte (len: the text ends too early).
 */
export function base64Decode(src: usize, len: usize, dst: usize, cap: usize, lenient: bool): i32 {
  const end = src + len, room = dst + cap;
  if ((<u64>(len - padding(src, len)) * 3) >> 2 > <u64>cap) return OUTPUT_FULL;
  let s = src, d = dst;
  while (true) {
    if (ASC_FEATURE_SIMD) {
      const taken = decodeBlocks(s, end, d, room);
      s += taken << 4;
      d += taken * 12;
    }
    // A group of four by table: in the plain case at once, else character by character.
    let bits: u32 = 0, have: u32 = 0;
    if (s + 4 <= end) {
      const a = value(s), b = value(s + 1), c = value(s + 2), e = value(s + 3);
      if ((a | b | c | e) < URL) {
        bits = a << 18 | b << 12 | c << 6 | e;
        have = 4;
        s += 4;
      }
    }
    while (have < 4) {
      const v: u32 = s < end ? value(s) : PAD;
      if (v < URL || (lenient && v < SPACE)) {
        bits = bits << 6 | v & 63;
        have++;
      } else if (v == PAD) {
        if (close(src, s, end, bits, have, lenient) == BAD_INPUT) return BAD_INPUT;
        if (have > 1) store<u8>(d++, <u8>(bits >> (have * 6 - 8)));
        if (have > 2) store<u8>(d++, <u8>(bits >> 2));
        tell(len, d - dst);
        return <i32>(d - dst);
      } else if (v != SPACE || !lenient) {
        return fault(s - src, 0, BASE64_BYTE);
      }
      s++;
    }
    store<u8>(d, <u8>(bits >> 16));
    store<u8>(d, <u8>(bits >> 8), 1);
    store<u8>(d, <u8>bits, 2);
    d += 3;
  }
}

// @ts-ignore: decorator
@inline
function value(at: usize): u32 {
  return load<u8>(VALUE + <usize>load<u8>(at));
}

function padding(src: usize, len: usize): usize {
  if (len < 2 || load<u8>(src + len - 1) != 61) return 0;
  return load<u8>(src + len - 2) == 61 ? 2 : 1;
}

// What follows the last character: padding from `s`, or the end. Gives 0 or BAD_INPUT.
function close(src: usize, s: usize, end: usize, bits: u32, have: u32, lenient: bool): i32 {
  if (have == 1) return s < end ? fault(s - src, 0, BASE64_BYTE) : fault(s - src, 0, BASE64_ENDS);
  if (lenient) {
    for (; s < end; s++) if (value(s) != PAD && value(s) != SPACE) return fault(s - src, 0, BASE64_BYTE);
    return 0;
  }
  if (have == 0) return s < end ? fault(s - src, 0, BASE64_BYTE) : 0;
  if (s < end && (bits & (have == 2 ? 15 : 3)) != 0) return fault(s - 1 - src, 0, BASE64_BITS);
  for (; have < 4; have++, s++) {
    if (s == end) return fault(s - src, 0, BASE64_ENDS);
    if (value(s) != PAD) return fault(s - src, 0, BASE64_BYTE);
  }
  return s < end ? fault(s - src, 0, BASE64_BYTE) : 0;
}

// Blocks of 16 characters that hold nothing but the alphabet; gives their number. A block is
// written as 16 bytes, the last 4 of them zero: in place that never passes what has been read.
function decodeBlocks(src: usize, end: usize, dst: usize, room: usize): usize {
  let s = src, d = dst;
  const low = v128.load(DECODE), high = v128.load(DECODE, 16), add = v128.load(DECODE, 32);
  const join = v128.load(DECODE, 48), pack = v128.load(DECODE, 64);
  const nibble = i8x16.splat(15), slash = i8x16.splat(47);
  for (; s + 16 <= end && d + 16 <= room; s += 16, d += 12) {
    const x = v128.load(s);
    const h = i8x16.shr_u(x, 4);
    if (v128.any_true(v128.and(i8x16.swizzle(low, v128.and(x, nibble)), i8x16.swizzle(high, h)))) break;
    const sextets = i8x16.add(x, i8x16.swizzle(add, i8x16.add(i8x16.eq(x, slash), h)));
    const pairs = v128.or(i16x8.shr_u(i16x8.shl(sextets, 8), 2), i16x8.shr_u(sextets, 8));
    v128.store(d, i8x16.swizzle(i32x4.dot_i16x8_s(pairs, join), pack));
  }
  return (s - src) >> 4;
}

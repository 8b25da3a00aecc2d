// Text into JSON and CSV, escaped on the way. Every function takes and gives the address in the output, where up to
// 16 bytes past it may be written; of what it reads up to 16 bytes past the end are read.
import { invalidSize, sequenceSize } from "./utf8";

/** Most bytes that a byte of input becomes: a control character in JSON. */
export const JSON_GROWTH: usize = 6;

/** ASCII, for constants: a string literal is static data in UTF-16. */
export function put(d: usize, text: string): usize {
  const size = <usize>text.length, p = changetype<usize>(text);
  if (ASC_FEATURE_SIMD) {
    // past the literal lies other static data, or the arena
    for (let i: usize = 0; i < size; i += 16) v128.store(d + i, i8x16.narrow_i16x8_u(v128.load(p + 2 * i), v128.load(p + 2 * i, 16)));
  } else {
    for (let i: usize = 0; i < size; i++) store<u8>(d + i, load<u16>(p + 2 * i));
  }
  return d + size;
}

export function putBytes(d: usize, p: usize, end: usize): usize {
  const size = end - p;
  if (ASC_FEATURE_SIMD) {
    for (let i: usize = 0; i < size; i += 16) v128.store(d + i, v128.load(p + i));
  } else memory.copy(d, p, size);
  return d + size;
}

/** Of a decimal number less than 100. */
// @ts-ignore: decorator
@inline
export function putTwo(d: usize, value: u32): usize {
  const tens = value / 10;
  store<u16>(d, <u16>(0x3030 | tens | ((value - tens * 10) << 8)));
  return d + 2;
}

/**
 * The inside of a JSON string, as JSON.stringify escapes it. What is no UTF-8 becomes U+FFFD, one for each maximal part of a
 * sequence, as in every decoder of the platform.
 */
export function putJson(d: usize, p: usize, end: usize): usize {
  while (p < end) {
    if (ASC_FEATURE_SIMD) {
      while (p < end) {
        const v = v128.load(p);
        v128.store(d, v);
        const left = end - p;
        // of all bytes only controls and the quote (0x22 ^ 2 = 0x20) are at most 0x20 here; bit 7 is its own mark
        let stops = i8x16.bitmask(v128.or(v, v128.or(i8x16.eq(v, i8x16.splat(0x5c)), i8x16.le_u(v128.xor(v, i8x16.splat(2)), i8x16.splat(0x20)))));
        if (left < 16) stops &= (1 << <i32>left) - 1;
        if (stops) {
          const plain = <usize>ctz(stops);
          p += plain;
          d += plain;
          break;
        }
        const size = min(left, <usize>16);
        p += size;
        d += size;
      }
    } else {
      for (; p < end; p++, d++) {
        const c: u32 = load<u8>(p);
        if (c < 0x20 || c == 0x22 || c == 0x5c || c >= 0x80) break;
        store<u8>(d, c);
      }
    }
    if (p >= end) break;
    const c: u32 = load<u8>(p);
    if (c < 0x80) {
      d = putEscape(d, c);
      p++;
      continue;
    }
    const size = sequenceSize(p, end);
    if (size != 0) {
      for (let i: usize = 0; i < size; i++) store<u8>(d + i, load<u8>(p + i));
      p += size;
      d += size;
    } else {
      store<u16>(d, 0xbfef);
      store<u8>(d, 0xbd, 2);
      d += 3;
      p += invalidSize(p, end);
    }
  }
  return d;
}

function putEscape(d: usize, c: u32): usize {
  const short: u32 = c == 0x22 || c == 0x5c ? c : c == 8 ? 0x62 : c == 9 ? 0x74 : c == 10 ? 0x6e : c == 12 ? 0x66 : c == 13 ? 0x72 : 0;
  if (short != 0) {
    store<u16>(d, <u16>(0x5c | (short << 8)));
    return d + 2;
  }
  store<u32>(d, 0x3030755c);
  const low = c & 15;
  store<u16>(d, <u16>(0x30 | (c >> 4) | ((low < 10 ? 0x30 + low : 0x57 + low) << 8)), 4);
  return d + 6;
}

/** A field of CSV (RFC 4180): in quotes where it has a comma, a quote or the end of a line in it. */
export function putCsv(d: usize, p: usize, end: usize): usize {
  let q = p;
  for (; q < end; q++) {
    const c: u32 = load<u8>(q);
    if (c == 0x2c || c == 0x22 || c == 10 || c == 13) break;
  }
  if (q == end) return putBytes(d, p, end);
  store<u8>(d++, 0x22);
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    store<u8>(d++, c);
    if (c == 0x22) store<u8>(d++, c);
  }
  store<u8>(d, 0x22);
  return d + 1;
}

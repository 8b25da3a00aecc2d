// JSON strings with escapes -> UTF-8. Never longer than the text: `\u0041` is 6 bytes for 1 to 3,
// a surrogate pair 12 for 4.

import { escaped, failAt, hexUnit, JSON_CONTROL, JSON_ESCAPE, JSON_LINE_ENDS, plainEnd } from "./json";

/** A surrogate stood alone in the string last unescaped; U+FFFD was written in its place. */
export let loneSurrogate: bool = false;
/** Bytes written by the last unescape(). */
export let unescapedSize: usize = 0;

/**
 * Unescapes from the byte behind the opening quote to `dst`, which must have room for the text up
 * to the closing quote and 16 bytes more; gives the byte behind the closing quote, or 0.
 */
export function unescape(p: usize, dst: usize): usize {
  const start = dst;
  loneSurrogate = false;
  while (true) {
    const stop = plainEnd(p);
    const size = stop - p;
    if (ASC_FEATURE_SIMD) {
      for (let i: usize = 0; i < size; i += 16) v128.store(dst + i, v128.load(p + i));
    } else memory.copy(dst, p, size);
    dst += size;
    p = stop;
    const c: u32 = load<u8>(p);
    if (c == 0x22) {
      unescapedSize = dst - start;
      return p + 1;
    }
    if (c != 0x5c) return failAt(p, c == 10 ? JSON_LINE_ENDS : JSON_CONTROL);
    const e: u32 = load<u8>(p, 1);
    if (e == 0x75) {
      let code = hexUnit(p + 2);
      if (code < 0) return 0;
      p += 6;
      if ((code & 0xf800) == 0xd800) {
        // A pair or nothing: `\ud83d\ude00`. What follows a lone one is read on its own.
        let tail: i32 = 0;
        if (code < 0xdc00 && load<u16>(p) == 0x755c) {
          tail = hexUnit(p + 2);
          if (tail < 0) return 0;
        }
        if ((tail & 0xfc00) == 0xdc00) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (tail & 0x3ff);
          p += 6;
        } else {
          code = 0xfffd;
          loneSurrogate = true;
        }
      }
      dst = putCodePoint(dst, code);
    } else {
      const byte = escaped(e);
      if (byte == 0) return failAt(p + 1, e == 10 ? JSON_LINE_ENDS : JSON_ESCAPE);
      store<u8>(dst++, byte);
      p += 2;
    }
  }
}

function putCodePoint(dst: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(dst, code);
    return dst + 1;
  }
  if (code < 0x800) {
    store<u8>(dst, 0xc0 | (code >> 6));
    store<u8>(dst, 0x80 | (code & 0x3f), 1);
    return dst + 2;
  }
  if (code < 0x10000) {
    store<u8>(dst, 0xe0 | (code >> 12));
    store<u8>(dst, 0x80 | ((code >> 6) & 0x3f), 1);
    store<u8>(dst, 0x80 | (code & 0x3f), 2);
    return dst + 3;
  }
  store<u8>(dst, 0xf0 | (code >> 18));
  store<u8>(dst, 0x80 | ((code >> 12) & 0x3f), 1);
  store<u8>(dst, 0x80 | ((code >> 6) & 0x3f), 2);
  store<u8>(dst, 0x80 | (code & 0x3f), 3);
  return dst + 4;
}

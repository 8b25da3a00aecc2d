// The text that a value stands for: of a string what is between its quotes, escapes resolved, of anything else its JSON.
import { unescape, unescapedSize } from "../../codec/unescape";

export let textAt: usize = 0;
export let textSize: usize = 0;

/**
 * The text of the valid value in [p, end), where it is or unescaped at `scratch`; false where that has not
 * the room before `last` (SLACK bytes behind it may be written). A lone surrogate becomes U+FFFD.
 */
export function takeText(p: usize, end: usize, scratch: usize, last: usize): bool {
  textAt = p;
  textSize = end - p;
  if (load<u8>(p) != 0x22) return true;
  textAt++;
  textSize -= 2;
  if (!hasBackslash(textAt, end - 1)) return true;
  if (scratch + textSize > last) return false;
  unescape(textAt, scratch);
  textAt = scratch;
  textSize = unescapedSize;
  return true;
}

/** Reads up to 16 bytes past `end`. */
export function hasBackslash(p: usize, end: usize): bool {
  if (ASC_FEATURE_SIMD) {
    for (; p < end; p += 16) {
      const found = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(0x5c)));
      if (found) return p + ctz(found) < end;
    }
    return false;
  }
  for (; p < end; p++) if (load<u8>(p) == 0x5c) return true;
  return false;
}

// One line of a record, ended by LF or CR LF or the end of the record, and the tokens in it.
import { takeTo } from "./outcome";

/** End of the line that nextLine() took: an LF stands there, whatever was there before. */
export let lineEnd: usize = 0;

/** Takes the line at `p` and gives its end; false where nothing is on it. Writes a sentinel to `end`. */
export function nextLine(p: usize, end: usize): bool {
  store<u8>(end, 10);
  let q = p;
  if (ASC_FEATURE_SIMD) {
    while (true) {
      const feeds = i8x16.bitmask(i8x16.eq(v128.load(q), i8x16.splat(10)));
      if (feeds) {
        q += ctz(feeds);
        break;
      }
      q += 16;
    }
  } else {
    while (load<u8>(q) != 10) q++;
  }
  takeTo(q + 1);
  if (q > p && load<u8>(q - 1) == 13) store<u8>(--q, 10);
  lineEnd = q;
  return q > p;
}

/** The space or line end at or after `p`. */
// @ts-ignore: decorator
@inline
export function tokenEnd(p: usize): usize {
  let c: u32 = load<u8>(p);
  while (c != 0x20 && c != 10) c = load<u8>(++p);
  return p;
}

/** From behind an opening quote to the closing one, behind a backslash any byte; or to the line end. */
export function quotedEnd(p: usize): usize {
  while (true) {
    if (ASC_FEATURE_SIMD) {
      while (true) {
        const v = v128.load(p);
        const stops = i8x16.bitmask(v128.or(i8x16.eq(v, i8x16.splat(0x22)), v128.or(i8x16.eq(v, i8x16.splat(0x5c)), i8x16.eq(v, i8x16.splat(10)))));
        if (stops) {
          p += ctz(stops);
          break;
        }
        p += 16;
      }
    } else {
      let c: u32 = load<u8>(p);
      while (c != 0x22 && c != 0x5c && c != 10) c = load<u8>(++p);
    }
    if (load<u8>(p) != 0x5c) return p;
    p += load<u8>(p, 1) == 10 ? 1 : 2;
  }
}

/** Of the digits at `p`; what is none of the two makes it 100 or more. */
// @ts-ignore: decorator
@inline
export function twoDigits(p: usize): u32 {
  const a = <u32>load<u8>(p) - 0x30, b = <u32>load<u8>(p, 1) - 0x30;
  return a > 9 || b > 9 ? 100 : a * 10 + b;
}

const MONTHS: usize = memory.data<u32>([
  0x6e614a, 0x626546, 0x72614d, 0x727041, 0x79614d, 0x6e754a, 0x6c754a, 0x677541, 0x706553, 0x74634f, 0x766f4e, 0x636544,
]);

/** 1 to 12 by the three letters at `p`, Jan to Dec, or 0. */
export function monthOf(p: usize): u32 {
  const letters = load<u32>(p) & 0xffffff;
  for (let i: u32 = 0; i < 12; i++) if (load<u32>(MONTHS + 4 * <usize>i) == letters) return i + 1;
  return 0;
}

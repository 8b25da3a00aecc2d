// How far a value may differ from its column's type: the level of the whole scan.
//
//   strict   the JSON type must fit; what a type takes beside (a decimal in text) each type says
//   hive     Hive's JSON SerDe: scalars are text in a string column; decimals are rounded; times in
//            java.sql.Timestamp's form
//   openx    OpenX's JSON SerDe, as Firehose runs it: also text parses into numbers and booleans,
//            objects and arrays are text in a string column
//
// Both read a little more than Firehose does, as files of other origin have it: numbers in timestamps
// of hive, times with an offset, days as numbers, decimals in text. COERCE_EXACT takes what Firehose takes.
//
// Never: numbers out of range wrapped, text that is no number taken for null or 0.

import { isDigit } from "../codec/json";

export const COERCE_STRICT: u32 = 0;
export const COERCE_HIVE: u32 = 1;
export const COERCE_OPENX: u32 = 2;

/** Beside hive or openx: the serde to the letter, as Firehose runs it. */
export const COERCE_EXACT: u32 = 4;
/** Beside openx: keys of maps, and of objects that become text, keep their case, as with case.insensitive false. */
export const COERCE_CASED: u32 = 8;

export let coercion: u32 = 0;
export let exact: bool = false;
/** Whether keys of maps, and of objects that become text, are put in lower case. */
export let lowersKeys: bool = false;

/** Sets the level, COERCE_*, for all that is scanned from now on. */
export function setCoercion(level: u32): void {
  coercion = level & 3;
  exact = (level & COERCE_EXACT) != 0;
  lowersKeys = coercion == COERCE_OPENX && (level & COERCE_CASED) == 0;
}

/** Whether [p, end) is a number as Java and JavaScript read one: JSON's and `+1`, `007`, `.5`, `5.`. */
export function isNumber(p: usize, end: usize): bool {
  if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) p++;
  let first = p;
  while (p < end && isDigit(load<u8>(p))) p++;
  let found = p > first;
  if (p < end && load<u8>(p) == 0x2e) {
    first = ++p;
    while (p < end && isDigit(load<u8>(p))) p++;
    found = found || p > first;
  }
  if (!found) return false;
  if (p < end && (load<u8>(p) | 0x20) == 0x65) {
    p++;
    if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) p++;
    first = p;
    while (p < end && isDigit(load<u8>(p))) p++;
    if (p == first) return false;
  }
  return p == end;
}

/** `true` or `false` in any case: 1 or 0, else -1. */
export function booleanOf(p: usize, size: usize): i32 {
  const word = load<u32>(p) | 0x20202020;
  if (size == 4 && word == 0x65757274) return 1;
  return size == 5 && word == 0x736c6166 && (load<u8>(p, 4) | 0x20) == 0x65 ? 0 : -1;
}

/**
 * The valid JSON value in [p, end) without its white space to `to`, names of members in lower case
 * (a-z) where keys are: what OpenX makes of an object or array in a string column. Gives the byte behind.
 */
export function compactText(p: usize, end: usize, to: usize): usize {
  while (p < end) {
    const c: u32 = load<u8>(p++);
    if (c <= 0x20) continue;
    store<u8>(to++, c);
    if (c != 0x22) continue;
    const first = to;
    while (load<u8>(p) != 0x22) {
      if (load<u8>(p) == 0x5c) store<u8>(to++, load<u8>(p++));
      store<u8>(to++, load<u8>(p++));
    }
    store<u8>(to++, load<u8>(p++));
    while (p < end && load<u8>(p) <= 0x20) p++;
    if (lowersKeys && p < end && load<u8>(p) == 0x3a) lowerName(first, to);
  }
  return to;
}

/** A-Z, plain or as \u0041 to \u005a. */
function lowerName(p: usize, end: usize): void {
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c - 0x41 < 26) store<u8>(p, c | 0x20);
    else if (c == 0x5c) {
      const e: u32 = load<u8>(++p);
      if (e == 0x75) {
        const high: u32 = load<u16>(p, 1), tens: u32 = load<u8>(p, 3), ones: u32 = load<u8>(p, 4);
        // 0x41 + 0x20 is 0x61: only the third digit changes.
        const letter = ((tens - 0x34) << 4) + ((ones & 0x40 ? ones + 9 : ones) & 15);
        if (high == 0x3030 && tens - 0x34 < 2 && letter - 1 < 26) store<u8>(p, tens + 2, 3);
        p += 4;
      }
    }
  }
}

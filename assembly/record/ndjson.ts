// NDJSON -> the record table: a line is a user record, one of its members the partition key. All of a line
// is judged as JSON; what is not plain (a key that is a fraction, too long, missing; a line that is no
// object) is left to the host, which reads it with JSON.parse and finds the words.
//
// A pointer (RFC 6901) is a block of u32: | count | address, size | address, size | ... |, its tokens as UTF-8.
import { equalBytes } from "../bytes";
import { openLevels, plainEnd, setBlankFeed, skipBlank, skipNumber, skipString, skipValue } from "../codec/json";
import { unescape, unescapedSize } from "../codec/unescape";
import { validUtf8 } from "../codec/utf8";
import { tell, tellSpare } from "../memory";
import { ABSENT, ROW_DATA, ROW_HASH, ROW_ITEM, ROW_KEY, ROW_SIZE, ROW_SOURCE } from "./batch";
import { parseHashKey } from "./hash-key";
import { KEY_LIMIT } from "./shard";

/** `item` of a row that is only a line: the host reads it. */
export const ASK_HOST: u32 = 1;

const HASH: usize = memory.data(16, 16);

let found: usize = 0;
let scratch: usize = 0;

/**
 * Rows of the lines of src[0, len), which ends with LF, at most `cap` of them; blank lines (of JSON's
 * white space alone) have none. Offsets count from `src`; unescaped keys go to `side`, above src, with room for
 * len + 80 bytes. `hashPointer` may be 0. `most`: bytes of data and key. `source` is the line. Reports the bytes consumed, of
 * `side` used, and (spare) the lines.
 */
export function ndjsonRows(src: usize, len: usize, keyPointer: usize, hashPointer: usize, most: usize, side: usize, table: usize, cap: usize): i32 {
  const end = src + len, last = table + cap * ROW_SIZE;
  let row = table, at = src, top = side, line: u32 = 0;
  let bad = validUtf8(src, end);
  setBlankFeed(false);
  for (; at < end && row < last; line++) {
    scratch = top;
    let p = at;
    let c: u32 = load<u8>(p);
    while (c == 0x20 || c == 0x09 || c == 0x0d) c = load<u8>(++p);
    if (c == 10) {
      at = p + 1;
      continue;
    }
    store<u32>(row, ABSENT, ROW_HASH + 4);
    store<u32>(row, <u32>(at - src), ROW_DATA);
    store<u32>(row, line, ROW_SOURCE);
    p = c == 0x7b ? find(p, keyPointer) : 0;
    if (p != 0) p = skipBlank(p);
    let plain = p != 0 && load<u8>(p) == 10;
    let feed = p;
    if (!plain) {
      feed = at;
      while (load<u8>(feed) != 10) feed++;
    }
    const size = feed - at - <usize>(feed > at && load<u8>(feed - 1) == 13);
    store<u32>(row, <u32>size, ROW_DATA + 4);
    if (bad <= feed && bad < end) {
      plain = false;
      bad = validUtf8(feed + 1, end);
    }
    if (plain) {
      const used = putKey(row, src, top);
      plain = used != NONE && size + load<u32>(row, ROW_KEY + 4) <= most;
      if (plain) {
        top += used;
        scratch = top;
        if (hashPointer != 0) plain = find(skipBlank(at), hashPointer) != 0 && putHash(row, src);
      }
    }
    store<u32>(row, plain ? 0 : ASK_HOST, ROW_ITEM);
    row += ROW_SIZE;
    at = feed + 1;
  }
  tell(at - src, top - side);
  tellSpare(line);
  return <i32>((row - table) / ROW_SIZE);
}

const NONE: usize = usize.MAX_VALUE;

/** The value found as the row's key; gives the bytes of `side` it took, or NONE where the host must see to it. */
function putKey(row: usize, src: usize, side: usize): usize {
  if (found == 0) return NONE;
  const c: u32 = load<u8>(found);
  let start = found, size: usize = 0, used: usize = 0;
  if (c == 0x22) {
    start++;
    const stop = plainEnd(start);
    if (load<u8>(stop) == 0x22) size = stop - start;
    else {
      unescape(start, side);
      start = side;
      size = used = unescapedSize;
    }
  } else if (c == 0x74) size = 4;
  else if (c == 0x66) size = 5;
  else {
    // Whole numbers below 10^15 are in JavaScript what they are here.
    const digits = start + <usize>(c == 0x2d);
    const first: u32 = load<u8>(digits);
    if (first - 0x31 >= 9 && !(first == 0x30 && c != 0x2d)) return NONE;
    const stop = skipNumber(start);
    for (let p = digits; p < stop; p++) if (<u32>load<u8>(p) - 0x30 >= 10) return NONE;
    if (stop - digits > 15) return NONE;
    size = stop - start;
  }
  // More bytes may still be few enough characters.
  if (size - 1 >= KEY_LIMIT) return NONE;
  store<u32>(row, <u32>(start - src), ROW_KEY);
  store<u32>(row, <u32>size, ROW_KEY + 4);
  return used;
}

/** The value found as the row's explicit hash key, in the form that the service takes; false where the host must see to it. */
function putHash(row: usize, src: usize): bool {
  if (found == 0 || load<u8>(found) == 0x6e) return true;
  if (load<u8>(found) != 0x22) return false;
  const start = found + 1, stop = plainEnd(start), size = stop - start;
  if (load<u8>(stop) != 0x22 || size == 0) return false;
  const first: u32 = load<u8>(start);
  if ((first - 0x31 >= 9 && !(first == 0x30 && size == 1)) || parseHashKey(start, size, HASH) != 0) return false;
  store<u32>(row, <u32>(start - src), ROW_HASH);
  store<u32>(row, <u32>size, ROW_HASH + 4);
  return true;
}

/** Walks over the object at `p` and gives the byte behind it, or 0; `found` is the value the pointer leads to, or 0. */
function find(p: usize, pointer: usize): usize {
  found = 0;
  openLevels(1);
  return walkObject(p, pointer + 4, load<u32>(pointer));
}

function walk(p: usize, token: usize, left: u32): usize {
  // Of members of one name the last one counts, as in JSON.parse.
  found = 0;
  if (left == 0) {
    found = p;
    return skipValue(p);
  }
  const c: u32 = load<u8>(p);
  if (c == 0x7b) return walkObject(p, token, left);
  if (c == 0x5b) return walkArray(p, token, left);
  return skipValue(p);
}

function walkObject(p: usize, token: usize, left: u32): usize {
  const name: usize = load<u32>(token), size: usize = load<u32>(token, 4);
  p = skipBlank(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    if (load<u8>(p) != 0x22) return 0;
    const start = p + 1, stop = plainEnd(start);
    let same = false;
    if (load<u8>(stop) == 0x22) {
      same = stop - start == size && equalBytes(start, name, size);
      p = stop + 1;
    } else {
      p = skipString(stop);
      if (p == 0 || unescape(start, scratch) == 0) return 0;
      same = unescapedSize == size && equalBytes(scratch, name, size);
    }
    p = skipBlank(p);
    if (load<u8>(p) != 0x3a) return 0;
    p = skipBlank(p + 1);
    p = same ? walk(p, token + 8, left - 1) : skipValue(p);
    if (p == 0) return 0;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x7d) return p + 1;
    if (c != 0x2c) return 0;
    p = skipBlank(p + 1);
  }
}

function walkArray(p: usize, token: usize, left: u32): usize {
  const wanted = indexOf(load<u32>(token), load<u32>(token, 4));
  p = skipBlank(p + 1);
  if (load<u8>(p) == 0x5d) return p + 1;
  let i: u32 = 0;
  while (true) {
    p = i++ == wanted ? walk(p, token + 8, left - 1) : skipValue(p);
    if (p == 0) return 0;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x5d) return p + 1;
    if (c != 0x2c) return 0;
    p = skipBlank(p + 1);
  }
}

/** The array index that a token is (RFC 6901: no leading zeros), or one that no array has. */
function indexOf(name: usize, size: usize): u32 {
  if (size == 0 || size > 9 || (size > 1 && load<u8>(name) == 0x30)) return u32.MAX_VALUE;
  let index: u32 = 0;
  for (let i: usize = 0; i < size; i++) {
    const digit = <u32>load<u8>(name + i) - 0x30;
    if (digit >= 10) return u32.MAX_VALUE;
    index = index * 10 + digit;
  }
  return index;
}

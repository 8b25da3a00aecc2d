// Maps: JSON objects whose keys are data. Each member is an entry of the key's leaf and a value.
//
// Where a key comes again the last value wins, in the place of the first, as JSON.parse has it. That
// is found out for next to nothing: of up to LINEAR keys one bit each in a filter of 64, and a look at
// those before only where the bit is set; more keys are sorted when the map ends, so that no choice
// of keys makes it worse than n log n. Once a key came again, all maps of the record are read twice:
// first the keys, and where the last value of each stands, then the values.
import { compareBytes, equalBytes } from "../bytes";
import { lowersKeys } from "./coerce";
import { COLUMN_COUNT, COLUMN_TYPE, COLUMN_VALUES, TYPE_BOOLEAN, TYPE_DECIMAL, TYPE_DOUBLE, TYPE_FLOAT, TYPE_INT32, TYPE_INT64, TYPE_STRING, TYPE_UNSIGNED } from "./columns";
import { loneSurrogate, unescape, unescapedSize } from "../codec/unescape";
import { FAULT_AT, GROUP_DEF, GROUP_DEPTH, GROUP_REP, memberOf } from "./groups";
import { FOLD_CASE, foldTo, keyHash } from "./keys";
import { scanLeaf, scanNode } from "./nested";
import { blame, defWithout, fill, fullColumn, takeBack } from "./row";
import { failAt, JSON_SURROGATE, JSON_SYNTAX, JSON_TYPE, openLevels, plainEnd, skipBlank, skipValue } from "../codec/json";
import { setSpare, spare } from "./spare";
import { scratchTop, setScratch } from "./value";

const LINEAR: u32 = 32;

/** A key came again in the record in hand. */
let again: bool = false;
export function startMapsOfRow(): void {
  again = false;
}

export function scanMap(group: usize, start: usize, rep: u32): usize {
  const key = memberOf(group, 0), value = memberOf(group, 1);
  const around = load<u32>(group, GROUP_REP), depth = load<u32>(group, GROUP_DEPTH);
  let p = skipBlank(start + 1);
  if (load<u8>(p) == 0x7d) return fill(group, rep, load<i32>(group, GROUP_DEF)) ? p + 1 : 0;
  if (again || load<u32>(key, COLUMN_TYPE) != TYPE_STRING) return scanTwice(group, p, rep);
  const first = load<u32>(key, COLUMN_COUNT), top = scratchTop;
  let filter: u64 = 0, keys: u32 = 0, values: u32 = 0;
  while (true) {
    if (load<u8>(p) != 0x22) {
      failAt(p, JSON_SYNTAX);
      break;
    }
    p = scanLeaf(key, p, keys == 0 ? rep : around + 1, depth);
    if (p == 0) break;
    keys++;
    if (load<u32>(key, COLUMN_COUNT) - first < keys) {
      // one that does not fit has left no text to compare
      again = true;
      break;
    }
    if (lowersKeys) lowerLast(key, first);
    if (keys <= LINEAR) {
      const bit = bitOf(key);
      if (filter & bit && cameBefore(key, first)) {
        again = true;
        break;
      }
      filter |= bit;
    }
    p = skipBlank(p);
    if (load<u8>(p) != 0x3a) {
      failAt(p, JSON_SYNTAX);
      break;
    }
    p = scanNode(value, skipBlank(p + 1), values == 0 ? rep : around + 1, depth);
    if (p == 0) break;
    values++;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x2c) {
      p = skipBlank(p + 1);
      continue;
    }
    if (c != 0x7d) {
      failAt(p, JSON_SYNTAX);
      break;
    }
    if (keys > LINEAR && anyTwice(key, first)) {
      again = true;
      break;
    }
    return p + 1;
  }
  if (keys) takeBack(key, around);
  if (values) takeBack(value, around);
  if (p == 0 || !again || fullColumn) return 0;
  setScratch(top);
  return scanTwice(group, skipBlank(start + 1), rep);
}

/** The filter's bit for the last key in the column. */
// @ts-ignore: decorator
@inline
function bitOf(key: usize): u64 {
  const last = <usize>load<u32>(key, COLUMN_VALUES) + (<usize>load<u32>(key, COLUMN_COUNT) << 3) - 8;
  return <u64>1 << (keyHash(load<u32>(last), load<u32>(last, 4)) & 63);
}

function cameBefore(key: usize, first: u32): bool {
  const values: usize = load<u32>(key, COLUMN_VALUES);
  const last = values + (<usize>load<u32>(key, COLUMN_COUNT) << 3) - 8, size = load<u32>(last, 4);
  for (let at = values + (<usize>first << 3); at < last; at += 8) {
    if (load<u32>(at, 4) == size && equalBytes(load<u32>(at), load<u32>(last), size)) return true;
  }
  return false;
}

function anyTwice(key: usize, first: u32): bool {
  const n = load<u32>(key, COLUMN_COUNT) - first, rows = <usize>load<u32>(key, COLUMN_VALUES) + (<usize>first << 3);
  const order = spare - (<usize>n << 2);
  sort(order, n, rows, 8);
  for (let i: u32 = 1; i < n; i++) if (sameText(rowOf(order, i - 1, rows, 8), rowOf(order, i, rows, 8))) return true;
  return false;
}

// One member of a map that is read twice, 16 bytes:
//   0      4      8       12
//   | text | size | value | key |
// text: of the key, unescaped     value: where its last value is     key: its opening quote, 0 of one that came before
const MEMBER: usize = 16;

/** scanMap(), from its first key. */
function scanTwice(group: usize, p: usize, rep: u32): usize {
  const key = memberOf(group, 0), value = memberOf(group, 1);
  const around = load<u32>(group, GROUP_REP), depth = load<u32>(group, GROUP_DEPTH);
  const end = spare, top = scratchTop, rows = end - MEMBER;
  openLevels(depth);
  const behind = readMembers(key, p, rows);
  setScratch(top);
  if (behind == 0) return 0;
  const n = members;
  const order = end - <usize>n * (MEMBER + 4);
  sort(order, n, rows, -<isize>MEMBER);
  let one = rowOf(order, 0, rows, -<isize>MEMBER);
  for (let i: u32 = 1; i < n; i++) {
    const next = rowOf(order, i, rows, -<isize>MEMBER);
    if (sameText(one, next)) {
      store<u32>(one, load<u32>(next, 8), 8);
      store<u32>(next, 0, 12);
    } else one = next;
  }
  setSpare((end - <usize>n * MEMBER) & ~7);
  let keys: u32 = 0, values: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const member = rows - <usize>i * MEMBER;
    if (load<u32>(member, 12) == 0) continue;
    const r = keys == 0 ? rep : around + 1;
    if (!putKey(key, load<u32>(member, 12), r, depth)) break;
    keys++;
    if (scanNode(value, load<u32>(member, 8), r, depth) == 0) break;
    values++;
  }
  setSpare(end);
  if (!fullColumn) return behind;
  if (keys) takeBack(key, around);
  if (values) takeBack(value, around);
  return 0;
}

let members: u32 = 0;

/** Walks over the map's members, noting each in a row from `row` downward; gives the byte behind the map, or 0. */
function readMembers(key: usize, p: usize, row: usize): usize {
  members = 0;
  while (true) {
    if (load<u8>(p) != 0x22) return failAt(p, JSON_SYNTAX);
    store<u32>(row, <u32>p, 12);
    const stop = plainEnd(p + 1);
    if (load<u8>(stop) == 0x22) {
      store<u32>(row, <u32>(p + 1));
      store<u32>(row, <u32>(stop - p - 1), 4);
      p = stop + 1;
    } else {
      const at = p;
      p = unescape(p + 1, scratchTop);
      if (p == 0) return 0;
      // Two of these may look alike and not be: none of them may get lost.
      if (loneSurrogate) blame(key, at, JSON_SURROGATE, p);
      store<u32>(row, <u32>scratchTop);
      store<u32>(row, <u32>unescapedSize, 4);
      setScratch(scratchTop + unescapedSize);
    }
    p = skipBlank(p);
    if (load<u8>(p) != 0x3a) return failAt(p, JSON_SYNTAX);
    p = skipBlank(p + 1);
    store<u32>(row, <u32>p, 8);
    p = skipValue(p);
    if (p == 0) return 0;
    if (lowersKeys) lower(row);
    members++;
    row -= MEMBER;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x7d) return p + 1;
    if (c != 0x2c) return failAt(p, JSON_SYNTAX);
    p = skipBlank(p + 1);
  }
}

/** The key whose quote is at `p`; numbers and booleans stand inside of the quotes. False where a leaf is full. */
function putKey(key: usize, p: usize, rep: u32, depth: u32): bool {
  const type = load<u32>(key, COLUMN_TYPE);
  if (type != TYPE_BOOLEAN && type != TYPE_INT32 && type != TYPE_INT64 && type != TYPE_DOUBLE && type != TYPE_FLOAT && type != TYPE_UNSIGNED && type != TYPE_DECIMAL) {
    const before = load<u32>(key, COLUMN_COUNT), next = scanLeaf(key, p, rep, depth);
    if (next != 0 && lowersKeys && type == TYPE_STRING) lowerLast(key, before);
    return next != 0;
  }
  const text = scratchTop;
  unescape(p + 1, text);
  const end = text + unescapedSize;
  // Ends the value, which may be an open bracket, and every text in it; a blank in front or nothing at all is no number.
  store<u8>(end, 0);
  setScratch(end + 1);
  const next = load<u8>(text) > 0x20 ? scanLeaf(key, text, rep, depth) : 0;
  setScratch(text);
  if (next == end) {
    if (load<u32>(key, FAULT_AT) - <u32>text <= <u32>unescapedSize) store<u32>(key, <u32>p, FAULT_AT);
    return true;
  }
  if (fullColumn) return false;
  if (next) takeBack(key, rep);
  blame(key, p, JSON_TYPE, p);
  return fill(key, rep, defWithout(key));
}

/** OpenX has the keys of maps in lower case: the last one of the column, ASCII, where there is one behind the first `first`. */
function lowerLast(key: usize, first: u32): void {
  const count = load<u32>(key, COLUMN_COUNT);
  if (count > first) lower(<usize>load<u32>(key, COLUMN_VALUES) + (<usize>count << 3) - 8);
}

/** The text {address, size} at `ref` in lower case; where it is not, in scratch. */
function lower(ref: usize): void {
  const text: usize = load<u32>(ref), size: usize = load<u32>(ref, 4);
  let i: usize = 0;
  while (i < size && <u32>load<u8>(text + i) - 0x41 >= 26) i++;
  if (i == size) return;
  foldTo(scratchTop, text, size, FOLD_CASE);
  store<u32>(ref, <u32>scratchTop);
  setScratch(scratchTop + size);
}

// @ts-ignore: decorator
@inline
function rowOf(order: usize, i: u32, rows: usize, stride: isize): usize {
  return rows + <usize>(<isize>load<u32>(order + (<usize>i << 2)) * stride);
}

function sameText(a: usize, b: usize): bool {
  const size = load<u32>(a, 4);
  return load<u32>(b, 4) == size && equalBytes(load<u32>(a), load<u32>(b), size);
}

/** Numbers of `n` rows {text, size, ...} at `rows` in `order`, by text and then by number: a heap sort, which no input makes slow. */
function sort(order: usize, n: u32, rows: usize, stride: isize): void {
  for (let i: u32 = 0; i < n; i++) store<u32>(order + (<usize>i << 2), i);
  for (let i = n >> 1; i > 0; ) sift(order, --i, n, rows, stride);
  for (let last = n; last > 1; ) {
    last--;
    const top = load<u32>(order);
    store<u32>(order, load<u32>(order + (<usize>last << 2)));
    store<u32>(order + (<usize>last << 2), top);
    sift(order, 0, last, rows, stride);
  }
}

function sift(order: usize, hole: u32, n: u32, rows: usize, stride: isize): void {
  const item = load<u32>(order + (<usize>hole << 2));
  while (true) {
    let child = hole * 2 + 1;
    if (child >= n) break;
    let other = load<u32>(order + (<usize>child << 2));
    if (child + 1 < n) {
      const right = load<u32>(order + (<usize>child << 2), 4);
      if (follows(right, other, rows, stride)) {
        other = right;
        child++;
      }
    }
    if (!follows(other, item, rows, stride)) break;
    store<u32>(order + (<usize>hole << 2), other);
    hole = child;
  }
  store<u32>(order + (<usize>hole << 2), item);
}

function follows(i: u32, j: u32, rows: usize, stride: isize): bool {
  const a = rows + <usize>(<isize>i * stride), b = rows + <usize>(<isize>j * stride);
  const c = compareBytes(load<u32>(a), load<u32>(a, 4), load<u32>(b), load<u32>(b, 4));
  return c > 0 || (c == 0 && i > j);
}

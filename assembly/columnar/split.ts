// A column batch split by the values of its first `keys` columns, for partitioned files: rows are
// packed, and packed rows of equal key come out together.
//
//   packed row  = u32 size, cell*      cell of a flat column     = [u8 level, where maxDef > 0] value, if there is one
//                                      cell of a repeated column = u32 n, n u8 rep levels, n u8 levels, values
//   value       = `width` bytes as in the batch; byte arrays: u32 size, bytes      (little-endian, unaligned)
//   key         = the cells of the first columns, without a size
//
// A group's row in the table, u32:
//   0         4          8       12     16
//   | address | keyBytes | bytes | rows |      address: the key, then the rows
//
// Limits: key columns are flat. A key that finds no place in PROBES steps begins a further group, so
// that keys made to collide cost no more than others; whoever takes the groups joins them by key.
import { copyLoose, equalBytes } from "../bytes";
import { OUTPUT_FULL, reserve } from "../memory";
import {
  COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_MAX_DEF, COLUMN_MAX_REP, COLUMN_PHYSICAL, COLUMN_REPS, COLUMN_ROWS, COLUMN_SIZE, COLUMN_VALUES, COLUMN_WIDTH,
} from "./columns";

/** Parquet's BYTE_ARRAY. */
export const BYTE_ARRAY: u32 = 6;
const GROUP: usize = 16;
const PROBES: u32 = 16;

// @ts-ignore: decorator
@unmanaged
class Split {
  columns: usize;
  count: u32;
  keys: u32;
  rows: u32;
  mask: u32;
  cursors: usize; // {next value, next level} of each column
  starts: usize; // of each packed row, and the end of the last
  ids: usize; // group of each row
  slots: usize; // group + 1
  groups: usize;
  packed: usize;
  grouped: usize;
  cap: usize;
}

/** A split of batches of at most `rows` rows by the first `keys` of `count` columns. Gives its address, or 0 when memory cannot grow. */
export function openSplit(columns: usize, count: u32, keys: u32, rows: u32): usize {
  const s = changetype<Split>(reserve(offsetof<Split>()));
  if (!changetype<usize>(s)) return 0;
  s.columns = columns;
  s.count = count;
  s.keys = keys;
  s.rows = rows;
  let slots: u32 = 16;
  while (slots < rows << 1) slots <<= 1;
  s.mask = slots - 1;
  s.cap = 0;
  s.cursors = reserve(<usize>count << 3);
  s.starts = reserve(<usize>(rows + 1) << 2);
  s.ids = reserve(<usize>rows << 2);
  s.slots = reserve(<usize>slots << 2);
  s.groups = reserve(<usize>rows * GROUP);
  if (!s.cursors || !s.starts || !s.ids || !s.slots || !s.groups) return 0;
  return changetype<usize>(s);
}

/** Gives packed batches room for `cap` bytes; 0 when memory cannot grow. */
export function growSplit(split: usize, cap: usize): usize {
  const s = changetype<Split>(split);
  s.packed = reserve(cap);
  s.grouped = reserve(cap);
  s.cap = s.packed && s.grouped ? cap : 0;
  return s.cap;
}

export function splitGroups(split: usize): usize {
  return changetype<Split>(split).groups;
}

/** Group of each row, u32. */
export function splitIds(split: usize): usize {
  return changetype<Split>(split).ids;
}

/** Where the groups lie; between two calls of splitBatch a place for packed rows to unpack. */
export function splitText(split: usize): usize {
  return changetype<Split>(split).grouped;
}

/** Splits the batch that the descriptors hold. Gives the number of groups, in the order of their first rows; OUTPUT_FULL where growSplit() must give room. */
export function splitBatch(split: usize): i32 {
  const s = changetype<Split>(split);
  const rows = load<u32>(s.columns, COLUMN_ROWS);
  for (let i: u32 = 0; i < s.count; i++) {
    const column = s.columns + <usize>i * COLUMN_SIZE, cursor = s.cursors + (<usize>i << 3);
    store<usize>(cursor, load<usize>(column, COLUMN_VALUES));
    store<u32>(cursor, 0, 4);
  }
  memory.fill(s.slots, 0, (<usize>s.mask + 1) << 2);
  let groups: u32 = 0;
  let at = s.packed;
  for (let row: u32 = 0; row < rows; row++) {
    const start = at;
    store<usize>(s.starts + (<usize>row << 2), start);
    at = packCells(s, 0, s.keys, row, at);
    if (!at) return OUTPUT_FULL;
    const group = groupOf(s, start, at - start, groups);
    if (group == groups) groups++;
    store<u32>(s.ids + (<usize>row << 2), group);
    const body = at;
    at = packCells(s, s.keys, s.count, row, at + 4);
    if (!at) return OUTPUT_FULL;
    store<u32>(body, <u32>(at - body - 4));
    const entry = s.groups + <usize>group * GROUP;
    store<u32>(entry, load<u32>(entry, 8) + <u32>(at - body), 8);
    store<u32>(entry, load<u32>(entry, 12) + 1, 12);
  }
  store<usize>(s.starts + (<usize>rows << 2), at);
  gather(s, rows, groups);
  return <i32>groups;
}

/** Packs a row's cells of the columns from `from` to `to`; gives the end, 0 where there is no room. */
function packCells(s: Split, from: u32, to: u32, row: u32, at: usize): usize {
  const end = s.packed + s.cap;
  for (let i = from; i < to; i++) {
    const column = s.columns + <usize>i * COLUMN_SIZE, cursor = s.cursors + (<usize>i << 3);
    if (at + 32 > end) return 0;
    if (load<u32>(column, COLUMN_MAX_REP)) at = packRepeated(column, cursor, at, end);
    else {
      const maxDef = load<u32>(column, COLUMN_MAX_DEF);
      if (maxDef) {
        const level = load<u8>(load<usize>(column, COLUMN_LEVELS) + <usize>row);
        store<u8>(at++, level);
        if (<u32>level < maxDef) continue;
      }
      at = packValues(column, cursor, 1, at, end);
    }
    if (!at) return 0;
  }
  return at;
}

/** The cells of one row: its entries reach to the next repetition level 0. */
function packRepeated(column: usize, cursor: usize, at: usize, end: usize): usize {
  const maxDef = load<u32>(column, COLUMN_MAX_DEF);
  const first = load<u32>(cursor, 4), all = load<u32>(column, COLUMN_ENTRIES);
  const reps = load<usize>(column, COLUMN_REPS), levels = load<usize>(column, COLUMN_LEVELS);
  let next = first, values: u32 = 0;
  do {
    if (<u32>load<u8>(levels + <usize>next) == maxDef) values++;
    next++;
  } while (next < all && load<u8>(reps + <usize>next) != 0);
  const n = <usize>(next - first);
  if (end - at < 2 * n + 32) return 0;
  store<u32>(at, <u32>n);
  memory.copy(at + 4, reps + <usize>first, n);
  memory.copy(at + 4 + n, levels + <usize>first, n);
  store<u32>(cursor, next, 4);
  return packValues(column, cursor, values, at + 4 + 2 * n, end);
}

/** Packs the column's next `count` values; 0 where there is no room. */
function packValues(column: usize, cursor: usize, count: u32, at: usize, end: usize): usize {
  const width = <usize>load<u32>(column, COLUMN_WIDTH);
  let value = load<usize>(cursor);
  store<usize>(cursor, value + <usize>count * width);
  if (load<u32>(column, COLUMN_PHYSICAL) != BYTE_ARRAY) {
    const size = <usize>count * width;
    if (end - at < size + 16) return 0;
    if (size <= 8) store<u64>(at, load<u64>(value));
    else copyLoose(at, value, size);
    return at + size;
  }
  for (; count > 0; count--, value += 8) {
    const size = <usize>load<u32>(value, 4);
    if (end - at < size + 20) return 0;
    store<u32>(at, <u32>size);
    copyLoose(at + 4, load<usize>(value), size);
    at += size + 4;
  }
  return at;
}

/** The group with the key at `key`; a new one, number `groups`, points its table row at it. */
function groupOf(s: Split, key: usize, size: usize, groups: u32): u32 {
  let hash: u64 = <u64>size;
  let i: usize = 0;
  for (; i + 8 <= size; i += 8) hash = mix(hash ^ load<u64>(key + i));
  // the bytes behind the key are not its own
  if (i < size) hash = mix(hash ^ (load<u64>(key + i) & ((<u64>1 << (<u64>(size - i) << 3)) - 1)));
  let at = <u32>(hash >> 32) & s.mask;
  for (let probe: u32 = 0; probe < PROBES; probe++) {
    const slot = s.slots + (<usize>at << 2);
    const group = load<u32>(slot);
    if (group == 0) {
      store<u32>(slot, groups + 1);
      break;
    }
    const entry = s.groups + <usize>(group - 1) * GROUP;
    if (<usize>load<u32>(entry, 4) == size && equalBytes(load<usize>(entry), key, size)) return group - 1;
    at = (at + 1) & s.mask;
  }
  const fresh = s.groups + <usize>groups * GROUP;
  store<usize>(fresh, key);
  store<usize>(fresh, size, 4);
  store<u64>(fresh, 0, 8);
  return groups;
}

// @ts-ignore: decorator
@inline
function mix(hash: u64): u64 {
  hash *= 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

/** Copies the packed rows into the order of the groups. */
function gather(s: Split, rows: u32, groups: u32): void {
  let at = s.grouped;
  for (let g: u32 = 0; g < groups; g++) {
    const entry = s.groups + <usize>g * GROUP;
    const size = load<usize>(entry, 4);
    memory.copy(at, load<usize>(entry), size);
    store<usize>(entry, at);
    // for now the place of the group's next row
    store<usize>(s.slots + (<usize>g << 2), at + size);
    at += size + load<usize>(entry, 8);
  }
  for (let row: u32 = 0; row < rows; row++) {
    const g = <usize>load<u32>(s.ids + (<usize>row << 2));
    const body = load<usize>(s.starts + (<usize>row << 2)) + load<usize>(s.groups + g * GROUP, 4);
    const size = load<usize>(s.starts + (<usize>(row + 1) << 2)) - body;
    const cursor = s.slots + (g << 2);
    const to = load<usize>(cursor);
    memory.copy(to, body, size);
    store<usize>(cursor, to + size);
  }
}

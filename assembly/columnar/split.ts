// A column batch split by the values of its first `keys` columns, for partitioned files: rows are
// packed, and packed rows of equal key come out together. Unpacked again, any number of them make
// a batch for the encoder.
//
//   packed row = cell*      cell = [u8 level, where nullable] value, if there is one
//   value      = u8 | i32 | i64 | f64 by type, string: u32 size, bytes      (little-endian, unaligned)
//
// A group's row in the table, u32:
//   0         4          8       12     16
//   | address | keyBytes | bytes | rows |      address: keyBytes of the key's cells, then the rows without them
import { equalBytes } from "../bytes";
import { BAD_INPUT, OUTPUT_FULL, reserve, tell } from "../memory";
import {
  COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_ROWS, COLUMN_SIZE, COLUMN_TYPE, COLUMN_VALUES, COLUMN_WIDTH, TYPE_STRING,
} from "./columns";

const GROUP: usize = 16;

// @ts-ignore: decorator
@unmanaged
class Split {
  columns: usize;
  count: u32;
  keys: u32;
  mask: u32;
  cursors: usize; // where each column's next value is
  starts: usize; // of each packed row, and the end of the last
  ids: usize; // group of each row
  slots: usize; // group + 1
  groups: usize;
  packed: usize;
  grouped: usize;
  cap: usize;
}

/**
 * A split of batches of at most `rows` rows whose strings take at most `bytes`, by the first `keys`
 * of `count` columns. Gives its address, or 0 when memory cannot grow.
 */
export function openSplit(columns: usize, count: u32, keys: u32, rows: u32, bytes: usize): usize {
  const s = changetype<Split>(reserve(offsetof<Split>()));
  if (!changetype<usize>(s)) return 0;
  s.columns = columns;
  s.count = count;
  s.keys = keys;
  let slots: u32 = 16;
  while (slots < rows << 1) slots <<= 1;
  s.mask = slots - 1;
  s.cap = bytes + <usize>rows * <usize>count * 9;
  s.cursors = reserve(<usize>count << 2);
  s.starts = reserve(<usize>(rows + 1) << 2);
  s.ids = reserve(<usize>rows << 2);
  s.slots = reserve(<usize>slots << 2);
  s.groups = reserve(<usize>rows * GROUP);
  s.packed = reserve(s.cap);
  s.grouped = reserve(s.cap);
  if (!s.cursors || !s.starts || !s.ids || !s.slots || !s.groups || !s.packed || !s.grouped) return 0;
  return changetype<usize>(s);
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

export function splitCapacity(split: usize): usize {
  return changetype<Split>(split).cap;
}

/** Splits the batch that the descriptors hold. Gives the number of groups, in the order of their first rows; OUTPUT_FULL when it is larger than was said. */
export function splitBatch(split: usize): i32 {
  const s = changetype<Split>(split);
  const rows = load<u32>(s.columns, COLUMN_ROWS);
  for (let i: u32 = 0; i < s.count; i++) store<usize>(s.cursors + (<usize>i << 2), load<usize>(s.columns + <usize>i * COLUMN_SIZE, COLUMN_VALUES));
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
    at = packCells(s, s.keys, s.count, row, at);
    if (!at) return OUTPUT_FULL;
    const entry = s.groups + <usize>group * GROUP;
    store<u32>(entry, load<u32>(entry, 8) + <u32>(at - body), 8);
    store<u32>(entry, load<u32>(entry, 12) + 1, 12);
  }
  store<usize>(s.starts + (<usize>rows << 2), at);
  gather(s, rows, groups);
  return <i32>groups;
}

/** Packs cells of the columns from `from` to `to`; gives the end, 0 where there is no room. */
function packCells(s: Split, from: u32, to: u32, row: u32, at: usize): usize {
  const end = s.packed + s.cap;
  for (let i = from; i < to; i++) {
    const column = s.columns + <usize>i * COLUMN_SIZE;
    if (end - at < 16) return 0;
    if (load<u32>(column, COLUMN_NULLABLE)) {
      const level = load<u8>(load<usize>(column, COLUMN_LEVELS) + <usize>row);
      store<u8>(at++, level);
      if (!level) continue;
    }
    const type = load<u32>(column, COLUMN_TYPE);
    const slot = s.cursors + (<usize>i << 2);
    const value = load<usize>(slot);
    if (type == TYPE_STRING) {
      const size = <usize>load<u32>(value, 4);
      if (end - at < size + 4) return 0;
      store<u32>(at, <u32>size);
      memory.copy(at + 4, load<usize>(value), size);
      at += size + 4;
      store<usize>(slot, value + 8);
    } else {
      const stride = <usize>load<u32>(column, COLUMN_WIDTH);
      store<u64>(at, load<u64>(value));
      at += stride;
      store<usize>(slot, value + stride);
    }
  }
  return at;
}

/** The group with the key at `key`; a new one, number `groups`, points its table row at it. */
function groupOf(s: Split, key: usize, size: usize, groups: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i: usize = 0; i < size; i++) hash = (hash ^ <u32>load<u8>(key + i)) * 0x01000193;
  hash ^= hash >> 15;
  let at = hash & s.mask;
  let group = load<u32>(s.slots + (<usize>at << 2));
  while (group != 0) {
    const entry = s.groups + <usize>(group - 1) * GROUP;
    if (<usize>load<u32>(entry, 4) == size && equalBytes(load<usize>(entry), key, size)) return group - 1;
    at = (at + 1) & s.mask;
    group = load<u32>(s.slots + (<usize>at << 2));
  }
  store<u32>(s.slots + (<usize>at << 2), groups + 1);
  const fresh = s.groups + <usize>groups * GROUP;
  store<usize>(fresh, key);
  store<usize>(fresh, size, 4);
  store<u64>(fresh, 0, 8);
  return groups;
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

/**
 * Fills `count` columns with the packed rows at `src`, whole ones only and at most `capacity`;
 * strings stay where they are. Gives the rows and reports what was consumed; BAD_INPUT never comes
 * of rows that splitBatch packed.
 */
export function unpackRows(columns: usize, count: u32, src: usize, len: usize, capacity: u32): i32 {
  const end = src + len;
  let at = src;
  let rows: u32 = 0;
  for (let i: u32 = 0; i < count; i++) store<u32>(columns + <usize>i * COLUMN_SIZE, 0, COLUMN_COUNT);
  while (rows < capacity && at < end) {
    let next = at;
    let i: u32 = 0;
    for (; i < count; i++) {
      next = unpackCell(columns + <usize>i * COLUMN_SIZE, rows, next, end);
      if (!next) break;
    }
    if (i < count) {
      // the cells of the row that is cut are taken back
      for (let j: u32 = 0; j < i; j++) {
        const column = columns + <usize>j * COLUMN_SIZE;
        const level = load<u32>(column, COLUMN_NULLABLE) ? <u32>load<u8>(load<usize>(column, COLUMN_LEVELS) + <usize>rows) : 1;
        store<u32>(column, load<u32>(column, COLUMN_COUNT) - level, COLUMN_COUNT);
      }
      break;
    }
    at = next;
    rows++;
  }
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(columns + <usize>i * COLUMN_SIZE, rows, COLUMN_ENTRIES);
    store<u32>(columns + <usize>i * COLUMN_SIZE, rows, COLUMN_ROWS);
  }
  tell(at - src, rows);
  return rows == 0 && len > 0 ? BAD_INPUT : <i32>rows;
}

/** Takes one cell; gives the address behind it, 0 where it does not end before `end`. */
function unpackCell(column: usize, row: u32, at: usize, end: usize): usize {
  if (load<u32>(column, COLUMN_NULLABLE)) {
    if (at == end) return 0;
    const level = load<u8>(at++);
    store<u8>(load<usize>(column, COLUMN_LEVELS) + <usize>row, level);
    if (!level) return at;
  }
  const type = load<u32>(column, COLUMN_TYPE);
  const index = load<u32>(column, COLUMN_COUNT);
  const values = load<usize>(column, COLUMN_VALUES);
  if (type == TYPE_STRING) {
    if (end - at < 4) return 0;
    const size = <usize>load<u32>(at);
    if (end - at - 4 < size) return 0;
    store<usize>(values + (<usize>index << 3), at + 4);
    store<u32>(values + (<usize>index << 3), <u32>size, 4);
    at += size + 4;
  } else {
    const stride = <usize>load<u32>(column, COLUMN_WIDTH);
    if (end - at < stride) return 0;
    // the next value covers what this one writes too many; values have room for 8 more than the rows
    store<u64>(values + <usize>index * stride, load<u64>(at));
    at += stride;
  }
  store<u32>(column, index + 1, COLUMN_COUNT);
  return at;
}

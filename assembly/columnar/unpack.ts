// Packed rows (split.ts) -> columns again: any number of rows of one partition make batches for the encoder.
import { OUTPUT_FULL, report, tell } from "../memory";
import {
  COLUMN_CAPACITY, COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_MAX_DEF, COLUMN_MAX_REP, COLUMN_PHYSICAL, COLUMN_REPS, COLUMN_ROWS,
  COLUMN_SIZE, COLUMN_VALUES, COLUMN_WIDTH,
} from "./columns";
import { BYTE_ARRAY } from "./split";

/**
 * Fills `count` columns with the packed rows at `src`, whole ones only and at most `capacity`; byte
 * arrays stay where they are. Gives the rows and reports what was consumed. OUTPUT_FULL where the
 * first row has more entries than a column has room for: the report's record is the column, its
 * position the entries.
 */
export function unpackRows(columns: usize, count: u32, src: usize, len: usize, capacity: u32): i32 {
  const end = src + len;
  let at = src;
  let rows: u32 = 0;
  let full = false;
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    store<u32>(column, 0, COLUMN_COUNT);
    store<u32>(column, 0, COLUMN_ENTRIES);
  }
  while (rows < capacity && end - at >= 4) {
    const size = <usize>load<u32>(at);
    if (end - at - 4 < size) break;
    let next = at + 4;
    let i: u32 = 0;
    for (; i < count; i++) {
      const column = columns + <usize>i * COLUMN_SIZE;
      if (load<u32>(column, COLUMN_MAX_REP)) {
        const room = load<u32>(column, COLUMN_CAPACITY) - load<u32>(column, COLUMN_ENTRIES);
        if (load<u32>(next) > room) {
          store<u32>(report(), load<u32>(next), 8);
          store<u32>(report(), i, 12);
          break;
        }
        next = unpackRepeated(column, next);
      } else next = unpackFlat(column, rows, next);
    }
    if (i < count) {
      for (let j: u32 = 0; j < i; j++) takeBack(columns + <usize>j * COLUMN_SIZE, rows);
      full = rows == 0;
      break;
    }
    at += 4 + size;
    rows++;
  }
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    if (!load<u32>(column, COLUMN_MAX_REP)) store<u32>(column, rows, COLUMN_ENTRIES);
    store<u32>(column, rows, COLUMN_ROWS);
  }
  tell(at - src, rows);
  return full ? OUTPUT_FULL : <i32>rows;
}

function unpackFlat(column: usize, row: u32, at: usize): usize {
  const maxDef = load<u32>(column, COLUMN_MAX_DEF);
  if (maxDef) {
    const level = load<u8>(at++);
    store<u8>(load<usize>(column, COLUMN_LEVELS) + <usize>row, level);
    if (<u32>level < maxDef) return at;
  }
  return unpackValues(column, 1, at);
}

function unpackRepeated(column: usize, at: usize): usize {
  const maxDef = load<u32>(column, COLUMN_MAX_DEF);
  const n = <usize>load<u32>(at), first = load<u32>(column, COLUMN_ENTRIES);
  memory.copy(load<usize>(column, COLUMN_REPS) + <usize>first, at + 4, n);
  const levels = at + 4 + n;
  memory.copy(load<usize>(column, COLUMN_LEVELS) + <usize>first, levels, n);
  let values: u32 = 0;
  for (let i: usize = 0; i < n; i++) values += <u32>(<u32>load<u8>(levels + i) == maxDef);
  store<u32>(column, first + <u32>n, COLUMN_ENTRIES);
  return unpackValues(column, values, levels + n);
}

function unpackValues(column: usize, count: u32, at: usize): usize {
  const width = <usize>load<u32>(column, COLUMN_WIDTH);
  const index = load<u32>(column, COLUMN_COUNT);
  let to = load<usize>(column, COLUMN_VALUES) + <usize>index * width;
  store<u32>(column, index + count, COLUMN_COUNT);
  if (load<u32>(column, COLUMN_PHYSICAL) != BYTE_ARRAY) {
    const size = <usize>count * width;
    // the next value covers what this one writes too many; values have room for 8 more than the rows
    if (size <= 8) store<u64>(to, load<u64>(at));
    else memory.copy(to, at, size);
    return at + size;
  }
  for (; count > 0; count--, to += 8) {
    const size = load<u32>(at);
    store<usize>(to, at + 4);
    store<u32>(to, size, 4);
    at += 4 + <usize>size;
  }
  return at;
}

/** Takes the last row's cell back, which is row `row` of the batch. */
function takeBack(column: usize, row: u32): void {
  const maxDef = load<u32>(column, COLUMN_MAX_DEF), maxRep = load<u32>(column, COLUMN_MAX_REP);
  const levels = load<usize>(column, COLUMN_LEVELS), reps = load<usize>(column, COLUMN_REPS);
  let values: u32 = 0;
  if (maxRep) {
    let entries = load<u32>(column, COLUMN_ENTRIES);
    do {
      entries--;
      values += <u32>(<u32>load<u8>(levels + <usize>entries) == maxDef);
    } while (load<u8>(reps + <usize>entries) != 0);
    store<u32>(column, entries, COLUMN_ENTRIES);
  } else values = !maxDef || <u32>load<u8>(levels + <usize>row) == maxDef ? 1 : 0;
  store<u32>(column, load<u32>(column, COLUMN_COUNT) - values, COLUMN_COUNT);
}

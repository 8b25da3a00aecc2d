// The row in hand: what each column has of it, what spoils it, and how it is taken back whole.
import { COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_ROWS, COLUMN_SCAN, COLUMN_SIZE } from "./columns";
import { failAt, faultAt } from "./skip";

// The scanner's 16 bytes of a column: | seen | fault at | fault | unit |
/** (row + 1) << 1 | 1 if the column has a value of the row, | 0 if null. */
export const ROW_SEEN: usize = COLUMN_SCAN;
/** Why and where the row's value does not fit the column; 0 where it does. */
export const ROW_FAULT: usize = COLUMN_SCAN + 8;
const ROW_FAULT_AT: usize = COLUMN_SCAN + 4;

/** Empties the columns; their levels say present until a null says otherwise. */
export function startRows(columns: usize, count: u32, capacity: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    store<u32>(column, 0, COLUMN_COUNT);
    store<u32>(column, 0, ROW_SEEN);
    store<u32>(column, 0, ROW_FAULT);
    if (load<u32>(column, COLUMN_NULLABLE)) memory.fill(load<u32>(column, COLUMN_LEVELS), 1, capacity);
  }
}

/** Notes that a value does not fit its column. Not final: JSON's last duplicate may fit. */
export function blame(column: usize, p: usize, reason: i32, next: usize): usize {
  store<u32>(column, <u32>p, ROW_FAULT_AT);
  store<i32>(column, reason, ROW_FAULT);
  return next;
}

/** Takes back what row `row` put into the column. */
export function forget(column: usize, row: u32): void {
  if (load<u32>(column, COLUMN_NULLABLE)) store<u8>(load<u32>(column, COLUMN_LEVELS) + row, 1);
  store<u32>(column, load<u32>(column, COLUMN_COUNT) - (load<u32>(column, ROW_SEEN) & 1), COLUMN_COUNT);
  store<u32>(column, 0, ROW_SEEN);
  store<u32>(column, 0, ROW_FAULT);
}

export function undo(columns: usize, count: u32, stamp: u32): void {
  const row = (stamp >> 1) - 1;
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    if ((load<u32>(column, ROW_SEEN) & ~1) == stamp) forget(column, row);
    store<u32>(column, 0, ROW_FAULT);
  }
}

/** The column whose fault stands first in the text, told in faultAt and faultReason. */
export function firstFault(columns: usize, count: u32): u32 {
  let first: u32 = count;
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    if (load<i32>(column, ROW_FAULT) != 0 && (first == count || load<u32>(column, ROW_FAULT_AT) < <u32>faultAt)) {
      failAt(load<u32>(column, ROW_FAULT_AT), load<i32>(column, ROW_FAULT));
      first = i;
    }
  }
  return first;
}

/** Nulls for the columns that the row did not name; the first that must not be null, or `count`. */
export function fillMissing(columns: usize, count: u32, stamp: u32): u32 {
  const row = (stamp >> 1) - 1;
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    if ((load<u32>(column, ROW_SEEN) & ~1) == stamp) continue;
    if (!load<u32>(column, COLUMN_NULLABLE)) return i;
    store<u32>(column, stamp, ROW_SEEN);
    store<u8>(load<u32>(column, COLUMN_LEVELS) + row, 0);
  }
  return count;
}

export function setRows(columns: usize, count: u32, rows: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    store<u32>(column, rows, COLUMN_ENTRIES);
    store<u32>(column, rows, COLUMN_ROWS);
  }
}

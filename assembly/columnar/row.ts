// The row in hand: what each member has of it, what spoils it, and how it is taken back.
//
// A leaf at the top level has one entry a row, and its levels say present until a null says
// otherwise: SEEN is (row + 1) << 1, | 1 with a value. Leaves below groups get their entries one by one
// (nested.ts); SEEN of members there, and of groups at the top level with the row's, is the object.
//
// A fault is not final: JSON's last duplicate may fit. So each descriptor keeps its first, with the
// entry that was to be; it vanishes when that entry is taken back.
import {
  COLUMN_CAPACITY, COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_MAX_DEF, COLUMN_MAX_REP, COLUMN_NULLABLE, COLUMN_REPS, COLUMN_ROWS, COLUMN_SIZE,
} from "./columns";
import {
  entriesOf, FAULT, FAULT_AT, FAULT_ENTRY, firstLeaf, GROUP_BEHIND, GROUP_COUNT, GROUP_DEF, GROUP_GROUPS, GROUP_LEAVES, GROUP_SIZE, isGroup, memberOf, SEEN,
} from "./groups";
import { failAt, faultAt, JSON_MISSING } from "../codec/json";

/** Descriptors that have a fault. */
export let faults: u32 = 0;

/** The leaf that had no room for a further entry, or 0. */
export let fullColumn: usize = 0;

export function startRow(): void {
  fullColumn = 0;
}

/** Empties the columns; levels of those at the top say present until a null says otherwise. */
export function startRows(root: usize, columns: usize, count: u32, capacity: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    store<u32>(column, 0, COLUMN_COUNT);
    store<u32>(column, 0, COLUMN_ENTRIES);
    store<u32>(column, 0, SEEN);
    store<u32>(column, 0, FAULT);
    // Of a leaf below groups these are overwritten.
    if (load<u32>(column, COLUMN_NULLABLE) && !load<u32>(column, COLUMN_MAX_REP)) memory.fill(load<u32>(column, COLUMN_LEVELS), 1, capacity);
  }
  for (let group = root; group < <usize>load<u32>(root, GROUP_GROUPS); group += GROUP_SIZE) {
    store<u32>(group, 0, SEEN);
    store<u32>(group, 0, FAULT);
  }
  faults = 0;
}

/** Notes that a value does not fit its column or group. */
export function blame(node: usize, p: usize, reason: i32, next: usize): usize {
  blameAt(node, p, reason, entriesOf(node));
  return next;
}

/** blame(), of an object whose first entry in its first leaf is `entry`. */
export function blameAt(node: usize, p: usize, reason: i32, entry: u32): void {
  if (load<i32>(node, FAULT) != 0) return;
  store<u32>(node, <u32>p, FAULT_AT);
  store<i32>(node, reason, FAULT);
  store<u32>(node, entry, FAULT_ENTRY);
  faults++;
}

function absolve(node: usize): void {
  if (load<i32>(node, FAULT) != 0) faults--;
  store<i32>(node, 0, FAULT);
}

/** One entry of level `def`, no value, in each leaf of `node`; false where one has no room, and then none has it. */
export function fill(node: usize, rep: u32, def: i32): bool {
  const first = firstLeaf(node), behind = isGroup(node) ? <usize>load<u32>(node, GROUP_BEHIND) : node + COLUMN_SIZE;
  for (let column = first; column < behind; column += COLUMN_SIZE) {
    const entry = roomIn(column);
    if (entry < 0) {
      while (column > first) {
        column -= COLUMN_SIZE;
        store<u32>(column, load<u32>(column, COLUMN_ENTRIES) - 1, COLUMN_ENTRIES);
      }
      return false;
    }
    enter(column, entry, rep, def);
  }
  return true;
}

/** The number of the column's next entry, or -1 where there is no room for it. */
// @ts-ignore: decorator
@inline
export function roomIn(column: usize): i32 {
  const entry = load<u32>(column, COLUMN_ENTRIES);
  if (entry < load<u32>(column, COLUMN_CAPACITY)) return entry;
  fullColumn = column;
  return -1;
}

// @ts-ignore: decorator
@inline
export function enter(column: usize, entry: u32, rep: u32, def: i32): void {
  store<u8>(<usize>load<u32>(column, COLUMN_LEVELS) + entry, def);
  const reps: usize = load<u32>(column, COLUMN_REPS);
  if (reps != 0) store<u8>(reps + entry, rep);
  store<u32>(column, entry + 1, COLUMN_ENTRIES);
}

/** Takes back what row `row` put into a leaf at the top level. */
export function forget(column: usize, row: u32): void {
  if (load<u32>(column, COLUMN_NULLABLE)) store<u8>(<usize>load<u32>(column, COLUMN_LEVELS) + row, 1);
  store<u32>(column, load<u32>(column, COLUMN_COUNT) - (load<u32>(column, SEEN) & 1), COLUMN_COUNT);
  store<u32>(column, 0, SEEN);
  absolve(column);
}

/** Takes back the last value of `node`, which has `rep` repeated groups around it. */
export function takeBack(node: usize, rep: u32): void {
  if (!isGroup(node)) {
    takeBackLeaf(node, rep);
    return;
  }
  const behind: usize = load<u32>(node, GROUP_BEHIND);
  for (let column: usize = load<u32>(node, GROUP_LEAVES); column < behind; column += COLUMN_SIZE) takeBackLeaf(column, rep);
  if (faults == 0) return;
  const last: usize = load<u32>(node, GROUP_GROUPS);
  for (let group = node; group < last; group += GROUP_SIZE) if (load<u32>(group, FAULT_ENTRY) >= entriesOf(group)) absolve(group);
}

/** An entry that begins a value of the node has a repetition level of at most `rep`, what follows has more. */
function takeBackLeaf(column: usize, rep: u32): void {
  const levels: usize = load<u32>(column, COLUMN_LEVELS), reps: usize = load<u32>(column, COLUMN_REPS);
  const there = load<u32>(column, COLUMN_MAX_DEF);
  let entry = load<u32>(column, COLUMN_ENTRIES), count = load<u32>(column, COLUMN_COUNT);
  do {
    entry--;
    if (<u32>load<u8>(levels + entry) == there) count--;
  } while (reps != 0 && <u32>load<u8>(reps + entry) > rep);
  store<u32>(column, entry, COLUMN_ENTRIES);
  store<u32>(column, count, COLUMN_COUNT);
  if (load<u32>(column, FAULT_ENTRY) >= entry) absolve(column);
}

/** Takes back the row whose members in `root` carry `stamp`. */
export function undo(root: usize, columns: usize, count: u32, stamp: u32): void {
  const row = (stamp >> 1) - 1;
  for (let i: u32 = 0; i < load<u32>(root, GROUP_COUNT); i++) {
    const member = memberOf(root, i);
    if ((load<u32>(member, SEEN) & ~1) != stamp) continue;
    if (isGroup(member)) {
      takeBack(member, 0);
      store<u32>(member, 0, SEEN);
    } else forget(member, row);
  }
  for (let i: u32 = 0; i < count; i++) store<i32>(columns + <usize>i * COLUMN_SIZE, 0, FAULT);
  for (let group = root; group < <usize>load<u32>(root, GROUP_GROUPS); group += GROUP_SIZE) store<i32>(group, 0, FAULT);
  faults = 0;
}

/** The fault that stands first in the text, told in faultAt and faultReason: gives its column, or its group + `count`. */
export function firstFault(root: usize, columns: usize, count: u32): u32 {
  let first: u32 = 0, told = false;
  const groups = <u32>((<usize>load<u32>(root, GROUP_GROUPS) - root) / GROUP_SIZE);
  for (let i: u32 = 0; i < count + groups; i++) {
    const node = i < count ? columns + <usize>i * COLUMN_SIZE : root + <usize>(i - count) * GROUP_SIZE;
    if (load<i32>(node, FAULT) != 0 && (!told || load<u32>(node, FAULT_AT) < <u32>faultAt)) {
      failAt(load<u32>(node, FAULT_AT), load<i32>(node, FAULT));
      first = i;
      told = true;
    }
  }
  return first;
}

/** Level of a null, or of nothing at all, in place of a value of `node`. */
// @ts-ignore: decorator
@inline
export function defWithout(node: usize): i32 {
  return (isGroup(node) ? load<i32>(node, GROUP_DEF) : load<i32>(node, COLUMN_MAX_DEF)) - 1;
}

/** Nulls for the members that the row did not name. `p`: its closing brace. False where a leaf is full. */
export function fillMissing(root: usize, stamp: u32, p: usize): bool {
  const row = (stamp >> 1) - 1;
  for (let i: u32 = 0; i < load<u32>(root, GROUP_COUNT); i++) {
    const member = memberOf(root, i);
    if ((load<u32>(member, SEEN) & ~1) == stamp) continue;
    if (!load<u32>(member, COLUMN_NULLABLE)) blame(member, p, JSON_MISSING, p);
    if (isGroup(member)) {
      if (!fill(member, 0, defWithout(member))) return false;
    } else if (load<u32>(member, COLUMN_NULLABLE)) store<u8>(<usize>load<u32>(member, COLUMN_LEVELS) + row, 0);
    store<u32>(member, stamp, SEEN);
  }
  return true;
}

/** Levels of a leaf without repetition are one a row. */
export function setRows(columns: usize, count: u32, rows: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const column = columns + <usize>i * COLUMN_SIZE;
    if (!load<u32>(column, COLUMN_MAX_REP)) store<u32>(column, rows, COLUMN_ENTRIES);
    store<u32>(column, rows, COLUMN_ROWS);
  }
}

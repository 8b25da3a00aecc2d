// Structs, lists and maps below the record -> entries of their leaves: Dremel's levels.
//
// A leaf gets one entry for each of its values, and one for each null, empty or absent list, map or
// struct above it: definition level = how many of the optional and repeated groups on its path are
// there, known from the schema but for the one where the path ends; repetition level = the innermost
// repeated group that goes on, 0 where a row begins, and so an argument of all of these functions.
//
// Each takes the address of a value and gives that of the byte behind it. 0 is text that is no JSON
// or a leaf without room (fullColumn): then all entries of the value are taken back. What is JSON but
// does not fit has entries and a fault (row.ts), because a later duplicate may take its place.
import { COERCE_OPENX, coercion } from "./coerce";
import { COLUMN_COUNT, COLUMN_MAX_DEF, COLUMN_NULLABLE, COLUMN_TYPE, COLUMN_VALUES } from "./columns";
import {
  entriesOf, GROUP_COUNT, GROUP_DEF, GROUP_DEPTH, GROUP_PREDICTIONS, GROUP_REP, isGroup, memberOf, SEEN, TYPE_LIST, TYPE_STRUCT,
} from "./groups";
import { END, keyBefore, matches, nextMember, nextNode, predictedMember, predictedNode, predictedSize, predictionOf, step } from "./keys";
import { nestedValue } from "./leaf";
import { scanMap } from "./map";
import { blame, blameAt, defWithout, enter, fill, roomIn, takeBack } from "./row";
import { failAt, JSON_MISSING, JSON_NULL, JSON_SYNTAX, JSON_TYPE, JSON_UNKNOWN, openLevels, skipBlank, skipValue } from "../codec/json";
import { oddValue, present, scratchTop } from "./value";

/** Objects below the record so far in the batch: the mark of what was seen in the one in hand. */
export let objects: u32 = 0;
let refuseUnknown: bool = false;

export function startNested(seen: u32, unknown: bool): void {
  objects = seen;
  refuseUnknown = unknown;
}

/** The value of any node of the schema; white space may stand in front of it. `depth`: JSON levels open around it. */
// @ts-ignore: decorator
@inline
export function scanNode(node: usize, p: usize, rep: u32, depth: u32): usize {
  return isGroup(node) ? scanGroup(node, p, rep) : scanLeaf(node, p, rep, depth);
}

export function scanLeaf(column: usize, p: usize, rep: u32, depth: u32): usize {
  const entry = roomIn(column);
  if (entry < 0) return 0;
  const at = load<u32>(column, COLUMN_COUNT), values: usize = load<u32>(column, COLUMN_VALUES);
  let def = load<i32>(column, COLUMN_MAX_DEF);
  let next = nestedValue(column, load<u32>(column, COLUMN_TYPE), p, values, at);
  if (next != 0) {
    store<u32>(column, at + 1, COLUMN_COUNT);
  } else if (load<u32>(p) == 0x6c6c756e && load<u32>(column, COLUMN_NULLABLE)) {
    next = p + 4;
    def--;
  } else {
    openLevels(depth);
    next = oddValue(column, skipBlank(p), at, values);
    if (next == 0) return 0;
    store<u32>(column, at + present, COLUMN_COUNT);
    def -= 1 - present;
  }
  enter(column, entry, rep, def);
  return next;
}

export function scanGroup(group: usize, p: usize, rep: u32): usize {
  p = skipBlank(p);
  const c: u32 = load<u8>(p), type = load<u32>(group, COLUMN_TYPE);
  const around = load<u32>(group, GROUP_DEPTH) - 1;
  if (type == TYPE_LIST) {
    if (c == 0x5b) return scanList(group, p, rep);
    // OpenX takes what is no array for an array of it, and an array for the members of a struct in their order.
    if (coercion == COERCE_OPENX && c != 0x6e) return scanNode(memberOf(group, 0), p, rep, around);
  } else if (c == 0x7b) return type == TYPE_STRUCT ? scanStruct(group, p, rep) : scanMap(group, p, rep);
  else if (c == 0x5b && type == TYPE_STRUCT && coercion == COERCE_OPENX) return scanPositions(group, p, rep);
  openLevels(around);
  const next = skipValue(p);
  if (next == 0) return 0;
  if (c != 0x6e) blame(group, p, JSON_TYPE, next);
  else if (!load<u32>(group, COLUMN_NULLABLE)) blame(group, p, JSON_NULL, next);
  return fill(group, rep, defWithout(group)) ? next : 0;
}

function scanStruct(group: usize, p: usize, rep: u32): usize {
  const object = ++objects, first = entriesOf(group);
  const count = load<u32>(group, GROUP_COUNT), depth = load<u32>(group, GROUP_DEPTH);
  const predictions: usize = load<u32>(group, GROUP_PREDICTIONS);
  let node: i32 = 0, seen: u32 = 0;
  while (true) {
    const prediction = predictionOf(predictions, node);
    let member: usize;
    if (matches(prediction, p)) {
      p += predictedSize(prediction);
      node = predictedNode(prediction);
      member = predictedMember(prediction);
    } else {
      p = step(group, prediction, p, node == 0, scratchTop);
      if (p == 0) break;
      node = nextNode;
      member = nextMember;
    }
    if (<u32>node > count) {
      if (node == END) break;
      if (refuseUnknown) blameAt(group, keyBefore(prediction, p), JSON_UNKNOWN, first);
      openLevels(depth);
      p = skipValue(skipBlank(p));
      if (p == 0) break;
      continue;
    }
    if (load<u32>(member, SEEN) == object) {
      takeBack(member, load<u32>(group, GROUP_REP));
      store<u32>(member, 0, SEEN);
      seen--;
    }
    p = scanNode(member, p, rep, depth);
    if (p == 0) break;
    store<u32>(member, object, SEEN);
    seen++;
  }
  return p != 0 && (seen == count || fillAbsent(group, object, p - 1, rep)) ? p : takeBackObject(group, object);
}

function takeBackObject(group: usize, object: u32): usize {
  for (let i: u32 = 0; i < load<u32>(group, GROUP_COUNT); i++) {
    const member = memberOf(group, i);
    if (load<u32>(member, SEEN) == object) takeBack(member, load<u32>(group, GROUP_REP));
  }
  return 0;
}

/** An array as a struct: its elements are the members, those in excess left out. */
function scanPositions(group: usize, p: usize, rep: u32): usize {
  const object = ++objects, count = load<u32>(group, GROUP_COUNT), depth = load<u32>(group, GROUP_DEPTH);
  let i: u32 = 0;
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x5d || i > 0) {
    if (i < count) {
      const member = memberOf(group, i++);
      p = scanNode(member, skipBlank(p), rep, depth);
      if (p == 0) break;
      store<u32>(member, object, SEEN);
    } else {
      openLevels(depth);
      p = skipValue(skipBlank(p));
      if (p == 0) break;
    }
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x5d) break;
    p = c == 0x2c ? p + 1 : failAt(p, JSON_SYNTAX);
    if (p == 0) break;
  }
  return p != 0 && fillAbsent(group, object, p, rep) ? p + 1 : takeBackObject(group, object);
}

/** Nulls for the members that an object of `group` did not name; false where a leaf is full. */
function fillAbsent(group: usize, object: u32, p: usize, rep: u32): bool {
  for (let i: u32 = 0; i < load<u32>(group, GROUP_COUNT); i++) {
    const member = memberOf(group, i);
    if (load<u32>(member, SEEN) == object) continue;
    if (!load<u32>(member, COLUMN_NULLABLE)) blame(member, p, JSON_MISSING, p);
    if (!fill(member, rep, defWithout(member))) return false;
    store<u32>(member, object, SEEN);
  }
  return true;
}

function scanList(group: usize, p: usize, rep: u32): usize {
  const element = memberOf(group, 0), around = load<u32>(group, GROUP_REP), depth = load<u32>(group, GROUP_DEPTH);
  p = skipBlank(p + 1);
  if (load<u8>(p) == 0x5d) return fill(group, rep, load<i32>(group, GROUP_DEF)) ? p + 1 : 0;
  let next = scanNode(element, p, rep, depth);
  if (next == 0) return 0;
  while (true) {
    let c: u32 = load<u8>(next);
    if (c != 0x2c && c != 0x5d) {
      next = skipBlank(next);
      c = load<u8>(next);
    }
    if (c == 0x2c) {
      p = next + 1;
      if (load<u8>(p) == 0x20) p++;
      next = scanNode(element, p, around + 1, depth);
      if (next != 0) continue;
    } else if (c == 0x5d) return next + 1;
    else failAt(next, JSON_SYNTAX);
    takeBack(element, around);
    return 0;
  }
}

// A record's text walked over once, judged as JSON.parse judges it, and what the mapping asks for noted: where
// the value of each field is, and which stretches are to be written otherwise.
// Of a member that comes twice the last one is read, as by JSON.parse, and all are edited.
import { addSplice, endSplice, SPLICE_GONE, SPLICE_KEY, SPLICE_VALUE, spliceCount } from "./splices";
import { at, childOf, KEY_TEXT_MAX, keyScratch, nextSerial, NODE, NODE_CHILD, NODE_EDIT, NODE_END, NODE_INDEX, NODE_MASK, NODE_SERIAL, NODE_SIBLING, NODE_SPLICE, NODE_START, NODE_UNDER, nodes } from "./program";
import { EDIT_KEY, EDIT_KIND, EDIT_NONE, EDIT_REMOVE } from "./edits";
import { failAt, JSON_SYNTAX, openLevels, plainEnd, skipBlank, skipString, skipValue } from "../../codec/json";
import { loneSurrogate, unescape, unescapedSize } from "../../codec/unescape";

/** Whether a member of the record last walked over stays. */
export let anyStays: bool = false;

/** The object at `p` that is the record itself; gives the byte behind it, or 0. */
export function scanRecord(p: usize): usize {
  store<u32>(nodes, nextSerial(), NODE_SERIAL);
  store<u32>(nodes, <u32>p, NODE_START);
  store<u32>(nodes, 0, NODE_SPLICE);
  const end = load<u32>(nodes, NODE_MASK) != 0 ? scanObject(nodes, p, 1) : skipRecord(p);
  store<u32>(nodes, <u32>end, NODE_END);
  return end;
}

function skipRecord(p: usize): usize {
  openLevels(0);
  anyStays = load<u8>(skipBlank(p + 1)) != 0x7d;
  return skipValue(p);
}

/** `level`: objects and arrays that are open within, this one counted. */
function scanObject(node: usize, p: usize, level: u32): usize {
  const serial = load<u32>(node, NODE_SERIAL);
  let comma: usize = 0, stays = false;
  openLevels(level);
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x7d || comma != 0) {
    if (load<u8>(p) != 0x22) return failAt(p, JSON_SYNTAX);
    const key = p;
    p = plainEnd(key + 1);
    let child: usize;
    if (load<u8>(p) == 0x22) {
      child = childOf(node, key + 1, p - key - 1);
      p++;
    } else {
      p = skipString(key + 1);
      if (p == 0) return 0;
      child = escapedChild(node, key + 1, p);
    }
    const keyEnd = p;
    p = skipBlank(p);
    if (load<u8>(p) != 0x3a) return failAt(p, JSON_SYNTAX);
    p = skipBlank(p + 1);

    let gone: u32 = 0xffffffff;
    if (child == 0) p = skipAny(p);
    else {
      const edit: usize = load<u32>(child, NODE_EDIT);
      if (edit != 0) {
        if (load<u32>(at(<u32>edit), EDIT_KIND) == EDIT_REMOVE) gone = addSplice(stays ? comma : key, 0, SPLICE_GONE, child);
        else if (load<u32>(at(<u32>edit), EDIT_KEY) != 0) addSplice(key, keyEnd, SPLICE_KEY, child);
      }
      p = scanField(child, serial, p, level);
    }
    if (p == 0) return 0;
    const end = p;
    if (gone == 0xffffffff) stays = true;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x2c) {
      comma = p;
      p = skipBlank(p + 1);
    } else if (c == 0x7d) comma = 0;
    else return failAt(p, JSON_SYNTAX);
    // The comma before it goes with it, or where nothing stays before it the one behind.
    if (gone != 0xffffffff) endSplice(gone, stays || comma == 0 ? end : p);
  }
  anyStays = stays;
  return p + 1;
}

function scanArray(node: usize, p: usize, level: u32): usize {
  const serial = load<u32>(node, NODE_SERIAL);
  let wanted: usize = load<u32>(node, NODE_CHILD);
  let comma: usize = 0, stays = false, index: i32 = 0;
  openLevels(level);
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x5d || comma != 0) {
    const start = p;
    let gone: u32 = 0xffffffff;
    const child: usize = wanted == 0 ? 0 : nodes + wanted * NODE;
    if (child == 0 || load<i32>(child, NODE_INDEX) != index) p = skipAny(p);
    else {
      const edit: usize = load<u32>(child, NODE_EDIT);
      if (edit != 0 && load<u32>(at(<u32>edit), EDIT_KIND) == EDIT_REMOVE) gone = addSplice(stays ? comma : start, 0, SPLICE_GONE, child);
      p = scanField(child, serial, p, level);
      wanted = load<u32>(child, NODE_SIBLING);
    }
    if (p == 0) return 0;
    const end = p;
    if (gone == 0xffffffff) stays = true;
    p = skipBlank(p);
    const c: u32 = load<u8>(p);
    if (c == 0x2c) {
      comma = p;
      p = skipBlank(p + 1);
    } else if (c == 0x5d) comma = 0;
    else return failAt(p, JSON_SYNTAX);
    if (gone != 0xffffffff) endSplice(gone, stays || comma == 0 ? end : p);
    index++;
  }
  return p + 1;
}

/** The value of `field` at `p`, in the object or array that is occurrence `under`. */
function scanField(field: usize, under: u32, p: usize, level: u32): usize {
  store<u32>(field, nextSerial(), NODE_SERIAL);
  store<u32>(field, under, NODE_UNDER);
  store<u32>(field, <u32>p, NODE_START);
  store<u32>(field, spliceCount, NODE_SPLICE);
  const edit: usize = load<u32>(field, NODE_EDIT);
  let splice: u32 = 0xffffffff;
  if (edit != 0) {
    const kind = load<u32>(at(<u32>edit), EDIT_KIND);
    if (kind != EDIT_NONE && kind != EDIT_REMOVE) splice = addSplice(p, 0, SPLICE_VALUE, field);
  }
  const c: u32 = load<u8>(p);
  if (c == 0x7b && load<u32>(field, NODE_MASK) != 0) {
    p = scanObject(field, p, level + 1);
    openLevels(level);
  } else if (c == 0x5b && load<u32>(field, NODE_MASK) != 0) {
    p = scanArray(field, p, level + 1);
    openLevels(level);
  } else p = skipAny(p);
  store<u32>(field, <u32>p, NODE_END);
  if (splice != 0xffffffff) endSplice(splice, p);
  return p;
}

/** Any value; a string without escapes, which most are, at once. */
// @ts-ignore: decorator
@inline
function skipAny(p: usize): usize {
  if (load<u8>(p) != 0x22) return skipValue(p);
  const end = plainEnd(p + 1);
  return load<u8>(end) == 0x22 ? end + 1 : skipString(p + 1);
}

/** The child by the name whose escaped text ends before `end`; a lone surrogate is in no name. */
function escapedChild(node: usize, key: usize, end: usize): usize {
  if (end - key > KEY_TEXT_MAX) return 0;
  unescape(key, keyScratch);
  return loneSurrogate ? 0 : childOf(node, keyScratch, unescapedSize);
}

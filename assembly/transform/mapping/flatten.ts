// Objects in objects as members of one object, their names joined: {"a":{"b":1}} is {"a_b":1}.
// Arrays stay as they are, and so does an object without members.
import { at, header, HEADER_ADDED, HEADER_SEPARATOR, NODE_EDIT } from "./program";
import { EDIT_KEY, EDIT_KEY_SIZE } from "./edits";
import { openLevels, skipBlank, skipString, skipValue } from "../../codec/json";
import { put, putByte } from "./sink";
import { SPLICE, SPLICE_GONE, SPLICE_KEY, spliceCount, splices, SPLICE_VALUE } from "./splices";
import { writeStretch } from "./write";

// The names around the member at hand, without quotes: address and size of each.
const names: usize = memory.data(257 * 8, 16);
let levels: usize = 0;
/** The splice that comes next in the text. */
let next: u32 = 0;
let any: bool = false;

/** Whether a member was put since startFlat(). */
export function flatAny(): bool {
  return any;
}

export function startFlat(): void {
  levels = 0;
  next = 0;
  any = false;
}

/** The whole record at `p`, with what is added to it. */
export function flattenRecord(p: usize): void {
  startFlat();
  putByte(0x7b);
  flattenObject(p);
  const added: usize = header(HEADER_ADDED + 4);
  if (added != 0 && any) putByte(0x2c);
  put(at(header(HEADER_ADDED)), added);
  putByte(0x7d);
}

/** A selected value by the name in quotes; `splice` is the first one in it. */
export function flattenMember(name: usize, size: usize, p: usize, end: usize, splice: u32): void {
  next = splice;
  putField(name, size, p, end);
}

/** The members of the object at `p`; gives the byte behind it. */
function flattenObject(p: usize): usize {
  p = skipBlank(p + 1);
  while (load<u8>(p) != 0x7d) {
    if (load<u8>(p) == 0x2c) p = skipBlank(p + 1);
    let name = p;
    p = skipString(p + 1);
    let size = p - name;
    const value = skipBlank(skipBlank(p) + 1);
    const splice = spliceAt(name);
    const gone = splice != 0 && load<u32>(splice, 8) == SPLICE_GONE;
    if (splice != 0 && load<u32>(splice, 8) == SPLICE_KEY) {
      const edit = at(load<u32>(load<u32>(splice, 12), NODE_EDIT));
      name = at(load<u32>(edit, EDIT_KEY));
      size = load<u32>(edit, EDIT_KEY_SIZE);
    }
    if (gone) p = endOf(value);
    else p = putField(name, size, value, 0);
    p = skipBlank(p);
  }
  return p + 1;
}

/** One member; `end` is behind its value, or 0. Gives that. */
function putField(name: usize, size: usize, value: usize, end: usize): usize {
  const splice = spliceAt(value);
  const replaced = splice != 0 && load<u32>(splice, 8) == SPLICE_VALUE;
  if (!replaced && load<u8>(value) == 0x7b && load<u8>(skipBlank(value + 1)) != 0x7d) {
    const level = names + (levels++ << 3);
    store<u32>(level, <u32>(name + 1));
    store<u32>(level, <u32>(size - 2), 4);
    end = flattenObject(value);
    levels--;
    return end;
  }
  if (end == 0) end = endOf(value);
  if (any) putByte(0x2c);
  any = true;
  putByte(0x22);
  for (let level = names; level < names + (levels << 3); level += 8) {
    put(load<u32>(level), load<u32>(level, 4));
    put(at(header(HEADER_SEPARATOR)), header(HEADER_SEPARATOR + 4));
  }
  put(name + 1, size - 1);
  putByte(0x3a);
  writeStretch(value, end, next);
  return end;
}

function endOf(value: usize): usize {
  // judged before
  openLevels(0);
  return skipValue(value);
}

/** The splice whose stretch `p` is in, of those that begin at it or before; 0 for none. */
function spliceAt(p: usize): usize {
  const stop = splices + <usize>spliceCount * SPLICE;
  let s = splices + <usize>next * SPLICE;
  while (s < stop && <usize>load<u32>(s, 4) <= p) {
    s += SPLICE;
    next++;
  }
  return s < stop && <usize>load<u32>(s) <= p ? s : 0;
}

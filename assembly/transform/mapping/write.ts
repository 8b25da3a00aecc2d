// The output of a record as JSON: stretches of its text as they stand, with what the splices put between.
import { at, FLAG_FLATTEN, FLAG_SELECT, header, HEADER_ADDED, HEADER_FLAGS, HEADER_OUTPUTS, NODE, NODE_EDIT, NODE_END, NODE_SPLICE, nodes, valueOf } from "./program";
import { EDIT_KEY, EDIT_KEY_SIZE } from "./edits";
import { flatAny, flattenMember, flattenRecord, startFlat } from "./flatten";
import { put, putByte } from "./sink";
import { putEdited } from "./cast";
import { SPLICE, SPLICE_KEY, spliceCount, splices, SPLICE_VALUE } from "./splices";
import { anyStays } from "./scan";

/** An output of a selection, 12 bytes: the node, and the name in quotes with its colon. */
export const OUTPUT: usize = 12;

/** The record just walked over. */
export function writeRecord(): void {
  const flags = header(HEADER_FLAGS);
  if (flags & FLAG_SELECT) {
    writeSelected((flags & FLAG_FLATTEN) != 0);
    return;
  }
  const start = valueOf(nodes), end: usize = load<u32>(nodes, NODE_END);
  const added: usize = header(HEADER_ADDED + 4);
  if (flags & FLAG_FLATTEN) flattenRecord(start);
  else if (added == 0) writeStretch(start, end, 0);
  else {
    writeStretch(start, end - 1, 0);
    if (anyStays) putByte(0x2c);
    put(at(header(HEADER_ADDED)), added);
    putByte(0x7d);
  }
}

function writeSelected(flat: bool): void {
  let output = at(header(HEADER_OUTPUTS));
  let any = false;
  putByte(0x7b);
  if (flat) startFlat();
  for (let left = header(HEADER_OUTPUTS + 4); left > 0; left--, output += OUTPUT) {
    const node = nodes + <usize>load<u32>(output) * NODE;
    const value = valueOf(node);
    if (value == 0) continue;
    const name = at(load<u32>(output, 4)), size: usize = load<u32>(output, 8), end: usize = load<u32>(node, NODE_END);
    if (flat) flattenMember(name, size - 1, value, end, load<u32>(node, NODE_SPLICE));
    else {
      if (any) putByte(0x2c);
      any = true;
      put(name, size);
      writeStretch(value, end, load<u32>(node, NODE_SPLICE));
    }
  }
  if (flat) any = flatAny();
  const added: usize = header(HEADER_ADDED + 4);
  if (added != 0 && any) putByte(0x2c);
  put(at(header(HEADER_ADDED)), added);
  putByte(0x7d);
}

/** [p, end) of the record's text, with the splices in it from the one of that index on. */
export function writeStretch(p: usize, end: usize, splice: u32): void {
  let s = splices + <usize>splice * SPLICE;
  for (const stop = splices + <usize>spliceCount * SPLICE; s < stop; s += SPLICE) {
    const start: usize = load<u32>(s);
    if (start >= end) break;
    // inside what another has replaced
    if (start < p) continue;
    put(p, start - p);
    p = load<u32>(s, 4);
    const kind = load<u32>(s, 8), node: usize = load<u32>(s, 12);
    if (kind == SPLICE_VALUE) putEdited(node, start, p);
    else if (kind == SPLICE_KEY) {
      const edit = at(load<u32>(node, NODE_EDIT));
      put(at(load<u32>(edit, EDIT_KEY)), load<u32>(edit, EDIT_KEY_SIZE));
    }
  }
  put(p, end - p);
}

// The output of a record as a line of CSV (RFC 4180): the outputs of the selection in their order, strings without
// their quotes, anything else as its JSON. What is missing or null is nothing, "" an empty string.
import { at, header, HEADER_ADDED, HEADER_OUTPUTS, NODE, NODE_END, NODE_SPLICE, nodes, valueOf } from "./program";
import { backTo, full, hasRoom, last, noRoom, out, put, putByte, taken } from "./sink";
import { OUTPUT, writeStretch } from "./write";
import { takeText, textAt, textSize } from "./text";

export function writeCsv(): void {
  let output = at(header(HEADER_OUTPUTS));
  for (let left = header(HEADER_OUTPUTS + 4), i: u32 = 0; i < left; i++, output += OUTPUT) {
    if (i > 0) putByte(0x2c);
    const node = nodes + <usize>load<u32>(output) * NODE;
    const value = valueOf(node);
    if (value != 0) putCell(value, load<u32>(node, NODE_END), load<u32>(node, NODE_SPLICE));
  }
  put(at(header(HEADER_ADDED)), header(HEADER_ADDED + 4));
}

function putCell(value: usize, end: usize, splice: u32): void {
  const cell = out;
  writeStretch(value, end, splice);
  if (full) return;
  const c: u32 = load<u8>(cell);
  if (c == 0x6e) {
    backTo(cell);
    return;
  }
  if (c == 0x22) {
    // unescaped behind the JSON, and moved over it
    if (!takeText(cell, out, out, last)) {
      noRoom();
      return;
    }
    memory.copy(cell, textAt, textSize);
    backTo(cell + textSize);
    if (textSize == 0) {
      putByte(0x22);
      putByte(0x22);
      return;
    }
  }
  quote(cell);
}

/** Puts quotes around what was put from `cell` on, where it has a comma, a quote or the end of a line. */
function quote(cell: usize): void {
  const end = out;
  let quotes: usize = 0, special = false;
  for (let p = cell; p < end; p++) {
    const c: u32 = load<u8>(p);
    quotes += c == 0x22 ? 1 : 0;
    special = special || c == 0x22 || c == 0x2c || c == 0x0a || c == 0x0d;
  }
  if (!special) return;
  if (!hasRoom(quotes + 2)) return;
  let to = end + quotes + 1;
  store<u8>(to--, 0x22);
  for (let p = end; p > cell; ) {
    const c = load<u8>(--p);
    store<u8>(to--, c);
    if (c == 0x22) store<u8>(to--, c);
  }
  store<u8>(cell, 0x22);
  taken(quotes + 2);
}

// The output of a record as a line of CSV (RFC 4180): the outputs of the selection in their order, strings without
// their quotes, anything else as its JSON. What is missing or null is nothing, "" an empty string.
import { at, header, HEADER_ADDED, HEADER_OUTPUTS, NODE, NODE_END, NODE_SPLICE, nodes, valueOf } from "./program";
import { backTo, full, last, noRoom, out, put, putByte, taken } from "./sink";
import { putCsv } from "../text";
import { SPLICE, spliceCount, splices } from "./splices";
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
  if (splice < spliceCount && <usize>load<u32>(splices + <usize>splice * SPLICE) < end) {
    // its JSON first, behind it the cell that this becomes, which then is moved over it
    const cell = out;
    writeStretch(value, end, splice);
    const json = out;
    putPlain(cell, json);
    if (full) return;
    const size = out - json;
    memory.copy(cell, json, size);
    backTo(cell + size);
  } else putPlain(value, end);
}

/** The JSON value in [p, end) as a cell. */
function putPlain(p: usize, end: usize): void {
  if (full || load<u8>(p) == 0x6e) return;
  const text = load<u8>(p) == 0x22;
  if (!takeText(p, end, out, last)) {
    noRoom();
    return;
  }
  if (text && textSize == 0) {
    putByte(0x22);
    putByte(0x22);
    return;
  }
  // an unescaped text lies where the cell will be: that goes behind it
  const to = textAt == out ? out + textSize : out;
  if (to + 2 * textSize + 2 > last) {
    noRoom();
    return;
  }
  const size = putCsv(to, textAt, textAt + textSize) - to;
  if (to != out) memory.copy(out, to, size);
  taken(size);
}

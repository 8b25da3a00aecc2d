// A JSON object as a row of CSV: the values of its members in their order. Text without its escapes, null as nothing, objects and arrays as
// their JSON.
import { skipBlank, skipValue } from "../codec/json";
import { unescape, unescapedSize } from "../codec/unescape";
import { OUTPUT_FULL } from "../memory";
import { nextObject, objectAt, objectEnd, valueOf } from "./document";
import { DROPPED } from "./outcome";
import { putCsv } from "./text";

export function jsonRow(p: usize, end: usize, dst: usize, room: usize): i32 {
  const status = nextObject(p, end);
  if (status != 0) return status;
  const size = objectEnd - objectAt;
  // a row, in which each byte may be a quote that is doubled, and behind it a text without its escapes
  const scratch = dst + size * 2 + 64;
  if (size * 3 + 160 > room) return OUTPUT_FULL;
  let q = skipBlank(objectAt + 1), d = dst;
  if (load<u8>(q) == 0x7d) return DROPPED;
  while (true) {
    const value = valueOf(q);
    const c: u32 = load<u8>(value);
    q = skipValue(value);
    if (c == 0x22) {
      unescape(value + 1, scratch);
      d = putCsv(d, scratch, scratch + unescapedSize);
    } else if (c != 0x6e) d = putCsv(d, value, q);
    q = skipBlank(q);
    if (load<u8>(q) == 0x7d) return <i32>(d - dst);
    store<u8>(d++, 0x2c);
    q = skipBlank(q + 1);
  }
}

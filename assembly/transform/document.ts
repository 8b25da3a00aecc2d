// One JSON object of a record of one or several, `{..}{..}` or lines.
import { faultAt, faultReason, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_UTF8, openLevels, setBlankFeed, skipBlank, skipValue } from "../codec/json";
import { validUtf8 } from "../codec/utf8";
import { fault } from "../memory";
import { DROPPED, takeTo } from "./outcome";

/** Where the object that nextObject() took begins and ends. */
export let objectAt: usize = 0;
export let objectEnd: usize = 0;

/** Takes the object at `p`, well-formed and UTF-8: 0, or what the kernel is to give. Writes a sentinel to `end`. */
export function nextObject(p: usize, end: usize): i32 {
  store<u8>(end, 0);
  setBlankFeed(true);
  openLevels(0);
  objectAt = skipBlank(p);
  if (objectAt >= end) {
    takeTo(end);
    return DROPPED;
  }
  if (load<u8>(objectAt) != 0x7b) return fault(objectAt, 0, JSON_NOT_OBJECT);
  objectEnd = skipValue(objectAt);
  if (objectEnd == 0) return fault(faultAt, 0, faultAt >= end ? JSON_TEXT_ENDS : faultReason);
  const wrong = validUtf8(objectAt, objectEnd);
  if (wrong < objectEnd) return fault(wrong, 0, JSON_UTF8);
  // blank to the end is no item of its own
  takeTo(skipBlank(objectEnd));
  return 0;
}

/** From the key of a well-formed member to its value. */
export function valueOf(p: usize): usize {
  return skipBlank(skipBlank(skipValue(p)) + 1);
}

// The protobuf wire format as protobuf-java's CodedInputStream reads it: what it accepts is accepted,
// what it throws on is refused, since the KCL delivers raw whatever that reader refuses.
//   varint: at most 10 bytes, bits past 64 dropped; tags and lengths keep the low 32 bits
//   a length past the end, or negative as an int32, is refused; so is field number 0
//   unknown fields of any wire type are skipped, groups too, to 100 levels of messages and groups

const VARINT: u32 = 0, FIXED64: u32 = 1, BYTES: u32 = 2, GROUP: u32 = 3, GROUP_END: u32 = 4, FIXED32: u32 = 5;
const LEVELS: u32 = 100;
const open: usize = memory.data(400);

let value: u64 = 0;

/** What readVarint or readBytes last read: the number, or the length of the bytes. */
// @ts-ignore: decorator
@inline
export function wireValue(): u64 {
  return value;
}

/** Reads a varint; gives the address behind it, or 0. */
export function readVarint(at: usize, end: usize): usize {
  let result: u64 = 0;
  for (let shift: u64 = 0; at < end && shift < 70; shift += 7) {
    const byte = <u64>load<u8>(at++);
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = result;
      return at;
    }
  }
  return 0;
}

/** Reads the length of a length-delimited field whose bytes end before `end`; gives the address of the first, or 0. */
export function readBytes(at: usize, end: usize): usize {
  // most are of one or two bytes
  let size: u32 = at < end ? load<u8>(at) : 0x80;
  if (size < 0x80) at++;
  else if (at + 1 < end && load<u8>(at, 1) < 0x80) {
    size = (size & 0x7f) | <u32>load<u8>(at, 1) << 7;
    at += 2;
  } else {
    at = readVarint(at, end);
    if (at == 0) return 0;
    size = <u32>value;
  }
  if (size > <u32>(end - at)) return 0;
  value = size;
  return at;
}

/** Skips the content of a field of any kind, inside `depth` messages; gives the address behind it, or 0. */
export function skipField(tag: u32, at: usize, end: usize, depth: u32): usize {
  if (tag >> 3 == 0) return 0;
  const kind = tag & 7;
  if (kind == VARINT) return readVarint(at, end);
  if (kind == BYTES) {
    at = readBytes(at, end);
    return at == 0 ? 0 : at + <usize>value;
  }
  if (kind == FIXED64) return end - at < 8 ? 0 : at + 8;
  if (kind == FIXED32) return end - at < 4 ? 0 : at + 4;
  return kind == GROUP ? skipGroup(tag, at, end, depth) : 0;
}

// A group ends at the tag that closes it, within the same message; `open` holds the tags still to come.
function skipGroup(tag: u32, at: usize, end: usize, depth: u32): usize {
  let level: u32 = 0;
  while (true) {
    if ((tag & 7) == GROUP) {
      if (tag >> 3 == 0 || depth + level >= LEVELS) return 0;
      store<u32>(open + (<usize>level << 2), tag - GROUP + GROUP_END);
      level++;
    } else if ((tag & 7) == GROUP_END) {
      level--;
      if (load<u32>(open + (<usize>level << 2)) != tag) return 0;
      if (level == 0) return at;
    } else {
      at = skipField(tag, at, end, depth);
      if (at == 0) return 0;
    }
    at = readVarint(at, end);
    if (at == 0) return 0;
    tag = <u32>value;
  }
  return 0;
}

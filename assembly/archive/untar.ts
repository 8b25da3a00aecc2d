// Reads one member's headers: ustar, pax "x" (path, size), GNU "L" long names, GNU base-256 sizes,
// v7. Everything in them is hostile: lengths are bounded before they are followed, numbers before
// they are added, and what would make two readers disagree is refused rather than guessed at.
import { compareBytes } from "../bytes";
import { fault, INPUT_ENDS, OUTPUT_FULL, tell } from "../memory";

const BLOCK: usize = 512;
/** Extended headers over this are refused: no honest name, owner or ACL comes near it. */
const META_LIMIT: u64 = 1 << 20;
const META_CHAIN: i32 = 8;
const SIZE_LIMIT: u64 = 1 << 53; // exact in a double

/** Reason codes in the report's detail. */
export const TAR_CHECKSUM: i32 = 1; // the header's sum is not its checksum
export const TAR_NUMBER: i32 = 2; // a size that is no number, negative, or over 2^53
export const TAR_PAX: i32 = 3; // a malformed extended header
export const TAR_LONG: i32 = 4; // an extended header over 1 MiB, or more than 8 in a row
export const TAR_SPARSE: i32 = 5; // a sparse file: its stored bytes are not its content
export const TAR_NAME: i32 = 6; // an empty name, or one with a NUL in it

/** Bytes before the name in what tarEntry writes. */
export const TAR_ENTRY: usize = 16;

const WORDS: usize = memory.data<u8>([0x70, 0x61, 0x74, 0x68, 0x73, 0x69, 0x7a, 0x65, 0x47, 0x4e, 0x55, 0x2e, 0x73, 0x70, 0x61, 0x72, 0x73, 0x65, 0x2e]); // path size GNU.sparse.

const BAD_NUMBER: u64 = u64.MAX_VALUE;

/** Octal with leading spaces, ended by NUL or space or the field's end; or GNU base-256. */
function number(at: usize, width: usize): u64 {
  let value: u64 = 0;
  const end = at + width;
  const first = load<u8>(at);
  if (first == 0x80) {
    for (at++; at < end; at++) {
      if (value >= SIZE_LIMIT) return BAD_NUMBER;
      value = (value << 8) | load<u8>(at);
    }
    return value;
  }
  while (at < end && load<u8>(at) == 0x20) at++;
  for (; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 7) break;
    value = (value << 3) | digit;
  }
  for (; at < end; at++) {
    const c = load<u8>(at);
    if (c != 0 && c != 0x20) return BAD_NUMBER;
  }
  return value;
}

/** Sums of the block as unsigned bytes, the way of the standard, and as signed ones, the way of old Unix tars. */
function checksumHolds(block: usize): bool {
  let unsigned: u32 = 8 * 0x20, signed: i32 = 8 * 0x20;
  for (let i: usize = 0; i < BLOCK; i++) {
    if (i == 148) i = 156;
    unsigned += load<u8>(block + i);
    signed += load<i8>(block + i);
  }
  const told = number(block + 148, 8);
  // a signed sum of -1 looks like BAD_NUMBER
  return told != BAD_NUMBER && (told == <u64>unsigned || told == <u64>signed);
}

function isZero(block: usize): bool {
  let seen: u64 = 0;
  for (let i: usize = 0; i < BLOCK; i += 8) seen |= load<u64>(block + i);
  return seen == 0;
}

/** Bytes before the first NUL, at most `width`. */
function fieldSize(at: usize, width: usize): usize {
  let n: usize = 0;
  while (n < width && load<u8>(at + n) != 0) n++;
  return n;
}

// What the extended headers said about the member that follows.
let nameAt: usize = 0;
let nameSize: usize = 0;
let paxNamed: bool = false;
let sizeTold: bool = false;
let sizeValue: u64 = 0;

/** Takes the "LENGTH keyword=value\n" records of one extended header; gives 0 or a reason code. */
function readPax(at: usize, end: usize, applies: bool): i32 {
  while (at < end) {
    const start = at;
    let length: usize = 0;
    for (; at < end; at++) {
      const digit = <u32>load<u8>(at) - 0x30;
      if (digit > 9) break;
      length = length * 10 + digit;
      if (length > <usize>META_LIMIT) return TAR_PAX;
    }
    if (at == start || at == end || load<u8>(at) != 0x20) return TAR_PAX;
    const stop = start + length;
    at++;
    // "k=\n" is the least that can stand behind the space
    if (stop > end || stop < at + 3 || load<u8>(stop - 1) != 0x0a) return TAR_PAX;
    const key = at;
    while (at < stop - 1 && load<u8>(at) != 0x3d) at++;
    if (at == stop - 1) return TAR_PAX;
    const keySize = at - key, value = at + 1, valueSize = stop - 1 - value;
    at = stop;
    if (keySize >= 11 && compareBytes(key, 11, WORDS + 8, 11) == 0) return TAR_SPARSE;
    const isPath = compareBytes(key, keySize, WORDS, 4) == 0;
    const isSize = compareBytes(key, keySize, WORDS + 4, 4) == 0;
    if (!isPath && !isSize) continue;
    // a global path or size would rename or resize all that follows; readers do not agree on it
    if (!applies) return TAR_PAX;
    if (isPath) {
      if (fieldSize(value, valueSize) != valueSize) return TAR_NAME;
      nameAt = value;
      nameSize = valueSize;
      paxNamed = valueSize > 0; // an empty value takes the header's own again
    } else {
      sizeTold = valueSize > 0;
      sizeValue = 0;
      for (let i: usize = 0; i < valueSize; i++) {
        const digit = <u32>load<u8>(value + i) - 0x30;
        if (digit > 9 || sizeValue > SIZE_LIMIT / 10) return TAR_NUMBER;
        sizeValue = sizeValue * 10 + digit;
      }
    }
  }
  return 0;
}

/**
 * Reads the headers of the member that starts at src, extended headers included. Gives the bytes up
 * to its data (a multiple of 512) and writes to dst
 *   0      4          8         12         16
 *   | type | nameSize | sizeLow | sizeHigh | name, UTF-8 as it stood |
 * type: the ASCII type flag ("0" also for v7's NUL and "7"), 0 for the block of zeros that ends an
 * archive. size: bytes of data that follow; links, directories and devices have none. INPUT_ENDS: the report's consumed says how many bytes are needed. OUTPUT_FULL: the
 * report's produced says how many. BAD_INPUT: position, and a TAR_ reason in detail.
 */
export function tarEntry(src: usize, len: usize, dst: usize, cap: usize): i32 {
  let at: usize = 0;
  paxNamed = false;
  sizeTold = false;
  let gnuName = false;
  for (let chain: i32 = 0; ; chain++) {
    if (at + BLOCK > len) {
      tell(at + BLOCK, 0);
      return INPUT_ENDS;
    }
    const block = src + at;
    if (isZero(block)) {
      if (chain > 0) return fault(at, 0, TAR_PAX); // an extended header without its member
      store<u64>(dst, 0);
      store<u64>(dst, 0, 8);
      return <i32>BLOCK;
    }
    if (!checksumHolds(block)) return fault(at, 0, TAR_CHECKSUM);
    let type = load<u8>(block + 156);
    let size = number(block + 124, 12);
    if (size >= SIZE_LIMIT) return fault(at + 124, 0, TAR_NUMBER);
    at += BLOCK;

    if (type == 0x78 || type == 0x67 || type == 0x4c || type == 0x4b) { // x g L K
      if (size > META_LIMIT || chain == META_CHAIN) return fault(at - BLOCK, 0, TAR_LONG);
      const padded = (<usize>size + BLOCK - 1) & ~(BLOCK - 1);
      if (at + padded > len) {
        tell(at + padded + BLOCK, 0);
        return INPUT_ENDS;
      }
      if (type == 0x4c) {
        if (!paxNamed) {
          nameAt = src + at;
          nameSize = fieldSize(nameAt, <usize>size);
        }
        gnuName = true;
      } else if (type != 0x4b) {
        const reason = readPax(src + at, src + at + <usize>size, type == 0x78);
        if (reason != 0) return fault(at, 0, reason);
      }
      at += padded;
      continue;
    }

    if (type == 0x53) return fault(at - BLOCK, 0, TAR_SPARSE);
    if (type == 0 || type == 0x37) type = 0x30;
    if (sizeTold) size = sizeValue;
    if (size >= SIZE_LIMIT) return fault(at - BLOCK, 0, TAR_NUMBER);
    if (type == 0x31) size = 0; // old tars repeat the target's size here
    // a symlink, device, directory or FIFO has no data: GNU tar would skip some, Python and Go would not
    if (type >= 0x32 && type <= 0x36 && size > 0) return fault(at - BLOCK, 0, TAR_NUMBER);

    let total: usize;
    if (paxNamed || gnuName) {
      total = nameSize;
      if (TAR_ENTRY + total > cap) {
        tell(0, TAR_ENTRY + total);
        return OUTPUT_FULL;
      }
      memory.copy(dst + TAR_ENTRY, nameAt, nameSize);
    } else {
      const own = fieldSize(block, 100);
      // "ustar" NUL is POSIX; GNU's "ustar  " has other things where the prefix would be
      const posix = load<u32>(block + 257) == 0x61747375 && load<u16>(block + 261) == 0x0072;
      const prefix = posix ? fieldSize(block + 345, 155) : 0;
      total = prefix > 0 ? prefix + 1 + own : own;
      if (TAR_ENTRY + total > cap) {
        tell(0, TAR_ENTRY + total);
        return OUTPUT_FULL;
      }
      let to = dst + TAR_ENTRY;
      if (prefix > 0) {
        memory.copy(to, block + 345, prefix);
        to += prefix;
        store<u8>(to++, 0x2f);
      }
      memory.copy(to, block, own);
    }
    if (total == 0) return fault(at - BLOCK, 0, TAR_NAME);
    // v7 wrote a directory as a file whose name ends with a slash; every reader still takes it so
    if (type == 0x30 && load<u8>(dst + TAR_ENTRY + total - 1) == 0x2f) {
      if (size > 0) return fault(at - BLOCK, 0, TAR_NAME);
      type = 0x35;
    }
    store<u32>(dst, type);
    store<u32>(dst, <u32>total, 4);
    store<u64>(dst, size, 8);
    tell(at, TAR_ENTRY + total);
    return <i32>at;
  }
}

// ustar (POSIX.1-1988) with one pax extended header (POSIX.1-2001, pax "Interchange Format") where
// a name does not fit or is not ASCII, or a size passes 8 GiB - 1. Regular files only, fixed
// metadata: equal input gives equal bytes. No directories, no links: this is what every reader known
// to unpack for S3 understands (Python tarfile writes the same).
//
// Names that readers get wrong in a pax header, which are the caller's to know, go the way of GNU tar
// instead: raw in the header where they fit, else in an "L" entry; a large size in base-256.
//
// 512-byte header, offsets of the fields:
//   name 0/100  mode 100/8  uid 108/8  gid 116/8  size 124/12  mtime 136/12  checksum 148/8
//   type 156/1  linkname 157/100  magic 257/6  version 263/2  uname 265/32  gname 297/32
//   devmajor 329/8  devminor 337/8  prefix 345/155
import { OUTPUT_FULL, tell } from "../memory";

const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;
const OCTAL_SIZE_LIMIT: u64 = 1 << 33; // eleven octal digits
// 1980-01-01T00:00:00Z: the oldest time that FAT and zip can hold, so no extraction stumbles on it.
const MTIME: u64 = 315532800;

/** Bytes of one row of the member table. */
export const TAR_ROW: usize = 24;

const PAX_NAME: usize = memory.data<u8>([
  0x2e, 0x2f, 0x2e, 0x2f, 0x40, 0x50, 0x61, 0x78, 0x48, 0x65, 0x61, 0x64, 0x65, 0x72, // "././@PaxHeader", as Python
]);
const PAX_NAME_SIZE: usize = 14;
const LONG_NAME: usize = memory.data<u8>([
  0x2e, 0x2f, 0x2e, 0x2f, 0x40, 0x4c, 0x6f, 0x6e, 0x67, 0x4c, 0x69, 0x6e, 0x6b, // "././@LongLink", as GNU tar
]);
const LONG_NAME_SIZE: usize = 13;

/** In a row's nameSize: this member's name is not for a pax header. */
export const TAR_GNU: u32 = 0x80000000;

/** `width` octal digits with leading zeros and a NUL behind them. */
function putOctal(dst: usize, width: usize, value: u64): void {
  for (let i = width; i > 0; i--) {
    store<u8>(dst + i - 1, 0x30 + <u8>(value & 7));
    value >>= 3;
  }
  store<u8>(dst + width, 0);
}

/** A size as GNU tar writes it where octal does not do: the top bit set, then a number of 11 bytes, big-endian. */
function putBase256(dst: usize, value: u64): void {
  store<u32>(dst, 0x80);
  store<u64>(dst + 4, bswap(value));
}

/** Unsigned sum of the block, the checksum field counted as spaces. */
function sum(block: usize): u32 {
  let total: u32 = 8 * 0x20;
  for (let i: usize = 0; i < 148; i++) total += load<u8>(block + i);
  for (let i: usize = 156; i < BLOCK; i++) total += load<u8>(block + i);
  return total;
}

/** Everything but the names. */
function putFixed(dst: usize, type: u8, size: u64): void {
  memory.fill(dst, 0, BLOCK);
  putOctal(dst + 100, 7, 0o644);
  putOctal(dst + 108, 7, 0);
  putOctal(dst + 116, 7, 0);
  putOctal(dst + 124, 11, size);
  putOctal(dst + 136, 11, MTIME);
  store<u8>(dst + 156, type);
  store<u64>(dst + 257, 0x3030007261747375); // "ustar" NUL "00"
  putOctal(dst + 329, 7, 0);
  putOctal(dst + 337, 7, 0);
}

function putChecksum(dst: usize): void {
  putOctal(dst + 148, 6, sum(dst));
  store<u8>(dst + 155, 0x20);
}

/** Where to cut a name over 100 bytes: index of the last "/" that leaves both parts short enough, or 0. */
function split(name: usize, size: usize): usize {
  if (size > PREFIX + 1 + NAME) return 0;
  for (let i = min(PREFIX, size - 2); i + 1 + NAME >= size && i > 0; i--) {
    if (load<u8>(name + i) == 0x2f) return i;
  }
  return 0;
}

/** Longest start of the name that ends with a whole character and not with "/", for readers without pax. */
function shorten(name: usize, size: usize): usize {
  let n = min(size, NAME);
  if (n < size) while (n > 0 && (load<u8>(name + n) & 0xc0) == 0x80) n--;
  while (n > 1 && load<u8>(name + n - 1) == 0x2f) n--;
  return n;
}

function isAscii(name: usize, size: usize): bool {
  let seen: u8 = 0;
  for (let i: usize = 0; i < size; i++) seen |= load<u8>(name + i);
  return seen < 0x80;
}

function decimalDigits(value: u64): usize {
  let n: usize = 1;
  while (value >= 10) {
    value /= 10;
    n++;
  }
  return n;
}

function putDecimal(dst: usize, value: u64): usize {
  const end = dst + decimalDigits(value);
  for (let at = end; at > dst; at--) {
    store<u8>(at - 1, 0x30 + <u8>(value % 10));
    value /= 10;
  }
  return end;
}

/** Size of the record "LENGTH keyword=value\n", whose length counts its own digits. */
function paxSize(keyword: usize, value: usize): usize {
  const rest = keyword + value + 3; // space, "=", newline
  let size = rest + decimalDigits(rest);
  if (rest + decimalDigits(size) != size) size++;
  return size;
}

/**
 * Headers of `count` members, one after the other, each a multiple of 512 bytes: what stands before
 * the member's data. Row i of `table`, TAR_ROW bytes, u32:
 *   0        4          8         12         16         20
 *   | nameAt | nameSize | sizeLow | sizeHigh | headerAt | headerSize |
 * nameAt counts from `heap`; nameSize may have TAR_GNU in it; headerAt (from dst) and headerSize are filled in. Gives the bytes
 * written, or OUTPUT_FULL. A name is at most 64 KiB and is taken as it is: whoever calls has
 * checked it.
 */
export function tarHeaders(heap: usize, table: usize, count: usize, dst: usize, cap: usize): i32 {
  let at = dst;
  for (let i: usize = 0; i < count; i++) {
    const row = table + i * TAR_ROW;
    const name = heap + load<u32>(row);
    const gnu = (load<u32>(row, 4) & TAR_GNU) != 0;
    const nameSize = <usize>(load<u32>(row, 4) & ~TAR_GNU);
    const size = load<u64>(row, 8);
    const big = size >= OCTAL_SIZE_LIMIT;
    const cut = nameSize > NAME ? split(name, nameSize) : 0;
    const fits = nameSize <= NAME || cut > 0;
    const longName = !fits || (!gnu && !isAscii(name, nameSize));
    let extra: usize = 0; // what an extended header holds
    if (gnu) {
      if (longName) extra = nameSize + 1;
    } else {
      if (longName) extra += paxSize(4, nameSize);
      if (big) extra += paxSize(4, decimalDigits(size));
    }
    const extraBlocks = extra > 0 ? BLOCK + ((extra + BLOCK - 1) & ~(BLOCK - 1)) : 0;
    if (at + extraBlocks + BLOCK > dst + cap) return OUTPUT_FULL;
    store<u32>(row, <u32>(at - dst), 16);
    store<u32>(row, <u32>(extraBlocks + BLOCK), 20);
    if (extra > 0) {
      putFixed(at, gnu ? 0x4c : 0x78, extra);
      if (gnu) memory.copy(at, LONG_NAME, LONG_NAME_SIZE);
      else memory.copy(at, PAX_NAME, PAX_NAME_SIZE);
      putChecksum(at);
      memory.fill(at + BLOCK, 0, extraBlocks - BLOCK);
      let p = at + BLOCK;
      if (gnu) {
        memory.copy(p, name, nameSize);
      } else if (longName) {
        p = putDecimal(p, paxSize(4, nameSize));
        store<u32>(p, 0x74617020); // " pat"
        store<u16>(p, 0x3d68, 4); // "h="
        memory.copy(p + 6, name, nameSize);
        p += 6 + nameSize;
        store<u8>(p++, 0x0a);
      }
      if (big && !gnu) {
        p = putDecimal(p, paxSize(4, decimalDigits(size)));
        store<u32>(p, 0x7a697320); // " siz"
        store<u16>(p, 0x3d65, 4); // "e="
        p = putDecimal(p + 6, size);
        store<u8>(p++, 0x0a);
      }
      at += extraBlocks;
    }
    putFixed(at, 0x30, big ? 0 : size);
    if (big && gnu) putBase256(at + 124, size);
    if (cut > 0) {
      memory.copy(at + 345, name, cut);
      memory.copy(at, name + cut + 1, nameSize - cut - 1);
    } else {
      memory.copy(at, name, shorten(name, nameSize));
    }
    putChecksum(at);
    at += BLOCK;
  }
  tell(count, at - dst);
  return <i32>(at - dst);
}


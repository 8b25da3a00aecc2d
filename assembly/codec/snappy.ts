// Snappy, raw format (google/snappy format_description.txt): a varint of the plain size, then
// literals and copies.
//
//   tag & 3   0 literal: size - 1 in tag >> 2, or 60..63: in the 1..4 bytes that follow
//             1 copy of 4..11 bytes, 11-bit offset     2 copy of 1..64 bytes, 16-bit offset
//             3 copy of 1..64 bytes, 32-bit offset (never written here, read all the same)
//
// Compression works in blocks of 64 KiB, so offsets fit 16 bits and the table of last positions
// is 16384 x u16. After 32 misses the search begins to skip, so incompressible bytes cost little; a match
// takes back five eighths of that, not all: 36 random digits behind each 4 bytes that repeat (UUIDs as
// strings) are no longer searched byte by byte. Nested rows with such a column take 7 % less time and
// 2 % more bytes, web logs 0.15 %; half of it kept cost 4 % in bytes.
// Limits: plain size below 2^31.
import { copyLoose, putVarint } from "../bytes";
import { fault, OUTPUT_FULL, tell } from "../memory";
import { MATCH_MARGIN, matchSize, matchSlot } from "./match";

const BLOCK: usize = 65536;
const TABLE_BITS: u32 = 14;
const TABLE: usize = memory.data(32768, 16);

/** Reasons in the report's detail for BAD_INPUT. */
const BAD_LENGTH: i32 = 1; // the claimed size is no varint below 2^31, or no input of this size can reach it
const BAD_LITERAL: i32 = 2; // a literal runs past the input or the claimed size
const BAD_COPY: i32 = 3; // a copy starts before the output or runs past the claimed size
const BAD_SIZE: i32 = 4; // the elements end before the claimed size

/** Capacity that snappyCompress asks for: Google's bound for `len` plain bytes. */
export function snappyBound(len: usize): usize {
  return 32 + len + len / 6;
}

/** Compresses; OUTPUT_FULL when cap < snappyBound(len). Gives the compressed size. */
export function snappyCompress(src: usize, len: usize, dst: usize, cap: usize): i32 {
  if (cap < snappyBound(len)) return OUTPUT_FULL;
  let op = putVarint(dst, <u64>len);
  for (let at: usize = 0; at < len; at += BLOCK) op = compressBlock(src + at, min(BLOCK, len - at), op);
  tell(len, op - dst);
  return <i32>(op - dst);
}

function compressBlock(base: usize, len: usize, dst: usize): usize {
  const end = base + len;
  let emit = base;
  if (len >= MATCH_MARGIN) {
    // A table no bigger than the block: clearing 32 KiB for a page of 200 bytes would be the cost.
    let bits: u32 = 8;
    while (bits < TABLE_BITS && <usize>(1 << bits) < len) bits++;
    const shift = <u64>(64 - bits);
    memory.fill(TABLE, 0, <usize>2 << bits);
    const limit = end - MATCH_MARGIN;
    let ip = base + 1;
    let skip: usize = 32;
    while (ip <= limit) {
      const word = load<u64>(ip);
      const at = TABLE + (matchSlot(word, shift) << 1);
      const candidate = base + <usize>load<u16>(at);
      store<u16>(at, <u16>(ip - base));
      if (<u32>word != load<u32>(candidate)) {
        const leap = skip >> 5;
        skip += leap;
        ip += leap;
        continue;
      }
      dst = putLiteral(dst, emit, ip - emit);
      const size = matchSize(candidate, ip, end);
      dst = putCopy(dst, ip - candidate, size);
      ip += size;
      emit = ip;
      skip = 32 + ((skip - 32) * 3 >> 3);
    }
  }
  const rest = end - emit;
  return rest == 0 ? dst : literal(dst, emit, rest);
}

// @ts-ignore: decorator
@inline
function putLiteral(dst: usize, src: usize, size: usize): usize {
  if (size > 16) return literal(dst, src, size);
  // Writes up to 17 bytes too many: snappyBound leaves the room, the next element covers them.
  store<u8>(dst, <u8>((size - 1) << 2));
  const low = load<u64>(src), high = load<u64>(src, 8);
  store<u64>(dst, low, 1);
  store<u64>(dst, high, 9);
  return dst + size + usize(size != 0);
}

function literal(dst: usize, src: usize, size: usize): usize {
  const n = size - 1;
  if (n < 60) store<u8>(dst++, <u8>(n << 2));
  else if (n < 256) {
    store<u8>(dst, 60 << 2);
    store<u8>(dst, <u8>n, 1);
    dst += 2;
  } else {
    store<u8>(dst, 61 << 2);
    store<u16>(dst, <u16>n, 1);
    dst += 3;
  }
  copyLoose(dst, src, size);
  return dst + size;
}

// @ts-ignore: decorator
@inline
function putCopy(dst: usize, offset: usize, size: usize): usize {
  if (size > 64) {
    // Pieces of 64 while at least 4 bytes are left for the last one, which then may be a short copy.
    for (; size >= 68; size -= 64) {
      store<u32>(dst, copy2(offset, 64));
      dst += 3;
    }
    if (size > 64) {
      store<u32>(dst, copy2(offset, 60));
      dst += 3;
      size -= 60;
    }
  }
  const short = u32(size < 12) & u32(offset < 2048);
  const copy1 = <u32>1 | (<u32>(size - 4) << 2) | (<u32>(offset >> 8) << 5) | (<u32>(offset & 255) << 8);
  store<u32>(dst, select<u32>(copy1, copy2(offset, size), short));
  return dst + 3 - <usize>short;
}

// @ts-ignore: decorator
@inline
function copy2(offset: usize, size: usize): u32 {
  return 2 | (<u32>(size - 1) << 2) | (<u32>offset << 8);
}

/**
 * Decompresses. BAD_INPUT with the position of the bad element; OUTPUT_FULL when cap is below the
 * claimed size, which is then in the report's `produced`. Never reads or writes outside of the two
 * buffers (src's SLACK aside), and a claim that no input of `len` bytes can meet is refused first.
 */
export function snappyDecompress(src: usize, len: usize, dst: usize, cap: usize): i32 {
  const srcEnd = src + len;
  let ip = src;
  let size: u64 = 0;
  let shift: u64 = 0;
  for (;;) {
    if (ip == srcEnd || shift > 28) return fault(ip - src, 0, BAD_LENGTH);
    const byte = <u64>load<u8>(ip++);
    size |= (byte & 127) << shift;
    if (byte < 128) break;
    shift += 7;
  }
  // The densest element is a copy of 64 bytes in 3.
  if (size > 0x7fffffff || size * 3 > <u64>len * 64) return fault(0, 0, BAD_LENGTH);
  if (size > <u64>cap) {
    tell(0, <usize>size);
    return OUTPUT_FULL;
  }
  const end = dst + <usize>size;
  let op = dst;
  while (ip < srcEnd) {
    const at = ip;
    const tag = <usize>load<u8>(ip++);
    let count = (tag >> 2) + 1;
    if ((tag & 3) == 0) {
      if (count > 60) {
        const extra = count - 60;
        if (extra > srcEnd - ip) return fault(at - src, 0, BAD_LITERAL);
        count = <usize>(load<u32>(ip) & (0xffffffff >> (32 - <u32>(extra << 3))));
        if (count > 0x7ffffffe) return fault(at - src, 0, BAD_LITERAL);
        count++;
        ip += extra;
      }
      if (count > srcEnd - ip || count > end - op) return fault(at - src, 0, BAD_LITERAL);
      if (count <= 16 && end - op >= 16) {
        store<u64>(op, load<u64>(ip));
        store<u64>(op, load<u64>(ip, 8), 8);
      } else memory.copy(op, ip, count);
      ip += count;
      op += count;
      continue;
    }
    let offset: usize;
    if ((tag & 3) == 1) {
      if (srcEnd - ip < 1) return fault(at - src, 0, BAD_COPY);
      count = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | <usize>load<u8>(ip);
      ip++;
    } else if ((tag & 3) == 2) {
      if (srcEnd - ip < 2) return fault(at - src, 0, BAD_COPY);
      offset = <usize>load<u16>(ip);
      ip += 2;
    } else {
      if (srcEnd - ip < 4) return fault(at - src, 0, BAD_COPY);
      offset = <usize>load<u32>(ip);
      ip += 4;
    }
    if (offset == 0 || offset > op - dst || count > end - op) return fault(at - src, 0, BAD_COPY);
    op = copyBack(op, offset, count, end);
  }
  if (op != end) return fault(len, 0, BAD_SIZE);
  tell(len, <usize>size);
  return <i32>size;
}

// @ts-ignore: decorator
@inline
function copyBack(op: usize, offset: usize, count: usize, end: usize): usize {
  const done = op + count;
  let from = op - offset;
  if (offset >= 8 && end - op >= count + 8) {
    do {
      store<u64>(op, load<u64>(from));
      op += 8;
      from += 8;
    } while (op < done);
  } else {
    while (op < done) store<u8>(op++, load<u8>(from++));
  }
  return done;
}

// LZ4, block format (lz4_Block_format.md), what Parquet calls LZ4_RAW: sequences of
//
//   token: literals << 4 | match - 4    each 15: + bytes of 255 and one below
//   literals    u16 offset, 1..65535    [the last sequence ends behind its literals]
//
// The last 5 bytes are literals and the last match begins 12 bytes before the end. After 64 misses
// the search begins to skip, so incompressible bytes cost little. Limits: plain size below 2^31.
import { copyLoose } from "../bytes";
import { OUTPUT_FULL, tell } from "../memory";
import { MATCH_MARGIN, matchSize, matchSlot } from "./match";

const TABLE_BITS: u32 = 13;
/** Offset of the last position of each hash, u32. */
const TABLE: usize = memory.data(32768, 16);
const FARTHEST: usize = 65535;
const LAST_LITERALS: usize = 5;
/** The last match begins no nearer to the end: 12 for the format, more for matchSize. */
const LAST_MATCH: usize = LAST_LITERALS + MATCH_MARGIN;

/** Capacity that lz4Compress asks for: the format's bound for `len` plain bytes, and 16 that a copy may pass. */
export function lz4Bound(len: usize): usize {
  return len + len / 255 + 32;
}

/** Compresses; OUTPUT_FULL when cap < lz4Bound(len). Gives the compressed size. */
export function lz4Compress(src: usize, len: usize, dst: usize, cap: usize): i32 {
  if (cap < lz4Bound(len)) return OUTPUT_FULL;
  const end = src + len;
  let op = dst;
  let emit = src;
  if (len > LAST_MATCH) {
    memory.fill(TABLE, 0, <usize>4 << TABLE_BITS);
    const limit = end - LAST_MATCH;
    let ip = src + 1;
    let skip: usize = 64;
    while (ip <= limit) {
      const word = load<u64>(ip);
      const slot = TABLE + (matchSlot(word, 64 - TABLE_BITS) << 2);
      const candidate = src + <usize>load<u32>(slot);
      store<u32>(slot, <u32>(ip - src));
      if (<u32>word != load<u32>(candidate) || ip - candidate > FARTHEST) {
        const leap = skip >> 6;
        skip += leap;
        ip += leap;
        continue;
      }
      const size = matchSize(candidate, ip, end - LAST_LITERALS);
      op = putSequence(op, emit, ip - emit, ip - candidate, size - 4);
      ip += size;
      emit = ip;
      skip = 64;
    }
  }
  op = putLast(op, emit, end - emit);
  tell(len, op - dst);
  return <i32>(op - dst);
}

// @ts-ignore: decorator
@inline
function putSequence(op: usize, literals: usize, size: usize, offset: usize, more: usize): usize {
  store<u8>(op, <u8>(min<usize>(size, 15) << 4 | min<usize>(more, 15)));
  op = putLiterals(op + 1, literals, size);
  store<u16>(op, <u16>offset);
  return more < 15 ? op + 2 : putRest(op + 2, more - 15);
}

function putLast(op: usize, literals: usize, size: usize): usize {
  store<u8>(op, <u8>(min<usize>(size, 15) << 4));
  return putLiterals(op + 1, literals, size);
}

// @ts-ignore: decorator
@inline
function putLiterals(op: usize, from: usize, size: usize): usize {
  if (size >= 15) op = putRest(op, size - 15);
  copyLoose(op, from, size);
  return op + size;
}

function putRest(op: usize, rest: usize): usize {
  for (; rest >= 255; rest -= 255) store<u8>(op++, 255);
  store<u8>(op, <u8>rest);
  return op + 1;
}

// MD5 of many independent messages, twelve lanes at a time.
//
// Row i of the table is {offset u32, size u32} at table + i * stride, offsets from heap; its digest goes
// to out + 16 * i. Messages of one block (at most 55 bytes: partition keys) are padded in registers;
// longer ones are streamed, and a lane whose message ends takes the next one at once. Reads up to 63
// bytes past a message (SLACK).
import { MD5_START, md5, md5Blocks, md5Last, md5Pad } from "./md5-block";
import { compress, restart, ROW, spread, STATES, WORDS } from "./md5-lanes";

const LANES: usize = 12;
/** The longest message that fits one block with its padding. */
const SHORT: usize = 55;
/** Below this number of live lanes one after the other (scalar, 0.75 GB/s each) is faster. */
const FEW: usize = 3;

// A lane: | at u32 | blocks u32 | message u32 | size u32 | digest u32 | stage u32 | 8 spare |
// at, blocks: what it reads next (its message's whole blocks, then its padded tail)
const LANE: usize = 32;
const lanes: usize = memory.data(384, 16);
const tails: usize = memory.data(1536, 16);
const IDLE: usize = 0, BODY: usize = 1, TAIL: usize = 2;

// Sliding window of 64 over these gives the masks of any length: 64 - size bytes in.
const KEEP: usize = memory.data<u64>([-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0]);
const MARK: usize = memory.data<u64>([0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);

/** MD5 of each of `count` messages; 16 bytes apiece to out. */
export function md5Many(heap: usize, table: usize, stride: usize, count: usize, out: usize): void {
  if (ASC_FEATURE_SIMD) {
    const long = shortMessages(heap, table, stride, count, out);
    if (long > 0) longMessages(heap, table, stride, count, out);
  } else {
    for (let i: usize = 0; i < count; i++, table += stride, out += 16) {
      md5(heap + load<usize>(table), load<usize>(table, 4), out);
    }
  }
}

/** Hashes the rows of at most SHORT bytes, and gives the number of the others. */
function shortMessages(heap: usize, table: usize, stride: usize, count: usize, out: usize): usize {
  let held: usize = 0, long: usize = 0;
  for (let i: usize = 0; i < count; i++, table += stride, out += 16) {
    const size = load<usize>(table, 4);
    if (size > SHORT) {
      long++;
      continue;
    }
    const lane = lanes + held * LANE;
    store<usize>(lane, heap + load<usize>(table));
    store<usize>(lane, size, 12);
    store<usize>(lane, out, 16);
    if (++held == LANES) {
      block12();
      held = 0;
    }
  }
  if (held >= FEW) {
    // The other lanes repeat the first one.
    for (let n = held; n < LANES; n++) memory.copy(lanes + n * LANE, lanes, LANE);
    block12();
  } else {
    for (let n: usize = 0; n < held; n++) {
      const lane = lanes + n * LANE;
      md5(load<usize>(lane), load<usize>(lane, 12), load<usize>(lane, 16));
    }
  }
  return long;
}

/** One short message in each lane, from start to digest. */
function block12(): void {
  restart();
  for (let n: usize = 0; n < LANES; n += 4) {
    const lane = lanes + n * LANE, words = WORDS + n * 4;
    const sizes = i32x4(load<i32>(lane, 12), load<i32>(lane + LANE, 12), load<i32>(lane + 2 * LANE, 12), load<i32>(lane + 3 * LANE, 12));
    for (let i: usize = 0; i < 48; i += 16) {
      spread(words + i * 16, part(lane, i), part(lane + LANE, i), part(lane + 2 * LANE, i), part(lane + 3 * LANE, i));
    }
    if (v128.any_true(i32x4.gt_s(sizes, i32x4.splat(47)))) {
      spread(words + 12 * ROW, part(lane, 48), part(lane + LANE, 48), part(lane + 2 * LANE, 48), part(lane + 3 * LANE, 48));
    } else {
      const zero = i32x4.splat(0);
      v128.store(words + 12 * ROW, zero);
      v128.store(words + 13 * ROW, zero);
      v128.store(words + 15 * ROW, zero);
    }
    // Word 14: the length in bits.
    v128.store(words + 14 * ROW, i32x4.shl(sizes, 3));
  }
  compress();
  for (let n: usize = 0; n < LANES; n += 4) {
    const lane = lanes + n * LANE, row = STATES + n * 4;
    const a = v128.load(row), b = v128.load(row + ROW), c = v128.load(row + 2 * ROW), d = v128.load(row + 3 * ROW);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(load<usize>(lane, 16), v128.shuffle<i64>(ab, cd, 0, 2));
    v128.store(load<usize>(lane + LANE, 16), v128.shuffle<i64>(ab, cd, 1, 3));
    v128.store(load<usize>(lane + 2 * LANE, 16), v128.shuffle<i64>(ab2, cd2, 0, 2));
    v128.store(load<usize>(lane + 3 * LANE, 16), v128.shuffle<i64>(ab2, cd2, 1, 3));
  }
}

/** Sixteen bytes of a lane's short message, from byte i on, with its padding. */
// @ts-ignore: decorator
@inline
function part(lane: usize, i: usize): v128 {
  const mask: usize = <usize>64 - load<usize>(lane, 12) + i;
  return v128.or(v128.and(v128.load(load<usize>(lane) + i), v128.load(KEEP + mask)), v128.load(MARK + mask));
}

// @ts-ignore: decorator
@inline
function digest(lane: usize, n: usize): void {
  const out = load<usize>(lane, 16), state = STATES + n * 4;
  store<u32>(out, load<u32>(state));
  store<u32>(out, load<u32>(state, 64), 4);
  store<u32>(out, load<u32>(state, 128), 8);
  store<u32>(out, load<u32>(state, 192), 12);
}

/** Hashes the rows of more than SHORT bytes. */
function longMessages(heap: usize, table: usize, stride: usize, count: usize, out: usize): void {
  let next: usize = 0, live: usize = 0;
  for (let n: usize = 0; n < LANES; n++) {
    next = take(n, heap, table, stride, next, count, out);
    if (load<usize>(lanes + n * LANE, 20) != IDLE) live++;
  }
  while (live >= FEW) {
    let blocks: usize = -1, at: usize = 0;
    for (let n: usize = 0; n < LANES; n++) {
      const lane = lanes + n * LANE;
      if (load<usize>(lane, 20) != IDLE && load<usize>(lane, 4) < blocks) {
        blocks = load<usize>(lane, 4);
        at = load<usize>(lane);
      }
    }
    // An idle lane computes what the shortest one does.
    for (let n: usize = 0; n < LANES; n++) if (load<usize>(lanes + n * LANE, 20) == IDLE) store<usize>(lanes + n * LANE, at);
    blocks12(blocks);
    for (let n: usize = 0; n < LANES; n++) {
      const lane = lanes + n * LANE, stage = load<usize>(lane, 20);
      if (stage == IDLE) continue;
      const left = load<usize>(lane, 4) - blocks;
      store<usize>(lane, load<usize>(lane) + (blocks << 6));
      store<usize>(lane, left, 4);
      if (left > 0) continue;
      if (stage == BODY) {
        pad(n);
        continue;
      }
      digest(lane, n);
      next = take(n, heap, table, stride, next, count, out);
      if (load<usize>(lane, 20) == IDLE) live--;
    }
  }
  for (let n: usize = 0; n < LANES; n++) if (load<usize>(lanes + n * LANE, 20) != IDLE) finish(n);
}

/** Gives lane n the first long row from `next` on, or leaves it idle; gives the row to look at next. */
function take(n: usize, heap: usize, table: usize, stride: usize, next: usize, count: usize, out: usize): usize {
  const lane = lanes + n * LANE;
  store<usize>(lane, IDLE, 20);
  for (; next < count; next++) {
    const row = table + next * stride, size = load<usize>(row, 4);
    if (size <= SHORT) continue;
    const at = heap + load<usize>(row);
    store<usize>(lane, at);
    store<usize>(lane, size >> 6, 4);
    store<usize>(lane, at, 8);
    store<usize>(lane, size, 12);
    store<usize>(lane, out + 16 * next, 16);
    store<usize>(lane, BODY, 20);
    for (let i: usize = 0; i < 4; i++) store<u32>(STATES + i * ROW + n * 4, load<u32>(MD5_START + i * 4));
    if (size < 64) pad(n);
    return next + 1;
  }
  return next;
}

/** Turns lane n to its message's padded tail. */
function pad(n: usize): void {
  const lane = lanes + n * LANE, tail = tails + n * 128, size = load<usize>(lane, 12);
  store<usize>(lane, tail);
  store<usize>(lane, md5Pad(tail, load<usize>(lane, 8) + (size & ~63), size & 63, size) >> 6, 4);
  store<usize>(lane, TAIL, 20);
}

/** Ends lane n's message alone. */
function finish(n: usize): void {
  const lane = lanes + n * LANE, out = load<usize>(lane, 16), size = load<usize>(lane, 12);
  digest(lane, n);
  md5Blocks(out, load<usize>(lane), load<usize>(lane, 4) << 6);
  if (load<usize>(lane, 20) == BODY) md5Last(out, load<usize>(lane, 8) + (size & ~63), size & 63, size);
}

/** Compresses the next `count` blocks of all lanes. */
function blocks12(count: usize): void {
  for (let o: usize = 0, end = count << 6; o < end; o += 64) {
    for (let n: usize = 0; n < LANES; n += 4) {
      const lane = lanes + n * LANE, words = WORDS + n * 4;
      const a = load<usize>(lane) + o, b = load<usize>(lane + LANE) + o, c = load<usize>(lane + 2 * LANE) + o, d = load<usize>(lane + 3 * LANE) + o;
      for (let i: usize = 0; i < 64; i += 16) spread(words + i * 16, v128.load(a + i), v128.load(b + i), v128.load(c + i), v128.load(d + i));
    }
    compress();
  }
}


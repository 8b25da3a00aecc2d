// MD5 of messages that stand side by side and are read piece by piece, such as the parts of an object: up to
// twelve lanes, whose states are the caller's between the calls.
//
//   states: | a b c d | a b c d | ...   16 bytes for each message, MD5_START before its first block
//   src:    message n's blocks at src + n * stride; stride 0 for blocks that all have, as the padding of equal lengths
import { md5Blocks } from "./md5-block";
import { compress, ROW, spread, STATES, WORDS } from "./md5-lanes";

/** Messages at once, at most. */
export const MD5_LANES: usize = 12;
/** Below this number of messages one after the other is faster. */
const FEW: usize = 3;

/** Takes the next `blocks` blocks of each of `count` (1 to MD5_LANES) messages. */
export function md5Parts(states: usize, src: usize, stride: usize, count: usize, blocks: usize): void {
  if (ASC_FEATURE_SIMD && count >= FEW) lanes(states, src, stride, count, blocks);
  else for (let n: usize = 0; n < count; n++) md5Blocks(states + n * 16, src + n * stride, blocks << 6);
}

function lanes(states: usize, src: usize, stride: usize, count: usize, blocks: usize): void {
  for (let n: usize = 0; n < count; n++) {
    for (let i: usize = 0; i < 4; i++) store<u32>(STATES + i * ROW + n * 4, load<u32>(states + n * 16 + i * 4));
  }
  for (let o: usize = 0, end = blocks << 6; o < end; o += 64) {
    for (let n: usize = 0; n < MD5_LANES; n += 4) {
      // A lane without a message does what the last one does, to no effect.
      const most = count - 1, words = WORDS + n * 4;
      const a = src + min(n, most) * stride + o, b = src + min(n + 1, most) * stride + o;
      const c = src + min(n + 2, most) * stride + o, d = src + min(n + 3, most) * stride + o;
      for (let i: usize = 0; i < 64; i += 16) spread(words + i * 16, v128.load(a + i), v128.load(b + i), v128.load(c + i), v128.load(d + i));
    }
    compress();
  }
  for (let n: usize = 0; n < count; n++) {
    for (let i: usize = 0; i < 4; i++) store<u32>(states + n * 16 + i * 4, load<u32>(STATES + i * ROW + n * 4));
  }
}

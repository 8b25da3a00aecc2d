// MD5, RFC 1321: the face of the three files, and streaming.
//
// Streaming state, MD5_STATE_SIZE bytes of the caller's memory, little-endian:
//   0   4   8   12  16          24             88
//   | a | b | c | d | count u64 | block[64]    |
//   count: bytes taken so far (any number: the length that RFC 1321 3.2 appends is modulo 2^64 bits)
//   block: the count % 64 bytes that wait for a full block
import { MD5_START, md5Blocks, md5Last } from "./md5-block";
export { md5 } from "./md5-block";
export { md5Many } from "./md5-many";

export const MD5_STATE_SIZE: usize = 88;
const COUNT: usize = 16;
const BLOCK: usize = 24;

export function md5Init(state: usize): void {
  memory.copy(state, MD5_START, 16);
  store<u64>(state, 0, COUNT);
}

export function md5Update(state: usize, src: usize, len: usize): void {
  const held = <usize>load<u64>(state, COUNT) & 63;
  store<u64>(state, load<u64>(state, COUNT) + <u64>len, COUNT);
  if (held > 0) {
    const part = min<usize>(64 - held, len);
    memory.copy(state + BLOCK + held, src, part);
    if (held + part < 64) return;
    md5Blocks(state, state + BLOCK, 64);
    src += part;
    len -= part;
  }
  const whole = len & ~63;
  md5Blocks(state, src, whole);
  memory.copy(state + BLOCK, src + whole, len & 63);
}

/** The digest to out (which may be state); the state must be initialised before it is used again. */
export function md5Final(state: usize, out: usize): void {
  const count = load<u64>(state, COUNT);
  memory.copy(out, state, 16);
  md5Last(out, state + BLOCK, <usize>count & 63, count);
}

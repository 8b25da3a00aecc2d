// SHA-256, FIPS 180-4: one-shot and streaming.
//
// Streaming state, SHA256_STATE_SIZE bytes of the caller's memory, little-endian:
//   0                  32          40             104
//   | H0 .. H7 u32     | count u64 | block[64]    |
//   count: bytes taken so far, below 2^61 (FIPS 180-4 section 1)
//   block: the count % 64 bytes that wait for a full block
import { loadBE32, storeBE32, storeBE64 } from "../bytes";

export const SHA256_STATE_SIZE: usize = 104;
const COUNT: usize = 32;
const BLOCK: usize = 40;

/** K of 4.2.2. */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
/** H(0) of 5.3.3. */
const START: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
/** The message schedule W of 6.2.2, with K added. */
const schedule: usize = memory.data(256, 16);
const whole: usize = memory.data(104, 16);

/** SHA-256 of src[0, len) to the 32 bytes at out. */
export function sha256(src: usize, len: usize, out: usize): void {
  sha256Init(whole);
  sha256Update(whole, src, len);
  sha256Final(whole, out);
}

export function sha256Init(state: usize): void {
  memory.copy(state, START, 32);
  store<u64>(state, 0, COUNT);
}

export function sha256Update(state: usize, src: usize, len: usize): void {
  const held = <usize>load<u64>(state, COUNT) & 63;
  store<u64>(state, load<u64>(state, COUNT) + <u64>len, COUNT);
  if (held > 0) {
    const part = min<usize>(64 - held, len);
    memory.copy(state + BLOCK + held, src, part);
    if (held + part < 64) return;
    blocks(state, state + BLOCK, 64);
    src += part;
    len -= part;
  }
  blocks(state, src, len & ~63);
  memory.copy(state + BLOCK, src + (len & ~63), len & 63);
}

/** The digest to out (which may be state); the state must be initialised before it is used again. */
export function sha256Final(state: usize, out: usize): void {
  const count = load<u64>(state, COUNT), held = <usize>count & 63, block = state + BLOCK;
  store<u8>(block + held, 0x80);
  memory.fill(block + held + 1, 0, 63 - held);
  if (held > 55) {
    blocks(state, block, 64);
    memory.fill(block, 0, 56);
  }
  storeBE64(block + 56, count << 3);
  blocks(state, block, 64);
  for (let i: usize = 0; i < 32; i += 4) storeBE32(out + i, load<u32>(state + i));
}

/** h of 6.2.2 step 3 up to T1; `m` holds K + W. */
// @ts-ignore: decorator
@inline
function t1(e: u32, f: u32, g: u32, h: u32, m: usize): u32 {
  return h + load<u32>(m) + (g ^ (e & (f ^ g))) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
}

// @ts-ignore: decorator
@inline
function t2(a: u32, b: u32, c: u32): u32 {
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) | (c & (a | b)));
}

/** Compresses `len` bytes (a multiple of 64) into the H at state. */
function blocks(state: usize, src: usize, len: usize): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  let e = load<u32>(state, 16), f = load<u32>(state, 20), g = load<u32>(state, 24), h = load<u32>(state, 28);
  for (const end = src + len; src < end; src += 64) {
    expand(src);
    for (let m = schedule; m < schedule + 256; m += 32) {
      h = t1(e, f, g, h, m);      d += h; h += t2(a, b, c);
      g = t1(d, e, f, g, m + 4);  c += g; g += t2(h, a, b);
      f = t1(c, d, e, f, m + 8);  b += f; f += t2(g, h, a);
      e = t1(b, c, d, e, m + 12); a += e; e += t2(f, g, h);
      d = t1(a, b, c, d, m + 16); h += d; d += t2(e, f, g);
      c = t1(h, a, b, c, m + 20); g += c; c += t2(d, e, f);
      b = t1(g, h, a, b, m + 24); f += b; b += t2(c, d, e);
      a = t1(f, g, h, a, m + 28); e += a; a += t2(b, c, d);
    }
    store<u32>(state, a += load<u32>(state));
    store<u32>(state, b += load<u32>(state, 4), 4);
    store<u32>(state, c += load<u32>(state, 8), 8);
    store<u32>(state, d += load<u32>(state, 12), 12);
    store<u32>(state, e += load<u32>(state, 16), 16);
    store<u32>(state, f += load<u32>(state, 20), 20);
    store<u32>(state, g += load<u32>(state, 24), 24);
    store<u32>(state, h += load<u32>(state, 28), 28);
  }
}

/** W of 6.2.2 step 1 for one block, then K added. */
function expand(src: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, loadBE32(src + i));
  for (let w = schedule; w < schedule + 192; w += 4) {
    const x = load<u32>(w, 4), y = load<u32>(w, 56);
    store<u32>(w, load<u32>(w) + load<u32>(w, 36) + (rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3)) + (rotr<u32>(y, 17) ^ rotr<u32>(y, 19) ^ (y >> 10)), 64);
  }
  for (let i: usize = 0; i < 256; i += 4) store<u32>(schedule + i, load<u32>(schedule + i) + load<u32>(K + i));
}

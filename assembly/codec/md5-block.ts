// MD5, RFC 1321: one message that lies in memory. md5.ts streams, md5-many.ts hashes many at once.
//
// One message is bound by the latency of its 64 dependent steps a block, about 5 cycles each: ~0.78 GB/s
// here, as OpenSSL.

/** T of RFC 1321 3.4, floor(2^32 * abs(sin(i + 1))). */
export const MD5_T: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);

/** The initial a, b, c, d of RFC 1321 3.3. */
export const MD5_START: usize = memory.data<u32>([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);

/** MD5 of src[0, len) to the 16 bytes at out. */
export function md5(src: usize, len: usize, out: usize): void {
  memory.copy(out, MD5_START, 16);
  const whole = len & ~63;
  md5Blocks(out, src, whole);
  md5Last(out, src + whole, len & 63, <u64>len);
}

const tail: usize = memory.data(128, 16);

/** Pads the last `rest` (0 to 63) bytes of a message of `count` bytes, RFC 1321 3.1 and 3.2: gives the bytes at dst, 64 or 128. */
export function md5Pad(dst: usize, src: usize, rest: usize, count: u64): usize {
  const size: usize = rest < 56 ? 64 : 128;
  memory.copy(dst, src, rest);
  store<u8>(dst + rest, 0x80);
  memory.fill(dst + rest + 1, 0, size - 9 - rest);
  store<u64>(dst + size - 8, count << 3);
  return size;
}

/** Finishes the a, b, c, d at state with the last `rest` bytes of a message of `count` bytes. */
export function md5Last(state: usize, src: usize, rest: usize, count: u64): void {
  md5Blocks(state, tail, md5Pad(tail, src, rest, count));
}

// The four functions of RFC 1321 3.4, each written so that b, the value that comes last, is used last.
// @ts-ignore: decorator
@inline
function f(a: u32, b: u32, c: u32, d: u32, m: usize, t: usize, s: u32): u32 {
  return rotl<u32>(a + load<u32>(m) + load<u32>(t) + (d ^ (b & (c ^ d))), s) + b;
}

// @ts-ignore: decorator
@inline
function g(a: u32, b: u32, c: u32, d: u32, m: usize, t: usize, s: u32): u32 {
  return rotl<u32>(a + load<u32>(m) + load<u32>(t) + (c & ~d) + (b & d), s) + b;
}

// @ts-ignore: decorator
@inline
function h(a: u32, b: u32, c: u32, d: u32, m: usize, t: usize, s: u32): u32 {
  return rotl<u32>(a + load<u32>(m) + load<u32>(t) + (c ^ d ^ b), s) + b;
}

// @ts-ignore: decorator
@inline
function i(a: u32, b: u32, c: u32, d: u32, m: usize, t: usize, s: u32): u32 {
  return rotl<u32>(a + load<u32>(m) + load<u32>(t) + (c ^ (~d | b)), s) + b;
}

/** Compresses `len` bytes (a multiple of 64) into the a, b, c, d at state. */
export function md5Blocks(state: usize, src: usize, len: usize): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  for (const end = src + len; src < end; src += 64) {
    const a0 = a, b0 = b, c0 = c, d0 = d;
    // Four steps a turn; which word of the block a step takes moves by 4 words a turn, modulo 16.
    for (let o: usize = 0; o < 64; o += 16) {
      const m = src + o, t = MD5_T + o;
      a = f(a, b, c, d, m, t, 7);
      d = f(d, a, b, c, m + 4, t + 4, 12);
      c = f(c, d, a, b, m + 8, t + 8, 17);
      b = f(b, c, d, a, m + 12, t + 12, 22);
    }
    for (let o: usize = 0; o < 64; o += 16) {
      const t = MD5_T + 64 + o;
      a = g(a, b, c, d, src + ((o + 4) & 63), t, 5);
      d = g(d, a, b, c, src + ((o + 24) & 63), t + 4, 9);
      c = g(c, d, a, b, src + ((o + 44) & 63), t + 8, 14);
      b = g(b, c, d, a, src + o, t + 12, 20);
    }
    for (let o: usize = 0; o < 64; o += 16) {
      const t = MD5_T + 128 + o;
      a = h(a, b, c, d, src + ((20 - o) & 63), t, 4);
      d = h(d, a, b, c, src + ((32 - o) & 63), t + 4, 11);
      c = h(c, d, a, b, src + ((44 - o) & 63), t + 8, 16);
      b = h(b, c, d, a, src + ((56 - o) & 63), t + 12, 23);
    }
    for (let o: usize = 0; o < 64; o += 16) {
      const t = MD5_T + 192 + o;
      a = i(a, b, c, d, src + ((0 - o) & 63), t, 6);
      d = i(d, a, b, c, src + ((28 - o) & 63), t + 4, 10);
      c = i(c, d, a, b, src + ((56 - o) & 63), t + 8, 15);
      b = i(b, c, d, a, src + ((20 - o) & 63), t + 12, 21);
    }
    a += a0;
    b += b0;
    c += c0;
    d += d0;
  }
  store<u32>(state, a);
  store<u32>(state, b, 4);
  store<u32>(state, c, 8);
  store<u32>(state, d, 12);
}

// Plain JavaScript, written by hand for speed: the honest rival. What a good engineer gets out of V8
// without WebAssembly. Here: MD5 of short keys, unrolled in int32 arithmetic, and the shard lookup.
import { createHash } from 'node:crypto'

// ---- MD5 of one block (RFC 1321), unrolled: V8 keeps the state in registers and sees the rotations.

const words = new Int32Array(16)
const state = new Uint32Array(4)

function md5Block() {
  const x0 = words[0]
  const x1 = words[1]
  const x2 = words[2]
  const x3 = words[3]
  const x4 = words[4]
  const x5 = words[5]
  const x6 = words[6]
  const x7 = words[7]
  const x8 = words[8]
  const x9 = words[9]
  const x10 = words[10]
  const x11 = words[11]
  const x12 = words[12]
  const x13 = words[13]
  const x14 = words[14]
  const x15 = words[15]
  let a = 1732584193
  let b = -271733879
  let c = -1732584194
  let d = 271733878
  a = (a + (d ^ (b & (c ^ d))) + x0 - 680876936) | 0
  a = (((a << 7) | (a >>> 25)) + b) | 0
  d = (d + (c ^ (a & (b ^ c))) + x1 - 389564586) | 0
  d = (((d << 12) | (d >>> 20)) + a) | 0
  c = (c + (b ^ (d & (a ^ b))) + x2 + 606105819) | 0
  c = (((c << 17) | (c >>> 15)) + d) | 0
  b = (b + (a ^ (c & (d ^ a))) + x3 - 1044525330) | 0
  b = (((b << 22) | (b >>> 10)) + c) | 0
  a = (a + (d ^ (b & (c ^ d))) + x4 - 176418897) | 0
  a = (((a << 7) | (a >>> 25)) + b) | 0
  d = (d + (c ^ (a & (b ^ c))) + x5 + 1200080426) | 0
  d = (((d << 12) | (d >>> 20)) + a) | 0
  c = (c + (b ^ (d & (a ^ b))) + x6 - 1473231341) | 0
  c = (((c << 17) | (c >>> 15)) + d) | 0
  b = (b + (a ^ (c & (d ^ a))) + x7 - 45705983) | 0
  b = (((b << 22) | (b >>> 10)) + c) | 0
  a = (a + (d ^ (b & (c ^ d))) + x8 + 1770035416) | 0
  a = (((a << 7) | (a >>> 25)) + b) | 0
  d = (d + (c ^ (a & (b ^ c))) + x9 - 1958414417) | 0
  d = (((d << 12) | (d >>> 20)) + a) | 0
  c = (c + (b ^ (d & (a ^ b))) + x10 - 42063) | 0
  c = (((c << 17) | (c >>> 15)) + d) | 0
  b = (b + (a ^ (c & (d ^ a))) + x11 - 1990404162) | 0
  b = (((b << 22) | (b >>> 10)) + c) | 0
  a = (a + (d ^ (b & (c ^ d))) + x12 + 1804603682) | 0
  a = (((a << 7) | (a >>> 25)) + b) | 0
  d = (d + (c ^ (a & (b ^ c))) + x13 - 40341101) | 0
  d = (((d << 12) | (d >>> 20)) + a) | 0
  c = (c + (b ^ (d & (a ^ b))) + x14 - 1502002290) | 0
  c = (((c << 17) | (c >>> 15)) + d) | 0
  b = (b + (a ^ (c & (d ^ a))) + x15 + 1236535329) | 0
  b = (((b << 22) | (b >>> 10)) + c) | 0
  a = (a + (c ^ (d & (b ^ c))) + x1 - 165796510) | 0
  a = (((a << 5) | (a >>> 27)) + b) | 0
  d = (d + (b ^ (c & (a ^ b))) + x6 - 1069501632) | 0
  d = (((d << 9) | (d >>> 23)) + a) | 0
  c = (c + (a ^ (b & (d ^ a))) + x11 + 643717713) | 0
  c = (((c << 14) | (c >>> 18)) + d) | 0
  b = (b + (d ^ (a & (c ^ d))) + x0 - 373897302) | 0
  b = (((b << 20) | (b >>> 12)) + c) | 0
  a = (a + (c ^ (d & (b ^ c))) + x5 - 701558691) | 0
  a = (((a << 5) | (a >>> 27)) + b) | 0
  d = (d + (b ^ (c & (a ^ b))) + x10 + 38016083) | 0
  d = (((d << 9) | (d >>> 23)) + a) | 0
  c = (c + (a ^ (b & (d ^ a))) + x15 - 660478335) | 0
  c = (((c << 14) | (c >>> 18)) + d) | 0
  b = (b + (d ^ (a & (c ^ d))) + x4 - 405537848) | 0
  b = (((b << 20) | (b >>> 12)) + c) | 0
  a = (a + (c ^ (d & (b ^ c))) + x9 + 568446438) | 0
  a = (((a << 5) | (a >>> 27)) + b) | 0
  d = (d + (b ^ (c & (a ^ b))) + x14 - 1019803690) | 0
  d = (((d << 9) | (d >>> 23)) + a) | 0
  c = (c + (a ^ (b & (d ^ a))) + x3 - 187363961) | 0
  c = (((c << 14) | (c >>> 18)) + d) | 0
  b = (b + (d ^ (a & (c ^ d))) + x8 + 1163531501) | 0
  b = (((b << 20) | (b >>> 12)) + c) | 0
  a = (a + (c ^ (d & (b ^ c))) + x13 - 1444681467) | 0
  a = (((a << 5) | (a >>> 27)) + b) | 0
  d = (d + (b ^ (c & (a ^ b))) + x2 - 51403784) | 0
  d = (((d << 9) | (d >>> 23)) + a) | 0
  c = (c + (a ^ (b & (d ^ a))) + x7 + 1735328473) | 0
  c = (((c << 14) | (c >>> 18)) + d) | 0
  b = (b + (d ^ (a & (c ^ d))) + x12 - 1926607734) | 0
  b = (((b << 20) | (b >>> 12)) + c) | 0
  a = (a + (b ^ c ^ d) + x5 - 378558) | 0
  a = (((a << 4) | (a >>> 28)) + b) | 0
  d = (d + (a ^ b ^ c) + x8 - 2022574463) | 0
  d = (((d << 11) | (d >>> 21)) + a) | 0
  c = (c + (d ^ a ^ b) + x11 + 1839030562) | 0
  c = (((c << 16) | (c >>> 16)) + d) | 0
  b = (b + (c ^ d ^ a) + x14 - 35309556) | 0
  b = (((b << 23) | (b >>> 9)) + c) | 0
  a = (a + (b ^ c ^ d) + x1 - 1530992060) | 0
  a = (((a << 4) | (a >>> 28)) + b) | 0
  d = (d + (a ^ b ^ c) + x4 + 1272893353) | 0
  d = (((d << 11) | (d >>> 21)) + a) | 0
  c = (c + (d ^ a ^ b) + x7 - 155497632) | 0
  c = (((c << 16) | (c >>> 16)) + d) | 0
  b = (b + (c ^ d ^ a) + x10 - 1094730640) | 0
  b = (((b << 23) | (b >>> 9)) + c) | 0
  a = (a + (b ^ c ^ d) + x13 + 681279174) | 0
  a = (((a << 4) | (a >>> 28)) + b) | 0
  d = (d + (a ^ b ^ c) + x0 - 358537222) | 0
  d = (((d << 11) | (d >>> 21)) + a) | 0
  c = (c + (d ^ a ^ b) + x3 - 722521979) | 0
  c = (((c << 16) | (c >>> 16)) + d) | 0
  b = (b + (c ^ d ^ a) + x6 + 76029189) | 0
  b = (((b << 23) | (b >>> 9)) + c) | 0
  a = (a + (b ^ c ^ d) + x9 - 640364487) | 0
  a = (((a << 4) | (a >>> 28)) + b) | 0
  d = (d + (a ^ b ^ c) + x12 - 421815835) | 0
  d = (((d << 11) | (d >>> 21)) + a) | 0
  c = (c + (d ^ a ^ b) + x15 + 530742520) | 0
  c = (((c << 16) | (c >>> 16)) + d) | 0
  b = (b + (c ^ d ^ a) + x2 - 995338651) | 0
  b = (((b << 23) | (b >>> 9)) + c) | 0
  a = (a + (c ^ (b | ~d)) + x0 - 198630844) | 0
  a = (((a << 6) | (a >>> 26)) + b) | 0
  d = (d + (b ^ (a | ~c)) + x7 + 1126891415) | 0
  d = (((d << 10) | (d >>> 22)) + a) | 0
  c = (c + (a ^ (d | ~b)) + x14 - 1416354905) | 0
  c = (((c << 15) | (c >>> 17)) + d) | 0
  b = (b + (d ^ (c | ~a)) + x5 - 57434055) | 0
  b = (((b << 21) | (b >>> 11)) + c) | 0
  a = (a + (c ^ (b | ~d)) + x12 + 1700485571) | 0
  a = (((a << 6) | (a >>> 26)) + b) | 0
  d = (d + (b ^ (a | ~c)) + x3 - 1894986606) | 0
  d = (((d << 10) | (d >>> 22)) + a) | 0
  c = (c + (a ^ (d | ~b)) + x10 - 1051523) | 0
  c = (((c << 15) | (c >>> 17)) + d) | 0
  b = (b + (d ^ (c | ~a)) + x1 - 2054922799) | 0
  b = (((b << 21) | (b >>> 11)) + c) | 0
  a = (a + (c ^ (b | ~d)) + x8 + 1873313359) | 0
  a = (((a << 6) | (a >>> 26)) + b) | 0
  d = (d + (b ^ (a | ~c)) + x15 - 30611744) | 0
  d = (((d << 10) | (d >>> 22)) + a) | 0
  c = (c + (a ^ (d | ~b)) + x6 - 1560198380) | 0
  c = (((c << 15) | (c >>> 17)) + d) | 0
  b = (b + (d ^ (c | ~a)) + x13 + 1309151649) | 0
  b = (((b << 21) | (b >>> 11)) + c) | 0
  a = (a + (c ^ (b | ~d)) + x4 - 145523070) | 0
  a = (((a << 6) | (a >>> 26)) + b) | 0
  d = (d + (b ^ (a | ~c)) + x11 - 1120210379) | 0
  d = (((d << 10) | (d >>> 22)) + a) | 0
  c = (c + (a ^ (d | ~b)) + x2 + 718787259) | 0
  c = (((c << 15) | (c >>> 17)) + d) | 0
  b = (b + (d ^ (c | ~a)) + x9 - 343485551) | 0
  b = (((b << 21) | (b >>> 11)) + c) | 0
  state[0] = swap((a + 1732584193) | 0)
  state[1] = swap((b - 271733879) | 0)
  state[2] = swap((c - 1732584194) | 0)
  state[3] = swap((d + 271733878) | 0)
}

// the hash key is the digest read big-endian
function swap(x) {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)
}

/** MD5 of an ASCII string of at most 55 characters into `state`; false where it is not one. */
function md5OfShortText(key) {
  const size = key.length
  if (size > 55) return false
  const whole = size >> 2
  let seen = 0
  let at = 0
  for (let i = 0; i < whole; i++, at += 4) {
    const c0 = key.charCodeAt(at)
    const c1 = key.charCodeAt(at + 1)
    const c2 = key.charCodeAt(at + 2)
    const c3 = key.charCodeAt(at + 3)
    seen |= c0 | c1 | c2 | c3
    words[i] = c0 | (c1 << 8) | (c2 << 16) | (c3 << 24)
  }
  let tail = 0x80 << ((size & 3) << 3)
  for (let shift = 0; at < size; at++, shift += 8) {
    const c = key.charCodeAt(at)
    seen |= c
    tail |= c << shift
  }
  if (seen > 127) return false
  finish(whole, tail, size)
  return true
}

/** MD5 of at most 55 bytes into `state`. */
function md5OfShortBytes(view, at, size) {
  const whole = size >> 2
  for (let i = 0; i < whole; i++, at += 4) words[i] = view.getInt32(at, true)
  let tail = 0x80 << ((size & 3) << 3)
  for (let shift = 0, left = size & 3; left > 0; left--, shift += 8) tail |= view.getUint8(at++) << shift
  finish(whole, tail, size)
}

function finish(whole, tail, size) {
  words[whole] = tail
  for (let i = whole + 1; i < 14; i++) words[i] = 0
  words[14] = size << 3
  words[15] = 0
  md5Block()
}

function md5OfLong(bytes) {
  const digest = createHash('md5').update(bytes).digest()
  for (let i = 0; i < 4; i++) state[i] = digest.readUInt32BE(i * 4)
}

// ---- The shard of a hash key. All rivals of the shard rows use this lookup.

/** `starts`: ascending 128-bit starting hash keys, four big-endian words each. A table over the top 16 bits leaves one or two shards to compare. */
export function shardFinder(starts) {
  const count = starts.length / 4
  const first = new Uint16Array(65536)
  for (let top = 0, shard = 0; top < 65536; top++) {
    // the last shard that starts at or before the smallest hash key with these top bits
    while (shard + 1 < count && before(starts, shard + 1, top * 65536, 0, 0, 0)) shard++
    first[top] = shard
  }
  return (h0, h1, h2, h3) => {
    let shard = first[h0 >>> 16]
    while (shard + 1 < count && before(starts, shard + 1, h0, h1, h2, h3)) shard++
    return shard
  }
}

// does this shard start at or before the hash key?
function before(starts, shard, h0, h1, h2, h3) {
  const i = shard * 4
  if (starts[i] !== h0) return starts[i] < h0
  if (starts[i + 1] !== h1) return starts[i + 1] < h1
  if (starts[i + 2] !== h2) return starts[i + 2] < h2
  return starts[i + 3] <= h3
}

/** An even split as Kinesis makes it: shard i starts at i x floor(2^128 / count). */
export function evenStarts(count) {
  const step = (1n << 128n) / BigInt(count)
  const starts = new Uint32Array(count * 4)
  for (let i = 0; i < count; i++) for (let w = 0; w < 4; w++) starts[i * 4 + w] = Number(((BigInt(i) * step) >> BigInt(96 - 32 * w)) & 0xffffffffn)
  return starts
}

export function shardsOfStrings(keys, find, out) {
  for (let i = 0; i < keys.length; i++) {
    if (!md5OfShortText(keys[i])) md5OfLong(Buffer.from(keys[i]))
    out[i] = find(state[0], state[1], state[2], state[3])
  }
  return out
}

/** Keys packed: one behind the other in `heap`, `ends[i]` is where the i-th ends. */
export function shardsOfPacked(heap, ends, find, out) {
  const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength)
  for (let i = 0, at = 0; i < ends.length; at = ends[i++]) {
    const size = ends[i] - at
    if (size <= 55) md5OfShortBytes(view, at, size)
    else md5OfLong(heap.subarray(at, at + size))
    out[i] = find(state[0], state[1], state[2], state[3])
  }
  return out
}

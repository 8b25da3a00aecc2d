// Hashes of values for the dictionary's table, and whether two byte arrays are the same. Not for
// anything that leaves the module: they may change with it.

const K1: u64 = 0x9e3779b97f4a7c15;
const K2: u64 = 0xd6e8feb86659fd93;

// The words of a packed value of 4, 8, 12 or 16 bytes.
// @ts-ignore: decorator
@inline
export function firstWord(at: usize, width: usize): u64 {
  return width == 4 ? <u64>load<u32>(at) : load<u64>(at);
}

// @ts-ignore: decorator
@inline
export function secondWord(at: usize, width: usize): u64 {
  return width <= 8 ? 0 : width == 12 ? <u64>load<u32>(at, 8) : load<u64>(at, 8);
}

// @ts-ignore: decorator
@inline
export function hashFixed(first: u64, second: u64, width: usize): u32 {
  if (width > 8) first ^= (second * K2) ^ (second >> 32);
  const h = first * K1;
  return <u32>((h ^ (h >> 29)) * K2 >> 32);
}

// @ts-ignore: decorator
@inline
function mix(h: u64, word: u64): u64 {
  h = (h ^ word) * K1;
  return h ^ (h >> 32);
}

/**
 * Reads in whole words: up to 7 bytes behind the string, which no hash depends on. From 32 bytes
 * on in four chains, for one alone waits for its multiplications: 115 bytes took 28 ns, now 9.
 */
// @ts-ignore: decorator
@inline
export function hashBytes(at: usize, size: usize): u32 {
  let h: u64 = <u64>size * K2;
  if (size < 8) {
    // a shift of 64 would be one of 0: the empty string has no first word
    h = mix(h, size == 0 ? 0 : load<u64>(at) << (64 - (<u64>size << 3)));
  } else {
    const end = at + size;
    if (size >= 32) {
      let a = h, b: u64 = K1, c: u64 = K2, d: u64 = 1;
      for (const last = end - 32; at < last; at += 32) {
        a = mix(a, load<u64>(at));
        b = mix(b, load<u64>(at, 8));
        c = mix(c, load<u64>(at, 16));
        d = mix(d, load<u64>(at, 24));
      }
      at = end - 32;
      a = mix(a, load<u64>(at));
      b = mix(b, load<u64>(at, 8));
      c = mix(c, load<u64>(at, 16));
      d = mix(d, load<u64>(at, 24));
      h = mix(mix(a, b), mix(c, d));
    } else {
      h = mix(h, load<u64>(at));
      if (size > 16) h = mix(h, load<u64>(at, 8)) ^ load<u64>(end - 16) * K2;
      h = mix(h, load<u64>(end - 8));
    }
  }
  return <u32>(h * K2 >> 32);
}

// @ts-ignore: decorator
@inline
export function same(a: usize, b: usize, size: usize): bool {
  if (size < 8) return size == 0 || (load<u64>(a) ^ load<u64>(b)) << (64 - (<u64>size << 3)) == 0;
  if (ASC_FEATURE_SIMD) {
    if (size >= 16) {
      const last = a + size - 16;
      const delta = b - a;
      for (; a < last; a += 16) if (v128.any_true(v128.xor(v128.load(a), v128.load(a + delta)))) return false;
      return !v128.any_true(v128.xor(v128.load(last), v128.load(last + delta)));
    }
  }
  const last = a + size - 8;
  const delta = b - a;
  while (a < last) {
    if (load<u64>(a) != load<u64>(a + delta)) return false;
    a += 8;
  }
  return load<u64>(last) == load<u64>(last + delta);
}

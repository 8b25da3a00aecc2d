// Powers of ten for number.ts: 10^0..10^22 as doubles (each exact), 10^0..10^19 as u64, and the
// 128-bit powers of five of Eisel-Lemire. The latter, 10 KB, are computed at the first number that
// needs them (~0.1 ms) and not shipped: the core is a download.

const EXACT: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);

const WHOLE: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
]);

// @ts-ignore: decorator
@inline
export function power10(n: i32): f64 {
  return load<f64>(EXACT + (<usize>n << 3));
}

/** 10^n as an integer, n <= 18. */
// @ts-ignore: decorator
@inline
export function wholePower10(n: usize): u64 {
  return load<u64>(WHOLE + (n << 3));
}

// 5^-342 .. 5^308, 16 bytes each {high u64, low u64}: the top 128 bits, most significant bit set.
const POWERS: usize = memory.data(651 * 16, 16);
// One fraction or integer of 1,024 bits, u32 limbs, lowest first.
const LIMBS: usize = 32;
const WIDE: usize = memory.data(32 * 4, 16);
let ready = false;

/** Address of the entry for 5^-342. */
export function powersOfFive(): usize {
  if (!ready) fill();
  return POWERS;
}

function fill(): void {
  memory.fill(WIDE, 0, LIMBS << 2);
  // 5^n: exact (308 x 2.33 bits), cut to 128 bits
  store<u32>(WIDE, 1);
  for (let n: usize = 0; n <= 308; n++) {
    put(POWERS + ((342 + n) << 4), 0);
    let carry: u64 = 0;
    for (let i: usize = 0; i < LIMBS; i++) {
      carry += <u64>load<u32>(WIDE + (i << 2)) * 5;
      store<u32>(WIDE + (i << 2), <u32>carry);
      carry >>= 32;
    }
  }
  // 5^-n: 2^1023 / 5^n; a floor of a floor is the floor, so each step is exact. 342 x 2.33 bits are
  // used up at the end, 229 are left. Up to 27 the table wants the next value above (5^27 < 2^64).
  memory.fill(WIDE, 0, LIMBS << 2);
  store<u32>(WIDE + ((LIMBS - 1) << 2), 0x80000000);
  for (let n: usize = 1; n <= 342; n++) {
    let rest: u64 = 0;
    for (let i: usize = LIMBS; i > 0; i--) {
      const at = WIDE + ((i - 1) << 2);
      rest = (rest << 32) | load<u32>(at);
      store<u32>(at, <u32>(rest / 5));
      rest %= 5;
    }
    put(POWERS + ((342 - n) << 4), n <= 27 ? 1 : 0);
  }
  ready = true;
}

// The top 128 bits of WIDE, + `add` in the last place.
function put(at: usize, add: u64): void {
  let top = LIMBS - 1;
  while (load<u32>(WIDE + (top << 2)) == 0) top--;
  const shift = <u64>clz(load<u32>(WIDE + (top << 2)));
  let a: u64 = 0, b: u64 = 0;
  // Five limbs hold 128 bits at any shift.
  for (let i: usize = 0; i < 5; i++) {
    const limb: u64 = top >= i ? load<u32>(WIDE + ((top - i) << 2)) : 0;
    if (i < 2) a |= limb << (32 - (<u64>i << 5));
    else if (i < 4) b |= limb << (96 - (<u64>i << 5));
    else if (shift > 0) {
      a = (a << shift) | (b >> (64 - shift));
      b = (b << shift) | (limb >> (32 - shift));
    }
  }
  b += add;
  if (b < add) a++;
  store<u64>(at, a);
  store<u64>(at, b, 8);
}

// One seed, the same inputs everywhere: xoshiro128** (Blackman and Vigna, public domain).
export const SEED = 20261123

export function randomFrom(seed = SEED) {
  const s = new Uint32Array(4)
  // splitmix32 spreads the seed over the state
  for (let i = 0; i < 4; i++) {
    seed = (seed + 0x9e3779b9) | 0
    let t = seed ^ (seed >>> 16)
    t = Math.imul(t, 0x21f0aaad)
    t ^= t >>> 15
    t = Math.imul(t, 0x735a2d97)
    s[i] = t ^ (t >>> 15)
  }
  const word = () => {
    const five = Math.imul(s[1], 5)
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << 11) | (s[3] >>> 21)
    return result
  }
  return {
    word,
    /** 0 <= n < limit */
    below: (limit) => Math.floor((word() / 2 ** 32) * limit),
    /** 53 random bits in [0, 1) */
    unit: () => (word() * 2 ** 21 + (word() >>> 11)) / 2 ** 53,
    pick(list) {
      return list[this.below(list.length)]
    },
    bytes(size) {
      const out = Buffer.alloc(size)
      let i = 0
      for (; i + 4 <= size; i += 4) out.writeUInt32LE(word(), i)
      for (; i < size; i++) out[i] = word()
      return out
    },
    uuid() {
      const hex = [word(), word(), word(), word()].map((w) => w.toString(16).padStart(8, '0')).join('')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}

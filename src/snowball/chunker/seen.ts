// Whether a key came before, out of any number of them, in some 16 bytes each.

const LEAST = 1 << 10

/** `hash`: SHA-256. 64 bits of it are kept: of 10,000,000 keys two share them with a chance of 1 to 370,000. */
export function createSeen(hash: (data: Uint8Array) => Uint8Array): (key: string) => boolean {
  const encoder = new TextEncoder()
  let slots = LEAST
  let table = new Uint32Array(2 * slots)
  let count = 0

  /** The slot of these bits, or the free one where they are to be. */
  const find = (low: number, high: number): number => {
    let slot = low & (slots - 1)
    while ((table[2 * slot] !== low || table[2 * slot + 1] !== high) && (table[2 * slot] !== 0 || table[2 * slot + 1] !== 0)) slot = (slot + 1) & (slots - 1)
    return slot
  }
  const put = (slot: number, low: number, high: number) => {
    table[2 * slot] = low
    table[2 * slot + 1] = high
  }
  const grow = () => {
    const old = table
    slots *= 2
    table = new Uint32Array(2 * slots)
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0 || old[at + 1] !== 0) put(find(old[at], old[at + 1]), old[at], old[at + 1])
  }

  return (key) => {
    const digest = hash(encoder.encode(key))
    const view = new DataView(digest.buffer, digest.byteOffset)
    const low = view.getUint32(0, true)
    // zero is a free slot
    const high = view.getUint32(4, true) || 1
    const slot = find(low, high)
    if (table[2 * slot + 1] !== 0) return true
    put(slot, low, high)
    if (++count > 0.7 * slots) grow()
    return false
  }
}

// The block in which the core reads a shard map; assembly/record/shard.ts draws it.
import type { Piece } from './shard-list.js'

/** With a gap beside each one, shards and gaps still count in 16 bits. */
export const MAX_SHARDS = 32767

/** The whole hash key space in pieces, in order, the first one from 0. */
export function packPieces(pieces: readonly Piece[]): Uint8Array {
  const count = pieces.length
  // Eight prefixes a piece: nine hash keys in ten need no search among evenly split shards.
  const bits = Math.min(16, Math.max(4, 35 - Math.clz32(count - 1)))
  const starts = (16 + 2 * (2 ** bits + 1) + 7) & ~7
  const shards = starts + 16 * count
  const image = new DataView(new ArrayBuffer(shards + 4 * count))
  for (const [i, word] of [count, bits, starts, shards].entries()) image.setUint32(4 * i, word, true)
  let prefix = 0
  pieces.forEach(({ start, shard }, i) => {
    image.setBigUint64(starts + 16 * i, start >> 64n, true)
    image.setBigUint64(starts + 16 * i + 8, start & 0xffffffffffffffffn, true)
    image.setInt32(shards + 4 * i, shard, true)
    // Prefixes whose smallest hash key lies before this piece belong to the one before.
    const first = Number((start + (1n << BigInt(128 - bits)) - 1n) >> BigInt(128 - bits))
    for (; prefix < first; prefix++) image.setUint16(16 + 2 * prefix, i - 1, true)
  })
  for (; prefix <= 2 ** bits; prefix++) image.setUint16(16 + 2 * prefix, count - 1, true)
  return new Uint8Array(image.buffer)
}

// Raw Snappy (google/snappy, format_description.txt) for the stages, a block at a time.
import { type Engine, engine, outOfMemory } from './engine.js'

/** Each block of `size` bytes of `data` compressed on its own, in order; the last one may be shorter. */
export function snappyBlocks(data: Uint8Array, size: number, e: Engine = engine()): Uint8Array[] {
  return e.scope(() => {
    const room = Math.min(size, data.length)
    const cap = e.core.snappyBound(room)
    if (cap <= 0) throw outOfMemory(room)
    const src = e.reserve(room)
    const dst = e.reserve(cap)
    const blocks: Uint8Array[] = []
    for (let at = 0; at < data.length; at += size) {
      const block = data.subarray(at, at + size)
      e.bytes().set(block, src)
      const made = e.core.snappyCompress(src, block.length, dst, cap)
      blocks.push(e.bytes().slice(dst, dst + made))
    }
    return blocks
  })
}

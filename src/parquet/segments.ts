// Text -> segments: a segment's rows make row groups of their own, so segments can be encoded by
// different threads and the file is the same for any number of them.
//
// A segment ends with its line feed number `lines`, or with the first one at or behind `bytes` bytes.
// The intake of one thread ends row groups by the same rule (intake.ts).
import type { Engine } from '../engine/engine.js'

export interface Cutter {
  /** Cuts `bytes`: `piece` is called with each part, and whether the segment ends behind it. */
  cut(bytes: Uint8Array, piece: (part: Uint8Array, ends: boolean) => void): void
}

/** Counted at a time: what fits a second-level cache beside what else is in it. */
const WINDOW = 256 * 1024

export function createCutter(engine: Engine, limits: { lines: number; bytes: number }): Cutter {
  const text = engine.reserve(WINDOW)
  let lines = 0
  let size = 0

  /** Bytes of `part` up to the end of the segment, or 0 where it goes on behind. */
  const end = (part: Uint8Array): number => {
    engine.bytes().set(part, text)
    const feeds = engine.core.countFeeds(text, part.length)
    const ends = lines + feeds < limits.lines ? 0 : engine.core.nthFeed(text, part.length, limits.lines - lines)
    lines += feeds
    if (size + part.length < limits.bytes) return ends
    const feed = part.indexOf(10, Math.max(0, limits.bytes - size - 1))
    return feed >= 0 && (ends === 0 || feed < ends) ? feed + 1 : ends
  }

  return {
    cut(bytes, piece) {
      let from = 0
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + WINDOW)
        const stop = end(part)
        if (stop === 0) {
          at += part.length
          size += part.length
          continue
        }
        at += stop
        piece(bytes.subarray(from, at), true)
        from = at
        lines = size = 0
      }
      if (from < bytes.length) piece(bytes.subarray(from), false)
    },
  }
}

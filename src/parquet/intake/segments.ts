// Text -> segments: a segment's rows make row groups of their own, so segments can be encoded by
// different threads and the file is the same for any number of them.
//
// A segment ends with its line feed number `lines`, or with the first one at or behind `bytes` bytes.
// The intake of one thread ends row groups by the same rule (intake.ts). Documents are not cut: a
// source of them is a segment of its own.
import type { Format } from '../../engine/columns.js'
import { FORMAT_AUTO, FORMAT_DOCUMENTS, FORMAT_LINES, SCAN_FINAL, SCAN_FIRST, SCAN_STATE } from '../../engine/core.js'
import type { Engine } from '../../engine/engine.js'

export interface Cutter {
  /** What the text of a source begins with tells its format; undefined where it takes more of it. */
  format(head: Uint8Array, format: Format, final: boolean): Format | undefined
  /** Cuts `bytes`: gives the parts, and of each whether the segment ends behind it. */
  cut(bytes: Uint8Array): { part: Uint8Array; ends: boolean }[]
  /** The segment ended for another reason. */
  restart(): void
}

/** Counted at a time: what fits a second-level cache beside what else is in it. */
const WINDOW = 256 * 1024

/** `headBytes`: the most that format() is given. */
export function createCutter(engine: Engine, limits: { lines: number; bytes: number }, headBytes = WINDOW): Cutter {
  const text = engine.reserve(Math.max(WINDOW, headBytes))
  const scan = engine.reserve(SCAN_STATE)
  let lines = 0
  let size = 0

  /** Bytes of `part` up to the end of the segment, or 0 where it goes on behind. */
  const end = (part: Uint8Array): number => {
    engine.bytes().set(part, text)
    const feeds = engine.core.countFeeds(text, part.length)
    const byLines = lines + feeds < limits.lines ? 0 : engine.core.nthFeed(text, part.length, limits.lines - lines)
    lines += feeds
    if (size + part.length < limits.bytes) return byLines
    const feed = part.indexOf(10, Math.max(0, limits.bytes - size - 1))
    return feed >= 0 && (byLines === 0 || feed < byLines) ? feed + 1 : byLines
  }

  return {
    format(head, format, final) {
      if (format !== 'auto') return format
      engine.bytes().set(head, text)
      engine.core.scanSource(scan, FORMAT_AUTO)
      const settled = engine.core.scanSettle(scan, text, head.length, SCAN_FIRST | (final ? SCAN_FINAL : 0))
      return settled === FORMAT_LINES ? 'lines' : settled === FORMAT_DOCUMENTS ? 'documents' : undefined
    },
    cut(bytes) {
      const parts: { part: Uint8Array; ends: boolean }[] = []
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
        parts.push({ part: bytes.subarray(from, at), ends: true })
        from = at
        lines = size = 0
      }
      if (from < bytes.length) parts.push({ part: bytes.subarray(from), ends: false })
      return parts
    },
    restart() {
      lines = size = 0
    },
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'

/** Lines in latin1, found `cap` at a time. */
function lines(engine: Engine, text: string, cap: number): { lines: string[]; rest: string } {
  return engine.scope(() => {
    const src = engine.put(Buffer.from(text, 'latin1'))
    // What lies behind the text must not count.
    engine.bytes().fill(10, src + text.length, src + text.length + 64)
    const table = engine.reserve(cap * 8)
    const found: string[] = []
    let from = 0
    for (let count = cap; count === cap; ) {
      count = engine.core.splitLines(src + from, text.length - from, table, cap)
      for (let i = 0; i < count; i++) {
        const [offset, size] = engine.words().subarray((table >> 2) + 2 * i)
        found.push(text.slice(from + offset, from + offset + size))
      }
      expect(report(engine).produced).toBe(count)
      from += report(engine).consumed
    }
    return { lines: found, rest: text.slice(from) }
  })
}

describe.each(builds)('splitLines (%s)', (_, engine) => {
  it.each([1, 2, 7, 1000])('as String.split does, %i lines at a time', (cap) => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\n\r\n'),
      fc.string({ maxLength: 40, unit: fc.constantFrom('a', 'b', '\r', '\u008a', '\x0b', '\x1a') }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('')
        const all = text.split('\n')
        const rest = all.pop()
        expect(lines(engine, text, cap)).toEqual({ lines: all.map((line) => line.replace(/\r$/, '')), rest })
      }),
      { numRuns: 150 },
    )
  })
})

describe.each(builds)('nthFeed (%s)', (_, engine) => {
  it('finds the line feed that is wanted, and none behind the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\u008a'), maxLength: 80 }), (text) => {
        const ends = [...text].flatMap((c, i) => (c === '\n' ? [i + 1] : []))
        engine.scope(() => {
          const src = engine.put(Buffer.from(text, 'latin1'))
          engine.bytes().fill(10, src + text.length, src + text.length + 64)
          for (let n = 0; n < ends.length + 3; n++) expect(engine.core.nthFeed(src, text.length, n)).toBe(ends[n - 1] ?? 0)
        })
      }),
      { numRuns: 200 },
    )
  })
})

describe.each(builds)('countFeeds (%s)', (_, engine) => {
  it('is how many line feeds there are', () => {
    const text = Uint8Array.from({ length: 9000 }, (_, i) => (i % 3 === 0 || i > 4000 ? 10 : i))
    engine.scope(() => {
      const at = engine.put(text)
      for (const [from, to] of [
        [0, 9000],
        [0, 0],
        [5, 20],
        [3999, 8111],
      ])
        expect(engine.core.countFeeds(at + from, to - from)).toBe(text.subarray(from, to).filter((c) => c === 10).length)
    })
  })
})

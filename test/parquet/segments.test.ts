// Where a text is cut must depend on the text alone, not on the pieces that it comes in.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCutter } from '../../src/parquet/intake/segments.js'
import { builds } from '../builds.js'

/** Ends of the segments of `text`, found a line at a time. */
function model(text: string, limits: { lines: number; bytes: number }): number[] {
  const ends: number[] = []
  let start = 0
  let lines = 0
  for (let from = 0, at = text.indexOf('\n'); at >= 0; from = at + 1, at = text.indexOf('\n', from)) {
    lines++
    if (lines === limits.lines || at + 1 - start >= limits.bytes) {
      ends.push(at + 1)
      start = at + 1
      lines = 0
    }
  }
  return ends
}

it.each(builds)('segments end where lines or bytes say, however the text is cut (%s)', (_, engine) => {
  const line = fc.oneof(fc.constantFrom('', ' ', '\r', '{}', '{"a":1}\r'), fc.string({ unit: fc.constantFrom('x', ' '), maxLength: 30 }))
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 80 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (all, lines, bytes, cuts) => {
        const text = all.join('\n')
        const places = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b)
        const ends: number[] = []
        let whole = ''
        engine.scope(() => {
          const cutter = createCutter(engine, { lines, bytes })
          let from = 0
          for (const to of places) {
            for (const { part, ends: last } of cutter.cut(Buffer.from(text.slice(from, to)))) {
              whole += Buffer.from(part).toString()
              if (last) ends.push(whole.length)
            }
            from = to
          }
        })
        expect(whole).toBe(text)
        expect(ends).toEqual(model(text, { lines, bytes }))
      },
    ),
    { numRuns: 300 },
  )
})

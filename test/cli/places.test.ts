import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutEnd, cutMiddle, places, visible } from '../../src/cli/places.js'

it.each([
  ['abc é', 5],
  ['日本、。「」', 12],
  ['ｱｲｳ', 3],
  ['ＡＢ￥', 6],
  ['한국어', 6],
  ['\u1112\u1161\u11ab', 2],
  ['e\u0301\u0302', 1],
  ['🚀', 2],
  ['❤\ufe0f', 2],
  ['🇳🇱', 2],
  ['می\u200cخواهم', 7],
  ['\u{20000}\u{2a6df}', 4],
])('%j takes %d places', (text, expected) => expect(places(text)).toBe(expected))

it('cuts to a width, a wide character whole or not at all', () => {
  expect(cutEnd('abcdef', 6)).toBe('abcdef')
  expect(cutEnd('abcdefg', 6)).toBe('abcde…')
  expect(cutEnd('日本語', 6)).toBe('日本語')
  expect(cutEnd('日本語a', 6)).toBe('日本…')
  expect(cutEnd('ae\u0301', 2)).toBe('ae\u0301')
  expect(cutEnd('ae\u0301b', 2)).toBe('a…')
  expect(cutMiddle('shardId-000000000042', 9)).toBe('shar…0042')
})

it('nothing that a terminal obeys is left, and what is cut fits', () => {
  const hostile = fc.string({
    unit: fc.oneof(
      fc.integer({ min: 0, max: 0x10ffff }).map((n) => String.fromCodePoint(n)),
      fc.constantFrom('\x1b[2J', '\x9b', '\r', '\u202e', '\u200b', '\u{e0041}', '日', 'e\u0301', '🚀'),
    ),
    maxLength: 60,
  })
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 40 }), (text, width) => {
      const safe = visible(text)
      expect(safe).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(safe.replace(/[\u200c\u200d]/g, '')).not.toMatch(/\p{Cf}/u)
      for (const cut of [cutEnd(safe, width), cutMiddle(safe, width)]) {
        expect(places(cut)).toBeLessThanOrEqual(width)
        if (places(safe) <= width) expect(cut).toBe(safe)
      }
    }),
    { seed: 7, numRuns: 3000 },
  )
})

it("writes what a terminal obeys as JSON's escapes", () => {
  expect(visible('\x1b[31m\x07\r\n\t\x7f\x9b\u202e\u2028\ufeff')).toBe('\\u001b[31m\\u0007\\r\\n\\t\\u007f\\u009b\\u202e\\u2028\\ufeff')
  expect(visible('\u{e0041}\ud800')).toBe('\\udb40\\udc41\\ud800')
  expect(visible('👨\u200d👩 می\u200cخ C:\\new')).toBe('👨\u200d👩 می\u200cخ C:\\new')
})

import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeBase64, encodeBase64, fromBase64, toBase64 } from '../../src/engine/base64.js'

const text = fc
  .tuple(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('A', 'Q', '-', '=', ' ', '!', 'é', '€', '\u0141', '\u013d'), maxLength: 4 }),
    fc.nat(60),
  )
  .map(([data, insert, at]) => {
    const base = Buffer.from(data).toString('base64')
    return base.slice(0, at) + insert + base.slice(at)
  })

function outcome(work: () => Uint8Array) {
  try {
    return Buffer.from(work()).toString('hex')
  } catch (error) {
    return String(error)
  }
}

describe('base64 at the host', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('round-trips bytes and strings', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const expected = Buffer.from(data).toString('base64')
        expect(toBase64(data)).toBe(expected)
        expect(Buffer.from(encodeBase64(data)).toString()).toBe(expected)
        expect(decodeBase64(encodeBase64(data))).toEqual(data)
        expect(fromBase64(expected)).toEqual(data)
      }),
      { seed: 1 },
    )
  })

  it('judges strings as the core judges bytes, with Buffer and without', () => {
    const cases = fc.sample(text, { numRuns: 3000, seed: 2 })
    for (const mode of ['strict', 'lenient'] as const) {
      const byBuffer = cases.map((t) => outcome(() => fromBase64(t, mode)))
      expect(byBuffer).toEqual(cases.map((t) => outcome(() => decodeBase64(new TextEncoder().encode(t), mode))))
      vi.stubGlobal('Buffer', undefined)
      const byCore = cases.map((t) => {
        try {
          return [...fromBase64(t, mode)].map((b) => b.toString(16).padStart(2, '0')).join('')
        } catch (error) {
          return String(error)
        }
      })
      vi.unstubAllGlobals()
      expect(byCore).toEqual(byBuffer)
    }
  })

  it('names the first bad character', () => {
    expect(() => fromBase64('QUJD*EFG')).toThrow(/byte 4: expected base64: this character has no place here/)
    expect(() => fromBase64('QUI')).toThrow(/byte 3: expected base64: the text ends/)
    expect(() => fromBase64('QUJ=')).toThrow(/byte 2: expected base64: trailing bits/)
    expect(fromBase64('QUJ=', 'lenient')).toEqual(new Uint8Array([65, 66]))
  })
})

// Strings that are UTF-8 and strings that are not, as the scan meets them: TextDecoder decides.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builds } from '../builds.js'
import { scanAll } from '../columns.js'

/** What TextDecoder makes of the bytes, or undefined. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const head = new TextEncoder().encode('{"s":"')
const tail = new TextEncoder().encode('"}\n')
const record = (text: Uint8Array) => [...head, ...text, ...tail]

describe.each(builds)('%s', (_, engine) => {
  const check = (strings: Uint8Array[]) => {
    const expected = strings.map(decoded)
    const { rows, bad } = scanAll(engine, [{ name: 's', type: 'string' }], Uint8Array.from(strings.flatMap(record)))
    expect(rows.map(([s]) => s)).toEqual(expected.filter((s) => s !== undefined))
    expect(bad.map((b) => b.record)).toEqual(expected.flatMap((s, i) => (s === undefined ? [i] : [])))
    for (const b of bad) expect(b.message).toMatch(/^expected UTF-8, got byte 0x[89a-f]/)
  }

  it('judges every sequence of one and two bytes, and three and four at their edges', () => {
    const edges = [0x30, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    const leads = [0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]
    const strings: Uint8Array[] = []
    for (let a = 0x80; a < 0x100; a++) {
      strings.push(Uint8Array.of(a))
      for (let b = 0x78; b < 0xc8; b++) strings.push(Uint8Array.of(a, b))
    }
    for (const a of leads) for (const b of edges) for (const c of edges) strings.push(Uint8Array.of(a, b, c), ...edges.map((d) => Uint8Array.of(a, b, c, d)))
    check(strings)
  })

  it('agrees with TextDecoder on text, damaged text and noise of any length', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 }).map((s) => new TextEncoder().encode(s.replace(/["\\\p{Cc}]/gu, 'x')))
    const damaged = fc
      .tuple(text, fc.nat(), fc.integer({ min: 0x80, max: 0xff }))
      .map(([bytes, at, byte]) => bytes.map((b, i) => (i === at % bytes.length ? byte : b)))
    const cut = fc.tuple(text, fc.nat()).map(([bytes, at]) => bytes.subarray(0, bytes.length && at % bytes.length))
    const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((b) => b | 0x80))
    const long = fc.tuple(text, fc.nat(120)).map(([bytes, n]) => Uint8Array.of(...new Uint8Array(n).fill(0x61), ...bytes, ...new Uint8Array(n).fill(0x62)))
    fc.assert(fc.property(fc.array(fc.oneof(text, damaged, cut, noise, long), { maxLength: 20 }), check), { numRuns: 300 })
  })

  it('judges one sequence by itself, wherever it stands in long ASCII text', () => {
    const edges = [0x30, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]
    const alone: number[][] = [[0xc3], [0xe2], [0xe2, 0x82], [0xf0], [0xf0, 0x9f], [0xf0, 0x9f, 0x98], [0x80], [0xbf, 0xbf]].flatMap((s) =>
      Array.from({ length: 64 }, () => s),
    )
    for (const a of [0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef]) for (const b of edges) for (const c of edges) alone.push([a, b], [a, b, c])
    for (const a of [0xf0, 0xf1, 0xf4, 0xf5, 0xff]) for (const b of edges) for (const c of edges) for (const d of edges) alone.push([a, b, c, d])
    for (let at = 0; at < alone.length; at += 300) {
      check(
        alone
          .slice(at, at + 300)
          .map((sequence, i) => Uint8Array.of(...new Uint8Array(64 + ((at + i) % 64)).fill(0x61), ...sequence, ...new Uint8Array(140).fill(0x62))),
      )
    }
  })

  it('checks text of more than one piece, however sequences lie across', () => {
    for (let shift = 0; shift < 4; shift++) {
      const long = new TextEncoder().encode('x'.repeat(shift) + '😀é€'.repeat(8000))
      const broken = long.slice()
      broken[60000] = 0xff
      check([long, broken, long])
    }
  })

  it('points at the first byte of the sequence', () => {
    const { bad } = scanAll(
      engine,
      [{ name: 's', type: 'string' }],
      Uint8Array.from([...record(Uint8Array.of(0xc3, 0xa9)), ...record(Uint8Array.of(0x61, 0xe2, 0x82)), 0x7b, 0x7d]),
    )
    expect(bad.map((b) => [b.offset, b.position, b.end])).toEqual([[11, 18, 23]])
  })
})

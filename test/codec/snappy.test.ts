import fc from 'fast-check'
import { snappyUncompress } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { BAD_INPUT, OUTPUT_FULL } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'

function compress(engine: Engine, plain: Uint8Array): Uint8Array {
  return engine.scope(() => {
    const src = engine.put(plain)
    const cap = engine.core.snappyBound(plain.length)
    const dst = engine.reserve(cap)
    const size = engine.core.snappyCompress(src, plain.length, dst, cap)
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThanOrEqual(cap)
    expect(report(engine)).toMatchObject({ consumed: plain.length, produced: size })
    return engine.bytes().slice(dst, dst + size)
  })
}

/** The status and the output, guarded on both sides by bytes that must not change. */
function decompress(engine: Engine, packed: Uint8Array, cap: number): { status: number; bytes: Uint8Array } {
  return engine.scope(() => {
    const src = engine.put(packed)
    const dst = engine.reserve(cap + 64) + 32
    engine.bytes().fill(0xa5, dst - 32, dst + cap + 32)
    const status = engine.core.snappyDecompress(src, packed.length, dst, cap)
    const memory = engine.bytes()
    for (let i = 0; i < 32; i++) {
      if (memory[dst - 1 - i] !== 0xa5 || memory[dst + cap + i] !== 0xa5) throw new Error('wrote outside of its buffer')
    }
    return { status, bytes: memory.slice(dst, dst + Math.max(0, status)) }
  })
}

const words = fc
  .array(fc.constantFrom('the ', 'wheel', ' ', 'mill', 'race ', '0', 'aaaaaaaaaaaaaaaa', '{"id":'), { maxLength: 400 })
  .map((w) => Buffer.from(w.join('')))
const shapes: [string, Uint8Array][] = [
  ['nothing', new Uint8Array(0)],
  ['one byte', new Uint8Array([7])],
  ['14 bytes', new Uint8Array(14).fill(1)],
  ['15 bytes', new Uint8Array(15).fill(1)],
  ['zeros', new Uint8Array(200_000)],
  ['block edges', new Uint8Array(65536 * 2 + 1).map((_, i) => (i % 65536 < 20 ? i : 3))],
  ['noise', new Uint8Array(100_000).map((_, i) => Math.imul(i ^ (i >>> 7), 0x9e3779b1) >>> 24)],
  ['lines', Buffer.from(Array.from({ length: 5000 }, (_, i) => `{"id":${i},"name":"user-${i % 97}","delay":${(i * 7919) % 240}}\n`).join(''))],
]

describe.each(builds)('snappy (%s)', (_, engine) => {
  it.each(shapes)('an independent reader gives %s back', (_name, plain) => {
    const packed = compress(engine, plain)
    const output = new Uint8Array(plain.length)
    if (plain.length > 0) snappyUncompress(packed, output)
    expect(Buffer.compare(output, plain)).toBe(0)
    const back = decompress(engine, packed, plain.length)
    expect(back.status).toBe(plain.length)
    expect(Buffer.compare(back.bytes, plain)).toBe(0)
  })

  it('gives any bytes back', () => {
    fc.assert(
      fc.property(fc.oneof(words, fc.uint8Array({ maxLength: 300 })), (plain) => {
        const packed = compress(engine, plain)
        const output = new Uint8Array(plain.length)
        if (plain.length > 0) snappyUncompress(packed, output)
        expect(Buffer.compare(output, plain)).toBe(0)
        expect(Buffer.compare(decompress(engine, packed, plain.length).bytes, plain)).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('is as small as the format makes lines of text', () => {
    const lines = shapes.at(-1)![1]
    expect(compress(engine, lines).length / lines.length).toBeLessThan(0.4)
    expect(compress(engine, shapes[4]![1]).length / 200_000).toBeLessThan(0.05)
  })

  it('asks for room and then works', () => {
    engine.scope(() => {
      const src = engine.put(Buffer.from('mill mill mill mill'))
      const dst = engine.reserve(64)
      expect(engine.core.snappyCompress(src, 19, dst, 53)).toBe(OUTPUT_FULL)
      expect(engine.core.snappyCompress(src, 19, dst, 54)).toBeGreaterThan(0)
    })
    const packed = compress(engine, new Uint8Array(1000))
    expect(decompress(engine, packed, 999).status).toBe(OUTPUT_FULL)
    expect(report(engine).produced).toBe(1000)
  })

  it.each([
    ['no size', [], 1, 0],
    ['a size that does not end', [0x80, 0x80, 0x80, 0x80, 0x80, 1], 1, 5],
    ['a size that no input of this length can reach', [0xff, 0xff, 0xff, 0x7f, 0, 1], 1, 0],
    ['a literal past the input', [4, 12, 1, 2, 3], 2, 1],
    ['a literal past the size', [2, 8, 1, 2, 3], 2, 1],
    ['a literal of 4 GiB', [4, 63 << 2, 0xff, 0xff, 0xff, 0xff], 2, 1],
    ['a literal whose length is cut off', [4, 61 << 2, 1], 2, 1],
    ['a copy from before the start', [8, 0, 65, 1, 2], 3, 3],
    ['a copy of offset 0', [8, 0, 65, 1, 0], 3, 3],
    ['a copy past the size', [4, 0, 65, 1, 1], 3, 3],
    ['a copy whose offset is cut off', [6, 0, 65, 2 | (3 << 2), 1], 3, 3],
    ['a far copy whose offset is cut off', [6, 0, 65, 3 | (3 << 2), 1, 0, 0], 3, 3],
    ['too few bytes', [6, 0, 65], 4, 3],
  ])('refuses %s', (_name, bytes, detail, position) => {
    expect(decompress(engine, new Uint8Array(bytes), 1 << 16).status).toBe(BAD_INPUT)
    expect(report(engine)).toMatchObject({ detail, position })
  })

  it('never leaves its buffers, whatever the bytes', () => {
    fc.assert(
      fc.property(words, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(3), (plain, changes, cut) => {
        const packed = compress(engine, plain)
        for (const [at, value] of changes) packed[at % packed.length] = value
        const { status } = decompress(engine, packed.subarray(0, Math.max(0, packed.length - cut)), plain.length)
        expect(status === OUTPUT_FULL || status === BAD_INPUT || (status >= 0 && status <= plain.length)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

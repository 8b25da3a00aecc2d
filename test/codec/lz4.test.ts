import fc from 'fast-check'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { OUTPUT_FULL } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'

function compress(engine: Engine, plain: Uint8Array): Uint8Array {
  return engine.scope(() => {
    const src = engine.put(plain)
    const cap = engine.core.lz4Bound(plain.length)
    const dst = engine.reserve(cap + 32)
    engine.bytes().fill(0xa5, dst + cap, dst + cap + 32)
    expect(engine.core.lz4Compress(src, plain.length, dst, cap - 1)).toBe(OUTPUT_FULL)
    const size = engine.core.lz4Compress(src, plain.length, dst, cap)
    expect(report(engine)).toMatchObject({ consumed: plain.length, produced: size })
    expect(engine.bytes().subarray(dst + cap, dst + cap + 32)).toEqual(new Uint8Array(32).fill(0xa5))
    return engine.bytes().slice(dst, dst + size)
  })
}

/** Reads every sequence and holds what the format asks of the end of a block (lz4_Block_format.md, "End of block conditions"). */
function decode(packed: Uint8Array): Uint8Array {
  const output: number[] = []
  let at = 0
  let lastMatch = -Infinity
  const rest = (nibble: number) => {
    let size = nibble
    if (nibble === 15)
      for (let byte = 255; byte === 255; ) {
        byte = packed[at++]
        size += byte
      }
    return size
  }
  for (;;) {
    const token = packed[at++]
    const literals = rest(token >> 4)
    for (let i = 0; i < literals; i++) output.push(packed[at++])
    if (at === packed.length) {
      expect(literals >= 5 || lastMatch === -Infinity).toBe(true)
      expect(lastMatch).toBeLessThanOrEqual(output.length - 12)
      return Uint8Array.from(output)
    }
    const offset = packed[at] | (packed[at + 1] << 8)
    at += 2
    expect(offset).toBeGreaterThan(0)
    expect(offset).toBeLessThanOrEqual(output.length)
    lastMatch = output.length
    for (let left = rest(token & 15) + 4; left > 0; left--) output.push(output[output.length - offset])
  }
}

function check(engine: Engine, plain: Uint8Array): void {
  const packed = compress(engine, plain)
  expect(Buffer.compare(decode(packed), plain)).toBe(0)
  if (plain.length > 0) expect(Buffer.compare(compressors.LZ4_RAW!(packed, plain.length) as Uint8Array, plain)).toBe(0)
}

const lines = Buffer.from(Array.from({ length: 5000 }, (_, i) => `{"id":${i},"name":"user-${i % 97}","delay":${(i * 7919) % 240}}\n`).join(''))
const noise = new Uint8Array(100_000).map((_, i) => Math.imul(i ^ (i >>> 7), 0x9e3779b1) >>> 24)

describe.each(builds)('LZ4 (%s)', (_, engine) => {
  it.each([
    ['zeros', new Uint8Array(200_000)],
    ['noise', noise],
    ['lines', lines],
    ['what lies 65535 back', Buffer.concat([noise.subarray(0, 65535), noise.subarray(0, 65535)])],
    ['what lies 65536 back', Buffer.concat([noise.subarray(0, 65536), noise.subarray(0, 65536)])],
    ['literals of 15 and 270', Buffer.concat([noise.subarray(0, 15), Buffer.alloc(300), noise.subarray(15, 285), Buffer.alloc(300), noise.subarray(0, 20)])],
  ])('an independent reader gives %s back', (_name, plain) => check(engine, plain))

  it('every size up to 300, of one byte and of lines', () => {
    for (let size = 0; size <= 300; size++) {
      check(engine, new Uint8Array(size).fill(7))
      check(engine, lines.subarray(0, size))
    }
  })

  it('any bytes', () => {
    const words = fc.array(fc.constantFrom('the ', 'wheel', ' ', 'mill', 'race ', '0', 'aaaaaaaaaaaaaaaa', '{"id":'), { maxLength: 400 })
    const texts = words.map((w) => Buffer.from(w.join('')))
    fc.assert(
      fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 300 })), (plain) => check(engine, plain)),
      { numRuns: 200 },
    )
  })

  it('is as small as the format makes lines of text', () => {
    expect(compress(engine, lines).length / lines.length).toBeLessThan(0.4)
    expect(compress(engine, new Uint8Array(200_000)).length).toBeLessThan(1000)
    expect(compress(engine, noise).length).toBeLessThanOrEqual(noise.length + 500)
  })
})

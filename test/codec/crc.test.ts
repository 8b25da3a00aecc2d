import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

/** Bit by bit, straight from the definition. */
function oracle(polynomial: number, data: Uint8Array): number {
  let crc = -1
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (polynomial & -(crc & 1))
  }
  return ~crc >>> 0
}

function crc(engine: Engine, kernel: 'crc32' | 'crc32c', parts: Uint8Array[]): number {
  return engine.scope(() => parts.reduce((value, part) => engine.core[kernel](value, engine.put(part), part.length), 0)) >>> 0
}

const kernels: ['crc32' | 'crc32c', number][] = [
  ['crc32', 0xedb88320],
  ['crc32c', 0x82f63b78],
]

describe.each(builds)('crc (%s)', (_, engine) => {
  it('check values of the CRC catalogue, and RFC 3720 B.4', () => {
    expect(crc(engine, 'crc32', [Buffer.from('123456789')])).toBe(0xcbf43926)
    expect(crc(engine, 'crc32c', [Buffer.from('123456789')])).toBe(0xe3069283)
    expect(crc(engine, 'crc32c', [new Uint8Array(32)])).toBe(0x8a9136aa)
    expect(crc(engine, 'crc32c', [new Uint8Array(32).fill(0xff)])).toBe(0x62a8ab43)
    expect(crc(engine, 'crc32c', [Uint8Array.from({ length: 32 }, (_, i) => i)])).toBe(0x46dd794e)
  })

  it.each(kernels)('%s of any division of any data', (kernel, polynomial) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 6 }), (parts) => {
        expect(crc(engine, kernel, parts)).toBe(oracle(polynomial, Buffer.concat(parts)))
      }),
      { numRuns: 300 },
    )
    expect(crc(engine, kernel, [])).toBe(0)
  })
})

import fc from 'fast-check'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

const hash = (engine: Engine, bytes: Uint8Array) => engine.scope(() => BigInt.asUintN(64, engine.core.xxHash64(engine.put(bytes), bytes.length)))

describe.each(builds)('XXH64 (%s)', (_, engine) => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('of "%s"', (text, want) => {
    expect(hash(engine, Buffer.from(text))).toBe(want)
  })

  it('of every size', () => {
    const bytes = new Uint8Array(300).map((_, i) => i * 37 + (i >> 3))
    for (let size = 0; size <= 300; size++) expect(hash(engine, bytes.subarray(0, size))).toBe(xxhash64(bytes.subarray(0, size)))
  })

  it('of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(hash(engine, bytes)).toBe(xxhash64(bytes))
      }),
    )
  })
})

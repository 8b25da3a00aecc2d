import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HASH_MALFORMED, HASH_RANGE } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds } from '../builds.js'

const MAX = 2n ** 128n - 1n

function parse(engine: Engine, text: string): bigint | number {
  return engine.scope(() => {
    const src = engine.put(Buffer.from(text))
    const dst = engine.reserve(16)
    const status = engine.core.parseHashKey(src, Buffer.byteLength(text), dst)
    return status < 0 ? status : BigInt(`0x${Buffer.from(engine.bytes().subarray(dst, dst + 16)).toString('hex')}`)
  })
}

function format(engine: Engine, key: bigint): string {
  return engine.scope(() => {
    const src = engine.put(Buffer.from(key.toString(16).padStart(32, '0'), 'hex'))
    const dst = engine.reserve(45)
    const size = engine.core.formatHashKey(src, dst)
    return Buffer.from(engine.bytes().subarray(dst, dst + size)).toString()
  })
}

const edges = [
  0n,
  1n,
  9n,
  10n,
  10n ** 9n - 1n,
  10n ** 9n,
  10n ** 18n,
  10n ** 36n,
  10n ** 38n,
  2n ** 32n,
  2n ** 64n - 1n,
  2n ** 64n,
  2n ** 96n,
  2n ** 127n,
  MAX - 1n,
  MAX,
]
const anyKey = fc.oneof(fc.bigInt(0n, MAX), fc.bigInt(0n, 2n ** 64n), fc.constantFrom(...edges))

describe.each(builds)('hash key (%s)', (_, engine) => {
  it('reads and writes what BigInt does', () => {
    for (const key of edges) {
      expect(format(engine, key)).toBe(String(key))
      expect(parse(engine, String(key))).toBe(key)
    }
    fc.assert(
      fc.property(anyKey, fc.nat(50), (key, zeros) => {
        expect(format(engine, key)).toBe(String(key))
        expect(parse(engine, '0'.repeat(zeros) + key)).toBe(key)
        expect(parse(engine, `+${key}`)).toBe(key)
      }),
      { numRuns: 500 },
    )
  })

  it.each(['', '+', '-', ' 1', '1 ', '1.0', '1e3', '0x10', '12a', 'a12', '+-1', '１', '1\n', '-', `${'9'.repeat(50)}x`])('%j is malformed', (text) => {
    expect(parse(engine, text)).toBe(HASH_MALFORMED)
  })

  it.each([String(MAX + 1n), '999999999999999999999999999999999999999', '1'.repeat(40), '1'.repeat(1000), '-1', `-${MAX}`])('%j is out of range', (text) => {
    expect(parse(engine, text)).toBe(HASH_RANGE)
  })

  it('reads "-0" and many zeros as BigInteger does', () => {
    expect(parse(engine, '-0')).toBe(0n)
    expect(parse(engine, '0'.repeat(1000))).toBe(0n)
    expect(parse(engine, `${'0'.repeat(1000)}7`)).toBe(7n)
  })
})

import { describe, expect, it } from 'vitest'
import { createEngine } from '../src/engine/engine.js'
import { builds } from './builds.js'

describe.each(builds)('engine (%s)', (_, engine) => {
  it('imports nothing', () => {
    // the instance was made without an import object's help
    expect(engine.core.memory).toBeInstanceOf(WebAssembly.Memory)
  })

  it('reserves aligned blocks and rewinds', () => {
    const start = engine.core.mark()
    engine.scope(() => {
      const a = engine.reserve(5)
      const b = engine.reserve(1)
      expect(a % 16).toBe(0)
      expect(b).toBeGreaterThanOrEqual(a + 5 + 64)
    })
    expect(engine.core.mark()).toBe(start)
  })

  it('grows, and derives views anew', () => {
    const before = engine.bytes().length
    engine.scope(() => {
      const at = engine.reserve(before * 2)
      engine.bytes().fill(7, at, at + before * 2)
      expect(engine.bytes()[at + before * 2 - 1]).toBe(7)
    })
    expect(engine.bytes().length).toBeGreaterThan(before)
  })
})

describe.each(['simd', 'scalar'] as const)('out of memory (%s)', (build) => {
  it('throws a clear error, after which the engine still works', () => {
    const engine = createEngine(build)
    for (const size of [2 ** 31 - 1, 2 ** 31, 2 ** 40, -1, Number.NaN]) {
      expect(() => engine.scope(() => engine.reserve(size))).toThrow(/cannot grow by/)
    }
    engine.scope(() => expect(engine.put(new Uint8Array([1, 2, 3]))).toBeGreaterThan(0))
  })
})

it('a released instance is given again, and its first holder can do it no harm', () => {
  const first = createEngine()
  first.release()
  const second = createEngine()
  expect(second.core).toBe(first.core)
  const at = second.put(Uint8Array.of(1, 2, 3))
  first.release()
  expect(createEngine().core).not.toBe(second.core)
  expect(second.reserve(1)).toBeGreaterThan(at)
})

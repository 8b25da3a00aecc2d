// The shapes without an inlined binary: setCore and loadCore, and dist/slim and dist/workerd.js as built.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it, vi } from 'vitest'

const dist = new URL('../dist/', import.meta.url)
const wasm = readFileSync(new URL('core.wasm', dist))

describe('a core from outside', () => {
  beforeEach(() => vi.resetModules())

  it.each([
    ['bytes', () => new Uint8Array(wasm)],
    ['an ArrayBuffer', () => new Uint8Array(wasm).buffer],
    ['a compiled module', () => new WebAssembly.Module(wasm)],
    ['a Response', () => new Response(wasm)],
    ['a promise of a Response', () => Promise.resolve(new Response(wasm))],
  ])('loads from %s', async (_, source) => {
    const { createEngine, loadCore } = await import('../src/engine/engine.js')
    await loadCore(source())
    expect(createEngine().core.report()).toBeGreaterThan(0)
  })

  it('is another one for transformations', async () => {
    const { createTransformEngine, setTransformCore } = await import('../src/engine/transform.js')
    expect(() => setTransformCore(wasm)).toThrow('this transform.wasm is not of this version of millrace: it lacks transformRecords')
    for (const file of ['transform.wasm', 'transform.scalar.wasm']) {
      setTransformCore(readFileSync(new URL(file, dist)))
      expect(createTransformEngine().core.report()).toBeGreaterThan(0)
    }
  })

  it('may be the scalar one, for runtimes without SIMD', async () => {
    const { createEngine, setCore } = await import('../src/engine/engine.js')
    setCore(readFileSync(new URL('core.scalar.wasm', dist)))
    expect(createEngine().core.report()).toBeGreaterThan(0)
  })

  it('refuses what is no core', async () => {
    const { setCore } = await import('../src/engine/engine.js')
    expect(() => setCore(wasm.subarray(0, 100))).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
    expect(() => setCore(empty)).toThrow(/not of this version of millrace: it lacks mark/)
    for (const wrong of [undefined, null, 'core.wasm', {}]) expect(() => setCore(wrong as object)).toThrow(/^"source" expected the bytes/)
  })
})

describe('dist/slim', () => {
  const shapes = [
    ['ESM', () => import(new URL('slim/index.js', dist).href)],
    ['CJS', async () => createRequire(import.meta.url)(new URL('slim/index.cjs', dist).pathname)],
  ] as const

  it.each(shapes)('%s carries no binary and has every name of the full entry', async (_, load) => {
    const slim = await load()
    const full = await import(new URL('esm/index.js', dist).href)
    expect(Object.keys(slim).sort()).toEqual(Object.keys(full).sort())
    slim.setCore(wasm)
    slim.setTransformCore(readFileSync(new URL('transform.wasm', dist)))
  })

  it('has no base64 of a core inside', () => {
    for (const file of ['slim/index.js', 'slim/index.cjs']) expect(readFileSync(new URL(file, dist), 'utf8')).not.toContain('AGFzbQ')
  })
})

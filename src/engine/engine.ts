// The core that all stages but one share: typed kernels over one linear memory.
import { type Binary, type Build, compile, type Instance, instanceOf, instantiate, outOfMemory, register as registerBinary } from './binary.js'
import { type Core, EXPORTS, NO_MEMORY, SLACK, simd } from './core.js'

export { type Build, outOfMemory } from './binary.js'

/** An instance of the core. */
export interface Engine extends Instance<Core> {
  /**
   * Hands the instance back, for createEngine() to give again: memory that is there already costs
   * nothing, while a new one of 40 MB takes 10 ms of growing, first touches and collection. Nothing may
   * use it afterwards, and nobody relies on fresh memory being zero. A second time it does nothing.
   */
  release(): void
}

/**
 * A core from outside: the bytes of `millrace/core.wasm`, a module that the runtime compiled (as
 * `import core from 'millrace/core.wasm'` gives it in workerd), or a Response that carries it.
 * Structural, so that consumers without DOM types compile.
 */
export type CoreSource = Uint8Array | ArrayBuffer | { arrayBuffer(): Promise<ArrayBuffer> } | object

const binary: Binary = { name: 'core', simd, load: 'call setCore() or loadCore() with millrace/core', modules: new Map() }
let shared: Engine | undefined

// Released instances that wait for their next use: as many as writers usually follow one another.
let idle: Core[] = []
const IDLE_MAX = 2
const IDLE_BYTES = 100 * 1024 * 1024

/** The instance that all stateless stages share: made at first use. */
export function engine(): Engine {
  shared ??= createEngine()
  return shared
}

/**
 * An instance with a memory of its own, for a stage that keeps state in the arena between calls: a
 * released one or a new one. Compiled once, then ~0.1 ms. The scalar build is there only where setCore() gave it.
 */
export function createEngine(build: Build = 'simd'): Engine {
  const core = (build === 'simd' ? idle.pop() : undefined) ?? instantiate<Core>(binary, build)
  const start = core.mark()
  let released = false
  return Object.assign(instanceOf(core, build), {
    release() {
      // a second time it may be another's
      if (released) return
      released = true
      core.rewind(start)
      if (build === 'simd' && idle.length < IDLE_MAX && core.memory.buffer.byteLength <= IDLE_BYTES) idle.push(core)
    },
  })
}

/**
 * Makes `source` the core of every engine made from here on; call it before anything else. Needed
 * where the binary is not inlined (`millrace/slim`), and on runtimes without fixed-width SIMD, which
 * take `millrace/core.scalar.wasm`; elsewhere it spares each worker a compilation. Throws CORRUPT
 * for bytes that are no core or the core of another version.
 */
export function setCore(source: Uint8Array | ArrayBuffer | object): void {
  register('simd', source)
}

/** The compiled core, for setCore() in another thread: it is shared, not compiled again. */
export function compiledCore(): object {
  return compile(binary, 'simd')
}

/** setCore(), for one of the two builds; the tests run the scalar one beside the other. */
export function register(build: Build, source: unknown): void {
  registerBinary(binary, EXPORTS, build, source)
  idle = []
}

/** As setCore(), for a source that comes by a promise or over the network: `await loadCore(fetch(url))`. */
export async function loadCore(source: CoreSource | PromiseLike<CoreSource>): Promise<void> {
  const given = await source
  const body = given as { arrayBuffer?: () => Promise<ArrayBuffer> } | null | undefined
  if (typeof body?.arrayBuffer === 'function') setCore(await body.arrayBuffer())
  else setCore(given)
}

/** Throws for NO_MEMORY; hands every other result back. */
export function settled(result: number): number {
  if (result === NO_MEMORY) throw outOfMemory(SLACK)
  return result
}

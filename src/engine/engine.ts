// The one file that says WebAssembly. Everything else sees typed kernels over one linear memory.
import { MillraceError, wrongType } from '../errors.js'
import { type Core, EXPORTS, NO_MEMORY, SLACK, simd } from './core.js'

export type Build = 'simd' | 'scalar'

/** An instance of the core: its kernels, its memory, its arena. Single-threaded; never shared. */
export interface Engine {
  readonly core: Core
  readonly build: Build
  /** All of memory; derived anew whenever memory has grown, so never keep it across a reserve(). */
  bytes(): Uint8Array
  words(): Uint32Array
  /** Arena block of `size` bytes, 16-byte aligned, SLACK readable bytes behind it. Throws OUT_OF_MEMORY. */
  reserve(size: number): number
  /** Copies `data` into a new arena block and gives its address. */
  put(data: Uint8Array): number
  /**
   * Hands the instance back, for createEngine() to give again: memory that is there already costs
   * nothing, while a new one of 40 MB takes 10 ms of growing, first touches and collection. Nothing may
   * use it afterwards, and nobody relies on fresh memory being zero. A second time it does nothing.
   */
  release(): void
  /** Runs `work` (synchronous) and then rewinds the arena to where it was, also when it throws. */
  scope<T>(work: () => T): T
}

/**
 * A core from outside: the bytes of `millrace/core.wasm`, a module that the runtime compiled (as
 * `import core from 'millrace/core.wasm'` gives it in workerd), or a Response that carries it.
 * Structural, so that consumers without DOM types compile.
 */
export type CoreSource = Uint8Array | ArrayBuffer | { arrayBuffer(): Promise<ArrayBuffer> } | object

const modules = new Map<Build, WebAssembly.Module>()
let shared: Engine | undefined

// Released instances that wait for their next use: as many as writers usually follow one another.
let idle: Core[] = []
const IDLE_MAX = 2
const IDLE_BYTES = 96 * 1024 * 1024

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
  const kept = build === 'simd' ? idle.pop() : undefined
  if (kept) return wrap(kept, build)
  const core = new WebAssembly.Instance(compile(build), {}).exports as unknown as Core
  return wrap(core, build)
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
  return compile('simd')
}

/** setCore(), for one of the two builds; the tests run the scalar one beside the other. */
export function register(build: Build, source: unknown): void {
  const module = source instanceof WebAssembly.Module ? source : fromBytes(source)
  const exported = new Set(WebAssembly.Module.exports(module).map((e) => e.name))
  const lacks = EXPORTS.find((name) => !exported.has(name))
  if (lacks !== undefined) throw new MillraceError('CORRUPT', `this core.wasm is not of this version of millrace: it lacks ${lacks}`)
  modules.set(build, module)
  idle = []
}

/** As setCore(), for a source that comes by a promise or over the network: `await loadCore(fetch(url))`. */
export async function loadCore(source: CoreSource | PromiseLike<CoreSource>): Promise<void> {
  const given = await source
  const body = given as { arrayBuffer?: () => Promise<ArrayBuffer> } | null | undefined
  if (typeof body?.arrayBuffer === 'function') setCore(await body.arrayBuffer())
  else setCore(given)
}

function fromBytes(source: unknown): WebAssembly.Module {
  if (!(source instanceof Uint8Array || source instanceof ArrayBuffer))
    throw wrongType('source', 'the bytes of core.wasm, a compiled module or a Response', source)
  try {
    return new WebAssembly.Module(source as Uint8Array<ArrayBuffer>)
  } catch (cause) {
    throw new MillraceError('CORRUPT', `no core: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function compile(build: Build): WebAssembly.Module {
  let module = modules.get(build)
  if (!module) {
    if (build === 'scalar' || simd === '')
      throw new MillraceError('NO_CORE', 'the core is not loaded; call setCore() or loadCore() with millrace/core.wasm first')
    module = inlined()
    modules.set(build, module)
  }
  return module
}

// The scalar build is not inlined: it would be 40 % of the bundle, for browsers older than 2023.
function inlined(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(decode(simd))
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause
    // A module of nothing but the magic and version compiles wherever WebAssembly is allowed at all.
    const allowed = compiles(EMPTY)
    const message = allowed
      ? 'this runtime has no fixed-width SIMD; call setCore() or loadCore() with millrace/core.scalar.wasm first'
      : `WebAssembly is blocked here; under a content security policy it needs script-src 'wasm-unsafe-eval' (${cause.message})`
    throw new MillraceError('NO_CORE', message, { cause })
  }
}

const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    return new WebAssembly.Module(bytes) !== undefined
  } catch {
    return false
  }
}

// Cold, 125 KB on Node 20: Buffer 0.5 ms, atob and a loop 2.5 ms, Uint8Array.from(s, f) 21 ms.
function decode(base64: string): Uint8Array<ArrayBuffer> {
  if (typeof Buffer !== 'undefined') return Buffer.from(base64, 'base64')
  const native = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }
  if (native.fromBase64) return native.fromBase64(base64)
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function wrap(core: Core, build: Build): Engine {
  let bytes = new Uint8Array(core.memory.buffer)
  let words = new Uint32Array(core.memory.buffer)
  const start = core.mark()
  let released = false
  const derive = () => {
    if (bytes.length === 0) {
      bytes = new Uint8Array(core.memory.buffer)
      words = new Uint32Array(core.memory.buffer)
    }
  }
  return {
    core,
    build,
    bytes() {
      derive()
      return bytes
    },
    words() {
      derive()
      return words
    },
    reserve(size) {
      const address = size >= 0 && size <= 0x7fffffff ? core.reserve(size) : 0
      if (address === 0) throw outOfMemory(size)
      return address
    },
    put(data) {
      const address = this.reserve(data.length)
      this.bytes().set(data, address)
      return address
    },
    release() {
      // a second time it may be another's
      if (released) return
      released = true
      core.rewind(start)
      if (build === 'simd' && idle.length < IDLE_MAX && core.memory.buffer.byteLength <= IDLE_BYTES) idle.push(core)
    },
    scope(work) {
      const start = core.mark()
      try {
        return work()
      } finally {
        core.rewind(start)
      }
    },
  }
}

/** The error for a core that could not grow; the arena is as it was, the engine still works. */
export function outOfMemory(size: number): MillraceError {
  return new MillraceError('OUT_OF_MEMORY', `the core's memory cannot grow by ${size} bytes (its limit is 2 GiB); use smaller batches`)
}

/** Throws for NO_MEMORY; hands every other result back. */
export function settled(result: number): number {
  if (result === NO_MEMORY) throw outOfMemory(SLACK)
  return result
}

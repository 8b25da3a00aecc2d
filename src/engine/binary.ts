// The one file that says WebAssembly: a binary compiled and instantiated, its memory and its arena.
import { MillraceError, wrongType } from '../errors.js'

export type Build = 'simd' | 'scalar'

/** What every binary exports (assembly/memory.ts). */
export interface Arena {
  readonly memory: { readonly buffer: ArrayBuffer }
  mark(): number
  report(): number
  reserve(size: number): number
  rewind(to: number): void
}

/** An instance of a binary: its kernels, its memory, its arena. Single-threaded; never shared. */
export interface Instance<Kernels extends Arena> {
  readonly core: Kernels
  readonly build: Build
  /** All of memory; derived anew whenever memory has grown, so never keep it across a reserve(). */
  bytes(): Uint8Array
  words(): Uint32Array
  /** Arena block of `size` bytes, 16-byte aligned, SLACK readable bytes behind it. Throws OUT_OF_MEMORY. */
  reserve(size: number): number
  /** Copies `data` into a new arena block and gives its address. */
  put(data: Uint8Array): number
  /** Runs `work` (synchronous) and then rewinds the arena to where it was, also when it throws. */
  scope<T>(work: () => T): T
}

/** A binary, and what it was compiled to. Free functions work on it, so that a bundle has only those that it calls. */
export interface Binary {
  /** Of its files: NAME.wasm and, without SIMD, NAME.scalar.wasm. */
  name: string
  /** Base64 of the build with SIMD; empty where it is not inlined. */
  simd: string
  /** What to do where it is not there, up to the name of its file. */
  load: string
  /** Compiled modules: structural, as consumers without DOM types have no WebAssembly namespace. */
  modules: Map<Build, object>
}

/** Exports of a new instance. Compiled once, then ~0.1 ms. Throws NO_CORE. */
export const instantiate = <Kernels extends Arena>(binary: Binary, build: Build): Kernels =>
  new WebAssembly.Instance(compile(binary, build) as WebAssembly.Module, {}).exports as unknown as Kernels

/** Makes `source` what is instantiated from here on. Throws TypeError, or CORRUPT for what lacks one of `exports`. */
export function register({ name, modules }: Binary, exports: readonly string[], build: Build, source: unknown): void {
  const module = source instanceof WebAssembly.Module ? source : fromBytes(name, source)
  const exported = new Set(WebAssembly.Module.exports(module).map((e) => e.name))
  const lacks = exports.find((wanted) => !exported.has(wanted))
  if (lacks !== undefined) throw new MillraceError('CORRUPT', `this ${name}.wasm is not of this version of millrace: it lacks ${lacks}`)
  modules.set(build, module)
}

function fromBytes(name: string, source: unknown): WebAssembly.Module {
  if (!(source instanceof Uint8Array || source instanceof ArrayBuffer))
    throw wrongType('source', `the bytes of ${name}.wasm, a compiled module or a Response`, source)
  try {
    return new WebAssembly.Module(source as Uint8Array<ArrayBuffer>)
  } catch (cause) {
    throw new MillraceError('CORRUPT', `no core: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

export function compile(binary: Binary, build: Build): object {
  const { name, simd, load, modules } = binary
  let module = modules.get(build)
  if (!module) {
    if (build === 'scalar' || simd === '') throw new MillraceError('NO_CORE', `the ${name} is not loaded; ${load}.wasm first`)
    module = inlined(binary)
    modules.set(build, module)
  }
  return module
}

// The scalar build is not inlined: it would be 40 % of the bundle, for browsers older than 2023.
function inlined({ simd, load }: Binary): WebAssembly.Module {
  try {
    return new WebAssembly.Module(decode(simd))
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause
    // A module of nothing but the magic and version compiles wherever WebAssembly is allowed at all.
    const allowed = compiles(EMPTY)
    const message = allowed
      ? `this runtime has no fixed-width SIMD; ${load}.scalar.wasm first`
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

/** Typed views and the arena over what `instantiate` gave. */
export function instanceOf<Kernels extends Arena>(core: Kernels, build: Build): Instance<Kernels> {
  let bytes = new Uint8Array(core.memory.buffer)
  let words = new Uint32Array(core.memory.buffer)
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

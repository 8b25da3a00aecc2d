// Digests and checksums for the stages, over the shared engine: data of any size goes through a slice
// of memory, so the arena does not grow with it.
import { MD5_STATE_SIZE, SHA256_STATE_SIZE } from './core.js'
import { type Engine, engine } from './engine.js'

const SLICE = 256 * 1024

const KINDS = {
  md5: { state: MD5_STATE_SIZE, size: 16, init: 'md5Init', update: 'md5Update', final: 'md5Final' },
  sha256: { state: SHA256_STATE_SIZE, size: 32, init: 'sha256Init', update: 'sha256Update', final: 'sha256Final' },
} as const

/** A digest that is fed piece by piece. Between calls its state is here, not in the arena. */
export class Hasher {
  readonly #kind: (typeof KINDS)[keyof typeof KINDS]
  readonly #state: Uint8Array

  constructor(name: keyof typeof KINDS) {
    this.#kind = KINDS[name]
    this.#state = new Uint8Array(this.#kind.state)
    this.#with((e, state) => e.core[this.#kind.init](state))
  }

  update(data: Uint8Array): this {
    this.#with((e, state) => inSlices(e, data, (src, size) => e.core[this.#kind.update](state, src, size)))
    return this
  }

  /** The digest of all that came; the hasher then starts anew. */
  digest(): Uint8Array {
    const { size, init, final } = this.#kind
    return this.#with((e, state) => {
      e.core[final](state, state)
      const digest = e.bytes().slice(state, state + size)
      e.core[init](state)
      return digest
    })
  }

  #with<T>(work: (e: Engine, state: number) => T): T {
    const e = engine()
    return e.scope(() => {
      const state = e.put(this.#state)
      const result = work(e, state)
      this.#state.set(e.bytes().subarray(state, state + this.#state.length))
      return result
    })
  }
}

/** The 16 bytes of MD5, RFC 1321. */
export function md5(data: Uint8Array): Uint8Array {
  return new Hasher('md5').update(data).digest()
}

/** The 32 bytes of SHA-256, FIPS 180-4. */
export function sha256(data: Uint8Array): Uint8Array {
  return new Hasher('sha256').update(data).digest()
}

/** CRC-32 (gzip, zip, Parquet pages) as an unsigned number; `before` is that of the data before `data`. */
export function crc32(data: Uint8Array, before = 0): number {
  return checksum('crc32', data, before)
}

/** CRC-32C (Castagnoli) as an unsigned number; `before` is that of the data before `data`. */
export function crc32c(data: Uint8Array, before = 0): number {
  return checksum('crc32c', data, before)
}

function checksum(kernel: 'crc32' | 'crc32c', data: Uint8Array, before: number): number {
  const e = engine()
  let crc = before
  e.scope(() =>
    inSlices(e, data, (src, size) => {
      crc = e.core[kernel](crc, src, size)
    }),
  )
  return crc >>> 0
}

function inSlices(e: Engine, data: Uint8Array, work: (src: number, size: number) => void): void {
  const src = e.reserve(Math.min(SLICE, data.length))
  for (let from = 0; from < data.length; from += SLICE) {
    const slice = data.subarray(from, from + SLICE)
    e.bytes().set(slice, src)
    work(src, slice.length)
  }
}

// Compression as the runtime has it: node:zlib in Node, Deno, Bun and Lambda, CompressionStream in
// browsers. Nothing is imported: getBuiltinModule is there from Node 20.16 on, and bundlers do not see it.

import { concat } from '../bytes.js'
import { MillraceError } from '../errors.js'

/** Compresses whole buffers. What it gives is the caller's own. */
export type Compress = (bytes: Uint8Array, level?: number) => Uint8Array | Promise<Uint8Array>

interface Zlib {
  gunzipSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array
  gzipSync(bytes: Uint8Array, options: object): Uint8Array
  zstdCompressSync?(bytes: Uint8Array, options: object): Uint8Array
  constants: Record<string, number>
}

function zlib(): Zlib | undefined {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function') return undefined
  return process.getBuiltinModule('node:zlib') as Zlib | undefined
}

// Node's results may share a pool or lie in a chunk of 16 KiB and more; pages wait in memory, and cross to other threads.
const owned = (bytes: Uint8Array) => new Uint8Array(bytes)

/** gzip (RFC 1952), levels 1 to 9; undefined where the runtime has none. */
export function systemGzip(): { compress: Compress; levels: boolean } | undefined {
  const node = zlib()
  if (node) return { levels: true, compress: (bytes, level) => owned(node.gzipSync(bytes, level === undefined ? {} : { level })) }
  if (typeof CompressionStream === 'undefined') return undefined
  return {
    levels: false,
    async compress(bytes) {
      const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('gzip'))
      return new Uint8Array(await new Response(packed).arrayBuffer())
    },
  }
}

/** gzip, by whatever the runtime has. Throws CONFIG where that is nothing. */
export function neededGzip(): Compress {
  const system = systemGzip()
  if (!system) throw new MillraceError('CONFIG', 'expected a runtime with gzip (node:zlib or CompressionStream), got one without')
  return system.compress
}

/** zstd (RFC 8878), levels 1 to 22; undefined before Node 22.15 and 23.8, and in browsers. */
export function systemZstd(): Compress | undefined {
  const node = zlib()
  const compress = node?.zstdCompressSync
  if (!node || !compress) return undefined
  const { ZSTD_c_compressionLevel } = node.constants
  return (bytes, level) =>
    owned(compress(bytes, { pledgedSrcSize: bytes.length, ...(level === undefined ? {} : { params: { [ZSTD_c_compressionLevel]: level } }) }))
}

/**
 * A whole gzip text unpacked: undefined where that is more than `most` bytes. Throws CORRUPT for what is no gzip
 * or is cut short. A promise where the runtime has streams only.
 */
export function gunzipWhole(bytes: Uint8Array, most: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  const node = zlib()
  if (!node) return byStream(bytes, most)
  try {
    return owned(node.gunzipSync(bytes, { maxOutputLength: Math.max(most, 1) }))
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw corrupt(cause)
  }
}

async function byStream(bytes: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  const pieces: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return concat(pieces)
      size += value.length
      if (size > most) return undefined
      pieces.push(value)
    }
  } catch (cause) {
    throw corrupt(cause)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

const corrupt = (cause: unknown) => new MillraceError('CORRUPT', `expected gzip, got other data (${(cause as Error).message})`, { cause })

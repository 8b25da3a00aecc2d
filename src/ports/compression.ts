// Compression as the runtime has it: node:zlib in Node, Deno, Bun and Lambda, CompressionStream in
// browsers. Nothing is imported: getBuiltinModule is there from Node 20.16 on, and bundlers do not see it.

/** Compresses whole buffers. What it gives is the caller's own. */
export type Compress = (bytes: Uint8Array, level?: number) => Uint8Array | Promise<Uint8Array>

interface Zlib {
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

/** zstd (RFC 8878), levels 1 to 22; undefined before Node 22.15 and 23.8, and in browsers. */
export function systemZstd(): Compress | undefined {
  const node = zlib()
  const compress = node?.zstdCompressSync
  if (!node || !compress) return undefined
  const { ZSTD_c_compressionLevel } = node.constants
  return (bytes, level) =>
    owned(compress(bytes, { pledgedSrcSize: bytes.length, ...(level === undefined ? {} : { params: { [ZSTD_c_compressionLevel]: level } }) }))
}

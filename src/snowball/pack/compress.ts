// Chunks compressed on their way to a sink.
import { concat } from '../../bytes.js'
import { checkWhole, outOfRange } from '../../errors.js'
import { type CompressStream, gzipLevels, gzipStream, zstdStream } from '../../ports/compress-stream.js'
import type { Compression } from '../manifest/manifest.js'

export interface CompressionOptions {
  kind: Compression
  level?: number | undefined
}

/** Behind the name of a chunk. */
export const SUFFIX: Readonly<Record<Compression, string>> = { gzip: '.gz', zstd: '.zst' }

export interface Compressor {
  /** Takes `data` until it resolves; gives what has come out meanwhile, of earlier data mostly. */
  push(data: Uint8Array): Promise<Uint8Array | undefined>
  /** The rest. */
  end(): Promise<Uint8Array>
  /** For one that is not ended: lets go of its memory. */
  discard(): void
}

/** Levels end where decoders begin to refuse: zstd from 20 on has windows of 32 MiB and more, MinIO takes 16, zstd itself 128. */
const LEVELS: Readonly<Record<Compression, number>> = { gzip: 9, zstd: 19 }
const ZSTD_LEVEL = 3
/** Of a gzip header (RFC 1952): the system that it was made on, here 255, unknown. zlib names the one it runs on. */
const OS_AT = 9
const OS_UNKNOWN = 255

/** Throws RangeError or TypeError for a compression or a level that there is not. */
export function checkCompression(kind: unknown, level: unknown): asserts kind is Compression {
  if (typeof kind !== 'string' || !Object.hasOwn(LEVELS, kind)) throw outOfRange('compression', `one of ${Object.keys(LEVELS).join(', ')}`, kind)
  if (level === undefined) return
  checkWhole('compressionLevel', level, 1, LEVELS[kind as Compression])
  if (kind === 'gzip' && !gzipLevels()) throw outOfRange('compressionLevel', 'nothing, for the CompressionStream of this runtime has no levels', level)
}

/** What the options say, checked; undefined for none. */
export function checkedCompression(kind: 'none' | Compression | undefined, level: number | undefined): CompressionOptions | undefined {
  if (kind === undefined || kind === 'none') {
    if (level !== undefined) throw outOfRange('compressionLevel', 'nothing without compression', level)
    return undefined
  }
  checkCompression(kind, level)
  return { kind, level }
}

/**
 * What `bytes` may at most come to. Noise is stored: deflate adds 5 bytes each 16 KiB or more of it, zstd 3 each 128 KiB;
 * then there are headers, of each frame of 2 MiB where zstd-codec makes them.
 */
export const compressedBound = (bytes: number): number => bytes + Math.ceil(bytes / 256) + 64

/** Bytes whose compressedBound() is not over `bytes`. */
export const uncompressedBound = (bytes: number): number => Math.floor(((bytes - 65) * 256) / 257)

/**
 * A stream in bounded memory, of `level` (gzip 1 to 9, default 6; zstd 1 to 19, default 3). Equal data gives equal bytes
 * with the same runtime, however it is cut into pieces; another version of zlib or zstd may choose others.
 * Rejects with CONFIG or MISSING_PEER where the runtime has no such compression.
 */
export async function createCompressor(kind: Compression, level?: number): Promise<Compressor> {
  checkCompression(kind, level)
  const stream = kind === 'gzip' ? gzipStream(level) : await zstdStream(level ?? ZSTD_LEVEL)
  return inBlocks(stream, kind === 'gzip' ? anonymous() : (bytes) => bytes)
}

/**
 * What an encoder makes of its input depends on the pieces that it comes in, so all of these are of one size. Two
 * blocks: one fills while the other is compressed, by another thread where the stream is of node:zlib.
 */
function inBlocks(stream: CompressStream, seen: (bytes: Uint8Array) => Uint8Array): Compressor {
  let block = new Uint8Array(stream.block)
  let spare = new Uint8Array(stream.block)
  let filled = 0
  let pending = Promise.resolve()
  const flush = async () => {
    await pending
    pending = stream.write(block.subarray(0, filled))
    // seen by whoever awaits it next; until then it is not unhandled
    pending.catch(() => {})
    ;[block, spare] = [spare, block]
    filled = 0
  }
  return {
    async push(data) {
      for (let at = 0; at < data.length; ) {
        const piece = data.subarray(at, at + block.length - filled)
        block.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled === block.length) await flush()
      }
      const out = stream.take()
      return out.length === 0 ? undefined : seen(concat(out))
    },
    async end() {
      if (filled > 0) await flush()
      await pending
      await stream.end()
      return seen(concat(stream.take()))
    },
    discard: () => stream.destroy(),
  }
}

/** Makes a gzip header the same on every system. */
function anonymous(): (bytes: Uint8Array) => Uint8Array {
  let passed = 0
  return (bytes) => {
    const at = OS_AT - passed
    if (at >= 0 && at < bytes.length) bytes[at] = OS_UNKNOWN
    passed += bytes.length
    return bytes
  }
}

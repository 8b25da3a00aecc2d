// Compression as bytes come: node:zlib in Node, Deno, Bun and Lambda; in browsers CompressionStream for gzip; the
// peer zstd-codec where the runtime has no zstd.
import { MillraceError, outOfRange } from '../errors.js'
import { loadZstdPeer, ZSTD_PEER_BYTES, ZSTD_PEER_LEVELS, zstdCompress, zstdOpener } from './zstd-peer.js'

export interface CompressStream {
  /** What write() should be given at once. */
  readonly block: number
  /** Takes all of `block`, which must stay as it is until this resolves. */
  write(block: Uint8Array): Promise<void>
  /** No more comes; resolves when all that went in has come out. */
  end(): Promise<void>
  /** What has come out since the last call. */
  take(): Uint8Array[]
  /** Lets go of what the stream holds; after end() there is no need. */
  destroy(): void
}

// Of 16 KiB, Node's own choice, each piece costs as much again as its compression.
const BLOCK = 256 * 1024

interface ZlibStream {
  on(event: 'data', take: (piece: Uint8Array) => void): void
  on(event: 'error', told: (error: Error) => void): void
  on(event: 'end', told: () => void): void
  write(block: Uint8Array, done: (error?: Error | null) => void): void
  end(): void
  destroy(): void
}

/** As much of node:zlib as is needed. */
interface Zlib {
  createGzip(options: object): ZlibStream
  createZstdCompress?(options: object): ZlibStream
  constants: Record<string, number>
}

const zlib = () => (typeof process === 'undefined' ? undefined : (process.getBuiltinModule?.('node:zlib') as Zlib | undefined))

/** gzip (RFC 1952), of `level` 1 to 9 where the runtime has levels (`gzipLevels`). Throws CONFIG where the runtime has no gzip. */
export function gzipStream(level: number | undefined): CompressStream {
  const node = zlib()
  if (node) return byZlib(node.createGzip({ chunkSize: BLOCK, ...(level === undefined ? {} : { level }) }))
  if (typeof CompressionStream === 'undefined')
    throw new MillraceError('CONFIG', 'expected a runtime with gzip (node:zlib or CompressionStream), got one without')
  return byCompressionStream()
}

export const gzipLevels = (): boolean => zlib() !== undefined

/**
 * zstd (RFC 8878), of `level` 1 to 19, in one frame with a checksum; by zstd-codec, of level 1 to 9, in frames of 2 MiB each,
 * which is the most that it can do without holding all. Rejects with MISSING_PEER where there is neither, with RangeError
 * for a level that there is not.
 */
export async function zstdStream(level: number): Promise<CompressStream> {
  const node = zlib()
  if (node?.createZstdCompress) {
    const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = node.constants
    return byZlib(node.createZstdCompress({ chunkSize: BLOCK, params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 } }))
  }
  const zstd = await zstdOpener(await loadZstdPeer())()
  if (level > ZSTD_PEER_LEVELS) throw outOfRange('compressionLevel', `at most ${ZSTD_PEER_LEVELS} for zstd-codec, which has a heap of 16 MiB`, level)
  let out: Uint8Array[] = []
  let frames = 0
  const write = async (block: Uint8Array) => {
    out.push(zstdCompress(zstd, block, level))
    frames++
  }
  return {
    block: ZSTD_PEER_BYTES,
    write,
    end: async () => {
      if (frames === 0) await write(new Uint8Array(0))
    },
    take: () => out.splice(0),
    destroy() {
      out = []
    },
  }
}

function byZlib(stream: ZlibStream): CompressStream {
  const out: Uint8Array[] = []
  let told: { failure: Error } | undefined
  // not as Buffers, whose slice() is no copy
  stream.on('data', ({ buffer, byteOffset, length }) => out.push(new Uint8Array(buffer, byteOffset, length)))
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('end', resolve)
    stream.on('error', (failure) => {
      told = { failure }
      reject(failure)
    })
  })
  ended.catch(() => {})
  return {
    block: BLOCK,
    write: (block) =>
      new Promise((resolve, reject) => {
        if (told) reject(told.failure)
        else stream.write(block, (error) => (error ? reject(error) : resolve()))
      }),
    end() {
      stream.end()
      return ended
    },
    take: () => out.splice(0),
    destroy: () => stream.destroy(),
  }
}

function byCompressionStream(): CompressStream {
  const stream = new CompressionStream('gzip')
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  const out: Uint8Array[] = []
  const read = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      out.push(value)
    }
  })()
  read.catch(() => {})
  return {
    block: BLOCK,
    write: (block) => writer.write(block as Uint8Array<ArrayBuffer>),
    async end() {
      await writer.close()
      await read
    },
    take: () => out.splice(0),
    destroy: () => void writer.abort().catch(() => {}),
  }
}

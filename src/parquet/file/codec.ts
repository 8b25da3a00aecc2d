// Who compresses the pages: the core (Snappy, LZ4), the runtime (gzip, zstd) or a codec of the caller's.
import { checkWhole, MillraceError, outOfRange, wrongType } from '../../errors.js'
import { systemGzip, systemZstd } from '../../ports/compression.js'
import { ZSTD_PEER_LEVELS, type ZstdBinding, type ZstdCodecModule, zstdCompress, zstdOpener } from '../../ports/zstd-peer.js'

export type { ZstdCodecModule }

/** A codec from outside. */
export interface ParquetCodec {
  /** As the format has it: gzip, brotli, zstd, lz4_raw (blocks without a frame) or snappy (raw, without a frame). */
  name: 'gzip' | 'brotli' | 'zstd' | 'lz4_raw' | 'snappy'
  /**
   * Gives `bytes` compressed; neither changes afterwards. `level` is `compressionLevel` as the writer
   * was given it.
   */
  compress(bytes: Uint8Array, level?: number): Uint8Array | Promise<Uint8Array>
}

/**
 * How pages are compressed. snappy, none and lz4_raw are millrace's own; gzip is the runtime's; zstd is
 * the runtime's where it has one (Node from 22.15 or 23.8, Deno, Bun), elsewhere a codec must be given.
 * lz4_raw is read by Spark from 3.5 on, DuckDB and Arrow, not by Athena.
 */
export type Compression = 'snappy' | 'none' | 'gzip' | 'zstd' | 'lz4_raw' | ParquetCodec

/** CompressionCodec (parquet.thrift). */
const CODES = { none: 0, snappy: 1, gzip: 2, brotli: 4, zstd: 6, lz4_raw: 7 } as const

export interface Codec {
  name: keyof typeof CODES
  code: number
  /** What the core does to pages. */
  core: 'none' | 'snappy' | 'lz4'
  /** What the host then does; undefined where nothing. */
  compress: ((bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>) | undefined
}

const NAMES = ['snappy', 'none', 'gzip', 'zstd', 'lz4_raw']
const GZIP_MAGIC = [0x1f, 0x8b]
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd]

/**
 * The codec that `compression` names. Throws TypeError or RangeError for what is none and for a level
 * that it has not, MISSING_PEER where this runtime lacks it.
 */
export function resolveCodec(compression: unknown = 'snappy', level?: unknown, label = 'options'): Codec {
  if (typeof compression === 'object' && compression !== null) return injected(compression as ParquetCodec, level, label)
  switch (compression) {
    case 'none':
    case 'snappy':
    case 'lz4_raw':
      if (level !== undefined) throw outOfRange(`${label}.compressionLevel`, `nothing, for ${compression} has no levels`, level)
      return { name: compression, code: CODES[compression], core: compression === 'lz4_raw' ? 'lz4' : compression, compress: undefined }
    case 'gzip': {
      const gzip = systemGzip()
      if (!gzip) throw missing('gzip', 'a codec {name: "gzip", compress(bytes)}')
      if (level !== undefined && !gzip.levels)
        throw outOfRange(`${label}.compressionLevel`, 'nothing, for the CompressionStream of this runtime has no levels', level)
      return hosted('gzip', gzip.compress, levelOf(level, 9, label))
    }
    case 'zstd': {
      const zstd = systemZstd()
      if (!zstd) throw missing('zstd', 'zstdCodec(await import("zstd-codec")), or any {name: "zstd", compress(bytes, level)}')
      return hosted('zstd', zstd, levelOf(level, 22, label))
    }
  }
  throw outOfRange(`${label}.compression`, `${NAMES.join(', ')} or a codec {name, compress}`, compression)
}

function injected(codec: ParquetCodec, level: unknown, label: string): Codec {
  const names = Object.keys(CODES).filter((name) => name !== 'none')
  if (!names.includes(codec.name)) throw outOfRange(`${label}.compression.name`, `one of ${names.join(', ')}`, codec.name)
  if (typeof codec.compress !== 'function') throw wrongType(`${label}.compression.compress`, 'a function', codec.compress)
  if (level !== undefined && (typeof level !== 'number' || !Number.isInteger(level))) throw wrongType(`${label}.compressionLevel`, 'a whole number', level)
  return hosted(codec.name, (bytes, wanted) => codec.compress(bytes, wanted), level as number | undefined)
}

function levelOf(level: unknown, most: number, label: string): number | undefined {
  if (level === undefined) return undefined
  checkWhole(`${label}.compressionLevel`, level, 1, most)
  return level
}

function missing(name: string, instead: string): MillraceError {
  return new MillraceError('MISSING_PEER', `this runtime has no ${name} (Node has zstd from 22.15 and 23.8 on): give compression ${instead}`)
}

function hosted(name: ParquetCodec['name'], compress: ParquetCodec['compress'], level: number | undefined): Codec {
  const checked = (packed: Uint8Array) => own(name, packed)
  return {
    name,
    code: CODES[name],
    core: 'none',
    compress(bytes) {
      const packed = compress(bytes, level)
      const later = typeof (packed as Partial<Promise<Uint8Array>> | null)?.then === 'function'
      return later ? Promise.resolve(packed).then(checked) : checked(packed as Uint8Array)
    },
  }
}

/**
 * Codecs in WebAssembly answer failure with null, or with a view of their memory that the next call
 * overwrites; others write a frame of another format. All of it would be a file that nobody can read.
 */
function own(name: ParquetCodec['name'], packed: Uint8Array): Uint8Array {
  const label = `${name} codec's result`
  if (!(packed instanceof Uint8Array)) throw wrongType(label, 'a Uint8Array', packed)
  const magic = name === 'gzip' ? GZIP_MAGIC : name === 'zstd' ? ZSTD_MAGIC : []
  if (packed.length === 0 || magic.some((byte, i) => packed[i] !== byte)) throw new MillraceError('CORRUPT', `the ${name} codec gave what is no ${name}`)
  return packed.length === packed.buffer.byteLength && packed.constructor === Uint8Array ? packed : new Uint8Array(packed)
}

/**
 * The npm package zstd-codec as a codec, for runtimes that have no zstd: `zstdCodec(await
 * import('zstd-codec'))`. Its heap is 16 MiB and does not grow, so levels end at 9 (default 3), and
 * pages of more than 2 MiB go through its stream in pieces. A failure rejects with OUT_OF_MEMORY;
 * the package itself gives null, or prints OOM and throws. It has no types: `declare module 'zstd-codec'`.
 */
export function zstdCodec(module: ZstdCodecModule | { ZstdCodec: ZstdCodecModule }): ParquetCodec {
  const open = zstdOpener(module)
  let ready: { zstd: ZstdBinding } | undefined
  let loading: Promise<ZstdBinding> | undefined
  const load = () => {
    loading ??= open()
    return loading.then((zstd) => {
      ready = { zstd }
      return zstd
    })
  }
  return {
    name: 'zstd',
    compress(bytes, level = 3) {
      checkWhole('options.compressionLevel', level, 1, ZSTD_PEER_LEVELS)
      return ready ? zstdCompress(ready.zstd, bytes, level) : load().then((zstd) => zstdCompress(zstd, bytes, level))
    },
  }
}

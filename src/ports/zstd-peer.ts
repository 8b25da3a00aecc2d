// The user's own zstd-codec, for a runtime that has no zstd.
import { kindOf, MillraceError, wrongType } from '../errors.js'
import { missingPeer } from './peer.js'
import type { Transform } from './through.js'

/** As much of the package zstd-codec as is used; it has no types of its own. */
export interface ZstdCodecModule {
  run(callback: (zstd: ZstdBinding) => void): void
}

export interface ZstdBinding {
  Simple: new () => { compress(bytes: Uint8Array, level?: number): Uint8Array | null | undefined }
  Streaming: new () => { compressChunks(chunks: Iterable<Uint8Array>, sizeHint: number | undefined, level?: number): Uint8Array | null | undefined }
}

// by names of type string: the package has no types, and where somebody declares them that is no error
const PACKAGE: string = 'zstd-codec'
const STREAMS: string = 'zstd-codec/lib/zstd-stream.js'

/** What `Simple` takes on the package's heap of 16 MiB up to level 9; at level 3 it fails at 6 MiB, at level 9 at 3 MiB. */
export const ZSTD_PEER_BYTES = 2 * 1024 * 1024
export const ZSTD_PEER_LEVELS = 9
const PIECE = 128 * 1024

/** Throws MISSING_PEER where the package is not installed. */
export async function loadZstdPeer(): Promise<object> {
  return (import(PACKAGE) as Promise<object>).catch(missing)
}

export interface ZstdStreams {
  /** `binding`: what it holds of the package's heap. */
  ZstdDecompressTransform: new () => Transform & { binding: { delete(): void } }
}

interface StreamsModule {
  run(use: (streams: ZstdStreams) => void): void
}

/** The package's streams. Throws MISSING_PEER where it is not installed. */
export async function loadZstdStreams(): Promise<ZstdStreams> {
  const module = await (import(STREAMS) as Promise<StreamsModule & { default?: StreamsModule }>).catch(missing)
  return new Promise((resolve) => (module.default ?? module).run(resolve))
}

function missing(cause: unknown): never {
  throw missingPeer(PACKAGE, 'for zstd, which this Node has not (it came with 22.15 and 23.8)', cause)
}

/** What compiles the package, as it is imported from ES modules or CommonJS. Throws TypeError for another. */
export function zstdOpener(module: unknown): () => Promise<ZstdBinding> {
  const parts = module as { ZstdCodec?: ZstdCodecModule; default?: { ZstdCodec?: ZstdCodecModule } } | null | undefined
  const given = parts?.ZstdCodec ?? parts?.default?.ZstdCodec ?? (module as ZstdCodecModule | null | undefined)
  if (typeof given?.run !== 'function') throw wrongType('module', 'the package zstd-codec', module)
  return () => new Promise((resolve) => given.run(resolve))
}

/** One frame. Throws OUT_OF_MEMORY. */
export function zstdCompress({ Simple, Streaming }: ZstdBinding, bytes: Uint8Array, level: number): Uint8Array {
  let cause: unknown
  try {
    const packed =
      bytes.length <= ZSTD_PEER_BYTES ? new Simple().compress(bytes, level) : new Streaming().compressChunks(pieces(bytes), bytes.length >> 2, level)
    if (packed) return packed
    cause = kindOf(packed)
  } catch (error) {
    cause = error
  }
  throw new MillraceError('OUT_OF_MEMORY', `zstd-codec failed on a page of ${bytes.length} bytes at level ${level}; use smaller pages or a lower level`, {
    cause,
  })
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

// The user's own zstd-codec, for a Node that has no zstd.
import { missingPeer } from './peer.js'
import type { Transform } from './through.js'

// by names of type string: the package has no types, and where somebody declares them that is no error
const PACKAGE: string = 'zstd-codec'
const STREAMS: string = 'zstd-codec/lib/zstd-stream.js'

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

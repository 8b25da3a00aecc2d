// The user's own zstd-codec, for a Node that has no zstd.
import { missingPeer } from './peer.js'

/** Throws MISSING_PEER where the package is not installed. */
export async function loadZstdPeer(): Promise<object> {
  // @ts-expect-error the package has no types
  const loaded: Promise<object> = import('zstd-codec')
  return loaded.catch((cause: unknown) => {
    throw missingPeer('zstd-codec', 'for zstd, which this Node has not (it came with 22.15 and 23.8)', cause)
  })
}

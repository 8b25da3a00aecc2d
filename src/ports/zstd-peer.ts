// The user's own zstd-codec, for a Node that has no zstd.
import { missingPeer } from './peer.js'

// by a name of type string: the package has no types, and where somebody declares them that is no error
const PACKAGE: string = 'zstd-codec'

/** Throws MISSING_PEER where the package is not installed. */
export async function loadZstdPeer(): Promise<object> {
  return (import(PACKAGE) as Promise<object>).catch((cause: unknown) => {
    throw missingPeer(PACKAGE, 'for zstd, which this Node has not (it came with 22.15 and 23.8)', cause)
  })
}

// SHA-256 of OpenSSL: 1.8 GB/s where the processor has the SHA instructions, which Wasm cannot reach.
import { createHash, hash } from 'node:crypto'
import type { Sha256 } from './ports.js'

export const nodeSha256: Sha256 = Object.assign(
  () => {
    const running = createHash('sha256')
    return { update: (data: Uint8Array) => void running.update(data), digest: (): Uint8Array => running.digest() }
  },
  // for a file of 1 KB 1.6 times as fast as by an object of its own
  { of: (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer') },
)

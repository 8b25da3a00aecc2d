// SHA-256 as the ports have it or as the core does, and its text.
import { Hasher as CoreHasher } from '../engine/digest.js'
import type { Hasher, Sha256 } from '../ports/ports.js'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** SHA-256 for ports that bring none. */
export const coreSha256 = (): Hasher => new CoreHasher('sha256')

/** SHA-256 of a whole message. */
export const hashOf = (sha256: Sha256): ((data: Uint8Array) => Uint8Array) =>
  sha256.of ??
  ((data) => {
    const hash = sha256()
    hash.update(data)
    return hash.digest()
  })

/** CRC-32C as manifests have it. */
export const crcText = (crc: number) => crc.toString(16).padStart(8, '0')

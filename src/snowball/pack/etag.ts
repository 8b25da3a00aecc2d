// The ETag that S3 gives an object: MD5 of the whole, or of the MD5s of its parts with their number.
import { Hasher, md5 } from '../../engine/digest.js'
import { hex } from '../digest.js'
import { partsOf } from '../parts.js'

export interface EtagHash {
  update(data: Uint8Array): void
  digest(): { etag: string; partBytes: number }
}

/** `bound`: bytes at most, of which the parts are made. */
export function createEtagHash(bound: number): EtagHash {
  const partBytes = partsOf(bound)?.partBytes ?? Number.MAX_SAFE_INTEGER
  const part = new Hasher('md5')
  const digests: number[] = []
  let filled = 0
  let size = 0
  const close = () => {
    digests.push(...part.digest())
    filled = 0
  }
  return {
    update(data) {
      size += data.length
      for (let at = 0; at < data.length; ) {
        const piece = data.subarray(at, at + partBytes - filled)
        part.update(piece)
        filled += piece.length
        at += piece.length
        if (filled === partBytes) close()
      }
    },
    digest() {
      // an upload in one PUT is one MD5, however the parts were planned
      if (partsOf(size)?.parts === 0) return { etag: hex(part.digest()), partBytes: 0 }
      if (filled > 0) close()
      return { etag: `${hex(md5(Uint8Array.from(digests)))}-${digests.length / 16}`, partBytes }
    },
  }
}

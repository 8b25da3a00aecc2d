// A file on this machine as an object beside the chunks: the manifest, at the end.
import type { Hasher, Storage } from '../../ports/ports.js'
import { coreSha256, hex } from '../digest.js'
import { createEtagHash } from '../pack/etag.js'
import type { ChunkStore, Digest } from '../pack/store.js'
import { readFully } from '../read.js'

const PIECE = 1 << 20

/** Stores the file at `path`, which nobody changes meanwhile, as the object `key`. Rejects as the storage and the store do; then there is no object. */
export async function putFile(store: ChunkStore, ports: { storage: Storage; sha256?: () => Hasher }, path: string, key: string): Promise<Digest> {
  const file = await ports.storage.open(path)
  try {
    const { size } = await file.stat()
    const hash = (ports.sha256 ?? coreSha256)()
    const etag = createEtagHash(size)
    const sink = await store.create(key, { bound: size, object: true })
    try {
      const piece = new Uint8Array(PIECE)
      for (let at = 0; at < size; ) {
        const part = piece.subarray(0, Math.min(PIECE, size - at))
        await readFully(file, part, at)
        hash.update(part)
        etag.update(part)
        await sink.write(part)
        at += part.length
      }
      const digest = { bytes: size, sha256: hex(hash.digest()), ...etag.digest() }
      await sink.finish(digest)
      return digest
    } catch (error) {
      await sink.discard()
      throw error
    }
  } finally {
    await file.close()
  }
}

// A file on this machine as an object beside the chunks: the manifest, at the end.
import { createEngine } from '../../engine/engine.js'
import type { Sha256, Storage } from '../../ports/ports.js'
import { coreSha256 } from '../digest.js'
import { readFully } from '../read.js'
import type { ChunkStore, Digest } from '../store/store.js'
import { openOutput } from './output.js'

const PIECE = 1 << 20

/** Stores the file at `path`, which nobody changes meanwhile, as the object `key`. Rejects as the storage and the store do; then there is no object. */
export async function putFile(store: ChunkStore, ports: { storage: Storage; sha256?: Sha256 }, path: string, key: string): Promise<Digest> {
  const file = await ports.storage.open(path)
  const engine = createEngine()
  try {
    const { size } = await file.stat()
    const output = await openOutput(store, key, { bound: size, object: true }, engine, ports.sha256 ?? coreSha256)
    try {
      const piece = new Uint8Array(PIECE)
      for (let at = 0; at < size; at += PIECE) {
        const part = piece.subarray(0, Math.min(PIECE, size - at))
        await readFully(file, part, at)
        await output.write(part)
      }
      return await output.finish()
    } finally {
      await output.discard()
    }
  } finally {
    engine.release()
    await file.close()
  }
}

// A chunk on its way to a store: the archive, compressed where that is wanted, hashed as it is stored.
import { createEngine } from '../../engine/engine.js'
import type { Sha256 } from '../../ports/ports.js'
import type { Compression } from '../manifest/manifest.js'
import type { ChunkStore, Digest } from '../store/store.js'
import { type Archive, createArchive } from './archive.js'
import { type CompressionOptions, type Compressor, compressedBound, createCompressor } from './compress.js'
import { type Output, openOutput } from './output.js'

export interface OpenChunk {
  archive: Archive
  /** Ends the archive. Gives what is told of the chunk as it is stored, in the manifest's order. */
  finish(): Promise<Digest & { compression?: Compression }>
  /** Hands back the memory; of one that is not finished nothing stays. Never rejects. */
  close(reason?: unknown): Promise<void>
}

/** Begins `name`, an archive of at most `bound` bytes. Rejects with what the store does, or the compression. */
export async function openChunk(
  store: Pick<ChunkStore, 'create'>,
  name: string,
  bound: number,
  { sha256, smallBytes, compression }: { sha256: Sha256; smallBytes: number; compression: CompressionOptions | undefined },
): Promise<OpenChunk> {
  const most = compression ? compressedBound(bound) : bound
  const engine = createEngine()
  let output: Output | undefined
  let compressor: Compressor | undefined
  const close = async (reason?: unknown) => {
    compressor?.discard()
    await output?.discard(reason)
    engine.release()
  }
  try {
    const stored = await openOutput(store, name, { bound: most, object: false }, engine, sha256)
    output = stored
    if (compression) compressor = await createCompressor(compression.kind, compression.level)
    const write = async (data: Uint8Array) => {
      const out = compressor ? await compressor.push(data) : data
      if (out) await stored.write(out)
    }
    const archive = createArchive(engine, write, sha256, smallBytes)
    return {
      archive,
      async finish() {
        await archive.finish()
        if (compressor) await stored.write(await compressor.end())
        return { ...(await stored.finish()), ...(compression && { compression: compression.kind }) }
      },
      close,
    }
  } catch (error) {
    await close(error)
    throw error
  }
}

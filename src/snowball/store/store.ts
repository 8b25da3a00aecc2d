// Where chunks go.
import type { Compression, ManifestChunk, ManifestObject } from '../manifest/manifest.js'

/** What a chunk is once all its bytes have gone to the sink. */
export interface Digest {
  bytes: number
  sha256: string
  etag: string
  /** 0: one PUT. */
  partBytes: number
}

/** A chunk or an object that is being written, in order. */
export interface ChunkSink {
  /** It will be stored by one PUT, whatever its size: then that is what its ETag is made for. */
  readonly whole?: boolean
  /** Pieces of about 1 MiB, or of any size. The caller changes `data` once it has resolved. */
  write(data: Uint8Array): Promise<void>
  /** Reads back what was written, where that is cheap: then nothing is kept to make the ETag of. Gives how many bytes came. */
  read?(target: Uint8Array, at: number): Promise<number>
  /** It appears under its name, whole and as durable as the store can make it; or does once it is published, where the store has that. */
  finish(digest: Digest): Promise<void>
  /** Leaves nothing behind. Never rejects. `reason`: of whom the bytes came from, where that is why. */
  discard(reason?: unknown): Promise<void>
}

/** Each call is to settle some time: packing that fails or is aborted waits for those under way, so that nothing of it goes on behind its back. */
export interface ChunkStore {
  /** Large files go as they are, as objects under their keys, instead of into tars of their own. */
  readonly objects: boolean
  /** Put before all names and keys; counts for how long keys may be. */
  readonly prefix?: string
  /** Throws RangeError for archives that it would keep and not extract. */
  check?(archives: { compression?: Compression | undefined; chunkBytes: number }): void
  /** Clears up what a run that was killed has begun. To be called once, before the first create(). */
  prepare?(): Promise<unknown>
  /**
   * Begins `name`: a chunk's file name, or with `object` a key. `bound`: bytes at most, of which the
   * parts are made. Rejects with IO, and so do the sink's calls.
   */
  create(name: string, options: { bound: number; object: boolean }): Promise<ChunkSink>
  /** Gives a chunk its name after finish(), while the next ones are packed. */
  publish?(name: string): Promise<void>
  /** Whether what an earlier run finished is there and still what it was, by its content as far as the store can tell. */
  has(entry: ManifestChunk | ManifestObject): Promise<boolean>
  /** Of an earlier run, and in this one's plan no more. */
  remove(entry: ManifestChunk | ManifestObject): Promise<void>
}

// A store in a bucket of memory, in simulated time, and what to put into it.
import * as commands from '@aws-sdk/client-s3'
import { createEngine } from '../../src/engine/engine.js'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createEtagHash } from '../../src/snowball/etag.js'
import type { ManifestChunk } from '../../src/snowball/manifest/manifest.js'
import type { Profile } from '../../src/snowball/store/profile.js'
import { type S3ChunkStoreOptions, s3ChunkStore } from '../../src/snowball/store/s3-store.js'
import type { ChunkStore, Digest } from '../../src/snowball/store/store.js'
import type { OrphanedUpload } from '../../src/snowball/store/target.js'
import { sha256 } from '../archive/members.js'
import { type FakeBucket, fakeBucket } from './bucket.js'
import { memoryStorage } from './memory.js'

export const MIB = 1 << 20
export const CHUNK = 'chunk-000001.tar'

/** A bucket, a store of it and simulated time. */
export function world(profile: Profile = 's3', options: Partial<S3ChunkStoreOptions> = {}, bucket: FakeBucket = fakeBucket(profile)) {
  const simulation = createSimulation(7)
  const { clock, random, run } = simulation
  const storage = memoryStorage(clock.now)
  const orphans: OrphanedUpload[] = []
  const open = (more: Partial<S3ChunkStoreOptions> = {}) =>
    s3ChunkStore({
      client: bucket.client,
      commands,
      bucket: 'lake',
      prefix: 'in/',
      profile,
      spool: '/spool',
      ports: { clock, random, storage, sha256: nodeSha256 },
      onOrphan: (orphan) => orphans.push(orphan),
      ...options,
      ...more,
    })
  return { bucket, clock, run, storage, orphans, open, store: open() }
}

/** Bytes that no two parts have alike. */
export function bytes(size: number, seed = 1): Uint8Array {
  const data = new Uint8Array(size)
  const words = new Uint32Array(data.buffer, 0, size >> 2)
  let state = seed
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[i] = state
  }
  return data
}

export function digestOf(data: Uint8Array, bound: number, whole = false): Digest {
  const engine = createEngine()
  const etag = createEtagHash(engine, bound, whole)
  etag.update(data)
  const digest = { bytes: data.length, sha256: sha256(data), ...etag.digest() }
  engine.release()
  return digest
}

/** As pack does: pieces, then what they come to; where that fails nothing is left. */
export async function put(store: ChunkStore, name: string, data: Uint8Array, { bound = data.length, object = false, piece = MIB } = {}): Promise<Digest> {
  const sink = await store.create(name, { bound, object })
  try {
    const reused = new Uint8Array(piece)
    for (let at = 0; at < data.length; at += piece) {
      const part = reused.subarray(0, Math.min(piece, data.length - at))
      part.set(data.subarray(at, at + part.length))
      await sink.write(part)
      part.fill(0xee) // the caller's again
    }
    const digest = digestOf(data, bound, sink.whole)
    await sink.finish(digest)
    return digest
  } catch (error) {
    await sink.discard()
    throw error
  }
}

export const entryOf = (digest: Digest, chunk = CHUNK): ManifestChunk => ({ type: 'chunk', chunk, members: 1, plan: '0'.repeat(64), ...digest })
export const count = (bucket: FakeBucket, name: string) => bucket.requests.filter((request) => request.split(' ')[0] === name).length

// One stored chunk, or object, against its lines in the manifest: every byte read and hashed.
import { crc32c } from '../../engine/digest.js'
import { createEngine } from '../../engine/engine.js'
import type { Hasher, Storage } from '../../ports/ports.js'
import { fileSource } from '../../ports/source.js'
import { crcText, hex } from '../digest.js'
import { createPartHash, etagOfParts } from '../etag.js'
import type { ManifestChunk, ManifestMember, ManifestObject } from '../manifest/manifest.js'
import { END, padded } from '../tar.js'
import { openStream } from '../unpack/archive.js'

export interface Checks {
  storage: Pick<Storage, 'open'>
  sha256: () => Hasher
  /** Told of each fault, of a member or of the whole. */
  problem: (message: string, whole?: boolean) => void
  /** Told of each piece of data that was read. */
  read: (bytes: number) => void
  /** Told of each file that is as the manifest says, and of its bytes. */
  good: (size: number) => void
}

/** A tar that goes on beyond its members is read this far: what reads it takes as much at once. */
const AHEAD = 2 << 20

/**
 * Reads the chunk at `path` in step with `next`, which gives its members in order. Rejects where the chunk cannot be read
 * as a tar to its end; then `next` has members left.
 */
export async function compareChunk(path: string, chunk: ManifestChunk, next: () => Promise<ManifestMember | undefined>, checks: Checks): Promise<void> {
  const { storage, sha256, problem, read, good } = checks
  const whole = (message: string) => problem(message, true)
  let end = 0
  const follow = async () => {
    const member = await next()
    if (member) end = Math.max(end, member.offset + padded(member.size))
    return member
  }
  let expected = await follow()
  const stored = createStored(chunk, sha256)
  const { tar, close } = await openStream(stored.watch(fileSource({ storage }, path)), chunk.compression, chunk.chunk, () => end + END.length + AHEAD)
  try {
    let at = 0
    for (let entry = await tar.next(); entry; entry = await tar.next()) {
      const name = JSON.stringify(entry.name)
      if (entry.kind !== 'file') problem(`expected files only, got a ${entry.kind}, ${name}`)
      const hash = sha256()
      let crc = 0
      for (let piece = await tar.read(); piece; piece = await tar.read()) {
        hash.update(piece)
        crc = crc32c(piece, crc)
        read(piece.length)
      }
      const digest = hex(hash.digest())
      if (!expected) problem(`expected ${at} members, got ${name} as well`)
      else if (entry.name !== expected.key) problem(`member ${at}: expected ${JSON.stringify(expected.key)}, got ${name}`)
      else if (entry.size !== expected.size) problem(`${name}: expected ${expected.size} bytes, got ${entry.size}`)
      else if (entry.dataAt !== expected.offset) problem(`${name}: expected its data at byte ${expected.offset}, got ${entry.dataAt}`)
      else if (digest !== expected.sha256) problem(`${name}: expected SHA-256 ${expected.sha256}, got ${digest}`)
      else if (crcText(crc) !== expected.crc32c) problem(`${name}: expected CRC-32C ${expected.crc32c}, got ${crcText(crc)}`)
      else good(entry.size)
      if (expected) at++
      expected &&= await follow()
    }
    for (; expected; expected = await follow()) problem(`expected ${JSON.stringify(expected.key)}, got the end of the archive`)
    stored.compare(whole)
  } finally {
    await close()
    stored.release()
  }
}

/** Reads an object at `path` that is stored as it is. Rejects where it cannot be read. */
export async function compareObject(path: string, object: ManifestObject, { storage, sha256, problem, read, good }: Checks): Promise<void> {
  let right = true
  let crc = 0
  const stored = createStored({ ...object, bytes: object.size }, sha256)
  try {
    for await (const piece of stored.watch(fileSource({ storage }, path))) {
      crc = crc32c(piece, crc)
      read(piece.length)
    }
    stored.compare((message) => {
      right = false
      problem(message)
    })
    if (right && crcText(crc) !== object.crc32c) problem(`expected CRC-32C ${object.crc32c}, got ${crcText(crc)}`)
    else if (right) good(object.size)
  } finally {
    stored.release()
  }
}

// S3's own limit; each takes 16 bytes until the end.
const MOST_PARTS = 10_000

/** Size, SHA-256 and ETag of what is stored, as its bytes come by. */
function createStored(expected: { bytes: number; sha256: string; etag: string; partBytes: number }, sha256: () => Hasher) {
  const { partBytes } = expected
  const hash = sha256()
  const engine = createEngine()
  const count = partBytes === 0 ? 0 : Math.ceil(expected.bytes / partBytes)
  const parts = count > MOST_PARTS ? undefined : createPartHash(engine, expected.bytes, partBytes === 0 ? Number.POSITIVE_INFINITY : partBytes)
  let bytes = 0
  return {
    release: engine.release,
    async *watch(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        hash.update(piece)
        bytes += piece.length
        // of what is longer than it should be the hash is another one anyway
        if (bytes <= expected.bytes) parts?.update(piece)
        yield piece
      }
    },
    compare(problem: (message: string) => void) {
      if (bytes !== expected.bytes) problem(`expected ${expected.bytes} bytes, got ${bytes}`)
      const digest = hex(hash.digest())
      if (digest !== expected.sha256) return problem(`expected SHA-256 ${expected.sha256}, got ${digest}`)
      if (!parts) return problem(`expected an upload in at most ${MOST_PARTS} parts, got one in ${count}`)
      const digests = parts.digests()
      const tag = partBytes === 0 ? hex(digests) : etagOfParts(digests)
      // of equal bytes: the manifest's own line is wrong
      if (tag !== expected.etag) problem(`expected ETag ${expected.etag} in parts of ${expected.partBytes} bytes, got ${tag}`)
    },
  }
}

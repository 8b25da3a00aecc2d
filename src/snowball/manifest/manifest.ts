// manifest.ndjson: what is in which chunk, where, and what is in none. One JSON object a line:
//   {"type":"manifest","version":1}
//   {"type":"chunk","chunk","device"?,"bytes","members","sha256","etag","partBytes","compression"?,"plan"}
//   {"type":"member","chunk","path","key","size","sha256","crc32c","offset"}    of the chunk above, in archive order
//   {"type":"object","device"?,"path","key","size","sha256","crc32c","etag","partBytes","plan"}  a large file, stored as it is
//   {"type":"skipped"|"failed","path","reason","message"}
//   {"type":"end","chunks","members","bytes","skipped","failed"}   without it the manifest is torn
// bytes, sha256, etag: of the chunk as it is stored. etag: as S3 makes it of parts of partBytes (0: one
// PUT, the MD5; see parts.ts). offset: of the member's data in the tar, so that a range of a chunk that
// is not compressed is the file. crc32c: eight hexadecimal digits.
// plan: SHA-256 over name, device, and path, key, size and time of the planned members; equal plans make equal chunks.
import { MillraceError } from '../../errors.js'
import type { FileReader } from '../../ports/ports.js'
import { isChunk } from '../chunk-names.js'
import { type Left, left } from '../left.js'
import { COUNT, matching, parseLine, splitLines, TEXT, type Test } from '../lines.js'

export const MANIFEST = 'manifest.ndjson'
export const VERSION = 1

export interface ManifestChunk {
  type: 'chunk'
  chunk: string
  device?: number
  bytes: number
  members: number
  sha256: string
  etag: string
  partBytes: number
  compression?: Compression
  plan: string
}

export interface ManifestMember {
  type: 'member'
  chunk: string
  path: string
  key: string
  size: number
  sha256: string
  crc32c: string
  offset: number
}

/** A large file that is stored as it is, in no chunk; counts as a member, not as a chunk. */
export interface ManifestObject {
  type: 'object'
  device?: number
  path: string
  key: string
  size: number
  sha256: string
  crc32c: string
  etag: string
  partBytes: number
  plan: string
}

export type Compression = 'gzip' | 'zstd'

export interface ManifestEnd {
  type: 'end'
  chunks: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
  skipped: number
  failed: number
}

export type ManifestLine = { type: 'manifest'; version: number } | ManifestChunk | ManifestMember | ManifestObject | Left | ManifestEnd

/** Why a chunk's name is none in its directory, as a hostile manifest may have it. */
export const chunkFault = (name: string): string | undefined =>
  name === '' || /[/\\]|^\./.test(name) ? `expected a file name for a chunk, got ${JSON.stringify(name)}` : undefined

/** Whether a store of objects has a chunk, its receipt (NAME.sha256) or the manifest under `key`, relative to its prefix: nothing else may go there. */
export const isReserved = (key: string): boolean => key === MANIFEST || isChunk(key.replace(/\.sha256$/, ''))

/** Why a file with such a key is in no chunk. */
export const reserved = (path: string, key: string): Left =>
  left(path, 'key', `expected another key than ${key}, which a chunk or the manifest may have there; give a prefix`)

/** A line of the manifest with the bytes it takes in the file, its newline included. */
export interface Placed {
  line: ManifestLine
  start: number
  end: number
}

const HASH = matching('64 hexadecimal digits', /^[0-9a-f]{64}$/)
const CRC = matching('8 hexadecimal digits', /^[0-9a-f]{8}$/)
const ETAG = matching('32 hexadecimal digits, with "-" and the parts for an upload in parts', /^[0-9a-f]{32}(?:-[1-9]\d{0,4})?$/)
const CODEC = matching('"gzip" or "zstd"', /^(?:gzip|zstd)$/)

const FILE = { path: TEXT, key: TEXT, size: COUNT, sha256: HASH, crc32c: CRC }
const STORED = { etag: ETAG, partBytes: COUNT, plan: HASH }
const FIELDS: Record<ManifestLine['type'], Record<string, Test>> = {
  manifest: { version: COUNT },
  chunk: { chunk: TEXT, bytes: COUNT, members: COUNT, sha256: HASH, ...STORED },
  member: { chunk: TEXT, ...FILE, offset: COUNT },
  object: { ...FILE, ...STORED },
  skipped: { path: TEXT, reason: TEXT, message: TEXT },
  failed: { path: TEXT, reason: TEXT, message: TEXT },
  end: { chunks: COUNT, members: COUNT, bytes: COUNT, skipped: COUNT, failed: COUNT },
}
/** May be absent. */
const OPTIONAL: Record<string, Test> = { device: COUNT, compression: CODEC }

/**
 * The lines of a manifest. Throws CORRUPT with line and byte where one is malformed; with `torn` such
 * lines are passed over instead, as a journal may have them where a run was killed.
 */
export async function* readManifest(file: FileReader, source: string, options: { torn?: boolean } = {}): AsyncGenerator<Placed> {
  const decoder = new TextDecoder('utf-8')
  let record = 0
  for await (const { bytes, start, end, ended } of splitLines(file)) {
    const text = decoder.decode(bytes)
    const line = ended || !options.torn ? parseLine<ManifestLine>(text, FIELDS, OPTIONAL) : 'torn'
    if (typeof line === 'object') {
      yield { line, start, end }
    } else if (!options.torn && text.trim() !== '') {
      throw new MillraceError('CORRUPT', line, { position: { source, record, offset: start } })
    }
    record++
  }
}

// A tar in a file, packed or not, as bytes in order.
import { MillraceError } from '../../errors.js'
import { SNOWBALL_LIMITS } from '../../limits.js'
import { gunzip } from '../../ports/gunzip.js'
import type { FileReader, Storage } from '../../ports/ports.js'
import { fileSource } from '../../ports/source.js'
import { unzstd } from '../../ports/unzstd.js'
import type { Compression } from '../manifest/manifest.js'
import { regular } from '../read.js'
import { openTar, type TarReader } from '../tar.js'

/** How the names of archives end. */
export const ARCHIVE: RegExp = /\.(?:tar|tar\.gz|tgz|tar\.zst)$/

const UNPACK = { gzip: gunzip, zstd: unzstd }

export interface OpenArchive {
  tar: TarReader
  /** Undefined for a plain tar. */
  compression: Compression | undefined
  close(): Promise<void>
}

/**
 * Opens the archive at `path`, by its first bytes: a plain tar, whose data is skipped where nobody reads it, or one in
 * gzip or zstd, of which no more than 100 GB (the most that is extracted) come. `source` names it in errors.
 */
export async function openArchive(storage: Storage, path: string, source: string, window?: number): Promise<OpenArchive> {
  const files = regular(storage)
  const file = await files.open(path)
  let compression: Compression | undefined
  try {
    compression = await compressionOf(file)
    if (!compression) return { tar: await openTar(file, source, { window }), compression, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  const stored = fileSource({ storage: files }, path)
  const { tar, close } = await openStream(stored, compression, source, () => SNOWBALL_LIMITS.archiveBytes.value)
  return { tar, compression, close }
}

/** The bytes of a file, unpacked where it is in gzip or zstd by its first bytes. */
export async function storedText(storage: Storage, path: string): Promise<AsyncGenerator<Uint8Array>> {
  const files = regular(storage)
  const file = await files.open(path)
  const compression = await compressionOf(file).finally(() => file.close())
  const stored = fileSource({ storage: files }, path)
  return compression ? UNPACK[compression](stored, path) : stored
}

/** A tar out of the bytes of its file as they come; more bytes unpacked than `limit` gives at the time are CORRUPT. */
export async function openStream(
  stored: AsyncGenerator<Uint8Array>,
  compression: Compression | undefined,
  source: string,
  limit: () => number,
): Promise<{ tar: TarReader; close(): Promise<void> }> {
  const bytes = compression ? UNPACK[compression](stored, source) : stored
  const file = inOrder(compression ? limited(bytes, source, limit) : bytes)
  return { tar: await openTar(file, source), close: file.close }
}

/** By what a file begins with: a tar begins with a name, and none of ours is like that; a CSV neither. */
async function compressionOf(file: FileReader): Promise<Compression | undefined> {
  const head = new Uint8Array(4)
  let filled = 0
  for (let got = -1; got !== 0 && filled < head.length; filled += got) got = await file.read(head.subarray(filled), filled)
  const [a, b, c, d] = filled < head.length ? [] : head
  if (a === 0x1f && b === 0x8b) return 'gzip'
  const frame = a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd
  return frame || (a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18) ? 'zstd' : undefined
}

async function* limited(bytes: AsyncIterable<Uint8Array>, source: string, limit: () => number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of bytes) {
    size += piece.length
    const most = limit()
    if (size > most) throw new MillraceError('CORRUPT', `expected a tar of at most ${most} bytes, got more`, { position: { source, offset: most } })
    yield piece
  }
}

/** Pieces as a file of unknown size that is read from first to last. */
function inOrder(pieces: AsyncGenerator<Uint8Array>): FileReader {
  let piece: Uint8Array = new Uint8Array(0)
  return {
    stat: async () => ({ kind: 'file', size: Number.POSITIVE_INFINITY, mtime: 0, ctime: 0 }),
    async read(target) {
      while (piece.length === 0) {
        const next = await pieces.next()
        if (next.done) return 0
        piece = next.value
      }
      const part = piece.subarray(0, target.length)
      target.set(part)
      piece = piece.subarray(part.length)
      return part.length
    },
    async close() {
      await pieces.return(undefined)
    },
  }
}

// One chunk: its members read while nobody changes them, headers in batches, every byte hashed once
// for the member and once for the chunk.

import { crc32c } from '../../engine/digest.js'
import { MillraceError } from '../../errors.js'
import type { Hasher } from '../../ports/ports.js'
import { crcText, hex } from '../digest.js'
import { utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import type { ManifestMember } from '../manifest/manifest.js'
import { ARCHIVE_BYTES } from '../plan/options.js'
import type { PlannedChunk, PlannedMember } from '../plan/planned.js'
import { join, readFully, steady, type Tree } from '../read.js'
import { BLOCK, END, headerBound, padded, tarHeaders } from '../tar.js'
import { type ChunkFile, createChunkFile } from './file.js'
import type { Digest } from './store.js'

export interface Packer {
  tree: Tree
  /** Resolved path of the output directory. */
  target: string
  sha256: () => Hasher
  smallBytes: number
  chunkBytes: number
  signal: AbortSignal | undefined
}

export interface PackedChunk {
  /** Absent where no member could be packed. */
  file?: Digest
  members: ManifestMember[]
  left: Left[]
}

// Small files are read this many at a time, the next ones while these are written.
const WINDOW_FILES = 64
const WINDOW_BYTES = 8 << 20
const PIECE = 1 << 20
const PADDING = new Uint8Array(BLOCK)

export function interrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new MillraceError('CLOSED', 'packing was interrupted; the chunks that are finished stay', { cause: signal.reason })
}

/** Writes a planned chunk. `progress` is told the members and bytes so far. */
export async function packChunk(packer: Packer, chunk: PlannedChunk, progress: (members: number, bytes: number) => void): Promise<PackedChunk> {
  const [first] = chunk.members
  const large = chunk.members.length === 1 && first.size > packer.smallBytes
  const packed = await (large ? packLarge(packer, chunk, first, progress) : packSmall(packer, chunk, progress))
  if (packed.file) await packer.tree.storage.syncDirectory(packer.target)
  return packed
}

async function packSmall(packer: Packer, chunk: PlannedChunk, progress: (members: number, bytes: number) => void): Promise<PackedChunk> {
  const { tree, sha256, signal } = packer
  const file = await createChunkFile(tree.storage, join(packer.target, chunk.chunk), chunk.bytes, sha256)
  const members: ManifestMember[] = []
  const left: Left[] = []
  let bytes = 0
  const read = (window: PlannedMember[]) =>
    Promise.all(
      window.map((member) =>
        steady(tree, member.path, packer.smallBytes, async (source, size) => {
          const data = new Uint8Array(size)
          await readFully(source, data, 0)
          return data
        }),
      ),
    )
  try {
    const all = [...windows(chunk.members)]
    let next = read(all[0])
    for (let i = 0; i < all.length; i++) {
      interrupted(signal)
      const results = await next
      if (i + 1 < all.length) next = read(all[i + 1])
      const whole: { key: string; size: number; path: string; data: Uint8Array }[] = []
      // The plan's bound holds for the sizes of its time; what grew since must not break it.
      let room = packer.chunkBytes - file.size - END.length
      for (const [k, data] of results.entries()) {
        const { key, path, size } = all[i][k]
        if (!(data instanceof Uint8Array)) {
          left.push(data)
          continue
        }
        room -= headerBound(utf8Size(key)) + padded(data.length)
        if (room < 0 && data.length > size) left.push(grown(path, data.length))
        else whole.push({ key, size: data.length, path, data })
      }
      const headers = tarHeaders(whole)
      for (const [k, { key, path, data }] of whole.entries()) {
        await file.append(headers.bytes.subarray(headers.starts[k], headers.starts[k + 1]))
        const offset = file.size
        const hash = sha256()
        hash.update(data)
        await file.append(data)
        await file.append(PADDING.subarray(0, padded(data.length) - data.length))
        members.push({ type: 'member', chunk: chunk.chunk, path, key, size: data.length, sha256: hex(hash.digest()), crc32c: crcText(crc32c(data)), offset })
        bytes += data.length
      }
      progress(members.length, bytes)
    }
    if (members.length === 0) {
      await file.discard()
      return { members, left }
    }
    return { file: await file.finish(), members, left }
  } catch (error) {
    await file.discard()
    throw error
  }
}

const grown = (path: string, size: number) => left(path, 'changed', `grew to ${size} bytes since it was planned and does not fit its chunk any more`)

function* windows(members: PlannedMember[]): Generator<PlannedMember[]> {
  let window: PlannedMember[] = []
  let bytes = 0
  for (const member of members) {
    if (window.length === WINDOW_FILES || (bytes + member.size > WINDOW_BYTES && window.length > 0)) {
      yield window
      window = []
      bytes = 0
    }
    window.push(member)
    bytes += member.size
  }
  yield window
}

/** A file on its own, in pieces; each attempt starts the chunk anew. */
async function packLarge(
  packer: Packer,
  { chunk, bytes: bound }: PlannedChunk,
  { key, path }: PlannedMember,
  progress: (members: number, bytes: number) => void,
): Promise<PackedChunk> {
  const { tree, sha256, signal } = packer
  let file: ChunkFile | undefined
  try {
    const limit = ARCHIVE_BYTES - headerBound(utf8Size(key)) - END.length
    const member = await steady(tree, path, limit, async (source, size): Promise<ManifestMember> => {
      await file?.discard()
      file = await createChunkFile(tree.storage, join(packer.target, chunk), Math.max(bound, size + headerBound(utf8Size(key)) + END.length), sha256)
      await file.append(tarHeaders([{ key, size }]).bytes)
      const offset = file.size
      const hash = sha256()
      let crc = 0
      const piece = new Uint8Array(PIECE)
      for (let at = 0; at < size; ) {
        interrupted(signal)
        const part = piece.subarray(0, Math.min(PIECE, size - at))
        await readFully(source, part, at)
        hash.update(part)
        crc = crc32c(part, crc)
        await file.append(part)
        at += part.length
        progress(0, at)
      }
      await file.append(PADDING.subarray(0, padded(size) - size))
      return { type: 'member', chunk, path, key, size, sha256: hex(hash.digest()), crc32c: crcText(crc), offset }
    })
    if (member.type !== 'member') {
      await file?.discard()
      return { members: [], left: [member] }
    }
    return { file: await file!.finish(), members: [member], left: [] }
  } catch (error) {
    await file?.discard()
    throw error
  }
}

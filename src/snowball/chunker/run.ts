// One run of a chunker: files in, chunks out to where they go, one after the other, each file settled once.
import { crc32c } from '../../engine/digest.js'
import { createEngine } from '../../engine/engine.js'
import { MillraceError } from '../../errors.js'
import type { Sha256 } from '../../ports/ports.js'
import { crcText, hashOf, hex } from '../digest.js'
import type { Left } from '../left.js'
import { formatLines } from '../lines.js'
import { type ManifestChunk, type ManifestLine, type ManifestMember, VERSION } from '../manifest/manifest.js'
import type { Archive, Packed } from '../pack/archive.js'
import { type CompressionOptions, SUFFIX } from '../pack/compress.js'
import { openChunk } from '../pack/open-chunk.js'
import { openOutput } from '../pack/output.js'
import type { PackProgress, PackSummary } from '../pack/tally.js'
import { OBJECT_BYTES, takes } from '../plan/fill.js'
import { ARCHIVE_BYTES, type Limits } from '../plan/options.js'
import type { ChunkStore } from '../store/store.js'
import { END } from '../tar.js'
import { type ChunkerFile, exactly, readFailure } from './file.js'
import { createIntake, type Large, opened, type Small } from './intake.js'
import { createSeen } from './seen.js'

/** Where chunks go: a ChunkStore, of which no more is needed. */
export type ChunkTarget = Pick<ChunkStore, 'objects' | 'prefix' | 'check' | 'prepare' | 'create' | 'publish'>

/** `chunk`: the one that is worked on; the files in it so far are counted. */
export type ChunkerProgress = Omit<PackProgress, 'left' | 'planned'>

/** What became of the files. */
export type ChunkerSummary = Omit<PackSummary, 'objects' | 'reused' | 'failures'>

export interface RunOptions {
  limits: Limits
  bufferBytes: number
  sha256: Sha256
  compression: CompressionOptions | undefined
  /** Of chunk `number`, from 1. */
  name(number: number): string
  onLeft(entry: Left): void
  onProgress(progress: ChunkerProgress): void
  /** Takes lines of the manifest as they stand in the file. */
  onManifest(lines: Uint8Array): unknown
  /** Told of a chunk that is whole. */
  onChunk?(line: ManifestChunk, members: ManifestMember[]): void
  /** Throws where the run is to end. */
  check(): void
}

/** Large files that wait until the chunk of small ones at hand is full. */
const WAITING = 1000

/** A file that failed while its data was on its way. */
class Spoiled extends MillraceError {
  readonly left: Left
  constructor(left: Left) {
    super(left.reason === 'changed' ? 'BAD_INPUT' : 'IO', left.message, { position: { source: left.path } })
    this.left = left
  }
}

/**
 * Rejects with what the source, the target, a callback or check() throws; what was under way
 * is then discarded, and the source closed.
 */
export async function run(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>, target: ChunkTarget, options: RunOptions): Promise<ChunkerSummary> {
  const { limits, sha256, compression, check, onChunk } = options
  const { smallBytes, chunkBytes, chunkFiles } = limits
  const hash = hashOf(sha256)
  const most = target.objects ? OBJECT_BYTES : ARCHIVE_BYTES
  const intake = createIntake(files, { limits, bufferBytes: options.bufferBytes, most, objects: target.objects, seen: createSeen(hash) })
  const end = { chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 }
  const by: ChunkerSummary['left'] = {}
  let number = 0

  const tell = (lines: ManifestLine[]) => options.onManifest(formatLines(lines))
  const leave = async (entry: Left) => {
    end[entry.type]++
    by[entry.reason] = (by[entry.reason] ?? 0) + 1
    await tell([entry])
    options.onLeft(entry)
  }
  const progress = (chunk: string, members: number, bytes: number) => {
    check()
    options.onProgress({ chunk, ...end, members: end.members + members, bytes: end.bytes + bytes })
  }

  /** Writes an archive of at most `bound` bytes. */
  async function tar(
    bound: number,
    fill: (archive: Archive, add: (file: Small | Large, packed: Packed) => void, name: string) => Promise<void>,
  ): Promise<void> {
    const chunk = options.name(++number) + (compression ? SUFFIX[compression.kind] : '')
    const open = await openChunk(target, chunk, bound, { sha256, smallBytes, compression })
    try {
      const members: ManifestMember[] = []
      let bytes = 0
      const add = ({ path, key }: Small | Large, packed: Packed) => {
        members.push({ type: 'member', chunk, path, key, ...packed })
        bytes += packed.size
        progress(chunk, members.length, bytes)
      }
      await fill(open.archive, add, chunk)
      const line: ManifestChunk = { type: 'chunk', chunk, members: members.length, ...(await open.finish()), plan: identity(hash, chunk, members) }
      await target.publish?.(chunk)
      end.chunks++
      end.members += members.length
      end.bytes += bytes
      await tell([line, ...members])
      onChunk?.(line, members)
    } catch (error) {
      await open.close(error)
      throw error
    }
    await open.close()
  }

  /** The small files that come next, until the chunk is full. Gives what ended it. */
  async function small(first: Small): Promise<{ next: Small | Large | undefined; waiting: Large[] }> {
    const waiting: Large[] = []
    let next: Small | Large | undefined = first
    await tar(chunkBytes, async (archive, add) => {
      let bytes = END.length
      for (let count = 0; next?.kind === 'small'; next = await following(waiting)) {
        const { key, data } = next
        const needs = takes({ path: '', key, size: data.length, mtime: 0 })
        if (count === chunkFiles || bytes + needs > chunkBytes) break
        const file = next
        await archive.add(
          [{ key, size: data.length }],
          async (_, place) => {
            place(data.length).set(data)
            return data.length
          },
          (_, packed) => add(file, packed as Packed),
        )
        count++
        bytes += needs
      }
    })
    return { next, waiting }
  }

  /** The next file that is not left out; large ones that can wait do, where there is a place for them. */
  async function following(waiting?: Large[]): Promise<Small | Large | undefined> {
    for (;;) {
      check()
      const entry = await intake.next()
      if (entry?.kind === 'left') await leave(entry.left)
      else if (entry?.kind === 'large' && entry.waits && waiting && waiting.length < WAITING) waiting.push(entry)
      else return entry
    }
  }

  /** One file on its own. One that cannot be opened begins no chunk, and one that fails later spoils no other file. */
  async function large(file: Large): Promise<void> {
    const { path, key, size } = file
    const spoil = (error: unknown) => new Spoiled(readFailure(path, error))
    let pieces: AsyncGenerator<Uint8Array> | undefined
    try {
      let first: IteratorResult<Uint8Array>
      try {
        pieces = exactly(await opened(file.data, size), size)
        first = await pieces.next()
      } catch (error) {
        throw spoil(error)
      }
      const data = rest(first, pieces, spoil)
      if (target.objects) await object(file, data)
      else
        await tar(takes({ path, key, size, mtime: 0 }) + END.length, async (archive, add, chunk) =>
          add(file, await archive.stream(key, size, counted(chunk, data))),
        )
    } catch (error) {
      if (!(error instanceof Spoiled)) throw error
      await leave(error.left)
    } finally {
      await pieces?.return(undefined)
    }
  }

  async function* counted(chunk: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const piece of pieces) {
      yield piece
      bytes += piece.length
      progress(chunk, 0, bytes)
    }
  }

  /** To a store of objects a large file goes as it is. */
  async function object({ path, key, size }: Large, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    // as a plan numbers it, which has no names for these
    number++
    const engine = createEngine()
    try {
      const output = await openOutput(target, key, { bound: size, object: true }, engine, sha256)
      try {
        let crc = 0
        for await (const piece of counted(key, pieces)) {
          crc = crc32c(piece, crc)
          await output.write(piece)
        }
        const { bytes: _, ...digest } = await output.finish()
        const plan = identity(hash, key, [{ path, key, size, sha256: digest.sha256 }])
        end.members++
        end.bytes += size
        await tell([{ type: 'object', path, key, size, crc32c: crcText(crc), ...digest, plan }])
      } catch (error) {
        await output.discard(error)
        throw error
      }
    } finally {
      engine.release()
    }
  }

  try {
    await tell([{ type: 'manifest', version: VERSION }])
    for (let next = await following(); next; ) {
      if (next.kind === 'small') {
        const ended: { next: Small | Large | undefined; waiting: Large[] } = await small(next)
        for (const file of ended.waiting) await large(file)
        next = ended.next
      } else {
        await large(next)
        next = await following()
      }
    }
    await tell([{ type: 'end', ...end }])
    return { ...end, left: by }
  } finally {
    await intake.close()
  }
}

/** What stands in a manifest as the plan of a chunk that had none: equal ones have equal bytes. */
function identity(hash: (data: Uint8Array) => Uint8Array, name: string, members: readonly { path: string; key: string; size: number; sha256: string }[]) {
  const text = members.map(({ path, key, size, sha256 }) => `${JSON.stringify([path, key, size, sha256])}\n`)
  return hex(hash(new TextEncoder().encode(`${name}\n${text.join('')}`)))
}

/** `first` and what follows it; what goes wrong is the file's. */
async function* rest(first: IteratorResult<Uint8Array>, pieces: AsyncGenerator<Uint8Array>, spoil: (error: unknown) => Error): AsyncGenerator<Uint8Array> {
  try {
    for (let step = first; !step.done; step = await pieces.next()) yield step.value
  } catch (error) {
    throw spoil(error)
  }
}

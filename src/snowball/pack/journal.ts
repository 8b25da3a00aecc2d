// manifest.ndjson.part: the chunks that are finished, appended one by one, so that a run that was
// killed loses only the chunk it was at. Never rewritten until the manifest itself is in place.
import { MillraceError } from '../../errors.js'
import type { FileWriter, Storage } from '../../ports/ports.js'
import { formatLines } from '../lines.js'
import { MANIFEST, type ManifestChunk, type ManifestEnd, type ManifestObject, readManifest, VERSION } from '../manifest/manifest.js'
import { join } from '../paths.js'

/** A finished chunk or object of an earlier run, and where its lines stand. */
export interface Finished {
  line: ManifestChunk | ManifestObject
  /** Bytes of its members' data. */
  size: number
  file: string
  start: number
  end: number
}

export interface Journal {
  /** By plan hash. */
  readonly finished: ReadonlyMap<string, Finished>
  /** Appends lines whose place in the manifest is `order`; durable once it resolves. */
  append(order: number, lines: Uint8Array): Promise<void>
  /** Takes over the lines of a chunk or object that an earlier run finished. */
  reuse(order: number, chunk: Finished): void
  /** Writes the manifest whole and in order, and removes the journal. */
  finish(end: ManifestEnd): Promise<void>
  close(): Promise<void>
}

/** `sync` false: what it has survives the end of the process, but not one of the machine. */
export async function openJournal(storage: Storage, output: string, sync: boolean): Promise<Journal> {
  const whole = join(output, MANIFEST)
  const part = `${whole}.part`
  const finished = new Map<string, Finished>()
  await index(storage, whole, finished)
  let at = await index(storage, part, finished)
  const file: FileWriter = await storage.create(part, { append: true })
  /** Ranges of files that are the manifest. */
  const ranges: Range[] = []
  // A killed run may have left half a line; a newline makes it one of its own, which readers pass over.
  if (at > 0) {
    try {
      await file.write(new Uint8Array([10]))
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
    at++
  }
  // Two runs into one output take each other's chunks away; of the two none may say that all is well.
  const alone = async () => {
    const { size } = await storage.stat(part)
    if (size !== at) throw new MillraceError('IO', `expected ${at} bytes, found ${size}: another run packs into this directory`, { position: { source: part } })
  }
  const write = async (order: number, lines: Uint8Array) => {
    await alone()
    await file.write(lines)
    if (sync) await file.sync()
    ranges.push({ order, file: part, start: at, end: at + lines.length })
    at += lines.length
  }
  // several chunks are finished at the same time, and their lines stay together
  let last: Promise<void> = Promise.resolve()
  return {
    finished,
    append(order, lines) {
      last = last.then(() => write(order, lines))
      return last
    },
    reuse: (order, { file, start, end }) => void ranges.push({ order, file, start, end }),
    async finish(end) {
      await file.close()
      await alone()
      const temporary = `${whole}.tmp`
      const target = await storage.create(temporary)
      try {
        await target.write(formatLines([{ type: 'manifest', version: VERSION }]))
        ranges.sort((a, b) => a.order - b.order)
        for (const range of ranges) await copy(storage, range, target)
        await target.write(formatLines([end]))
        if (sync) await target.sync()
      } finally {
        await target.close()
      }
      await storage.rename(temporary, whole)
      if (sync) await storage.syncDirectory(output)
      await storage.remove(part)
    },
    close: () => file.close(),
  }
}

interface Range {
  order: number
  file: string
  start: number
  end: number
}

/** Finds the blocks of a chunk line and all its members; gives the file's size, 0 where there is none. */
async function index(storage: Storage, path: string, finished: Map<string, Finished>): Promise<number> {
  const file = await storage.open(path).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return undefined
    throw new MillraceError('IO', `cannot read: ${(error as Error).message}`, { position: { source: path }, cause: error })
  })
  if (!file) return 0
  try {
    let open: { line: ManifestChunk; start: number; missing: number; at: number; size: number } | undefined
    for await (const { line, start, end } of readManifest(file, path, { torn: true })) {
      if (line.type === 'object') finished.set(line.plan, { line, size: line.size, file: path, start, end })
      if (line.type === 'chunk') open = { line, start, missing: line.members, at: end, size: 0 }
      else if (open && line.type === 'member' && line.chunk === open.line.chunk && start === open.at) {
        open.missing--
        open.size += line.size
        open.at = end
      } else open = undefined
      if (open?.missing === 0) {
        finished.set(open.line.plan, { line: open.line, size: open.size, file: path, start: open.start, end })
        open = undefined
      }
    }
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function copy(storage: Storage, range: Range, target: FileWriter): Promise<void> {
  const file = await storage.open(range.file)
  try {
    const piece = new Uint8Array(1 << 16)
    for (let at = range.start; at < range.end; ) {
      const got = await file.read(piece.subarray(0, Math.min(piece.length, range.end - at)), at)
      if (got === 0)
        throw new MillraceError('CORRUPT', 'expected the lines of a finished chunk, got the end of the file', { position: { source: range.file, offset: at } })
      await target.write(piece.subarray(0, got))
      at += got
    }
  } finally {
    await file.close()
  }
}

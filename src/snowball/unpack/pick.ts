// Single members by what the manifest says of them: their bytes are read where they lie, nothing before them.
import { MillraceError } from '../../errors.js'
import type { FileReader, Ports, Storage } from '../../ports/ports.js'
import { coreSha256, hex } from '../digest.js'
import { keyFault } from '../keys.js'
import type { OpenManifest } from '../manifest/entries.js'
import { type Compression, chunkFault, type ManifestMember, type ManifestObject } from '../manifest/manifest.js'
import { join } from '../paths.js'
import { regular } from '../read.js'
import { openArchive } from './archive.js'
import type { Read } from './folders.js'

/** Which keys are wanted: all, or those that are named, one that ends with "/" for all below it. */
export interface Wanted {
  has(key: string): boolean
  /** The names that nothing was found for. */
  missing(): string[]
}

export function wantedKeys(keys: readonly string[] | undefined): Wanted {
  const files = new Map(keys?.filter((key) => !key.endsWith('/')).map((key) => [key, false]))
  const folders = new Map(keys?.filter((key) => key.endsWith('/')).map((key) => [key, false]))
  return {
    has(key) {
      if (keys === undefined) return true
      let found = files.has(key)
      if (found) files.set(key, true)
      for (const folder of folders.keys()) {
        if (!key.startsWith(folder)) continue
        folders.set(folder, true)
        found = true
      }
      return found
    },
    missing: () => [...files, ...folders].filter(([, met]) => !met).map(([key]) => key),
  }
}

export interface Picked {
  /** Chunk, or "" for an object. */
  chunk: string
  line: ManifestMember | ManifestObject
  read: Read
  /** Whether what was read is what the manifest says; gives why not. */
  accept(): string | undefined
}

type PickPorts = Pick<Ports, 'storage' | 'sha256'>

/**
 * The wanted members of a manifest's chunks, and objects, in its order; each `read` to its end before the next. Their chunks
 * are opened once; one that is packed in gzip or zstd is read up to the last member that is wanted of it. `fault` is told of
 * a chunk that cannot be read, and its members are passed over.
 */
export async function* pick(
  manifest: OpenManifest,
  wanted: Wanted,
  ports: PickPorts,
  fault: (chunk: string, name: string, message: string) => void,
): AsyncGenerator<Picked> {
  let source: Source | undefined
  let compression: Compression | undefined
  try {
    for await (const { line } of manifest.lines()) {
      if (line.type === 'chunk') compression = line.compression
      if ((line.type !== 'member' && line.type !== 'object') || !wanted.has(line.key)) continue
      const chunk = line.type === 'member' ? line.chunk : ''
      const name = line.type === 'member' ? line.chunk : line.key
      const bad = line.type === 'member' ? chunkFault(name) : keyFault(name)
      if (bad) {
        fault(name, line.key, bad)
        continue
      }
      try {
        if (source?.name !== name) {
          await source?.close()
          source = undefined
          source = await openSource(ports.storage, join(manifest.directory, name), name, line.type === 'member' ? compression : undefined)
        }
        yield { chunk, line, ...checked(await source.member(line), line, ports) }
      } catch (error) {
        if ((error as MillraceError).code === 'CLOSED') throw error
        fault(name, line.key, (error as Error).message)
      }
    }
  } finally {
    await source?.close()
  }
}

interface Source {
  name: string
  member(line: ManifestMember | ManifestObject): Promise<Read>
  close(): Promise<void>
}

async function openSource(storage: Storage, path: string, name: string, compression: Compression | undefined): Promise<Source> {
  if (!compression) {
    const file = await regular(storage).open(path)
    const range = createWindow(file, name)
    return { name, close: () => file.close(), member: async (line) => range(line.type === 'member' ? line.offset : 0, line.size) }
  }
  const { tar, close } = await openArchive(storage, path, name)
  return {
    name,
    close,
    async member({ key }) {
      for (let entry = await tar.next(); entry; entry = await tar.next()) if (entry.kind === 'file' && entry.name === key) return () => tar.read()
      throw new MillraceError('CORRUPT', `expected ${JSON.stringify(key)}, got the end of the archive`, { position: { source: name } })
    },
  }
}

const PIECE = 1 << 20

/** Reads ranges of a file; small ones that lie close together are read at once. */
function createWindow(file: FileReader, source: string) {
  const buffer = new Uint8Array(PIECE)
  let base = 0
  let filled = 0
  return (start: number, size: number): Read => {
    const end = start + size
    let at = start
    return async () => {
      if (at === end) return undefined
      if (at < base || at >= base + filled) {
        base = at
        filled = await file.read(buffer, at)
        if (filled === 0) throw new MillraceError('CORRUPT', `expected ${end - at} more bytes, got the end of the file`, { position: { source, offset: at } })
      }
      const piece = buffer.subarray(at - base, Math.min(filled, end - base))
      at += piece.length
      return piece
    }
  }
}

function checked(read: Read, { size, sha256 }: ManifestMember | ManifestObject, { sha256: create = coreSha256 }: PickPorts): Pick<Picked, 'read' | 'accept'> {
  const hash = create()
  let bytes = 0
  return {
    async read() {
      const piece = await read()
      if (piece) hash.update(piece)
      bytes += piece?.length ?? 0
      return piece
    },
    accept() {
      const digest = hex(hash.digest())
      return bytes === size && digest === sha256 ? undefined : `expected ${size} bytes with SHA-256 ${sha256}, got ${bytes} with ${digest}`
    },
  }
}

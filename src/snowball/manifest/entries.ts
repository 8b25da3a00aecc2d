// A manifest on disk: its lines in order, and one that was met before by its place.
import { MillraceError } from '../../errors.js'
import type { Storage } from '../../ports/ports.js'
import { folderOf, join } from '../paths.js'
import { regular } from '../read.js'
import { MANIFEST, type ManifestEnd, type ManifestLine, type ManifestMember, type ManifestObject, type Placed, readManifest, VERSION } from './manifest.js'

export interface OpenManifest {
  path: string
  /** The directory it lies in. */
  directory: string
  /** Whether the directory was named, and not the file. */
  byDirectory: boolean
  /** Its last line, or undefined: then it is torn. */
  end: ManifestEnd | undefined
  /** Each call from the start. Throws CORRUPT for a malformed line, and where the first one is not of our version. */
  lines(): AsyncGenerator<Placed>
  /** Members and objects only. */
  files(): AsyncGenerator<Placed & { line: ManifestMember | ManifestObject }>
  /** The line that begins at `offset`. */
  lineAt(offset: number): Promise<ManifestLine>
  close(): Promise<void>
}

const WINDOW = 1 << 16
/** Lines that a manifest may have are no longer. */
const LONGEST = (1 << 20) + WINDOW
const END_LINE = 4096
export const TOTALS = ['chunks', 'members', 'bytes', 'skipped', 'failed'] as const

/** `output`: the manifest, or the directory that it lies in. Rejects with what the storage rejects with. */
export async function openManifest(storage: Pick<Storage, 'open' | 'stat' | 'resolve'>, output: string): Promise<OpenManifest> {
  const resolved = await storage.resolve(output)
  const byDirectory = (await storage.stat(resolved)).kind === 'directory'
  const path = byDirectory ? join(output, MANIFEST) : output
  const file = await regular(storage).open(path)

  async function* lines(): AsyncGenerator<Placed> {
    let first = true
    for await (const placed of readManifest(file, path)) {
      const { line } = placed
      if (first && (line.type !== 'manifest' || line.version !== VERSION)) {
        throw new MillraceError('CORRUPT', `expected a manifest of version ${VERSION}, got ${JSON.stringify(line).slice(0, 80)}`, {
          position: { source: path, record: 0 },
        })
      }
      first = false
      yield placed
    }
    if (first) throw new MillraceError('CORRUPT', `expected a manifest of version ${VERSION}, got an empty file`, { position: { source: path } })
  }

  // what is looked up often stands close together
  let window = new Uint8Array(0)
  let base = 0
  async function windowAt(offset: number, bytes: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(bytes)
    let filled = 0
    for (let got = -1; got !== 0 && filled < bytes; filled += got) got = await file.read(buffer.subarray(filled), offset + filled)
    base = offset
    window = buffer.subarray(0, filled)
    return window
  }

  async function lineAt(offset: number): Promise<ManifestLine> {
    let text = offset >= base && offset < base + window.length ? window.subarray(offset - base) : await windowAt(offset, WINDOW)
    if (!text.includes(10)) text = await windowAt(offset, LONGEST)
    const end = text.indexOf(10)
    return JSON.parse(new TextDecoder().decode(end < 0 ? text : text.subarray(0, end)))
  }

  async function lastLine(): Promise<ManifestEnd | undefined> {
    const { size } = await file.stat()
    const tail = new TextDecoder().decode(await windowAt(Math.max(0, size - END_LINE), END_LINE)).trimEnd()
    try {
      const line = JSON.parse(tail.slice(tail.lastIndexOf('\n') + 1))
      return line?.type === 'end' && TOTALS.every((field) => Number.isSafeInteger(line[field])) ? line : undefined
    } catch {
      return undefined
    }
  }

  try {
    return {
      path,
      directory: byDirectory ? resolved : folderOf(resolved),
      byDirectory,
      end: await lastLine(),
      lines,
      async *files() {
        for await (const placed of lines()) if (placed.line.type === 'member' || placed.line.type === 'object') yield placed as never
      },
      lineAt,
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Opens a manifest for who has no use for a torn one: that is CORRUPT. */
export async function openWhole(storage: Pick<Storage, 'open' | 'stat' | 'resolve'>, output: string): Promise<OpenManifest & { end: ManifestEnd }> {
  const manifest = await openManifest(storage, output)
  const { end, path } = manifest
  if (end) return { ...manifest, end }
  await manifest.close()
  throw new MillraceError('CORRUPT', 'expected a last line of type end: the manifest is not whole', { position: { source: path } })
}

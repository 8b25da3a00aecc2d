// Files below one directory, made where nothing is yet and never through a link.
import { MillraceError } from '../../errors.js'
import type { FileKind, FileWriter, Storage } from '../../ports/ports.js'
import { join } from '../paths.js'
import { statAll } from '../plan/walk.js'

/** The next piece of a file's data, valid until the next call; undefined at its end. May throw. */
export type Read = () => Promise<Uint8Array | undefined>

export interface Folders {
  /** Makes a directory with its parents; gives why not. */
  make(key: string): Promise<string | undefined>
  /**
   * Writes a new file with its directories; gives why not, where the file system or `accept` says no. Nothing of it is left then.
   * It appears under its name when it is whole: one that a killed run was at would pass for one that was there before.
   */
  write(key: string, read: Read, accept?: () => string | undefined): Promise<string | undefined>
}

/** Below `root`, a resolved path; keys are checked already. Each component of a directory is seen to be no link. */
export function createFolders(storage: Storage, root: string): Folders {
  const known = new Set([''])

  const kindAt = async (path: string): Promise<FileKind | undefined> => {
    const [found] = await statAll(storage, [path])
    if (!(found instanceof Error)) return found.kind
    if ((found as { code?: string }).code !== 'ENOENT') throw found
    return undefined
  }

  async function make(key: string): Promise<string | undefined> {
    if (known.has(key)) return undefined
    const parts = key.split('/')
    for (let n = 1; n <= parts.length; n++) {
      const folder = parts.slice(0, n).join('/')
      if (known.has(folder)) continue
      const path = join(root, folder)
      try {
        const kind = await kindAt(path)
        if (kind === undefined) await storage.makeDirectory(path)
        else if (kind !== 'directory') return `expected a directory at ${JSON.stringify(folder)}, found a ${kind}`
      } catch (error) {
        return (error as Error).message
      }
      // names of directories are what memory would grow with
      if (known.size === MOST_KNOWN) known.clear()
      known.add(folder)
    }
    return undefined
  }

  let number = 0
  /** A file of a name that nothing has yet. What a run that was killed has left is passed over: another run may be at work on it. */
  async function create(folder: string): Promise<{ file: FileWriter; temporary: string }> {
    for (; ; number++) {
      const temporary = join(folder === '' ? root : join(root, folder), `.millrace-unpack-${number}.tmp`)
      try {
        return { file: await storage.create(temporary, { exclusive: true }), temporary }
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error
      }
    }
  }

  return {
    make,
    async write(key, read, accept = () => undefined) {
      const folder = key.slice(0, Math.max(key.lastIndexOf('/'), 0))
      const fault = await make(folder)
      if (fault !== undefined) return fault
      const path = join(root, key)
      let open: { file: FileWriter; temporary: string }
      try {
        if ((await kindAt(path)) !== undefined) return 'exists already, and is left as it is'
        open = await create(folder)
      } catch (error) {
        return (error as Error).message
      }
      const { file, temporary } = open
      try {
        for (let piece = await read(); piece; piece = await read()) await file.write(piece)
        await file.close()
        const refused = accept()
        await (refused === undefined ? storage.rename(temporary, path) : storage.remove(temporary))
        return refused
      } catch (error) {
        await file.close().catch(() => {})
        await storage.remove(temporary)
        if (error instanceof MillraceError) throw error
        return (error as Error).message
      }
    },
  }
}

const MOST_KNOWN = 100_000

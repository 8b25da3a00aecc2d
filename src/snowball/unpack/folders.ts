// Files below one directory, made where nothing is yet and never through a link.
import { MillraceError } from '../../errors.js'
import type { FileWriter, Storage } from '../../ports/ports.js'
import { join } from '../paths.js'

/** The next piece of a file's data, valid until the next call; undefined at its end. May throw. */
export type Read = () => Promise<Uint8Array | undefined>

export interface Folders {
  /** Makes a directory with its parents; gives why not. */
  make(key: string): Promise<string | undefined>
  /** Writes a new file with its directories; gives why not, where the file system or `accept` says no. Nothing of it is left then. */
  write(key: string, read: Read, accept?: () => string | undefined): Promise<string | undefined>
}

/** Below `root`, a resolved path; keys are checked already. Each component of a directory is seen to be no link. */
export function createFolders(storage: Storage, root: string): Folders {
  const known = new Set([''])

  async function make(key: string): Promise<string | undefined> {
    if (known.has(key)) return undefined
    const parts = key.split('/')
    for (let n = 1; n <= parts.length; n++) {
      const folder = parts.slice(0, n).join('/')
      if (known.has(folder)) continue
      const path = join(root, folder)
      try {
        const kind = await storage.stat(path).then(
          (stat) => stat.kind,
          (error: { code?: string }) => {
            if (error.code !== 'ENOENT') throw error
            return undefined
          },
        )
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

  return {
    make,
    async write(key, read, accept = () => undefined) {
      const fault = await make(key.slice(0, Math.max(key.lastIndexOf('/'), 0)))
      if (fault !== undefined) return fault
      const path = join(root, key)
      let file: FileWriter
      try {
        file = await storage.create(path, { exclusive: true })
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        return code === 'EEXIST' ? 'exists already, and is left as it is' : message
      }
      try {
        for (let piece = await read(); piece; piece = await read()) await file.write(piece)
        await file.close()
        const refused = accept()
        if (refused !== undefined) await storage.remove(path)
        return refused
      } catch (error) {
        await file.close().catch(() => {})
        await storage.remove(path)
        if (error instanceof MillraceError) throw error
        return (error as Error).message
      }
    },
  }
}

const MOST_KNOWN = 100_000

// Directory entries that survive a power failure.
import { MillraceError } from '../errors.js'
import type { Storage } from '../ports/ports.js'

/** The directory that the entry `path` lies in. */
export function folderOf(path: string): string {
  const cut = path.lastIndexOf('/')
  return cut < 0 ? '.' : path.slice(0, Math.max(cut, 1))
}

/**
 * Makes the directory, and sees that its entry, and those of the parents made with it, survive. Rejects with
 * IO, which says that it is `who` needs it, where something else is in its place.
 */
export async function makeDurable(storage: Storage, directory: string, who: string): Promise<void> {
  const parents: string[] = []
  for (let path = directory; ; ) {
    const kind = await storage.stat(path).then(
      (stat) => stat.kind,
      (error: { code?: unknown }) => {
        if (error.code !== 'ENOENT') throw error
        return undefined
      },
    )
    if (kind !== undefined && kind !== 'directory' && kind !== 'symlink')
      throw new MillraceError('IO', `${who} expected a directory, got a ${kind}`, { position: { source: path } })
    if (kind) break
    path = folderOf(path)
    parents.push(path)
  }
  await storage.makeDirectory(directory)
  for (const path of parents) await storage.syncDirectory(path)
}

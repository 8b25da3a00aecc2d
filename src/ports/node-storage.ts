// Storage over node:fs.
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, opendir, readlink, realpath, rename, rm } from 'node:fs/promises'
import type { FileKind, FileReader, FileStat, FileWriter, Storage } from './ports.js'

/** The file system of this machine. */
export const nodeStorage: Storage = {
  async open(path, options = {}) {
    if (options.within === undefined) return reader(await open(path, 'r'))
    // Not following a link and not waiting for a FIFO's writer must both be part of the open itself.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      await confine(handle, path, options.within)
    } catch (error) {
      await handle.close()
      throw error
    }
    return reader(handle)
  },
  async create(path, options = {}) {
    return writer(await open(path, options.exclusive ? 'wx' : options.append ? 'a' : 'w'))
  },
  async *list(path, options = {}) {
    let handle: FileHandle | undefined
    let through = path
    if (options.within !== undefined && constants.O_DIRECTORY && constants.O_NOFOLLOW) {
      handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    }
    try {
      if (handle && options.within !== undefined && (await confine(handle, path, options.within))) through = `/proc/self/fd/${handle.fd}`
      // 1024 entries a call: the default of 32 makes 100,000 entries 3,000 trips to the thread pool.
      for await (const entry of await opendir(through, { bufferSize: 1024 })) yield { name: entry.name, kind: kindOf(entry) }
    } finally {
      await handle?.close()
    }
  },
  async stat(path) {
    return statOf(await lstat(path))
  },
  resolve: (path) => realpath(path),
  async makeDirectory(path) {
    await mkdir(path, { recursive: true })
  },
  async syncDirectory(path) {
    // Windows cannot open a directory; some network file systems cannot sync one.
    const handle = await open(path, 'r').catch(ignoring('EISDIR', 'EPERM', 'EACCES'))
    try {
      await handle?.sync().catch(ignoring('EINVAL', 'EPERM', 'ENOTSUP'))
    } finally {
      await handle?.close()
    }
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
}

/**
 * Rejects unless the open file lies in `within`. Linux tells a descriptor's true path, which no
 * later rename of a parent can fake; then gives true. Elsewhere the path is resolved a second time,
 * which leaves a moment in which a parent could be swapped for a link and back.
 */
async function confine(handle: FileHandle, path: string, within: string): Promise<boolean> {
  let actual = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined)
  const exact = actual !== undefined
  actual ??= await realpath(path)
  const root = within.endsWith('/') ? within : `${within}/`
  if (actual !== within && !actual.replaceAll('\\', '/').startsWith(root.replaceAll('\\', '/'))) {
    throw Object.assign(new Error(`ELOOP: ${path} leads out of ${within}`), { code: 'ELOOP' })
  }
  return exact
}

function reader(handle: FileHandle): FileReader {
  return {
    stat: async () => statOf(await handle.stat()),
    read: async (target, at) => (await handle.read(target, 0, target.length, at)).bytesRead,
    close: () => handle.close(),
  }
}

function writer(handle: FileHandle): FileWriter {
  return {
    async write(data) {
      for (let at = 0; at < data.length; ) at += (await handle.write(data, at, data.length - at)).bytesWritten
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

function statOf(s: Stats): FileStat {
  return { kind: kindOf(s), size: s.size, mtime: s.mtimeMs, ctime: s.ctimeMs }
}

type Kinds = Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>

function kindOf(s: Kinds): FileKind {
  if (s.isFile()) return 'file'
  if (s.isDirectory()) return 'directory'
  if (s.isSymbolicLink()) return 'symlink'
  if (s.isFIFO()) return 'fifo'
  if (s.isSocket()) return 'socket'
  return s.isBlockDevice() || s.isCharacterDevice() ? 'device' : 'other'
}

function ignoring(...codes: string[]) {
  return (error: { code?: string }) => {
    if (!codes.includes(error.code ?? '')) throw error
    return undefined
  }
}

// Storage over node:fs. What may wait for a disk goes through the thread pool; what only looks at an
// open descriptor (fstat, its path, close) is called at once: 10,000 small files take 0.8 s in place
// of 3.0 s with a FileHandle and six trips through the pool each.
import { close, closeSync, constants, fstatSync, fsync, lstatSync, open as openFile, read as readFile, readlinkSync, write as writeFile, writev } from 'node:fs'
import { lstat, mkdir, opendir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { lockDirectory } from './node-lock.js'
import type { FileKind, FileReader, FileStat, FileWriter, Storage } from './ports.js'

const open = promisify(openFile)
const read = promisify(readFile)
const write = promisify(writeFile)
const writeParts = promisify(writev)
const sync = promisify(fsync)
const closed = promisify(close)

/** As mkdir -p. Node's own `recursive` runs for ever where a parent is there and nothing can be made in it, as in /proc. */
async function makePath(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT' || dirname(path) === path) throw error
    // Someone else may be making the parents at the same time: that they are there by now is no reason to give up.
    await makePath(dirname(path))
    await makeOne(path)
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'EEXIST' && code !== 'EISDIR') throw error
    if (!(await stat(path)).isDirectory()) throw error
  }
}

const AT_ONCE = 1024

/** The file system of this machine. */
export const nodeStorage: Storage = {
  async open(path, options = {}) {
    if (options.within === undefined) return reader(await open(path, constants.O_RDONLY), path)
    // Not following a link and not waiting for a FIFO's writer must both be part of the open itself.
    const fd = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      await confine(fd, path, options.within)
    } catch (error) {
      closeSync(fd)
      throw error
    }
    return reader(fd, path)
  },
  async create(path, options = {}) {
    return writer(await open(path, options.exclusive ? 'wx' : options.append ? 'a' : 'w'), path)
  },
  async *list(path, options = {}) {
    let fd: number | undefined
    let through = path
    if (options.within !== undefined && constants.O_DIRECTORY && constants.O_NOFOLLOW) {
      fd = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    }
    try {
      if (fd !== undefined && options.within !== undefined && (await confine(fd, path, options.within))) through = `/proc/self/fd/${fd}`
      // 1024 entries a call: the default of 32 makes 100,000 entries 3,000 trips to the thread pool. Of those that a call
      // has brought each is there at once; a promise for every entry is most of what a large directory costs.
      const directory = await opendir(through, { bufferSize: AT_ONCE })
      try {
        for (let entry = await directory.read(); entry; entry = await directory.read()) {
          for (let n = 1; entry; n++) {
            yield { name: entry.name, kind: kindOf(entry) }
            entry = n < AT_ONCE ? directory.readSync() : null
          }
        }
      } finally {
        directory.closeSync()
      }
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  },
  async stat(path) {
    return statOf(await lstat(path))
  },
  stats,
  resolve: (path) => realpath(path),
  async makeDirectory(path) {
    await makePath(path)
  },
  async syncFile(path) {
    // for writing: Windows flushes no other
    const fd = await open(path, 'r+')
    try {
      await sync(fd)
    } finally {
      closeSync(fd)
    }
  },
  async syncDirectory(path) {
    // Windows cannot open a directory; some network file systems cannot sync one.
    const fd = await open(path, 'r').catch(ignoring('EISDIR', 'EPERM', 'EACCES'))
    if (fd === undefined) return
    try {
      await sync(fd).catch(ignoring('EINVAL', 'EPERM', 'ENOTSUP'))
    } finally {
      closeSync(fd)
    }
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  lock: (directory) => lockDirectory(directory),
}

/**
 * Rejects unless the open file lies in `within`. Linux tells a descriptor's true path, which no
 * later rename of a parent can fake; then gives true. Elsewhere the path is resolved a second time,
 * which leaves a moment in which a parent could be swapped for a link and back.
 */
export async function confine(fd: number, path: string, within: string): Promise<boolean> {
  let actual = pathOf(fd)
  const exact = actual !== undefined
  actual ??= await realpath(path)
  const root = within.endsWith('/') ? within : `${within}/`
  if (actual !== within && !actual.replaceAll('\\', '/').startsWith(root.replaceAll('\\', '/'))) {
    throw Object.assign(new Error(`ELOOP: ${path} leads out of ${within}`), { code: 'ELOOP' })
  }
  return exact
}

function pathOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

function reader(fd: number, path: string): FileReader {
  let open = true
  // A FIFO, such as a shell's <(command), and a terminal have no places: they are read from start to end.
  const stats = fstatSync(fd)
  const stream = stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice()
  let next = 0
  return {
    stat: async () => statOf(fstatSync(fd)),
    async read(target, at) {
      assertOpen(open, path)
      if (stream && at !== next) throw Object.assign(new Error(`ESPIPE: invalid seek, read '${path}'`), { code: 'ESPIPE' })
      const { bytesRead } = await read(fd, target, 0, target.length, stream ? null : at).catch(naming(path))
      next = at + bytesRead
      return bytesRead
    },
    async close() {
      if (open) closeSync(fd)
      open = false
    },
  }
}

function writer(fd: number, path: string): FileWriter {
  let open = true
  return {
    async write(data) {
      for (let at = 0; at < data.length; ) {
        assertOpen(open, path)
        at += (await write(fd, data, at, data.length - at).catch(naming(path))).bytesWritten
      }
    },
    async writeAll(parts) {
      for (let left = parts; left.length > 0; ) {
        assertOpen(open, path)
        left = after(left, (await writeParts(fd, left).catch(naming(path))).bytesWritten)
      }
    },
    sync: () => sync(fd).catch(naming(path)),
    async close() {
      if (!open) return
      open = false
      // A network file system sends what it still holds, and may fail here.
      await closed(fd).catch(naming(path))
    },
  }
}

/** A number, once closed, soon is another file's: nothing is read from it or written to it. */
function assertOpen(open: boolean, path: string): void {
  if (!open) throw Object.assign(new Error(`EBADF: '${path}' was closed`), { code: 'EBADF', path })
}

/** Milliseconds that a stat takes where its answer is in memory, with a good margin; a disk or a server takes longer. */
const AT_HAND = 0.05
/** So many calls of stats() at most go through the thread pool before the direct way is tried again. */
const MOST_POOLED = 1024
let pooled = 0
let patience = 1

/**
 * Called at once a stat takes 3 us of processor time, through the thread pool 11; but at once they wait one for the
 * other. So where they wait, the pool takes over, and for twice as long each time.
 */
async function stats(paths: readonly string[]): Promise<(FileStat | Error)[]> {
  if (pooled > 0) {
    pooled--
    return Promise.all(paths.map((path) => lstat(path).then(statOf, (error: Error) => error)))
  }
  const start = performance.now()
  const all = paths.map((path) => {
    try {
      return statOf(lstatSync(path))
    } catch (error) {
      return error as Error
    }
  })
  if (performance.now() - start > AT_HAND * paths.length + 1) {
    pooled = patience
    patience = Math.min(2 * patience, MOST_POOLED)
  } else patience = 1
  return all
}

/** What of `parts` is behind their first `bytes`. */
function after(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let part = 0
  while (part < parts.length && bytes >= parts[part].length) bytes -= parts[part++].length
  return bytes === 0 ? parts.slice(part) : [parts[part].subarray(bytes), ...parts.slice(part + 1)]
}

/** Node's errors of an open descriptor do not say which file it was. */
function naming(path: string) {
  return (error: NodeJS.ErrnoException): never => {
    error.message += ` '${path}'`
    error.path = path
    throw error
  }
}

export function statOf(s: Kinds & { size: number; mtimeMs: number; ctimeMs: number }): FileStat {
  return { kind: kindOf(s), size: s.size, mtime: s.mtimeMs, ctime: s.ctimeMs }
}

/** Of Stats and Dirent alike; named here, as a consumer's declarations may not know node:fs. */
type Kinds = Record<'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice', () => boolean>

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

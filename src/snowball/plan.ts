// What goes into which chunk, in an order that depends on nothing but the tree.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../errors.js'
import { SNOWBALL_LIMITS } from '../limits.js'
import type { FileKind, Ports, Storage } from '../ports/ports.js'
import { compareKeys, keyFault, utf8Size } from './keys.js'
import { BLOCK, END, headerBound, padded } from './tar.js'

export interface PlannedMember {
  /** Under the source directory, with "/". */
  path: string
  /** The object's key, relative to where the chunk is put: prefix and path. */
  key: string
  size: number
  /** Milliseconds since the epoch. */
  mtime: number
}

export interface PlannedChunk {
  type: 'chunk'
  /** File name of the chunk. */
  chunk: string
  /** Upper bound of the chunk's size. */
  bytes: number
  members: PlannedMember[]
}

/** Why an entry of the tree is in no chunk. The first row is by kind and no failure; the others are. */
export type Reason = Exclude<FileKind, 'file' | 'directory'> | 'output' | 'unreadable' | 'vanished' | 'changed' | 'key' | 'too-large'

const BY_KIND: readonly string[] = ['symlink', 'fifo', 'socket', 'device', 'other', 'output'] satisfies Reason[]

export interface Left {
  /** `skipped`: by its kind, which is no failure. `failed`: a file that should have been packed. */
  type: 'skipped' | 'failed'
  path: string
  reason: Reason
  message: string
}

export function left(path: string, reason: Reason, message: string): Left {
  return { type: BY_KIND.includes(reason) ? 'skipped' : 'failed', path, reason, message }
}

export interface PlanOptions {
  /** Directory to pack. */
  source: string
  ports: Pick<Ports, 'storage'>
  /** Put before every path to make its key, for example `Logs/`. Default none. */
  prefix?: string
  /** Files over this many bytes get a chunk of their own. Default 1 MiB (AWS: batch what is up to 1 MB). */
  smallBytes?: number
  /** A chunk's size at most, its headers included. Default 1 GB, at most 100 GB: larger archives are not extracted. */
  chunkBytes?: number
  /** Members of a chunk at most. Default 10,000, as AWS recommends; over 100,000 slow the import down. */
  chunkFiles?: number
  /** Absolute path of a directory to leave out: where the chunks go, if that lies in the source. */
  exclude?: string
}

export const ARCHIVE_BYTES: number = SNOWBALL_LIMITS.archiveBytes.value

const OPTIONS = ['source', 'ports', 'prefix', 'smallBytes', 'chunkBytes', 'chunkFiles', 'exclude'] satisfies (keyof PlanOptions)[]

/**
 * Walks `source` and yields chunks and what is in none, in one order: members by the UTF-8 bytes of
 * their keys (as S3 lists them), a chunk when it is full or at the end. Files over `smallBytes`
 * get a chunk of their own. Links are never followed, nothing is opened but directories, and
 * directories themselves are no members, as S3 has none. Holds one chunk's members and the names of
 * the directories it stands in. Rejects only when `source` is no readable directory.
 */
export async function* plan(options: PlanOptions): AsyncGenerator<PlannedChunk | Left> {
  const { source, ports, prefix, smallBytes, chunkBytes, chunkFiles, exclude } = checkPlan(options)
  const prefixBytes = utf8Size(prefix)
  let number = 0
  let members: PlannedMember[] = []
  let bytes = END.length

  const chunk = (all: PlannedMember[], size: number): PlannedChunk => ({
    type: 'chunk',
    chunk: `chunk-${String(++number).padStart(6, '0')}.tar`,
    bytes: size,
    members: all,
  })

  for await (const entry of walk(ports.storage, source, exclude)) {
    if ('reason' in entry) {
      yield entry
      continue
    }
    const key = prefix + entry.path
    const fault = keyFault(key)
    if (fault) {
      yield left(entry.path, 'key', fault)
      continue
    }
    const takes = headerBound(prefixBytes + utf8Size(entry.path)) + padded(entry.size)
    const member: PlannedMember = { path: entry.path, key, size: entry.size, mtime: entry.mtime }
    if (takes + END.length > ARCHIVE_BYTES) {
      yield left(
        entry.path,
        'too-large',
        `expected at most ${ARCHIVE_BYTES} bytes, got ${entry.size}: an archive over that is not extracted; upload it as an object`,
      )
    } else if (entry.size > smallBytes || takes + END.length > chunkBytes) {
      yield chunk([member], takes + END.length)
    } else {
      if (members.length === chunkFiles || bytes + takes > chunkBytes) {
        yield chunk(members, bytes)
        members = []
        bytes = END.length
      }
      members.push(member)
      bytes += takes
    }
  }
  if (members.length > 0) yield chunk(members, bytes)
}

export function checkPlan(options: PlanOptions): Required<Omit<PlanOptions, 'exclude'>> & { exclude?: string } {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { source, ports, prefix = '', exclude } = options
  if (typeof source !== 'string' || source === '') throw wrongType('source', 'the path of a directory', source)
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  if (typeof prefix !== 'string') throw wrongType('prefix', 'a string', prefix)
  if (prefix !== '') {
    const fault = keyFault(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
    if (fault) throw outOfRange('prefix', 'a relative key prefix such as Logs/', prefix)
  }
  return {
    source,
    ports,
    prefix,
    exclude,
    smallBytes: whole('smallBytes', options.smallBytes ?? SNOWBALL_LIMITS.smallFileBytes.value, 0, 64 << 20),
    chunkBytes: whole('chunkBytes', options.chunkBytes ?? 1e9, 10 * BLOCK, ARCHIVE_BYTES),
    chunkFiles: whole('chunkFiles', options.chunkFiles ?? SNOWBALL_LIMITS.archiveFiles.value, 1, 1_000_000),
  }
}

function whole(label: string, value: unknown, low: number, high: number): number {
  checkWhole(label, value, low, high)
  return value
}

interface Found {
  path: string
  size: number
  mtime: number
}

// Files whose stat is under way at once: the thread pool has four threads, the rest is queue.
const STATS = 64

async function* walk(storage: Storage, source: string, exclude: string | undefined): AsyncGenerator<Found | Left> {
  const root = await storage.resolve(source)
  const full = (path: string) => (path === '' ? root : root.endsWith('/') ? root + path : `${root}/${path}`)
  const first = await entries(storage, root, root)
  const stack = [{ path: '', names: first, at: 0 }]
  while (stack.length > 0) {
    const top = stack[stack.length - 1]
    if (top.at === top.names.length) {
      stack.pop()
      continue
    }
    const pathOf = (name: string) => (top.path === '' ? name : `${top.path}/${name}`)
    const { name, kind } = top.names[top.at]
    if (kind === 'directory') {
      top.at++
      const path = pathOf(name)
      if (full(path) === exclude) {
        yield left(path, 'output', 'the directory that the chunks go to')
        continue
      }
      try {
        stack.push({ path, names: await entries(storage, full(path), root), at: 0 })
      } catch (error) {
        yield failure(path, error)
      }
      continue
    }
    let end = top.at
    while (end < top.names.length && end - top.at < STATS && top.names[end].kind !== 'directory') end++
    const batch = top.names.slice(top.at, end)
    top.at = end
    const found = await Promise.all(
      batch.map(async ({ name, kind }): Promise<Found | Left> => {
        const path = pathOf(name)
        if (kind !== 'file') return left(path, kind as Reason, `not a regular file: ${kind}`)
        try {
          const { kind: now, size, mtime } = await storage.stat(full(path))
          return now === 'file' ? { path, size, mtime } : left(path, 'changed', `was a file, is now: ${now}`)
        } catch (error) {
          return failure(path, error)
        }
      }),
    )
    yield* found
  }
}

/** Sorted so that a walk meets whole paths in the order of their bytes: a directory as its name and "/". */
async function entries(storage: Storage, path: string, within: string): Promise<{ name: string; kind: FileKind }[]> {
  const all: { name: string; kind: FileKind; sort: string }[] = []
  for await (const { name, kind } of storage.list(path, { within })) all.push({ name, kind, sort: kind === 'directory' ? `${name}/` : name })
  return all.sort((a, b) => compareKeys(a.sort, b.sort))
}

/** What an error while reading an entry of the tree means for it. */
export function failure(path: string, error: unknown): Left {
  const { code, message } = error as { code?: string; message?: string }
  // A name that is no UTF-8 arrives with U+FFFD in it, and then nothing has that name.
  if (code === 'ENOENT' && path.includes('\uFFFD')) return left(path, 'key', 'expected a name in UTF-8')
  if (code === 'ENOENT') return left(path, 'vanished', 'was there when its directory was read, is gone')
  if (code === 'ELOOP' || code === 'ENOTDIR') return left(path, 'changed', 'became a link, or a directory above it did')
  return left(path, 'unreadable', code ?? message ?? 'unknown error')
}

// A tree, entry by entry, in an order that depends on nothing but its names.
import type { FileKind, Storage } from '../../ports/ports.js'
import { compareKeys } from '../keys.js'
import { failure, type Left, left, type Reason } from '../left.js'

export interface Found {
  path: string
  size: number
  mtime: number
}

// Files whose stat is under way at once: the thread pool has four threads, the rest is queue.
const STATS = 64

export async function* walk(storage: Storage, source: string, exclude: string | undefined): AsyncGenerator<Found | Left> {
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
    if (isTwin(top.names, top.at)) {
      top.at++
      yield left(pathOf(name), 'key', 'expected a name in UTF-8')
      continue
    }
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
    while (end < top.names.length && end - top.at < STATS && top.names[end].kind !== 'directory' && !isTwin(top.names, end)) end++
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

/**
 * A name that is no UTF-8 arrives with U+FFFD in it. Where a sibling has that name in truth, the two
 * arrive alike, and either would be read as that sibling.
 */
const isTwin = (names: readonly { name: string; kind: FileKind }[], at: number) =>
  at > 0 && names[at].name === names[at - 1].name && names[at].kind === names[at - 1].kind

/** Sorted so that a walk meets whole paths in the order of their bytes: a directory as its name and "/". */
async function entries(storage: Storage, path: string, within: string): Promise<{ name: string; kind: FileKind }[]> {
  const all: { name: string; kind: FileKind; sort: string }[] = []
  for await (const { name, kind } of storage.list(path, { within })) all.push({ name, kind, sort: kind === 'directory' ? `${name}/` : name })
  return all.sort((a, b) => compareKeys(a.sort, b.sort))
}

// A tree, entry by entry, in an order that depends on nothing but its names.
import { SNOWBALL_LIMITS } from '../../limits.js'
import type { Storage } from '../../ports/ports.js'
import { failure, type Left, left } from '../left.js'
import { join } from '../paths.js'
import { statAll } from '../read.js'
import { type Directory, openDirectory } from './directory.js'
import type { Entry } from './names.js'
import type { Checked, PlanOptions, PlanProgress } from './options.js'
import { collision, likeness } from './twins.js'

/** A file that was found, or why an entry is none. */
export interface Found {
  path: string
  /** What a list says that its key is; of a tree the path. */
  to?: string
  size: number
  mtime: number
}

export const isFound = (entry: Found | Left): entry is Found => !('reason' in entry)

/** What a walk over a tree, or through a list, is about. */
export interface Work {
  storage: Storage
  /** Resolved path of the source. */
  root: string
  exclude: string | undefined
  collisions: Checked['collisions']
  onWarning: PlanOptions['onWarning']
  progress: PlanProgress
}

const MOST_ENTRIES: number = SNOWBALL_LIMITS.directoryEntries.value

/** Files that are looked at together: the thread pool has four threads, the rest is queue. */
export const STATS = 64

/** Memory for names, of all directories that a walk stands in together. */
const NAMES = 24 << 20
/** And for those of each at least: a path cannot be so deep that they are many, but for who tries. */
const LEAST_NAMES = 64 << 10

/** Files and what is none, in the order of their paths' bytes. Rejects where the root cannot be listed. */
export async function* walk(work: Work): AsyncGenerator<(Found | Left)[]> {
  const { storage, root, exclude, progress } = work
  const stack: { path: string; directory: Directory; last?: Entry }[] = []
  const enter = async (path: string) => {
    const held = stack.reduce((sum, { directory }) => sum + directory.size, 0)
    const full = path === '' ? root : join(root, path)
    const directory = await openDirectory(storage, full, root, Math.max(LEAST_NAMES, NAMES - held), work.collisions !== 'ignore')
    stack.push({ path, directory })
    progress.directories++
    if (path !== '') progress.entries++
    observe(work, path, directory.entries)
  }
  await enter('')
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const { path: folder, directory } = top
    const pathOf = (name: string) => (folder === '' ? name : `${folder}/${name}`)
    const first = directory.peek()
    if (!first) {
      try {
        if (await directory.more()) continue
      } catch (error) {
        yield [failure(folder, error)]
      }
      stack.pop()
    } else if (top.last && same(top.last, first)) {
      directory.take()
      // It was read already, under the name that it only seems to have; where a listing is changed meanwhile it may give one twice, too.
      if (first.name.includes('\uFFFD')) yield [left(pathOf(first.name), 'key', 'expected a name in UTF-8')]
    } else if (first.kind === 'directory') {
      directory.take()
      top.last = first
      const path = pathOf(first.name)
      const alike = compare(work, path, first.name, directory)
      if (alike) yield [alike]
      else if (join(root, path) === exclude) yield [left(path, 'output', 'the directory that the chunks go to')]
      else {
        try {
          await enter(path)
        } catch (error) {
          yield [failure(path, error)]
        }
      }
    } else {
      const batch: (Found | Left | string)[] = []
      for (let next: Entry | undefined = first; next && next.kind !== 'directory' && batch.length < STATS; next = directory.peek()) {
        if (top.last && same(top.last, next)) break
        directory.take()
        top.last = next
        const path = pathOf(next.name)
        batch.push(next.kind === 'file' ? (compare(work, path, next.name, directory) ?? path) : left(path, next.kind, `not a regular file: ${next.kind}`))
      }
      yield await look(work, batch)
    }
  }
}

/** A name that is no UTF-8 arrives with U+FFFD in it, and then as the name of a sibling that has it in truth. */
const same = (a: Entry, b: Entry) => a.name === b.name && a.kind === b.kind

/** The entries with a file in place of each path. */
async function look({ storage, root }: Work, batch: readonly (Found | Left | string)[]): Promise<(Found | Left)[]> {
  const paths = batch.filter((entry) => typeof entry === 'string')
  const seen = await statAll(
    storage,
    paths.map((path) => join(root, path)),
  )
  let at = 0
  return batch.map((entry) => {
    if (typeof entry !== 'string') return entry
    const stat = seen[at++]
    if (stat instanceof Error) return failure(entry, stat)
    const { kind, size, mtime } = stat
    return kind === 'file' ? { path: entry, size, mtime } : left(entry, 'changed', `was a file, is now: ${kind}`)
  })
}

/**
 * Where a name is like another one of its directory: why it is left out, if that is wanted, and else a warning. Of two
 * paths that are alike the first parts that differ are names of one directory, so nothing is missed.
 */
function compare({ collisions, onWarning }: Work, path: string, name: string, directory: Directory): Left | undefined {
  const like = directory.like(name)
  // two names that are no UTF-8 look the same, and neither can be read
  if (!like || like.how === 'same') return undefined
  if (collisions === 'fail') return left(path, 'collision', likeness(name, like))
  onWarning?.(collision(path, name, like))
  return undefined
}

function observe({ progress, onWarning }: Work, path: string, entries: number): void {
  if (entries > progress.largest.entries) progress.largest = { path, entries }
  if (entries > MOST_ENTRIES)
    onWarning?.({ type: 'warning', reason: 'directory', path, message: `expected at most ${MOST_ENTRIES} entries in a directory, got ${entries}` })
}

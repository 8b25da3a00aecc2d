// Reads files that others may be changing: what comes out is some state that the file had, or why not.
import { MillraceError } from '../errors.js'
import type { Clock, FileReader, FileStat, Storage } from '../ports/ports.js'
import { failure, type Left, left } from './left.js'
import { folderOf, isAbsolute, join } from './paths.js'

// A file system's clock moves in ticks of up to 10 ms (ext4: a jiffy), and a second change within one
// leaves no trace. So a file is read only when its last change is older than this.
const TICK = 20
export const ATTEMPTS = 3

class Changed extends Error {}

export interface Tree {
  storage: Pick<Storage, 'open'>
  clock: Clock
  /** The tree's root as `resolve` gives it. */
  root: string
}

/** An absolute path is one of a list, whose directory was resolved when it was planned; no link may have come in between. */
const openMember = ({ storage, root }: Tree, path: string) =>
  isAbsolute(path) ? storage.open(path, { within: folderOf(path) }) : storage.open(join(root, path), { within: root })

const same = (a: FileStat, b: FileStat) => a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.kind === b.kind

/**
 * Opens a member, hands `use` the reader and the size, and checks that nothing changed meanwhile.
 * A file that did is tried again, twice; with `once` not where `use` had it. Gives what `use` gave, or why there is nothing.
 */
export async function steady<T>(
  tree: Tree,
  path: string,
  limit: number,
  use: (file: FileReader, size: number) => Promise<T>,
  options: { once?: boolean } = {},
): Promise<T | Left> {
  let what = ''
  let used = false
  for (let attempt = 0; attempt < ATTEMPTS && !(used && options.once); attempt++) {
    let file: FileReader | undefined
    try {
      file = await openMember(tree, path)
      const before = await file.stat()
      if (before.kind !== 'file') return left(path, 'changed', `was a file, is now: ${before.kind}`)
      if (before.size > limit) return left(path, 'changed', `grew to ${before.size} bytes since it was planned, over the ${limit} that its chunk allows`)
      if (tree.clock.now() - before.ctime <= TICK) {
        await tree.clock.sleep(TICK)
        // Compared with itself, not with the clock: a file server's may be another.
        if (!same(before, await file.stat())) throw new Changed('was being written')
      }
      used = true
      const result = await use(file, before.size)
      const after = await file.stat()
      if (same(before, after)) return result
      what = `changed while it was read, from ${before.size} to ${after.size} bytes`
    } catch (error) {
      // What goes wrong on the side of the output is not this file's fault.
      if (error instanceof MillraceError) throw error
      if (!(error instanceof Changed)) return failure(path, error)
      what = error.message
    } finally {
      await file?.close()
    }
  }
  return left(path, 'changed', `${what}, ${ATTEMPTS} times`)
}

/** Fills `target` from byte `at`; throws Changed where the file ends before. */
export async function readFully(file: FileReader, target: Uint8Array, at: number): Promise<void> {
  for (let filled = 0; filled < target.length; ) {
    const got = await file.read(target.subarray(filled), at + filled)
    if (got === 0) throw new Changed(`ended at byte ${at + filled}, shorter than it was when it was opened`)
    filled += got
  }
}

/** What each path is, or why that cannot be told. */
export const statAll = async (storage: Storage, paths: readonly string[]): Promise<(FileStat | Error)[]> =>
  storage.stats ? storage.stats(paths) : Promise.all(paths.map((path) => storage.stat(path).catch((error: Error) => error)))

/**
 * Opens files only, links to such followed: a FIFO that somebody has laid in place of a chunk would be waited for, for ever and
 * where no signal reaches, and a device need not end. Rejects with BAD_INPUT for those.
 */
export function regular(storage: Pick<Storage, 'open' | 'stat' | 'resolve'>): Pick<Storage, 'open'> {
  return {
    async open(path, options) {
      const { kind } = await storage.stat(await storage.resolve(path))
      if (kind !== 'file') throw new MillraceError('BAD_INPUT', `expected a file, got a ${kind}`, { position: { source: path } })
      return storage.open(path, options)
    },
  }
}

/** What a file system refuses, in our words; our own errors and wrong arguments as they are. */
export function inputOutput(error: unknown, source: string): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError) return error
  return new MillraceError('IO', (error as Error).message, { position: { source }, cause: error })
}

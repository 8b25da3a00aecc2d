// What goes into which chunk, in an order that depends on nothing but the tree or the list.

import { inform } from '../../errors.js'
import type { Storage } from '../../ports/ports.js'
import { interrupted } from '../checks.js'
import { keyFault, storeFault, utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import { folderOf } from '../paths.js'
import { createAdvice } from './advice.js'
import { createFill } from './fill.js'
import { readList } from './list.js'
import { checkPlan, type PlanOptions, type PlanProgress } from './options.js'
import type { PlannedChunk } from './planned.js'
import { walk } from './walk.js'

/**
 * Walks `source`, or reads `list`, and yields chunks and what is in none: of a tree in the order of the
 * UTF-8 bytes of the keys (as S3 lists them), of a list in its own; a chunk when it is full or at the end.
 * Files over `smallBytes` get a chunk of their own. Links are never followed, nothing is opened but
 * directories, and directories themselves are no members, as S3 has none.
 *
 * Holds one chunk's members and, in 24 MB at most, the names of the directories it stands in: a
 * directory with more is read several times. Rejects with what the file system says only where
 * `source` is no readable directory; with CORRUPT where a list is malformed; with LIMIT_EXCEEDED, at
 * the end, where the devices are too small; with CLOSED where aborted.
 */
export async function* plan(options: PlanOptions): AsyncGenerator<PlannedChunk | Left> {
  const checked = checkPlan(options)
  const { ports, onWarning, onProgress = () => {}, signal } = options
  const { storage } = ports
  const source = await sourceOf(options)
  const root = await storage.resolve(source)
  const progress: PlanProgress = { entries: 0, directories: 0, files: 0, bytes: 0, left: {}, largest: { path: '', entries: 0 } }
  const work = { storage, root, exclude: checked.exclude, collisions: checked.collisions, onWarning, progress }
  const fill = createFill(checked)
  const advice = createAdvice()
  const destinationBytes = utf8Size(checked.destination)
  const told = (item: Left): Left => {
    progress.left[item.reason] = (progress.left[item.reason] ?? 0) + 1
    return item
  }

  for await (const batch of checked.list === undefined ? walk(work) : readList(work, checked.list)) {
    progress.entries += batch.length
    for (const entry of batch) {
      if ('reason' in entry) {
        yield told(entry)
        continue
      }
      const { path, to = path, size, mtime } = entry
      const key = checked.prefix + to
      const fault = keyFault(key, destinationBytes) ?? storeFault(key)
      if (fault) {
        yield told(left(path, 'key', fault))
        continue
      }
      advice.see(path, key)
      const item = fill.add({ path, key, size, mtime })
      if (item && item.type !== 'chunk') yield told(item)
      else {
        progress.files++
        progress.bytes += size
        if (item) yield item
      }
    }
    interrupted(signal, 'planning')
    inform(() => onProgress(progress))
  }
  const last = fill.end()
  if (last) yield last
  const warning = advice.warning()
  if (warning) onWarning?.(warning)
  inform(() => onProgress(progress))
}

/** The directory that relative paths are under. */
export async function sourceOf({ source, list, ports }: { source?: string; list?: string; ports: { storage: Storage } }): Promise<string> {
  if (source !== undefined) return source
  return folderOf(await ports.storage.resolve(list as string))
}

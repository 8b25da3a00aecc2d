// Directories that chunks are written to: of a file system in Node, of a handle in browsers. Nothing is overwritten.
import { MillraceError, wrongType } from '../../errors.js'
import type { Ports, Storage } from '../../ports/ports.js'
import { checkStorage } from '../checks.js'
import { coreSha256 } from '../digest.js'
import { join } from '../paths.js'
import { directoryStore } from '../store/directory.js'
import type { ChunkTarget } from './run.js'

const taken = (source: string) => new MillraceError('BAD_INPUT', 'expected a directory without it, got one that has it already', { position: { source } })

/**
 * A directory as the target of a chunker: made where it does not exist; a chunk appears under its name when it is whole
 * and on the device. Rejects with BAD_INPUT where a file is there already, with IO where the disk fails.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * await createChunker({ ports: nodePorts }).write(files, directoryTarget(nodePorts, 'chunks'))
 */
export function directoryTarget(ports: Pick<Ports, 'storage'>, path: string): ChunkTarget {
  checkStorage(ports)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a directory', path)
  const storage: Storage = ports.storage
  const store = directoryStore(storage, path, coreSha256, true)
  return {
    objects: false,
    async create(name, options) {
      await storage.makeDirectory(path).catch((cause: Error) => {
        throw new MillraceError('IO', `cannot make it: ${cause.message}`, { position: { source: path }, cause })
      })
      const there = await storage.stat(join(path, name)).catch(() => undefined)
      if (there) throw taken(join(path, name))
      return store.create(name, options)
    },
    publish: (name) =>
      store.publish(name).catch(async (error) => {
        await store.discard(name)
        throw error
      }),
  }
}

/** As much of a FileSystemDirectoryHandle as is needed to write into it. */
export interface WritableDirectory {
  getFileHandle(
    name: string,
    options?: { create?: boolean },
  ): Promise<{
    createWritable(): Promise<{ write(data: Uint8Array<ArrayBuffer>): Promise<void>; close(): Promise<void>; abort(reason?: unknown): Promise<void> }>
  }>
  removeEntry(name: string): Promise<void>
}

/**
 * A directory of the File System Access API as the target of a chunker: one that showDirectoryPicker({ mode: 'readwrite' })
 * gives, or navigator.storage.getDirectory(). A chunk is empty until it is whole. Rejects with BAD_INPUT where a
 * file is there already, with IO where the browser refuses or the disk is full.
 *
 * @example
 * const directory = await showDirectoryPicker({ mode: 'readwrite' })
 * await createChunker().write(filesOf(event.dataTransfer.items), handleTarget(directory))
 */
export function handleTarget(directory: WritableDirectory): ChunkTarget {
  if (typeof directory?.getFileHandle !== 'function') throw wrongType('directory', 'a FileSystemDirectoryHandle', directory)
  return {
    objects: false,
    async create(name) {
      const failed = (cause: unknown) => {
        throw new MillraceError('IO', `cannot write: ${(cause as Error).message}`, { position: { source: name }, cause })
      }
      const there = await directory.getFileHandle(name).catch((error: Error) => (error.name === 'NotFoundError' ? undefined : failed(error)))
      if (there) throw taken(name)
      const discard = () => directory.removeEntry(name).catch(() => {})
      const file = await directory.getFileHandle(name, { create: true }).catch(failed)
      const writable = await file.createWritable().catch(async (error) => {
        await discard()
        return failed(error)
      })
      return {
        // in the core's own memory, which is never shared
        write: (data) => writable.write(data as Uint8Array<ArrayBuffer>).catch(failed),
        finish: () => writable.close().catch(failed),
        async discard() {
          await writable.abort().catch(() => {})
          await discard()
        },
      }
    },
  }
}

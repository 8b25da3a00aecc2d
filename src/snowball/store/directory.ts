// Chunks as files of a directory: under a temporary name until they are whole and on the device.
import { MillraceError } from '../../errors.js'
import type { FileReader, FileWriter, Sha256, Storage, ThreadStorage } from '../../ports/ports.js'
import { hex } from '../digest.js'
import { join } from '../paths.js'
import type { ChunkSink, ChunkStore } from './store.js'

const failure = (source: string) => (cause: unknown) => {
  throw new MillraceError('IO', `cannot write: ${(cause as Error).message}`, { position: { source }, cause })
}

const temporary = (path: string) => `${path}.tmp`

/** Writes the file under its temporary name; publish() is to follow, which flushes it unless `sync` says that it is to be here. */
export async function createTemporary(storage: ThreadStorage, path: string, sync: boolean): Promise<ChunkSink> {
  const name = temporary(path)
  const failed = failure(name)
  const file: FileWriter = await storage.create(name).catch(failed)
  let back: FileReader | undefined
  return {
    write: (data) => file.write(data).catch(failed),
    async read(target, at) {
      back ??= await storage.open(name).catch(failed)
      return back.read(target, at).catch(failed)
    },
    async finish() {
      await back?.close()
      if (sync) await file.sync().catch(failed)
      await file.close().catch(failed)
    },
    async discard() {
      await back?.close().catch(() => {})
      await file.close().catch(() => {})
      // What went wrong before is what matters; the next run clears up.
      await storage.remove(name).catch(() => {})
    },
  }
}

export interface DirectoryStore extends ChunkStore {
  readonly path: string
  publish(name: string): Promise<void>
  /** Clears up behind a thread that was ended. */
  discard(name: string): Promise<void>
}

/** `sync` false: what is finished survives the end of the process, but not one of the machine. */
export function directoryStore(storage: Storage, directory: string, sha256: Sha256, sync: boolean): DirectoryStore {
  return {
    path: directory,
    objects: false,
    create: (name) => createTemporary(storage, join(directory, name), sync && !storage.syncFile),
    async publish(name) {
      const path = join(directory, name)
      const failed = failure(path)
      if (sync) await storage.syncFile?.(temporary(path)).catch(failed)
      await storage.rename(temporary(path), path).catch(failed)
      if (sync) await storage.syncDirectory(directory).catch(failed)
    },
    discard: (name) => storage.remove(temporary(join(directory, name))).catch(() => {}),
    async has(entry) {
      if (entry.type !== 'chunk') return false
      const file = await storage.open(join(directory, entry.chunk)).catch(() => undefined)
      if (!file) return false
      try {
        if ((await file.stat()).size !== entry.bytes) return false
        const hash = sha256()
        const piece = new Uint8Array(1 << 20)
        for (let at = 0; ; ) {
          const got = await file.read(piece, at)
          if (got === 0) break
          hash.update(piece.subarray(0, got))
          at += got
        }
        return hex(hash.digest()) === entry.sha256
      } catch {
        // one that cannot be read is made again
        return false
      } finally {
        await file.close()
      }
    },
    async remove(entry) {
      if (entry.type === 'chunk') await storage.remove(join(directory, entry.chunk))
    },
  }
}
